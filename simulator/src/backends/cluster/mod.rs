//! The world `cluster`: a federation that stands on machines of its own, made by `deploy` and reached by SSH; real time.
//!
//! It was there before the run and is there after it. So what runs assume is seen to first: nodes run and are who they
//! should be, nothing is left of earlier faults, and the database holds nothing but genesis. In the end it is left as a
//! run finds it, but for what its database holds. Clients speak to the nodes' API as anybody does; the store, which only
//! the federation's machines may reach, is seen through a tunnel.
//!
//! Here: the course of a run ([`carry_out`]), and what is left to be undone of one that was not to end ([`mend`]). Its
//! parts, in the order in which they are needed: the deployment (`deployment`), its machines (`machine`, `sockets`), what is done
//! there (`orders`), what nodes say (`ear`), the nodes (`nodes`), how faults reach them (`hands`). Not here: clients,
//! moments of faults, what is written down (`real`), how machines are made (crate `bigchaindb-deploy`).

mod deployment;
mod ear;
mod hands;
mod machine;
mod nodes;
mod orders;
pub(super) mod sockets;

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::store::rethinkdb::Client as StoreClient;
use bigchaindb_core::model::{Json, NodeKey};
use bigchaindb_deploy::error::{DeployError, Exit};
use bigchaindb_deploy::wish::Database;
use bigchaindb_load::client::Client;
use tokio::net::lookup_host;

pub use deployment::{Cluster, Deployment};

use super::Carried;
use super::apart::reaper::Watcher;
use super::apart::{ApartError, Means, RunId, means};
use super::real::observer::Observer;
use super::real::{Course, Metering, Onlookers, Recorder, not_offered, observer, reql, until};
use crate::measure::Generator;
use crate::observe::{Befell, Log, Observed, Table};
use crate::plan::{FaultKind, Plan};
use crate::record::RunDirectory;
use ear::Ear;
use hands::Hands;
use machine::Machine;
use nodes::{Node, ready, standing};
use orders::Cut;
use sockets::Sockets;

/// The rules that the nodes of a deployment follow.
const RULES: &str = "default";

/// How long an answer of the store may take, a region away.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Why a plan cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// Nobody has said where.
    #[error("the backend `cluster` takes machines")]
    Nowhere,
    /// The plan asks for what a deployment does not offer.
    #[error("the backend `cluster` has no {0}")]
    Refused(String),
    /// There is no such deployment, or it cannot be read.
    #[error(transparent)]
    Deployment(#[from] DeployError),
    /// There are more or fewer machines than nodes in the plan.
    #[error("the scenario has {planned} nodes, and {folder} has {there}")]
    Count {
        /// How many the plan has.
        planned: usize,
        /// How many there are.
        there: usize,
        /// Where.
        folder: String,
    },
    /// The plan was made for other machines.
    #[error("the plan was not made for the nodes of this deployment")]
    Strangers,
    /// The database is not as a run needs it.
    #[error("the database holds {blocks} blocks and {waiting} waiting transactions")]
    Used {
        /// Blocks, genesis among them.
        blocks: usize,
        /// Transactions in the backlog.
        waiting: usize,
    },
    /// A machine does not do what it is told.
    #[error("{what} failed")]
    Machine {
        /// What it should have done.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// The store cannot be asked.
    #[error("the store does not answer: {0}")]
    Store(String),
    /// Nobody watches over what is started here.
    #[error(transparent)]
    Watcher(#[from] ApartError),
    /// Files, sockets, threads or processes cannot be had.
    #[error("cannot start")]
    Start(#[from] io::Error),
}

impl ClusterError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Nowhere => {
                "name the folder of a deployment: `--cluster deployments/RUN`; `deploy up` makes one"
            }
            Self::Refused(_) => "run it in sim or local, or leave it out",
            Self::Deployment(error) => return error.hint(),
            Self::Count { there, .. } => {
                return format!("set `federation.nodes` to {there}, or deploy as many machines");
            }
            Self::Strangers => "`testbed run --cluster` makes plans for them",
            Self::Used { .. } => {
                "add `--fresh`, which throws all of it away; or `deploy down`, and another `deploy up`"
            }
            Self::Machine { .. } => {
                "`deploy ssh RUN` shows whether the machine can be reached, `deploy logs RUN` what it says"
            }
            Self::Store(_) => "`deploy ssh RUN node1 -- systemctl status 'bigchaindb*'` shows it",
            Self::Watcher(error) => error.hint(),
            Self::Start(_) => "see `ulimit -n` and `ulimit -u`",
        }
        .to_owned()
    }

    /// Whether it is what was asked for that is at fault, and not the surroundings.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Nowhere
            | Self::Refused(_)
            | Self::Count { .. }
            | Self::Strangers
            | Self::Used { .. } => true,
            Self::Deployment(error) => error.exit() == Exit::Wrong,
            Self::Machine { .. } | Self::Store(_) | Self::Watcher(_) | Self::Start(_) => false,
        }
    }
}

/// For `map_err` of what a machine was told to do.
fn failed(what: impl Into<String>) -> impl FnOnce(io::Error) -> ClusterError {
    let what = what.into();
    |source| ClusterError::Machine { what, source }
}

/// Carries out a plan on the deployment that `means` name and writes what happens into `log`; what else has come of it.
/// The machines' journals come into the folder `data` of the directory.
///
/// # Errors
/// If the federation is not as a run needs it. What goes wrong later is in the log: shortfalls of the harness in its
/// last record.
pub fn carry_out(
    plan: &Arc<Plan>,
    directory: &RunDirectory,
    means: &Means,
    log: &mut Log,
) -> Result<Carried, ClusterError> {
    let Cluster { folder, fresh } = means.cluster.as_ref().ok_or(ClusterError::Nowhere)?;
    let deployment = Deployment::open(folder)?;
    check(plan, &deployment)?;
    let data = directory.path().join("data");
    fs::create_dir_all(&data)?;
    let mut carried = Carried::default();
    let records = with_machines(&deployment, &data, async |machines| {
        let federation = Federation::of(&deployment, machines).await?;
        let metering = Metering::start(means, Ipv4Addr::LOCALHOST.into()).await?;
        let run = Run {
            plan,
            name: &directory.name(),
            deployment: &deployment,
            federation: &federation,
            onlookers: Onlookers { metering: metering.as_ref(), live: means.live.as_ref() },
        };
        let records = run.carry_out(*fresh, &data).await;
        // Whatever came of it, nodes run and nothing is cut off.
        let undone = federation.undo().await;
        if let Some(metering) = metering {
            carried.used.insert("metrics".to_owned(), metering.finish().await);
        }
        let (records, generator) = records?;
        undone?;
        carried.generator = generator;
        Ok(records)
    })?;
    for observed in records {
        log.append(observed.at_us, observed.record);
    }
    Ok(carried)
}

/// Undoes on a deployment what a run has left that was not to end: nodes run again, and nothing is cut off. How many
/// machines that were.
///
/// # Errors
/// A machine does not do it, or the nodes do not answer then.
pub fn mend(folder: &Path) -> Result<usize, ClusterError> {
    let deployment = Deployment::open(folder)?;
    let logs = folder.join("logs");
    fs::create_dir_all(&logs)?;
    with_machines(&deployment, &logs, async |machines| {
        let federation = Federation::of(&deployment, machines).await?;
        federation.undo().await?;
        Ok(federation.machines.len())
    })
}

/// What the plan asks for and these machines do not offer is no run of that plan.
fn check(plan: &Plan, deployment: &Deployment) -> Result<(), ClusterError> {
    let refused = |what: &str| Err(ClusterError::Refused(what.to_owned()));
    if let Some(what) = not_offered(plan) {
        return refused(what);
    }
    if plan.judged_by() != RULES {
        return refused("other rules than `default`: its nodes were told to follow these");
    }
    if plan.nodes.iter().any(|node| node.external.is_some()) {
        return refused("external members: its machines are those that `deploy` has made");
    }
    let is_within_reach =
        |kind: FaultKind| kind.nature().is_within_reach(plan.backend, &plan.store);
    if let Some(fault) = plan.faults.iter().find(|fault| !is_within_reach(fault.kind)) {
        return refused(&format!("fault `{}`", fault.kind.nature().name));
    }
    let aborts = plan.faults.iter().any(|fault| fault.kind == FaultKind::FeedAbort);
    if aborts && !deployment.tells_nodes_apart() {
        return refused(
            "fault `feed-abort` on such a deployment: where each node asks a server beside it, or is alone, \
             servers hear everybody from the same address",
        );
    }
    deployment.has_as_many(plan)?;
    let planned = (0..plan.nodes.len()).map(|node| plan.node_key(node));
    if planned.ne(deployment.keys()?) {
        return Err(ClusterError::Strangers);
    }
    Ok(())
}

/// Does something with the machines of a deployment, all of which are connected; what SSH says of it goes to a folder.
/// Nothing that is started here outlives it, whatever way it ends.
fn with_machines<T>(
    deployment: &Deployment,
    data: &Path,
    what: impl AsyncFnOnce(Vec<Arc<Machine>>) -> Result<T, ClusterError>,
) -> Result<T, ClusterError> {
    let run = RunId::of_this_process().ok_or_else(|| io::Error::other("`/proc` is not there"))?;
    let _watcher = Watcher::start(&means::watcher()?, &run, false)?;
    let sockets = Sockets::make(&run)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connecting = Vec::new();
        for (index, host) in deployment.nodes().into_iter().enumerate() {
            let (inventory, host) = (deployment.inventory().clone(), host.clone());
            let store = deployment.server_on(index).map(str::to_owned);
            let (run, data, sockets) = (run.clone(), data.to_owned(), sockets.0.clone());
            connecting.push(tokio::spawn(async move {
                let name = format!("n{}", index + 1);
                let folders = (&*data, &*sockets);
                let store = store.as_deref();
                let connected =
                    Machine::connect(&name, (&inventory, &host), store, &run, folders).await;
                connected.map_err(failed(format!("to log in on {} by SSH", host.name)))
            }));
        }
        let mut machines = Vec::new();
        for connection in connecting {
            machines.push(Arc::new(connection.await.map_err(io::Error::other)??));
        }
        what(machines).await
    })
}

/// The nodes of a deployment: where each runs, where it answers, and who it is.
struct Federation {
    machines: Vec<Arc<Machine>>,
    addresses: Vec<SocketAddr>,
    keys: Vec<NodeKey>,
}

impl Federation {
    async fn of(
        deployment: &Deployment,
        machines: Vec<Arc<Machine>>,
    ) -> Result<Self, ClusterError> {
        let mut addresses = Vec::new();
        for host in deployment.nodes() {
            let api = (host.public.as_str(), bigchaindb_deploy::configs::API_PORT);
            let found = lookup_host(api).await.map(|mut found| found.next());
            let none = || io::Error::other(format!("`{}` is no address", host.public));
            let found = found.and_then(|found| found.ok_or_else(none));
            addresses.push(found.map_err(failed(format!("to find {}", host.name)))?);
        }
        Ok(Self { machines, addresses, keys: deployment.keys()? })
    }

    /// Clients of the store, one for each server that is reached.
    fn servers(&self) -> Vec<StoreClient> {
        let reached = self.machines.iter().filter_map(|machine| machine.store());
        reached.map(|server| reql(server, ANSWER_WITHIN)).collect()
    }

    /// Has a script run on every machine at once; what each said.
    async fn everywhere(&self, what: &str, script: &str) -> Result<Vec<String>, ClusterError> {
        let carry_out = |machine: &Arc<Machine>| {
            let (machine, script) = (machine.clone(), script.to_owned());
            tokio::spawn(async move { machine.carry_out(&script).await })
        };
        let all: Vec<_> = self.machines.iter().map(carry_out).collect();
        let mut said = Vec::new();
        for one in all {
            said.push(one.await.map_err(io::Error::other)?.map_err(failed(what))?);
        }
        Ok(said)
    }

    /// Takes away what faults have left, and waits until every node answers.
    async fn undo(&self) -> Result<(), ClusterError> {
        self.everywhere("to undo what faults have left", &orders::undo()).await?;
        self.ready().await
    }

    /// Waits until every node answers, and is who it should be.
    async fn ready(&self) -> Result<(), ClusterError> {
        for ((address, key), machine) in self.addresses.iter().zip(&self.keys).zip(&self.machines) {
            let name = &machine.host().name;
            ready(*address, key).await.map_err(failed(format!("the node on {name}")))?;
        }
        Ok(())
    }

    /// Throws the database away and makes another. Nobody may see to it meanwhile that what stands for ever is put back.
    async fn remake(&self, spread: Option<(u32, u32)>) -> Result<(), ClusterError> {
        self.everywhere("to stop the nodes", &orders::stop()).await?;
        let made = self.machines[0].carry_out(&orders::remake(spread)).await;
        made.map_err(failed("to make the database again"))?;
        self.everywhere("to start the nodes", &orders::start()).await?;
        self.ready().await
    }
}

/// What has come of a run: its records, and how well the load kept to its plan.
type Came = (Vec<Observed>, Option<Generator>);

/// What a run has, once its machines are connected.
struct Run<'a> {
    plan: &'a Arc<Plan>,
    /// What the run is called.
    name: &'a str,
    deployment: &'a Deployment,
    federation: &'a Federation,
    onlookers: Onlookers<'a>,
}

impl Run<'_> {
    async fn carry_out(&self, fresh: bool, data: &Path) -> Result<Came, ClusterError> {
        let Self { plan, deployment, federation, .. } = *self;
        federation.undo().await?;
        if fresh {
            let layout = &deployment.inventory().federation;
            let spread = (deployment.database() == Database::Rethinkdb)
                .then_some((layout.shards, layout.replicas));
            federation.remake(spread).await?;
        }
        is_new(&federation.servers()).await?;
        let is_cut = |cut: Cut| cut.is_of_store();
        if plan.faults.iter().filter_map(Cut::of).any(is_cut) {
            federation.everywhere("to mark connections", &orders::mark()).await?;
        }
        let found = federation.everywhere("to read the journal", &orders::cursor()).await?;
        let mut cursors = Vec::new();
        for said in &found {
            let none = || io::Error::other("it has no place in it");
            let cursor = orders::read_cursor(said).ok_or_else(none);
            cursors.push(cursor.map_err(failed("to read the journal"))?.to_owned());
        }
        let records = self.run(&cursors).await;
        // Whatever came of it, they tell more of it.
        for (machine, cursor) in federation.machines.iter().zip(&cursors) {
            let said = machine.carry_out(&orders::journal(cursor)).await;
            let said = said.map_err(failed("to read the journal"))?;
            fs::write(data.join(format!("{}.log", machine.name)), said)?;
        }
        records
    }

    /// From the run's beginning to its last record.
    async fn run(&self, cursors: &[String]) -> Result<Came, ClusterError> {
        let Self { plan, name, deployment, federation, onlookers } = *self;
        let recorder = Recorder::new(plan);
        let servers = federation.servers();
        let observer = Observer::start(&servers, &recorder);
        let mut nodes = Vec::new();
        for (index, machine) in federation.machines.iter().enumerate() {
            nodes.push(Node {
                index,
                machine: machine.clone(),
                address: federation.addresses[index],
                heard_from: deployment.heard_from(index).to_owned(),
                store: deployment.store_of(index).to_owned(),
                ear: Ear::listen(machine.clone(), &cursors[index], index, recorder.clone()),
                recorder: recorder.clone(),
            });
            recorder.tell_node(index, Befell::Started, "");
        }

        let mut course = Course::begin(plan, name, &recorder, onlookers)?;
        let client = Client::new(&federation.addresses);
        let store = servers.first().cloned();
        let store = store.ok_or_else(|| ClusterError::Store("nobody has one".to_owned()))?;
        let hands = Hands { nodes, store, cuts: Vec::new(), recorder: recorder.clone() };
        let (Hands { nodes, .. }, generator) = course.load(&client, hands).await?;
        until(|| async { observer::tables(&servers).await.is_ok() }).await;
        course.probe(&client).await;
        for node in nodes.iter().filter(|node| !plan.is_lost(node.index)) {
            let looked = standing(&node.machine).await;
            if !looked.is_ok_and(|standing| standing.is_active) {
                let name = &plan.nodes[node.index].name;
                recorder.fall_short(format!("{name} ended by itself"));
            }
        }
        // What is read now is the last of it.
        drop(nodes);
        federation.everywhere("to stop the nodes", &orders::stop()).await?;
        observer.conclude(&servers, &recorder).await;
        Ok((course.end().await, generator))
    }
}

/// Whether the database holds nothing but genesis.
async fn is_new(servers: &[StoreClient]) -> Result<(), ClusterError> {
    let tables = observer::tables(servers).await;
    let tables = tables.map_err(|error| ClusterError::Store(error.whole()))?;
    let rows = |table| tables.get(&table).map_or(0, Vec::<Arc<Json>>::len);
    let (blocks, waiting) = (rows(Table::Bigchain), rows(Table::Backlog));
    match blocks <= 1 && waiting == 0 {
        true => Ok(()),
        false => Err(ClusterError::Used { blocks, waiting }),
    }
}
