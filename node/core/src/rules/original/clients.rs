//! What the original told its clients: its handlers caught only what they expected.

use super::super::{ClientRules, Federation, InvalidTransaction, Phase, Wording};
use crate::model::{Json, NodeKey, Transaction, item};

/// What the original told its clients.
#[derive(Clone, Copy, Debug)]
pub(super) struct OriginalClients;

impl ClientRules for OriginalClients {
    fn wording(&self) -> Wording {
        Wording::Original
    }

    /// It asked for the operation first, and for the id only after much else.
    fn read(&self, posted: Json) -> Result<Transaction, InvalidTransaction> {
        item(item(&posted, "transaction")?, "operation")?;
        Ok(match posted.get("id") {
            Some(Json::String(_)) => Transaction::from_document(posted)?,
            _ => Transaction::unnamed(posted)?,
        })
    }

    /// A judgement's expected errors became "no"; everything else, wherever it came from, a 500.
    fn falls_over(&self, phase: Phase, reason: &InvalidTransaction) -> bool {
        phase == Phase::Reading || !reason.is_expected()
    }

    /// Anyone but itself, if there is anyone.
    fn assignees<'a>(&self, federation: &'a Federation) -> &'a [NodeKey] {
        match federation.others() {
            [] => federation.voters(),
            others => others,
        }
    }
}
