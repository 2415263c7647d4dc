//! A transaction.

use super::{Json, Output, TxId};

/// A transaction, with its whole document.
#[derive(Clone, Debug, PartialEq)]
pub struct Transaction {
    id: TxId,
    document: Json,
    inputs: Vec<Output>,
}

impl Transaction {
    /// Its id, as the document says it.
    pub fn id(&self) -> &TxId {
        &self.id
    }

    /// The whole document.
    pub fn document(&self) -> &Json {
        &self.document
    }

    /// What it spends.
    pub fn inputs(&self) -> &[Output] {
        &self.inputs
    }
}
