//! Looking into a row without taking it apart.

use std::sync::Arc;

use bigchaindb_core::model::{Block, Json, Transaction};

use super::Row;

/// A value somewhere in a row.
#[derive(Clone, Copy)]
pub(crate) enum Field<'a> {
    /// The document itself.
    Row(&'a Row),
    /// A block's field `block`.
    Inside(&'a Block),
    /// A block's field `block.transactions`.
    Transactions(&'a [Arc<Transaction>]),
    /// Anything else.
    Json(&'a Json),
}

impl<'a> Field<'a> {
    /// A field of an object.
    pub(crate) fn get(self, name: &str) -> Option<Field<'a>> {
        match self {
            Self::Row(row) => row.field(name),
            Self::Inside(block) if name == "transactions" => {
                Some(Self::Transactions(block.transactions()))
            }
            Self::Inside(block) => block.frame().get("block")?.get(name).map(Self::Json),
            Self::Transactions(_) => None,
            Self::Json(json) => json.get(name).map(Self::Json),
        }
    }

    /// The items of an array.
    pub(crate) fn items(self) -> Option<impl Iterator<Item = &'a Json>> {
        let (transactions, items): (&[Arc<Transaction>], &[Json]) = match self {
            Self::Transactions(transactions) => (transactions, &[]),
            Self::Json(json) => (&[], json.as_array()?),
            Self::Row(_) | Self::Inside(_) => return None,
        };
        Some(transactions.iter().map(|transaction| transaction.document()).chain(items))
    }

    /// The value, unless it is one that only blocks have.
    pub(crate) fn json(self) -> Option<&'a Json> {
        if let Self::Json(json) = self { Some(json) } else { None }
    }
}
