//! S7: VALID blocks are in one order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json};
use bigchaindb_core::rules::Election;

use super::reference::{BlockSeen, Reference, Rules};
use super::{Checker, Findings, Moment};
use crate::observe::{Record, Table};

/// Looks what places are given to, and follows, at the end, what the majorities name as previous.
#[derive(Default)]
pub(super) struct OneOrder {
    /// Places given to blocks that were not there: when, and which.
    early: Vec<(u64, Arc<str>, BlockId)>,
}

impl Checker for OneOrder {
    fn invariant(&self) -> &'static str {
        "S7"
    }

    fn statement(&self) -> &'static str {
        "For every VALID block most voters name the same previous block, and no two VALID blocks come \
         after the same one: they are in one order, without forks and circles. Under default a block \
         is there before it gets its place."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let Moment { observed, reference, .. } = *moment;
        let Record::Change(change) = &observed.record else { return };
        let (Table::Positions, None, Some(row)) = (change.table, &change.old, &change.new) else {
            return;
        };
        // Genesis comes with its entry.
        if row.get("genesis").is_some_and(|genesis| !matches!(genesis, Json::Null))
            || reference.rules() != Rules::Default
            || !reference.surroundings().is_exact()
        {
            return;
        }
        if let (Some(place), Some(block)) = (change.id(), row.get("block").and_then(Json::as_str)) {
            let id = BlockId::from(block);
            if reference.block(&id).is_none_or(|block| !block.present) {
                self.early.push((observed.at_us, place, id));
            }
        }
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        let mut findings = Findings::default();
        for (at_us, place, id) in std::mem::take(&mut self.early) {
            // What a member claims on purpose, or writes and lists at once.
            let author = reference.block(&id).map(|block| &block.document.author);
            if reference.acts_on(Table::Positions, &place).is_empty()
                && reference.acts_on(Table::Bigchain, &id.as_str().into()).is_empty()
                && author.is_none_or(|author| !reference.is_byzantine(author))
            {
                let what = format!("block {id} was given place {place} before it was there");
                findings.violated(at_us, what, None, &[&id]);
            }
        }
        let previous: BTreeMap<&BlockId, &BlockId> = reference
            .blocks()
            .filter(|(id, block)| block.present && !reference.is_first(id))
            .filter_map(|(id, block)| {
                Some((id, majority(reference, id, voters(reference, block))?))
            })
            .collect();
        let mut followers: BTreeMap<&BlockId, &BlockId> = BTreeMap::new();
        let mut earlier_of: BTreeMap<&BlockId, &BlockId> = BTreeMap::new();
        for (id, block) in reference.blocks() {
            if block.election != Election::Valid || reference.is_first(id) {
                continue;
            }
            findings.looked();
            if !previous.contains_key(id) {
                let what =
                    format!("block {id} is VALID, and most voters name no one block before it");
                findings.violated(block.elected_at_us, what, None, &[id]);
                continue;
            }
            match before(reference, &previous, id) {
                Before::Valid(earlier) => {
                    earlier_of.insert(id, earlier);
                    if let Some(other) = followers.insert(earlier, id) {
                        let at_us = reference.block(other).map_or(0, |other| other.elected_at_us);
                        let what = format!("blocks {other} and {id} both come after {earlier}");
                        let at_us = block.elected_at_us.max(at_us);
                        findings.violated(at_us, what, None, &[other, id, earlier]);
                    }
                }
                // Voters who each have an order of their own agree on none for what is invalid.
                Before::Unknown => {}
            }
        }
        if let Some(id) = circle(&earlier_of) {
            let at_us = reference.block(id).map_or(0, |block| block.elected_at_us);
            findings.violated(at_us, format!("block {id} comes before itself"), None, &[id]);
        }
        findings
    }
}

/// What comes before a block.
enum Before<'a> {
    /// The nearest VALID block, or genesis.
    Valid(&'a BlockId),
    /// Nobody can tell.
    Unknown,
}

fn before<'a>(
    reference: &'a Reference,
    previous: &BTreeMap<&'a BlockId, &'a BlockId>,
    id: &'a BlockId,
) -> Before<'a> {
    let mut at = id;
    for _ in 0..=previous.len() {
        let Some(&earlier) = previous.get(at) else { return Before::Unknown };
        let block = reference.block(earlier);
        if block.is_some_and(|one| one.election == Election::Valid || reference.is_first(earlier)) {
            return Before::Valid(earlier);
        }
        at = earlier;
    }
    // Blocks that are not VALID go round in a circle.
    Before::Unknown
}

/// A VALID block that comes before itself, if one does.
fn circle<'a>(earlier_of: &BTreeMap<&'a BlockId, &'a BlockId>) -> Option<&'a BlockId> {
    let mut grounded: BTreeSet<&BlockId> = BTreeSet::new();
    for &id in earlier_of.keys() {
        let (mut at, mut way) = (id, BTreeSet::new());
        while !grounded.contains(at) {
            if !way.insert(at) {
                return Some(at);
            }
            let Some(&earlier) = earlier_of.get(at) else { break };
            at = earlier;
        }
        grounded.extend(way);
    }
    None
}

/// How many voters a block has, whatever it says itself under `default`.
fn voters(reference: &Reference, block: &BlockSeen) -> usize {
    match reference.rules() {
        Rules::Default => reference.federation().len(),
        Rules::Original | Rules::Mixed => block.document.voters.len(),
    }
}

/// The block that more than half of the voters name as previous, whatever they say of the block.
fn majority<'a>(reference: &'a Reference, id: &BlockId, voters: usize) -> Option<&'a BlockId> {
    let mut counts: BTreeMap<&BlockId, usize> = BTreeMap::new();
    let ballot = reference.ballot();
    let votes: Vec<_> = match reference.rules() {
        // Whoever votes twice has one vote.
        Rules::Default => {
            let federation = reference.federation().iter();
            federation.filter_map(|voter| ballot.vote_of(id, voter).ok()).collect()
        }
        Rules::Original | Rules::Mixed => ballot.good_votes(id).collect(),
    };
    for vote in votes {
        *counts.entry(&vote.previous).or_default() += 1;
    }
    counts.into_iter().find(|(_, count)| 2 * count > voters).map(|(previous, _)| previous)
}
