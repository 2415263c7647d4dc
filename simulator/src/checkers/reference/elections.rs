//! How a block is decided now, and what a decision changes.

use bigchaindb_core::model::BlockId;
use bigchaindb_core::rules::Election;

use super::{News, Reference, Rules};

impl Reference {
    /// Adds the votes on a block up again.
    pub(super) fn elect(&mut self, id: &BlockId) {
        let Some(block) = self.blocks.get(id) else { return };
        let is = match self.rules {
            _ if !block.present => Election::Undecided,
            Rules::Default | Rules::Mixed if self.begins_with(id) => Election::Valid,
            Rules::Default => match self.ballot.count(id, &self.federation) {
                Election::Valid => Election::Valid,
                // Who knows yet whether it is the one that the list begins with?
                _ if block.document.is_genesis && self.begins.is_none() => Election::Undecided,
                _ if block.malformed.is_some() => Election::Invalid,
                by_votes => by_votes,
            },
            Rules::Mixed if block.malformed.is_some() => Election::Invalid,
            Rules::Mixed => self.ballot.count_for_ever(id, &block.document.voters),
            Rules::Original => self.ballot.count_as_original(id, &block.document.voters),
        };
        let block = self.blocks.get_mut(id).expect("found above");
        let was = std::mem::replace(&mut block.election, is);
        if was == is {
            return;
        }
        block.elected_at_us = self.now_us;
        self.account(id, was, is);
        let block = &self.blocks[id];
        if is == Election::Valid {
            for transaction in &block.document.transactions {
                if let Some(seen) = self.transactions.get_mut(&transaction.id) {
                    seen.valid_at_us.get_or_insert(self.now_us);
                }
            }
        }
        self.history.push((self.now_us, id.clone(), is));
        self.news.push(News::Elected { block: id.clone(), was, is });
    }

    /// One genesis has no effect on others, but of several only one begins the chain.
    pub(super) fn elect_geneses(&mut self) {
        if self.geneses.len() > 1 || self.rules == Rules::Default {
            for id in self.geneses.clone() {
                self.elect(&id);
            }
        }
    }

    /// Brings the VALID history up to date.
    fn account(&mut self, id: &BlockId, was: Election, is: Election) {
        let mut ledger = std::mem::take(&mut self.ledger);
        let block = &self.blocks[id].document;
        if is == Election::Valid {
            ledger.add(block, |input| self.output(input));
        } else if was == Election::Valid {
            ledger.take_out(block, |input| self.output(input));
        }
        self.ledger = ledger;
    }
}
