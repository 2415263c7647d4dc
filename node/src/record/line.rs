//! A line of a record under way, and one that is taken apart.
//!
//! What is written one after the other in an array is read in the same order. Not here: what the items
//! mean (`heard`).

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use bigchaindb_core::model::Json;

use super::LineError;

/// JSON text under way.
pub(super) struct Line<'a>(pub(super) &'a mut String);

impl Line<'_> {
    /// A number, a truth value, a document, or punctuation.
    pub(super) fn put(&mut self, text: impl Display) {
        write!(self.0, "{text}").expect("a string takes all it is given");
    }

    /// A string.
    pub(super) fn text(&mut self, text: &str) {
        let plain = text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
        match plain {
            true => self.put(format_args!("\"{text}\"")),
            false => self.put(Json::from(text)),
        }
    }

    /// A string, or `null`.
    pub(super) fn optional(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.put("null"),
        }
    }

    /// Bytes, in hex.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.text(&hex(bytes));
    }

    /// Goes on to the next item of an array.
    pub(super) fn next(&mut self) -> &mut Self {
        self.put(',');
        self
    }

    /// An array of whatever `items` writes.
    pub(super) fn array(&mut self, items: impl FnOnce(&mut Self)) {
        self.put('[');
        items(self);
        self.put(']');
    }

    /// An array with an item for each of these.
    pub(super) fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut Self, T),
    ) {
        self.array(|line| {
            for (index, one) in items.into_iter().enumerate() {
                if index > 0 {
                    line.put(',');
                }
                item(line, one);
            }
        });
    }
}

/// The items of an array, taken out one after the other.
pub(super) struct Items(std::vec::IntoIter<Json>);

/// What reading comes to.
pub(super) type Read<T> = Result<T, LineError>;

impl Items {
    pub(super) fn of(json: Json) -> Read<Self> {
        match json {
            Json::Array(items) => Ok(Self(items.into_iter())),
            _ => Err(LineError::Item("an array")),
        }
    }

    /// Of the array that is the next item.
    pub(super) fn inner(&mut self) -> Read<Self> {
        Self::of(self.any()?)
    }

    pub(super) fn any(&mut self) -> Read<Json> {
        self.0.next().ok_or(LineError::Item("one more item"))
    }

    pub(super) fn text(&mut self) -> Read<Arc<str>> {
        self.optional()?.ok_or(LineError::Item("a string"))
    }

    pub(super) fn optional(&mut self) -> Read<Option<Arc<str>>> {
        match self.any()? {
            Json::Null => Ok(None),
            Json::String(text) => Ok(Some(text.into())),
            _ => Err(LineError::Item("a string")),
        }
    }

    pub(super) fn int<T: TryFrom<i128>>(&mut self) -> Read<T> {
        let Json::Int(number) = self.any()? else { return Err(LineError::Item("an integer")) };
        T::try_from(number).map_err(|_| LineError::Item("an integer of its size"))
    }

    pub(super) fn bool(&mut self) -> Read<bool> {
        self.any()?.as_bool().ok_or(LineError::Item("a truth value"))
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Read<[u8; N]> {
        unhex(&self.text()?).ok_or(LineError::Item("bytes in hex"))
    }

    /// The items of the array that is the next item.
    pub(super) fn list<T>(&mut self, item: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        self.inner()?.all(item)
    }

    /// All items.
    pub(super) fn all<T>(mut self, mut item: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut list = Vec::with_capacity(self.0.len());
        while self.0.len() > 0 {
            list.push(item(&mut self)?);
        }
        Ok(list)
    }

    /// Nothing is left.
    pub(super) fn end(self) -> Read<()> {
        if self.0.len() == 0 { Ok(()) } else { Err(LineError::Item("the end of an array")) }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}
