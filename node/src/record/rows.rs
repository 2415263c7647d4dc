//! Rows of the tables as items of a line: what belongs together is an array, a document is itself.
//!
//! A block is its frame and its transactions, as it is held in memory; a transaction may be a number.

use std::sync::Arc;

use bigchaindb_core::model::{Block, BlockId, NodeKey, Output, Position, Transaction, Vote};
use bigchaindb_core::query::{BacklogRow, BlockHead, ListEntry, Spend, Standing, VoteRow};

use super::LineError;
use super::line::{Items, Line, Read};

pub(super) fn write_waiting(line: &mut Line, row: &BacklogRow) {
    line.array(|line| {
        line.text(row.assignee.as_str());
        line.next().transaction(&row.transaction);
    });
}

pub(super) fn read_waiting(items: &mut Items) -> Read<BacklogRow> {
    waiting(items.inner()?)
}

/// A waiting transaction, or `null`.
pub(super) fn read_no_or_waiting(items: &mut Items) -> Read<Option<BacklogRow>> {
    items.optional_inner()?.map(waiting).transpose()
}

fn waiting(mut row: Items) -> Read<BacklogRow> {
    let (assignee, transaction) = ((&*row.text()?).into(), row.transaction()?);
    row.end()?;
    Ok(BacklogRow { transaction, assignee })
}

/// A transaction and the block that holds it.
pub(super) fn write_found(line: &mut Line, (block, transaction): &(BlockId, Arc<Transaction>)) {
    line.array(|line| {
        line.text(block.as_str());
        line.next().transaction(transaction);
    });
}

pub(super) fn read_found(items: &mut Items) -> Read<(BlockId, Arc<Transaction>)> {
    let mut pair = items.inner()?;
    let found = ((&*pair.text()?).into(), pair.transaction()?);
    pair.end()?;
    Ok(found)
}

pub(super) fn write_spend(line: &mut Line, Spend { output, by, block }: &Spend) {
    line.array(|line| {
        line.text(output.txid.as_str());
        line.next().put(output.cid);
        line.next().optional(output.oddity.as_deref());
        line.next().text(by.as_str());
        line.next().text(block.as_str());
    });
}

pub(super) fn read_spend(items: &mut Items) -> Read<Spend> {
    let mut spend = items.inner()?;
    let txid = (&*spend.text()?).into();
    let output = Output { txid, cid: spend.int()?, oddity: spend.optional()? };
    let (by, block) = ((&*spend.text()?).into(), (&*spend.text()?).into());
    spend.end()?;
    Ok(Spend { output, by, block })
}

pub(super) fn write_block(line: &mut Line, block: &Block) {
    line.array(|line| {
        line.document(block.frame());
        line.next().list(block.transactions(), |line, one| line.transaction(one));
    });
}

pub(super) fn read_block(items: &mut Items) -> Read<Arc<Block>> {
    block(items.inner()?)
}

fn block(mut parts: Items) -> Read<Arc<Block>> {
    let (frame, transactions) = (parts.any()?, parts.list(|items| items.transaction())?);
    parts.end()?;
    Ok(Arc::new(Block::from_frame(frame, transactions)?))
}

pub(super) fn write_vote(line: &mut Line, row: &VoteRow) {
    line.array(|line| {
        line.text(&row.key);
        line.next().document(row.vote.document());
    });
}

pub(super) fn read_vote(items: &mut Items) -> Read<VoteRow> {
    let mut row = items.inner()?;
    let (key, vote) = (row.text()?, Arc::new(Vote::from_document(row.any()?)?));
    row.end()?;
    Ok(VoteRow { key, vote })
}

pub(super) fn write_entry(line: &mut Line, entry: &ListEntry) {
    line.array(|line| {
        line.put(entry.position.0);
        line.next().text(entry.block.as_str());
        match &entry.genesis {
            Some(genesis) => write_block(line.next(), genesis),
            None => line.next().put("null"),
        }
    });
}

pub(super) fn read_entry(items: &mut Items) -> Read<ListEntry> {
    let mut entry = items.inner()?;
    let (position, id) = (Position(entry.int()?), (&*entry.text()?).into());
    let genesis = entry.optional_inner()?.map(block).transpose()?;
    entry.end()?;
    Ok(ListEntry { position, block: id, genesis })
}

pub(super) fn write_standing(line: &mut Line, row: &Standing) {
    line.array(|line| {
        line.text(row.table());
        line.put(',');
        match row {
            Standing::Block(block) => write_block(line, block),
            Standing::Vote(row) => write_vote(line, row),
            Standing::Entry(entry) => write_entry(line, entry),
        }
    });
}

pub(super) fn read_standing(items: &mut Items) -> Read<Standing> {
    let mut row = items.inner()?;
    let table = row.text()?;
    let standing = match &*table {
        "bigchain" => Standing::Block(read_block(&mut row)?),
        "votes" => Standing::Vote(read_vote(&mut row)?),
        "positions" => Standing::Entry(read_entry(&mut row)?),
        _ => return Err(LineError::Word(table)),
    };
    row.end()?;
    Ok(standing)
}

pub(super) fn write_head(line: &mut Line, head: &BlockHead) {
    line.array(|line| {
        line.text(head.id.as_str());
        line.next().list(&head.voters, |line, voter| line.text(voter.as_str()));
        line.next().optional(head.timestamp.as_deref());
        line.next().put(head.is_genesis);
    });
}

pub(super) fn read_head(items: &mut Items) -> Read<BlockHead> {
    let mut head = items.inner()?;
    let id = (&*head.text()?).into();
    let voters = head.list(|voters| Ok(NodeKey::from(&*voters.text()?)))?;
    let (timestamp, is_genesis) = (head.optional()?, head.bool()?);
    head.end()?;
    Ok(BlockHead { id, voters, timestamp, is_genesis })
}
