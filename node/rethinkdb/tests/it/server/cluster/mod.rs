//! Several servers that are one cluster, as clients see them, in real time: what goes wrong goes wrong
//! through the table `harms`.
//!
//! Delays are shorter than RethinkDB's, and none is asserted: only what comes after what.

mod failover;
mod harms;
mod layout;

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use bigchaindb_rethinkdb::Database;
use bigchaindb_rethinkdb::cluster::Timing;
use bigchaindb_rethinkdb::server::{Server, ServerOptions};
use bigchaindb_rethinkdb::wire::handshake::Version;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Client, PATIENCE, handshake};

/// A cluster of servers s1, s2 and so on.
struct Cluster {
    runtime: Runtime,
    servers: Vec<Server>,
}

/// Everything in its order, and soon.
fn quick() -> Timing {
    Timing {
        silence_us: 4_000_000,
        election_us: 300_000,
        election_after_silence_us: 200_000,
        restart_us: 1_500_000,
        take_over_after_start_us: 200_000,
        take_over_us: 200_000,
        ..Timing::default()
    }
}

impl Cluster {
    fn new(servers: usize) -> Self {
        Self::over(Database::in_memory(), servers)
    }

    fn over(database: Database, servers: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
        let options = (1..=servers).map(|number| ServerOptions {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            name: format!("s{number}"),
            ..ServerOptions::default()
        });
        let servers = Server::bind_cluster(database, options.collect(), quick());
        let servers = runtime.block_on(servers).unwrap();
        Self { runtime, servers }
    }

    /// With a table `t` of three replicas, whose primary is s1.
    fn with_table() -> Self {
        let cluster = Self::new(3);
        let made = cluster.connect(1).ask(1, "[1,[60,[\"t\"],{\"replicas\":3}]]");
        assert!(made.contains("\"primary_replica\":\"s1\""), "{made}");
        cluster
    }

    fn dial(&self, server: usize) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(self.servers[server - 1].local_addr())?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    fn connect(&self, server: usize) -> Client {
        Client::new(self.dial(server).unwrap(), handshake(Version::V1_0, "admin", "")).unwrap()
    }

    fn shutdown(self) {
        for server in self.servers {
            self.runtime.block_on(server.shutdown());
        }
    }
}

impl Client {
    /// A query's only value, or its failure.
    fn value(&mut self, term: &str) -> Result<Value, Failure> {
        let text = self.ask(1, &format!("[1,{term}]"));
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        match answer["t"].as_u64() {
            Some(1) => Ok(answer["r"][0].take()),
            Some(2) => Ok(answer["r"].take()),
            _ => Err(Failure {
                class: answer["e"].as_u64().unwrap_or_default(),
                text: answer["r"][0].as_str().unwrap().to_owned(),
            }),
        }
    }

    /// What becomes of a query, in short: see [`Failure::short`].
    fn outcome(&mut self, term: &str) -> String {
        match self.value(term) {
            Ok(value) if value["errors"].as_u64().is_some_and(|errors| errors > 0) => {
                panic!("{term}: {value}")
            }
            Ok(_) => "ok".to_owned(),
            Err(failure) => failure.short(),
        }
    }

    /// Asks again and again until it is so; what came before that, each once as long as it lasted.
    fn until(&mut self, wanted: &str, mut term: impl FnMut() -> String) -> Vec<String> {
        let mut seen: Vec<String> = Vec::new();
        for _ in 0..PATIENCE.as_millis() / 5 {
            let outcome = self.outcome(&term());
            if outcome == wanted {
                return seen;
            }
            if seen.last() != Some(&outcome) {
                seen.push(outcome);
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        panic!("never {wanted}: {seen:?}");
    }

    fn harm(&mut self, id: &str, fields: &str) {
        let row = format!("{{\"id\":\"{id}\",{fields}}}");
        assert_eq!(self.outcome(&format!("[56,[{HARMS},{row}]]")), "ok", "{row}");
    }

    fn mend(&mut self, id: &str) {
        let stats = self.value(&format!("[54,[[16,[{HARMS},\"{id}\"]]]]")).unwrap();
        assert_eq!(stats["deleted"], 1);
    }
}

const HARMS: &str = "[15,[[14,[\"rethinkdb\"]],\"harms\"]]";
const TABLE: &str = "[15,[\"t\"]]";

/// A text in an array is a value only in this way.
fn names(servers: &str) -> String {
    let quoted: Vec<_> = servers.split(' ').map(|name| format!("\"{name}\"")).collect();
    format!("[2,[{}]]", quoted.join(","))
}

fn insert(id: &str) -> String {
    format!("[56,[{TABLE},{{\"id\":\"{id}\"}}]]")
}

fn get(id: &str) -> String {
    format!("[16,[{TABLE},\"{id}\"]]")
}

fn get_by(mode: &str, id: &str) -> String {
    format!("[16,[[15,[\"t\"],{{\"read_mode\":\"{mode}\"}}],\"{id}\"]]")
}

/// Why a query fails.
#[derive(Debug)]
struct Failure {
    class: u64,
    text: String,
}

impl Failure {
    /// The letter that the text has in the specification, with a question mark if nobody knows what
    /// became of the write.
    fn short(&self) -> String {
        let reasons = [
            ("lost contact with primary replica", "a"),
            ("primary replica for shard [\"\", +inf) not available", "b"),
            ("isn't connected to a quorum of replicas. The write was not performed.", "c"),
            ("isn't connected to a quorum of replicas. The read was not performed,", "c"),
            ("The write was not performed. This error should go away", "d"),
            ("too many primary replicas available", "e"),
            ("lost contact with the secondary replicas. The write may or may not", "f"),
        ];
        let reason = reasons.iter().find(|(text, _)| self.text.contains(text));
        match (reason, self.class) {
            (Some((_, letter)), 4_100_000) => (*letter).to_owned(),
            (Some((_, letter)), 4_200_000) => format!("{letter}?"),
            _ => format!("{} {}", self.class, self.text),
        }
    }
}

/// Whether some came in this order, each at most once, none else in between.
#[track_caller]
fn assert_in_order(seen: &[String], order: &str) {
    let mut order = order.split(' ');
    for outcome in seen {
        assert!(order.any(|next| next == outcome), "{outcome} is out of order: {seen:?}");
    }
}
