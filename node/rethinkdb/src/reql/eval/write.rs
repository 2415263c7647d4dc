//! Writes: documents put into a table, changed, and taken away.
//!
//! Here: the terms and their options. Each reads, computes, and writes on the condition that nobody
//! else has written meanwhile (`rows`); a batch of such is one step. What became of the rows is added up
//! in `stats`. What a table's write hook makes of a row is in `hook`. A row that cannot be written is counted, and is nobody else's failure.

mod hook;
mod insert;
mod replace;
mod rows;
mod stats;

use super::{Call, Run, Value};
use crate::Durability;
use crate::reql::datum::Datum;
use crate::reql::failure::{Failure, Result};
use crate::reql::number;
use crate::reql::op::{Determinism, Op};

pub(super) use stats::{Returns, Row, Stats};

/// How many documents are written in one step: so many others wait for.
const BATCH_ROWS_MAX: usize = 500;

pub(super) const OPS: &[Op] = &[
    Op::new(number::INSERT, "insert", (2, 2), insert::insert)
        .options(&["conflict", "durability", "return_vals", "return_changes", "ignore_write_hook"])
        .determinism(Determinism::NEVER),
    Op::new(number::UPDATE, "update", (2, 2), replace::update)
        .options(REPLACE_OPTIONS)
        .determinism(Determinism::NEVER),
    Op::new(number::REPLACE, "replace", (2, 2), replace::replace)
        .options(REPLACE_OPTIONS)
        .determinism(Determinism::NEVER),
    Op::new(number::DELETE, "delete", (1, 1), replace::delete)
        .options(REPLACE_OPTIONS)
        .determinism(Determinism::NEVER),
    Op::new(number::FOR_EACH, "foreach", (2, 2), stats::for_each).determinism(Determinism::NEVER),
    Op::new(number::SYNC, "sync", (1, 1), sync).determinism(Determinism::NEVER),
];

const REPLACE_OPTIONS: &[&str] =
    &["non_atomic", "durability", "return_vals", "return_changes", "ignore_write_hook"];

/// What a write was told beside its arguments.
struct Options {
    returns: Returns,
    /// What the table has, unless the query says otherwise.
    durability: Option<Durability>,
    /// Whether what is written passes by the table's hook.
    ignores_hook: bool,
}

impl Options {
    fn of(call: &Call<'_>) -> Result<Self> {
        let returns = returns(call)?;
        let durability = durability(call)?;
        let ignores_hook = call.bool_option("ignore_write_hook")?.unwrap_or(false);
        Ok(Self { returns, durability, ignores_hook })
    }
}

/// The option `durability`, if there is one.
pub(super) fn durability(call: &Call<'_>) -> Result<Option<Durability>> {
    let Some(value) = call.option("durability")? else { return Ok(None) };
    match &*value.string(call.run)? {
        "hard" => Ok(Some(Durability::Hard)),
        "soft" => Ok(Some(Durability::Soft)),
        other => Err(Failure::logic(format!(
            "Durability option `{other}` unrecognized (options are \"hard\" and \"soft\")."
        ))
        .at(value.place)),
    }
}

fn returns(call: &Call<'_>) -> Result<Returns> {
    if call.option("return_vals")?.is_some() {
        return Err(Failure::logic(
            "Error: encountered obsolete optarg `return_vals`.  Use `return_changes` instead.",
        ));
    }
    let Some(value) = call.option("return_changes")? else { return Ok(Returns::Nothing) };
    match value.datum(call.run)? {
        Datum::String(text) if &*text == "always" => Ok(Returns::All),
        Datum::String(text) => Err(Failure::logic(format!(
            "Invalid return_changes value `{text}` (options are `true`, `false`, and `'always'`.)"
        ))),
        other if other.is_truthy() => Ok(Returns::Changes),
        _ => Ok(Returns::Nothing),
    }
}

fn sync(call: &Call<'_>) -> Result<Value> {
    let table = call.arg(0)?.table(call.run)?.clone();
    table.rows.sync(call.run)?;
    Ok(call.datum_value(Datum::fields([("synced", 1.into())])))
}

/// A value's fields, and one more.
fn with_field(document: Datum, name: &str, value: Datum) -> Datum {
    let Datum::Object(object) = document else { return document };
    let mut fields = object.into_map();
    fields.insert(name.into(), value);
    Datum::object(fields)
}

/// A new key for a document that has none.
fn generated_key(run: &Run) -> Result<Datum> {
    run.new_uuid().map(Datum::from)
}
