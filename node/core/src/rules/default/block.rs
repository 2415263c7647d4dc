//! A block is well-formed, or invalid by rule, without an election.
//!
//! Its voters are exactly the federation; 1 to 1000 transactions; none twice; no output spent twice;
//! GENESIS in the first block only; id and signature right, made by a member. What each transaction
//! has to look like is checked with that transaction (`shape`).

use std::collections::BTreeSet;

use crate::model::{
    Block, BlockId, Json, Object, Profile, SignatureCheck, Transaction, keccak256_hex,
};
use crate::rules::{Federation, InvalidBlock, MAX_BLOCK_TRANSACTIONS, Quirk, Quirks};

/// Checks a block that is not the first of a chain.
pub(super) fn check(
    block: &Block,
    federation: &Federation,
    signatures: &dyn SignatureCheck,
    quirks: &Quirks,
) -> Result<(), InvalidBlock> {
    check_frame(block)?;
    if !quirks.contains(&Quirk::VotersUnchecked) {
        check_voters(block, federation)?;
    }
    check_transactions(block, quirks)?;
    check_seal(block, federation, signatures)
}

/// Checks the first block of a chain; gives back its one transaction, which is still to be checked.
pub(super) fn check_genesis<'a>(
    block: &'a Block,
    federation: &Federation,
    signatures: &dyn SignatureCheck,
) -> Result<&'a Transaction, InvalidBlock> {
    check_frame(block)?;
    check_voters(block, federation)?;
    let [transaction] = block.transactions() else { return Err(InvalidBlock::Genesis) };
    if !is_genesis(transaction) {
        return Err(InvalidBlock::Genesis);
    }
    check_seal(block, federation, signatures)?;
    Ok(transaction)
}

/// The documented fields.
fn check_frame(block: &Block) -> Result<(), InvalidBlock> {
    let frame = block.frame();
    has_fields(Some(frame), ["block", "id", "signature"], "document")?;
    let names = ["node_pubkey", "timestamp", "transactions", "voters"];
    has_fields(frame.get("block"), names, "block")?;
    if block.timestamp().is_none() {
        let reason = "has to be Unix seconds in a string";
        return Err(InvalidBlock::Malformed { at: "block.timestamp", reason });
    }
    Ok(())
}

/// Exactly the members as voters.
fn check_voters(block: &Block, federation: &Federation) -> Result<(), InvalidBlock> {
    if !federation.is_exactly(block.voters()) {
        return Err(InvalidBlock::Voters { members: federation.len() });
    }
    Ok(())
}

fn has_fields<const N: usize>(
    value: Option<&Json>,
    names: [&str; N],
    at: &'static str,
) -> Result<(), InvalidBlock> {
    let names_of = |object: &Object| object.iter().map(|(name, _)| name).eq(names);
    if value.and_then(Json::as_object).is_some_and(names_of) {
        return Ok(());
    }
    Err(InvalidBlock::Malformed { at, reason: "has other fields than the documented ones" })
}

fn check_transactions(block: &Block, quirks: &Quirks) -> Result<(), InvalidBlock> {
    let has = |quirk| quirks.contains(&quirk);
    let transactions = block.transactions();
    if !(1..=MAX_BLOCK_TRANSACTIONS).contains(&transactions.len()) {
        return Err(InvalidBlock::Size { count: transactions.len() });
    }
    let (mut ids, mut spent) = (BTreeSet::new(), BTreeSet::new());
    for transaction in transactions {
        if is_genesis(transaction) && !has(Quirk::GenesisAtAnyTime) {
            return Err(InvalidBlock::Genesis);
        }
        if !ids.insert(transaction.id()) {
            if has(Quirk::TwiceInBlock) {
                continue;
            }
            return Err(InvalidBlock::Repeated { txid: transaction.id().clone() });
        }
        let mut own = BTreeSet::new();
        for input in transaction.inputs() {
            if !own.insert(input) && has(Quirk::InputSpentTwice) {
                continue;
            }
            if !spent.insert(input) {
                return Err(InvalidBlock::Conflict { output: input.clone() });
            }
        }
    }
    Ok(())
}

fn is_genesis(transaction: &Transaction) -> bool {
    transaction.operation() == Some("GENESIS")
}

/// The id, and the signature of a member.
fn check_seal(
    block: &Block,
    federation: &Federation,
    signatures: &dyn SignatureCheck,
) -> Result<(), InvalidBlock> {
    let node = block.node_pubkey().clone();
    if !federation.contains(&node) {
        return Err(InvalidBlock::NotAMember { node });
    }
    let reason = "holds what has no canonical text";
    let text = block.text().map_err(|_| InvalidBlock::Malformed { at: "block", reason })?;
    let computed = BlockId::from(keccak256_hex(text.as_bytes()));
    if computed != *block.id() {
        return Err(InvalidBlock::InvalidHash { computed });
    }
    if block.verify(&text, Profile::Default, signatures) != Ok(true) {
        return Err(InvalidBlock::InvalidSignature { node });
    }
    Ok(())
}
