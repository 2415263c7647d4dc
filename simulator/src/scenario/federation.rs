//! `[federation]`, `[links]` and `[costs]`: who is in it, and how fast its world is.

use bigchaindb_core::rules::{Quirk, Quirks};
use bigchaindb_rethinkdb::cluster::Timing;

use super::external::{self, ExternalEntry, PROFILES};
use super::{ScenarioError, minority};
use crate::plan::{
    BOUNDS, Bound, Bounds, Costs, Durability, Engine, Links, ReadMode, Store, WriteAcks,
};
use bigchaindb_strict::{Entry, Section};

/// Where the first block is nobody's claim, as the original's was not, its operator makes it on one
/// node before the others start.
const START_GAP_US: u64 = 500_000;

/// No node is given more cores than this.
const CORES_MAX: u32 = 256;

/// Who is in the federation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Federation {
    /// How many nodes of ours, called `n1`, `n2`, ….
    pub nodes: u32,
    /// Members that are none of ours; in the federation they come after those.
    pub external: Vec<ExternalEntry>,
    /// The rules' profile of our own nodes.
    pub rules: String,
    /// Safeguards taken away on purpose.
    pub quirks: Quirks,
    /// Bounds and waits of the nodes that are other than usual.
    pub bounds: Bounds,
    /// The first node starts at once, the others so long after it, in microseconds.
    pub start_gap_us: u64,
    /// The store they share.
    pub store: Store,
}

impl Federation {
    /// More nodes than this take more memory and time than one machine has.
    pub const NODES_MAX: u32 = 256;

    /// Takes other rules than the file says; nodes start as they would if the file said so.
    pub fn take_rules(&mut self, rules: &str) {
        let usual_gap = |rules: &str| if rules == "default" { 0 } else { START_GAP_US };
        if self.start_gap_us == usual_gap(&self.rules) {
            self.start_gap_us = usual_gap(rules);
        }
        rules.clone_into(&mut self.rules);
    }

    /// How many nodes may be lost at once, so that more than half of the voters stay.
    pub fn budget(&self) -> u32 {
        minority(self.members())
    }

    /// How many members there are, of ours and others.
    pub fn members(&self) -> u32 {
        self.nodes + u32::try_from(self.external.len()).expect("a file has few of them")
    }

    /// The names of all members.
    pub fn node_names(&self) -> Vec<String> {
        let ours = (1..=self.nodes).map(|number| format!("n{number}"));
        ours.chain(self.external.iter().map(|entry| entry.name.clone())).collect()
    }
}

impl Default for Federation {
    /// Four nodes that follow the default rules, on one server that keeps what it acknowledges.
    fn default() -> Self {
        let store = Store {
            engine: Engine::Embedded,
            servers: 1,
            shards: 1,
            replicas: 1,
            durability: Durability::Hard,
            write_acks: WriteAcks::Majority,
            read_mode: ReadMode::Majority,
            shuffle: false,
            timing: Timing::default(),
        };
        Self {
            nodes: 4,
            external: Vec::new(),
            rules: "default".to_owned(),
            quirks: Quirks::new(),
            bounds: Bounds::default(),
            start_gap_us: 0,
            store,
        }
    }
}

pub(super) fn read(top: &mut Section<'_>, links: &Links) -> Result<Federation, ScenarioError> {
    let mut federation = Federation::default();
    federation.store.timing = timing_over(links);
    let Some(entry) = top.take("federation") else { return Ok(federation) };
    let mut section = entry.section("`[federation]`")?;
    federation.external = external::read(&mut section)?;
    if let Some(nodes) = section.take("nodes") {
        let least = u32::from(federation.external.is_empty());
        federation.nodes = nodes.whole(least, Federation::NODES_MAX)?;
    }
    if federation.members() > Federation::NODES_MAX {
        let message = format!("a federation of {} members", federation.members());
        return Err(section.error(message, format!("have {} at most", Federation::NODES_MAX)));
    }
    if let Some(rules) = section.take("rules") {
        federation.take_rules(rules.one_of(&PROFILES)?);
    }
    if let Some(gap) = section.take("start_gap") {
        federation.start_gap_us = gap.duration()?;
    }
    if let Some(bounds) = section.take("bounds") {
        federation.bounds = read_bounds(&bounds)?;
    }
    if let Some(quirks) = section.take("quirks") {
        let names: Vec<_> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
        for quirk in quirks.list() {
            federation.quirks.extend(Quirk::by_name(quirk.one_of(&names)?));
        }
        if federation.rules != "default" && !federation.quirks.is_empty() {
            let message =
                format!("the rules `{}` have no safeguards to take away", federation.rules);
            let hint = "leave `quirks` out, or set `rules` to \"default\"";
            return Err(quirks.error(message, hint));
        }
    }
    if let Some(store) = section.take("rethinkdb") {
        federation.store = read_store(&store, links)?;
    }
    if let Some(engine) = section.take("store")
        && engine.one_of(&["embedded", "rethinkdb"])? == "rethinkdb"
    {
        federation.store.engine = Engine::Rethinkdb;
    }
    section.finish()?;
    Ok(federation)
}

fn read_bounds(entry: &Entry<'_>) -> Result<Bounds, ScenarioError> {
    let mut section = entry.section("`bounds`")?;
    let mut bounds = Bounds::default();
    for (name, bound) in &BOUNDS {
        let Some(entry) = section.take(name) else { continue };
        let value = match bound {
            Bound::Count(_) => u64::from(entry.whole(1, u32::MAX)?),
            Bound::Wait(_) => entry.positive_duration()?,
        };
        bounds.0.insert((*name).to_owned(), value);
    }
    section.finish()?;
    Ok(bounds)
}

/// The store if nothing is said of it.
pub(crate) fn usual_store(links: &Links) -> Store {
    Store { timing: timing_over(links), ..Federation::default().store }
}

fn read_store(entry: &Entry<'_>, links: &Links) -> Result<Store, ScenarioError> {
    let mut store = usual_store(links);
    let mut section = entry.section("`rethinkdb`")?;
    if let Some(servers) = section.take("servers") {
        store.servers = servers.whole(1, Store::SERVERS_MAX)?;
    }
    if let Some(shards) = section.take("shards") {
        store.shards = shards.whole(1, Store::SHARDS_MAX)?;
    }
    if let Some(replicas) = section.take("replicas") {
        store.replicas = replicas.whole(1, Store::SERVERS_MAX)?;
        if store.replicas > store.servers {
            let message =
                format!("{} replicas do not fit on {} servers", store.replicas, store.servers);
            return Err(replicas.error(message, "a server holds one copy of a shard at most"));
        }
    }
    if let Some(durability) = section.take("durability") {
        store.durability = match durability.one_of(&["hard", "soft"])? {
            "hard" => Durability::Hard,
            _ => Durability::Soft,
        };
    }
    if let Some(acks) = section.take("write_acks") {
        store.write_acks = match acks.one_of(&["majority", "single"])? {
            "single" => WriteAcks::Single,
            _ => WriteAcks::Majority,
        };
    }
    if let Some(mode) = section.take("read_mode") {
        store.read_mode = match mode.one_of(&["majority", "single", "outdated"])? {
            "single" => ReadMode::Single,
            "outdated" => ReadMode::Outdated,
            _ => ReadMode::Majority,
        };
    }
    if let Some(shuffle) = section.take("shuffle") {
        store.shuffle = shuffle.truth()?;
    }
    if let Some(timing) = section.take("timing") {
        read_timing(&timing, &mut store.timing)?;
    }
    section.finish()?;
    Ok(store)
}

/// Servers are as far from each other as nodes are from them; what a disk takes is among the costs.
fn timing_over(links: &Links) -> Timing {
    Timing { replicate_us: links.latency_us, sync_us: 0, ..Timing::default() }
}

fn read_timing(entry: &Entry<'_>, timing: &mut Timing) -> Result<(), ScenarioError> {
    let mut section = entry.section("`timing`")?;
    for (key, delay) in [
        ("silence", &mut timing.silence_us),
        ("election", &mut timing.election_us),
        ("election_after_silence", &mut timing.election_after_silence_us),
        ("restart", &mut timing.restart_us),
        ("joining", &mut timing.joining_us),
        ("take_over_after_start", &mut timing.take_over_after_start_us),
        ("take_over", &mut timing.take_over_us),
        ("hand_over", &mut timing.hand_over_us),
        ("vacancy", &mut timing.vacancy_us),
        ("taken_over_joining", &mut timing.taken_over_joining_us),
        ("reshard", &mut timing.reshard_us),
        ("catch_up", &mut timing.catch_up_us),
        ("backfill", &mut timing.backfill_us),
        ("reconnect", &mut timing.reconnect_us),
        ("two_primaries", &mut timing.two_primaries_us),
        ("abort", &mut timing.abort_us),
        ("blip", &mut timing.blip_us),
        ("replicate", &mut timing.replicate_us),
        ("flush", &mut timing.flush_us),
        ("write_back", &mut timing.write_back_us),
    ] {
        if let Some(entry) = section.take(key) {
            *delay = entry.duration()?;
        }
    }
    section.finish()
}

pub(super) fn read_links(top: &mut Section<'_>) -> Result<Links, ScenarioError> {
    let mut links = Links::default();
    let Some(entry) = top.take("links") else { return Ok(links) };
    let mut section = entry.section("`[links]`")?;
    section
        .not_built("regions", "give all links one latency: `default = { latency = \"70ms\" }`")?;
    if let Some(default) = section.take("default") {
        let mut default = default.section("`default`")?;
        if let Some(latency) = default.take("latency") {
            links.latency_us = latency.duration()?;
            links.jitter_us = links.latency_us / 10;
        }
        if let Some(jitter) = default.take("jitter") {
            links.jitter_us = jitter.duration_or_percent(links.latency_us)?;
        }
        default.finish()?;
    }
    if let Some(reorder) = section.take("reorder") {
        links.reorder = reorder.percent()?;
    }
    section.finish()?;
    Ok(links)
}

pub(super) fn read_costs(top: &mut Section<'_>) -> Result<Costs, ScenarioError> {
    let mut costs = Costs::default();
    let Some(entry) = top.take("costs") else { return Ok(costs) };
    let mut section = entry.section("`[costs]`")?;
    for (key, cost) in [
        ("request", &mut costs.request_us),
        ("check", &mut costs.check_us),
        ("block", &mut costs.block_us),
        ("query", &mut costs.query_us),
        ("row", &mut costs.row_us),
        ("sync", &mut costs.sync_us),
    ] {
        if let Some(entry) = section.take(key) {
            *cost = entry.duration()?;
        }
    }
    if let Some(cores) = section.take("cores") {
        costs.cores = cores.whole(1, CORES_MAX)?;
    }
    section.finish()?;
    Ok(costs)
}
