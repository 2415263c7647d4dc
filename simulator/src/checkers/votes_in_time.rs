//! L5: whoever runs votes.

use std::collections::BTreeMap;

use bigchaindb_core::model::{BlockId, NodeKey};

use super::reference::{Life, News, Reference, Rules};
use super::{Checker, Findings, Moment};

/// Remembers when who voted on what.
pub(super) struct VotesInTime {
    within_us: u64,
    voted: BTreeMap<(BlockId, NodeKey), u64>,
}

impl VotesInTime {
    pub(super) fn new(within_us: u64) -> Self {
        Self { within_us, voted: BTreeMap::new() }
    }
}

impl Checker for VotesInTime {
    fn invariant(&self) -> &'static str {
        "L5"
    }

    fn statement(&self) -> &'static str {
        "A node that runs votes on every block of the list (under v0.6.0 and mixed: on every block \
         that names it as a voter) in time after the block was listed, the node started, or faults \
         were healed; on empty and malformed blocks as well."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let Moment { observed, news, .. } = *moment;
        for news in news {
            let News::Vote(vote) = news else { continue };
            let key = (vote.block.clone(), vote.voter.clone());
            self.voted.entry(key).or_insert(observed.at_us);
        }
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        let mut findings = Findings::default();
        let nodes = reference.run().into_iter().flat_map(|run| &run.nodes);
        for node in nodes.filter(|node| !reference.is_byzantine(&node.key)) {
            let life = reference.surroundings().lives().of(&node.name);
            let Some(Life { runs: true, first_started_us, .. }) = life else { continue };
            for (id, since_us) in self.due_blocks(reference, &node.key) {
                findings.looked();
                let from_us = since_us.max(first_started_us);
                let voted_at_us = self.voted.get(&(id.clone(), node.key.clone())).copied();
                self.compare(&mut findings, reference, &node.name, id, from_us, voted_at_us);
            }
        }
        findings
    }
}

impl VotesInTime {
    /// The blocks that a node has to vote on, and since when.
    fn due_blocks<'a>(
        &'a self,
        reference: &'a Reference,
        voter: &'a NodeKey,
    ) -> Box<dyn Iterator<Item = (&'a BlockId, u64)> + 'a> {
        if reference.rules() == Rules::Default {
            // The chain begins with the first entry that brings a genesis; what is before is none of it.
            let listed = reference.listed().iter().filter(|(id, _)| !reference.begins_with(id));
            Box::new(listed.map(|(id, at_us)| (id, *at_us)))
        } else {
            let named = reference.blocks().filter(move |(_, block)| {
                !block.document.is_genesis && block.document.voters.contains(voter)
            });
            Box::new(named.map(|(id, block)| (id, block.seen_at_us)))
        }
    }

    fn compare(
        &self,
        findings: &mut Findings,
        reference: &Reference,
        node: &str,
        id: &BlockId,
        from_us: u64,
        voted_at_us: Option<u64>,
    ) {
        let surroundings = reference.surroundings();
        let due_us = surroundings.due_us(from_us, self.within_us);
        match (voted_at_us, due_us) {
            (Some(at_us), Some(due_us)) if at_us > due_us => {
                let seconds = (at_us - from_us) / 1_000_000;
                let what = format!("{node} voted on block {id} only after {seconds} s");
                findings.violated(due_us, what, None, &[id]);
            }
            (Some(_), _) => {}
            (None, Some(due_us)) if surroundings.now_us() >= due_us => {
                let what = format!("{node} has not voted on block {id}");
                findings.violated(due_us, what, None, &[id]);
            }
            (None, _) => {
                findings.doubted(format!(
                    "{node} has not voted on block {id}, and the log ends before it has to"
                ));
            }
        }
    }
}
