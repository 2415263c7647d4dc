//! S6: each node's votes form one path.

use std::collections::{BTreeMap, BTreeSet};

use bigchaindb_core::model::{BlockId, NodeKey};

use super::reference::{GoodVote, News, Reference, Rules};
use super::{Checker, Findings, Moment};

/// Compares the block that a vote names as previous with the one that is.
#[derive(Default)]
pub(super) struct VotePath {
    findings: Findings,
    /// Votes whose block's place in the list is not known yet (`default`).
    waiting: Vec<(u64, GoodVote)>,
    /// What each block of the list follows, as far as the list is known without a gap.
    list: List,
    /// The block that each node voted on last (`v0.6.0`).
    last: BTreeMap<NodeKey, BlockId>,
}

/// The list of blocks without its repeats.
#[derive(Default)]
struct List {
    next_position: Option<u64>,
    last: Option<BlockId>,
    /// What each block follows; genesis follows nothing.
    previous: BTreeMap<BlockId, Option<BlockId>>,
}

impl List {
    /// Takes in what has become known without a gap, from where the list begins.
    fn extend(&mut self, reference: &Reference) {
        let positions = reference.positions();
        let Some(mut next) = self
            .next_position
            .or_else(|| positions.keys().copied().find(|position| reference.is_counted(*position)))
        else {
            return;
        };
        while let Some(block) = positions.get(&next) {
            next += 1;
            self.next_position = Some(next);
            if !self.previous.contains_key(block) {
                let before = self.last.replace(block.clone());
                self.previous.insert(block.clone(), before);
            }
        }
    }
}

impl Checker for VotePath {
    fn invariant(&self) -> &'static str {
        "S6"
    }

    fn statement(&self) -> &'static str {
        "Each node's votes form one path: a vote names as previous the block before its own in the \
         list (under v0.6.0: the one this node voted on before)."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let at_us = moment.observed.at_us;
        let mut listed = false;
        for news in moment.news {
            match (moment.reference.rules(), news) {
                (_, News::Vote(vote)) if moment.reference.is_byzantine(&vote.voter) => {}
                (Rules::Default, News::Vote(vote)) => self.waiting.push((at_us, vote.clone())),
                (Rules::Default, News::Listed { .. }) => listed = true,
                (Rules::Original | Rules::Mixed, News::Vote(vote)) => {
                    self.follow(at_us, vote, moment.reference)
                }
                _ => continue,
            }
        }
        if listed {
            self.list.extend(moment.reference);
        }
        self.compare(moment.reference);
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        let listed = reference.positions().iter().filter(|(at, _)| reference.is_counted(**at));
        let blocks: BTreeSet<_> = listed.map(|(_, block)| block).collect();
        for (at_us, vote) in std::mem::take(&mut self.waiting) {
            let GoodVote { block, voter, .. } = &vote;
            if blocks.contains(block) {
                self.findings.doubted("the list of blocks has a gap");
                continue;
            }
            let name = reference.name(voter);
            let what = format!("{name} voted on block {block}, which is not in the list");
            self.findings.violated(at_us, what, None, &[block]);
        }
        std::mem::take(&mut self.findings)
    }
}

impl VotePath {
    /// Profile `default`: the list says which block comes before.
    fn compare(&mut self, reference: &Reference) {
        let Self { waiting, list, findings, .. } = self;
        waiting.retain(|(at_us, vote)| {
            let Some(previous) = list.previous.get(&vote.block) else { return true };
            findings.looked();
            if previous.as_ref() != Some(&vote.previous) {
                let what = format!(
                    "{} names {} before block {}, the list has {}",
                    reference.name(&vote.voter),
                    vote.previous,
                    vote.block,
                    previous.as_ref().map_or("nothing", BlockId::as_str),
                );
                findings.violated(*at_us, what, None, &[&vote.block, &vote.previous]);
            }
            false
        });
    }

    /// Profile `v0.6.0`: the voter's own preceding vote says it.
    fn follow(&mut self, at_us: u64, vote: &GoodVote, reference: &Reference) {
        self.findings.looked();
        let before = self.last.insert(vote.voter.clone(), vote.block.clone());
        if let Some(before) = before
            && before != vote.previous
        {
            let what = format!(
                "{} names {} before block {}, but voted on {before} before",
                reference.name(&vote.voter),
                vote.previous,
                vote.block
            );
            self.findings.violated(at_us, what, None, &[&vote.block, &vote.previous]);
        }
    }
}
