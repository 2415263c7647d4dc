//! Adding votes up, by two sets of rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, NodeKey, keccak256_hex};
use bigchaindb_core::rules::Election;

use super::GoodVote;

/// All rows of `votes`.
#[derive(Clone, Debug, Default)]
pub struct Ballot {
    rows: BTreeMap<Arc<str>, Row>,
    /// The rows on each block, by key.
    of_block: BTreeMap<BlockId, BTreeSet<Arc<str>>>,
    /// Keys that are free and at which a count stopped: whatever appears there changes the count.
    awaited: BTreeMap<Arc<str>, BlockId>,
    /// The first key of each member's vote on a block, as long as votes are missing: it takes a hash.
    first_keys: BTreeMap<BlockId, BTreeMap<NodeKey, Arc<str>>>,
}

/// A row of `votes`.
#[derive(Clone, Debug)]
struct Row {
    /// What it says; none if it is no vote.
    vote: Option<GoodVote>,
    /// Whether the voter has signed it.
    signed: bool,
}

impl Row {
    fn good(&self) -> Option<&GoodVote> {
        self.vote.as_ref().filter(|_| self.signed)
    }
}

impl Ballot {
    /// Whether a row has this key.
    pub fn has(&self, key: &str) -> bool {
        self.rows.contains_key(key)
    }

    /// The keys of all rows.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rows.keys()
    }

    /// Takes a row in, in place of what stood under its key. Answers the blocks to be counted again.
    pub fn put(
        &mut self,
        key: Arc<str>,
        vote: Option<GoodVote>,
        signed: bool,
    ) -> BTreeSet<BlockId> {
        let mut touched = self.remove(&key);
        touched.extend(self.awaited.remove(&key));
        if let Some(vote) = &vote {
            self.of_block.entry(vote.block.clone()).or_default().insert(Arc::clone(&key));
            touched.insert(vote.block.clone());
        }
        self.rows.insert(key, Row { vote, signed });
        touched
    }

    /// Takes a row out. Answers the blocks to be counted again.
    pub fn remove(&mut self, key: &Arc<str>) -> BTreeSet<BlockId> {
        let block = self.rows.remove(key).and_then(|row| row.vote).map(|vote| vote.block);
        if let Some(keys) = block.as_ref().and_then(|block| self.of_block.get_mut(block)) {
            keys.remove(key);
        }
        block.into_iter().collect()
    }

    /// How a block is decided, profile `default`.
    ///
    /// Each member has one vote: the row under the key of (block, voter, 0), or, where something
    /// else stands there, of (block, voter, 1), and so on. Valid once more than half say so and name
    /// one previous block; invalid once the votes still missing cannot make it so.
    pub fn count(&mut self, block: &BlockId, federation: &BTreeSet<NodeKey>) -> Election {
        let mut for_previous: BTreeMap<&BlockId, usize> = BTreeMap::new();
        let mut free = Vec::new();
        let first_keys = self.first_keys.entry(block.clone()).or_default();
        for voter in federation {
            let first = first_keys.entry(voter.clone()).or_insert_with(|| key(block, voter, 0));
            match vote_from(&self.rows, block, voter, first.clone()) {
                Ok(vote) if vote.valid => *for_previous.entry(&vote.previous).or_default() += 1,
                Ok(_) => {}
                Err(key) => free.push(key),
            }
        }
        let missing = free.len();
        let most = for_previous.into_values().max().unwrap_or(0);
        if missing == 0 {
            self.first_keys.remove(block);
        }
        for key in free {
            self.awaited.entry(key).or_insert_with(|| block.clone());
        }
        if 2 * most > federation.len() {
            Election::Valid
        } else if 2 * (most + missing) <= federation.len() {
            Election::Invalid
        } else {
            Election::Undecided
        }
    }

    /// A member's one vote on a block, profile `default`.
    ///
    /// # Errors
    /// There is none; the key at which it is missing.
    pub fn vote_of(&self, block: &BlockId, voter: &NodeKey) -> Result<&GoodVote, Arc<str>> {
        vote_from(&self.rows, block, voter, key(block, voter, 0))
    }

    /// The keys of all rows on a block.
    pub fn keys_on(&self, block: &BlockId) -> impl Iterator<Item = &Arc<str>> {
        self.of_block.get(block).into_iter().flatten()
    }

    /// How a block is decided, profile `mixed`.
    ///
    /// Rows are weighed as under `v0.6.0`, but the block is invalid only once the votes still missing
    /// cannot make it valid any more.
    pub fn count_for_ever(&self, block: &BlockId, voters: &[NodeKey]) -> Election {
        let Some((most, rows)) = self.weigh(block, voters) else { return Election::Undecided };
        let missing = voters.len() - rows;
        if 2 * most > voters.len() {
            Election::Valid
        } else if 2 * (most + missing) <= voters.len() {
            Election::Invalid
        } else {
            Election::Undecided
        }
    }

    /// The most good votes that say valid and name one previous block, and how many rows there are;
    /// none where the original refuses to count.
    fn weigh(&self, block: &BlockId, voters: &[NodeKey]) -> Option<(usize, usize)> {
        let rows = self.rows_on(block, voters)?;
        let good = rows.iter().filter_map(|row| row.good());
        let yes = good.filter(|vote| vote.valid && voters.contains(&vote.voter));
        let mut for_previous: BTreeMap<&BlockId, usize> = BTreeMap::new();
        yes.for_each(|vote| *for_previous.entry(&vote.previous).or_default() += 1);
        Some((for_previous.into_values().max().unwrap_or(0), rows.len()))
    }

    /// The rows on a block; none if a key voted twice or there are more rows than voters, where the
    /// original raises an error.
    fn rows_on(&self, block: &BlockId, voters: &[NodeKey]) -> Option<Vec<&Row>> {
        let keys = self.of_block.get(block).into_iter().flatten();
        let rows: Vec<_> = keys.map(|key| &self.rows[key]).collect();
        let mut authors: Vec<_> = rows.iter().flat_map(|row| &row.vote).map(|v| &v.voter).collect();
        authors.sort();
        let twice = authors.windows(2).any(|pair| pair[0] == pair[1]);
        (!twice && rows.len() <= voters.len()).then_some(rows)
    }

    /// How many rows on a block are no good votes of its voters: badly signed, or by strangers.
    pub fn bad_rows(&self, block: &BlockId, voters: &[NodeKey]) -> usize {
        let keys = self.of_block.get(block).into_iter().flatten();
        let is_good = |row: &Row| row.good().is_some_and(|vote| voters.contains(&vote.voter));
        keys.filter(|key| !is_good(&self.rows[*key])).count()
    }

    /// How a block is decided if only good votes of its voters count, profiles `v0.6.0` and `mixed`.
    pub fn count_good(&self, block: &BlockId, voters: &[NodeKey]) -> Election {
        let mut voted: BTreeSet<&NodeKey> = BTreeSet::new();
        let mut for_previous: BTreeMap<&BlockId, usize> = BTreeMap::new();
        for vote in self.good_votes(block).filter(|vote| voters.contains(&vote.voter)) {
            if voted.insert(&vote.voter) && vote.valid {
                *for_previous.entry(&vote.previous).or_default() += 1;
            }
        }
        let yes: usize = for_previous.values().sum();
        let most = for_previous.into_values().max().unwrap_or(0);
        if voted.len() - yes >= voters.len().div_ceil(2) {
            Election::Invalid
        } else if 2 * yes <= voters.len() {
            Election::Undecided
        } else if 2 * most > voters.len() {
            Election::Valid
        } else {
            Election::Invalid
        }
    }

    /// The good votes on a block.
    pub fn good_votes(&self, block: &BlockId) -> impl Iterator<Item = &GoodVote> {
        let keys = self.of_block.get(block).into_iter().flatten();
        keys.filter_map(|key| self.rows[key].good())
    }

    /// The row under a key, if it is a well-signed vote.
    pub fn good_vote(&self, key: &str) -> Option<&GoodVote> {
        self.rows.get(key)?.good()
    }

    /// How a block is decided, profile `v0.6.0`.
    ///
    /// Whatever is not a well-signed "valid" of a listed voter counts against it, ties are lost, and
    /// a majority that names several previous blocks is lost as well, for the moment. Where the
    /// original refuses to answer (a key voted twice, more votes than voters) nothing is decided.
    pub fn count_as_original(&self, block: &BlockId, voters: &[NodeKey]) -> Election {
        let Some(rows) = self.rows_on(block, voters) else { return Election::Undecided };
        let good = rows.iter().filter_map(|row| row.good());
        let yes: Vec<_> = good.filter(|vote| vote.valid && voters.contains(&vote.voter)).collect();
        let no = rows.len() - yes.len();
        if no >= voters.len().div_ceil(2) {
            return Election::Invalid;
        }
        if 2 * yes.len() <= voters.len() {
            return Election::Undecided;
        }
        let mut for_previous: BTreeMap<&BlockId, usize> = BTreeMap::new();
        for vote in yes {
            *for_previous.entry(&vote.previous).or_default() += 1;
        }
        let most = for_previous.into_values().max().unwrap_or(0);
        if 2 * most > voters.len() { Election::Valid } else { Election::Invalid }
    }
}

/// A voter's key number `i` for a block.
fn key(block: &BlockId, voter: &NodeKey, i: u32) -> Arc<str> {
    keccak256_hex(format!("{block}/{voter}/{i}").as_bytes()).into()
}

/// A member's one vote on a block, or the key at which it is missing; `first` is the first of its keys.
fn vote_from<'a>(
    rows: &'a BTreeMap<Arc<str>, Row>,
    block: &BlockId,
    voter: &NodeKey,
    first: Arc<str>,
) -> Result<&'a GoodVote, Arc<str>> {
    let mut at = first;
    for next in 1_u32.. {
        let Some(row) = rows.get(&at) else { return Err(at) };
        let vote = row.good().filter(|vote| vote.block == *block && vote.voter == *voter);
        if let Some(vote) = vote {
            return Ok(vote);
        }
        at = key(block, voter, next);
    }
    unreachable!("some key is free")
}
