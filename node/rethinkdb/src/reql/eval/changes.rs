//! Feeds: what changes in a table, told from now on.
//!
//! Here: the term and its options. What is watched, and which changes matter to it, is in `watch`; the
//! feeds themselves are in `range` (rows that meet a condition), `point` (one row) and `first` (the
//! first rows in the order of an index) and `looked` (system tables). Nothing is replayed: a feed tells what is written after its
//! first answer.

mod first;
mod looked;
mod point;
mod range;
mod tell;
mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::order::Union;
use super::{Call, Kind, Seq, Stream, Value};
use crate::QUEUE_MAX;
use crate::reql::datum::Datum;
use crate::reql::failure::{At, Failure, Result};
use crate::reql::number;
use crate::reql::op::{Determinism, Op};
pub(crate) use watch::Watch;

pub(super) const OPS: &[Op] = &[Op::new(number::CHANGES, "changes", (1, 1), changes)
    .options(&[
        "squash",
        "changefeed_queue_size",
        "include_initial",
        "include_offsets",
        "include_states",
        "include_types",
    ])
    .determinism(Determinism::NEVER)];

/// What a feed was told beside what it is to watch.
#[derive(Clone, Copy, Debug)]
struct Options {
    /// Whether several changes of one row that wait for the reader become one.
    squash: bool,
    /// How long changes are kept back to be squashed, in seconds.
    hold_s: f64,
    queue_max: usize,
    initial: bool,
    offsets: bool,
    states: bool,
    types: bool,
}

impl Options {
    fn of(call: &Call<'_>) -> Result<Self> {
        let flag = |name| call.bool_option(name).map(|flag| flag.unwrap_or(false));
        let hold_s = squash(call)?;
        Ok(Self {
            squash: hold_s.is_some(),
            hold_s: hold_s.unwrap_or_default(),
            queue_max: queue_max(call)?,
            initial: flag("include_initial")?,
            offsets: flag("include_offsets")?,
            states: flag("include_states")?,
            types: flag("include_types")?,
        })
    }
}

/// For how many seconds changes are kept back to be squashed: none if they are not squashed at all, 0 if
/// only those are that wait for the reader anyway.
fn squash(call: &Call<'_>) -> Result<Option<f64>> {
    let Some(value) = call.option("squash")? else { return Ok(None) };
    match value.datum(call.run)? {
        Datum::Bool(squash) => Ok(squash.then_some(0.0)),
        Datum::Number(seconds) if seconds >= 0.0 => Ok(Some(seconds)),
        Datum::Number(_) => {
            Err(Failure::logic("Expected BOOL or a positive NUMBER but found a negative NUMBER.")
                .at(value.place))
        }
        other => {
            Err(Failure::logic(format!("Expected BOOL or NUMBER but found {}.", other.type_name()))
                .at(value.place))
        }
    }
}

fn queue_max(call: &Call<'_>) -> Result<usize> {
    let Some(value) = call.option("changefeed_queue_size")? else { return Ok(QUEUE_MAX) };
    let size = value.integer(call.run)?;
    match usize::try_from(size) {
        Ok(size) if size >= 1 => Ok(size),
        _ => Err(Failure::logic(format!(
            "Illegal changefeed queue size limit `{size}`.  (Must be >= 1.)"
        ))
        .at(value.place)),
    }
}

fn changes(call: &Call<'_>) -> Result<Value> {
    let options = Options::of(call)?;
    let value = call.arg(0)?;
    if let Kind::Single(single) = &value.kind {
        let feed = match single.table.rows.stored() {
            Some(_) => point::open(call.run, single, options),
            None => looked::of_row(call.run, single, options),
        }
        .at(value.place)?;
        return Ok(call.value(Kind::Sequence(Seq::new(feed))));
    }
    let watches = value.into_seq(call.run)?.watched().at(call.place())?;
    let mut feeds =
        watches.into_iter().map(|watch| open(call, watch, options)).collect::<Result<Vec<_>>>()?;
    let feed = match feeds.len() {
        1 => feeds.remove(0),
        _ => Box::new(Union::of(feeds.into_iter().map(Seq::new).collect())),
    };
    Ok(call.value(Kind::Sequence(Seq::new(feed))))
}

fn open(call: &Call<'_>, watch: Watch, options: Options) -> Result<Box<dyn Stream>> {
    watch.check_deterministic()?;
    match watch.first {
        _ if watch.table.rows.stored().is_none() => looked::of_rows(call.run, watch, options),
        Some(count) => first::open(call.run, watch, count, options),
        None if options.offsets => Err(Failure::logic("Cannot include offsets for range subs.")),
        None => Ok(Box::new(range::RangeFeed::open(call.run, Arc::new(watch), options)?)),
    }
}

/// What a client is told of a feed: its kind's number, and whether it tells of states.
fn notes(kind: u8, options: Options) -> Vec<u8> {
    let mut notes = vec![kind];
    if options.states {
        notes.push(INCLUDES_STATES);
    }
    notes
}

/// A feed of a table or a part of it.
const SEQUENCE_FEED: u8 = 1;
/// A feed of one row.
const POINT_FEED: u8 = 2;
/// A feed of the first rows in the order of an index.
const FIRST_FEED: u8 = 3;
/// Feeds of several kinds.
const UNION_FEED: u8 = 4;
/// Elements may be states.
const INCLUDES_STATES: u8 = 5;

/// What a client is told of a feed that is read through something else than functions of its elements:
/// states come through, but are not announced.
///
/// Source: observed on RethinkDB 2.4.4.
pub(super) fn wrapped_notes(mut notes: Vec<u8>) -> Vec<u8> {
    notes.retain(|note| *note != INCLUDES_STATES);
    notes
}

/// What a client is told of several feeds read as one.
pub(super) fn united_notes(feeds: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let kinds: BTreeSet<u8> = feeds.flat_map(wrapped_notes).collect();
    if kinds.len() > 1 { vec![UNION_FEED] } else { kinds.into_iter().collect() }
}
