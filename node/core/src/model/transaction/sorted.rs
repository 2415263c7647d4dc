//! Finding a condition as the original did: by its place, after sorting all by `cid`.
//!
//! Not here: how everybody else finds it ([`Transaction::condition_uri`]).

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::super::raised::{item, items};
use super::super::{Json, Raised};
use super::Transaction;

impl Transaction {
    /// The conditions, in the order of their `cid`s.
    pub(crate) fn sorted_conditions(&self) -> Result<Json, Raised> {
        let conditions = items(item(self.body(), "conditions")?)?;
        let mut keyed = Vec::with_capacity(conditions.len());
        for condition in conditions {
            keyed.push((SortKey::of(item(condition, "cid")?), condition));
        }
        let kinds: BTreeSet<_> = keyed.iter().map(|(key, _)| key.kind()).collect();
        if keyed.len() > 1 && (kinds.len() > 1 || kinds.contains(&SortKey::Other.kind())) {
            return Err(Raised::new("TypeError", "unorderable types"));
        }
        keyed.sort_by(|(a, _), (b, _)| a.compare(b));
        Ok(Json::Array(keyed.into_iter().map(|(_, condition)| condition.clone()).collect()))
    }
}

/// What Python sorts by: numbers and truth values with each other, strings with strings.
enum SortKey<'a> {
    Number(f64),
    Text(&'a str),
    Other,
}

impl<'a> SortKey<'a> {
    #[expect(clippy::cast_precision_loss, reason = "numbers of conditions are small")]
    fn of(value: &'a Json) -> Self {
        match value {
            Json::Bool(truth) => Self::Number(f64::from(u8::from(*truth))),
            Json::Int(number) => Self::Number(*number as f64),
            Json::Float(number) => Self::Number(*number),
            Json::String(text) => Self::Text(text),
            _ => Self::Other,
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Text(_) => 1,
            Self::Other => 2,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        }
    }
}
