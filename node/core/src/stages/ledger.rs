//! The ledger: what this node knows of the order of blocks and of their elections.
//!
//! The list is the federation's one order of blocks (table `positions`): it only ever grows, and no
//! place in it changes. A decision never changes either. So everything in here, once known, is
//! known for good; the ledger is rebuilt from the database at every start and never stored. The
//! `order` stage learns the list, the `election` stage the decisions, every stage reads them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{BlockId, Position};
use crate::query::ListEntry;
use crate::rules::Election;

/// What is known of one block.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Its first place in the list. A block that is listed twice counts once, at its first place.
    position: Option<Position>,
    election: Election,
    /// This node's own vote on it was read back from the database.
    voted: bool,
}

/// What this node knows of the order of blocks and of their elections.
#[derive(Default, Debug)]
pub(super) struct Ledger {
    /// The list without repeats is read off this one: `None` where a block stands a second time.
    list: Vec<Option<BlockId>>,
    /// Entries heard of before those that come before them.
    ahead: BTreeMap<Position, BlockId>,
    blocks: BTreeMap<BlockId, Known>,
    /// Listed and not decided, in order.
    undecided: BTreeSet<Position>,
}

impl Ledger {
    /// The first place of which nothing is known.
    pub(super) fn end(&self) -> Position {
        Position(self.list.len() as u64)
    }

    /// Is something known beyond a gap? Then the list has to be read.
    pub(super) fn has_gap(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// Takes in an entry of the list; returns the blocks that thereby found their place, in order.
    pub(super) fn learn(&mut self, entry: &ListEntry) -> Vec<BlockId> {
        if entry.position >= self.end() {
            self.ahead.insert(entry.position, entry.block.clone());
        }
        let mut listed = Vec::new();
        while let Some(block) = self.ahead.remove(&self.end()) {
            let position = self.end();
            let known = self.known(&block);
            if known.position.is_some() {
                self.list.push(None);
                continue;
            }
            known.position = Some(position);
            if position == Position::GENESIS {
                // Genesis counts as valid; nobody votes on it.
                known.election = Election::Valid;
            }
            if known.election == Election::Undecided {
                self.undecided.insert(position);
            }
            self.list.push(Some(block.clone()));
            listed.push(block);
        }
        listed
    }

    /// The block at a place; `None` beyond the end, and where a block stands a second time.
    pub(super) fn at(&self, position: Position) -> Option<&BlockId> {
        self.list.get(usize::try_from(position.0).ok()?)?.as_ref()
    }

    /// The block before a place, repeats left out.
    pub(super) fn before(&self, position: Position) -> Option<&BlockId> {
        let end = usize::try_from(position.0).ok()?.min(self.list.len());
        self.list[..end].iter().rev().find_map(Option::as_ref)
    }

    /// Where a block stands.
    pub(super) fn position(&self, block: &BlockId) -> Option<Position> {
        self.blocks.get(block)?.position
    }

    /// How a block is decided, as far as this node knows.
    pub(super) fn election(&self, block: &BlockId) -> Election {
        self.blocks.get(block).map_or(Election::Undecided, |known| known.election)
    }

    /// Takes in a decision; true if it is news.
    pub(super) fn decide(&mut self, block: &BlockId, election: Election) -> bool {
        let known = self.known(block);
        if election == Election::Undecided || known.election != Election::Undecided {
            return false;
        }
        known.election = election;
        if let Some(position) = known.position {
            self.undecided.remove(&position);
        }
        true
    }

    /// Has this node's vote on a block been read back?
    pub(super) fn voted(&self, block: &BlockId) -> bool {
        self.blocks.get(block).is_some_and(|known| known.voted)
    }

    /// Takes in that this node's vote on a block was read back; true if it is news.
    pub(super) fn note_vote(&mut self, block: &BlockId) -> bool {
        !std::mem::replace(&mut self.known(block).voted, true)
    }

    /// Blocks that are listed and not decided, in order.
    pub(super) fn undecided(&self) -> impl Iterator<Item = (Position, &BlockId)> {
        self.undecided.iter().filter_map(|&position| Some((position, self.at(position)?)))
    }

    /// Every listed block from a place on, in order.
    pub(super) fn listed(&self, from: Position) -> impl Iterator<Item = &BlockId> {
        let from = usize::try_from(from.0).unwrap_or(usize::MAX).min(self.list.len());
        self.list[from..].iter().flatten()
    }

    fn known(&mut self, block: &BlockId) -> &mut Known {
        if !self.blocks.contains_key(block) {
            let known = Known { position: None, election: Election::Undecided, voted: false };
            self.blocks.insert(block.clone(), known);
        }
        self.blocks.get_mut(block).expect("it was inserted above if it was not there")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(position: u64, block: &str) -> ListEntry {
        ListEntry { position: Position(position), block: block.into(), genesis: None }
    }

    #[test]
    fn entries_find_their_place_in_any_order() {
        let mut ledger = Ledger::default();
        assert!(ledger.learn(&entry(2, "c")).is_empty());
        assert!(ledger.has_gap());
        assert_eq!(ledger.learn(&entry(0, "g")), ["g".into()]);
        assert_eq!(ledger.learn(&entry(1, "b")), ["b".into(), "c".into()]);
        assert!(!ledger.has_gap());
        assert_eq!(ledger.end(), Position(3));
    }

    #[test]
    fn a_repeated_block_counts_once() {
        let mut ledger = Ledger::default();
        for (position, block) in [(0, "g"), (1, "b"), (2, "b"), (3, "c")] {
            ledger.learn(&entry(position, block));
        }
        assert_eq!(ledger.position(&"b".into()), Some(Position(1)));
        assert_eq!(ledger.at(Position(2)), None);
        assert_eq!(ledger.before(Position(3)), Some(&"b".into()));
        assert_eq!(ledger.listed(Position(1)).count(), 2);
    }

    #[test]
    fn a_decision_never_changes() {
        let mut ledger = Ledger::default();
        ledger.learn(&entry(0, "g"));
        ledger.learn(&entry(1, "b"));
        assert_eq!(ledger.election(&"g".into()), Election::Valid);
        assert_eq!(ledger.undecided().count(), 1);
        assert!(ledger.decide(&"b".into(), Election::Invalid));
        assert!(!ledger.decide(&"b".into(), Election::Valid));
        assert_eq!(ledger.election(&"b".into()), Election::Invalid);
        assert_eq!(ledger.undecided().count(), 0);
    }
}
