//! The store of a run: servers that run by themselves, and what befalls them.
//!
//! The embedded store is one program (`embedded`), whatever number of servers it has: what goes wrong
//! between those is a row of a table (`wishes`). RethinkDB is a program for each server, joined into a
//! cluster (`rethinkdb`); what goes wrong between those is a matter of their networks (`cuts`). Tables of
//! both move the same way (`layout`). Not here: the tables, which a node's command line makes (`nodes`),
//! who follows them (`observer`).

mod embedded;
mod layout;
mod rethinkdb;
mod wishes;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use bigchaindb::store::rethinkdb::{Client, Error, Term};
use rustix::process::Pid;
use tokio::time::{sleep, timeout};

use super::super::real::{Sampled, reql};
use super::super::used::Used;
use super::ApartError;
use super::disk::Disk;
use super::ground::{Ground, Member};
use super::program::{Ear, Program, Running};
use crate::plan::{Engine, Fault, FaultKind, Plan, Store as Planned};

pub(super) use layout::{Moved, has_moved};
pub(super) use wishes::{is_harmed, refusals};

/// How long a server may take until drivers can connect.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// How long a server may take to end in an orderly way.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// How long an answer of a server may take, of one that is well.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The servers of a run.
pub(super) struct Store {
    processes: Vec<(Program, Option<Running>)>,
    /// The number of each process, of one that is gone as well; 0 if there was none.
    pids: Vec<Arc<AtomicI32>>,
    servers: Vec<SocketAddr>,
    ear: Ear,
    /// What processes have used that are gone.
    used: Used,
    /// Servers that do not answer at the moment, by our hand.
    harmed: BTreeSet<usize>,
    /// The disk of a server that is to have none too large, and whether it is full: then the server may end.
    disk: Option<Disk>,
    is_full: Arc<AtomicBool>,
    /// Where an embedded cluster is asked what only it can do, whatever goes wrong in it.
    door: Option<SocketAddr>,
}

impl Store {
    /// Starts the servers, and waits until each of them answers.
    pub(super) async fn start(
        plan: &Plan,
        ground: &Ground,
        folder: &Path,
        ear: Ear,
    ) -> Result<Self, ApartError> {
        let is_full = Arc::new(AtomicBool::new(false));
        let may_end = is_full.clone();
        let ear: Ear = Arc::new(move |line| {
            if line.is_some() || !may_end.load(Ordering::Acquire) {
                ear(line);
            }
        });
        let name = ground.name(Member::Server(0));
        let disk = takes_disk(plan).map(|_| Disk::make(&name, &folder.join("disk"))).transpose();
        let disk = disk.map_err(ApartError::Store)?;
        let (starts, servers, door) = match plan.store.engine {
            Engine::Embedded => {
                let data = disk.as_ref().map_or(folder, Disk::folder);
                embedded::programs(plan, ground, folder, data)?
            }
            Engine::Rethinkdb => {
                let (starts, servers) = rethinkdb::programs(plan, ground, folder)?;
                (starts, servers, None)
            }
        };
        let (processes, used, harmed) = (Vec::new(), Used::default(), BTreeSet::new());
        let pids = Vec::new();
        let mut store = Self { processes, pids, servers, ear, used, harmed, disk, is_full, door };
        for program in starts {
            let process = program.start(store.ear.clone()).await.map_err(ApartError::Start)?;
            store.pids.push(Arc::new(AtomicI32::new(number_of(&process))));
            store.processes.push((program, Some(process)));
        }
        for server in store.servers.clone() {
            store.is_ready(server).await?;
        }
        if store.processes.len() > 1 {
            store.are_joined().await?;
        }
        Ok(store)
    }

    /// Waits until each server sees all others.
    async fn are_joined(&self) -> Result<(), ApartError> {
        let all = self.servers.len();
        let join = async {
            for server in self.clients() {
                while !rethinkdb::sees(&server, all).await {
                    sleep(ASK_EVERY).await;
                }
            }
        };
        let late = |_| io::Error::other("its servers do not find each other");
        timeout(READY_WITHIN, join).await.map_err(late).map_err(ApartError::Store)
    }

    async fn is_ready(&mut self, server: SocketAddr) -> Result<(), ApartError> {
        let ready = async {
            while serves(server, ANSWER_WITHIN).await.is_err() {
                for (program, process) in &mut self.processes {
                    if let Some(status) = process.as_mut().and_then(Running::ended) {
                        return Err(program.last_words(&status));
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

    /// How many servers there are.
    pub(super) fn servers(&self) -> usize {
        self.servers.len()
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

    /// Whether each server is a process of its own.
    pub(super) fn is_in_processes(&self) -> bool {
        self.processes.len() == self.servers.len()
    }

    /// The number of a server's process, if it runs.
    pub(super) fn pid(&self, server: usize) -> Option<Pid> {
        self.processes.get(server)?.1.as_ref()?.pid()
    }

    /// Who is to be looked at: each process, with its data in the run's folder.
    pub(super) fn sampled(&self, folder: &Path) -> Vec<Sampled> {
        let is_alone = self.processes.len() == 1;
        let sampled = self.pids.iter().enumerate().map(|(index, number)| {
            let server = Planned::server_name(index);
            let on_disk = self.disk.as_ref().map_or(folder, Disk::folder);
            let named = [on_disk.join("store"), folder.join(&server)];
            let files = named.into_iter().find(|path| path.exists());
            let number = number.clone();
            let pid = move || Pid::from_raw(number.load(Ordering::Relaxed));
            Sampled::new(if is_alone { "store" } else { &server }, pid, files)
        });
        sampled.collect()
    }

    /// A client of the server that a node asks.
    pub(super) fn client_of(&self, node: usize) -> Client {
        reql(self.server_of(node), ANSWER_WITHIN)
    }

    /// A client for each server.
    pub(super) fn clients(&self) -> Vec<Client> {
        self.servers.iter().map(|server| reql(*server, ANSWER_WITHIN)).collect()
    }

    /// A fault meets a server, or all; by which signs it is known.
    pub(super) async fn harm(&mut self, fault: &Fault, server: usize) -> io::Result<Vec<Sign>> {
        if fault.kind == FaultKind::Reconfigure {
            return Ok(vec![self.reconfigure(fault).await]);
        }
        if !self.is_in_processes() {
            return self.wish(fault, server).await;
        }
        if let (FaultKind::StoreFull, Some(disk)) = (fault.kind, &self.disk) {
            self.harmed.insert(server);
            self.is_full.store(true, Ordering::Release);
            disk.fill()?;
            return Ok(vec![Sign::HasRoom(disk.clone())]);
        }
        let (_, process) = &mut self.processes[server];
        let Some(running) = process else { return Ok(Vec::new()) };
        self.harmed.insert(server);
        let address = self.servers[server];
        let moves = running.pid().map(Sign::Moves);
        let signs = moves.into_iter().chain([Sign::Serves(address)]).collect();
        match fault.kind {
            FaultKind::StorePause => {
                running.pause().await?;
                Ok(signs)
            }
            FaultKind::StoreKill | FaultKind::StoreRestart => {
                let running = process.take().expect("it was looked at just now");
                self.used.add(match fault.kind {
                    FaultKind::StoreKill => running.kill().await,
                    _ => running.stop(STOP_WITHIN).await,
                });
                Ok(signs)
            }
            _ => Err(cannot(fault)),
        }
    }

    /// A server is as before; by which signs it is known.
    pub(super) async fn mend(&mut self, fault: &Fault, server: usize) -> io::Result<Vec<Sign>> {
        if fault.kind == FaultKind::Reconfigure {
            return Ok(Vec::new());
        }
        if !self.is_in_processes() {
            return self.take_back(fault, server).await;
        }
        self.harmed.remove(&server);
        let (program, process) = &mut self.processes[server];
        let mut signs = vec![Sign::Serves(self.servers[server])];
        if let (FaultKind::StoreFull, Some(disk)) = (fault.kind, &self.disk) {
            disk.empty()?;
            signs.insert(0, Sign::HasRoom(disk.clone()));
            let ended = process.take_if(|process| process.ended().is_some());
            if let Some(ended) = ended {
                self.used.add(ended.kill().await);
            }
            self.is_full.store(false, Ordering::Release);
        }
        match process {
            Some(running) => running.resume().await?,
            None => {
                let started = program.start(self.ear.clone()).await?;
                self.pids[server].store(number_of(&started), Ordering::Relaxed);
                *process = Some(started);
            }
        }
        Ok(signs)
    }

    /// Whether nothing ails the server that a node asks, by our hand.
    pub(super) fn is_well(&self, node: usize) -> bool {
        !self.harmed.contains(&(node % self.servers.len()))
    }

    /// Those that answer.
    fn well(&self) -> Vec<SocketAddr> {
        self.others(self.servers.len())
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

/// The number of its process; 0 if it had ended before anybody looked.
fn number_of(running: &Running) -> i32 {
    running.pid().map_or(0, |pid| pid.as_raw_nonzero().get())
}

/// By what it is known how a server fares.
pub(super) enum Sign {
    /// Its process runs.
    Moves(Pid),
    /// It answers drivers.
    Serves(SocketAddr),
    /// This door says that something is not wrong between servers.
    Harms(SocketAddr, String),
    /// By its word, no more writes than so many were refused for want of room.
    Fits(SocketAddr, String, u64),
    /// There is room on its disk.
    HasRoom(Disk),
    /// Tables do not lie as they were told to.
    Lies(Moved),
    /// They were told to, and refused.
    Refused,
}

/// The fault for which a server needs a disk of its own: what several servers in one process have is a matter of
/// rows.
pub(super) fn takes_disk(plan: &Plan) -> Option<&Fault> {
    let is_alone = plan.store.engine == Engine::Embedded && plan.store.servers == 1;
    plan.faults.iter().find(|fault| is_alone && fault.kind == FaultKind::StoreFull)
}

/// Whether a server speaks ReQL and answers, within a time.
pub(super) async fn serves(server: SocketAddr, patience: Duration) -> Result<(), Error> {
    let client = reql(server, patience);
    let answer = timeout(patience, client.value(&Term::db_list())).await;
    answer.map_err(|_| Error::TimedOut { ms: patience.as_millis() })?.map(drop)
}

fn cannot(fault: &Fault) -> io::Error {
    io::Error::other(format!("this store cannot do the fault `{}`", fault.kind.nature().name))
}
