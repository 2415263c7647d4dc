//! The knee of throughput: the highest rate of load that a federation sustains, by bisection.
//!
//! A rate is sustained by a run in which all of this holds ([`Rule::broken`]):
//!
//! 1. it is not void: the load went out as planned;
//! 2. every operation was answered, and everything accepted was decided before the run ended;
//! 3. in the second half of the load, decisions kept up with it, but for a few per cent;
//! 4. the last quarter's latencies (p99, from intended to decided) are those of the quarter before, but for
//!    some growth: what queues up for longer and longer is not sustained, even if it is still decided.
//!
//! A rate is tried until as many runs agree as are wanted; each has a seed of its own. The rate is doubled
//! until it is not sustained, or halved until it is, then the two are brought together. Here: the rule, the
//! search as a pure function of what was tried, and the file that keeps it. Not here: carrying out runs (the
//! command line), the page (`bigchaindb_reports`). Start at [`Saturation::next`].

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use bigchaindb_strict::units;
use serde::{Deserialize, Serialize};

use crate::checkers::Verdict;
use crate::measure::Second;
use crate::record::{Results, write_at_once};

/// The file that keeps it.
pub const FILE: &str = "saturation.json";
const VERSION: u32 = 1;
/// From the first rate on it is doubled or halved so often at most.
const DOUBLINGS_MAX: u32 = 12;
/// The load has to last so many seconds for its quarters to be compared.
const SECONDS_MIN: usize = 8;

/// A rate of arrivals, in thousandths of one a second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rate(pub u64);

/// When a rate counts as sustained.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// So much fewer may be decided than were asked for, in the second half: 0.05 is five per cent.
    pub behind: f64,
    /// So much more than in the third quarter p99 may be in the fourth, as a factor …
    pub growth: f64,
    /// … and this much on top, microseconds.
    pub slack_us: u64,
}

impl Default for Rule {
    fn default() -> Self {
        Self { behind: 0.05, growth: 1.25, slack_us: 100_000 }
    }
}

/// A search, as far as it has come.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Saturation {
    version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// What its file opens with.
    pub story: String,
    /// The world.
    pub backend: String,
    /// The command that searches again.
    pub command: String,
    /// When a rate counts as sustained.
    pub rule: Rule,
    /// The search ends when the two rates are no further apart than this: 0.05 is five per cent.
    pub precision: f64,
    /// So many runs at a rate have to agree.
    pub agree: u32,
    /// The first seed of each rate.
    pub first_seed: u64,
    /// The rates tried, ascending.
    pub rates: Vec<Tried>,
    /// Where the search began.
    pub first: Rate,
    /// What it has come to, once it is over.
    pub knee: Option<Knee>,
}

/// A rate, and its runs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Tried {
    /// Arrivals a second, in thousandths.
    pub rate: Rate,
    /// One after the other.
    pub runs: Vec<Run>,
}

/// What a run at a rate came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Its seed.
    pub seed: u64,
    /// Its folder, beside the file.
    pub folder: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// In the second half of the load, operations intended a second.
    pub requested_per_s: f64,
    /// And transactions decided.
    pub decided_per_s: f64,
    /// From intended to decided, over the run: half of them, microseconds.
    pub p50_us: u64,
    /// 99 % of them.
    pub p99_us: u64,
    /// Why the rate was not sustained; nothing if it was.
    pub broken: Option<String>,
}

/// Between which rates the knee lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Knee {
    /// The highest rate that was sustained; none if even the lowest was not.
    pub sustained: Option<Rate>,
    /// The lowest above it that was not; none if even the highest was.
    pub not_sustained: Option<Rate>,
}

/// What to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Run it at a rate, with a seed.
    Run {
        /// The rate.
        rate: Rate,
        /// The seed.
        seed: u64,
    },
    /// It is over.
    Done(Knee),
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum SaturationError {
    /// The file cannot be read or written.
    #[error("cannot access {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else, or of another version.
    #[error("{path} tells of no search that this program knows")]
    Form {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for Rate {
    /// As scenarios spell it: `12.5/s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, thousandths) = (self.0 / 1_000, self.0 % 1_000);
        match thousandths {
            0 => write!(f, "{whole}/s"),
            _ => write!(f, "{}/s", format!("{whole}.{thousandths:03}").trim_end_matches('0')),
        }
    }
}

impl Rate {
    /// As scenarios spell it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive, and a million a second at most"
    )]
    pub fn parse(text: &str) -> Option<Self> {
        // Of a million arrivals, as the time of one is a whole number of nanoseconds.
        let million_ns = units::rate(text)?.nth_ns(1_000_000);
        Some(Self((1e18 / million_ns as f64).round().max(1.0) as u64))
    }

    /// Arrivals a second.
    pub fn per_s(self) -> f64 {
        self.0 as f64 / 1e3
    }

    /// About so many a second: three digits of it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float is held to what fits"
    )]
    pub fn rounded(per_s: f64) -> Self {
        let thousandths = (per_s * 1e3).clamp(1.0, 1e15);
        let step = 10f64.powf((thousandths.log10().floor() - 2.0).max(0.0));
        Self(((thousandths / step).round() * step).round() as u64)
    }
}

impl Rule {
    /// Why a run does not sustain its load, if it does not: the first of the rules that is broken.
    pub fn broken(&self, results: &Results) -> Option<String> {
        let counts = &results.measures.counts;
        if results.verdict == Verdict::Void {
            let why = results.reasons.first().map_or("the harness fell short", String::as_str);
            return Some(format!("void: {why}"));
        }
        let load = loaded(results);
        if load.len() < SECONDS_MIN {
            return Some(format!("the load has to last {SECONDS_MIN} seconds or more"));
        }
        if counts.unanswered > 0 {
            return Some(format!("{} operations had no answer", counts.unanswered));
        }
        if counts.never_decided > 0 {
            return Some(format!("{} transactions were never decided", counts.never_decided));
        }
        let (requested, decided) = second_half(load);
        // Some arrivals are meant to come to nothing: rivals that lose, what is posted twice.
        let all: u64 = load.iter().map(|second| second.requested).sum();
        let share = (counts.decided_valid as f64 / all.max(1) as f64).min(1.0);
        let wanted = requested * share;
        if decided < wanted * (1.0 - self.behind) {
            return Some(format!(
                "{decided:.1} decided a second, where {wanted:.1} were asked for"
            ));
        }
        let quarter = load.len() / 4;
        let third = p99_us(&load[2 * quarter..3 * quarter]);
        let fourth = p99_us(&load[3 * quarter..]);
        let most = third * self.growth + self.slack_us as f64;
        (fourth > most).then(|| {
            let ms = |us: f64| format!("{:.0} ms", us / 1e3);
            format!("p99 grew from {} to {} in the second half", ms(third), ms(fourth))
        })
    }
}

/// The seconds from the first to the last that the plan intended something in.
fn loaded(results: &Results) -> &[Second] {
    let seconds = &results.measures.seconds;
    let is_loaded = |second: &Second| second.requested > 0;
    match (seconds.iter().position(is_loaded), seconds.iter().rposition(is_loaded)) {
        (Some(first), Some(last)) => &seconds[first..=last],
        _ => &[],
    }
}

/// Operations intended and transactions decided, a second, in the second half of a load.
fn second_half(load: &[Second]) -> (f64, f64) {
    let half = &load[load.len() / 2..];
    let mean = |of: fn(&Second) -> u64| {
        half.iter().map(|second| of(second) as f64).sum::<f64>() / half.len().max(1) as f64
    };
    (mean(|second| second.requested), mean(|second| second.decided))
}

/// The mean of the seconds' p99.
fn p99_us(seconds: &[Second]) -> f64 {
    let known = seconds.iter().filter_map(|second| second.decided_latency.as_ref());
    let known: Vec<_> = known.map(|latency| latency.p99_us as f64).collect();
    known.iter().sum::<f64>() / known.len().max(1) as f64
}

impl Run {
    /// Of a run's results.
    pub fn of(results: &Results, folder: String, rule: Rule) -> Self {
        let (requested_per_s, decided_per_s) = second_half(loaded(results));
        let decided = &results.measures.latency.decided;
        Self {
            seed: results.seed,
            folder,
            verdict: results.verdict,
            requested_per_s,
            decided_per_s,
            p50_us: decided.p50_us,
            p99_us: decided.p99_us,
            broken: rule.broken(results),
        }
    }
}

impl Tried {
    /// Whether the rate is sustained, as soon as so many runs agree.
    pub fn is_sustained(&self, agree: u32) -> Option<bool> {
        let sustained = self.runs.iter().filter(|run| run.broken.is_none()).count();
        let agree = agree.max(1) as usize;
        match (sustained >= agree, self.runs.len() - sustained >= agree) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }
}

impl Saturation {
    /// Before the first run.
    pub fn new(scenario: String, story: String, backend: String, first: Rate) -> Self {
        Self {
            version: VERSION,
            scenario,
            story,
            backend,
            command: String::new(),
            rule: Rule::default(),
            precision: 0.05,
            agree: 2,
            first_seed: 1,
            rates: Vec::new(),
            first,
            knee: None,
        }
    }

    /// What to do next, after all that was tried.
    pub fn next(&self) -> Next {
        if let Some(open) = self.rates.iter().find(|tried| tried.is_sustained(self.agree).is_none())
        {
            return self.run(open.rate);
        }
        let Knee { sustained, not_sustained } = self.bounds();
        let farthest = 1 << DOUBLINGS_MAX;
        match (sustained, not_sustained) {
            (None, None) => self.run(self.first),
            (Some(low), None) if low.0 < self.first.0.saturating_mul(farthest) => {
                self.run(Rate(low.0.saturating_mul(2)))
            }
            (None, Some(high)) if high.0 > (self.first.0 / farthest).max(1) => {
                self.run(Rate(high.0 / 2))
            }
            (Some(low), Some(high)) => {
                let between = Rate::rounded((low.per_s() * high.per_s()).sqrt());
                let is_near = high.per_s() <= low.per_s() * (1.0 + self.precision);
                match is_near || between <= low || between >= high {
                    true => Next::Done(self.bounds()),
                    false => self.run(between),
                }
            }
            _ => Next::Done(self.bounds()),
        }
    }

    fn run(&self, rate: Rate) -> Next {
        let before = self.rates.iter().find(|tried| tried.rate == rate);
        let runs = before.map_or(0, |tried| tried.runs.len() as u64);
        Next::Run { rate, seed: self.first_seed.wrapping_add(runs) }
    }

    /// The highest rate below everything that was not sustained, and the lowest that was not.
    fn bounds(&self) -> Knee {
        let is = |tried: &&Tried, wanted| tried.is_sustained(self.agree) == Some(wanted);
        let not_sustained =
            self.rates.iter().find(|tried| is(tried, false)).map(|tried| tried.rate);
        let below = |tried: &&Tried| not_sustained.is_none_or(|lowest| tried.rate < lowest);
        let sustained = self.rates.iter().rev().filter(below).find(|tried| is(tried, true));
        Knee { sustained: sustained.map(|tried| tried.rate), not_sustained }
    }

    /// Takes a run in.
    pub fn add(&mut self, rate: Rate, run: Run) {
        let place = self.rates.partition_point(|tried| tried.rate < rate);
        if self.rates.get(place).is_none_or(|tried| tried.rate != rate) {
            self.rates.insert(place, Tried { rate, runs: Vec::new() });
        }
        self.rates[place].runs.push(run);
    }

    /// What is kept in this folder.
    ///
    /// # Errors
    /// If there is none that can be read.
    pub fn load(folder: &Path) -> Result<Self, SaturationError> {
        let path = folder.join(FILE);
        let text = std::fs::read(&path)
            .map_err(|source| SaturationError::Io { path: path.clone(), source })?;
        let found: Option<Self> = serde_json::from_slice(&text).ok();
        found.filter(|found| found.version == VERSION).ok_or(SaturationError::Form { path })
    }

    /// Keeps it in this folder.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), SaturationError> {
        let path = folder.join(FILE);
        let mut text = serde_json::to_vec_pretty(self).expect("it has a JSON form");
        text.push(b'\n');
        write_at_once(&path, &text).map_err(|source| SaturationError::Io { path, source })
    }
}
