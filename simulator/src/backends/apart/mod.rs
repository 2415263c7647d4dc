//! Worlds with members apart: every node by itself, and the store as well; real time.
//!
//! What an operator would do is done as an operator does it: config files are written, the database and
//! its genesis block are made by the node's command line, nodes are started with it. What is seen is seen
//! from outside: what clients are answered, what the tables go through, what nodes say in their logs.
//!
//! Here: the course of a run ([`carry_out`]). Its parts, in the order in which they are needed: the run's
//! name (`run_id`), who takes everything away again (`reaper`), what the machine offers (`means`), where
//! members live (`ground`), what they run (`program`) as processes (`processes`) or in containers (`docker`),
//! the servers of the store (`store`), the nodes (`nodes`, our hold on them: `grip`, `deaths`, `gauges`), what passes between
//! them all (`links`), what each may use of the machine (`limits`, `disk`),
//! how faults reach them all (`hands`, with rules for those who are cut off: `cuts`, how those are seen:
//! `ways`). Not here: clients, moments of faults, what is written down, who sees the tables, what nodes' lines mean (`real`).

mod config;
mod cuts;
mod deaths;
mod disk;
mod docker;
mod gauges;
mod grip;
mod ground;
mod hands;
mod limits;
mod links;
pub(super) mod means;
mod nodes;
mod processes;
pub(super) mod program;
pub mod reaper;
mod run_id;
mod store;
mod ways;

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bigchaindb_core::rules::{self, UnknownRules};
use bigchaindb_load::client::Client;
use tokio::sync::oneshot;

pub use docker::Images;
pub use means::{Means, NODE_BINARY, Namespaces, no_namespaces};
pub use run_id::RunId;

use super::real::observer::Observer;
use super::real::{Course, Metering, Onlookers, Recorder, Sampler, not_offered, observer, until};
use super::{Backend, Carried};
use crate::observe::{Log, Observed};
use crate::plan::{External, Fault, FaultKind, How, Plan};
use crate::record::RunDirectory;
use cuts::Cuts;
use gauges::Gauges;
use ground::{Ground, NODES_MAX};
use hands::Hands;
use limits::SLOWNESS_MAX;
use links::Links;
use nodes::Nodes;
use reaper::Watcher;
use store::Store;

/// Why a plan cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ApartError {
    /// There are no such rules.
    #[error(transparent)]
    Rules(#[from] UnknownRules),
    /// The plan asks for what a node in a process of its own does not offer.
    #[error("{0}")]
    Refused(String),
    /// A program of this project is not where it should be.
    #[error("there is no program `{program}`: looked for {places}")]
    NoProgram {
        /// Which.
        program: &'static str,
        /// Where it was looked for.
        places: String,
    },
    /// RethinkDB is wanted, and is not installed.
    #[error("the scenario wants `store = \"rethinkdb\"`, and there is no program `rethinkdb`")]
    NoRethinkdb,
    /// A fault needs nodes with networks of their own, and they have none.
    #[error(
        "fault {number} (`{name}`) takes networks that can be cut, and there are none here: {why}"
    )]
    NotApart {
        /// Its number.
        number: u32,
        /// Its name.
        name: &'static str,
        /// Why not.
        why: String,
    },
    /// A fault takes away some of the machine from a member, and nobody can do that here.
    #[error("fault {number} (`{name}`) limits what a member has of the machine: {why}")]
    NotLimited {
        /// Its number.
        number: u32,
        /// Its name.
        name: &'static str,
        /// Why not.
        why: String,
    },
    /// Network namespaces were asked for.
    #[error("there are no network namespaces here: {why}")]
    NoNamespaces {
        /// Why not.
        why: String,
    },
    /// There is no Docker.
    #[error("no Docker engine answers")]
    NoEngine(#[source] io::Error),
    /// An image is missing.
    #[error("the Docker engine has no image `{image}`")]
    NoImage {
        /// Its name.
        image: String,
        /// How to come by it.
        hint: &'static str,
    },
    /// An image holds another build than the one that this program belongs to.
    #[error("the image `{image}` does not hold {}", program.display())]
    OldImage {
        /// Its name.
        image: String,
        /// What it should hold.
        program: PathBuf,
    },
    /// The networks of the members cannot be made, or, in containers, their machines.
    #[error("cannot make the members' network")]
    Network(#[source] io::Error),
    /// The store does not start.
    #[error("the store does not start")]
    Store(#[source] io::Error),
    /// The database cannot be made.
    #[error("`bigchaindb {command}` failed")]
    Database {
        /// By which command.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// A node does not start.
    #[error("node {name} does not start")]
    Node {
        /// Its name.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Files, sockets, threads or processes cannot be had.
    #[error("cannot start processes")]
    Start(#[from] io::Error),
}

impl ApartError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Rules(_) | Self::Refused(_) => "run it in sim",
            Self::NoProgram { .. } => {
                "build both with `cargo build --release -p bigchaindb -p testbed`, or name the node's \
                 program with `--node-binary`"
            }
            Self::NoRethinkdb => {
                "install RethinkDB (https://rethinkdb.com/docs/install/), or leave `store` out"
            }
            Self::NotApart { .. } => {
                "run it as root on Linux, without `--namespaces never`; or in local or sim"
            }
            Self::NotLimited { .. } => "run it as root on Linux, or in sim",
            Self::NoNamespaces { .. } => "leave `--namespaces always` out",
            Self::NoEngine(_) => {
                "start it (`systemctl start docker`), and see that this user may speak to it; \
                 `DOCKER_HOST` names another"
            }
            Self::NoImage { hint, .. } => hint,
            Self::OldImage { .. } => {
                "make it anew with `deploy/images/build`; another one is named by `--node-image`"
            }
            Self::Network(_) => "does `ip netns`, or the Docker engine, work for this user?",
            Self::Store(error) if error.to_string().contains("bind ip address") => {
                "RethinkDB listens on addresses of interfaces only: as root, with `ip` and `nft`, members have \
                 networks of their own"
            }
            Self::Store(_) | Self::Database { .. } | Self::Node { .. } => {
                "the logs are in the run's folder, in `data`"
            }
            Self::Start(_) => "see `ulimit -n` and `ulimit -u`",
        }
    }

    /// Whether it is the scenario that is at fault, and not the machine.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Rules(_) | Self::Refused(_))
    }
}

/// Carries out a plan by processes of their own and writes what happens into `log`; what else came
/// of it, with what each member has used of the machine. Config files, data and
/// the logs of all processes are kept in the folder `data` of the directory.
///
/// # Errors
/// If the world cannot be set up. What goes wrong later is in the log: shortfalls of the harness in
/// its last record.
pub fn carry_out(
    plan: &Arc<Plan>,
    directory: &RunDirectory,
    means: &Means,
    log: &mut Log,
) -> Result<Carried, ApartError> {
    check(plan)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let data = directory.path().join("data");
    std::fs::create_dir_all(&data)?;
    let folder = directory.path().canonicalize()?;
    let data = folder.join("data");
    let run = RunId::of_this_process().ok_or_else(|| io::Error::other("`/proc` is not there"))?;
    // Dropped last, and waits until all is gone, whatever happens from here on.
    let _watcher = Watcher::start(&means::watcher()?, &run, plan.backend == Backend::Docker)?;
    let hearing = directory.hears().then_some(directory);
    let (records, carried) = runtime.block_on(async {
        let ground = &Arc::new(Ground::take(plan, means, &run, &folder).await?);
        let here = ground.clients().unwrap_or(Ipv4Addr::LOCALHOST);
        let metering = Metering::start(means, here.into()).await?;
        let name = &directory.name();
        let onlookers = Onlookers { metering: metering.as_ref(), live: means.live.as_ref() };
        let world = World { plan, name, data: &data, hearing, ground, onlookers };
        let (records, mut carried) = world.carry_out().await?;
        if let Some(metering) = metering {
            carried.used.insert("metrics".to_owned(), metering.finish().await);
        }
        Ok::<_, ApartError>((records, carried))
    })?;
    for observed in records {
        log.append(observed.at_us, observed.record);
    }
    Ok(carried)
}

/// What the plan asks for and a node's command line does not offer is no run of that plan.
fn check(plan: &Plan) -> Result<(), ApartError> {
    rules::by_name(&plan.rules)?;
    let refused = |what: &str| {
        let backend = plan.backend;
        Err(ApartError::Refused(format!("the backend `{backend}` has no {what}")))
    };
    let store = &plan.store;
    if let Some(what) = not_offered(plan) {
        return refused(what);
    }
    let is_within_reach = |fault: &&Fault| fault.kind.nature().is_within_reach(plan.backend, store);
    if let Some(fault) = plan.faults.iter().find(|fault| !is_within_reach(fault)) {
        let name = fault.kind.nature().name;
        return refused(&format!("fault `{name}` for such a store"));
    }
    let too_slow = |fault: &&Fault| {
        let How::Slow { factor, .. } = fault.how else { return false };
        fault.kind == FaultKind::SlowNode && factor > SLOWNESS_MAX
    };
    if plan.faults.iter().any(|fault| too_slow(&fault)) {
        return refused(&format!("`slow-node` by a `factor` of more than {SLOWNESS_MAX}"));
    }
    if plan.nodes.len() > NODES_MAX {
        return refused(&format!("addresses for more than {NODES_MAX} nodes"));
    }
    Ok(())
}

/// What a run has, but for its processes.
struct World<'a> {
    plan: &'a Arc<Plan>,
    /// What the run is called.
    name: &'a str,
    data: &'a Path,
    /// Where what nodes hear is written down, if it is.
    hearing: Option<&'a RunDirectory>,
    ground: &'a Arc<Ground>,
    onlookers: Onlookers<'a>,
}

impl World<'_> {
    async fn carry_out(&self) -> Result<(Vec<Observed>, Carried), ApartError> {
        let Self { plan, name, data, hearing, ground, onlookers } = *self;
        let statsd = onlookers.metering.map(Metering::address);
        let recorder = Recorder::new(plan);
        let falls = recorder.clone();
        let ear: program::Ear = Arc::new(move |line| {
            if line.is_none() {
                falls.fall_short("a server of the store ended by itself".to_owned());
            }
        });
        let store = Store::start(plan, ground, data, ear).await?;
        let links = Links::make(plan, ground, &store)?;
        // Whoever is started by somebody else is on no machine of the run.
        let is_here =
            |node: usize| plan.nodes[node].external.as_ref().is_none_or(External::is_started);
        let server_of = |node| match &links {
            Some(links) if is_here(node) => links.store_of(node),
            _ => store.server_of(node),
        };
        let mut nodes = Nodes::prepare(plan, ground, &server_of, data, (&recorder, statsd))?;
        if let Some(directory) = hearing {
            nodes.hear(plan, directory)?;
        }
        nodes.make_database(plan, ground, data).await?;
        let servers = store.clients();
        let observer = Observer::start(&servers, &recorder);
        nodes.start(plan).await?;

        let mut course = Course::begin(plan, name, &recorder, onlookers)?;
        let names = plan.nodes.iter().map(|node| node.name.as_str().into()).collect();
        let gauges = Gauges::new(names, nodes.grips(), recorder.clone());
        let mut members = nodes.sampled(plan);
        members.extend(store.sampled(data));
        let sampler = Sampler::start(members, &recorder);
        let (enough, is_enough) = oneshot::channel();
        let looking = tokio::spawn(gauges.run(is_enough));
        let doors = links.as_ref().map_or_else(|| nodes.addresses(), Links::nodes);
        let client = Client::new(&doors);
        let (of_faults, ground) = (recorder.clone(), ground.clone());
        let cuts = Cuts::default();
        let hands = Hands { nodes, store, ground, cuts, links, recorder: of_faults };
        // Links are what nodes see of their store: they stay until the end.
        let (Hands { nodes, store, links, .. }, generator) = course.load(&client, hands).await?;
        // Servers that were just mended may still be finding their way: then there is nothing to ask.
        until(|| async { observer::tables(&servers).await.is_ok() }).await;
        let _ = enough.send(());
        looking.await.map_err(io::Error::other)?.last().await;
        course.probe(&client).await;
        for node in nodes.down().await {
            if !plan.is_lost(node) {
                let name = &plan.nodes[node].name;
                recorder.fall_short(format!("{name} ended by itself"));
            }
        }
        let mut resources = sampler.finish().await;
        let names = plan.nodes.iter().map(|node| node.name.clone());
        let mut used: BTreeMap<_, _> = names.zip(nodes.stop().await).collect();
        drop(links);
        observer.conclude(&servers, &recorder).await;
        used.insert("store".to_owned(), store.stop().await);
        for member in &mut resources {
            // Looks miss what was used between the last one and the end of a life.
            if let Some(used) = used.get(&member.member) {
                member.cpu_ms = member.cpu_ms.max(used.processor_ms);
                member.rss_kib_max = member.rss_kib_max.max(used.memory_kib);
            }
        }
        let used = used.into_iter().map(|(name, used)| (name, used.to_string())).collect();
        let carried = Carried { used, resources, generator, ..Carried::default() };
        Ok((course.end().await, carried))
    }
}
