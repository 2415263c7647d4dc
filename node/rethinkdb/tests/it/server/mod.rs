//! The server as its clients see it: on real sockets, byte for byte.

mod cluster;
mod conversations;
mod feeds;
mod hostile;
mod limits;
mod slow;
mod turns;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use bigchaindb_rethinkdb::Database;
use bigchaindb_rethinkdb::server::{LIMITS, Limits, Server, ServerOptions, Usage};
use bigchaindb_rethinkdb::wire::frame::{self, Header};
use bigchaindb_rethinkdb::wire::handshake::Version;
use bigchaindb_rethinkdb::wire::handshake::client::{ClientHandshake, ClientStep, HandshakeError};
use tokio::runtime::Runtime;

/// A test that hangs should fail: nothing here takes so long.
const PATIENCE: Duration = Duration::from_secs(120);

/// A query that runs for days.
const ENDLESS: &str = "[1,[86,[[39,[[173,[0,1000000000000000]],false]]]],{}]";

/// A server, and the threads it runs on.
struct Fixture {
    runtime: Runtime,
    server: Server,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture::with(LIMITS)
    }

    fn with(limits: Limits) -> Fixture {
        Fixture::over(Database::in_memory(), limits)
    }

    fn over(database: Database, limits: Limits) -> Fixture {
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
        let options = ServerOptions {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            name: "s1".to_owned(),
            users: [("ann".to_owned(), "secret".to_owned())].into(),
            limits,
            ..ServerOptions::default()
        };
        let server = runtime.block_on(Server::bind(database, options)).unwrap();
        Fixture { runtime, server }
    }

    /// A line on which nothing was said yet.
    fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(self.server.local_addr()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    fn connect(&self) -> Client {
        self.connect_in(Version::V1_0)
    }

    fn connect_in(&self, version: Version) -> Client {
        Client::new(self.dial(), handshake(version, "admin", "")).unwrap()
    }

    /// Waits until the server has so much to do.
    fn wait_for(&self, condition: impl Fn(Usage) -> bool) {
        for _ in 0..PATIENCE.as_millis() {
            if condition(self.server.usage()) {
                return;
            }
            // The server says nothing of its own accord.
            std::thread::park_timeout(Duration::from_millis(1));
        }
        panic!("still {:?}", self.server.usage());
    }

    /// Waits until all clients have left and nothing is left of them.
    fn settle(&self) {
        self.wait_for(|usage| usage == Usage::default());
    }

    fn shutdown(self) {
        self.runtime.block_on(self.server.shutdown());
    }
}

fn handshake(version: Version, user: &str, password: &str) -> (ClientHandshake, Vec<u8>) {
    match version {
        Version::V1_0 => ClientHandshake::new(user, password, [7; 18]),
        _ => ClientHandshake::with_key(version, password).unwrap(),
    }
}

/// A client that was let in.
struct Client(TcpStream);

impl Client {
    fn new(
        mut stream: TcpStream,
        (mut handshake, first): (ClientHandshake, Vec<u8>),
    ) -> Result<Client, HandshakeError> {
        stream.write_all(&first).unwrap();
        let mut bytes = [0; 1024];
        loop {
            let arrived = stream.read(&mut bytes).unwrap();
            assert_ne!(arrived, 0, "the server hung up");
            match handshake.receive(&bytes[..arrived])? {
                ClientStep::More(next, send) => {
                    stream.write_all(&send).unwrap();
                    handshake = next;
                }
                ClientStep::Done(connected) => {
                    assert_eq!(connected.rest, b"");
                    return Ok(Client(stream));
                }
            }
        }
    }

    fn send(&mut self, token: u64, query: &str) {
        self.0.write_all(&frame::encode(token, query.as_bytes()).unwrap()).unwrap();
    }

    /// The next answer, whatever it belongs to; none if the server hung up.
    fn receive(&mut self) -> Option<(u64, String)> {
        let mut header = [0; Header::BYTES];
        let arrived = self.0.read(&mut header[..1]).unwrap();
        if arrived == 0 {
            return None;
        }
        self.0.read_exact(&mut header[1..]).unwrap();
        let Header { token, length } = Header::decode(header);
        let mut text = vec![0; length as usize];
        self.0.read_exact(&mut text).unwrap();
        Some((token, String::from_utf8(text).unwrap()))
    }

    #[track_caller]
    fn expect(&mut self, token: u64, answer: &str) {
        assert_eq!(self.receive(), Some((token, answer.to_owned())));
    }

    /// A query's answer, there being no other that could come first.
    #[track_caller]
    fn ask(&mut self, token: u64, query: &str) -> String {
        self.send(token, query);
        let (answered, text) = self.receive().expect("the server hung up");
        assert_eq!(answered, token, "{text}");
        text
    }

    /// Says that nothing more will be asked.
    fn hang_up(self) {
        self.0.shutdown(Shutdown::Both).unwrap();
    }
}
