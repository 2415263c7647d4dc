//! Thousands of connections at once, most of them idle or slow: the others are served.
//!
//! Each connection is an open file, here and in the node. The node raises its soft limit by itself;
//! what it needs is a hard limit (`ulimit -Hn`) of its connections and some. So does this test.

use std::net::SocketAddr;

use bigchaindb_core::model::Keypair;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::exchange::{Reply, Request};
use crate::program::{Serving, embedded_with};
use crate::support::{Clients, PATIENCE, create};

/// Connections at once.
const CONNECTIONS: usize = 2_000;

/// Open files of this process for these, and for the other tests in it.
const FILES: u64 = 4_000;

fn raise_own_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < FILES) {
        let limit = Rlimit { current: Some(FILES), maximum };
        setrlimit(Resource::Nofile, limit).expect("`ulimit -Hn` has to be 4000 or more");
    }
}

/// A connection that says nothing, or not enough.
async fn idle(address: SocketAddr, number: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let whole = Request::post(create(&Keypair::from_seed([20; 32]), "slow")).bytes();
    let told = [0, 10, whole.len() - 1][number % 3];
    stream.write_all(&whole[..told]).await.unwrap();
    stream
}

#[tokio::test]
async fn the_others_are_served() {
    raise_own_limit();
    let home = tempfile::tempdir().unwrap();
    // The node is started with far fewer files than it needs.
    let mut node = Serving::start(embedded_with(home.path(), "-Sn 256"));
    let address = node.api();
    let mut idlers = Vec::new();
    for number in 0..CONNECTIONS / 2 {
        idlers.push(idle(address, number).await);
    }
    let alice = Keypair::from_seed([20; 32]);
    let mut busy = Vec::new();
    for _ in 0..CONNECTIONS / 2 {
        busy.push(TcpStream::connect(address).await.unwrap());
    }
    // All are open before the first of them asks.
    for (number, stream) in busy.iter_mut().enumerate() {
        let request = match number % 10 {
            0 => Request::post(create(&alice, &number.to_string())),
            _ => Request::new("GET", "/"),
        };
        stream.write_all(&request.bytes()).await.unwrap();
    }
    for (number, stream) in busy.iter_mut().enumerate() {
        let reply = tokio::time::timeout(PATIENCE, Reply::read(stream)).await.unwrap().unwrap();
        assert_eq!(reply.status, if number % 10 == 0 { 201 } else { 200 }, "{reply:?}");
    }
    Clients::new(&[address]).create(0, &alice, "after").await;
    assert!(node.is_running() && idlers.len() == CONNECTIONS / 2);
    drop(idlers);
    assert_eq!(node.stop(), 0);
}

/// Where the limit cannot be raised, there are fewer connections, and whoever has to wait is served
/// when one of them ends.
#[tokio::test]
async fn a_low_limit_is_kept_to() {
    let home = tempfile::tempdir().unwrap();
    let log = home.path().join("log");
    let mut command = embedded_with(home.path(), "-n 300");
    command.stderr(std::fs::File::create(&log).unwrap());
    let node = Serving::start(command);
    let address = node.api();
    let mut idlers = Vec::new();
    for _ in 0..100 {
        idlers.push(TcpStream::connect(address).await.unwrap());
    }
    let waiting = Request::new("GET", "/");
    let waiting = waiting.send(address);
    let leaving = async { drop(idlers) };
    let (reply, ()) = tokio::join!(waiting, leaving);
    assert_eq!(reply.status, 200);
    let log = std::fs::read_to_string(&log).unwrap();
    assert!(log.contains("44 connections at most, instead of 8192"), "{log}");
    assert_eq!(node.stop(), 0);
}
