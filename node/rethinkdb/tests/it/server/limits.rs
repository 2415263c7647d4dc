//! How much is too much, and what happens then.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use bigchaindb_rethinkdb::server::{LIMITS, Limits};
use bigchaindb_rethinkdb::wire::frame::{self, Header};

use super::{Client, Fixture};

#[test]
fn a_query_that_is_too_large_ends_the_connection() {
    let fixture = Fixture::new();
    for length in [frame::QUERY_BYTES_MAX + 1, u32::MAX] {
        let mut client = fixture.connect();
        client.send(1, "[1,5]");
        client.expect(1, "{\"t\":1,\"r\":[5]}");
        client.0.write_all(&Header { token: 9, length }.encode()).unwrap();
        if length < 1 << 30 {
            let block = vec![b' '; 1 << 20];
            for _ in 0..length >> 20 {
                client.0.write_all(&block).unwrap();
            }
        }
        client.expect(
            9,
            &format!(
                "{{\"t\":16,\"r\":[\"Query size ({length}) greater than maximum (134217727).\"],\
                 \"b\":[]}}"
            ),
        );
        assert_eq!(client.receive(), None);
    }
    fixture.settle();
}

#[test]
fn a_large_query_is_read_to_its_end() {
    let fixture = Fixture::new();
    let mut client = fixture.connect();
    let text = "x".repeat(3 << 20);
    let answer = client.ask(1, &format!("[1,\"{text}\"]"));
    assert_eq!(answer, format!("{{\"t\":1,\"r\":[\"{text}\"]}}"));
    let broken = client.ask(1, &format!("[1,\"{text}"));
    assert_eq!(
        broken,
        "{\"t\":16,\"r\":[\"Client is buggy (failed to deserialize query).\"],\"b\":[]}"
    );
}

#[test]
fn a_connection_has_only_so_many_queries() {
    let fixture = Fixture::with(Limits { queries_of_connection: 3, ..LIMITS });
    let mut client = fixture.connect();
    let stream = "[1,[173,[3]],{\"max_batch_rows\":1}]";
    for token in 1..=3 {
        assert_eq!(client.ask(token, stream), "{\"t\":3,\"r\":[0],\"n\":[]}");
    }
    assert_eq!(
        client.ask(4, stream),
        "{\"t\":18,\"e\":2000000,\"r\":[\"Too many queries of one connection (limit 3).\"],\
         \"b\":[]}"
    );
    client.ask(2, "[3]");
    assert_eq!(client.ask(4, stream), "{\"t\":3,\"r\":[0],\"n\":[]}");
}

#[test]
fn one_connection_too_many_is_closed() {
    let fixture = Fixture::with(Limits { connections: 2, ..LIMITS });
    let mut first = fixture.connect();
    let second = fixture.connect();
    let mut third = fixture.dial();
    assert_eq!(third.read(&mut [0]).unwrap(), 0);
    assert_eq!(first.ask(1, "[1,5]"), "{\"t\":1,\"r\":[5]}");
    drop(second);
    fixture.wait_for(|usage| usage.connections == 1);
    fixture.connect();
}

#[test]
fn whoever_says_nothing_is_not_waited_for() {
    let fixture = Fixture::with(Limits { handshake: Duration::from_millis(20), ..LIMITS });
    let mut silent = fixture.dial();
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
    fixture.settle();
}

/// A client that asks for 400 MB and reads nothing costs as much as its limit says, others notice
/// nothing, and it has it all once it reads.
#[test]
fn a_client_that_does_not_read_is_computed_no_answers() {
    const ANSWERS: u64 = 400;
    const MANY: usize = 300;
    let limits = Limits { unsent_bytes: 2 << 20, threads: 1, threads_of_connection: 2, ..LIMITS };
    let fixture = Fixture::with(limits);
    let mut slow = fixture.connect();
    // About a megabyte each: far more altogether than sockets hold.
    let (copies, text) = (vec!["[10,[1]]"; 100].join(","), "x".repeat(10_000));
    let query = format!("[1,[64,[[69,[[2,[1]],[2,[{copies}]]]],\"{text}\"]]]");
    for token in 0..ANSWERS {
        slow.send(token, &query);
    }
    fixture.wait_for(|usage| usage.queries > MANY);
    // There is one thread, and both take turns with it: whoever were not stopped would have come to
    // its last answer when the other has.
    let mut quick = fixture.connect();
    for token in 0..2 * ANSWERS {
        assert_eq!(quick.ask(token, "[1,5]"), "{\"t\":1,\"r\":[5]}");
    }
    let waiting = fixture.server.usage().queries;
    assert!(waiting > MANY, "only {waiting} queries wait");
    for _ in 0..ANSWERS {
        let (_, answer) = slow.receive().unwrap();
        assert!(answer.starts_with("{\"t\":1,\"r\":[[\"xxx"), "{}", &answer[..100]);
        assert!(answer.len() > 1_000_000);
    }
    drop((slow, quick));
    fixture.settle();
}

#[test]
fn more_requests_than_are_answered_at_once() {
    let fixture = Fixture::new();
    let Client(stream) = fixture.connect();
    let (mut client, mut sender) = (Client(stream.try_clone().unwrap()), Client(stream));
    let sends = std::thread::spawn(move || {
        for token in 0..5000 {
            sender.send(token, if token % 2 == 0 { "[1,5]" } else { "[2]" });
        }
    });
    let mut tokens: Vec<u64> = (0..5000).map(|_| client.receive().unwrap().0).collect();
    tokens.sort_unstable();
    assert!(tokens.into_iter().eq(0..5000));
    sends.join().unwrap();
}
