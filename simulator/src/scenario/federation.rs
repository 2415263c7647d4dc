//! `[federation]`, `[links]` and `[costs]`: who is in it, and how fast its world is.

use bigchaindb_core::rules::{Quirk, Quirks};

use super::ScenarioError;
use super::reader::{Entry, Section};
use crate::plan::{Costs, Durability, Links, Store};

/// Who is in the federation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Federation {
    /// How many nodes, called `n1`, `n2`, ….
    pub nodes: u32,
    /// The rules' profile.
    pub rules: String,
    /// Safeguards taken away on purpose.
    pub quirks: Quirks,
    /// The store they share.
    pub store: Store,
}

impl Federation {
    /// More nodes than this take more memory and time than one machine has.
    pub const NODES_MAX: u32 = 64;

    /// How many nodes may be lost at once, so that more than half of the voters stay.
    pub fn budget(&self) -> u32 {
        (self.nodes - 1) / 2
    }

    /// The name of the node at an index.
    pub fn node_name(index: usize) -> String {
        format!("n{}", index + 1)
    }

    /// The names of all nodes.
    pub fn node_names(&self) -> Vec<String> {
        (0..self.nodes as usize).map(Self::node_name).collect()
    }
}

impl Default for Federation {
    /// Four nodes that follow the default rules, on one server that keeps what it acknowledges.
    fn default() -> Self {
        let store = Store { servers: 1, shards: 1, replicas: 1, durability: Durability::Hard };
        Self { nodes: 4, rules: "default".to_owned(), quirks: Quirks::new(), store }
    }
}

pub(super) fn read(
    top: &mut Section<'_>,
    notes: &mut Vec<String>,
) -> Result<Federation, ScenarioError> {
    let mut federation = Federation::default();
    let Some(entry) = top.take("federation") else { return Ok(federation) };
    let mut section = entry.section("`[federation]`")?;
    if let Some(nodes) = section.take("nodes") {
        federation.nodes = nodes.whole(1, Federation::NODES_MAX)?;
    }
    if let Some(rules) = section.take("rules") {
        let name = rules.one_of(&["default", "v0.6.0"])?;
        if name == "v0.6.0" {
            let message = "no node can run the rules `v0.6.0` yet, only judge documents by them";
            return Err(
                rules.error(message.to_owned(), "leave `rules` out, or set it to \"default\"")
            );
        }
        federation.rules = name.to_owned();
    }
    if let Some(quirks) = section.take("quirks") {
        let names: Vec<_> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
        for quirk in quirks.list() {
            federation.quirks.extend(Quirk::by_name(quirk.one_of(&names)?));
        }
    }
    if let Some(store) = section.take("rethinkdb") {
        federation.store = read_store(&store)?;
        let Store { servers, shards, replicas, .. } = federation.store;
        if (servers, shards, replicas) != (1, 1, 1) {
            notes.push(format!(
                "{servers} servers, {shards} shards and {replicas} replicas are noted in the plan; \
                 sim and local keep all tables in one store that does not fail"
            ));
        }
    }
    section.finish()?;
    Ok(federation)
}

fn read_store(entry: &Entry<'_>) -> Result<Store, ScenarioError> {
    const SERVERS_MAX: u32 = 64;
    let mut store = Federation::default().store;
    let mut section = entry.section("`rethinkdb`")?;
    if let Some(servers) = section.take("servers") {
        store.servers = servers.whole(1, SERVERS_MAX)?;
    }
    if let Some(shards) = section.take("shards") {
        store.shards = shards.whole(1, SERVERS_MAX)?;
    }
    if let Some(replicas) = section.take("replicas") {
        store.replicas = replicas.whole(1, SERVERS_MAX)?;
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
    section.finish()?;
    Ok(store)
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
    section.finish()?;
    Ok(costs)
}
