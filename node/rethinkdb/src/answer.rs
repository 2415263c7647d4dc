//! The closed list of queries, answered from tables and indexes.
//!
//! A row that is not what its table is for (a vote without a block, a block without transactions)
//! stays in its table, and here it does not exist: no query and no feed tells of it. Only where it
//! stands in the way is it told of: as a vote that is nobody's, as a list entry of no block. What
//! the library asks a page at a time is in `pages`.

mod pages;

use std::collections::BTreeSet;
use std::sync::Arc;

use bigchaindb_core::model::{
    Block, BlockId, Json, NodeKey, Object, Output, Position, Transaction, TxId, Vote,
};
use bigchaindb_core::query::{
    Answer, BacklogRow, Gathered, ListEntry, Needs, Query, Spend, Standing, VoteRow, Write,
};

use crate::batch::{Batch, BatchError, Entry, after};
use crate::catalog::{
    BACKLOG, BACKLOG_BY_ASSIGNEE, BACKLOG_BY_TIMESTAMP, BIGCHAIN, BIGCHAIN_BY_SPENT_OUTPUT,
    BIGCHAIN_BY_TRANSACTION, IndexId, POSITIONS, TableId, VOTES, VOTES_BY_BLOCK,
};
use crate::key::{self, Key};
use crate::row::{Field, Row, Shape};
use crate::storage::{Direction, Space, StorageError};
use crate::unlisted;

/// Answers one query.
///
/// # Errors
/// [`BatchError::Key`] if a document to be written has no proper primary key,
/// [`BatchError::Catalog`] if a table that the query is about does not exist.
pub(crate) fn answer(batch: &mut Batch<'_>, query: &Query) -> Result<Answer, BatchError> {
    for table in tables_of(query) {
        batch.catalog().native(*table)?;
    }
    Ok(match query {
        Query::InsertBacklog { transaction, assignee } => {
            let (transaction, assignee) = (transaction.clone(), assignee.clone());
            let row = BacklogRow { transaction, assignee };
            inserted(batch.insert(BACKLOG, row.into())?)
        }
        Query::Reassign { transaction, from, to } => reassign(batch, transaction, from, to)?,
        Query::DeleteBacklog { transactions } => delete(batch, transactions)?,
        Query::Backlog { assignee, limit } => backlog(batch, assignee.as_ref(), *limit)?,
        Query::Gather(needs) => Answer::Gathered(gather(batch, needs)?),
        Query::InsertBlock { block } => inserted(batch.insert(BIGCHAIN, block.clone().into())?),
        Query::Blocks { ids } => blocks(batch, ids)?,
        Query::KnownBlocks { ids } => known(batch, ids)?,
        Query::UnlistedBlocks { limit } => Answer::BlockIds(unlisted::first(batch, *limit)?),
        Query::InsertVote { vote } => insert_vote(batch, vote)?,
        Query::Votes { blocks } => votes(batch, blocks)?,
        Query::Positions { from, limit } => positions(batch, *from, *limit)?,
        Query::Claim { entry } => claim(batch, entry)?,
        Query::Heads { blocks, range } => pages::heads(batch, blocks, range)?,
        Query::Transactions { transactions, range } => {
            pages::transactions(batch, transactions, range)?
        }
        Query::VotesOn { voter, blocks } => pages::votes_on(batch, voter, blocks)?,
        Query::VotesBy { voter, range } => pages::votes_by(batch, voter, range)?,
        Query::PutBack(row) => put_back(batch, row)?,
    })
}

/// The tables that a query is about.
fn tables_of(query: &Query) -> &'static [TableId] {
    match query {
        Query::InsertBacklog { .. }
        | Query::Reassign { .. }
        | Query::DeleteBacklog { .. }
        | Query::Backlog { .. } => &[BACKLOG],
        Query::Gather(_) => &[BIGCHAIN, BACKLOG],
        Query::InsertBlock { .. }
        | Query::Blocks { .. }
        | Query::KnownBlocks { .. }
        | Query::Heads { .. }
        | Query::Transactions { .. } => &[BIGCHAIN],
        Query::UnlistedBlocks { .. } => &[BIGCHAIN, POSITIONS],
        Query::InsertVote { .. }
        | Query::Votes { .. }
        | Query::VotesOn { .. }
        | Query::VotesBy { .. } => &[VOTES],
        Query::Positions { .. } | Query::Claim { .. } => &[POSITIONS],
        Query::PutBack(row) => match row {
            Standing::Block(_) => &[BIGCHAIN],
            Standing::Vote(_) => &[VOTES],
            Standing::Entry(_) => &[POSITIONS],
        },
    }
}

fn inserted(inserted: bool) -> Answer {
    Answer::Written(if inserted { Write::Inserted } else { Write::Unchanged })
}

fn reassign(
    batch: &mut Batch<'_>,
    transaction: &TxId,
    from: &NodeKey,
    to: &NodeKey,
) -> Result<Answer, BatchError> {
    let waiting = text_row(batch, BACKLOG, transaction.as_str())?.and_then(|row| row.waiting());
    let changed = match waiting {
        Some(waiting) if waiting.assignee == *from => {
            batch.replace(BACKLOG, BacklogRow { assignee: to.clone(), ..waiting }.into())?
        }
        _ => false,
    };
    Ok(Answer::Written(if changed { Write::Changed } else { Write::Unchanged }))
}

fn delete(batch: &mut Batch<'_>, transactions: &[TxId]) -> Result<Answer, BatchError> {
    let mut deleted = false;
    for id in transactions {
        // What cannot be a key is not there.
        match batch.delete(BACKLOG, &Json::from(id.as_str())) {
            Err(BatchError::Key(_)) => {}
            outcome => deleted |= outcome?,
        }
    }
    Ok(Answer::Written(if deleted { Write::Changed } else { Write::Unchanged }))
}

fn backlog(
    batch: &Batch<'_>,
    assignee: Option<&NodeKey>,
    limit: usize,
) -> Result<Answer, BatchError> {
    let (index, prefix) = match assignee {
        Some(node) => (BACKLOG_BY_ASSIGNEE, starts_with(BACKLOG_BY_ASSIGNEE, node.as_str())),
        None => (BACKLOG_BY_TIMESTAMP, Space::index(BACKLOG_BY_TIMESTAMP).key()),
    };
    let (mut from, to) = (prefix.clone(), after(&prefix));
    let mut waiting = Vec::new();
    // Rows that are no transactions do not count: there may be more to read.
    while waiting.len() < limit {
        let entries = batch.entries_from(index, &from, &to, limit - waiting.len())?;
        let Some(last) = entries.last() else { break };
        from = [last.key(), &[0]].concat();
        for entry in &entries {
            waiting.extend(batch.row(&entry.row())?.and_then(|row| row.waiting()));
        }
    }
    Ok(Answer::Backlog(waiting))
}

fn gather(batch: &Batch<'_>, needs: &Needs) -> Result<Gathered, StorageError> {
    let mut gathered = Gathered::default();
    for id in &needs.transactions {
        let entries = batch.entries_under(BIGCHAIN_BY_TRANSACTION, id.as_str(), usize::MAX)?;
        gathered.found.extend(parts(batch, &entries)?);
        let waiting = text_row(batch, BACKLOG, id.as_str())?.and_then(|row| row.waiting());
        gathered.waiting.extend(waiting);
    }
    for output in &needs.outputs {
        gathered.spends.extend(spends(batch, output)?);
    }
    Ok(gathered)
}

/// Who spends an output. The index knows `txid` and `cid` only, so what it finds is looked at.
fn spends(batch: &Batch<'_>, output: &Output) -> Result<Vec<Spend>, StorageError> {
    let mut prefix = starts_with(BIGCHAIN_BY_SPENT_OUTPUT, output.txid.as_str());
    if output.oddity.is_none() {
        key::encode(&Json::from(output.cid), &mut prefix);
    }
    let mut entries = batch.entries(BIGCHAIN_BY_SPENT_OUTPUT, &prefix, usize::MAX)?;
    // A transaction has an entry per input; one of them is enough to look at it.
    let mut seen = BTreeSet::new();
    entries.retain(|entry| seen.insert((entry.id().to_vec(), entry.element())));
    let mut spends = Vec::new();
    for (block, transaction) in parts(batch, &entries)? {
        let times = transaction.inputs().iter().filter(|input| *input == output).count();
        let spend = Spend { output: output.clone(), by: transaction.id().clone(), block };
        spends.extend(std::iter::repeat_n(spend, times));
    }
    Ok(spends)
}

/// The transactions that these entries of an index of `bigchain` point to, with their blocks.
fn parts(
    batch: &Batch<'_>,
    entries: &[Entry],
) -> Result<Vec<(BlockId, Arc<Transaction>)>, StorageError> {
    let mut parts = Vec::with_capacity(entries.len());
    for entry in entries {
        let Some(number) = entry.element() else { continue };
        let part = batch.part(&entry.row(), number)?;
        let block = key::text(entry.id()).map(BlockId::from);
        parts.extend(block.zip(part));
    }
    Ok(parts)
}

fn blocks(batch: &Batch<'_>, ids: &[BlockId]) -> Result<Answer, BatchError> {
    let mut blocks: Vec<Arc<Block>> = Vec::with_capacity(ids.len());
    for id in ids {
        let row = text_row(batch, BIGCHAIN, id.as_str())?;
        blocks.extend(row.and_then(|row| row.block().cloned()));
    }
    Ok(Answer::Blocks(blocks))
}

fn known(batch: &Batch<'_>, ids: &[BlockId]) -> Result<Answer, BatchError> {
    let mut known = Vec::with_capacity(ids.len());
    for id in ids {
        if batch.shape(&text_key(BIGCHAIN, id.as_str()))? == Some(Shape::Block) {
            known.push(id.clone());
        }
    }
    Ok(Answer::BlockIds(known))
}

fn insert_vote(batch: &mut Batch<'_>, vote: &VoteRow) -> Result<Answer, BatchError> {
    if batch.insert(VOTES, vote.clone().into())? {
        return Ok(Answer::VoteWritten(vote.clone()));
    }
    let row = text_row(batch, VOTES, &vote.key)?;
    let stands = row.and_then(|row| row.vote());
    Ok(Answer::VoteWritten(stands.unwrap_or_else(|| nobodys_vote(&vote.key))))
}

/// What is told of a row that is no vote at all, when its key is wanted for one.
pub fn nobodys_vote(key: &Arc<str>) -> VoteRow {
    let empty = || Json::from("");
    let vote = Json::object([
        ("voting_for_block", empty()),
        ("previous_block", empty()),
        ("is_block_valid", Json::from(false)),
    ]);
    let document = Json::object([("node_pubkey", empty()), ("signature", empty()), ("vote", vote)]);
    let vote = Vote::from_document(document).expect("it has the shape of a vote");
    VoteRow { key: key.clone(), vote: Arc::new(vote) }
}

fn votes(batch: &Batch<'_>, blocks: &[BlockId]) -> Result<Answer, BatchError> {
    let mut votes = Vec::new();
    for block in blocks {
        let prefix = starts_with(VOTES_BY_BLOCK, block.as_str());
        let rows = batch.rows_of(&batch.entries(VOTES_BY_BLOCK, &prefix, usize::MAX)?)?;
        votes.extend(rows.iter().filter_map(|row| row.vote()));
    }
    Ok(Answer::Votes(votes))
}

fn positions(batch: &Batch<'_>, from: Position, limit: usize) -> Result<Answer, BatchError> {
    let space = Space::rows(POSITIONS).key();
    let mut start = space.clone();
    key::encode(&Json::from(from.0), &mut start);
    // Numbers only: what has another kind of key is not in the list.
    let to = [&*space, &[b'N' + 1]].concat();
    let mut entries = Vec::new();
    while entries.len() < limit {
        let keys = batch.keys(&start, &to, Direction::Ascending, limit - entries.len())?;
        let Some(last) = keys.last() else { break };
        start = [&**last, &[0]].concat();
        for key in keys {
            entries.extend(batch.row(&key)?.and_then(|row| list_entry(&row)));
        }
    }
    Ok(Answer::Positions(entries))
}

fn claim(batch: &mut Batch<'_>, entry: &ListEntry) -> Result<Answer, BatchError> {
    let id = Json::from(entry.position.0);
    if batch.insert(POSITIONS, entry_row(entry))? {
        return Ok(Answer::Claimed(entry.clone()));
    }
    let row = batch.get(POSITIONS, &id)?.expect("the row that was in the way");
    let nobodys = || ListEntry { position: entry.position, block: "".into(), genesis: None };
    Ok(Answer::Claimed(list_entry(&row).unwrap_or_else(nobodys)))
}

/// An entry, and nothing else.
pub(crate) fn entry_row(entry: &ListEntry) -> Row {
    let mut document = Object::new();
    document.insert("id", Json::from(entry.position.0));
    document.insert("block", Json::from(entry.block.as_str()));
    if let Some(genesis) = &entry.genesis {
        document.insert("genesis", genesis.document().clone());
    }
    Row::new(Shape::Plain, document.into())
}

fn put_back(batch: &mut Batch<'_>, row: &Standing) -> Result<Answer, BatchError> {
    let (table, row) = match row {
        Standing::Block(block) => (BIGCHAIN, block.clone().into()),
        Standing::Vote(vote) => (VOTES, vote.clone().into()),
        Standing::Entry(entry) => (POSITIONS, entry_row(entry)),
    };
    let gone = batch.shape(&batch.primary_key(table, &row)?)?.is_none();
    Ok(Answer::Written(match batch.replace(table, row)? {
        true if gone => Write::Inserted,
        true => Write::Changed,
        false => Write::Unchanged,
    }))
}

/// A row of `positions`; none if its key is no position. What names no block stands there all the
/// same, for a block that nobody has.
pub fn list_entry(row: &Row) -> Option<ListEntry> {
    let field = |name| row.root().get(name).and_then(Field::json);
    let position = match field("id")? {
        Json::Int(int) => u64::try_from(*int).ok()?,
        // Equal numbers are one key, however they are written.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        Json::Float(float) if float.fract() == 0.0 && (0.0..=EXACT).contains(float) => {
            *float as u64
        }
        _ => return None,
    };
    let block = field("block").and_then(Json::as_str).unwrap_or_default().into();
    let genesis = field("genesis").cloned().and_then(|genesis| Block::from_document(genesis).ok());
    Some(ListEntry { position: Position(position), block, genesis: genesis.map(Arc::new) })
}

/// Up to here every whole number has a double of its own: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The whole key of the row with a text for its primary key.
fn text_key(table: TableId, id: &str) -> Key {
    let mut key = Space::rows(table).key();
    key::encode_text(id, &mut key);
    key.into()
}

fn text_row(batch: &Batch<'_>, table: TableId, id: &str) -> Result<Option<Arc<Row>>, StorageError> {
    batch.row(&text_key(table, id))
}

/// What the entries of a compound index start with whose first part is a text.
fn starts_with(index: IndexId, first: &str) -> Vec<u8> {
    let mut prefix = Space::index(index).key();
    key::encode_start_of_array(&[Json::from(first)], &mut prefix);
    prefix
}
