//! `[[load]]`: what clients do, and how often.

use super::ScenarioError;
use super::reader::{Entry, Section};
use super::units::{self, Rate};

/// A stretch of load.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Load {
    /// When it begins, in microseconds of the run.
    pub from_us: u64,
    /// When it ends.
    pub until_us: u64,
    /// How the arrivals lie on the time axis.
    pub arrivals: Arrivals,
    /// How often they come.
    pub rate: Rate,
    /// What they do.
    pub mix: Mix,
    /// Size of each payload in bytes.
    pub payload_bytes: u32,
}

/// How arrivals lie on the time axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrivals {
    /// Evenly.
    Constant,
    /// Independently of each other, as from many clients.
    Poisson,
}

/// Which share of the arrivals does what, in parts per million; together, all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mix {
    /// A CREATE.
    pub create: u32,
    /// A TRANSFER of an earlier output.
    pub transfer: u32,
    /// Two TRANSFERs of the same output.
    pub conflict: u32,
    /// A TRANSFER, posted twice.
    pub duplicate: u32,
}

/// A payload above this would not fit into a request.
const PAYLOAD_BYTES_MAX: u32 = 1_000_000;
/// More arrivals than this in one load do not fit into a plan.
const ARRIVALS_MAX: u64 = 1_000_000;
const BEGIN_US: u64 = 2_000_000;
const LENGTH_US: u64 = 20_000_000;
const PAYLOAD_BYTES: u32 = 200;
const MIX: Mix = Mix { create: 700_000, transfer: 300_000, conflict: 0, duplicate: 0 };

pub(super) fn read(top: &mut Section<'_>) -> Result<Vec<Load>, ScenarioError> {
    let Some(entry) = top.take("load") else { return Ok(Vec::new()) };
    entry.sections()?.into_iter().map(read_one).collect()
}

fn read_one(mut section: Section<'_>) -> Result<Load, ScenarioError> {
    let from_us = section.take("at").map_or(Ok(BEGIN_US), |entry| entry.duration())?;
    let length = section.take("for").map_or(Ok(LENGTH_US), |entry| entry.positive_duration())?;
    let arrivals = section.require("arrivals", "{ kind = \"poisson\", rate = \"50/s\" }")?;
    let (kind, rate) = read_arrivals(&arrivals)?;
    let mix = section.take("mix").map_or(Ok(MIX), |entry| read_mix(&entry))?;
    let payload = section.take("payload");
    let payload_bytes =
        payload.map_or(Ok(PAYLOAD_BYTES), |entry| entry.bytes(PAYLOAD_BYTES_MAX))?;
    if length / (rate.gap_ns().div_ceil(1_000)).max(1) > ARRIVALS_MAX {
        let message = format!("more than {ARRIVALS_MAX} arrivals in one `[[load]]`");
        return Err(section.error(message, "lower its rate, or make it shorter"));
    }
    section.finish()?;
    Ok(Load { from_us, until_us: from_us + length, arrivals: kind, rate, mix, payload_bytes })
}

fn read_arrivals(entry: &Entry<'_>) -> Result<(Arrivals, Rate), ScenarioError> {
    let mut section = entry.section("`arrivals`")?;
    let mut kind = Arrivals::Poisson;
    if let Some(entry) = section.take("kind") {
        kind =
            match entry.one_of(&["constant", "poisson", "ramp", "steps", "saturate", "replay"])? {
                "constant" => Arrivals::Constant,
                "poisson" => Arrivals::Poisson,
                other => {
                    let message = format!("arrivals of kind `{other}` are not built yet");
                    return Err(entry.error(message, "there are: constant, poisson"));
                }
            };
    }
    let rate = section.require("rate", "\"50/s\"")?.rate()?;
    section.finish()?;
    Ok((kind, rate))
}

fn read_mix(entry: &Entry<'_>) -> Result<Mix, ScenarioError> {
    let mut section = entry.section("`mix`")?;
    let mut share = |key| section.take(key).map_or(Ok(0), |entry| entry.share());
    let mix = Mix {
        create: share("create")?,
        transfer: share("transfer")?,
        conflict: share("conflict")?,
        duplicate: share("duplicate")?,
    };
    section.finish()?;
    let sum = mix.create + mix.transfer + mix.conflict + mix.duplicate;
    if sum != units::MILLION {
        let sum = f64::from(sum) / 1e6;
        let hint = "shares of create, transfer, conflict and duplicate add up to 1";
        return Err(entry.error(format!("the shares in `mix` add up to {sum}"), hint));
    }
    Ok(mix)
}
