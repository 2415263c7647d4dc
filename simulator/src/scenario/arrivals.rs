//! `arrivals`: how the requests of a load lie on the time axis.
//!
//! Here: what the key says, and a recorded profile that it may name. Not here: moments made of a profile (crate
//! `bigchaindb-load`, `arrivals`), and which arrivals a seed draws (`plan::operations`).

use std::fs;

use bigchaindb_load::arrivals::{Profile, RATE_MAX, Stretch};
use bigchaindb_strict::units::Rate;
use bigchaindb_strict::{Entry, Section, units};
use serde::Deserialize;

use super::ScenarioError;

/// How arrivals lie on the time axis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Arrivals {
    /// Evenly.
    Constant(Rate),
    /// Independently of each other, as from many clients.
    Poisson(Rate),
    /// At a rate that changes in the course of time.
    Changing {
        /// How.
        profile: Profile,
        /// How they lie around it.
        spread: Spread,
    },
    /// As fast as they are answered: a closed loop.
    Saturate {
        /// So many at once, each followed by the next as soon as it has come to its end.
        in_flight: u32,
        /// So many in all at most.
        requests: u32,
    },
}

/// How arrivals lie around a rate that changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spread {
    /// As evenly as they can.
    Even,
    /// Independently of each other.
    Poisson,
}

/// The kinds there are.
const KINDS: [&str; 6] = ["constant", "poisson", "ramp", "steps", "replay", "saturate"];
/// A closed loop of more is a crowd, and no node takes so many at once.
const IN_FLIGHT_MAX: u32 = 4_096;
/// What a closed loop has to send, if nobody says.
const REQUESTS: u32 = 20_000;
/// More arrivals than this in one load do not fit into a plan.
const ARRIVALS_MAX: u32 = 1_000_000;
/// A recorded profile of more rows is longer than any run.
const ROWS_MAX: usize = 1_000_000;

impl Arrivals {
    /// How many are expected in so many microseconds.
    fn expected(&self, length_us: u64) -> u64 {
        match self {
            Self::Constant(rate) | Self::Poisson(rate) => {
                length_us / rate.gap_ns().div_ceil(1_000).max(1)
            }
            Self::Changing { profile, .. } => profile.expected(),
            Self::Saturate { requests, .. } => (*requests).into(),
        }
    }
}

/// What `arrivals` says for a load that lasts so long, in microseconds, and how long it lasts: a recorded profile
/// lasts as long as it was recorded, if nobody says.
pub(super) fn read(
    entry: &Entry<'_>,
    said_us: Option<u64>,
    usual_us: u64,
) -> Result<(Arrivals, u64), ScenarioError> {
    let mut section = entry.section("`arrivals`")?;
    let kind = section.take("kind").map_or(Ok("poisson"), |entry| entry.one_of(&KINDS))?;
    let mut length_us = said_us.unwrap_or(usual_us);
    let arrivals = match kind {
        "constant" => Arrivals::Constant(section.require("rate", "\"50/s\"")?.rate()?),
        "poisson" => Arrivals::Poisson(section.require("rate", "\"50/s\"")?.rate()?),
        "ramp" => {
            let from = rate(&section.require("from", "\"10/s\"")?)?;
            let to = rate(&section.require("to", "\"200/s\"")?)?;
            let profile = Profile::new(vec![Stretch { length_us, from, to }]);
            Arrivals::Changing { profile, spread: spread(&mut section)? }
        }
        "steps" => {
            let profile = steps(&section.require("rates", "[\"10/s\", \"50/s\"]")?, length_us)?;
            Arrivals::Changing { profile, spread: spread(&mut section)? }
        }
        "replay" => {
            let file = section.require("file", "\"profile.csv\"")?;
            let (profile, recorded_us) = recorded(&file, said_us)?;
            length_us = recorded_us;
            Arrivals::Changing { profile, spread: spread(&mut section)? }
        }
        "saturate" => {
            let in_flight = section.require("in_flight", "64")?.whole(1, IN_FLIGHT_MAX)?;
            let requests = section.take("requests");
            let requests = requests.map_or(Ok(REQUESTS), |entry| entry.whole(1, ARRIVALS_MAX))?;
            Arrivals::Saturate { in_flight, requests }
        }
        _ => unreachable!("it is one of the kinds"),
    };
    section.finish()?;
    if arrivals.expected(length_us) > ARRIVALS_MAX.into() {
        let message = format!("more than {ARRIVALS_MAX} arrivals in one `[[load]]`");
        return Err(entry.error(message, "lower its rate, or make it shorter"));
    }
    Ok((arrivals, length_us))
}

fn spread(section: &mut Section<'_>) -> Result<Spread, ScenarioError> {
    match section.take("spread").map_or(Ok("poisson"), |one| one.one_of(&["poisson", "even"]))? {
        "even" => Ok(Spread::Even),
        _ => Ok(Spread::Poisson),
    }
}

/// A rate that may be none at all, in millionths of a request a second.
fn rate(entry: &Entry<'_>) -> Result<u64, ScenarioError> {
    if entry.text()?.trim() == "0/s" { Ok(0) } else { Ok(entry.rate()?.per_second_millionths()) }
}

/// One rate after the other, each for the same time.
fn steps(entry: &Entry<'_>, length_us: u64) -> Result<Profile, ScenarioError> {
    let rates = entry.list();
    if rates.is_empty() || length_us < rates.len() as u64 {
        let message = "`rates` are no steps".to_owned();
        return Err(entry.error(message, "write several, like [\"10/s\", \"50/s\"]"));
    }
    let each_us = length_us / rates.len() as u64;
    let last_us = length_us - each_us * (rates.len() as u64 - 1);
    let mut stretches = Vec::new();
    for (place, entry) in rates.iter().enumerate() {
        let rate = rate(entry)?;
        let length_us = if place + 1 == rates.len() { last_us } else { each_us };
        stretches.push(Stretch { length_us, from: rate, to: rate });
    }
    Ok(Profile::new(stretches))
}

/// A profile in a file, and how long it lasts: as long as wanted, but no longer than what was recorded.
fn recorded(entry: &Entry<'_>, said_us: Option<u64>) -> Result<(Profile, u64), ScenarioError> {
    let path = entry.path()?;
    let wrong = |message: String| {
        let hint = "a CSV file with the columns `second` and `rate` (or `requested`), or the `results.json` of \
                    a run";
        entry.error(format!("{}: {message}", path.display()), hint)
    };
    let text =
        fs::read_to_string(&path).map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    let is_json = path.extension().is_some_and(|extension| extension == "json");
    let rows = if is_json { rows_of_results(&text) } else { rows_of_csv(&text) };
    let rows = rows.map_err(wrong)?;
    let mut stretches = Vec::new();
    let mut left_us = said_us.unwrap_or(u64::MAX);
    for (place, (second, rate)) in rows.iter().enumerate() {
        let next = rows
            .get(place + 1)
            .map_or(second + rows.get(1).map_or(1, |one| one.0 - rows[0].0), |one| one.0);
        let length_us = ((next - second) * 1_000_000).min(left_us);
        left_us -= length_us;
        if length_us > 0 {
            stretches.push(Stretch { length_us, from: *rate, to: *rate });
        }
    }
    let profile = Profile::new(stretches);
    let length_us = profile.length_us();
    Ok((profile, length_us))
}

/// The second at which each row begins, and its rate in millionths of a request a second.
type Rows = Vec<(u64, u64)>;

/// Lines of numbers under a line of names.
fn rows_of_csv(text: &str) -> Result<Rows, String> {
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let (_, names) = lines.next().ok_or("it is empty")?;
    let names: Vec<_> = names.split(',').map(str::trim).collect();
    let column = |wanted: &[&str]| names.iter().position(|name| wanted.contains(name));
    let second = column(&["second"]).ok_or("no column is called `second`")?;
    let rate = column(&["rate", "requested"]).ok_or("no column is called `rate` or `requested`")?;
    let mut rows = Rows::new();
    for (number, line) in lines {
        let fields: Vec<_> = line.split(',').map(str::trim).collect();
        let wrong = |what: &str| format!("line {number}: {what}");
        let second = fields.get(second).and_then(|text| text.parse().ok());
        let second: u64 = second.ok_or_else(|| wrong("`second` is no whole number"))?;
        let rate = fields.get(rate).and_then(|text| units::millionths(text));
        let rate = rate.filter(|rate| *rate <= RATE_MAX);
        let rate = rate.ok_or_else(|| wrong("the rate is no number from 0 to 1000000"))?;
        if rows.last().is_some_and(|(last, _)| *last >= second) {
            return Err(wrong("`second` does not grow"));
        }
        rows.push((second, rate));
        if rows.len() > ROWS_MAX {
            return Err(format!("it has more than {ROWS_MAX} rows"));
        }
    }
    if rows.is_empty() { Err("it has no rows".to_owned()) } else { Ok(rows) }
}

/// What an earlier run was asked for, second by second.
fn rows_of_results(text: &str) -> Result<Rows, String> {
    #[derive(Deserialize)]
    struct Results {
        measures: Measures,
    }
    #[derive(Deserialize)]
    struct Measures {
        #[serde(default = "one")]
        stretch_s: u64,
        seconds: Vec<Second>,
    }
    #[derive(Deserialize)]
    struct Second {
        second: u64,
        requested: u64,
    }
    fn one() -> u64 {
        1
    }
    let results: Results =
        serde_json::from_str(text).map_err(|error| format!("these are no results: {error}"))?;
    let Measures { stretch_s, seconds } = results.measures;
    let row =
        |one: &Second| (one.second, one.requested.saturating_mul(1_000_000) / stretch_s.max(1));
    let rows: Rows = seconds.iter().map(row).collect();
    let grows = rows.windows(2).all(|pair| pair[0].0 < pair[1].0);
    match rows.first() {
        Some(_) if grows => Ok(rows),
        _ => Err("its seconds do not grow".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_strictly() {
        let rows = rows_of_csv("second, rate\n0,10\n\n5,2.5\n7,0\n").unwrap();
        assert_eq!(rows, [(0, 10_000_000), (5, 2_500_000), (7, 0)]);
        assert_eq!(rows_of_csv("second,requested,sent\n3,4,5").unwrap(), [(3, 4_000_000)]);
        for (text, said) in [
            ("", "it is empty"),
            ("second,rate", "it has no rows"),
            ("time,rate\n1,2", "no column is called `second`"),
            ("second,speed\n1,2", "no column is called `rate`"),
            ("second,rate\n1,2\n1,2", "line 3: `second` does not grow"),
            ("second,rate\n1,-2", "line 2: the rate"),
            ("second,rate\n1,1000001", "line 2: the rate"),
            ("second,rate\n1.5,2", "line 2: `second`"),
            ("second,rate\n1", "line 2: the rate"),
        ] {
            let error = rows_of_csv(text).unwrap_err();
            assert!(error.starts_with(said), "{text:?}: {error}");
        }
        let results = "{\"measures\": {\"seconds\": [{\"second\": 0, \"requested\": 3}]}}";
        assert_eq!(rows_of_results(results).unwrap(), [(0, 3_000_000)]);
        assert!(rows_of_results("{}").is_err());
    }
}
