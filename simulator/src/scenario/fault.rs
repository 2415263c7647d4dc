//! `[[fault]]` and `[swarm]`: what goes wrong, at given times or by chance.

use super::reader::{Entry, Section, closest};
use super::target::{Target, read_target};
use super::{Federation, ScenarioError};
use crate::faults::{self, Nature, Whom};
use crate::plan::{Direction, FaultKind, Shape, Store};

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
    /// Which way a cut between servers goes.
    pub direction: Option<Direction>,
    /// What the tables of the store become.
    pub shape: Option<Shape>,
    /// The line that it begins on.
    pub line: Option<usize>,
}

/// What a fault does, whomever it meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Harm {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Which way a cut between servers goes.
    pub direction: Option<Direction>,
    /// What the tables of the store become.
    pub shape: Option<Shape>,
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
    /// What it does, whomever it meets.
    pub fn harm(&self) -> Harm {
        Harm { kind: self.kind, direction: self.direction, shape: self.shape }
    }

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
    let target = match nature.whom {
        Whom::Store => Target::All,
        _ => match section.take(nature.target) {
            Some(entry) => read_target(&entry, nature, federation)?,
            None => Target::One,
        },
    };
    let (mut direction, mut shape) = (None, None);
    match nature.kind {
        FaultKind::Partition => read_other_side(&mut section)?,
        FaultKind::StorePartition => {
            direction = Some(read_direction(&mut section, &target, federation)?);
        }
        FaultKind::Reconfigure => shape = read_shape(&mut section, federation)?,
        _ => {}
    }
    let (kind, line) = (nature.kind, section.line());
    section.finish()?;
    Ok(FaultEntry { kind, when, lasts_us, probability, target, direction, shape, line })
}

/// Which way the servers of a store are cut off from the rest of them.
fn read_direction(
    section: &mut Section<'_>,
    target: &Target,
    federation: &Federation,
) -> Result<Direction, ScenarioError> {
    if let Some(to) = section.take("to") {
        to.one_of(&["rest"])?;
    }
    let isolated = match target {
        Target::Named(servers) => servers.len(),
        Target::All => federation.store.servers as usize,
        Target::One | Target::Minority => 1,
    };
    if isolated >= federation.store.servers as usize {
        let message = "the fault `store-partition` leaves no server on the other side".to_owned();
        let hint = "isolate fewer, or set `federation.rethinkdb.servers` higher";
        return Err(section.error(message, hint));
    }
    let Some(direction) = section.take("direction") else { return Ok(Direction::Both) };
    Ok(match direction.one_of(&["both", "in", "out"])? {
        "in" => Direction::In,
        "out" => Direction::Out,
        _ => Direction::Both,
    })
}

/// What the tables of the store become.
fn read_shape(
    section: &mut Section<'_>,
    federation: &Federation,
) -> Result<Option<Shape>, ScenarioError> {
    let Store { servers, shards, replicas, .. } = federation.store;
    let mut shape = Shape { shards, replicas };
    let (told_shards, told_replicas) = (section.take("shards"), section.take("replicas"));
    if told_shards.is_none() && told_replicas.is_none() {
        if replicas > 1 {
            return Ok(None);
        }
        let message = "the fault `reconfigure` moves nobody: there is one replica".to_owned();
        return Err(section.error(message, "say what tables become: `shards = 2`, `replicas = 3`"));
    }
    if let Some(shards) = told_shards {
        shape.shards = shards.whole(1, Store::SHARDS_MAX)?;
    }
    if let Some(replicas) = told_replicas {
        shape.replicas = replicas.whole(1, servers)?;
    }
    Ok(Some(shape))
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

/// Whether a fault changes anything, on such a store.
fn is_possible(kind: FaultKind, store: &Store) -> bool {
    match kind {
        FaultKind::StorePartition => store.servers > 1,
        FaultKind::Reconfigure => store.replicas > 1,
        _ => true,
    }
}

pub(super) fn read_swarm(
    top: &mut Section<'_>,
    federation: &Federation,
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
        None => {
            let natures = faults::ALL.iter().filter(|nature| nature.is_usual());
            kinds.extend(natures.map(|nature| nature.kind));
        }
    }
    kinds.retain(|kind| is_possible(*kind, &federation.store));
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
