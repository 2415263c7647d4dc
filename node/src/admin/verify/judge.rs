//! Blocks in their order, each judged from what was decided before it.

use std::sync::Arc;

use bigchaindb_core::model::{Block, BlockId};
use bigchaindb_core::rules::{Case, ConsensusRules, Election, Federation, Order};
use bigchaindb_core::stages::Settings;

use super::super::{AdminError, Finding};
use super::Verified;
use super::examine::Examined;
use super::shelf::Shelf;
use crate::store::rethinkdb::schema::{BIGCHAIN, POSITIONS, VOTES};

/// Judges blocks, one after the other.
pub(super) struct Judge {
    rules: Arc<dyn ConsensusRules>,
    federation: Federation,
    shelf: Shelf,
    /// Blocks still to come that are linked to genesis.
    linked: usize,
    /// The block before, and its timestamp.
    before: Option<(BlockId, u64)>,
    /// A block may be so much older than the one before, in seconds.
    tolerance: u64,
}

impl Judge {
    pub(super) fn new(
        rules: Arc<dyn ConsensusRules>,
        federation: Federation,
        linked: usize,
    ) -> Result<Self, AdminError> {
        let shelf = Shelf::new().map_err(AdminError::Temporary)?;
        let tolerance = Settings::default().clock_tolerance.as_secs();
        Ok(Self { rules, federation, shelf, linked, before: None, tolerance })
    }

    /// Judges the next block.
    pub(super) fn judge(
        &mut self,
        mut examined: Examined,
        verified: &mut Verified,
    ) -> Result<(), AdminError> {
        let is_linked = self.linked > 0;
        self.linked = self.linked.saturating_sub(1);
        verified.votes += examined.votes;
        let mut findings = std::mem::take(&mut examined.findings);
        let election = self.election(&examined, is_linked, &mut findings);
        let Some(block) = examined.block.clone() else {
            let what = format!("its block {} is not there", examined.step.block);
            let place = examined.step.place;
            let id = place.map(|place| place.to_string()).unwrap_or_default();
            findings.push(Finding::new(POSITIONS, id, what).at(place));
            verified.findings.append(&mut findings);
            if is_linked {
                let at = self.before.as_ref().map_or(0, |(_, at)| *at);
                self.before = Some((examined.step.block, at));
            }
            return Ok(());
        };
        verified.blocks += 1;
        verified.transactions += block.transactions().len() as u64;
        match election {
            Election::Valid => verified.valid += 1,
            Election::Invalid => verified.invalid += 1,
            Election::Undecided => verified.undecided += 1,
        }
        if !is_linked {
            verified.unlisted += 1;
        }
        self.judge_transactions(&examined, &block, election, &mut findings)?;
        if is_linked {
            self.before = Some((block.id().clone(), block.timestamp().unwrap_or_default()));
        }
        verified.findings.append(&mut findings);
        Ok(())
    }

    /// How a block counts. What is wrong with that, or with the block alone, is a finding.
    fn election(
        &self,
        examined: &Examined,
        is_linked: bool,
        findings: &mut Vec<Finding>,
    ) -> Election {
        let Examined { step, malformed, election, counted, block, .. } = examined;
        let find = |what: String| Finding::new(BIGCHAIN, step.block.as_str(), what).at(step.place);
        let voted = match election {
            Ok(election) => *election,
            Err(reason) => {
                findings.push(find(format!("its votes cannot be added up: {reason}")));
                Election::Undecided
            }
        };
        let words = match voted {
            Election::Valid => "voted valid",
            Election::Invalid => "voted invalid",
            Election::Undecided => "not decided",
        };
        if let Some(reason) = malformed {
            findings.push(find(format!("{reason} ({words})")));
        }
        let is_genesis = block.as_ref().is_some_and(|block| block.is_genesis());
        if self.before.is_none() && is_linked && is_genesis && malformed.is_none() {
            return Election::Valid;
        }
        if malformed.is_some() && self.rules.order() == Order::List {
            // By rule, whatever anybody votes.
            return Election::Invalid;
        }
        if voted == Election::Valid && !is_linked {
            findings.push(find("it is voted valid, but not linked to genesis".to_owned()));
        }
        if self.rules.order() == Order::List && is_linked {
            let before = self.before.as_ref().map(|(id, _)| id);
            for row in counted.iter().filter(|row| Some(row.vote.previous()) != before) {
                let (block, named) = (&step.block, row.vote.previous());
                let expected = before.map_or("nothing", |id| id.as_str());
                let what = format!(
                    "on block {block}: names {named} as the block before, which is {expected}"
                );
                findings.push(Finding::new(VOTES, &*row.key, what).at(step.place));
            }
        }
        voted
    }

    /// Judges what a block holds, if that was decided valid, and puts it on the shelf.
    fn judge_transactions(
        &mut self,
        examined: &Examined,
        block: &Arc<Block>,
        election: Election,
        findings: &mut Vec<Finding>,
    ) -> Result<(), AdminError> {
        let find = |what: String| {
            Finding::new(BIGCHAIN, block.id().as_str(), what).at(examined.step.place)
        };
        let transactions = block.transactions();
        let needs = self.rules.needs(&mut transactions.iter().map(|one| &**one));
        let temporary = AdminError::Temporary;
        // Python members put a transaction and what spends it into one block.
        let is_whole = self.rules.order() == Order::Votes;
        if is_whole {
            let put = self.shelf.put(block.id(), Election::Valid, transactions);
            put.map_err(temporary)?;
        }
        let is_judged = election == Election::Valid && !block.is_genesis();
        if is_judged {
            let at = block.timestamp().unwrap_or_default();
            if let Some((_, before)) = self.before.as_ref().filter(|_| !is_whole)
                && at + self.tolerance < *before
            {
                let what =
                    format!("its timestamp {at} is long before the previous block's, {before}");
                findings.push(find(what));
            }
            let facts = self.shelf.facts(&needs).map_err(temporary)?;
            for (transaction, checked) in transactions.iter().zip(&examined.checked) {
                let (facts, federation) = (&facts, &self.federation);
                let case = Case { transaction, checked, facts, at, federation };
                if let Err(reason) = self.rules.judge(case) {
                    let id = transaction.id();
                    findings.push(find(format!("is valid, but holds transaction {id}: {reason}")));
                }
            }
        }
        if is_whole {
            self.shelf.decide_last(election);
        } else {
            self.shelf.put(block.id(), election, transactions).map_err(temporary)?;
        }
        Ok(())
    }
}
