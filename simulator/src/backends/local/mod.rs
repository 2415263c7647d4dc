//! The world `local`: nodes in one process on real sockets, one embedded store, real time.
//!
//! Here: the course of a run, from the first node's start to the last row, and how faults reach nodes
//! (`hands`). Not here: clients, and what is written down (`real`), what a node is (crate
//! `bigchaindb`), how requests travel (crate `bigchaindb-load`). Start at [`carry_out`].

mod hands;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bigchaindb::federation::{Common, LocalFederation};
use bigchaindb::metrics::statsd::{Emitter, FLUSH};
use bigchaindb::metrics::{Metrics, Names, Rate};
use bigchaindb::record::Writing;
use bigchaindb::shell::QUERY_TIMEOUT;
use bigchaindb::store::{EmbeddedStore, Link};
use bigchaindb_core::model::Direct;
use bigchaindb_core::query::StoreError;
use bigchaindb_core::rules::{self, UnknownRules};
use bigchaindb_load::client::Client;
use bigchaindb_rethinkdb::{Durability, OpenError};

use super::Carried;
use super::apart::Means;
use super::real::{self, Course, Metering, Onlookers, Recorder, Sampled, Sampler};
use crate::observe::{Befell, Log, Observed};
use crate::plan::{self, Plan};
use crate::record::RunDirectory;
use hands::Hands;

/// The store's file in the data folder.
const STORE_FILE: &str = "store.redb";

/// Why a plan cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// There are no such rules.
    #[error(transparent)]
    Rules(#[from] UnknownRules),
    /// The store's file cannot be opened.
    #[error("cannot open the store")]
    Open(#[from] OpenError),
    /// The store stopped.
    #[error("the store does not answer")]
    Store(#[from] StoreError),
    /// Folders, sockets or threads cannot be had.
    #[error("cannot start the nodes")]
    Start(#[from] io::Error),
}

/// Carries out a plan in real time and writes what happens into `log`; what else came of it, with what is to be
/// told of its metrics, if `means` name a database for them. The store is kept in `directory`, or in memory if there is none.
///
/// # Errors
/// If the world cannot be set up. What goes wrong later is in the log: shortfalls of the harness in
/// its last record.
pub fn carry_out(
    plan: &Arc<Plan>,
    directory: Option<&RunDirectory>,
    means: &Means,
    log: &mut Log,
) -> Result<Carried, LocalError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut carried = Carried::default();
    let records = runtime.block_on(async {
        let here = Ipv4Addr::LOCALHOST.into();
        let metering = Metering::start(means, here).await?;
        let (metrics, emitters) = meter(plan, metering.as_ref())?;
        let onlookers = Onlookers { metering: metering.as_ref(), live: means.live.as_ref() };
        let records = run(plan, directory, metrics, onlookers, &mut carried).await?;
        for emitter in emitters {
            emitter.stop();
        }
        if let Some(metering) = metering {
            carried.used.insert("metrics".to_owned(), metering.finish().await);
        }
        Ok::<_, LocalError>(records)
    })?;
    for observed in records {
        log.append(observed.at_us, observed.record);
    }
    Ok(carried)
}

/// For each node where its metrics go, and who sends them, if there is anybody to send them to.
fn meter(plan: &Plan, metering: Option<&Metering>) -> io::Result<(Vec<Metrics>, Vec<Emitter>)> {
    let Some(metering) = metering else { return Ok(Default::default()) };
    let (address, mut both) = (metering.address(), (Vec::new(), Vec::new()));
    for node in &plan.nodes {
        // All are on one host: by its name the original's metrics cannot be told apart, by this they can.
        let (metrics, lines) = Metrics::new(Names::new(&node.name, &node.name), Rate::ALL);
        both.0.push(metrics);
        both.1.push(Emitter::start(lines, &address.ip().to_string(), address.port(), FLUSH)?);
    }
    Ok(both)
}

async fn run(
    plan: &Arc<Plan>,
    directory: Option<&RunDirectory>,
    metrics: Vec<Metrics>,
    onlookers: Onlookers<'_>,
    carried: &mut Carried,
) -> Result<Vec<Observed>, LocalError> {
    let rules = rules::without(&plan.rules, &plan.quirks(), Arc::new(Direct))?;
    let keypairs = real::keypairs(plan);
    let store = Arc::new(open(plan, directory)?);
    let recorder = Recorder::new(plan);
    let name = directory.map_or_else(|| plan.scenario.clone(), RunDirectory::name);
    let mut course = Course::begin(plan, &name, &recorder, onlookers)?;

    let observing = tokio::spawn(recorder.clone().observe(store.observe().await?));
    let reports = recorder.clone();
    let (records, writings) = listen(plan, directory)?;
    let common = Common {
        rules,
        settings: plan.bounds.settings(),
        query_timeout: QUERY_TIMEOUT,
        on_report: Arc::new(move |node, report| reports.report(node, report)),
        metrics,
        records,
    };
    let anywhere = vec![SocketAddr::from(([127, 0, 0, 1], 0)); keypairs.len()];
    let federation = LocalFederation::start(store.clone(), &common, &keypairs, &anywhere).await?;
    for node in 0..keypairs.len() {
        recorder.tell_node(node, Befell::Started, "");
    }

    let files = directory.map(|directory| directory.data().join(STORE_FILE));
    let sampler = Sampler::start(vec![Sampled::of_this_process(files)], &recorder);
    let client = Client::new(&federation.addresses());
    let hands = Hands { federation, recorder: recorder.clone() };
    let (Hands { federation, .. }, generator) = course.load(&client, hands).await?;
    carried.generator = generator;
    course.probe(&client).await;
    for (node, address) in federation.addresses().iter().enumerate() {
        if federation.node(node).is_none() && !plan.is_lost(node) {
            recorder.fall_short(format!("the node at {address} ended by itself"));
        }
    }
    carried.resources = sampler.finish().await;
    let links = (0..keypairs.len()).map(|node| federation.link(node));
    carried.questions = Some(links.map(Link::questions).sum());
    // A node that has panicked has been told of above.
    let _ = federation.stop().await;

    let tables = store.tables().await?;
    drop(common);
    drop(store);
    // The store's last handle is gone, so the feeds end and the observer has seen everything.
    observing.await.map_err(io::Error::other)?;
    // The nodes are gone too, so what they heard is all there is.
    for error in writings.into_iter().filter_map(|writing| writing.finish().err()) {
        recorder.fall_short(error.to_string());
    }
    recorder.tell_final(&tables);
    Ok(course.end().await)
}

fn open(plan: &Plan, directory: Option<&RunDirectory>) -> Result<EmbeddedStore, LocalError> {
    let durability = match plan.store.durability {
        plan::Durability::Hard => Durability::Hard,
        plan::Durability::Soft => Durability::Soft,
    };
    match directory {
        Some(directory) => {
            let folder = directory.data();
            std::fs::create_dir_all(&folder)?;
            Ok(EmbeddedStore::open(&folder.join(STORE_FILE), durability)?)
        }
        None => Ok(EmbeddedStore::in_memory()),
    }
}

/// For each node where what it hears is written down, if it is.
fn listen(
    plan: &Plan,
    directory: Option<&RunDirectory>,
) -> io::Result<(Vec<bigchaindb::record::Recorder>, Vec<Writing>)> {
    let Some(directory) = directory.filter(|directory| directory.hears()) else {
        return Ok(Default::default());
    };
    let files: Vec<_> = plan.nodes.iter().map(|node| directory.heard(&node.name)).collect();
    for folder in files.iter().filter_map(|file| file.parent()) {
        std::fs::create_dir_all(folder)?;
    }
    files.iter().map(|file| bigchaindb::record::Recorder::start(file)).collect()
}
