//! What has to hold in every state of an exploration, and at its ends.
//!
//! Counted from the tables alone, by the checkers' own arithmetic ([`Ballot`]), not by the nodes'. Each
//! set of tables is judged once. Here: S1, S2, S5, S6 in any state, S8 between two, L1, L2 and S11 where
//! nothing more can happen. Not here: what nodes say of decisions (`world` compares it with this).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{
    Block, BlockId, NodeKey, Output, Profile, SignatureCheck, Transaction, TxId,
};
use bigchaindb_core::rules::Election;

use super::tables::Tables;
use crate::checkers::reference::{Ballot, GoodVote};
use crate::observe::election_word;

/// A law is broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which: `S1`, `S2`, …
    pub invariant: &'static str,
    /// What is so and should not be.
    pub what: String,
}

/// What tables come to.
#[derive(Debug)]
pub(super) struct Judged {
    /// How each block is decided.
    pub(super) elections: BTreeMap<BlockId, Election>,
    /// The first law that is broken.
    pub(super) violation: Option<Violation>,
    /// Who spends an output, in VALID blocks.
    spent: BTreeMap<Output, TxId>,
    /// What is in VALID blocks.
    valid: BTreeSet<TxId>,
}

fn broken(invariant: &'static str, what: String) -> Violation {
    Violation { invariant, what }
}

impl Judged {
    /// Judges tables.
    pub(super) fn of(
        tables: &Tables,
        members: &BTreeSet<NodeKey>,
        signatures: &dyn SignatureCheck,
    ) -> Self {
        let mut judged = Self {
            elections: elections(tables, members, signatures),
            violation: one_vote(tables).or_else(|| vote_path(tables)),
            spent: BTreeMap::new(),
            valid: BTreeSet::new(),
        };
        for (id, block) in &tables.bigchain {
            if judged.elections[id] == Election::Valid {
                for transaction in block.transactions() {
                    judged.add(transaction);
                }
            }
        }
        judged
    }

    fn add(&mut self, transaction: &Transaction) {
        let id = transaction.id();
        if !self.valid.insert(id.clone()) {
            let what = format!("{id} is in two VALID blocks");
            self.violation.get_or_insert(broken("S2", what));
        }
        for input in transaction.inputs() {
            let earlier = self.spent.insert(input.clone(), id.clone());
            if let Some(other) = earlier.filter(|other| other != id) {
                let output = format!("output {} of {}", input.cid, input.txid);
                let what = format!("{output} is spent by {other} and by {id}, both VALID");
                self.violation.get_or_insert(broken("S1", what));
            }
        }
    }

    /// S8: what was decided before is decided alike.
    pub(super) fn changes(&self, earlier: &Self) -> Option<Violation> {
        earlier.elections.iter().find_map(|(block, &was)| {
            let is = self.elections.get(block).copied().unwrap_or(Election::Undecided);
            let (before, now) = (election_word(was), election_word(is));
            (was != Election::Undecided && was != is)
                .then(|| broken("S8", format!("block {block} was {before} and is {now}")))
        })
    }

    /// What was acknowledged and is nowhere in the tables: only a node's memory can still bring it back.
    pub(super) fn gone(
        &self,
        tables: &Tables,
        accepted: &BTreeMap<usize, Arc<Transaction>>,
    ) -> Option<Violation> {
        let stands = |id: &TxId| {
            let open = self.elections.iter().filter(|(_, is)| **is != Election::Invalid);
            let mut blocks = open.map(|(block, _)| &tables.bigchain[block]);
            blocks.any(|block| block.transactions().iter().any(|part| part.id() == id))
        };
        let gone = accepted.values().find(|transaction| {
            let id = transaction.id();
            !self.is_over(transaction) && !tables.backlog.contains_key(id) && !stands(id)
        })?;
        let what = format!("{} was acknowledged, and is nowhere any more", gone.id());
        Some(broken("S11", what))
    }

    /// Whether a transaction is in a VALID block, or has lost to one that is.
    fn is_over(&self, transaction: &Transaction) -> bool {
        let lost = transaction.inputs().iter().any(|input| self.spent.contains_key(input));
        lost || self.valid.contains(transaction.id())
    }

    /// What is still to be done, if anything: an end of the exploration has nothing.
    pub(super) fn unfinished(
        &self,
        tables: &Tables,
        accepted: &BTreeMap<usize, Arc<Transaction>>,
    ) -> Option<Violation> {
        if let Some(open) = accepted.values().find(|transaction| !self.is_over(transaction)) {
            let what = format!("{} was acknowledged, and nothing becomes of it", open.id());
            return Some(broken("L1", what));
        }
        if let Some(id) = tables.backlog.keys().next() {
            return Some(broken(
                "L1",
                format!("{id} is decided and waits in the backlog all the same"),
            ));
        }
        let open = self.elections.iter().find(|(_, is)| **is == Election::Undecided);
        open.map(|(block, _)| broken("L2", format!("block {block} is undecided")))
    }
}

fn elections(
    tables: &Tables,
    members: &BTreeSet<NodeKey>,
    signatures: &dyn SignatureCheck,
) -> BTreeMap<BlockId, Election> {
    let mut ballot = Ballot::default();
    for row in tables.votes.values() {
        let vote = &row.vote;
        let good = GoodVote {
            key: row.key.clone(),
            voter: vote.voter().clone(),
            block: vote.block().clone(),
            previous: vote.previous().clone(),
            valid: vote.is_valid_vote(),
            timestamp: vote.timestamp().and_then(|seconds| seconds.parse().ok()),
        };
        let signed = vote.is_signed(Profile::Default, signatures);
        ballot.put(row.key.clone(), Some(good), signed);
    }
    let mut elected = |(id, block): (&BlockId, &Arc<Block>)| {
        let election = if block.is_genesis() { Election::Valid } else { ballot.count(id, members) };
        (id.clone(), election)
    };
    tables.bigchain.iter().map(&mut elected).collect()
}

/// S5: one vote of a node on a block, under whatever key.
fn one_vote(tables: &Tables) -> Option<Violation> {
    let mut seen = BTreeSet::new();
    let votes = tables.votes.values().map(|row| &row.vote);
    let mut again = votes.filter(|vote| !seen.insert((vote.block(), vote.voter())));
    let vote = again.next()?;
    Some(broken("S5", format!("{} has two votes on block {}", vote.voter(), vote.block())))
}

/// S6: a vote names the block before its own in the list.
fn vote_path(tables: &Tables) -> Option<Violation> {
    let (mut before, mut last) = (BTreeMap::new(), None);
    for entry in tables.positions.values() {
        before.entry(&entry.block).or_insert_with(|| last.replace(&entry.block));
    }
    tables.votes.values().find_map(|row| {
        let (voter, block, named) = (row.vote.voter(), row.vote.block(), row.vote.previous());
        let what = match before.get(block) {
            None => format!("{voter} voted on block {block}, which is not in the list"),
            Some(Some(previous)) if *previous == named => return None,
            Some(_) => format!("{voter} names {named} before block {block}, the list does not"),
        };
        Some(broken("S6", what))
    })
}
