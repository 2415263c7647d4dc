//! Rules for a federation that has members running BigchainDB 0.6.0 itself.
//!
//! Documents are judged as those members judge them, so that blocks of either kind of node are voted
//! valid by the other. Votes are held to more: an input has to be decided, what it spends must not be
//! spent by another transaction, and nothing is in the chain twice. So is what this node itself lets
//! in: nothing that the store would change, or that a Python member could not put back into the
//! backlog. What can go wrong between voters that each have an order of their own goes wrong here,
//! too, as far as members of this kind cannot outvote it. A block whose voters name different previous
//! blocks is invalid only once no vote can mend that: the original says so at once, and takes it back.
//!
//! Source: BigchainDB 0.6.0; ARCHITECTURE.md, "Rules come in profiles".

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{
    Case, Checked, ConsensusRules, Election, Facts, Federation, InvalidBlock, InvalidTransaction,
    Order, OriginalRules, Tally, TallyError, storable,
};
use crate::model::{
    Block, BlockId, Json, Keypair, NodeKey, Output, Profile, Raised, SignatureCheck, Transaction,
};
use crate::query::VoteRow;

/// How deep objects and arrays in a payload may be nested. The Python driver inserts values of at
/// most 20 levels, and the payload is at the fourth of them.
pub const MAX_PAYLOAD_NESTING: usize = 16;

/// Profile `mixed`.
#[derive(Clone, Debug)]
pub struct MixedRules {
    original: OriginalRules,
}

impl MixedRules {
    /// These rules, with signatures verified by `signatures`.
    pub fn new(signatures: Arc<dyn SignatureCheck>) -> Self {
        Self { original: OriginalRules::new(signatures) }
    }

    /// As the original, but that a spend is no other for being in several blocks: it counted copies,
    /// and took the first for the only one.
    fn judge_alike(&self, case: Case<'_>) -> Result<(), InvalidTransaction> {
        let is_unspent =
            |by: &Transaction, input: &Output, facts: &Facts| facts.is_unspent(input, by.id());
        self.original.judge_with(case, is_unspent)
    }
}

impl ConsensusRules for MixedRules {
    fn name(&self) -> &'static str {
        "mixed"
    }

    fn create(
        &self,
        posted: &Json,
        node: &Keypair,
        uuid: &str,
        timestamp: u64,
    ) -> Result<Transaction, InvalidTransaction> {
        self.original.create(posted, node, uuid, timestamp)
    }

    fn check(&self, transaction: &Transaction) -> Checked {
        self.original.check(transaction)
    }

    fn judge(&self, case: Case<'_>) -> Result<(), InvalidTransaction> {
        self.judge_alike(case)?;
        let Case { transaction, facts, .. } = case;
        let placed = facts.found.get(transaction.id()).map(Vec::as_slice).unwrap_or_default();
        let valid = placed.iter().filter(|placed| placed.election == Election::Valid);
        let valid: BTreeSet<_> = valid.map(|placed| placed.block.as_str()).collect();
        if valid.len() > 1 {
            let block = valid.into_iter().next().unwrap_or_default().into();
            return Err(InvalidTransaction::AlreadyDecided { block });
        }
        transaction.inputs().iter().try_for_each(|input| facts.decided(&input.txid).map(|_| ()))
    }

    fn validate_fulfillments(&self, case: Case<'_>) -> Result<bool, Raised> {
        self.original.validate_fulfillments(case)
    }

    fn profile(&self) -> Profile {
        Profile::Original
    }

    fn can_be_kept(&self, transaction: &Transaction) -> Result<(), InvalidTransaction> {
        storable::check(transaction.document(), self.quirks())?;
        let payload = transaction.body().get("data").and_then(|data| data.get("payload"));
        if payload.is_some_and(|payload| is_deeper(payload, MAX_PAYLOAD_NESTING)) {
            let text = "Nesting depth limit exceeded.";
            return Err(Raised::new("ReqlDriverCompileError", text).into());
        }
        Ok(())
    }

    fn admit(&self, case: Case<'_>) -> Result<(), InvalidTransaction> {
        self.can_be_kept(case.transaction)?;
        case.facts.is_new(case.transaction.id())?;
        self.judge_alike(case)
    }

    fn order(&self) -> Order {
        Order::Votes
    }

    fn check_block(&self, block: &Block, federation: &Federation) -> Result<(), InvalidBlock> {
        self.original.check_block(block, federation)
    }

    fn check_genesis(&self, block: &Block, federation: &Federation) -> Result<(), InvalidBlock> {
        self.original.check_genesis(block, federation)
    }

    fn tally(
        &self,
        block: &BlockId,
        federation: &Federation,
        votes: &[VoteRow],
    ) -> Result<Tally, TallyError> {
        let election = self.original.count(block, federation, votes)?.for_ever();
        Ok(Tally { election, ignored: 0 })
    }

    fn vote_of<'a>(
        &self,
        block: &BlockId,
        voter: &NodeKey,
        votes: &'a [VoteRow],
    ) -> Option<&'a VoteRow> {
        self.original.vote_of(block, voter, votes)
    }
}

/// Are more objects and arrays open at once somewhere in this?
fn is_deeper(value: &Json, levels: usize) -> bool {
    let mut inner: Box<dyn Iterator<Item = &Json>> = match value {
        Json::Array(items) => Box::new(items.iter()),
        Json::Object(fields) => Box::new(fields.iter().map(|(_, value)| value)),
        _ => return false,
    };
    let Some(left) = levels.checked_sub(1) else { return true };
    inner.any(|value| is_deeper(value, left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_from_the_payload_on() {
        let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
        let deeper = |text: String| is_deeper(&Json::parse(text.as_bytes()).unwrap(), 16);
        assert!(!deeper(nested(16)));
        assert!(deeper(nested(17)));
        assert!(!deeper(format!("[1,{}]", nested(15))));
        assert!(deeper(format!(r#"{{"a":{}}}"#, nested(16))));
    }
}
