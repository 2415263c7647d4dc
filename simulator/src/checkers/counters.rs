//! S19: nodes count right.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::reference::{News, Reference};
use super::{Checker, Findings, Moment};
use crate::observe::{Befell, Call, Counter, Kind, Record};

/// The counters that the log knows as well, by the names of METRICS.md.
const KNOWN: [&str; 5] =
    ["block.created", "tx.in_blocks", "vote.cast", "vote.cast_invalid", "tx.rejected"];

/// Counts what nodes count.
#[derive(Default)]
pub(super) struct Counters {
    said: BTreeMap<(Arc<str>, &'static str), (u64, u64)>,
    seen: BTreeMap<(Arc<str>, &'static str), u64>,
    /// Nodes that were killed: they may have done what they did not come to count.
    killed: BTreeSet<Arc<str>>,
    /// Votes that were counted: one that is put back is not cast again.
    votes: BTreeSet<Arc<str>>,
}

impl Checker for Counters {
    fn invariant(&self) -> &'static str {
        "S19"
    }

    fn statement(&self) -> &'static str {
        "What nodes count of their blocks, votes and refusals is what the log shows; of a node that was \
         killed, not more."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let Moment { observed, news, reference } = *moment;
        for news in news {
            match news {
                News::Block(id) => {
                    let Some(block) = reference.block(id) else { continue };
                    if reference.is_first(id) || !block.sealed || block.seen_at_us != observed.at_us
                    {
                        continue;
                    }
                    let author: Arc<str> = reference.name(&block.document.author).into();
                    let held = block.document.transactions.len() as u64;
                    self.count(&author, "block.created", 1);
                    self.count(&author, "tx.in_blocks", held);
                }
                News::Vote(vote) if self.votes.insert(Arc::clone(&vote.key)) => {
                    let voter: Arc<str> = reference.name(&vote.voter).into();
                    self.count(&voter, "vote.cast", 1);
                    self.count(&voter, "vote.cast_invalid", u64::from(!vote.valid));
                }
                _ => {}
            }
        }
        match &observed.record {
            Record::Operation(operation)
                if (operation.call, operation.kind) == (Call::Post, Kind::Fail)
                    && operation.http == Some(400) =>
            {
                self.count(&operation.node, "tx.rejected", 1);
            }
            Record::Node(event) if event.event == Befell::Killed => {
                self.killed.insert(Arc::clone(&event.node));
            }
            Record::Counter(Counter { node, name, value }) => {
                if let Some(known) = KNOWN.into_iter().find(|known| *known == &**name) {
                    self.said.insert((Arc::clone(node), known), (observed.at_us, *value));
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        let mut findings = Findings::default();
        for ((node, name), (at_us, said)) in &self.said {
            if reference.is_byzantine_name(node) {
                continue;
            }
            findings.looked();
            let seen = self.seen.get(&(Arc::clone(node), *name)).copied().unwrap_or(0);
            let fits = *said == seen || (self.killed.contains(node) && *said < seen);
            if !fits {
                let what = format!("{node} counts {said} of `{name}`, the log shows {seen}");
                findings.violated(*at_us, what, None, &[]);
            }
        }
        findings
    }
}

impl Counters {
    fn count(&mut self, node: &Arc<str>, name: &'static str, more: u64) {
        *self.seen.entry((Arc::clone(node), name)).or_default() += more;
    }
}
