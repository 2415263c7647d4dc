//! A line of a record under way, and one that is taken apart.
//!
//! What is written one after the other in an array is read in the same order. A node hears of a
//! transaction many times over: it is written whole once ([`Known`]), and later by its number among
//! those that were. Not here: what the items mean (`heard`).

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::Arc;

use bigchaindb_core::model::{Json, Transaction, TxId};

use super::LineError;

/// So many transactions are numbered; then counting begins anew, and all are written whole once more.
const KNOWN_MAX: usize = 10_000;

/// The transactions of a life that were written whole, by their numbers.
#[derive(Default)]
pub(super) struct Known {
    numbers: BTreeMap<TxId, (Arc<Transaction>, usize)>,
    next: usize,
}

impl Known {
    /// The number of exactly this document, if it was written whole. Else it will be.
    fn number(&mut self, transaction: &Arc<Transaction>) -> Option<usize> {
        if let Some((known, number)) = self.numbers.get(transaction.id())
            && (Arc::ptr_eq(known, transaction) || known == transaction)
        {
            return Some(*number);
        }
        if self.next == KNOWN_MAX {
            *self = Self::default();
        }
        self.numbers.insert(transaction.id().clone(), (transaction.clone(), self.next));
        self.next += 1;
        None
    }
}

/// The same, while a record is read.
#[derive(Default)]
pub(super) struct Met(Vec<Arc<Transaction>>);

impl Met {
    fn meet(&mut self, transaction: Arc<Transaction>) {
        if self.0.len() == KNOWN_MAX {
            self.0.clear();
        }
        self.0.push(transaction);
    }
}

/// JSON text under way.
pub(super) struct Line<'a> {
    out: &'a mut String,
    known: &'a mut Known,
}

impl<'a> Line<'a> {
    pub(super) fn new(out: &'a mut String, known: &'a mut Known) -> Self {
        Self { out, known }
    }

    /// A number, a truth value, or punctuation.
    pub(super) fn put(&mut self, text: impl Display) {
        write!(self.out, "{text}").expect("a string takes all it is given");
    }

    /// A document.
    pub(super) fn document(&mut self, document: &Json) {
        document.display_into(self.out);
    }

    /// A transaction, or its number.
    pub(super) fn transaction(&mut self, transaction: &Arc<Transaction>) {
        match self.known.number(transaction) {
            Some(number) => self.put(number),
            None => self.document(transaction.document()),
        }
    }

    /// A string.
    pub(super) fn text(&mut self, text: &str) {
        let plain = text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
        match plain {
            true => self.out.extend(["\"", text, "\""]),
            false => self.document(&Json::from(text)),
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
pub(super) struct Items<'a> {
    items: std::vec::IntoIter<Json>,
    met: &'a mut Met,
}

/// What reading comes to.
pub(super) type Read<T> = Result<T, LineError>;

impl<'a> Items<'a> {
    pub(super) fn of(json: Json, met: &'a mut Met) -> Read<Self> {
        match json {
            Json::Array(items) => Ok(Self { items: items.into_iter(), met }),
            _ => Err(LineError::Item("an array")),
        }
    }

    /// Of the array that is the next item.
    pub(super) fn inner(&mut self) -> Read<Items<'_>> {
        let items = self.any()?;
        Items::of(items, self.met)
    }

    /// Of the array that is the next item, unless that is `null`.
    pub(super) fn optional_inner(&mut self) -> Read<Option<Items<'_>>> {
        match self.any()? {
            Json::Null => Ok(None),
            items => Items::of(items, self.met).map(Some),
        }
    }

    pub(super) fn any(&mut self) -> Read<Json> {
        self.items.next().ok_or(LineError::Item("one more item"))
    }

    /// A transaction, whole or by its number.
    pub(super) fn transaction(&mut self) -> Read<Arc<Transaction>> {
        match self.any()? {
            Json::Int(number) => {
                let met = usize::try_from(number).ok().and_then(|number| self.met.0.get(number));
                met.cloned().ok_or(LineError::Item("the number of a transaction before it"))
            }
            document => {
                let transaction = Arc::new(Transaction::from_document(document)?);
                self.met.meet(transaction.clone());
                Ok(transaction)
            }
        }
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
    pub(super) fn list<T>(&mut self, item: impl FnMut(&mut Items<'_>) -> Read<T>) -> Read<Vec<T>> {
        self.inner()?.all(item)
    }

    /// All items.
    pub(super) fn all<T>(
        mut self,
        mut item: impl FnMut(&mut Items<'_>) -> Read<T>,
    ) -> Read<Vec<T>> {
        let mut list = Vec::with_capacity(self.items.len());
        while self.items.len() > 0 {
            list.push(item(&mut self)?);
        }
        Ok(list)
    }

    /// Nothing is left.
    pub(super) fn end(self) -> Read<()> {
        if self.items.len() == 0 { Ok(()) } else { Err(LineError::Item("the end of an array")) }
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
