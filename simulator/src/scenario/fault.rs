//! `[[fault]]` and `[swarm]`: what goes wrong, at given times or by chance.

use super::reader::{Entry, Section, closest};
use super::{Federation, ScenarioError};
use crate::faults::{self, Nature};
use crate::plan::FaultKind;

/// A fault as the file tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FaultEntry {
    /// What goes wrong.
    pub kind: FaultKind,
    /// When.
    pub when: When,
    /// For how long, in microseconds.
    pub lasts_us: u64,
    /// With what probability each time, in parts per million.
    pub probability: u32,
    /// Whom it meets.
    pub target: Target,
    /// The line that it begins on.
    pub line: Option<usize>,
}

/// When a fault happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Once.
    At(u64),
    /// Again and again, from a time on, for as long as there is load.
    Every {
        /// The time between two.
        gap_us: u64,
        /// The first.
        from_us: u64,
    },
}

/// Whom a fault meets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// One node, another each time.
    One,
    /// As many nodes as the federation can do without, others each time.
    Minority,
    /// These nodes, by index, ascending.
    Nodes(Vec<usize>),
}

/// Faults by chance: each seed draws its own subset of kinds, their number, times and targets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Swarm {
    /// How many at least.
    pub least: u32,
    /// How many at most.
    pub most: u32,
    /// Of which kinds.
    pub kinds: Vec<FaultKind>,
    /// None begins before.
    pub from_us: u64,
    /// All are over by then.
    pub until_us: u64,
}

/// More faults than this in one plan are a mistake.
pub(crate) const FAULTS_MAX: u32 = 10_000;
const BEGIN_US: u64 = 5_000_000;

impl FaultEntry {
    /// When it is over, as far as the file alone can tell.
    pub(super) fn last_moment_us(&self) -> u64 {
        match self.when {
            When::At(at) => at + self.lasts_us,
            When::Every { .. } => 0,
        }
    }
}

pub(super) fn read(
    top: &mut Section<'_>,
    federation: &Federation,
) -> Result<Vec<FaultEntry>, ScenarioError> {
    let Some(entry) = top.take("fault") else { return Ok(Vec::new()) };
    entry.sections()?.into_iter().map(|section| read_one(section, federation)).collect()
}

fn read_one(
    mut section: Section<'_>,
    federation: &Federation,
) -> Result<FaultEntry, ScenarioError> {
    let nature = read_kind(&section.require("do", "\"kill\"")?)?;
    section.rename(format!("the fault `{}`", nature.name));
    let at = section.take("at").map(|entry| entry.duration()).transpose()?;
    let every = section.take("every").map(|entry| entry.positive_duration()).transpose()?;
    let when = match (at, every) {
        (at, Some(gap_us)) => When::Every { gap_us, from_us: at.unwrap_or(gap_us) },
        (at, None) => When::At(at.unwrap_or(BEGIN_US)),
    };
    let lasts_us = match nature.lasts {
        Some((key, default)) => {
            section.take(key).map_or(Ok(default), |entry| entry.positive_duration())?
        }
        None => 0,
    };
    let probability = section.take("p").map_or(Ok(1_000_000), |entry| entry.share())?;
    let target = match section.take(nature.target) {
        Some(entry) => read_target(&entry, nature, federation)?,
        None => Target::One,
    };
    if nature.kind == FaultKind::Partition {
        read_other_side(&mut section)?;
    }
    let line = section.line();
    section.finish()?;
    Ok(FaultEntry { kind: nature.kind, when, lasts_us, probability, target, line })
}

fn read_kind(entry: &Entry<'_>) -> Result<&'static Nature, ScenarioError> {
    let name = entry.text()?;
    if let Some(nature) = faults::ALL.iter().find(|nature| nature.name == name) {
        return Ok(nature);
    }
    let names = faults::ALL.map(|nature| nature.name);
    let message = if faults::NOT_BUILT.contains(&name) {
        format!("the fault `{name}` is not built yet")
    } else {
        format!("there is no fault `{name}`")
    };
    Err(entry.error(message, closest(name, &names, "there are")))
}

/// The other side of a cut. Nodes meet in their store only, so there is one.
fn read_other_side(section: &mut Section<'_>) -> Result<(), ScenarioError> {
    section.not_built("direction", "a cut goes both ways")?;
    let Some(to) = section.take("to") else { return Ok(()) };
    let name = to.text()?;
    if name == "store" {
        return Ok(());
    }
    let message = format!("a partition between nodes and `{name}` is not built yet");
    Err(to.error(message, "nodes meet in their store: cut one off with `to = \"store\"`"))
}

fn read_target(
    entry: &Entry<'_>,
    nature: &Nature,
    federation: &Federation,
) -> Result<Target, ScenarioError> {
    let names = federation.node_names();
    let mut nodes = Vec::new();
    let entries = entry.list();
    for entry in &entries {
        let name = entry.text()?;
        match (name, entries.len()) {
            ("one", 1) => return Ok(Target::One),
            ("minority", 1) if federation.budget() > 0 => return Ok(Target::Minority),
            ("minority", 1) => {
                let message = format!("{} nodes have no minority to lose", federation.nodes);
                return Err(entry.error(message, "set `federation.nodes` to 3 or more"));
            }
            _ => match names.iter().position(|known| known == name) {
                Some(node) => nodes.push(node),
                None => return Err(no_such_node(entry, name, nature, federation)),
            },
        }
    }
    if nodes.is_empty() {
        let message = format!("fault `{}` {} nobody", nature.name, nature.verb);
        return Err(entry.error(message, format!("name one of {}", names.join(", "))));
    }
    nodes.sort_unstable();
    nodes.dedup();
    Ok(Target::Nodes(nodes))
}

fn no_such_node(
    entry: &Entry<'_>,
    name: &str,
    nature: &Nature,
    federation: &Federation,
) -> ScenarioError {
    let Nature { name: fault, verb, .. } = nature;
    let count = match federation.nodes {
        1 => "there is 1 node".to_owned(),
        nodes => format!("there are {nodes} nodes"),
    };
    let message = format!("fault `{fault}` {verb} `{name}`, but {count}");
    let names = federation.node_names().join(", ");
    let number = name.strip_prefix('n').and_then(|number| number.parse().ok());
    let hint = match number {
        Some(number @ 1..=Federation::NODES_MAX) => {
            format!("set `federation.nodes` to {number} or more, or name one of {names}")
        }
        _ => format!("name \"one\", \"minority\", or one of {names}"),
    };
    entry.error(message, hint)
}

pub(super) fn read_swarm(
    top: &mut Section<'_>,
    notes: &mut Vec<String>,
) -> Result<Option<Swarm>, ScenarioError> {
    let Some(entry) = top.take("swarm") else { return Ok(None) };
    let mut section = entry.section("`[swarm]`")?;
    let faults = section.require("faults", "\"3..8\"")?;
    let (least, most) = faults.range()?;
    if most > FAULTS_MAX {
        let message = format!("a swarm of {most} faults");
        return Err(faults.error(message, format!("ask for at most {FAULTS_MAX}")));
    }
    let mut kinds = Vec::new();
    match section.take("kinds") {
        Some(entry) => {
            for entry in entry.list() {
                match entry.text()? {
                    name if faults::NOT_BUILT.contains(&name) => {
                        notes.push(format!("the swarm goes without `{name}`: not built yet"));
                    }
                    _ => kinds.push(read_kind(&entry)?.kind),
                }
            }
            if kinds.is_empty() {
                let message = "the swarm has no kind of fault that is built".to_owned();
                let names = faults::ALL.map(|nature| nature.name).join(", ");
                return Err(entry.error(message, format!("there are: {names}")));
            }
        }
        None => kinds.extend(faults::ALL.iter().map(|nature| nature.kind)),
    }
    kinds.sort_unstable();
    kinds.dedup();
    let between = section.require("between", "[\"5s\", \"85s\"]")?;
    let [from, until] = between.list().try_into().map_err(|_| {
        between.error("`between` is not two times".to_owned(), "write [\"5s\", \"85s\"]")
    })?;
    let (from_us, until_us) = (from.duration()?, until.duration()?);
    if from_us >= until_us {
        let message = "`between` ends before it begins".to_owned();
        return Err(between.error(message, "write the earlier time first, like [\"5s\", \"85s\"]"));
    }
    section.finish()?;
    Ok(Some(Swarm { least, most, kinds, from_us, until_us }))
}
