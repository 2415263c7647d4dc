//! The store of a run: servers in processes of their own, and what befalls them.
//!
//! The embedded store is one process, whatever number of servers it has: what goes wrong between those
//! is a row of its table `harms`. RethinkDB is a process for each server, joined into a cluster. Not
//! here: the tables, which a node's command line makes (`nodes`), who follows them (`observer`).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bigchaindb::store::rethinkdb::term::Durability;
use bigchaindb::store::rethinkdb::{Client, Error, Limits, Options, Tcp, Term};
use bigchaindb_core::model::{Json, Object};
use rustix::process::Pid;
use tokio::time::{sleep, timeout};

use super::ApartError;
use super::ground::{DRIVER_PORT, Ground};
use super::means::{self, Programs};
use super::processes::{Ear, Process, Program};
use super::run_id::RunId;
use super::used::Used;
use crate::plan::{Direction, Engine, Fault, FaultKind, How, Plan, Store as Planned};

/// How long a server may take until drivers can connect.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// How long a server may take to end in an orderly way.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// How long an answer of a server may take, of one that is well.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// After an attempt to connect has failed, the next one may be made so much later.
const CONNECT_AGAIN: Duration = Duration::from_millis(20);

/// The port on which RethinkDB's servers talk with each other.
const CLUSTER_PORT: u16 = 29015;

/// The servers of a run.
pub(super) struct Store {
    processes: Vec<(Program, Option<Process>)>,
    servers: Vec<SocketAddr>,
    ear: Ear,
    /// What processes have used that are gone.
    used: Used,
    /// Servers that do not answer at the moment, by our hand.
    harmed: BTreeSet<usize>,
}

impl Store {
    /// Starts the servers, and waits until each of them answers.
    pub(super) async fn start(
        plan: &Plan,
        ground: &Ground,
        folder: &Path,
        programs: &Programs,
        run: &RunId,
        ear: Ear,
    ) -> Result<Self, ApartError> {
        let (starts, servers) = match plan.store.engine {
            Engine::Embedded => embedded(plan, ground, folder, programs, run),
            Engine::Rethinkdb => rethinkdb(plan, ground, folder, run)?,
        };
        let (processes, used, harmed) = (Vec::new(), Used::default(), BTreeSet::new());
        let mut store = Self { processes, servers, ear, used, harmed };
        for program in starts {
            let process = program.start(store.ear.clone()).map_err(ApartError::Start)?;
            store.processes.push((program, Some(process)));
            // Those that join look for the first one.
            let first = store.servers[0];
            store.is_ready(first).await?;
        }
        for server in store.servers.clone() {
            store.is_ready(server).await?;
        }
        Ok(store)
    }

    async fn is_ready(&mut self, server: SocketAddr) -> Result<(), ApartError> {
        let ready = async {
            while serves(server, ANSWER_WITHIN).await.is_err() {
                for (program, process) in &mut self.processes {
                    if let Some(status) = process.as_mut().and_then(Process::ended) {
                        return Err(program.last_words(status));
                    }
                }
                sleep(ASK_EVERY).await;
            }
            Ok(())
        };
        let in_time = timeout(READY_WITHIN, ready).await;
        let late = |_| io::Error::other(format!("{server} does not answer"));
        in_time.map_err(late).flatten().map_err(ApartError::Store)
    }

    /// The server that a node asks: round and round, as in the plan's model.
    pub(super) fn server_of(&self, node: usize) -> SocketAddr {
        self.servers[node % self.servers.len()]
    }

    /// The machine that a node's server is on, and where it is reached.
    pub(super) fn machine_of(&self, node: usize) -> (usize, SocketAddr) {
        let server = node % self.servers.len();
        (server.min(self.processes.len() - 1), self.servers[server])
    }

    /// A client of the server that a node asks.
    pub(super) fn client_of(&self, node: usize) -> Client {
        client(self.server_of(node), ANSWER_WITHIN)
    }

    /// A client for each server.
    pub(super) fn clients(&self) -> Vec<Client> {
        self.servers.iter().map(|server| client(*server, ANSWER_WITHIN)).collect()
    }

    /// A fault meets a server, or all; by which signs it is known.
    pub(super) async fn harm(&mut self, fault: &Fault, server: usize) -> io::Result<Vec<Sign>> {
        if self.processes.len() < self.servers.len() {
            return self.wish(fault, server).await;
        }
        let (_, process) = &mut self.processes[server];
        let Some(running) = process else { return Ok(Vec::new()) };
        let (address, pid) = (self.servers[server], running.pid());
        match fault.kind {
            FaultKind::StorePause => {
                running.pause();
                Ok(vec![Sign::Moves(pid), Sign::Serves(address)])
            }
            FaultKind::StoreKill | FaultKind::StoreRestart => {
                let running = process.take().expect("it was looked at just now");
                self.used.add(match fault.kind {
                    FaultKind::StoreKill => running.kill().await,
                    _ => running.stop(STOP_WITHIN).await,
                });
                Ok(vec![Sign::Moves(pid), Sign::Serves(address)])
            }
            _ => Err(cannot(fault)),
        }
    }

    /// A server is as before; by which signs it is known.
    pub(super) async fn mend(&mut self, fault: &Fault, server: usize) -> io::Result<Vec<Sign>> {
        if self.processes.len() < self.servers.len() {
            return self.take_back(fault, server).await;
        }
        let (program, process) = &mut self.processes[server];
        match process {
            Some(running) => running.resume(),
            None => *process = Some(program.start(self.ear.clone())?),
        }
        Ok(vec![Sign::Serves(self.servers[server])])
    }

    /// Lets something go wrong between the servers of an embedded cluster.
    async fn wish(&mut self, fault: &Fault, server: usize) -> io::Result<Vec<Sign>> {
        let ids = self.ids(fault, server);
        let wishes = wishes(fault, server, self.servers.len()).ok_or_else(|| cannot(fault))?;
        let takes = fault.kind != FaultKind::StorePartition;
        let mut signs = Vec::new();
        for (id, wish) in ids.iter().zip(wishes) {
            let row = Term::value(&with_id(wish, id));
            self.ask(&harms().insert(row, Durability::Hard), server).await?;
            if !takes {
                signs.push(Sign::Harms(self.others(server), id.clone()));
            }
        }
        if takes {
            self.harmed.insert(server);
            signs.push(Sign::Serves(self.servers[server]));
        }
        Ok(signs)
    }

    async fn take_back(&mut self, fault: &Fault, server: usize) -> io::Result<Vec<Sign>> {
        let mut signs = Vec::new();
        for id in self.ids(fault, server) {
            self.ask(&harms().get(id.as_str()).delete(Durability::Hard), server).await?;
            if fault.kind == FaultKind::StorePartition {
                signs.push(Sign::Harms(self.others(server), id));
            }
        }
        if fault.kind != FaultKind::StorePartition {
            self.harmed.remove(&server);
            signs.push(Sign::Serves(self.servers[server]));
        }
        Ok(signs)
    }

    /// The keys of the rows that a fault is: one for each pair of servers that it keeps apart.
    fn ids(&self, fault: &Fault, server: usize) -> Vec<String> {
        let rows = wishes(fault, server, self.servers.len()).map_or(0, |wishes| wishes.len());
        (0..rows).map(|row| format!("fault-{}-{server}-{row}", fault.number)).collect()
    }

    /// Has a server do something that is well itself.
    async fn ask(&self, term: &Term, server: usize) -> io::Result<()> {
        let mut last = None;
        for other in self.others(server) {
            match client(other, ANSWER_WITHIN).value(term).await {
                Ok(done) if done.get("errors").and_then(Json::as_i64) == Some(0) => return Ok(()),
                Ok(refused) => last = Some(io::Error::other(refused.to_string())),
                Err(error) => last = Some(io::Error::other(error.whole())),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("no server is left to be asked")))
    }

    /// Those that answer, besides one.
    fn others(&self, server: usize) -> Vec<SocketAddr> {
        let all = self.servers.iter().enumerate();
        let well = all.filter(|(index, _)| *index != server && !self.harmed.contains(index));
        well.map(|(_, address)| *address).collect()
    }

    /// Ends all servers in an orderly way; what they have used.
    pub(super) async fn stop(mut self) -> Used {
        for (_, process) in self.processes {
            if let Some(process) = process {
                self.used.add(process.stop(STOP_WITHIN).await);
            }
        }
        self.used
    }
}

/// By what it is known how a server fares.
pub(super) enum Sign {
    /// Its process runs.
    Moves(Pid),
    /// It answers drivers.
    Serves(SocketAddr),
    /// One of these servers says that something is not wrong between servers.
    Harms(Vec<SocketAddr>, String),
}

/// Whether a server speaks ReQL and answers, within a time.
pub(super) async fn serves(server: SocketAddr, patience: Duration) -> Result<(), Error> {
    let client = client(server, patience);
    let answer = timeout(patience, client.value(&Term::db_list())).await;
    answer.map_err(|_| Error::TimedOut { ms: patience.as_millis() })?.map(drop)
}

/// Whether a row of the table of harms is there; an error if nobody says.
pub(super) async fn is_harmed(servers: &[SocketAddr], id: &str) -> Result<bool, Error> {
    let mut answer = Err(Error::NotSent("no server is left to be asked".to_owned()));
    for server in servers {
        answer = client(*server, ANSWER_WITHIN).read_value(&harms().get(id)).await;
        if answer.is_ok() {
            break;
        }
    }
    answer.map(|row| !row.is_null())
}

fn client(server: SocketAddr, query_timeout: Duration) -> Client {
    let tcp = Tcp { host: server.ip().to_string(), port: server.port(), tls: None };
    let limits =
        Limits { backoff: CONNECT_AGAIN, backoff_most: CONNECT_AGAIN, ..Limits::default() };
    Client::new(tcp, Options { query_timeout, ..Options::default() }, limits)
}

fn harms() -> Term {
    Term::database("rethinkdb").table_of("harms")
}

fn cannot(fault: &Fault) -> io::Error {
    io::Error::other(format!("this store cannot do the fault `{}`", fault.kind.nature().name))
}

/// The first fault with which no server is left that runs.
pub(super) fn takes_the_last(plan: &Plan) -> Option<&Fault> {
    let takes = |fault: &&Fault| {
        matches!(
            fault.kind,
            FaultKind::StoreKill
                | FaultKind::StoreRestart
                | FaultKind::StorePause
                | FaultKind::PowerLoss
        )
    };
    let taken_at = |moment: u64| {
        let holds = |fault: &&Fault| (fault.at_us..=fault.until_us).contains(&moment);
        let taken: BTreeSet<usize> = plan
            .faults
            .iter()
            .filter(takes)
            .filter(holds)
            .flat_map(|fault| fault.servers.iter().copied())
            .collect();
        taken.len()
    };
    let all = plan.store.servers as usize;
    plan.faults.iter().filter(takes).find(|fault| taken_at(fault.at_us) >= all)
}

/// The rows of the table `harms` that are a fault of a server; none if there are no such rows.
fn wishes(fault: &Fault, server: usize, all: usize) -> Option<Vec<Object>> {
    let name = |server: usize| Json::from(Planned::server_name(server));
    let kind = match fault.kind {
        FaultKind::StoreKill => "kill",
        FaultKind::StoreRestart => "stop",
        FaultKind::StorePause => "pause",
        FaultKind::PowerLoss => "power-loss",
        FaultKind::StorePartition => {
            let How::Apart { form, direction } = fault.how else { return None };
            let apart = form.apart(&fault.servers, all).into_iter();
            let row = |(one, other): (usize, usize)| {
                let (of, from) = match direction {
                    Direction::In => (other, one),
                    Direction::Out | Direction::Both => (one, other),
                };
                let mut row = Object::new();
                row.insert("kind", Json::from("partition"));
                row.insert("of", Json::Array(vec![name(of)]));
                row.insert("from", Json::Array(vec![name(from)]));
                row.insert("oneway", Json::Bool(direction != Direction::Both));
                row
            };
            return Some(apart.map(row).collect());
        }
        _ => return None,
    };
    let mut row = Object::new();
    row.insert("kind", Json::from(kind));
    row.insert("server", name(server));
    Some(vec![row])
}

fn with_id(mut row: Object, id: &str) -> Json {
    row.insert("id", Json::from(id));
    row.into()
}

fn embedded(
    plan: &Plan,
    ground: &Ground,
    folder: &Path,
    programs: &Programs,
    run: &RunId,
) -> (Vec<Program>, Vec<SocketAddr>) {
    let (address, count) = (ground.server(0), plan.store.servers);
    let mut arguments: Vec<OsString> =
        vec!["rethinkdb".into(), "--directory".into(), folder.join("store").into()];
    // Several servers get numbers.
    let name = if count == 1 { "s1" } else { "s" };
    for argument in [
        "--bind",
        &address.to_string(),
        "--driver-port",
        &DRIVER_PORT.to_string(),
        "--servers",
        &count.to_string(),
        "--server-name",
        name,
    ] {
        arguments.push(argument.into());
    }
    let program = Program {
        path: programs.node.clone(),
        arguments,
        namespace: ground.namespace_of_server(0),
        log: folder.join("store.log"),
        run: run.clone(),
    };
    let ports = DRIVER_PORT..;
    let servers = ports.take(count as usize).map(|port| SocketAddr::new(address, port));
    (vec![program], servers.collect())
}

fn rethinkdb(
    plan: &Plan,
    ground: &Ground,
    folder: &Path,
    run: &RunId,
) -> Result<(Vec<Program>, Vec<SocketAddr>), ApartError> {
    let path = means::rethinkdb()?;
    let (mut programs, mut servers) = (Vec::new(), Vec::new());
    for server in 0..plan.store.servers as usize {
        let (name, address) = (Planned::server_name(server), ground.server(server).to_string());
        let mut arguments: Vec<OsString> = vec!["--directory".into(), folder.join(&name).into()];
        for argument in [
            "--bind",
            &address,
            "--canonical-address",
            &address,
            "--driver-port",
            &DRIVER_PORT.to_string(),
            "--cluster-port",
            &CLUSTER_PORT.to_string(),
            "--server-name",
            &name,
            "--no-http-admin",
            "--no-update-check",
        ] {
            arguments.push(argument.into());
        }
        if server > 0 {
            let first = ground.server(0);
            arguments.extend(["--join".into(), format!("{first}:{CLUSTER_PORT}").into()]);
        }
        programs.push(Program {
            path: path.clone(),
            arguments,
            namespace: ground.namespace_of_server(server),
            log: folder.join(format!("{name}.log")),
            run: run.clone(),
        });
        servers.push(SocketAddr::new(ground.server(server), DRIVER_PORT));
    }
    Ok((programs, servers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Form;

    fn fault(kind: FaultKind, servers: &[usize], how: How) -> Fault {
        let servers = servers.to_vec();
        Fault { number: 7, kind, nodes: Vec::new(), servers, how, at_us: 0, until_us: 1 }
    }

    #[test]
    fn faults_between_servers_are_rows_that_the_store_understands() {
        let apart = |form, direction| How::Apart { form, direction };
        for (kind, servers, how, rows) in [
            (FaultKind::StoreKill, &[1][..], How::Plain, &[r#"{"kind":"kill","server":"s2"}"#][..]),
            (
                FaultKind::StorePartition,
                &[2],
                apart(Form::Isolated, Direction::In),
                &[
                    r#"{"from":["s3"],"kind":"partition","of":["s1"],"oneway":true}"#,
                    r#"{"from":["s3"],"kind":"partition","of":["s2"],"oneway":true}"#,
                ],
            ),
            (
                FaultKind::StorePartition,
                &[0],
                apart(Form::Halves, Direction::Both),
                &[
                    r#"{"from":["s2"],"kind":"partition","of":["s1"],"oneway":false}"#,
                    r#"{"from":["s3"],"kind":"partition","of":["s1"],"oneway":false}"#,
                ],
            ),
        ] {
            let made = wishes(&fault(kind, servers, how), servers[0], 3).unwrap();
            let made: Vec<_> = made.into_iter().map(|row| Json::from(row).to_string()).collect();
            assert_eq!(made, rows, "{kind:?}");
        }
        let scenario = |third: &str| {
            let text = format!(
                "name = \"x\"\nbackends = [\"processes\"]\n[federation]\nrethinkdb = {{ servers = 3 }}\n\
                 [[fault]]\ndo = \"store-kill\"\nat = \"1s\"\ntarget = [\"s1\", \"s2\"]\n\
                 [[fault]]\ndo = \"store-pause\"\nat = \"{third}\"\ntarget = \"s3\"\n"
            );
            let scenario = crate::scenario::Scenario::parse("x.toml", &text, None).unwrap();
            crate::plan::make(&scenario, 1).unwrap()
        };
        assert_eq!(takes_the_last(&scenario("2s")).map(|fault| fault.number), Some(1));
        assert_eq!(takes_the_last(&scenario("7s")), None, "the others are back by then");
        assert!(wishes(&fault(FaultKind::StoreFull, &[0], How::Plain), 0, 3).is_none());
    }
}
