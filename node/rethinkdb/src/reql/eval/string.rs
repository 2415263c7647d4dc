//! Texts: searched, split, in upper and lower case.

use std::sync::LazyLock;

use regex::{Match, Regex};

use super::{Call, Value, regexp};
use crate::reql::datum::Datum;
use crate::reql::failure::{Failure, Result};
use crate::reql::number;
use crate::reql::op::Op;

pub(super) const OPS: &[Op] = &[
    Op::new(number::MATCH, "match", (2, 2), search),
    Op::new(number::SPLIT, "split", (1, 3), split),
    // Only letters of ASCII change, as in RethinkDB.
    Op::new(number::UPCASE, "upcase", (1, 1), |call| {
        Ok(call.datum_value(call.string(0)?.to_ascii_uppercase()))
    }),
    Op::new(number::DOWNCASE, "downcase", (1, 1), |call| {
        Ok(call.datum_value(call.string(0)?.to_ascii_lowercase()))
    }),
];

/// The first match of a regular expression, or null.
fn search(call: &Call<'_>) -> Result<Value> {
    let (text, pattern) = (call.string(0)?, call.string(1)?);
    let regex = Regex::new(&pattern).map_err(|error| {
        let (portion, why) = match error {
            regex::Error::CompiledTooBig(_) => {
                (&*pattern, "pattern too large - compile failed".to_owned())
            }
            other => regexp::refusal(&pattern).unwrap_or((&pattern, other.to_string())),
        };
        Failure::logic(format!("Error in regexp `{pattern}` (portion `{portion}`): {why}"))
    })?;
    let Some(found) = regex.captures(&text) else { return Ok(call.datum_value(Datum::Null)) };
    let place = |found: Match<'_>| {
        [
            ("str", found.as_str().into()),
            ("start", Datum::count(found.start())),
            ("end", Datum::count(found.end())),
        ]
    };
    let groups = found.iter().skip(1);
    let groups = groups.map(|group| group.map_or(Datum::Null, |group| Datum::fields(place(group))));
    let groups = call.run.array(groups.collect())?;
    let [text, start, end] = place(found.get(0).expect("the whole match is always there"));
    Ok(call.datum_value(Datum::fields([text, start, end, ("groups", groups)])))
}

fn split(call: &Call<'_>) -> Result<Value> {
    let text = call.string(0)?;
    let separator = if call.count() > 1 { call.datum(1)? } else { Datum::Null };
    let separator = if separator.is_null() { None } else { Some(separator.expect_str()?) };
    let mut most = usize::MAX;
    if call.count() > 2 {
        let (wanted, limit) = (call.integer(2)?, call.run.array_limit - 1);
        let in_range = usize::try_from(wanted).ok().filter(|wanted| *wanted <= limit);
        most = match (wanted, in_range) {
            (-1, _) => usize::MAX,
            (_, Some(wanted)) => wanted,
            _ => {
                return Err(Failure::logic(format!(
                    "Error: `split` size argument must be in range [-1, {limit}]."
                )));
            }
        };
    }
    let parts = match separator {
        None => split_at_space(&text, most),
        Some("") => split_characters(&text, most),
        Some(separator) => text.splitn(most.saturating_add(1), separator).collect(),
    };
    Ok(call.datum_value(call.run.array(parts.into_iter().map(Datum::from).collect())?))
}

/// Words, and what is left after so many of them.
fn split_at_space(text: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        match rest.find(char::is_whitespace) {
            Some(end) if parts.len() < most => {
                parts.push(&rest[..end]);
                rest = rest[end..].trim_start();
            }
            _ => {
                parts.push(rest);
                break;
            }
        }
    }
    parts
}

/// Characters, each with the marks that are combined with it, and what is left after so many.
fn split_characters(text: &str, most: usize) -> Vec<&str> {
    static CHARACTER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?s).\p{M}*").expect("the pattern is a regular expression"));
    let mut parts: Vec<_> =
        CHARACTER.find_iter(text).take(most).map(|part| part.as_str()).collect();
    let taken: usize = parts.iter().map(|part| part.len()).sum();
    if taken < text.len() {
        parts.push(&text[taken..]);
    }
    parts
}
