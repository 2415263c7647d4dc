//! The ledger: what this node knows of the order of blocks and of their elections.
//!
//! The list is the federation's one order of blocks (table `positions`): it only ever grows, and no
//! place in it changes. A decision never changes either. So everything in here, once known, is
//! known for good; the ledger is rebuilt from the database at every start and never stored. The
//! `order` stage learns the list, the `election` stage the decisions, every stage reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Block, BlockId, Position};
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

/// What an entry of the list brought to light.
#[derive(Default, Debug)]
pub(super) struct Learned {
    /// Blocks that found their place, in order.
    pub(super) listed: Vec<BlockId>,
    /// Genesis, if the chain was found to begin here.
    pub(super) genesis: Option<Arc<Block>>,
}

/// What this node knows of the order of blocks and of their elections.
#[derive(Clone, Default, Debug)]
pub(super) struct Ledger {
    /// The list without repeats is read off this one: `None` where a block stands a second time, and
    /// in front of genesis.
    list: Vec<Option<BlockId>>,
    /// Entries heard of before those that come before them; with genesis, where one brings it.
    ahead: BTreeMap<Position, (BlockId, Option<Arc<Block>>)>,
    /// Where the chain begins.
    genesis: Option<Position>,
    blocks: BTreeMap<BlockId, Known>,
    /// Listed and not decided, in order.
    undecided: BTreeSet<Position>,
    /// Of this node's votes, the time and block of the one with the greatest time.
    last_vote: Option<(String, BlockId)>,
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

    /// Is it known where the chain begins?
    pub(super) fn has_genesis(&self) -> bool {
        self.genesis.is_some()
    }

    /// Takes in an entry of the list, with the block it brings if that is a genesis block that this
    /// federation can begin with. The first such entry begins the chain; what stands before it is
    /// nobody's block.
    pub(super) fn learn(
        &mut self,
        position: Position,
        block: BlockId,
        genesis: Option<Arc<Block>>,
    ) -> Learned {
        if position >= self.end() {
            self.ahead.insert(position, (block, genesis));
        }
        let mut learned = Learned::default();
        while let Some((block, genesis)) = self.ahead.remove(&self.end()) {
            let position = self.end();
            let begins = self.genesis.is_none() && genesis.is_some();
            if begins {
                self.genesis = Some(position);
                learned.genesis = genesis;
            }
            let begun = self.genesis.is_some();
            let known = self.known(&block);
            if !begun || known.position.is_some() {
                self.list.push(None);
                continue;
            }
            known.position = Some(position);
            if begins {
                // Genesis counts as valid; nobody votes on it.
                known.election = Election::Valid;
            }
            if known.election == Election::Undecided {
                self.undecided.insert(position);
            }
            self.list.push(Some(block.clone()));
            learned.listed.push(block);
        }
        learned
    }

    /// The block at a place; `None` beyond the end, in front of genesis, and where a block stands a
    /// second time.
    pub(super) fn at(&self, position: Position) -> Option<&BlockId> {
        self.list.get(usize::try_from(position.0).ok()?)?.as_ref()
    }

    /// The block before a place, repeats left out.
    pub(super) fn before(&self, position: Position) -> Option<&BlockId> {
        let end = usize::try_from(position.0).ok()?.min(self.list.len());
        self.list[..end].iter().rev().find_map(Option::as_ref)
    }

    /// The last block before a place that is decided valid.
    pub(super) fn valid_before(&self, position: Position) -> Option<&BlockId> {
        let end = usize::try_from(position.0).ok()?.min(self.list.len());
        let mut earlier = self.list[..end].iter().rev().flatten();
        earlier.find(|block| self.election(block) == Election::Valid)
    }

    /// Is this what was read at the entry's place? What stands there without being anybody's block
    /// (a block's second place, what is in front of genesis) is not remembered, but was read.
    pub(super) fn holds(&self, entry: &ListEntry) -> bool {
        entry.position < self.end()
            && self.at(entry.position).is_none_or(|block| *block == entry.block)
    }

    /// Is this the block that the chain begins with?
    pub(super) fn is_genesis(&self, block: &BlockId) -> bool {
        self.genesis.is_some_and(|position| self.at(position) == Some(block))
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

    /// Takes in a decision that may take back an earlier one (quirk `decisions-flip`); true if it is
    /// news.
    pub(super) fn decide_again(&mut self, block: &BlockId, election: Election) -> bool {
        let known = self.known(block);
        let news = election != Election::Undecided && known.election != election;
        if news {
            known.election = Election::Undecided;
        }
        news && self.decide(block, election)
    }

    /// Has this node's vote on a block been read back?
    pub(super) fn voted(&self, block: &BlockId) -> bool {
        self.blocks.get(block).is_some_and(|known| known.voted)
    }

    /// Takes in that this node's vote on a block was read back; true if it is news.
    pub(super) fn note_vote(&mut self, block: &BlockId) -> bool {
        !std::mem::replace(&mut self.known(block).voted, true)
    }

    /// Takes in when this node voted on a block, as its vote says it: seconds in a text.
    pub(super) fn note_vote_time(&mut self, block: &BlockId, timestamp: &str) {
        let last = (timestamp.to_owned(), block.clone());
        if self.last_vote.as_ref().is_none_or(|known| *known < last) {
            self.last_vote = Some(last);
        }
    }

    /// The block of this node's vote with the greatest timestamp, compared as texts (quirk
    /// `last-vote-by-clock`).
    pub(super) fn last_voted_by_clock(&self) -> Option<BlockId> {
        self.last_vote.as_ref().map(|(_, block)| block.clone())
    }

    /// Blocks that are listed and not decided, in order.
    pub(super) fn undecided(&self) -> impl Iterator<Item = (Position, &BlockId)> {
        self.undecided.iter().filter_map(|&position| Some((position, self.at(position)?)))
    }

    /// The first place that is voted on: the one after genesis.
    pub(super) fn first(&self) -> Position {
        self.genesis.unwrap_or_default().next()
    }

    /// Every listed block after genesis, in order.
    pub(super) fn listed(&self) -> impl Iterator<Item = &BlockId> {
        let from = usize::try_from(self.first().0).unwrap_or(usize::MAX).min(self.list.len());
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
    use crate::model::Keypair;

    /// A ledger that knows where the chain begins.
    fn begun() -> Ledger {
        let mut ledger = Ledger::default();
        assert_eq!(learn(&mut ledger, 0, "g", true).listed, ["g".into()]);
        ledger
    }

    fn learn(ledger: &mut Ledger, position: u64, block: &str, begins: bool) -> Learned {
        let keypair = Keypair::from_seed([1; 32]);
        let voters = [keypair.public().clone()];
        let genesis = || Block::genesis(&keypair, &voters, 0, "uuid").unwrap();
        ledger.learn(Position(position), block.into(), begins.then(|| Arc::new(genesis())))
    }

    #[test]
    fn entries_find_their_place_in_any_order() {
        let mut ledger = Ledger::default();
        assert!(learn(&mut ledger, 2, "c", false).listed.is_empty());
        assert!(ledger.has_gap());
        assert_eq!(learn(&mut ledger, 0, "g", true).listed, ["g".into()]);
        assert_eq!(learn(&mut ledger, 1, "b", false).listed, ["b".into(), "c".into()]);
        assert!(!ledger.has_gap());
        assert_eq!(ledger.end(), Position(3));
    }

    #[test]
    fn a_repeated_block_counts_once() {
        let mut ledger = begun();
        for (position, block) in [(1, "b"), (2, "b"), (3, "c")] {
            learn(&mut ledger, position, block, false);
        }
        assert_eq!(ledger.position(&"b".into()), Some(Position(1)));
        assert_eq!(ledger.at(Position(2)), None);
        assert_eq!(ledger.before(Position(3)), Some(&"b".into()));
        assert_eq!(ledger.listed().count(), 2);
    }

    #[test]
    fn the_chain_begins_where_the_first_genesis_stands() {
        let mut ledger = Ledger::default();
        let learned = learn(&mut ledger, 0, "forged", false);
        assert!(learned.listed.is_empty() && !ledger.has_genesis());
        assert!(learn(&mut ledger, 2, "b", false).genesis.is_none());
        let learned = learn(&mut ledger, 1, "g", true);
        assert!(learned.genesis.is_some());
        assert_eq!(learned.listed, ["g".into(), "b".into()]);
        assert!(learn(&mut ledger, 3, "second", true).genesis.is_none());
        assert_eq!(ledger.election(&"g".into()), Election::Valid);
        assert_eq!(ledger.election(&"second".into()), Election::Undecided);
        assert_eq!(ledger.first(), Position(2));
        assert_eq!(ledger.before(Position(2)), Some(&"g".into()));
        assert_eq!(ledger.listed().collect::<Vec<_>>(), [&"b".into(), &"second".into()]);
    }

    #[test]
    fn a_decision_never_changes() {
        let mut ledger = begun();
        learn(&mut ledger, 1, "b", false);
        assert_eq!(ledger.election(&"g".into()), Election::Valid);
        assert_eq!(ledger.undecided().count(), 1);
        assert!(ledger.decide(&"b".into(), Election::Invalid));
        assert!(!ledger.decide(&"b".into(), Election::Valid));
        assert_eq!(ledger.election(&"b".into()), Election::Invalid);
        assert_eq!(ledger.undecided().count(), 0);
    }
}
