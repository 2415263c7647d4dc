//! Whether documents are what they say: ids, hashes, signatures of blocks and votes.
//!
//! Not here: what they mean for one another (`verify`).

use std::sync::Arc;

use bigchaindb_core::model::{Block, Direct, Json, NodeKey, Vote};
use bigchaindb_core::rules::{ConsensusRules, Federation};
use rayon::prelude::*;

use super::super::Finding;
use super::super::archive::{Chunk, Head};
use super::super::chain::profile;
use super::super::tables::{Row, shown};
use crate::store::rethinkdb::schema::{BIGCHAIN, VOTES};

/// Looks at documents, each alone.
pub(super) struct Checker {
    rules: Arc<dyn ConsensusRules>,
    /// Those that the archive names; none if it names nobody.
    federation: Option<Federation>,
}

impl Checker {
    pub(super) fn new(rules: Arc<dyn ConsensusRules>, head: &Head) -> Self {
        let mut members = head.members.iter().map(|key| NodeKey::from(key.as_str()));
        let federation = members.next().map(|first| Federation::new(first, members.collect()));
        Self { rules, federation }
    }

    /// What is wrong with a chunk's documents. Takes all cores.
    pub(super) fn check(&self, chunk: &Chunk) -> Vec<Finding> {
        let Some(federation) = &self.federation else { return Vec::new() };
        let check = |table: &str, text: &str| {
            let what = match table {
                BIGCHAIN => self.check_block(text, federation),
                VOTES => self.check_vote(text, federation),
                _ => Ok(()),
            };
            let what = what.err()?;
            let id = Row::read(table, text.as_bytes())
                .map_or_else(|_| text.to_owned(), |row| shown(&row.key));
            Some(Finding::new(table, id, what))
        };
        let documents: Vec<_> = chunk.documents().collect();
        documents.par_iter().filter_map(|text| check(&chunk.table, text)).collect()
    }

    fn check_block(&self, text: &str, federation: &Federation) -> Result<(), String> {
        let document = Json::parse(text.as_bytes()).map_err(|error| error.to_string())?;
        let block = Block::from_document(document);
        let block = block.map_err(|error| format!("it is no block: {error}"))?;
        let checked = if block.is_genesis() {
            self.rules.check_genesis(&block, federation)
        } else {
            self.rules.check_block(&block, federation)
        };
        checked.map_err(|reason| reason.to_string())
    }

    fn check_vote(&self, text: &str, federation: &Federation) -> Result<(), String> {
        let document = Json::parse(text.as_bytes()).map_err(|error| error.to_string())?;
        let vote = Vote::from_document(document);
        let vote = vote.map_err(|error| format!("it is no vote: {error}"))?;
        if !federation.contains(vote.voter()) {
            return Err(format!("its voter {} is no member", vote.voter()));
        }
        if !vote.is_signed(profile(&*self.rules), &Direct) {
            return Err(format!("it is not signed by {}", vote.voter()));
        }
        Ok(())
    }
}
