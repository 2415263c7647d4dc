//! Ten thousand malformed handshakes, as many frames that are no queries, and as many queries that mean
//! nothing: each is answered or hung up on, nothing panics, and nothing of them stays in memory.
//!
//! Everything is said three times. What the server keeps for later it has after the first; so whatever
//! it has more after the third is kept of each one, and each is large enough for that to show. An allocator
//! takes more whenever more threads work at once, until each of them has had its share; what is kept of
//! each one never stops growing.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};

use bigchaindb_rethinkdb::wire::handshake::Version;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::client::Client;
use crate::program::Process;

/// Of each kind.
const MANY: u64 = 10_000;

/// About so many bytes each; a handshake has at most 2 KiB.
const BYTES: usize = 8 << 10;
const HANDSHAKE_BYTES: usize = 2 << 10;

/// So much the server may have more two times later: a fraction of all that was said.
const MORE_MAX_KIB: u64 = 2 << 10;

/// If it has more than that, so often all is said at most: on a busy machine it took an allocator over five.
const TIMES_MAX: u64 = 30;

/// Frames and queries on one connection.
const ON_ONE_LINE: u64 = 100;

type Say = fn(SocketAddr, &mut Chance);

#[test]
fn nonsense_is_answered_and_forgotten() {
    let kinds: [(&str, Say); 3] =
        [("handshakes", handshakes), ("frames", frames), ("queries", queries)];
    let process = Process::in_memory();
    let mut honest = process.connect();
    for (kind, say) in kinds {
        let mut resident = Vec::new();
        for seed in 0..TIMES_MAX {
            say(process.address(), &mut Chance::new(seed, 0));
            assert_eq!(honest.ask(&json!([24, [1, 1]])).unwrap(), json!(2));
            resident.push(process.resident_kib());
            if stands(&resident) {
                break;
            }
        }
        println!("{kind}: after each {MANY}, KiB: {resident:?}");
        assert!(stands(&resident), "{kind}: it grows every time: {resident:?} KiB");
    }
    assert_eq!(process.last_words(), "");
}

fn stands(resident: &[u64]) -> bool {
    matches!(resident, [.., before, _, now] if *now < before + MORE_MAX_KIB)
}

fn handshakes(address: SocketAddr, chance: &mut Chance) {
    for _ in 0..MANY {
        let mut stream = TcpStream::connect(address).unwrap();
        let version = match chance.below(4) {
            0 => u32::try_from(chance.below(1 << 32)).unwrap(),
            1 => Version::V0_3.magic(),
            2 => Version::V0_4.magic(),
            _ => Version::V1_0.magic(),
        };
        let mut said = version.to_le_bytes().to_vec();
        let start = [
            &b"{\"protocol_version\":0,\"authentication_method\":\"SCRAM-SHA-256\""[..],
            b"{\"protocol_version\":0,\"authentication_method\":\"SCRAM-SHA-256\",\
              \"authentication\":\"n,,n=admin,r=a\"}\0{\"authentication\":\"c=biws",
            b"\xff\x07\x00\x00",
            b"",
        ][chance.place(4)];
        said.extend(start);
        said.extend(garbage(chance, HANDSHAKE_BYTES));
        // A server that has hung up takes nothing more, and may take back what it said.
        let _hung_up = stream.write_all(&said).and_then(|()| stream.shutdown(Shutdown::Write));
        let _taken_back = stream.read_to_end(&mut Vec::new());
    }
}

fn frames(address: SocketAddr, chance: &mut Chance) {
    for _ in 0..MANY / ON_ONE_LINE {
        let mut client = Client::connect(address).unwrap();
        for _ in 0..ON_ONE_LINE {
            let text = match chance.below(3) {
                0 => garbage(chance, BYTES),
                1 => format!("[1,{}", query(chance)).into_bytes(),
                _ => format!("[{},{}]", 6 + chance.below(9), query(chance)).into_bytes(),
            };
            let answer = client.exchange(&text).unwrap();
            assert_eq!(answer["t"], 16, "{answer}");
        }
    }
}

fn queries(address: SocketAddr, chance: &mut Chance) {
    for _ in 0..MANY / ON_ONE_LINE {
        let mut client = Client::connect(address).unwrap();
        for _ in 0..ON_ONE_LINE {
            let text = format!("[1,{}]", query(chance));
            let answer = client.exchange(text.as_bytes()).unwrap();
            let kind = answer["t"].as_u64().unwrap();
            assert!([1, 2, 3, 16, 17, 18].contains(&kind), "{text}: {answer}");
            assert_ne!(answer["e"], 1_000_000, "a failure of the server's own: {text}: {answer}");
        }
    }
}

/// Any bytes, but for zeros.
fn garbage(chance: &mut Chance, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|_| chance.next().to_le_bytes()[0].max(1)).collect()
}

/// A term with arguments that hardly fit, and somewhere a long text.
fn query(chance: &mut Chance) -> String {
    json!([code(chance), [term(chance, 4), "x".repeat(BYTES)]]).to_string()
}

fn term(chance: &mut Chance, depth: u32) -> Value {
    if depth == 0 {
        return match chance.below(8) {
            0 => Value::Null,
            1 => json!(chance.below(2) == 0),
            2 => json!("a"),
            3 => json!([10, [1]]),
            4 => json!([15, ["t"]]),
            5 => json!({"$reql_type$": "TIME", "epoch_time": "a"}),
            6 => json!(-1.5),
            _ => json!(chance.below(50)),
        };
    }
    let arguments: Vec<_> = (0..chance.below(4)).map(|_| term(chance, depth - 1)).collect();
    match chance.below(5) {
        0 => json!({"a": term(chance, depth - 1)}),
        1 => json!([69, [[2, [1]], term(chance, depth - 1)]]),
        2 => json!([2, arguments]),
        3 => json!([code(chance), arguments, {"index": "a"}]),
        _ => json!([code(chance), arguments]),
    }
}

/// Any operation, or none, but for those that run for ever (`range`) and those that make databases
/// and tables, which would stay.
fn code(chance: &mut Chance) -> u64 {
    loop {
        let code = chance.below(200);
        if ![57, 60, 173].contains(&code) {
            return code;
        }
    }
}
