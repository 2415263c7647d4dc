//! What the worlds in real time have in common, whatever their nodes are.
//!
//! Here: the course of a run (`course`), who loads (`clients`), who harms and mends at the plan's moments (`nemesis`), what is written
//! down (`recorder`), where metrics go (`metering`), what members use of the machine (`sampler`), who may look
//! on (`showing`); of worlds whose nodes are seen from outside, who sees the tables (`observer`), what nodes' lines
//! mean (`said`), and how the store ends their feeds (`feeds`). Not here: what a node is, and how a fault reaches it
//! (`local`, `apart`, `cluster`).

mod clients;
mod course;
pub(super) mod feeds;
mod metering;
mod nemesis;
pub(super) mod observer;
mod recorder;
pub(super) mod said;
mod sampler;
mod showing;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::store::rethinkdb::{Client as ReqlClient, Limits, Options, Tcp};
use bigchaindb_core::model::Keypair;
use bigchaindb_load::slip::Slip;

use clients::Clients;
pub(super) use course::{Course, Onlookers};
pub(super) use metering::Metering;
use nemesis::Nemesis;
pub(super) use nemesis::{Hands, PROBE_FOR, Sign, answers, until};
pub(super) use recorder::Recorder;
pub(super) use sampler::{Member as Sampled, Sampler};
use showing::Showing;

use crate::measure::Generator;
use crate::observe::{Member, Run};
use crate::plan::{self, Bounds, Durability, Plan, ReadMode, WriteAcks};

/// A request without an answer is given up by its client after this long: later than a node gives
/// up its store, so that the node's word comes first.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// After an attempt to connect to a server of the store has failed, the next one may be made so much later.
const CONNECT_AGAIN: Duration = Duration::from_millis(20);

/// The keys of the plan's nodes.
pub(super) fn keypairs(plan: &Plan) -> Vec<Keypair> {
    (0..plan.nodes.len()).map(|node| Keypair::from_seed(plan.node_key_seed(node))).collect()
}

/// The log's first record.
fn introduce(plan: &Plan, started_unix_ms: u64) -> Run {
    let rules = plan.judged_by();
    let member = |(index, node): (usize, &plan::Node)| Member {
        name: node.name.as_str().into(),
        key: plan.node_key(index),
        rules: Some(plan.rules_of(index)).filter(|own| *own != rules).map(Arc::from),
        external: node.external.is_some(),
    };
    Run {
        scenario: plan.scenario.as_str().into(),
        seed: plan.seed,
        backend: plan.backend.name().into(),
        rules: rules.into(),
        quirks: plan.quirks.iter().map(|name| name.as_str().into()).collect(),
        byzantine: Vec::new(),
        nodes: plan.nodes.iter().enumerate().map(member).collect(),
        started_unix_ms,
        thinned: false,
    }
}

/// What a plan asks for and a node's command line does not offer, if anything.
pub(super) fn not_offered(plan: &Plan) -> Option<&'static str> {
    let store = &plan.store;
    if !plan.quirks.is_empty() {
        return Some("quirks: a node's `consensus_plugin` names a whole profile");
    }
    if plan.bounds != Bounds::default() {
        return Some("`federation.bounds`: a node's bounds are no settings of its");
    }
    if !plan.byzantine.is_empty() {
        return Some("Byzantine members");
    }
    if store.write_acks != WriteAcks::Majority || store.read_mode != ReadMode::Majority {
        return Some("`write_acks` or `read_mode` other than \"majority\"");
    }
    if store.durability != Durability::Hard {
        return Some(
            "`durability` other than \"hard\": a node's writes are on disk when they count",
        );
    }
    None
}

/// A client of a server of the store, by ReQL.
pub(super) fn reql(server: SocketAddr, query_timeout: Duration) -> ReqlClient {
    let tcp = Tcp { host: server.ip().to_string(), port: server.port(), tls: None };
    let limits =
        Limits { backoff: CONNECT_AGAIN, backoff_most: CONNECT_AGAIN, ..Limits::default() };
    ReqlClient::new(tcp, Options { query_timeout, ..Options::default() }, limits)
}

/// Load that came too late was another load.
fn judge_slip(slip: &Slip, recorder: &Recorder) -> Option<Generator> {
    let generator = Generator::of(slip)?;
    if let Some(why) = generator.shortfall() {
        recorder.fall_short(why);
    }
    Some(generator)
}
