//! Quirk `everyone-requeues`: every node puts the transactions of an invalid block back into the
//! backlog, for every vote on the block that it hears of.
//!
//! The default rules need nothing of the kind: their backlog is the memory. Here: fetching such a
//! block, looking which of its transactions stand in a valid block by now (left out with the quirk
//! `requeued-though-valid`), and writing the others, each for a member of chance.
//!
//! Source: BigchainDB 0.6.0, `pipelines/election.py`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::Context;
use super::{Ticket, choose};
use crate::model::{BlockId, Transaction, keccak256_hex};
use crate::query::{Answer, Needs, Query, StoreError};
use crate::rules::{Election, Facts, Quirk};

#[derive(Clone, Default, Debug)]
pub(super) struct Requeue {
    asked: BTreeMap<Ticket, Step>,
    /// How many transactions were put back: the counter of the draws.
    written: u64,
}

#[derive(Clone, Debug)]
enum Step {
    /// The blocks.
    Fetching,
    /// Where their transactions stand.
    Looking(Vec<Arc<Transaction>>),
    Writing,
}

impl Requeue {
    /// A vote on an invalid block was heard of.
    pub(super) fn start(&mut self, cx: &mut Context, block: &BlockId) {
        let ticket = cx.ask(Query::Blocks { ids: vec![block.clone()] });
        self.asked.insert(ticket, Step::Fetching);
    }

    /// Whether the answer was for this; what the store does not answer is lost.
    pub(super) fn answered(
        &mut self,
        cx: &mut Context,
        ticket: Ticket,
        answer: &Result<Answer, StoreError>,
    ) -> bool {
        let Some(step) = self.asked.remove(&ticket) else { return false };
        let Ok(answer) = answer.clone() else { return true };
        match step {
            Step::Fetching => {
                let blocks = answer.into_blocks();
                let all: Vec<_> =
                    blocks.iter().flat_map(|block| block.transactions().to_vec()).collect();
                if cx.has(Quirk::RequeuedThoughValid) {
                    self.write(cx, all);
                } else if !all.is_empty() {
                    let transactions = all.iter().map(|each| each.id().clone()).collect();
                    let needs = Needs { transactions, outputs: Vec::new() };
                    let ticket = cx.ask(Query::Gather(needs));
                    self.asked.insert(ticket, Step::Looking(all));
                }
            }
            Step::Looking(mut all) => {
                let facts =
                    Facts::settle(answer.into_gathered(), |block| Some(cx.ledger.election(block)));
                all.retain(|each| {
                    let placed = facts.found.get(each.id()).into_iter().flatten();
                    !placed.into_iter().any(|placed| placed.election == Election::Valid)
                });
                self.write(cx, all);
            }
            Step::Writing => {}
        }
        true
    }

    fn write(&mut self, cx: &mut Context, transactions: Vec<Arc<Transaction>>) {
        for transaction in transactions {
            self.written += 1;
            let key =
                format!("{}/{}/{}", cx.config.federation.me(), transaction.id(), self.written);
            let drawn = keccak256_hex(key.as_bytes());
            let entropy = std::array::from_fn(|i| drawn.as_bytes()[2 * i]);
            let members = cx.rules.clients().assignees(&cx.config.federation);
            let assignee = choose(members, entropy).clone();
            let ticket = cx.ask(Query::InsertBacklog { transaction, assignee });
            self.asked.insert(ticket, Step::Writing);
        }
    }
}
