//! S5: a node votes once on a block.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, NodeKey};

use super::reference::{GoodVote, News, Reference};
use super::{Checker, Findings, Moment};

/// Remembers who voted on what, under which key.
#[derive(Default)]
pub(super) struct OneVote {
    findings: Findings,
    keys: BTreeMap<(BlockId, NodeKey), Arc<str>>,
}

impl Checker for OneVote {
    fn invariant(&self) -> &'static str {
        "S5"
    }

    fn statement(&self) -> &'static str {
        "There is at most one vote of a node on a block, under whatever key."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        for news in moment.news {
            let News::Vote(GoodVote { key, voter, block, .. }) = news else { continue };
            let first = self.keys.entry((block.clone(), voter.clone())).or_insert_with(|| {
                self.findings.looked();
                Arc::clone(key)
            });
            // A row that is changed keeps its key.
            if first != key && !moment.reference.is_byzantine(voter) {
                let name = moment.reference.name(voter);
                let what = format!("{name} voted twice on block {block}: rows {first} and {key}");
                self.findings.violated(moment.observed.at_us, what, None, &[block]);
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
