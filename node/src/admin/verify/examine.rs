//! What can be said of a block and its votes without knowing the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{Block, Direct, NodeKey};
use bigchaindb_core::query::VoteRow;
use bigchaindb_core::rules::{Checked, ConsensusRules, Election, Federation, Order};
use rayon::prelude::*;

use super::super::Finding;
use super::super::chain::{Step, profile};
use super::PageOf;
use crate::store::rethinkdb::schema::VOTES;

/// A block that was looked at.
pub(super) struct Examined {
    pub(super) step: Step,
    /// None if it is not there.
    pub(super) block: Option<Arc<Block>>,
    /// Why it is no proper block.
    pub(super) malformed: Option<String>,
    /// What came of each of its transactions.
    pub(super) checked: Vec<Checked>,
    /// What all votes come to; or why they come to nothing.
    pub(super) election: Result<Election, String>,
    /// How many rows of votes there are.
    pub(super) votes: u64,
    /// The one vote of each member that counts.
    pub(super) counted: Vec<VoteRow>,
    /// What is wrong with votes.
    pub(super) findings: Vec<Finding>,
}

/// Looks at the blocks of a page. Takes all cores.
pub(super) fn examine(
    (steps, blocks, mut votes): PageOf,
    rules: &dyn ConsensusRules,
    federation: &Federation,
) -> Vec<Examined> {
    let work: Vec<_> = steps
        .into_iter()
        .map(|step| {
            let rows = votes.remove(&step.block).unwrap_or_default();
            (blocks.get(&step.block).cloned(), step, rows)
        })
        .collect();
    let look = |(block, step, rows): (Option<Arc<Block>>, Step, Vec<VoteRow>)| {
        let malformed = block.as_ref().and_then(|block| {
            let checked = if block.is_genesis() {
                rules.check_genesis(block, federation)
            } else {
                rules.check_block(block, federation)
            };
            checked.err().map(|reason| reason.to_string())
        });
        let transactions = block.iter().flat_map(|block| block.transactions());
        let transactions: Vec<_> = transactions.cloned().collect();
        let checked = transactions.par_iter().map(|one| rules.check(one)).collect();
        let tally = rules.tally(&step.block, federation, &rows);
        let election = tally.map(|tally| tally.election).map_err(|no| no.to_string());
        let (counted, findings) = look_at_votes(&step, &rows, rules, federation);
        let votes = rows.len() as u64;
        Examined { step, block, malformed, checked, election, votes, counted, findings }
    };
    work.into_par_iter().map(look).collect()
}

/// The votes that count, and what is wrong with the others.
fn look_at_votes(
    step: &Step,
    rows: &[VoteRow],
    rules: &dyn ConsensusRules,
    federation: &Federation,
) -> (Vec<VoteRow>, Vec<Finding>) {
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|row| &row.key);
    let all: Vec<VoteRow> = rows.iter().map(|row| (*row).clone()).collect();
    let counted: BTreeMap<&NodeKey, &VoteRow> = federation
        .voters()
        .iter()
        .filter_map(|voter| Some((voter, rules.vote_of(&step.block, voter, &all)?)))
        .collect();
    let wrong = |row: &VoteRow| {
        let voter = row.vote.voter();
        if !federation.contains(voter) {
            return Some(format!("its voter {voter} is no member"));
        }
        if !row.vote.is_signed(profile(rules), &Direct) {
            return Some(format!("it is not signed by {voter}"));
        }
        match counted.get(voter) {
            Some(vote) if vote.key == row.key => None,
            None if rules.order() == Order::List => {
                Some(format!("it does not stand under the key of {voter}'s vote on this block"))
            }
            _ => Some(format!("it is another vote of {voter} on this block")),
        }
    };
    let findings = rows.iter().filter_map(|row| {
        let what = format!("on block {}: {}", step.block, wrong(row)?);
        Some(Finding::new(VOTES, &*row.key, what).at(step.place))
    });
    let findings = findings.collect();
    (counted.into_values().cloned().collect(), findings)
}
