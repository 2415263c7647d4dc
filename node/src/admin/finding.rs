//! Something that is not as it should be, and where.

use std::fmt;

use serde::Serialize;

/// Something that is not as it should be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Debug)]
pub struct Finding {
    /// In which table.
    pub table: String,
    /// Under which primary key; JSON, unless it is a text.
    pub id: String,
    /// The place in the list of the block it is about, if that has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl Finding {
    /// Something wrong with a row.
    pub(crate) fn new(table: &str, id: impl Into<String>, what: impl Into<String>) -> Self {
        Self { table: table.to_owned(), id: id.into(), place: None, what: what.into() }
    }

    /// The same, of a block at a place in the list.
    pub(crate) fn at(self, place: Option<u64>) -> Self {
        Self { place, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.table, self.id)?;
        if let Some(place) = self.place {
            write!(f, " (place {place})")?;
        }
        write!(f, ": {}", self.what)
    }
}
