//! What this node has checked itself: a document is checked once, however often it comes by.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::model::{Transaction, TxId};
use crate::rules::Checked;

/// The checks of the last so many documents.
#[derive(Clone, Default, Debug)]
pub(super) struct Memory {
    checked: BTreeMap<TxId, (Arc<Transaction>, Checked)>,
    oldest: VecDeque<TxId>,
}

impl Memory {
    /// Remembers a check; forgets the oldest beyond `most`.
    pub(super) fn remember(
        &mut self,
        transaction: Arc<Transaction>,
        checked: Checked,
        most: usize,
    ) {
        let id = transaction.id().clone();
        if self.checked.insert(id.clone(), (transaction, checked)).is_none() {
            self.oldest.push_back(id);
        }
        while self.oldest.len() > most {
            let forgotten = self.oldest.pop_front().expect("it is longer than zero");
            self.checked.remove(&forgotten);
        }
    }

    /// The check of exactly this document: the same id with other content is another document.
    pub(super) fn recall(&self, transaction: &Arc<Transaction>) -> Option<&Checked> {
        let (known, checked) = self.checked.get(transaction.id())?;
        (Arc::ptr_eq(known, transaction) || known == transaction).then_some(checked)
    }
}
