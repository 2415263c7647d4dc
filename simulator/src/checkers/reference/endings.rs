//! How an acknowledged transaction may end without a VALID block.
//!
//! Here: a conflict that it lost, a member that deleted it on purpose, a time that ran out. Each is told
//! from what the log shows, not from what nodes say. Start at [`Reference::may_be_gone`].

use bigchaindb_core::model::cryptoconditions::Fulfillment;
use bigchaindb_core::model::{Json, Profile, TxId};
use bigchaindb_core::rules::Election;

use super::Reference;
use super::validator::examine;
use crate::observe::Table;
use crate::plan::Act as ByzantineAct;

/// How far a block's time may be from a voter's clock, in seconds. Source: ARCHITECTURE.md, rule 9.
const CLOCKS_APART: u64 = 120;

impl Reference {
    /// Whether a transaction may be in no VALID block, and never come into one, from `at_us` on.
    pub fn may_be_gone(&self, id: &TxId, at_us: u64) -> bool {
        self.winner_over(id).is_some() || self.is_deleted(id) || self.is_expired(id, at_us)
    }

    /// Whether a member took it out of the backlog on purpose. Nobody can put it back: the rows of the
    /// backlog are meant to go.
    pub fn is_deleted(&self, id: &TxId) -> bool {
        let acts = self.acts_on(Table::Backlog, &id.as_str().into());
        acts.iter().any(|(_, act)| &*act.act == ByzantineAct::DeletesBacklog.name())
    }

    /// Whether what it fulfills held when it was posted, and does not from `at_us` on, as a time in it
    /// has passed.
    pub fn is_expired(&self, id: &TxId, at_us: u64) -> bool {
        let Some(accepted) = self.surroundings.accepted().get(id) else { return false };
        let Some(document) = self.transactions.get(id).and_then(|seen| seen.row.as_deref()) else {
            return false;
        };
        let times = times_of(document);
        if times.is_empty() {
            return false;
        }
        let apart = if self.surroundings.has_wrong_clocks() { CLOCKS_APART } else { 0 };
        let posted = self.unix_s(accepted.posted_at_us);
        let from = self.unix_s(at_us) + apart;
        let holds = |at| {
            let is_member = |key: &_| self.federation.contains(key);
            examine(document, is_member, at, false, &*self.signatures).wrong.is_none()
        };
        // Only where a time ends does anything change.
        let mut later =
            times.into_iter().map(|last| last.saturating_add(1)).filter(|at| *at > from);
        (holds(posted) || holds(posted.saturating_sub(apart)))
            && !holds(from)
            && later.all(|at| !holds(at))
    }

    /// The transaction in a VALID block, another one, that spends what this one spends.
    pub fn winner_over(&self, id: &TxId) -> Option<&TxId> {
        let inputs = &self.transactions.get(id)?.document.inputs;
        inputs.iter().find_map(|wanted| {
            let wanted_output = self.output(wanted);
            self.spenders[&wanted.txid].iter().find(|other| {
                let spends = &self.transactions[*other].document.inputs;
                *other != id
                    && spends.iter().any(|input| self.output(input) == wanted_output)
                    && !self.blocks_of(other, Election::Valid).is_empty()
            })
        })
    }
}

/// Whether there are times in what it fulfills, so that it can run out.
pub(super) fn has_times(document: &Json) -> bool {
    !times_of(document).is_empty()
}

/// The last seconds that a transaction's fulfillments name.
fn times_of(document: &Json) -> Vec<u64> {
    let fulfillments = document.get("transaction").and_then(|body| body.get("fulfillments"));
    let fulfillments = fulfillments.and_then(Json::as_array).unwrap_or(&[]);
    let texts = fulfillments.iter().filter_map(|one| one.get("fulfillment")?.as_str());
    let parsed = texts.filter_map(|text| Fulfillment::parse(text, Profile::Default).ok());
    parsed.flat_map(|fulfillment| fulfillment.expiries()).collect()
}
