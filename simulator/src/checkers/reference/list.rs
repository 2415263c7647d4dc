//! The list of blocks: which entries count, and with which genesis the chain begins.

use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json};

use super::{BlockDocument, News, Reference, Rules, documents};
use crate::observe::Table;

impl Reference {
    pub(super) fn put_position(&mut self, row: &Json) {
        let Some(position) = row.get("id").and_then(documents::read_position) else { return };
        // What names no block stands for one that nobody has.
        let block = BlockId::from(row.get("block").and_then(Json::as_str).unwrap_or(""));
        if self.positions.insert(position, block.clone()).is_none() {
            self.news.push(News::Listed { position });
        }
        if self.rules == Rules::Default {
            if self.brings_genesis(row, &block) {
                self.beginnings.insert(position, block.clone());
            }
            let by_act = self.acts_on(Table::Positions, &position.to_string().into());
            if by_act.is_empty() && self.is_counted(position) {
                self.note_listed(&block);
            }
            self.walk();
        } else {
            self.note_listed(&block);
        }
        self.elect_geneses();
    }

    /// Follows the list as far as it is known without a gap.
    fn walk(&mut self) {
        while let Some(block) = self.positions.get(&self.walked).cloned() {
            if self.begins.is_none() && self.beginnings.contains_key(&self.walked) {
                self.begins = Some((self.walked, block.clone()));
            }
            if self.begins.is_some() {
                self.note_listed(&block);
            }
            self.walked += 1;
        }
    }

    /// Whether an entry brings a genesis block that this federation can begin with.
    fn brings_genesis(&self, row: &Json, named: &BlockId) -> bool {
        let brought = row.get("genesis").map(|genesis| Arc::new(genesis.clone()));
        let brought = brought.and_then(|genesis| BlockDocument::read(&genesis));
        brought.is_some_and(|block| {
            block.id == *named && block.can_begin(&self.federation, &*self.signatures)
        })
    }

    /// Whether what stands at this place counts: under `default` the list begins with a genesis.
    pub fn is_counted(&self, position: u64) -> bool {
        let begins = self.begins.as_ref();
        self.rules != Rules::Default || begins.is_some_and(|(first, _)| position >= *first)
    }

    /// From now on the block has a place.
    fn note_listed(&mut self, id: &BlockId) {
        self.listed.entry(id.clone()).or_insert(self.now_us);
        if let Some(seen) = self.blocks.get_mut(id) {
            seen.listed_at_us.get_or_insert(self.now_us);
        }
    }

    /// Whether the chain begins with this block. Under `default` the first entry of the list that brings a
    /// genesis of this federation says so. Elsewhere it is the first genesis of the list, or, as long as
    /// none is listed, the first that was seen.
    pub fn begins_with(&self, id: &BlockId) -> bool {
        if self.rules == Rules::Default {
            return self.beginning() == Some(id);
        }
        if !self.geneses.contains(id) {
            return false;
        }
        let listed = self.positions.values().find(|block| self.geneses.contains(block));
        listed.or(self.geneses.first()) == Some(id)
    }

    /// The block that the list begins with, as far as that is known (profile `default`).
    pub fn beginning(&self) -> Option<&BlockId> {
        self.begins.as_ref().map(|(_, block)| block)
    }

    /// Whether a block begins a chain, so that nobody votes on it: under `default` the one that the list
    /// begins with, elsewhere every genesis.
    pub fn is_first(&self, id: &BlockId) -> bool {
        match self.rules {
            Rules::Default if self.begins.is_some() => self.begins_with(id),
            // As long as no list is seen, it may be any.
            _ => self.blocks.get(id).is_some_and(|block| block.document.is_genesis),
        }
    }
}
