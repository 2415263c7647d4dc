//! The store's own history: every question about a single row, from when it is asked until it is
//! answered. It makes the log several times as long, so it is told only where a scenario asks for it.

use std::sync::Arc;

use bigchaindb_core::model::{Json, TxId};
use bigchaindb_core::query::{Answer, Query, Standing, StoreError, VoteRow, Write};
use bigchaindb_core::stages::Ticket;

use super::World;
use crate::observe::{Deed, Done, Kind, Record, Stored, Table};

/// A question that was asked, row by row.
pub(super) struct Question {
    number: u64,
    query: Query,
}

/// What is done to a row, and what is known of it.
struct Row {
    table: Table,
    key: Arc<str>,
    deed: Deed,
    from: Option<Arc<str>>,
    value: Option<Arc<str>>,
    done: Option<Done>,
}

impl Row {
    fn new(table: Table, key: impl Into<Arc<str>>, deed: Deed) -> Self {
        Self { table, key: key.into(), deed, from: None, value: None, done: None }
    }

    fn with(self, value: impl Into<Arc<str>>) -> Self {
        Self { value: Some(value.into()), ..self }
    }
}

impl World<'_> {
    /// A node asks.
    pub(super) fn note_question(&mut self, node: usize, start: u64, ticket: Ticket, query: &Query) {
        if !self.plan.expect.store_history || rows(query).is_empty() {
            return;
        }
        self.noted += 1;
        let number = self.noted;
        self.tell_rows(node, number, Kind::Invoke, rows(query));
        let question = Question { number, query: query.clone() };
        self.noted_questions.insert((node, start, ticket), question);
    }

    /// A node has its answer, or knows that there will be none.
    pub(super) fn note_answer(
        &mut self,
        node: usize,
        start: u64,
        ticket: Ticket,
        answer: &Result<Answer, StoreError>,
    ) {
        let Some(Question { number, query }) = self.noted_questions.remove(&(node, start, ticket))
        else {
            return;
        };
        match answer {
            Ok(answer) => {
                let rows = rows(&query).into_iter().map(|row| answered(row, answer)).collect();
                self.tell_rows(node, number, Kind::Ok, rows);
                if let (Query::Positions { from, limit }, Answer::Positions(entries)) =
                    (&query, answer)
                {
                    let read = |at: u64| Row::new(Table::Positions, at.to_string(), Deed::Read);
                    let after = entries.iter().filter(|entry| entry.position != *from);
                    let known =
                        after.map(|entry| read(entry.position.0).with(entry.block.as_str()));
                    let next = entries.last().map_or(from.0, |entry| entry.position.0 + 1);
                    // All there are were told, so the next is not there.
                    let end = (entries.len() < *limit && next != from.0).then(|| read(next));
                    let rows = known.chain(end).collect();
                    self.tell_rows(node, number, Kind::Ok, rows);
                }
            }
            Err(_) => self.tell_rows(node, number, Kind::Info, rows(&query)),
        }
    }

    fn tell_rows(&mut self, node: usize, number: u64, kind: Kind, rows: Vec<Row>) {
        for Row { table, key, deed, from, value, done } in rows {
            let node = self.nodes[node].name.clone();
            let stored = Stored { number, node, kind, deed, table, key, from, value, done };
            self.tell(Record::Stored(stored));
        }
    }
}

/// The rows that a question is about, with what it wants of them. Questions about whatever there is
/// name no rows; of a part of the list only the first is known before it has been read.
fn rows(query: &Query) -> Vec<Row> {
    let waiting = |id: &TxId, deed| Row::new(Table::Backlog, id.as_str(), deed);
    match query {
        Query::InsertBacklog { transaction, assignee } => {
            vec![waiting(transaction.id(), Deed::Insert).with(assignee.as_str())]
        }
        Query::Reassign { transaction, from, to } => {
            let row = waiting(transaction, Deed::Update).with(to.as_str());
            vec![Row { from: Some(from.as_str().into()), ..row }]
        }
        Query::DeleteBacklog { transactions } => {
            transactions.iter().map(|id| waiting(id, Deed::Delete)).collect()
        }
        Query::Gather(needs) => {
            needs.transactions.iter().map(|id| waiting(id, Deed::Read)).collect()
        }
        Query::InsertBlock { block } => {
            vec![Row::new(Table::Bigchain, block.id().as_str(), Deed::Insert).with(THERE)]
        }
        Query::Blocks { ids } | Query::KnownBlocks { ids } => {
            ids.iter().map(|id| Row::new(Table::Bigchain, id.as_str(), Deed::Read)).collect()
        }
        Query::InsertVote { vote } => {
            vec![Row::new(Table::Votes, &*vote.key, Deed::Insert).with(signature(vote))]
        }
        Query::Claim { entry } => {
            let key = entry.position.0.to_string();
            vec![Row::new(Table::Positions, key, Deed::Insert).with(entry.block.as_str())]
        }
        Query::PutBack(Standing::Block(block)) => {
            vec![Row::new(Table::Bigchain, block.id().as_str(), Deed::Put).with(THERE)]
        }
        Query::PutBack(Standing::Vote(vote)) => {
            vec![Row::new(Table::Votes, &*vote.key, Deed::Put).with(signature(vote))]
        }
        Query::PutBack(Standing::Entry(entry)) => {
            let key = entry.position.0.to_string();
            vec![Row::new(Table::Positions, key, Deed::Put).with(entry.block.as_str())]
        }
        Query::Positions { from, .. } => {
            vec![Row::new(Table::Positions, from.0.to_string(), Deed::Read)]
        }
        _ => Vec::new(),
    }
}

/// What a block's row holds: its id says all.
const THERE: &str = "there";

/// What a vote's row holds: its signature says all.
fn signature(vote: &VoteRow) -> Arc<str> {
    let signature = vote.vote.document().get("signature").and_then(Json::as_str);
    signature.unwrap_or("unsigned").into()
}

/// A row with what the answer says of it.
fn answered(row: Row, answer: &Answer) -> Row {
    let (value, done) = match answer {
        Answer::Written(Write::Inserted) => (row.value.clone(), Some(Done::Inserted)),
        Answer::Written(write) => match (row.deed, write) {
            (Deed::Insert, _) => (None, Some(Done::Exists)),
            (Deed::Update, Write::Changed) => (row.value.clone(), Some(Done::Changed)),
            (Deed::Update, _) => (None, Some(Done::Unchanged)),
            // Of several that are deleted nobody says which were there.
            (Deed::Put | Deed::Delete | Deed::Read, _) => (row.value.clone(), None),
        },
        Answer::VoteWritten(vote) => (Some(signature(vote)), None),
        Answer::Claimed(entry) => (Some(entry.block.as_str().into()), None),
        Answer::Blocks(blocks) => (
            blocks.iter().any(|block| block.id().as_str() == &*row.key).then(|| THERE.into()),
            None,
        ),
        Answer::BlockIds(ids) => {
            (ids.iter().any(|id| id.as_str() == &*row.key).then(|| THERE.into()), None)
        }
        Answer::Positions(entries) => {
            let found = entries.iter().find(|entry| entry.position.0.to_string() == *row.key);
            (found.map(|entry| entry.block.as_str().into()), None)
        }
        Answer::Gathered(gathered) => {
            let mut waiting = gathered.waiting.iter();
            let found = waiting.find(|found| found.transaction.id().as_str() == &*row.key);
            (found.map(|found| found.assignee.as_str().into()), None)
        }
        _ => (None, None),
    };
    Row { value, done, ..row }
}
