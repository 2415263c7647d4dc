//! A block is well-formed, or invalid by rule, without an election.
//!
//! Its voters are exactly the federation; 1 to 1000 transactions; none twice; no output spent twice;
//! GENESIS in the first block only; made by a member. Whether what was read is the block at all, its id
//! and signature say; that comes first, for a row may be anybody's work, and the block in it another's.
//! What each transaction has to look like is checked with that transaction (`shape`).

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
    let text = check_id(block)?;
    check_frame(block)?;
    if !quirks.contains(&Quirk::VotersUnchecked) {
        check_voters(block, federation)?;
    }
    check_transactions(block, quirks)?;
    check_author(block, federation)?;
    check_signature(block, &text, signatures)
}

/// Checks the first block of a chain; gives back its one transaction, which is still to be checked.
pub(super) fn check_genesis<'a>(
    block: &'a Block,
    federation: &Federation,
    signatures: &dyn SignatureCheck,
) -> Result<&'a Transaction, InvalidBlock> {
    let text = check_id(block)?;
    check_frame(block)?;
    check_voters(block, federation)?;
    let [transaction] = block.transactions() else { return Err(InvalidBlock::Genesis) };
    if !is_genesis(transaction) {
        return Err(InvalidBlock::Genesis);
    }
    check_author(block, federation)?;
    check_signature(block, &text, signatures)?;
    Ok(transaction)
}

/// The id, and nothing beside what it covers but the signature; gives back the text that it covers.
fn check_id(block: &Block) -> Result<String, InvalidBlock> {
    if !has_fields(Some(block.frame()), ["block", "id", "signature"]) {
        return Err(InvalidBlock::Uncovered {
            reason: "has other fields than the documented ones",
        });
    }
    let reason = "holds what has no canonical text";
    let text = block.text().map_err(|_| InvalidBlock::Uncovered { reason })?;
    let computed = BlockId::from(keccak256_hex(text.as_bytes()));
    if computed != *block.id() {
        return Err(InvalidBlock::InvalidHash { computed });
    }
    Ok(text)
}

/// The documented fields.
fn check_frame(block: &Block) -> Result<(), InvalidBlock> {
    let names = ["node_pubkey", "timestamp", "transactions", "voters"];
    if !has_fields(block.frame().get("block"), names) {
        let reason = "has other fields than the documented ones";
        return Err(InvalidBlock::Malformed { at: "block", reason });
    }
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

fn has_fields<const N: usize>(value: Option<&Json>, names: [&str; N]) -> bool {
    let names_of = |object: &Object| object.iter().map(|(name, _)| name).eq(names);
    value.and_then(Json::as_object).is_some_and(names_of)
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

fn check_author(block: &Block, federation: &Federation) -> Result<(), InvalidBlock> {
    let node = block.node_pubkey().clone();
    if federation.contains(&node) { Ok(()) } else { Err(InvalidBlock::NotAMember { node }) }
}

fn check_signature(
    block: &Block,
    text: &str,
    signatures: &dyn SignatureCheck,
) -> Result<(), InvalidBlock> {
    if block.verify(text, Profile::Default, signatures) == Ok(true) {
        return Ok(());
    }
    Err(InvalidBlock::InvalidSignature { node: block.node_pubkey().clone() })
}
