//! `[[fault]]`: what goes wrong, at given times or again and again.
//!
//! Here: the keys that all faults have. Not here: the keys of one kind alone (`wish`), whom it meets
//! (`target`), faults by chance (`swarm`). Start at [`FaultEntry`].

use super::target::{Target, read_target};
use super::wish::{self, Wish};
use super::{Federation, ScenarioError, minority};
use crate::backends::Backend;
use crate::faults::{self, Nature, Whom};
use crate::plan::{Direction, FaultKind, OtherSide, Store};
use bigchaindb_strict::{Entry, Section, closest};

/// A fault as the file tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FaultEntry {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Whether it is one fault or several that belong together.
    pub course: Course,
    /// When.
    pub when: When,
    /// For how long, in microseconds.
    pub lasts_us: u64,
    /// With what probability each time, in parts per million.
    pub probability: u32,
    /// Whom it meets.
    pub target: Target,
    /// How it goes.
    pub wish: Wish,
    /// The line that it begins on.
    pub line: Option<usize>,
}

/// One fault, or several that belong together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Course {
    /// One.
    Single,
    /// One member after the other is met, and they are mended in another order.
    Swizzle {
        /// The time between two beginnings, and between two ends.
        gap_us: u64,
    },
    /// One member after the other is met and mended.
    Rolling {
        /// The time between one's end and the next one's beginning.
        gap_us: u64,
    },
}

impl Course {
    /// The names of those that are more than one fault.
    pub const NAMES: [&str; 2] = ["swizzle", "rolling"];
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
    /// Once an earlier fault is mended.
    After {
        /// Which, by its place in the file, from 0 on.
        entry: u64,
        /// So long after that.
        wait_us: u64,
    },
}

/// More faults than this in one plan are a mistake.
pub(crate) const FAULTS_MAX: u32 = 10_000;
const BEGIN_US: u64 = 5_000_000;
/// Between two faults that belong together.
const GAP_US: u64 = 1_000_000;

impl FaultEntry {
    /// When it is over, as far as the file alone can tell.
    pub(super) fn last_moment_us(&self) -> u64 {
        let restart_us = self.wish.restart_after_us.unwrap_or(0);
        match self.when {
            When::At(at) => at + self.lasts_us + restart_us,
            When::Every { .. } | When::After { .. } => 0,
        }
    }

    /// Whether a world can do it, as it is to go, to such a store.
    pub(super) fn is_possible_in(&self, backend: Backend, store: &Store) -> bool {
        let Wish { to, direction, .. } = self.wish;
        let is_plain = to.is_none_or(|to| to == OtherSide::Store)
            && direction.is_none_or(|direction| direction == Direction::Both);
        // Which shard tells cannot be seen from outside.
        let names_shard = self.wish.shard.flatten().is_some();
        (backend != Backend::Local || is_plain)
            && (backend == Backend::Sim || !names_shard)
            && self.kind.nature().is_within_reach(backend, store)
    }
}

pub(super) fn read(
    top: &mut Section<'_>,
    federation: &Federation,
) -> Result<Vec<FaultEntry>, ScenarioError> {
    let Some(entry) = top.take("fault") else { return Ok(Vec::new()) };
    let mut faults: Vec<FaultEntry> = Vec::new();
    for section in entry.sections()? {
        faults.push(read_one(section, &faults, federation)?);
    }
    Ok(faults)
}

fn read_one(
    mut section: Section<'_>,
    earlier: &[FaultEntry],
    federation: &Federation,
) -> Result<FaultEntry, ScenarioError> {
    let what = section.require("do", "\"kill\"")?;
    let (nature, mut course) = read_what(&mut section, &what)?;
    section.rename(format!("the fault `{}`", what.text()?));
    let single = course == Course::Single;
    let when = read_when(&mut section, earlier, single)?;
    let lasts_us = match (nature.lasts, single) {
        (Some((key, default)), true) => {
            section.take(key).map_or(Ok(default), |entry| entry.positive_duration())?
        }
        (Some((_, default)), false) => {
            section.take("for").map_or(Ok(default), |entry| entry.positive_duration())?
        }
        (None, _) => 0,
    };
    if let Course::Swizzle { gap_us } | Course::Rolling { gap_us } = &mut course
        && let Some(gap) = section.take("gap")
    {
        *gap_us = gap.positive_duration()?;
    }
    let probability = section.take("p").map_or(Ok(1_000_000), |entry| entry.share())?;
    let told = match (nature.whom, single) {
        (Whom::Store, _) => None,
        (_, true) => section.take(nature.target),
        (_, false) => section.take("target"),
    };
    let mut target = match told {
        Some(entry) => read_target(&entry, nature, federation)?,
        None => usual_target(nature, course),
    };
    if federation.able(nature.kind).is_empty() {
        let message = format!("there is nobody whom the fault `{}` could meet", nature.name);
        return Err(section.error(message, "take it out, or set `federation.nodes` higher"));
    }
    let wish = wish::read(&mut section, nature, &mut target, federation)?;
    if let Course::Swizzle { .. } = course
        && count(nature, &target, federation) < 2
    {
        let message = "a swizzle meets two or more, one after the other".to_owned();
        let hint = "name two, or set `federation.nodes` to 5 or more";
        return Err(section.error(message, hint));
    }
    let (kind, line) = (nature.kind, section.line());
    section.finish()?;
    Ok(FaultEntry { kind, course, when, lasts_us, probability, target, wish, line })
}

/// The kind of fault, or of the faults that belong together.
fn read_what(
    section: &mut Section<'_>,
    what: &Entry<'_>,
) -> Result<(&'static Nature, Course), ScenarioError> {
    let course = match what.text()? {
        "swizzle" => Course::Swizzle { gap_us: GAP_US },
        "rolling" => Course::Rolling { gap_us: GAP_US },
        _ => return Ok((read_kind(what)?, Course::Single)),
    };
    let usual = match course {
        Course::Rolling { .. } => FaultKind::Kill,
        _ => FaultKind::Partition,
    };
    let Some(of) = section.take("of") else { return Ok((usual.nature(), course)) };
    let nature = read_kind(&of)?;
    let able: Vec<_> = faults::ALL.iter().filter(|nature| nature.is_of_courses()).collect();
    if !able.iter().any(|one| one.kind == nature.kind) {
        let names: Vec<_> = able.iter().map(|nature| nature.name).collect();
        let message = format!("the fault `{}` does not come in a row", nature.name);
        return Err(of.error(message, format!("these do: {}", names.join(", "))));
    }
    Ok((nature, course))
}

fn read_when(
    section: &mut Section<'_>,
    earlier: &[FaultEntry],
    single: bool,
) -> Result<When, ScenarioError> {
    let at = section.take("at").map(|entry| entry.duration()).transpose()?;
    let every = if single { section.take("every") } else { None };
    let after = section.take("after");
    match (every, after) {
        (Some(_), Some(after)) => {
            let message = "a fault comes every so often, or after another one".to_owned();
            Err(after.error(message, "keep one of `every` and `after`"))
        }
        (Some(every), None) => {
            let gap_us = every.positive_duration()?;
            Ok(When::Every { gap_us, from_us: at.unwrap_or(gap_us) })
        }
        (None, Some(after)) => {
            let most = u32::try_from(earlier.len()).expect("a file has few faults");
            if most == 0 {
                let message = "there is no fault before this one".to_owned();
                return Err(after.error(message, "say when it happens: `at = \"8s\"`"));
            }
            let number = after.whole(1, most)?;
            if let When::Every { .. } = earlier[number as usize - 1].when {
                let message = format!("fault {number} happens again and again");
                return Err(after.error(message, "name one that happens once"));
            }
            Ok(When::After { entry: u64::from(number) - 1, wait_us: at.unwrap_or(0) })
        }
        (None, None) => Ok(When::At(at.unwrap_or(BEGIN_US))),
    }
}

/// Whom a fault meets if nobody says.
pub(crate) fn usual_target(nature: &Nature, course: Course) -> Target {
    match (nature.whom, course) {
        (Whom::Store, _) | (_, Course::Rolling { .. }) => Target::All,
        (_, Course::Single) => Target::One,
        (Whom::Nodes, Course::Swizzle { .. }) => Target::Minority,
        (Whom::Servers, Course::Swizzle { .. }) => Target::All,
    }
}

fn count(nature: &Nature, target: &Target, federation: &Federation) -> usize {
    let all = nature.whom.count(federation);
    let count = match target {
        Target::One => 1,
        Target::Minority => minority(all),
        Target::All => all,
        Target::Named(members) => return members.len(),
    };
    count as usize
}

pub(super) fn read_kind(entry: &Entry<'_>) -> Result<&'static Nature, ScenarioError> {
    let name = entry.text()?;
    if let Some(nature) = faults::ALL.iter().find(|nature| nature.name == name) {
        return Ok(nature);
    }
    let names: Vec<_> = faults::ALL.iter().map(|nature| nature.name).collect();
    let names = [&names[..], &Course::NAMES[..]].concat();
    let message = format!("there is no fault `{name}`");
    Err(entry.error(message, closest(name, &names, "there are")))
}
