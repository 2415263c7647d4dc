//! `[[load]]`: what clients do, and how often.

use super::ScenarioError;
use super::arrivals::{self, Arrivals};
use crate::plan::Oddity;
use bigchaindb_strict::units;
use bigchaindb_strict::{Entry, Section};

/// A stretch of load.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Load {
    /// When it begins, in microseconds of the run.
    pub from_us: u64,
    /// When it ends.
    pub until_us: u64,
    /// How the arrivals lie on the time axis.
    pub arrivals: Arrivals,
    /// What they do.
    pub mix: Mix,
    /// Size of each payload in bytes.
    pub payload_bytes: u32,
    /// What odd documents are odd about.
    pub odd: Vec<Oddity>,
    /// Whether clients look after what was accepted.
    pub watch: bool,
    /// Whether it is measured when what was accepted can be read through another node.
    pub readable: Option<Readable>,
}

/// How it is found out when a transaction can be read through another node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Readable {
    /// How often the node is asked, in microseconds: no latency is known better than that.
    pub every_us: u64,
    /// Of how many operations, in parts per million.
    pub share: u32,
}

/// Which share of the arrivals does what, in parts per million; together, all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mix([u32; Kind::ALL.len()]);

/// What an arrival does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A CREATE.
    Create,
    /// A TRANSFER of an earlier output.
    Transfer,
    /// Two TRANSFERs of the same output.
    Conflict,
    /// A TRANSFER, posted twice.
    Duplicate,
    /// A TRANSFER, posted at every node at once.
    Everywhere,
    /// A TRANSFER, posted again when it is long decided.
    Replay,
    /// A CREATE, and a TRANSFER of it that does not wait.
    Eager,
    /// An asset of two owners: made, moved together with another one, moved on.
    MultiOwner,
    /// An output for several keys, with weights or without, and who opens it.
    Threshold,
    /// An output for whoever knows a secret.
    Hashlock,
    /// An output that can be had up to a time.
    Timeout,
    /// An output for one up to a time, for another one after it.
    Escrow,
    /// A document of a shape that nobody should accept.
    Odd,
    /// Something that is no transaction.
    Malformed,
}

impl Kind {
    /// All there are, with their keys in `mix`. The order decides which draw does what.
    pub const ALL: [(&'static str, Self); 14] = [
        ("create", Self::Create),
        ("transfer", Self::Transfer),
        ("conflict", Self::Conflict),
        ("duplicate", Self::Duplicate),
        ("everywhere", Self::Everywhere),
        ("replay", Self::Replay),
        ("eager", Self::Eager),
        ("multi-owner", Self::MultiOwner),
        ("threshold", Self::Threshold),
        ("hashlock", Self::Hashlock),
        ("timeout", Self::Timeout),
        ("escrow", Self::Escrow),
        ("odd", Self::Odd),
        ("malformed", Self::Malformed),
    ];
}

impl Mix {
    /// What an arrival does that has drawn this number below a million.
    pub fn kind(&self, drawn: u64) -> Kind {
        let mut upto = 0;
        let fits = |share: &u32| {
            upto += u64::from(*share);
            drawn < upto
        };
        let place = self.0.iter().position(fits).expect("the shares add up to a million");
        Kind::ALL[place].1
    }

    /// Whether each arrival is one request.
    fn is_plain(&self) -> bool {
        self.share_of(Kind::Create) + self.share_of(Kind::Transfer) == units::MILLION
    }

    fn share_of(&self, kind: Kind) -> u32 {
        let place = Kind::ALL.iter().position(|(_, one)| *one == kind).expect("all are there");
        self.0[place]
    }
}

/// A payload above this would not fit into a request.
const PAYLOAD_BYTES_MAX: u32 = 1_000_000;
const BEGIN_US: u64 = 2_000_000;
const LENGTH_US: u64 = 20_000_000;
const PAYLOAD_BYTES: u32 = 200;
const READABLE_EVERY_US: u64 = 50_000;
const READABLE_EVERY_US_MIN: u64 = 1_000;
const MIX: Mix = Mix([700_000, 300_000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

pub(super) fn read(top: &mut Section<'_>) -> Result<Vec<Load>, ScenarioError> {
    let Some(entry) = top.take("load") else { return Ok(Vec::new()) };
    entry.sections()?.into_iter().map(read_one).collect()
}

fn read_one(mut section: Section<'_>) -> Result<Load, ScenarioError> {
    let from_us = section.take("at").map_or(Ok(BEGIN_US), |entry| entry.duration())?;
    let length = section.take("for").map(|entry| entry.positive_duration()).transpose()?;
    let entry = section.require("arrivals", "{ kind = \"poisson\", rate = \"50/s\" }")?;
    let (arrivals, length_us) = arrivals::read(&entry, length, LENGTH_US)?;
    let mix = section.take("mix").map_or(Ok(MIX), |entry| read_mix(&entry))?;
    if matches!(arrivals, Arrivals::Saturate { .. }) && !mix.is_plain() {
        let message =
            "a closed loop has one request after the other, and `mix` has kinds of several";
        let hint = "leave all but `create` and `transfer` out, or say a rate";
        return Err(entry.error(message.to_owned(), hint));
    }
    let payload = section.take("payload");
    let payload_bytes =
        payload.map_or(Ok(PAYLOAD_BYTES), |entry| entry.bytes(PAYLOAD_BYTES_MAX))?;
    let odd = section.take("odd");
    let odd = match &odd {
        Some(entry) => read_odd(entry, mix)?,
        None => Oddity::ALL.map(|(_, oddity)| oddity).to_vec(),
    };
    let watch = section.take("watch").map_or(Ok(false), |entry| entry.truth())?;
    let readable = section.take("readable").map(|entry| read_readable(&entry)).transpose()?;
    section.finish()?;
    let until_us = from_us + length_us;
    Ok(Load { from_us, until_us, arrivals, mix, payload_bytes, odd, watch, readable })
}

fn read_readable(entry: &Entry<'_>) -> Result<Readable, ScenarioError> {
    let mut section = entry.section("`readable`")?;
    let every = section.take("every");
    let every_us = every.as_ref().map_or(Ok(READABLE_EVERY_US), Entry::positive_duration)?;
    let share = section.take("share").map_or(Ok(units::MILLION), |entry| entry.share())?;
    section.finish()?;
    if let Some(entry) = every.filter(|_| every_us < READABLE_EVERY_US_MIN) {
        let message = "`every` is less than a millisecond".to_owned();
        return Err(entry.error(message, "no answer is that fast: make it \"1ms\" or more"));
    }
    Ok(Readable { every_us, share })
}

fn read_mix(entry: &Entry<'_>) -> Result<Mix, ScenarioError> {
    let mut section = entry.section("`mix`")?;
    let mut shares = [0; Kind::ALL.len()];
    for (share, (key, _)) in shares.iter_mut().zip(Kind::ALL) {
        *share = section.take(key).map_or(Ok(0), |entry| entry.share())?;
    }
    section.finish()?;
    // Each share is at most a million, and there are few.
    let sum: u32 = shares.iter().sum();
    if sum != units::MILLION {
        let sum = f64::from(sum) / 1e6;
        let keys = Kind::ALL.map(|(key, _)| key).join(", ");
        let hint = format!("these together make 1: {keys}");
        return Err(entry.error(format!("the shares in `mix` add up to {sum}"), hint));
    }
    Ok(Mix(shares))
}

/// What odd documents are odd about.
fn read_odd(entry: &Entry<'_>, mix: Mix) -> Result<Vec<Oddity>, ScenarioError> {
    let names = Oddity::ALL.map(|(name, _)| name);
    let mut odd = Vec::new();
    for entry in entry.list() {
        let name = entry.one_of(&names)?;
        odd.extend(Oddity::ALL.iter().filter(|(known, _)| *known == name).map(|(_, one)| *one));
    }
    if odd.is_empty() {
        let hint = format!("there are: {}", names.join(", "));
        return Err(entry.error("`odd` names nothing".to_owned(), hint));
    }
    if mix.share_of(Kind::Odd) == 0 {
        let message = "`odd` says what is odd, but `mix` has no share of it".to_owned();
        return Err(entry.error(message, "add one, like `mix = { create = 0.9, odd = 0.1 }`"));
    }
    odd.sort_unstable();
    odd.dedup();
    Ok(odd)
}
