//! `wait`: until tables are ready.

use std::time::Duration;

use super::layout::Target;
use super::{Call, Datum, Failure, Result, Value, op_failed};
use crate::cluster::Readiness;

pub(super) fn wait(call: &Call<'_>) -> Result<Value> {
    let target = Target::of(
        call,
        "the system tables in it are always available and don't need to be waited on.",
    )?;
    let mut readiness = Readiness::Finished;
    if let Some(value) = call.option("wait_for")? {
        let name = value.string(call.run)?;
        let known = [
            ("ready_for_outdated_reads", Readiness::OutdatedReads),
            ("ready_for_reads", Readiness::Reads),
            ("ready_for_writes", Readiness::Writes),
            ("all_replicas_ready", Readiness::Finished),
        ];
        if let Some((_, wanted)) = known.iter().find(|(known, _)| *known == &*name) {
            readiness = *wanted;
        } else {
            let [a, b, c, d] = known.map(|(name, _)| name);
            return Err(Failure::logic(format!(
                "Unknown table readiness state: '{name}', must be one of '{a}', '{b}', '{c}', or \
                 '{d}'"
            ))
            .at(value.place));
        }
    }
    let timeout_s = match call.option("timeout")? {
        Some(value) => Some(value.integer(call.run)?),
        None => None,
    };
    let tables = target.tables(call.run)?;
    let env = call.run.env()?;
    if let Some(member) = &env.member {
        let timeout = timeout_s.map(|s| Duration::from_secs(u64::try_from(s).unwrap_or(0)));
        if !member.wait_until_ready(&tables, readiness, timeout, &env.interrupted) {
            return Err(op_failed("Timed out while waiting for tables."));
        }
    }
    Ok(call.datum_value(Datum::fields([("ready", Datum::count(tables.len()))])))
}
