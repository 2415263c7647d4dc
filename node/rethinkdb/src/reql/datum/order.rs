//! Which of two values comes first: by type's name, then within the type.

use std::cmp::Ordering;

use super::{Datum, deep};

impl Datum {
    /// Where values of this type stand among all values: in the alphabetical order of the types'
    /// names, between the two bounds.
    fn rank(&self) -> u8 {
        match self {
            Datum::MinVal => 0,
            Datum::Array(_) => 1,
            Datum::Bool(_) => 2,
            Datum::Null => 3,
            Datum::Number(_) => 4,
            Datum::Object(_) => 5,
            Datum::Binary(_) => 6,
            Datum::Time(_) => 7,
            Datum::String(_) => 8,
            Datum::MaxVal => 9,
        }
    }
}

impl Ord for Datum {
    /// ReQL's order of all values: array < bool < null < number < object < binary < time < string.
    ///
    /// Strings and names are compared by their bytes, arrays item by item, objects as their sorted
    /// list of fields; of two where one goes on where the other ends, the shorter is smaller.
    ///
    /// Source: RethinkDB manual, "ReQL data types", "Sorting order".
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Datum::Bool(a), Datum::Bool(b)) => a.cmp(b),
            (Datum::Number(a), Datum::Number(b)) => compare_numbers(*a, *b),
            (Datum::String(a), Datum::String(b)) => a.cmp(b),
            (Datum::Array(a), Datum::Array(b)) => deep(|| a.iter().cmp(b.iter())),
            (Datum::Object(a), Datum::Object(b)) => deep(|| a.iter().cmp(b.iter())),
            (Datum::Binary(a), Datum::Binary(b)) => a.cmp(b),
            (Datum::Time(a), Datum::Time(b)) => compare_numbers(a.epoch_s, b.epoch_s),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

/// Doubles in their order; 0 and −0 are one number, and there is no NaN.
fn compare_numbers(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.total_cmp(&b))
}

impl PartialOrd for Datum {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Datum {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Datum {}
