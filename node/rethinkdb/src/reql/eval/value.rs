//! What a term evaluates to: a datum, or something that only other terms understand.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::func::{Body, Shortcut};
use super::table::{Db, Single, Slice, Table};
use super::{Func, Run, Seq};
use crate::reql::datum::{Datum, truncated};
use crate::reql::failure::{At, Failure, Place, Result};

/// A value and the term that made it, which is blamed for it.
pub(crate) struct Value {
    pub(crate) kind: Kind,
    pub(crate) place: Place,
}

/// Groups and what has been made of each.
pub(crate) type Groups = BTreeMap<Datum, Datum>;

/// The kinds of values.
pub(crate) enum Kind {
    Db(Db),
    Table(Arc<Table>),
    /// Rows of a table between bounds, or in the order of an index.
    Slice(Slice),
    /// Rows of a table, found in whatever way; they can still be written.
    Selection(Arc<Table>, Seq),
    /// One row of a table, or its absence.
    Single(Box<Single>),
    Sequence(Seq),
    Datum(Datum),
    Func(Arc<Func>),
    Grouped(Groups),
}

impl Value {
    pub(crate) fn new(kind: Kind, place: Place) -> Self {
        Self { kind, place }
    }

    /// The name error texts have for this kind of value.
    pub(crate) fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Db(_) => "DATABASE",
            Kind::Table(_) => "TABLE",
            Kind::Slice(_) => "TABLE_SLICE",
            Kind::Selection(..) => "SELECTION",
            Kind::Single(_) => "SINGLE_SELECTION",
            Kind::Sequence(_) => "SEQUENCE",
            Kind::Datum(_) => "DATUM",
            Kind::Func(_) => "FUNCTION",
            Kind::Grouped(_) => "GROUPED_DATA",
        }
    }

    /// Whether this is a datum, or a row that can be read as one.
    pub(crate) fn is_datum(&self) -> bool {
        matches!(self.kind, Kind::Datum(_) | Kind::Single(_))
    }

    /// Whether this is rows of a table that can still be written.
    pub(crate) fn is_selection(&self) -> bool {
        matches!(self.kind, Kind::Table(_) | Kind::Slice(_) | Kind::Selection(..))
    }

    /// Whether this is a sequence of some kind; an array is a datum.
    pub(crate) fn is_sequence(&self) -> bool {
        self.is_selection() || matches!(self.kind, Kind::Sequence(_))
    }

    /// As error texts show it.
    pub(crate) fn print(&self, run: &Run) -> Result<String> {
        Ok(match &self.kind {
            Kind::Datum(datum) => datum.pretty(),
            Kind::Single(single) => single.row(run, self.place)?.pretty(),
            Kind::Db(db) => format!("db(\"{}\")", db.name),
            Kind::Table(table) => format!("table(\"{}\")", table.name),
            Kind::Slice(Slice { table, .. }) | Kind::Selection(table, _) => {
                format!("SELECTION ON table({})", table.name)
            }
            _ => format!("VALUE {}", self.kind_name()),
        })
    }

    /// As error texts show it, cut off if it is long.
    pub(crate) fn print_truncated(&self, run: &Run) -> Result<String> {
        self.print(run).map(truncated)
    }

    /// The failure that this is of another kind than it should be.
    pub(crate) fn wrong_kind(&self, wanted: &str, run: &Run) -> Box<Failure> {
        let found = self.kind_name();
        match self.print(run) {
            Ok(text) => {
                self.failure(run, format!("Expected type {wanted} but found {found}:\n{text}"))
            }
            Err(failure) => failure,
        }
    }

    /// A failure that this value is blamed for: NON_EXISTENCE if it is null.
    pub(crate) fn failure(&self, run: &Run, message: impl Into<String>) -> Box<Failure> {
        match self.peek(run) {
            Ok(Some(datum)) => Failure::of_value(&datum, message).at(self.place),
            Ok(None) => Failure::logic(message).at(self.place),
            Err(failure) => failure,
        }
    }

    /// The datum it is or can be read as, if it is one.
    pub(crate) fn peek(&self, run: &Run) -> Result<Option<Datum>> {
        match &self.kind {
            Kind::Datum(datum) => Ok(Some(datum.clone())),
            Kind::Single(single) => single.row(run, self.place).cloned().map(Some),
            _ => Ok(None),
        }
    }

    /// The datum it is or can be read as.
    pub(crate) fn datum(&self, run: &Run) -> Result<Datum> {
        match self.peek(run)? {
            Some(datum) => Ok(datum),
            None => Err(self.wrong_kind("DATUM", run)),
        }
    }

    pub(crate) fn bool(&self, run: &Run) -> Result<bool> {
        Ok(self.datum(run)?.is_truthy())
    }

    pub(crate) fn number(&self, run: &Run) -> Result<f64> {
        self.datum(run)?.expect_number().at(self.place)
    }

    pub(crate) fn integer(&self, run: &Run) -> Result<i64> {
        self.datum(run)?.expect_integer().at(self.place)
    }

    pub(crate) fn string(&self, run: &Run) -> Result<Arc<str>> {
        match self.datum(run)? {
            Datum::String(text) => Ok(text),
            other => Err(other.expect_str().expect_err("it is no string").at(self.place)),
        }
    }

    pub(crate) fn db(&self, run: &Run) -> Result<&Db> {
        if let Kind::Db(db) = &self.kind { Ok(db) } else { Err(self.wrong_kind("DATABASE", run)) }
    }

    pub(crate) fn table(&self, run: &Run) -> Result<&Arc<Table>> {
        match &self.kind {
            Kind::Table(table) => Ok(table),
            _ => Err(self.wrong_kind("TABLE", run)),
        }
    }

    /// The table slice it is: also a whole table.
    pub(crate) fn slice(&self, run: &Run) -> Result<Slice> {
        match &self.kind {
            Kind::Slice(slice) => Ok(slice.clone()),
            Kind::Table(table) => Ok(Slice::all(table.clone())),
            _ => Err(self.wrong_kind("TABLE_SLICE", run)),
        }
    }

    /// The rows of a table that it is, with their table.
    pub(crate) fn into_selection(self, run: &Run) -> Result<(Arc<Table>, Seq)> {
        match self.kind {
            Kind::Selection(table, seq) => Ok((table, seq)),
            Kind::Table(_) | Kind::Slice(_) => {
                let slice = self.slice(run)?;
                Ok((slice.table.clone(), slice.rows(run).at(self.place)?))
            }
            _ => Err(self.wrong_kind("SELECTION", run)),
        }
    }

    /// The sequence it is: also a table, and an array.
    pub(crate) fn into_seq(self, run: &Run) -> Result<Seq> {
        self.into_seq_with_table(run).map(|(_, seq)| seq)
    }

    /// The sequence it is, and the table if its elements are rows of one.
    pub(crate) fn into_seq_with_table(self, run: &Run) -> Result<(Option<Arc<Table>>, Seq)> {
        if self.is_selection() {
            return self.into_selection(run).map(|(table, seq)| (Some(table), seq));
        }
        match self.kind {
            Kind::Sequence(seq) => Ok((None, seq)),
            // A failure here is the asking term's.
            Kind::Datum(datum) => Seq::of_datum(datum).map(|seq| (None, seq)),
            _ => Err(self.wrong_kind("SEQUENCE", run)),
        }
    }

    /// The function it is.
    pub(crate) fn into_func(self, run: &Run) -> Result<Arc<Func>> {
        match self.kind {
            Kind::Func(func) => Ok(func),
            _ => Err(self.wrong_kind("FUNCTION", run)),
        }
    }

    /// The function it is, or that it stands for.
    pub(crate) fn into_func_or(self, shortcut: Shortcut, run: &Run) -> Result<Arc<Func>> {
        if !self.is_datum() {
            return self.into_func(run);
        }
        let place = self.place;
        let datum = self.datum(run)?;
        let body = match shortcut {
            Shortcut::Constant => Body::Constant(datum),
            Shortcut::Field => Body::Field(datum),
        };
        Ok(Arc::new(Func { place, body }))
    }
}
