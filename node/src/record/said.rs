//! What came of an input: `["Query { ticket: Ticket(8), … }", …]`, a text for each effect.
//!
//! The text names documents by their ids. Where a document leaves the node, behind the text stands a
//! digest of all that it says, as its id does not cover everything. Digests are the first 16 bytes of
//! SHA-256, in hex.

use bigchaindb_core::model::{Block, Json};
use bigchaindb_core::query::{ListEntry, Query, Standing};
use bigchaindb_core::stages::{Effect, Outcome, Response, Work};
use sha2::{Digest as _, Sha256};

use super::line::{Items, Known, Line, Met, Read, hex};

pub(super) fn write(effects: &[Effect], out: &mut String) {
    let mut known = Known::default();
    Line::new(out, &mut known).list(effects, |line, effect| line.text(&text(effect)));
}

pub(super) fn read(line: Json) -> Read<Vec<String>> {
    Items::of(line, &mut Met::default())?.all(|items| Ok(items.text()?.to_string()))
}

/// An effect in words.
pub(super) fn text(effect: &Effect) -> String {
    if let Effect::Work { ticket, work: Work::Prepare { uuid, timestamp, posted: _ } } = effect {
        // What was posted is the input itself.
        let work = format!("Prepare {{ uuid: {uuid:?}, timestamp: {timestamp} }}");
        return format!("Work {{ ticket: {ticket:?}, work: {work} }}");
    }
    let mut documents = Documents::default();
    match effect {
        Effect::Query { query, .. } => documents.asked(query),
        Effect::Respond { response, .. } => match response {
            Response::Accepted(transaction, _) | Response::Found(transaction, _) => {
                documents.add(transaction.document());
            }
            Response::Status(_)
            | Response::NotFound
            | Response::Refused(_)
            | Response::Failed(_)
            | Response::Unavailable(_) => {}
        },
        // What work is about came in as an input; what comes of it has a digest of its own.
        Effect::Work { .. } | Effect::Open(_) | Effect::Wake { .. } | Effect::Report(_) => {}
    }
    match documents.digest() {
        Some(digest) => format!("{effect:?} {digest}"),
        None => format!("{effect:?}"),
    }
}

/// A digest of what work came to.
pub(super) fn digest(outcome: &Outcome) -> String {
    let mut documents = Documents::default();
    match outcome {
        Outcome::Prepared(Ok((transaction, _))) => documents.add(transaction.document()),
        Outcome::BlockMade(Ok(block)) => documents.add_block(block),
        // The others are named: they came in as an input.
        Outcome::Prepared(Err(_))
        | Outcome::Checked(_)
        | Outcome::BlockChecked(_)
        | Outcome::BlockMade(Err(_)) => {}
    }
    documents.add_text(&format!("{outcome:?}"));
    documents.digest().unwrap_or_default()
}

/// Documents that were met.
#[derive(Default)]
struct Documents(Option<Sha256>);

impl Documents {
    fn asked(&mut self, query: &Query) {
        match query {
            Query::InsertBacklog { transaction, .. } => self.add(transaction.document()),
            Query::InsertBlock { block } | Query::PutBack(Standing::Block(block)) => {
                self.add_block(block);
            }
            Query::InsertVote { vote: row } | Query::PutBack(Standing::Vote(row)) => {
                self.add(row.vote.document());
            }
            Query::Claim { entry } | Query::PutBack(Standing::Entry(entry)) => {
                let ListEntry { genesis, .. } = entry;
                genesis.iter().for_each(|genesis| self.add_block(genesis));
            }
            Query::Reassign { .. }
            | Query::DeleteBacklog { .. }
            | Query::Backlog { .. }
            | Query::Gather(_)
            | Query::Blocks { .. }
            | Query::KnownBlocks { .. }
            | Query::UnlistedBlocks { .. }
            | Query::Votes { .. }
            | Query::Positions { .. }
            | Query::Heads { .. }
            | Query::Transactions { .. }
            | Query::VotesOn { .. }
            | Query::VotesBy { .. } => {}
        }
    }

    fn add(&mut self, document: &Json) {
        self.add_text(&document.to_string());
    }

    fn add_block(&mut self, block: &Block) {
        self.add(block.frame());
        block.transactions().iter().for_each(|transaction| self.add(transaction.document()));
    }

    fn add_text(&mut self, text: &str) {
        self.0.get_or_insert_default().update(text.as_bytes());
    }

    fn digest(self) -> Option<String> {
        self.0.map(|sum| hex(&sum.finalize()[..16]))
    }
}
