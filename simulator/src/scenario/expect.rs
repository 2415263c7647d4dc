//! `[expect]`: what has to come true.

use super::ScenarioError;
use crate::checkers::QUEUE_MAX;
use crate::plan::{Expect, Percentile};
use bigchaindb_strict::units;
use bigchaindb_strict::{Entry, Section};

/// After load and faults have ended, everything accepted is decided within this time.
const DECIDED_AFTER_HEAL_US: u64 = 30_000_000;

/// The invariants there are. The checkers say which of them a run can be judged by.
const INVARIANTS: [&str; 30] = [
    "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "S14", "S15",
    "S16", "S17", "S18", "S19", "S20", "S21", "L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9",
];

/// What is expected, and the digest of a run of the scenario's own seed.
pub(super) fn read(top: &mut Section<'_>) -> Result<(Expect, Option<String>), ScenarioError> {
    let mut expect = Expect {
        invariants: None,
        violations: Vec::new(),
        decided_after_heal_us: DECIDED_AFTER_HEAL_US,
        finality: Vec::new(),
        queue_max: QUEUE_MAX,
        store_history: false,
    };
    let Some(entry) = top.take("expect") else { return Ok((expect, None)) };
    let mut section = entry.section("`[expect]`")?;
    if let Some(entry) = section.take("invariants") {
        let all = matches!(entry.list().as_slice(), [one] if one.text() == Ok("all"));
        expect.invariants = if all { None } else { Some(read_ids(&entry)?) };
    }
    if let Some(entry) = section.take("violations") {
        expect.violations = read_ids(&entry)?;
    }
    if let Some(entry) = section.take("decided_after_heal") {
        expect.decided_after_heal_us = entry.positive_duration()?;
    }
    if let Some(entry) = section.take("queue_max") {
        expect.queue_max = entry.whole(1, QUEUE_MAX)?;
    }
    if let Some(entry) = section.take("store_history") {
        expect.store_history = entry.truth()?;
    }
    if let Some(entry) = section.take("finality") {
        expect.finality = read_finality(&entry)?;
    }
    let digest = section.take("digest").map(|entry| read_digest(&entry)).transpose()?;
    section.finish()?;
    Ok((expect, digest))
}

fn read_digest(entry: &Entry<'_>) -> Result<String, ScenarioError> {
    const LENGTH: usize = 64;
    let digest = entry.text()?;
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if digest.len() == LENGTH && digest.bytes().all(hex) {
        return Ok(digest.to_owned());
    }
    let message = "`digest` is no digest".to_owned();
    Err(entry.error(message, "copy the 64 letters that `testbed run` prints"))
}

fn read_ids(entry: &Entry<'_>) -> Result<Vec<String>, ScenarioError> {
    entry.list().iter().map(|entry| Ok(entry.one_of(&INVARIANTS)?.to_owned())).collect()
}

fn read_finality(entry: &Entry<'_>) -> Result<Vec<Percentile>, ScenarioError> {
    let section = entry.section("`finality`")?;
    let mut bounds = Vec::new();
    for (name, entry) in section.entries() {
        let Some(millipercent) = millipercent(name) else {
            let message = format!("`{name}` in `finality` is not a percentile");
            return Err(entry.error(message, "write p50, p99, or p99_7 for the 99.7th"));
        };
        let bound = entry.text()?.trim_start();
        let limit_us = bound.strip_prefix("<=").map(str::trim).and_then(units::duration);
        let limit_us = limit_us.ok_or_else(|| {
            let message = format!("`{name}` is not an upper bound: \"{bound}\"");
            entry.error(message, "write \"<=\" and a duration, like \"<= 9.4s\"")
        })?;
        bounds.push(Percentile { name: name.to_owned(), millipercent, limit_us });
    }
    Ok(bounds)
}

/// `p99_7` is 99,700 thousandths of a per cent.
fn millipercent(name: &str) -> Option<u32> {
    let number = name.strip_prefix('p')?.replace('_', ".");
    let millionths = units::millionths(&number)?;
    let thousandths = u32::try_from(millionths / 1_000).ok()?;
    (millionths % 1_000 == 0 && thousandths <= 100_000).then_some(thousandths)
}
