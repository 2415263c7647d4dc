//! The store of an exploration: four tables as a value, which can be cloned and compared.
//!
//! It answers those of the closed list of questions that nodes ask while they serve; a test holds its
//! answers to those of the embedded store. Every write is durable and acknowledged at once: what a store
//! loses is not explored here (the backend `sim` is for that). Not here: when a question reaches it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{Block, BlockId, Transaction, TxId};
use bigchaindb_core::query::{
    Answer, BacklogRow, Change, Feed, Gathered, ListEntry, Needs, Query, Spend, StoreError,
    VoteRow, Write,
};

/// The four tables.
#[derive(Clone, Default, Debug)]
pub struct Tables {
    pub(super) backlog: BTreeMap<TxId, BacklogRow>,
    pub(super) bigchain: BTreeMap<BlockId, Arc<Block>>,
    pub(super) votes: BTreeMap<Arc<str>, VoteRow>,
    pub(super) positions: BTreeMap<u64, ListEntry>,
}

/// A change of a row, and which row it is.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The feed that tells it.
    pub feed: Feed,
    /// The row's key.
    pub key: Arc<str>,
    /// What is told.
    pub change: Change,
}

impl Tables {
    /// Answers a question; what it changed is added to `changes`.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for what only the library asks, and for rows put back: nobody here
    /// harms one.
    pub fn answer(
        &mut self,
        query: &Query,
        changes: &mut Vec<Changed>,
    ) -> Result<Answer, StoreError> {
        Ok(match query {
            Query::InsertBacklog { transaction, assignee } => {
                let id = transaction.id();
                if self.backlog.contains_key(id) {
                    return Ok(Answer::Written(Write::Unchanged));
                }
                let (transaction, assignee) = (transaction.clone(), assignee.clone());
                let new = self.put_waiting(BacklogRow { transaction, assignee });
                changes.push(waiting(id, None, Some(new)));
                Answer::Written(Write::Inserted)
            }
            Query::Reassign { transaction, from, to } => {
                let old = self.backlog.get(transaction).cloned();
                let Some(old) = old.filter(|row| row.assignee == *from && from != to) else {
                    return Ok(Answer::Written(Write::Unchanged));
                };
                let new = self.put_waiting(BacklogRow { assignee: to.clone(), ..old.clone() });
                changes.push(waiting(transaction, Some(old), Some(new)));
                Answer::Written(Write::Changed)
            }
            Query::DeleteBacklog { transactions } => {
                let mut done = Write::Unchanged;
                for id in transactions {
                    if let Some(old) = self.backlog.remove(id) {
                        changes.push(waiting(id, Some(old), None));
                        done = Write::Changed;
                    }
                }
                Answer::Written(done)
            }
            Query::Backlog { assignee, limit } => {
                let of_them = |row: &&BacklogRow| {
                    assignee.as_ref().is_none_or(|assignee| row.assignee == *assignee)
                };
                let mut rows: Vec<_> = self.backlog.values().filter(of_them).cloned().collect();
                rows.sort_by(|a, b| age(&a.transaction).cmp(&age(&b.transaction)));
                rows.truncate(*limit);
                Answer::Backlog(rows)
            }
            Query::Gather(needs) => Answer::Gathered(self.gather(needs)),
            Query::InsertBlock { block } => {
                let id = block.id();
                if self.bigchain.contains_key(id) {
                    return Ok(Answer::Written(Write::Unchanged));
                }
                self.bigchain.insert(id.clone(), block.clone());
                let (feed, key) = (Feed::Blocks, id.as_str().into());
                changes.push(Changed { feed, key, change: Change::Block(id.clone()) });
                Answer::Written(Write::Inserted)
            }
            Query::Blocks { ids } => {
                let found = ids.iter().filter_map(|id| self.bigchain.get(id));
                Answer::Blocks(found.cloned().collect())
            }
            Query::KnownBlocks { ids } => {
                let known = ids.iter().filter(|id| self.bigchain.contains_key(*id));
                Answer::BlockIds(known.cloned().collect())
            }
            Query::UnlistedBlocks { limit } => {
                let listed = |id: &BlockId| self.positions.values().any(|at| at.block == *id);
                let blocks = self.bigchain.values();
                let mut unlisted: Vec<_> = blocks.filter(|block| !listed(block.id())).collect();
                let age = |block: &Block| (block.timestamp(), block.id().clone());
                unlisted.sort_by_key(|block| age(block));
                let ids = unlisted.into_iter().map(|block| block.id().clone());
                Answer::BlockIds(ids.take(*limit).collect())
            }
            Query::InsertVote { vote } => {
                if let Some(row) = self.votes.get(&vote.key) {
                    return Ok(Answer::VoteWritten(row.clone()));
                }
                self.votes.insert(vote.key.clone(), vote.clone());
                let (feed, key) = (Feed::Votes, vote.key.clone());
                changes.push(Changed { feed, key, change: Change::Vote(vote.clone()) });
                Answer::VoteWritten(vote.clone())
            }
            Query::Votes { blocks } => {
                let on_them = |row: &&VoteRow| blocks.contains(row.vote.block());
                Answer::Votes(self.votes.values().filter(on_them).cloned().collect())
            }
            Query::Positions { from, limit } => {
                let entries = self.positions.range(from.0..).take(*limit);
                Answer::Positions(entries.map(|(_, entry)| entry.clone()).collect())
            }
            Query::Claim { entry } => {
                let place = entry.position.0;
                if let Some(entry) = self.positions.get(&place) {
                    return Ok(Answer::Claimed(entry.clone()));
                }
                self.positions.insert(place, entry.clone());
                let (feed, key) = (Feed::Positions, place.to_string().into());
                changes.push(Changed { feed, key, change: Change::Position(entry.clone()) });
                Answer::Claimed(entry.clone())
            }
            Query::Heads { .. }
            | Query::Transactions { .. }
            | Query::VotesOn { .. }
            | Query::VotesBy { .. }
            | Query::PutBack(_) => {
                return Err(StoreError::Refused("no node asks this here".to_owned()));
            }
        })
    }

    /// Whether a write can still change the answer to a question that only reads, if each of so many
    /// voters votes once.
    pub(super) fn can_change(&self, query: &Query, voters: usize) -> bool {
        match query {
            Query::Votes { blocks } => blocks.iter().any(|block| {
                self.votes.values().filter(|row| row.vote.block() == block).count() < voters
            }),
            Query::Blocks { ids } | Query::KnownBlocks { ids } => {
                !ids.iter().all(|id| self.bigchain.contains_key(id))
            }
            _ => true,
        }
    }

    fn put_waiting(&mut self, row: BacklogRow) -> BacklogRow {
        self.backlog.insert(row.transaction.id().clone(), row.clone());
        row
    }

    fn gather(&self, needs: &Needs) -> Gathered {
        let mut gathered = Gathered::default();
        let parts = || {
            let blocks = self.bigchain.values();
            blocks.flat_map(|block| block.transactions().iter().map(move |part| (block, part)))
        };
        for id in &needs.transactions {
            let found = parts().filter(|(_, part)| part.id() == id);
            gathered.found.extend(found.map(|(block, part)| (block.id().clone(), part.clone())));
            gathered.waiting.extend(self.backlog.get(id).cloned());
        }
        for output in &needs.outputs {
            for (block, part) in parts() {
                let times = part.inputs().iter().filter(|input| *input == output).count();
                let (by, block) = (part.id().clone(), block.id().clone());
                let spend = Spend { output: output.clone(), by, block };
                gathered.spends.extend(std::iter::repeat_n(spend, times));
            }
        }
        gathered
    }
}

/// By this the backlog is ordered.
fn age(transaction: &Transaction) -> (Option<&str>, &TxId) {
    (transaction.timestamp(), transaction.id())
}

fn waiting(id: &TxId, old: Option<BacklogRow>, new: Option<BacklogRow>) -> Changed {
    let change = Change::Backlog { old, new };
    Changed { feed: Feed::Backlog, key: id.as_str().into(), change }
}
