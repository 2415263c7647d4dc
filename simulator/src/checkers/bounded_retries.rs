//! L4: nothing goes round in circles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, NodeKey, TxId};
use bigchaindb_core::rules::Election;

use super::reference::{BlockSeen, News, Reference, Rules};
use super::{Checker, Findings, Moment};
use crate::observe::{Befell, Record, Table};

/// A transaction is in so many blocks at most, if nobody makes blocks invalid on purpose: the first
/// author may die, the second may have heard too late of the first.
const BLOCKS_MAX: usize = 3;
/// A block that says it was made so long before or after it was seen is by a clock that is wrong: half
/// of what the rules tolerate, in seconds.
const CLOCK_WRONG: u64 = 60;
/// So often it is put back into the backlog, beyond its posts, where what falls is put back. Under
/// `default` it stays there until it is decided, so nobody has anything to put back.
const PUT_BACK_MAX: u64 = 3;
/// Under `default` an author lets what has fallen rest so long at least before it tries again: half of
/// its shortest wait (`retry`).
const REST_US: u64 = 500_000;
/// Who is told so much later that a transaction was taken over, and taken back, takes it for a new one.
const TOLD_WITHIN_US: u64 = 10_000_000;

/// Counts blocks and insertions of each transaction.
#[derive(Default)]
pub(super) struct BoundedRetries {
    findings: Findings,
    blocks: BTreeMap<TxId, BTreeSet<BlockId>>,
    insertions: BTreeMap<TxId, Vec<u64>>,
    /// Of those, after a block that holds it was VALID.
    late: BTreeMap<TxId, u64>,
    /// When there was a block more than allowed, in the order of the log.
    too_many: Vec<(u64, TxId, BlockId)>,
    /// Whether a fault has put a clock wrong.
    clocks: bool,
    /// The block that each row of `votes` is about.
    voted: BTreeMap<Arc<str>, BlockId>,
    /// The last block of each author that holds a transaction.
    last: BTreeMap<(NodeKey, TxId), BlockId>,
    /// Until when an author may be told that a transaction's row in the backlog has changed, and when
    /// each node last started: an author knows of no block from before.
    moved: BTreeMap<TxId, u64>,
    started: BTreeMap<Arc<str>, u64>,
}

impl Checker for BoundedRetries {
    fn invariant(&self) -> &'static str {
        "L4"
    }

    fn statement(&self) -> &'static str {
        "A transaction is in at most 3 blocks (and one more for each that was made invalid on purpose, \
         or by a clock that a fault has put wrong); \
         it is put into the backlog once for each time that it was posted, once after it is VALID \
         (where what falls is put back: 3 times more); and (under default) its author lets it rest \
         after a block with it has fallen."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let Moment { observed, news, reference } = *moment;
        if let Record::Fault(fault) = &observed.record {
            self.clocks |= fault.kind.starts_with("clock");
        }
        if let Record::Node(event) = &observed.record
            && event.event == Befell::Started
        {
            self.started.insert(Arc::clone(&event.node), observed.at_us);
        }
        if let Record::Change(change) = &observed.record {
            if let (Table::Backlog, Some(id)) = (change.table, change.id()) {
                let is_taken_over = change.old.is_some() && change.new.is_some();
                let told_us = if is_taken_over { TOLD_WITHIN_US } else { 0 };
                self.moved.insert(TxId::from(&*id), observed.at_us + told_us);
            }
            match (change.table, &change.old, change.id()) {
                (Table::Backlog, None, Some(id)) => {
                    self.inserted(observed.at_us, TxId::from(&*id), reference);
                }
                (Table::Votes, _, Some(key)) if reference.has_acts() => {
                    if let Some(vote) = reference.ballot().good_vote(&key) {
                        self.voted.insert(key, vote.block.clone());
                    }
                }
                _ => {}
            }
        }
        for news in news {
            let News::Block(id) = news else { continue };
            let Some(block) = reference.block(id) else { continue };
            if reference.is_byzantine(&block.document.author) {
                continue;
            }
            for transaction in &block.document.transactions {
                let blocks = self.blocks.entry(transaction.id.clone()).or_default();
                if blocks.insert(id.clone()) && blocks.len() > BLOCKS_MAX {
                    let one = (observed.at_us, transaction.id.clone(), id.clone());
                    self.too_many.push(one);
                }
                self.rests(&transaction.id, id, block, reference);
            }
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        let mut spoiled = self.spoiled(reference);
        spoiled.extend(self.mistimed(reference));
        self.blocks.iter().for_each(|_| self.findings.looked());
        for (at_us, transaction, last) in std::mem::take(&mut self.too_many) {
            let blocks = &self.blocks[&transaction];
            let allowed = BLOCKS_MAX + blocks.iter().filter(|id| spoiled.contains(*id)).count();
            if blocks.len() > allowed {
                let what =
                    format!("{transaction} is in {} blocks, allowed are {allowed}", blocks.len());
                self.findings.violated(at_us, what, Some(&transaction), &[&last]);
            }
        }
        for (transaction, times) in &self.insertions {
            let acts = reference.acts_on(Table::Backlog, &transaction.as_str().into()).len() as u64;
            let posts = reference.surroundings().posts(transaction);
            let allowed = acts
                + match reference.rules() {
                    // Who has lost the answer to a CREATE does not know its id.
                    Rules::Default => posts.max(1),
                    Rules::Original | Rules::Mixed => posts + PUT_BACK_MAX,
                };
            if times.len() as u64 > allowed {
                let at_us = times[usize::try_from(allowed).expect("an index into a list")];
                let what = format!(
                    "{transaction} was posted {posts} times, and put into the backlog {} times",
                    times.len()
                );
                self.findings.violated(at_us, what, Some(transaction), &[]);
            }
        }
        std::mem::take(&mut self.findings)
    }
}

impl BoundedRetries {
    fn inserted(&mut self, at_us: u64, id: TxId, reference: &Reference) {
        if !reference.blocks_of(&id, Election::Valid).is_empty() {
            let late = self.late.entry(id.clone()).or_default();
            *late += 1;
            let acts = reference.acts_on(Table::Backlog, &id.as_str().into()).len() as u64;
            // Once is a node that had not heard of the decision; each POST may meet one.
            if *late > 1 + acts {
                let what =
                    format!("{id} is VALID, and was put into the backlog again {late} times");
                self.findings.violated(at_us, what, Some(&id), &[]);
            }
        }
        self.insertions.entry(id).or_default().push(at_us);
    }

    /// Holds an author's block against its last one with the same transaction: if that has fallen, the
    /// author has waited. Not if it may have forgotten, or somebody else had the transaction meanwhile.
    fn rests(
        &mut self,
        transaction: &TxId,
        id: &BlockId,
        block: &BlockSeen,
        reference: &Reference,
    ) {
        if reference.rules() != Rules::Default || !reference.surroundings().is_exact() {
            return;
        }
        let author = &block.document.author;
        let last = self.last.insert((author.clone(), transaction.clone()), id.clone());
        let Some(last) = last.filter(|last| last != id) else { return };
        let Some(fallen) = reference.block(&last) else { return };
        let moved_us = self.moved.get(transaction).copied().unwrap_or(0);
        let started_us = self.started.get(reference.name(author)).copied().unwrap_or(0);
        if fallen.election != Election::Invalid || moved_us.max(started_us) > fallen.seen_at_us {
            return;
        }
        let rested_us = block.seen_at_us.saturating_sub(fallen.elected_at_us);
        if rested_us < REST_US {
            let what = format!(
                "{transaction} is in a block of {} again {} ms after the last one fell",
                reference.name(author),
                rested_us / 1_000
            );
            self.findings.violated(block.seen_at_us, what, Some(transaction), &[&last, id]);
        }
    }

    /// Invalid blocks that a clock which a fault has put wrong has made so: those that it stamped, and
    /// those that come after one in the list, as they seem to be made long before.
    fn mistimed(&self, reference: &Reference) -> BTreeSet<BlockId> {
        let is_wrong = |id: &BlockId| {
            let Some(block) = reference.block(id) else { return false };
            let seen = reference.unix_s(block.seen_at_us);
            block.document.timestamp().is_some_and(|says| says.abs_diff(seen) > CLOCK_WRONG)
        };
        if !self.clocks {
            return BTreeSet::new();
        }
        let list: Vec<&BlockId> = reference.positions().values().collect();
        let after = list.windows(2).filter(|pair| is_wrong(pair[0])).map(|pair| pair[1]);
        let stamped = reference.blocks().map(|(id, _)| id).filter(|id| is_wrong(id));
        let invalid = |id: &&BlockId| {
            reference.block(id).is_some_and(|block| block.election == Election::Invalid)
        };
        after.chain(stamped).filter(invalid).cloned().collect()
    }

    /// Invalid blocks that a Byzantine act was about.
    fn spoiled(&self, reference: &Reference) -> BTreeSet<BlockId> {
        let invalid = reference.blocks().filter(|(_, block)| block.election == Election::Invalid);
        let on_votes =
            self.voted.iter().filter(|(key, _)| !reference.acts_on(Table::Votes, key).is_empty());
        let mut touched: BTreeSet<&BlockId> = on_votes.map(|(_, block)| block).collect();
        invalid
            .filter(|(id, _)| {
                !reference.acts_on(Table::Bigchain, &id.as_str().into()).is_empty()
                    || touched.remove(id)
            })
            .map(|(id, _)| id.clone())
            .collect()
    }
}
