//! Ten thousand clients that are broken or malicious: each hears an error or is hung up on, and none
//! of them leaves anything behind.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;

use bigchaindb_rethinkdb::wire::frame::Header;
use bigchaindb_rethinkdb::wire::handshake::Version;

use super::{Fixture, handshake};

/// Small numbers that are the same in every run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^ (number >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one<'a, T: ?Sized>(&mut self, among: &[&'a T]) -> &'a T {
        among[self.below(among.len())]
    }

    /// Takes some bytes away, changes some, puts some in.
    fn spoil(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(3) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes.truncate(at),
                1 => bytes[at] = self.next().to_le_bytes()[0],
                2 => bytes.insert(at, self.one(&[b"\0", b"[", b"\"", b"{", b"9", b"\xff"])[0]),
                _ => {
                    let to = at + self.below(bytes.len() - at);
                    bytes.drain(at..to);
                }
            }
        }
    }

    /// Something that resembles a query.
    fn query(&mut self) -> Vec<u8> {
        let mut text = String::new();
        for _ in 0..self.below(12) {
            text.push_str(self.one(&PIECES));
        }
        let mut bytes = match self.below(4) {
            0 => text.into_bytes(),
            1 => format!("[{},{text}]", self.below(7)).into_bytes(),
            _ => format!("[1,[{},[{text}]],{{}}]", self.below(200)).into_bytes(),
        };
        if self.below(3) == 0 {
            self.spoil(&mut bytes);
        }
        bytes
    }

    fn frame(&mut self) -> Vec<u8> {
        let query = self.query();
        let length = match self.below(10) {
            0 => u32::try_from(self.below(100)).unwrap(),
            1 => u32::MAX - u32::try_from(self.below(1000)).unwrap(),
            _ => u32::try_from(query.len()).unwrap(),
        };
        let token = self.next() % 5;
        [&Header { token, length }.encode()[..], &query].concat()
    }
}

/// What queries are made of.
const PIECES: [&str; 18] = [
    "[",
    "]",
    "{",
    "}",
    ",",
    "1",
    "-1",
    "1e400",
    "null",
    "true",
    "\"a\"",
    "\"\\ud800\"",
    "[2,[1,2,3]]",
    "[173,[10]]",
    "[10,[1]]",
    "[69,[[2,[1]],[10,[1]]]]",
    "\"$reql_type$\":\"TIME\"",
    "[15,[\"t\"]]",
];

#[test]
fn ten_thousand_broken_clients() {
    const CLIENTS: u64 = 10_000;
    let fixture = Fixture::new();
    let mut honest = fixture.connect();
    let (mut told, mut hung_up_on) = (0, 0);
    for seed in 0..CLIENTS {
        let mut chance = Chance(seed);
        let mut stream = fixture.dial();
        let version = [Version::V0_3, Version::V0_4, Version::V1_0][chance.below(3)];
        let mut bytes = handshake(version, "admin", "").1;
        if version == Version::V1_0 || chance.below(3) == 0 {
            chance.spoil(&mut bytes);
        }
        for _ in 0..chance.below(6) {
            bytes.extend(chance.frame());
        }
        // A server that has hung up takes nothing more.
        let _hung_up = stream.write_all(&bytes).and_then(|()| stream.shutdown(Shutdown::Write));
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) if !answer.is_empty() => told += 1,
            _ => hung_up_on += 1,
        }
        if seed % 1000 == 0 {
            assert_eq!(honest.ask(seed, "[1,5]"), "{\"t\":1,\"r\":[5]}");
        }
    }
    // Both happen, or the clients are not as broken as they should be.
    assert!(told > CLIENTS / 10 && hung_up_on > CLIENTS / 100, "{told} {hung_up_on}");
    drop(honest);
    fixture.settle();
}
