//! How a fault is to go, as a scenario says it. What it leaves open, each occurrence draws.
//!
//! Here: the keys that one kind of fault has and others do not. Not here: what all have (`fault`), what is
//! drawn (`plan::particulars`). Start at [`read`].

use super::target::Target;
use super::{Federation, ScenarioError};
use crate::faults::Nature;
use crate::plan::{Direction, FaultKind, Followed, Form, Loss, OtherSide, Point, Shape, Store};
use bigchaindb_strict::{Entry, Section, closest};

/// How a fault is to go; `None` is for chance to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wish {
    /// From whom a node is cut off.
    pub to: Option<OtherSide>,
    /// Which way a cut goes.
    pub direction: Option<Direction>,
    /// Which servers are kept apart.
    pub form: Option<Form>,
    /// What the tables of the store become; chance moves only their primaries.
    pub shape: Option<Shape>,
    /// Where a node dies.
    pub point: Option<Point>,
    /// At which time that it comes there.
    pub nth: Option<u32>,
    /// After how long it starts again.
    pub restart_after_us: Option<u64>,
    /// How many times as long something takes.
    pub factor: Option<u32>,
    /// What messages take on top, at most.
    pub jitter_us: Option<u64>,
    /// Elements of which feeds come late; `Some(None)` is all.
    pub table: Option<Option<Followed>>,
    /// Of which shard; `Some(None)` is all.
    pub shard: Option<Option<u32>>,
    /// How late they come, at most.
    pub most_us: Option<u64>,
    /// How many answers are lost, or elements repeated, in parts per million.
    pub share: Option<u32>,
    /// How many bytes pass in a second.
    pub rate_bytes: Option<u32>,
    /// How a node learns of a lost answer.
    pub loss: Option<Loss>,
    /// How far a clock is off, in milliseconds.
    pub off_ms: Option<i64>,
    /// What a clock gains in a second, in microseconds.
    pub ppm: Option<i64>,
    /// The steps of a clock, in milliseconds.
    pub step_ms: Option<u64>,
}

/// Nothing takes so many times as long as usual.
pub(crate) const FACTOR_MAX: u32 = 100_000;
/// A link through which less passes in a second is none.
const SPEED_MIN: u32 = 1_000;
/// A clock that gains or loses more than this in a second is none.
const PPM_MAX: i64 = 900_000;
/// No point is come to more often in a run.
const NTH_MAX: u32 = 1_000_000;
/// How long a node that died stays away, if nobody says.
const RESTART_AFTER_US: u64 = 2_000_000;

/// Takes the keys that this kind of fault has.
pub(super) fn read(
    section: &mut Section<'_>,
    nature: &Nature,
    target: &mut Target,
    federation: &Federation,
) -> Result<Wish, ScenarioError> {
    let mut wish = Wish::default();
    match nature.kind {
        FaultKind::Partition => {
            wish.to = Some(read_other_side(section)?);
            wish.direction = Some(read_direction(section)?);
        }
        FaultKind::StorePartition => read_form(section, &mut wish, target, federation)?,
        FaultKind::Reconfigure => wish.shape = read_shape(section, federation)?,
        FaultKind::Crash => read_point(section, &mut wish)?,
        FaultKind::SlowLink => {
            wish.factor = read_factor(section)?;
            wish.jitter_us = section.take("jitter").map(|entry| entry.duration()).transpose()?;
        }
        FaultKind::SlowNode | FaultKind::StoreSlow | FaultKind::StoreSlowLink => {
            wish.factor = read_factor(section)?;
        }
        FaultKind::FeedLag => read_lag(section, &mut wish, federation)?,
        FaultKind::FeedRepeat | FaultKind::LossyLink => wish.share = read_share(section)?,
        FaultKind::NarrowLink => wish.rate_bytes = read_speed(section)?,
        FaultKind::LostAnswers => {
            wish.share = read_share(section)?;
            wish.loss = section.take("manner").map(|entry| read_loss(&entry)).transpose()?;
        }
        FaultKind::ClockSkew => wish.off_ms = read_skew(section)?,
        FaultKind::ClockJump => {
            wish.off_ms = section.take("back").map(|entry| milliseconds(&entry)).transpose()?;
            wish.off_ms = wish.off_ms.map(|ms| -ms);
        }
        FaultKind::ClockDrift => {
            let ppm = section.take("ppm");
            wish.ppm = ppm.map(|entry| entry.signed(-PPM_MAX, PPM_MAX)).transpose()?;
        }
        FaultKind::ClockStop => {
            let step = section.take("step").map(|entry| milliseconds(&entry)).transpose()?;
            wish.step_ms = step.map(i64::unsigned_abs);
        }
        _ => {}
    }
    Ok(wish)
}

/// The other side of a cut. Nodes meet in their store only.
fn read_other_side(section: &mut Section<'_>) -> Result<OtherSide, ScenarioError> {
    let Some(to) = section.take("to") else { return Ok(OtherSide::Store) };
    let name = to.text()?;
    match name {
        "store" => Ok(OtherSide::Store),
        "clients" => Ok(OtherSide::Clients),
        "both" => Ok(OtherSide::Both),
        _ => {
            let message = format!("there is no partition between nodes and `{name}`");
            let hint = "nodes meet in their store: cut one off with `to` = \"store\", \"clients\" \
                        or \"both\"";
            Err(to.error(message, hint))
        }
    }
}

fn read_direction(section: &mut Section<'_>) -> Result<Direction, ScenarioError> {
    let Some(direction) = section.take("direction") else { return Ok(Direction::Both) };
    Ok(match direction.one_of(&["both", "in", "out"])? {
        "in" => Direction::In,
        "out" => Direction::Out,
        _ => Direction::Both,
    })
}

/// Which servers of a store are kept apart, and which way.
fn read_form(
    section: &mut Section<'_>,
    wish: &mut Wish,
    target: &mut Target,
    federation: &Federation,
) -> Result<(), ScenarioError> {
    let servers = federation.store.servers;
    if let Some(to) = section.take("to") {
        to.one_of(&["rest"])?;
    }
    let shape = section.take("shape");
    let name = shape.as_ref().map_or(Ok("isolated"), |shape| {
        shape.one_of(&["isolated", "minority", "halves", "ring", "bridge"])
    })?;
    let (form, least) = match name {
        "halves" => (Form::Halves, 2),
        "bridge" => (Form::Bridge, 3),
        "ring" => (Form::Ring, 4),
        "minority" => (Form::Isolated, 3),
        _ => (Form::Isolated, 2),
    };
    wish.form = Some(form);
    if name != "isolated" && *target != Target::One {
        let message = format!("a partition in the shape `{name}` chooses its servers by itself");
        return Err(section.error(message, format!("take `from` out, or `shape = \"{name}\"`")));
    }
    if name == "minority" {
        *target = Target::Minority;
    }
    if servers < least && name != "isolated" {
        let message = format!("a partition in the shape `{name}` needs {least} servers or more");
        let hint = format!("set `federation.rethinkdb.servers` to {least} or more");
        return Err(section.error(message, hint));
    }
    let isolated = match target {
        Target::Named(servers) => servers.len(),
        Target::All => servers as usize,
        Target::One | Target::Minority => 1,
    };
    if isolated >= servers as usize {
        let message = "the fault `store-partition` leaves no server on the other side".to_owned();
        let hint = "isolate fewer, or set `federation.rethinkdb.servers` higher";
        return Err(section.error(message, hint));
    }
    wish.direction = Some(match form {
        Form::Isolated => read_direction(section)?,
        _ => Direction::Both,
    });
    Ok(())
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

/// Where a node dies.
fn read_point(section: &mut Section<'_>, wish: &mut Wish) -> Result<(), ScenarioError> {
    if let Some(point) = section.take("point") {
        let text = point.text()?;
        let found = text.parse().map_err(|error: crate::plan::NoSuchPoint| {
            let names: Vec<_> = Point::all().map(|point| point.to_string()).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            point.error(error.to_string(), closest(text, &names, "there are"))
        })?;
        // Who names a point means the next time that it is come to.
        (wish.point, wish.nth) = (Some(found), Some(1));
    }
    if let Some(nth) = section.take("nth") {
        wish.nth = Some(nth.whole(1, NTH_MAX)?);
    }
    let restart_after = section.take("restart_after");
    wish.restart_after_us = Some(match restart_after {
        Some(entry) => entry.positive_duration()?,
        None => RESTART_AFTER_US,
    });
    Ok(())
}

fn read_factor(section: &mut Section<'_>) -> Result<Option<u32>, ScenarioError> {
    section.take("factor").map(|entry| entry.whole(2, FACTOR_MAX)).transpose()
}

fn read_share(section: &mut Section<'_>) -> Result<Option<u32>, ScenarioError> {
    let Some(entry) = section.take("share") else { return Ok(None) };
    let share = entry.share()?;
    if share == 0 {
        let message = "`share` of nothing changes nothing".to_owned();
        return Err(entry.error(message, "write a number above 0, like 0.3"));
    }
    Ok(Some(share))
}

/// How much passes in a second.
fn read_speed(section: &mut Section<'_>) -> Result<Option<u32>, ScenarioError> {
    let Some(entry) = section.take("rate") else { return Ok(None) };
    let speed = entry.text()?.strip_suffix("/s").and_then(bigchaindb_strict::units::bytes);
    match speed.filter(|bytes| *bytes >= SPEED_MIN) {
        Some(bytes) => Ok(Some(bytes)),
        None => {
            let message = "`rate` is not how much passes in a second".to_owned();
            Err(entry.error(message, "write 1kB/s or more, like \"50kB/s\""))
        }
    }
}

/// Which elements come late, and how late.
fn read_lag(
    section: &mut Section<'_>,
    wish: &mut Wish,
    federation: &Federation,
) -> Result<(), ScenarioError> {
    let (table, shard) = (section.take("table"), section.take("shard"));
    if let Some(table) = &table {
        let name = table.one_of(&["backlog", "bigchain", "votes", "positions"])?;
        let followed = match name {
            "backlog" => Followed::Backlog,
            "bigchain" => Followed::Bigchain,
            "votes" => Followed::Votes,
            _ => Followed::Positions,
        };
        wish.table = Some(Some(followed));
    }
    if let Some(shard) = &shard {
        // People count from 1, here as with servers.
        wish.shard = Some(Some(shard.whole(1, federation.store.shards)? - 1));
    }
    // Who names one of the two means all of the other.
    if table.is_some() != shard.is_some() {
        wish.table.get_or_insert(None);
        wish.shard.get_or_insert(None);
    }
    wish.most_us = section.take("by").map(|entry| entry.positive_duration()).transpose()?;
    Ok(())
}

fn read_loss(entry: &Entry<'_>) -> Result<Loss, ScenarioError> {
    Ok(match entry.one_of(&["silence", "reset", "either"])? {
        "silence" => Loss::Silence,
        "reset" => Loss::Reset,
        _ => Loss::Either,
    })
}

/// How far a clock is off, to one side.
fn read_skew(section: &mut Section<'_>) -> Result<Option<i64>, ScenarioError> {
    match (section.take("ahead"), section.take("behind")) {
        (None, None) => Ok(None),
        (Some(ahead), None) => Ok(Some(milliseconds(&ahead)?)),
        (None, Some(behind)) => Ok(Some(-milliseconds(&behind)?)),
        (Some(_), Some(behind)) => {
            let message = "a clock is ahead or behind, not both".to_owned();
            Err(behind.error(message, "keep one of `ahead` and `behind`"))
        }
    }
}

/// Whole milliseconds, as clocks of nodes have them; at least one.
fn milliseconds(entry: &Entry<'_>) -> Result<i64, ScenarioError> {
    let us = entry.positive_duration()?;
    if us % 1000 != 0 {
        let message = "a node's clock knows no less than a millisecond".to_owned();
        return Err(entry.error(message, "write whole milliseconds, like \"1500ms\""));
    }
    Ok(i64::try_from(us / 1000).expect("durations are at most a year"))
}
