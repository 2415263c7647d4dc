//! The assets that a Byzantine member owns itself: it makes them as anybody may, and can sign for
//! whatever it does with them.

use std::collections::BTreeSet;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Draft, NodeKey, Output, Profile, Transaction};
use bigchaindb_core::query::{Needs, Query};
use bigchaindb_core::rules::Election;
use bigchaindb_core::stages::Report;

use super::hand::Hand;

/// So many assets are kept ready.
const RESERVE: usize = 3;

#[derive(Default)]
pub(super) struct Purse {
    /// CREATEs that were put into the backlog and not used up.
    coins: Vec<Arc<Transaction>>,
    /// Those that were spent once.
    spent: Vec<Arc<Transaction>>,
    /// Blocks that the member's own core takes for valid.
    decided: BTreeSet<BlockId>,
    /// What it does once only was done.
    pub(super) once: bool,
}

impl Purse {
    pub(super) fn overhear(&mut self, report: &Report) {
        if let Report::Decided { block, election: Election::Valid } = report {
            self.decided.insert(block.clone());
        }
    }

    /// The blocks that are decided valid.
    pub(super) fn decided(&self) -> Vec<BlockId> {
        self.decided.iter().cloned().collect()
    }
}

impl Hand<'_> {
    /// A CREATE of this member's, as it should be.
    pub(super) fn create(&mut self) -> Option<Arc<Transaction>> {
        let uuid = self.uuid();
        let owners_after = vec![self.me().to_string()];
        let draft = Draft::create(self.me(), owners_after, uuid, self.unix_s);
        let signed = draft.transaction().ok()?.sign(&[self.keypair], Profile::Default, &|_| None);
        signed.ok().map(Arc::new)
    }

    /// An asset of its own that is decided valid and not spent, if there is one; if not, there will be one
    /// soon. The asset is as good as spent then.
    pub(super) fn coin(&mut self) -> Option<Arc<Transaction>> {
        while self.purse.coins.len() < RESERVE {
            let coin = self.create()?;
            self.purse.coins.push(coin.clone());
            self.ask(Query::InsertBacklog { transaction: coin, assignee: self.me().clone() });
        }
        let ids = self.purse.coins.iter().map(|coin| coin.id().clone()).collect();
        let found = self.gather(Needs { transactions: ids, outputs: Vec::new() }).found;
        let ready = found.iter().find(|(block, _)| self.purse.decided.contains(block));
        let (_, ready) = ready?;
        self.purse.coins.retain(|coin| coin.id() != ready.id());
        self.purse.spent.push(ready.clone());
        Some(ready.clone())
    }

    /// An asset that was spent before, if there is one.
    pub(super) fn spent_coin(&mut self) -> Option<Arc<Transaction>> {
        let spent = self.purse.spent.clone();
        self.pick(&spent)
    }

    /// A TRANSFER of such an asset.
    pub(super) fn spend(
        &mut self,
        coin: &Arc<Transaction>,
        to: &NodeKey,
    ) -> Option<Arc<Transaction>> {
        let inputs = vec![Output { txid: coin.id().clone(), cid: 0, oddity: None }];
        let (before, after) = (vec![self.me().to_string()], vec![to.to_string()]);
        let uuid = self.uuid();
        let draft = Draft::transfer(before, after, inputs, uuid, self.unix_s);
        let find = |_: &_| Some(coin.clone());
        let signed = draft.transaction().ok()?.sign(&[self.keypair], Profile::Default, &find);
        signed.ok().map(Arc::new)
    }
}
