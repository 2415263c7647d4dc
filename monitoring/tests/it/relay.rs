//! What the relay makes of datagrams, as InfluxDB and files have it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use bigchaindb_monitoring::relay::{Heard, Influxdb, Relay, Sink};
use tokio::sync::oneshot;

use crate::influxdb::{Server, free_port};

/// Everything that nodes send, and something that nobody does.
const DATAGRAMS: [&str; 5] = [
    "bigchaindb.n1.tx.written:3|c\nbigchaindb.n1.tx.written:4|c\nbigchaindb.n1.queue.block:17|g",
    "bigchaindb.n1.vote.latency_ms:10|ms\nbigchaindb.n1.vote.latency_ms:30|ms",
    "n1..write_transaction:0.25|ms|@0.01",
    "_e{5,16}:fault|partition node 0|t:error|#kind:partition,node:node0,run:r1",
    "no metric",
];

/// Has a relay take datagrams; what it heard, and its complaints.
fn relay(sink: Sink) -> (Heard, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let relay = Relay::bind(any, Duration::from_millis(50)).await.unwrap();
        let address = relay.address().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let sending = tokio::task::spawn_blocking(move || {
            let socket = UdpSocket::bind(any).unwrap();
            for datagram in DATAGRAMS {
                socket.send_to(datagram.as_bytes(), address).unwrap();
            }
            std::thread::sleep(Duration::from_millis(300));
            drop(stop);
        });
        let mut complaints = Vec::new();
        let stopped = async { drop(stopped.await) };
        let heard = relay.run(vec![sink], stopped, |trouble| complaints.push(trouble)).await;
        sending.await.unwrap();
        (heard, complaints)
    })
}

#[test]
fn points_are_in_influxdb_as_queries_expect_them() {
    let Some(server) = Server::start() else { return };
    let (heard, complaints) =
        relay(Sink::Influxdb(Box::new(Influxdb::at(&server.target()).unwrap())));
    assert_eq!(heard, Heard { datagrams: 5, lines: 8, malformed: 1, lost: 0 });
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].contains("`no metric`"), "{complaints:?}");
    for (query, row) in [
        ("SELECT sum(value) FROM bigchaindb_tx_written WHERE node = 'n1'", ",7\n"),
        ("SELECT last(value) FROM bigchaindb_queue WHERE stage = 'block'", ",17\n"),
        ("SELECT max(\"99_percentile\") FROM bigchaindb_vote_latency_ms", ",30\n"),
        ("SELECT sum(count) FROM write_transaction WHERE node = 'n1'", ",100\n"),
        ("SELECT text FROM fault WHERE kind = 'partition'", ",partition node 0\n"),
        ("SELECT max(parse_errors) FROM internal_statsd", ",1\n"),
    ] {
        let answer = server.query(query);
        assert!(answer.ends_with(row), "{query}: {answer}");
    }
}

#[test]
fn points_are_lines_of_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (heard, _) = relay(Sink::file(file.path()).unwrap());
    assert_eq!(heard.lines, 8);
    let lines = fs::read_to_string(file.path()).unwrap();
    let begins = |what: &str| lines.lines().filter(|line| line.starts_with(what)).count();
    assert_eq!(begins("bigchaindb_tx_written,metric_type=counter,node=n1 value=7i "), 1);
    assert!(begins("internal_statsd lines_received=8i,parse_errors=1i,") >= 1, "{lines}");
}

#[test]
fn what_no_server_takes_waits_and_is_not_lost() {
    let nobody = format!("http://127.0.0.1:{}/telegraf", free_port());
    let (heard, complaints) = relay(Sink::Influxdb(Box::new(Influxdb::at(&nobody).unwrap())));
    assert_eq!(heard.lost, 0);
    assert_eq!(complaints.len(), 2, "one about a line, one about the server: {complaints:?}");
}

#[test]
fn what_has_come_before_the_end_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("points");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let heard = runtime.block_on(async {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let relay = Relay::bind(any, Duration::from_secs(60)).await.unwrap();
        let socket = UdpSocket::bind(any).unwrap();
        for _ in 0..100 {
            let line = b"bigchaindb.n1.tx.written:3|c";
            socket.send_to(line, relay.address().unwrap()).unwrap();
        }
        relay.run(vec![Sink::file(&file).unwrap()], async {}, |trouble| panic!("{trouble}")).await
    });
    assert_eq!((heard.datagrams, heard.malformed), (100, 0));
    let points = fs::read_to_string(&file).unwrap();
    assert!(points.contains("bigchaindb_tx_written") && points.contains("value=300i"), "{points}");
}
