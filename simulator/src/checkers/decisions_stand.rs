//! S8: a decision never changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::BlockId;
use bigchaindb_core::rules::Election;

use super::reference::{News, Reference};
use super::{Checker, Findings, Moment};
use crate::observe::{Record, Table, election_word};

/// Compares every decision with the one before, by the votes and in each node's own words.
pub(super) struct DecisionsStand {
    findings: Findings,
    within_us: u64,
    said: BTreeMap<(Arc<str>, BlockId), Election>,
}

impl DecisionsStand {
    pub(super) fn new(within_us: u64) -> Self {
        Self { findings: Findings::default(), within_us, said: BTreeMap::new() }
    }
}

/// In real time the observer's feed tells of a vote before the store has promised to keep it. If the store dies
/// just then, a block was decided for the observer and for nobody else: nodes go by majority reads, and by their
/// words.
fn was_only_seen(moment: &Moment<'_>, is: Election, within_us: u64) -> bool {
    let surroundings = moment.reference.surroundings();
    let is_lost = matches!(&moment.observed.record,
        Record::Change(change) if change.table == Table::Votes && change.new.is_none());
    is_lost
        && is == Election::Undecided
        && !surroundings.is_exact()
        && surroundings.may_lose_writes(within_us)
}

impl Checker for DecisionsStand {
    fn invariant(&self) -> &'static str {
        "S8"
    }

    fn statement(&self) -> &'static str {
        "A block that is decided stays so: by the votes, but for those that a store had not promised \
         to keep, and in what each node says."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let at_us = moment.observed.at_us;
        for news in moment.news {
            let News::Elected { block, was, is } = news else { continue };
            if *was == Election::Undecided {
                self.findings.looked();
                continue;
            }
            if was_only_seen(moment, *is, self.within_us) {
                continue;
            }
            let (was, is) = (election_word(*was), election_word(*is));
            let what = format!("block {block} was {was} and is {is}");
            self.findings.violated(at_us, what, None, &[block]);
        }
        // A member that adds votes up as the original did takes back what it said, as that does.
        if let Record::Decided(decided) = &moment.observed.record
            && moment.reference.counts_as(&decided.node)
        {
            let key = (Arc::clone(&decided.node), decided.block.clone());
            let before = self.said.insert(key, decided.election).unwrap_or(Election::Undecided);
            if before != Election::Undecided && before != decided.election {
                let (was, is) = (election_word(before), election_word(decided.election));
                let what =
                    format!("{} said block {} is {was}, now {is}", decided.node, decided.block);
                self.findings.violated(at_us, what, None, &[&decided.block]);
            }
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, _: &Reference) -> Findings {
        std::mem::take(&mut self.findings)
    }
}
