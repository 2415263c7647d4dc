//! Random queries, answered by the engine as by a model that looks through everything.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{Block, Output};
use bigchaindb_core::query::{
    Answer, BacklogRow, BlockHead, BlockIndex, BlocksOf, Gathered, ListEntry, Page, Query, Range,
    Spend, Standing, TransactionsOf, VoteRow, Write,
};
use bigchaindb_rethinkdb::{Durability, Engine};
use proptest::prelude::*;

use crate::language::{query, words};

/// The tables as lists, in the order of writing.
#[derive(Default)]
struct Scan {
    backlog: Vec<BacklogRow>,
    blocks: Vec<Arc<Block>>,
    votes: Vec<VoteRow>,
    list: BTreeMap<u64, ListEntry>,
}

impl Scan {
    /// The blocks of a page, by id.
    fn looked_at(&self, range: &Range, wanted: impl Fn(&Block) -> bool) -> Vec<Arc<Block>> {
        let mut blocks = self.blocks.clone();
        let behind =
            |block: &Block| range.after.as_deref().is_none_or(|it| block.id().as_str() > it);
        blocks.retain(|block| behind(block) && wanted(block));
        blocks.sort_by(|one, other| one.id().cmp(other.id()));
        blocks.truncate(range.rows());
        blocks
    }

    fn answer(&mut self, query: &Query) -> Answer {
        match query {
            Query::InsertBacklog { transaction, assignee } => {
                let taken = self.backlog.iter().any(|row| row.transaction.id() == transaction.id());
                if !taken {
                    let (transaction, assignee) = (transaction.clone(), assignee.clone());
                    self.backlog.push(BacklogRow { transaction, assignee });
                }
                written(Write::Inserted, !taken)
            }
            Query::Reassign { transaction, from, to } => {
                let row = self.backlog.iter_mut().find(|row| row.transaction.id() == transaction);
                let row = row.filter(|row| row.assignee == *from && from != to);
                written(Write::Changed, row.map(|row| row.assignee = to.clone()).is_some())
            }
            Query::DeleteBacklog { transactions } => {
                let before = self.backlog.len();
                self.backlog.retain(|row| !transactions.contains(row.transaction.id()));
                written(Write::Changed, self.backlog.len() < before)
            }
            Query::Backlog { assignee, limit } => {
                let mut rows = self.backlog.clone();
                rows.retain(|row| assignee.as_ref().is_none_or(|node| row.assignee == *node));
                rows.sort_by_key(|row| {
                    let timestamp = row.transaction.timestamp().map(str::to_owned);
                    (timestamp, row.transaction.id().clone())
                });
                rows.truncate(*limit);
                Answer::Backlog(rows)
            }
            Query::Gather(needs) => {
                let mut gathered = Gathered::default();
                for block in &self.blocks {
                    for transaction in block.transactions() {
                        if needs.transactions.contains(transaction.id()) {
                            gathered.found.push((block.id().clone(), transaction.clone()));
                        }
                        let spent = |input: &&Output| needs.outputs.contains(input);
                        gathered.spends.extend(transaction.inputs().iter().filter(spent).map(
                            |input| Spend {
                                output: input.clone(),
                                by: transaction.id().clone(),
                                block: block.id().clone(),
                            },
                        ));
                    }
                }
                gathered.waiting = self.backlog.clone();
                gathered.waiting.retain(|row| needs.transactions.contains(row.transaction.id()));
                Answer::Gathered(gathered)
            }
            Query::InsertBlock { block } => {
                let taken = self.blocks.iter().any(|other| other.id() == block.id());
                if !taken {
                    self.blocks.push(block.clone());
                }
                written(Write::Inserted, !taken)
            }
            Query::Blocks { ids } => {
                let mut blocks = self.blocks.clone();
                blocks.retain(|block| ids.contains(block.id()));
                Answer::Blocks(blocks)
            }
            Query::KnownBlocks { ids } => {
                let known = |id: &&_| self.blocks.iter().any(|block| block.id() == *id);
                Answer::BlockIds(ids.iter().filter(known).cloned().collect())
            }
            Query::UnlistedBlocks { limit } => {
                let mut blocks = self.blocks.clone();
                blocks.retain(|block| self.list.values().all(|entry| entry.block != *block.id()));
                let timestamp = |block: &Block| block.timestamp().map(|time| time.to_string());
                blocks.sort_by_key(|block| (timestamp(block), block.id().clone()));
                blocks.truncate(*limit);
                Answer::BlockIds(blocks.iter().map(|block| block.id().clone()).collect())
            }
            Query::InsertVote { vote } => {
                if !self.votes.iter().any(|row| row.key == vote.key) {
                    self.votes.push(vote.clone());
                }
                let row = self.votes.iter().find(|row| row.key == vote.key);
                Answer::VoteWritten(row.unwrap().clone())
            }
            Query::Votes { blocks } => {
                let mut votes = self.votes.clone();
                votes.retain(|row| blocks.contains(row.vote.block()));
                Answer::Votes(votes)
            }
            Query::Positions { from, limit } => {
                let entries = self.list.range(from.0..).take(*limit);
                Answer::Positions(entries.map(|(_, entry)| entry.clone()).collect())
            }
            Query::Claim { entry } => {
                let holder = self.list.entry(entry.position.0).or_insert_with(|| entry.clone());
                Answer::Claimed(holder.clone())
            }
            Query::Heads { blocks, range } => {
                let looked_at = self.looked_at(range, |block| match blocks {
                    BlocksOf::All => true,
                    BlocksOf::Ids(ids) => ids.contains(block.id()),
                    BlocksOf::Index(index, value) => has(block, *index, value),
                });
                Answer::Heads(page(&looked_at, range, |block| vec![BlockHead::of(block)]))
            }
            Query::Transactions { transactions, range } => {
                let looked_at = self.looked_at(range, |block| match transactions {
                    TransactionsOf::PayloadUuid(uuid) => has(block, BlockIndex::PayloadUuid, uuid),
                    TransactionsOf::Owner(_) => true,
                });
                Answer::Transactions(page(&looked_at, range, |block| {
                    let found = block.transactions().iter().filter(|one| transactions.has(one));
                    found.map(|one| (block.id().clone(), one.clone())).collect()
                }))
            }
            Query::VotesOn { voter, blocks } => {
                let mut votes = self.votes.clone();
                votes.retain(|row| row.vote.voter() == voter && blocks.contains(row.vote.block()));
                Answer::Votes(votes)
            }
            Query::VotesBy { voter, range } => {
                let mut votes = self.votes.clone();
                votes.retain(|row| range.after.as_ref().is_none_or(|after| row.key > *after));
                votes.sort_by(|one, other| one.key.cmp(&other.key));
                votes.truncate(range.rows());
                let next = votes.last().filter(|_| votes.len() == range.rows());
                let next = next.map(|row| row.key.clone());
                votes.retain(|row| row.vote.voter() == voter);
                Answer::VotesBy(Page { found: votes, next })
            }
            Query::PutBack(Standing::Block(block)) => {
                put_back(&mut self.blocks, block, |other| other.id() == block.id())
            }
            Query::PutBack(Standing::Vote(vote)) => {
                put_back(&mut self.votes, vote, |row| row.key == vote.key)
            }
            Query::PutBack(Standing::Entry(entry)) => {
                let before = self.list.insert(entry.position.0, entry.clone());
                Answer::Written(match before {
                    Some(before) if before == *entry => Write::Unchanged,
                    Some(_) => Write::Changed,
                    None => Write::Inserted,
                })
            }
        }
    }
}

fn has(block: &Block, index: BlockIndex, value: &str) -> bool {
    let mut transactions = block.transactions().iter();
    match index {
        BlockIndex::Timestamp => BlockHead::of(block).timestamp.as_deref() == Some(value),
        BlockIndex::TransactionId => transactions.any(|one| one.id().as_str() == value),
        BlockIndex::PayloadUuid => {
            transactions.any(|one| TransactionsOf::PayloadUuid(value.to_owned()).has(one))
        }
    }
}

fn page<T>(looked_at: &[Arc<Block>], range: &Range, of: impl Fn(&Block) -> Vec<T>) -> Page<T> {
    let last = looked_at.last().filter(|_| looked_at.len() == range.rows());
    let next = last.map(|block| block.id().as_str().into());
    Page { found: looked_at.iter().flat_map(|block| of(block)).collect(), next }
}

fn put_back<T: Clone + PartialEq>(rows: &mut Vec<T>, row: &T, same: impl Fn(&T) -> bool) -> Answer {
    Answer::Written(match rows.iter_mut().find(|other| same(other)) {
        Some(other) if other == row => Write::Unchanged,
        Some(other) => {
            *other = row.clone();
            Write::Changed
        }
        None => {
            rows.push(row.clone());
            Write::Inserted
        }
    })
}

fn written(what: Write, done: bool) -> Answer {
    Answer::Written(if done { what } else { Write::Unchanged })
}

/// A line of `language`; `reopen` closes the file and opens it again.
fn line() -> impl Strategy<Value = String> {
    let tx = || prop::sample::select(vec!["a", "b", "c", "d", "e", "f", "g", "h"]);
    let node = || prop::sample::select(vec!["n1", "n2", "n10"]);
    let id = || prop::sample::select(vec!["X", "Y", "Z", "XX", ""]);
    let output = prop::sample::select(vec!["a/0", "a/0!", "a/1", "b/1", "c/0", "d/0", "c/1"]);
    let txs = || prop::collection::vec(tx(), 0..5);
    let ids = || prop::collection::btree_set(id(), 0..5).prop_map(|ids| ids.into_iter().collect());
    let ids = move || ids().prop_map(|ids: Vec<&str>| ids.join(" "));
    let named = || prop::sample::select(vec!["X", "Y", "Z", "XX"]);
    let time = || prop::sample::select(vec!["", "5", "7", "40"]);
    let after = || prop::sample::select(vec!["-", "X", "XX", "Y"]);
    let set = || prop::collection::btree_set(tx(), 0..5);
    prop_oneof![
        4 => (tx(), node()).prop_map(|(tx, node)| format!("wait {tx} {node}")),
        2 => (tx(), node(), node()).prop_map(|(tx, a, b)| format!("reassign {tx} {a} {b}")),
        2 => txs().prop_map(|txs| format!("delete {}", txs.join(" "))),
        2 => (node(), 0..9).prop_map(|(node, limit)| format!("backlog {node} {limit}")),
        2 => (0..9).prop_map(|limit| format!("backlog * {limit}")),
        4 => (set(), prop::collection::btree_set(output, 0..5)).prop_map(|(txs, outputs)| {
            format!("gather {}", txs.into_iter().chain(outputs).collect::<Vec<_>>().join(" "))
        }),
        4 => (named(), time(), txs()).prop_map(|(id, time, txs)| {
            format!("block {id}@{time}={}", txs.join(","))
        }),
        1 => ids().prop_map(|ids| format!("blocks {ids}")),
        1 => ids().prop_map(|ids| format!("known {ids}")),
        3 => (0..9).prop_map(|limit| format!("unlisted {limit}")),
        3 => (0..6, named(), node(), any::<bool>()).prop_map(|(key, id, node, valid)| {
            format!("vote k{key} {id} {node} {}", if valid { "yes" } else { "no" })
        }),
        2 => ids().prop_map(|ids| format!("votes {ids}")),
        3 => (0..9, named()).prop_map(|(position, id)| format!("claim {position} {id}")),
        2 => (0..9, 0..9).prop_map(|(from, limit)| format!("positions {from} {limit}")),
        1 => (after(), 0..4).prop_map(|(after, limit)| format!("heads * {after} {limit}")),
        1 => (named(), named(), after()).prop_map(|(one, other, after)| {
            format!("heads {one},{other} {after} 9")
        }),
        1 => (tx(), after(), 0..3).prop_map(|(tx, after, limit)| {
            format!("heads transaction_id={tx} {after} {limit}")
        }),
        1 => (time(), after()).prop_map(|(time, after)| {
            format!("heads block_timestamp={time} {after} 2")
        }),
        1 => (tx(), after(), 0..3).prop_map(|(tx, after, limit)| {
            format!("with uuid=u{tx} {after} {limit}")
        }),
        1 => (1..4, after(), 0..4).prop_map(|(owner, after, limit)| {
            format!("with owner=k{owner} {after} {limit}")
        }),
        1 => (node(), ids()).prop_map(|(node, ids)| format!("own {node} {ids}")),
        1 => (node(), 0..6, 0..4).prop_map(|(node, key, limit)| format!("by {node} k{key} {limit}")),
        1 => (named(), tx()).prop_map(|(id, tx)| format!("restore block {id}@5={tx}")),
        1 => (0..6, named(), node()).prop_map(|(key, id, node)| {
            format!("restore vote k{key} {id} {node} yes")
        }),
        1 => (0..9, named()).prop_map(|(position, id)| format!("restore entry {position} {id}")),
        1 => Just("reopen".to_owned()),
    ]
}

/// Applies the lines in batches of `batch`, so that reads see what the same batch wrote.
fn compare(mut open: impl FnMut() -> Engine, reopens: bool, lines: &[String], batch: usize) {
    let mut scan = Scan::default();
    let mut engine = Some(open());
    for lines in lines.chunks(batch) {
        let asked: Vec<_> = lines.iter().filter(|line| *line != "reopen").collect();
        let queries: Vec<_> = asked.iter().map(|line| query(line)).collect();
        let answers = engine.as_mut().unwrap().apply_all(&queries, Durability::Soft);
        for ((line, query), answer) in asked.iter().zip(&queries).zip(answers) {
            assert_eq!(words(&answer.unwrap()), words(&scan.answer(query)), "{line}");
        }
        if reopens && asked.len() < lines.len() {
            engine.as_mut().unwrap().flush().unwrap();
            drop(engine.take());
            engine = Some(open());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn in_memory(lines in prop::collection::vec(line(), 1..60), batch in 1..8_usize) {
        compare(Engine::in_memory, false, &lines, batch);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(25))]

    #[test]
    fn on_disk(lines in prop::collection::vec(line(), 1..60), batch in 1..8_usize) {
        let folder = tempfile::tempdir().unwrap();
        compare(|| Engine::open(&folder.path().join("data")).unwrap(), true, &lines, batch);
    }
}
