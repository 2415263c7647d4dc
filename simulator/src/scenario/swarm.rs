//! `[swarm]`: faults by chance, other ones under each seed.
//!
//! Not here: the draws (`plan::swarm`), faults that the file names (`fault`).

use super::fault::{Course, FAULTS_MAX, read_kind};
use super::{Federation, ScenarioError, minority};
use crate::faults::{self, Whom};
use crate::plan::{FaultKind, Store};
use bigchaindb_strict::{Entry, Section};

/// Faults by chance: each seed draws its own subset of kinds, their number, times and targets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Swarm {
    /// How many at least; several that belong together count as one.
    pub least: u32,
    /// How many at most.
    pub most: u32,
    /// Of which kinds.
    pub kinds: Vec<FaultKind>,
    /// And several that belong together, of which sort.
    pub rows: Vec<Row>,
    /// None begins before.
    pub from_us: u64,
    /// All are over by then.
    pub until_us: u64,
}

/// Several faults that belong together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Row {
    /// Members are met one after the other, and mended in another order.
    Swizzle,
    /// Members are met and mended one after the other.
    Rolling,
    /// A node is killed while the federation recovers from another fault.
    KillAfterHeal,
}

impl Row {
    const ALL: [(Self, &str); 3] = [
        (Self::Swizzle, Course::NAMES[0]),
        (Self::Rolling, Course::NAMES[1]),
        (Self::KillAfterHeal, "kill-after-heal"),
    ];
}

pub(super) fn read_swarm(
    top: &mut Section<'_>,
    federation: &Federation,
) -> Result<Option<Swarm>, ScenarioError> {
    let Some(entry) = top.take("swarm") else { return Ok(None) };
    let mut section = entry.section("`[swarm]`")?;
    let faults = section.require("faults", "\"3..8\"")?;
    let (least, most) = faults.range()?;
    if most > FAULTS_MAX {
        let message = format!("a swarm of {most} faults");
        return Err(faults.error(message, format!("ask for at most {FAULTS_MAX}")));
    }
    let (mut kinds, mut rows) = (Vec::new(), Vec::new());
    match section.take("kinds") {
        Some(entry) => read_kinds(&entry, &mut kinds, &mut rows)?,
        None => {
            let natures = faults::ALL.iter().filter(|nature| nature.is_usual());
            kinds.extend(natures.map(|nature| nature.kind));
            rows.extend(Row::ALL.map(|(row, _)| row));
        }
    }
    kinds.retain(|kind| is_possible(*kind, &federation.store));
    kinds.retain(|kind| !federation.able(*kind).is_empty());
    kinds.sort_unstable();
    kinds.dedup();
    // Where no two can be spared, there are no two to meet at once.
    rows.retain(|row| *row != Row::Swizzle || minority(federation.members()) >= 2);
    rows.sort_unstable();
    rows.dedup();
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
    Ok(Some(Swarm { least, most, kinds, rows, from_us, until_us }))
}

fn read_kinds(
    entry: &Entry<'_>,
    kinds: &mut Vec<FaultKind>,
    rows: &mut Vec<Row>,
) -> Result<(), ScenarioError> {
    for entry in entry.list() {
        let name = entry.text()?;
        match Row::ALL.iter().find(|(_, known)| *known == name) {
            Some((row, _)) => rows.push(*row),
            None => kinds.push(read_kind(&entry)?.kind),
        }
    }
    if kinds.is_empty() && rows.is_empty() {
        let message = "the swarm has no kind of fault".to_owned();
        let names = faults::ALL.map(|nature| nature.name).join(", ");
        return Err(entry.error(message, format!("there are: {names}")));
    }
    Ok(())
}

/// Whether a fault changes anything, on such a store.
fn is_possible(kind: FaultKind, store: &Store) -> bool {
    match kind {
        FaultKind::StorePartition => store.servers > 1,
        FaultKind::Reconfigure | FaultKind::StoreSlowLink => store.replicas > 1,
        _ => true,
    }
}

impl Whom {
    /// How many of them there are.
    pub(crate) fn count(self, federation: &Federation) -> u32 {
        match self {
            Self::Nodes => federation.members(),
            Self::Servers | Self::Store => federation.store.servers,
        }
    }
}
