//! S16: clocks go on.

use std::collections::{BTreeMap, BTreeSet};

use bigchaindb_core::model::{BlockId, NodeKey};

use super::reference::{GoodVote, News, Reference};
use super::{Checker, Findings, Moment};

/// Compares the time in each vote with the one in the vote before.
pub(super) struct VoteTimes {
    findings: Findings,
    within_us: u64,
    last: BTreeMap<NodeKey, (u64, BlockId)>,
    /// Votes that were there before: one that is put back is not cast again.
    cast: BTreeSet<(BlockId, NodeKey)>,
    /// When each node's clock was last seen to be disturbed.
    disturbed: BTreeMap<NodeKey, u64>,
}

impl VoteTimes {
    pub(super) fn new(within_us: u64) -> Self {
        Self {
            findings: Findings::default(),
            within_us,
            last: BTreeMap::new(),
            cast: BTreeSet::new(),
            disturbed: BTreeMap::new(),
        }
    }
}

impl Checker for VoteTimes {
    fn invariant(&self) -> &'static str {
        "S16"
    }

    fn statement(&self) -> &'static str {
        "The times in a node's votes do not go back, unless its clock is disturbed, or was when the \
         vote may have been made."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let at_us = moment.observed.at_us;
        for news in moment.news {
            let News::Vote(vote) = news else { continue };
            let GoodVote { voter, block, timestamp, .. } = vote;
            if !self.cast.insert((block.clone(), voter.clone()))
                || moment.reference.is_byzantine(voter)
            {
                continue;
            }
            let Some(timestamp) = timestamp else { continue };
            let name = moment.reference.name(voter);
            if moment.reference.surroundings().meets(name, |kind| kind.starts_with("clock")) {
                self.disturbed.insert(voter.clone(), at_us);
            }
            self.findings.looked();
            let before = self.last.insert(voter.clone(), (*timestamp, block.clone()));
            let trusted = self.disturbed.get(voter).is_none_or(|us| at_us > us + self.within_us);
            if let Some((earlier, other)) = before
                && earlier > *timestamp
                && trusted
            {
                let what = format!(
                    "{name} voted on block {block} at {timestamp}, after it voted on {other} at {earlier}"
                );
                self.findings.violated(at_us, what, None, &[block, &other]);
            }
        }
        self.note_clocks(moment);
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, _: &Reference) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

impl VoteTimes {
    /// A clock that is being disturbed, or has just been put right.
    fn note_clocks(&mut self, moment: &Moment<'_>) {
        let crate::observe::Record::Fault(fault) = &moment.observed.record else { return };
        if !fault.kind.starts_with("clock") {
            return;
        }
        let members = moment.reference.run().into_iter().flat_map(|run| &run.nodes);
        for member in members.filter(|one| fault.target.split(',').any(|name| name == &*one.name)) {
            self.disturbed.insert(member.key.clone(), moment.observed.at_us);
        }
    }
}
