//! Clients that stop in the middle of what they say, wherever that is: nobody waits for them, and they
//! are answered like all others once they go on.

use std::io::Write as _;
use std::net::TcpStream;

use bigchaindb_rethinkdb::wire::frame;
use bigchaindb_rethinkdb::wire::handshake::Version;

use super::{Client, Fixture, handshake};

/// Far more than the server has threads.
const CLIENTS: usize = 300;

/// A client, and what it has not yet said.
struct Slow {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Slow {
    /// Says the first bytes of something.
    fn new(mut stream: TcpStream, all: &[u8], first: usize) -> Self {
        let (said, rest) = all.split_at(first);
        stream.write_all(said).unwrap();
        Self { stream, rest: rest.to_vec() }
    }

    /// One byte more; whether there are others.
    fn go_on(&mut self) -> bool {
        if !self.rest.is_empty() {
            self.stream.write_all(&[self.rest.remove(0)]).unwrap();
        }
        !self.rest.is_empty()
    }
}

#[test]
fn clients_that_stop_in_the_middle_hold_up_nobody() {
    let fixture = Fixture::new();
    let mut quick = fixture.connect();
    let query = frame::encode(7, b"[1,5]").unwrap();
    // Without users a client is let in by one message, so that all of it can be said beforehand.
    let welcome = handshake(Version::V0_4, "admin", "").1;
    let all = [&welcome[..], &query].concat();
    let mut slow = Vec::new();
    for number in 0..CLIENTS {
        slow.push(Slow::new(fixture.dial(), &all, number % all.len()));
        if number % 10 == 0 {
            assert_eq!(quick.ask(1, "[1,6]"), "{\"t\":1,\"r\":[6]}");
        }
    }
    fixture.wait_for(|usage| usage.connections == CLIENTS + 1);
    loop {
        let unfinished = slow.iter_mut().map(Slow::go_on).filter(|more| *more).count();
        assert_eq!(quick.ask(2, "[1,7]"), "{\"t\":1,\"r\":[7]}");
        if unfinished == 0 {
            break;
        }
    }
    for Slow { mut stream, .. } in slow {
        let mut said = Vec::new();
        while !said.ends_with(b"\0") {
            let mut byte = [0];
            std::io::Read::read_exact(&mut stream, &mut byte).unwrap();
            said.push(byte[0]);
        }
        assert_eq!(said, b"SUCCESS\0");
        Client(stream).expect(7, "{\"t\":1,\"r\":[5]}");
    }
    drop(quick);
    fixture.settle();
}

/// What a header promises costs nothing until it comes.
#[test]
fn large_promises_hold_up_nobody() {
    let fixture = Fixture::new();
    let mut quick = fixture.connect();
    let length = frame::QUERY_BYTES_MAX;
    let slow: Vec<_> = (0..CLIENTS)
        .map(|token| {
            let mut client = fixture.connect();
            let token = token as u64;
            client.0.write_all(&frame::Header { token, length }.encode()).unwrap();
            client.0.write_all(b"[1,\"xxx").unwrap();
            client
        })
        .collect();
    assert_eq!(quick.ask(1, "[1,6]"), "{\"t\":1,\"r\":[6]}");
    drop((slow, quick));
    fixture.settle();
}
