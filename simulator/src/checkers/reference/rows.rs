//! How rows that come, change and go change what is known. Start at [`Reference::change`].

use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, TxId};
use bigchaindb_core::rules::Election;

use super::{
    BlockDocument, BlockSeen, GoodVote, News, Reference, Rules, TransactionDocument,
    TransactionSeen, documents, endings,
};
use crate::observe::{self, Change, Table};

impl Reference {
    pub(super) fn change(&mut self, change: &Change) {
        if self.change_harmed(change) {
            return;
        }
        if let Some(row) = change.new.as_ref().filter(|_| !self.byzantine.is_empty()) {
            self.harms.see(change.table, row);
        }
        match (&change.new, &change.old) {
            (Some(row), old) => self.put(change.table, row, old.is_some()),
            (None, Some(old)) => self.remove(change.table, &old.id),
            (None, None) => {}
        }
    }

    /// A row is there. `changed`: another stood under its key.
    pub(super) fn put(&mut self, table: Table, row: &Arc<Json>, changed: bool) {
        match table {
            Table::Backlog => self.put_waiting(row),
            Table::Bigchain => self.put_block(row, changed),
            Table::Votes => self.put_vote(row, changed),
            Table::Positions => self.put_position(row),
        }
    }

    fn put_waiting(&mut self, row: &Arc<Json>) {
        let Some(id) = row.get("id").and_then(Json::as_str).map(TxId::from) else { return };
        let seen = self.seen(&TransactionDocument::read(row));
        if seen.row.is_none() && endings::has_times(row) {
            seen.row = Some(Arc::clone(row));
        }
        if !std::mem::replace(&mut seen.waiting, true) {
            self.waiting += 1;
            self.surroundings.weigh(self.waiting);
        }
        self.news.push(News::Moved(id));
    }

    fn seen(&mut self, document: &TransactionDocument) -> &mut TransactionSeen {
        let Self { transactions, spenders, .. } = self;
        transactions.entry(document.id.clone()).or_insert_with(|| {
            for input in &document.inputs {
                spenders.entry(input.txid.clone()).or_default().insert(document.id.clone());
            }
            TransactionSeen { document: document.clone(), ..TransactionSeen::default() }
        })
    }

    fn put_block(&mut self, row: &Arc<Json>, changed: bool) {
        let Some(mut document) = BlockDocument::read(row) else { return };
        self.share_names(&mut document);
        let id = document.id.clone();
        let known = self.blocks.get(&id).is_some_and(|block| block.present);
        if known && !changed {
            return;
        }
        let (sealed, malformed) = match self.rules {
            Rules::Default => {
                let seal = document.seal(self.rules.strictness(), &*self.signatures);
                // Of a row that is not the block, the block cannot be blamed.
                let is_block = seal.id.is_none();
                let malformed = is_block.then(|| document.malformation(&self.federation));
                (seal.is_sound(), malformed.flatten())
            }
            Rules::Mixed => (true, document.strange_voters(&self.federation)),
            Rules::Original => (true, None),
        };
        let now_us = self.now_us;
        for transaction in &document.transactions {
            let seen = self.seen(transaction);
            seen.blocks.insert(id.clone());
            seen.in_block_at_us.get_or_insert(now_us);
            self.news.push(News::Moved(transaction.id.clone()));
        }
        let before = self.blocks.get(&id);
        let listed_at_us = before.map_or_else(
            || self.listed.contains_key(&id).then_some(self.now_us),
            |block| block.listed_at_us,
        );
        let is_genesis = document.is_genesis;
        let seen = BlockSeen {
            document,
            seen_at_us: before.map_or(self.now_us, |block| block.seen_at_us),
            present: true,
            malformed,
            sealed,
            election: before.map_or(Election::Undecided, |block| block.election),
            elected_at_us: before.map_or(self.now_us, |block| block.elected_at_us),
            listed_at_us,
        };
        self.blocks.insert(id.clone(), seen);
        if is_genesis && !self.geneses.contains(&id) {
            self.geneses.push(id.clone());
        }
        self.news.push(News::Block(id.clone()));
        self.elect(&id);
        if is_genesis {
            self.elect_geneses();
        }
    }

    fn put_vote(&mut self, row: &Json, changed: bool) {
        let Some(key) = observe::row_id(row) else { return };
        if self.ballot.has(&key) && !changed {
            return;
        }
        let vote = documents::read_vote(row, &key)
            .filter(|vote| self.rules != Rules::Default || self.federation.contains(&vote.voter))
            .map(|vote| self.with_known_names(vote));
        let signed = vote.as_ref().is_some_and(|vote| {
            documents::is_vote_signed(row, vote, self.rules.strictness(), &*self.signatures)
        });
        if let (Some(vote), true) = (&vote, signed) {
            self.news.push(News::Vote(vote.clone()));
        }
        for block in self.ballot.put(key, vote, signed) {
            self.elect(&block);
        }
    }

    /// The vote, its names those that are kept already: there is one for every member and block.
    fn with_known_names(&self, mut vote: GoodVote) -> GoodVote {
        if let Some(voter) = self.federation.get(&vote.voter) {
            vote.voter = voter.clone();
        }
        for block in [&mut vote.block, &mut vote.previous] {
            if let Some((known, _)) = self.blocks.get_key_value(&*block) {
                *block = known.clone();
            }
        }
        vote
    }

    /// The same for a block: its members, and the transactions that are known from the backlog.
    fn share_names(&self, block: &mut BlockDocument) {
        for member in block.voters.iter_mut().chain([&mut block.author]) {
            if let Some(known) = self.federation.get(&*member) {
                *member = known.clone();
            }
        }
        for transaction in &mut block.transactions {
            if let Some((known, _)) = self.transactions.get_key_value(&transaction.id) {
                transaction.id = known.clone();
            }
        }
    }

    /// A row is gone.
    pub(super) fn remove(&mut self, table: Table, id: &Arc<str>) {
        match table {
            Table::Backlog => {
                let id = TxId::from(&**id);
                if let Some(seen) = self.transactions.get_mut(&id) {
                    if std::mem::replace(&mut seen.waiting, false) {
                        self.waiting -= 1;
                        self.surroundings.weigh(self.waiting);
                    }
                    self.news.push(News::Moved(id));
                }
            }
            Table::Bigchain => {
                let id = BlockId::from(&**id);
                let Some(block) = self.blocks.get_mut(&id) else { return };
                block.present = false;
                for transaction in &block.document.transactions {
                    if let Some(seen) = self.transactions.get_mut(&transaction.id) {
                        seen.blocks.remove(&id);
                        self.news.push(News::Moved(transaction.id.clone()));
                    }
                }
                self.elect(&id);
            }
            Table::Votes => {
                for block in self.ballot.remove(id) {
                    self.elect(&block);
                }
            }
            Table::Positions => {
                if let Ok(position) = id.parse() {
                    self.positions.remove(&position);
                }
            }
        }
    }

    /// What was seen and is not in the final dump was lost on the way, and no feed said so.
    pub(super) fn forget_what_was_lost(&mut self) {
        if self.dumped.is_empty() {
            return;
        }
        let blocks = self.blocks.values().filter(|block| block.present);
        let blocks = blocks.map(|block| (Table::Bigchain, block.document.id.as_str().into()));
        let votes = self.ballot.keys().map(|key| (Table::Votes, Arc::clone(key)));
        let lost = blocks.chain(votes).filter(|row| !self.dumped.contains(row));
        let lost: Vec<_> = lost.filter(|(table, id)| !self.is_harmed(*table, id)).collect();
        for (table, id) in lost {
            self.remove(table, &id);
        }
    }
}
