//! What a store gives back unchanged.
//!
//! RethinkDB keeps every number as a double and prints whole ones as integers, cuts strings at
//! U+0000, and takes objects with a certain key for values of its own. A document that it would
//! change no longer hashes to its id and would be lost after it was accepted; so it is refused at the
//! door, with the place and the reason.

use super::{InvalidTransaction, Quirk, Quirks};
use crate::model::Json;

/// How deep a transaction may be nested, the document itself being level 1. The original's driver
/// gave up at 20; four times as deep is still harmless for whoever reads it by recursion.
pub const MAX_NESTING: usize = 80;

/// The longest array RethinkDB takes by default.
pub const MAX_ARRAY: usize = 100_000;

/// Up to here every whole number has a double of its own: 2^53.
const EXACT: i128 = 1 << 53;

/// The key by which RethinkDB knows its own types (times, binary data, …).
const PSEUDO_TYPE: &str = "$reql_type$";

/// Where something is that cannot be kept, from the inside out, and why.
struct Flaw {
    /// The path's parts, innermost first.
    steps: Vec<String>,
    reason: String,
}

impl Flaw {
    fn new(reason: impl Into<String>) -> Self {
        Self { steps: Vec::new(), reason: reason.into() }
    }

    fn within(mut self, step: impl FnOnce() -> String) -> Self {
        self.steps.push(step());
        self
    }

    /// The path: `transaction.data.payload.list[3]`.
    fn at(&self) -> String {
        let path: String = self.steps.iter().rev().map(String::as_str).collect();
        path.trim_start_matches('.').to_owned()
    }
}

/// Whether a store gives this document back unchanged, as far as these quirks let anybody ask.
///
/// # Errors
/// [`InvalidTransaction::Malformed`], if it does not.
pub(super) fn check(document: &Json, quirks: &Quirks) -> Result<(), InvalidTransaction> {
    let asks = Asks {
        about_texts: !quirks.contains(&Quirk::TextAfterNul),
        about_numbers: !quirks.contains(&Quirk::NumbersRewritten),
    };
    asks.check_level(document, 1)
        .map_err(|flaw| InvalidTransaction::malformed(flaw.at(), flaw.reason))
}

/// What is asked.
#[derive(Clone, Copy)]
struct Asks {
    about_texts: bool,
    about_numbers: bool,
}

impl Asks {
    fn check_level(self, value: &Json, level: usize) -> Result<(), Flaw> {
        match value {
            Json::Null | Json::Bool(_) => Ok(()),
            Json::String(text) => self.check_text(text),
            Json::Int(_) | Json::BigInt(_) | Json::Float(_) if !self.about_numbers => Ok(()),
            Json::Int(number) if (-EXACT..=EXACT).contains(number) => Ok(()),
            Json::Int(_) | Json::BigInt(_) => {
                Err(Flaw::new("is an integer beyond ±2^53, which is kept inexactly"))
            }
            Json::Float(number) if !number.is_finite() => {
                Err(Flaw::new("is no finite number, which is not kept at all"))
            }
            Json::Float(number) if comes_back_whole(*number) => Err(Flaw::new(format!(
                "is the whole number {number} written as a float, which comes back as an integer"
            ))),
            Json::Float(_) => Ok(()),
            Json::Array(_) | Json::Object(_) if level > MAX_NESTING => {
                Err(Flaw::new(format!("is nested deeper than {MAX_NESTING} levels")))
            }
            Json::Array(items) => {
                if items.len() > MAX_ARRAY {
                    return Err(Flaw::new(format!("is an array of more than {MAX_ARRAY} items")));
                }
                for (number, item) in items.iter().enumerate() {
                    self.check_level(item, level + 1)
                        .map_err(|flaw| flaw.within(|| format!("[{number}]")))?;
                }
                Ok(())
            }
            Json::Object(fields) => {
                for (name, value) in fields.iter() {
                    let within = |flaw: Flaw| flaw.within(|| format!(".{}", name.escape_debug()));
                    if name == PSEUDO_TYPE {
                        return Err(within(Flaw::new("is a key that the store keeps for itself")));
                    }
                    self.check_text(name).map_err(within)?;
                    self.check_level(value, level + 1).map_err(within)?;
                }
                Ok(())
            }
        }
    }

    fn check_text(self, text: &str) -> Result<(), Flaw> {
        if self.about_texts && text.as_bytes().contains(&0) {
            return Err(Flaw::new("contains U+0000, behind which nothing is kept or signed"));
        }
        Ok(())
    }
}

/// Whole floats up to 2^53 come back as integers, but for minus zero.
fn comes_back_whole(number: f64) -> bool {
    let is_minus_zero = number == 0.0 && number.is_sign_negative();
    number.fract() == 0.0 && number.abs() <= EXACT as f64 && !is_minus_zero
}
