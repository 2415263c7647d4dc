//! Feeds: a table's later changes, as a node hears of them.
//!
//! A feed that breaks, for whatever reason, ends. That includes the element by which the server
//! says that it dropped some: whoever reads opens another and reads what was missed.

use bigchaindb_core::model::Json;
use bigchaindb_core::query::{Change, Feed, Standing};
use tokio::sync::mpsc;

use super::Term;
use super::connection::Cursor;
use super::queries::shape::is_block;
use super::rows;
use super::schema::{BACKLOG, BIGCHAIN, POSITIONS, VOTES};
use super::term::{NOTHING, OBJECT, ReadMode};

/// Changes that wait here for a node. While they do, the server keeps those that follow: up to
/// 100 000.
pub(super) const QUEUE_MAX: usize = 1000;

/// The query that opens a feed.
pub(super) fn term(feed: Feed) -> Term {
    let table = |name| Term::table(name, ReadMode::Single);
    match feed {
        Feed::Backlog => table(BACKLOG).changes(),
        // Blocks are large, and of a new one the id is all that is told.
        Feed::Blocks => table(BIGCHAIN).changes().map(Term::function([1], |[change]| {
            let new = change.clone().at("new_val");
            let is_new = Term::all([
                change.clone().at("old_val").is(NOTHING),
                new.clone().is(OBJECT),
                is_block(&new),
            ]);
            Term::branch(is_new, Term::object([("new_val", new.at("id"))]), change)
        })),
        Feed::Votes => table(VOTES).changes(),
        Feed::Positions => table(POSITIONS).changes(),
    }
}

/// Tells of changes until nobody listens or the feed breaks.
pub(super) async fn tell(feed: Feed, mut elements: Cursor, changes: mpsc::Sender<Change>) {
    loop {
        let batch = tokio::select! {
            () = changes.closed() => return,
            batch = elements.next() => batch,
        };
        let Ok(Some(batch)) = batch else { return };
        for element in batch.values() {
            if is_break(&element) {
                return;
            }
            if let Some(change) = change(feed, element)
                && changes.send(change).await.is_err()
            {
                return;
            }
        }
    }
}

/// Whether an element is no change: then some were dropped.
fn is_break(element: &Json) -> bool {
    element.get("error").is_some()
}

/// What an element tells a node; none if it is no such change that a node listens to.
fn change(feed: Feed, mut element: Json) -> Option<Change> {
    let mut take = |name| {
        let value = element.get_mut(name).map(|value| std::mem::replace(value, Json::Null));
        value.filter(|value| !value.is_null())
    };
    let (old, new) = (take("old_val"), take("new_val"));
    match feed {
        Feed::Backlog => {
            let (old, new) = (old.and_then(rows::waiting), new.and_then(rows::waiting));
            (old.is_some() || new.is_some()).then_some(Change::Backlog { old, new })
        }
        Feed::Blocks | Feed::Votes | Feed::Positions if old.is_some() => {
            let (row, deleted) = (standing(feed, old?)?, new.is_none());
            Some(Change::Harmed { row, deleted })
        }
        Feed::Blocks => Some(Change::Block(rows::block_id(new?)?)),
        Feed::Votes => Some(Change::Vote(rows::vote(new?)?)),
        Feed::Positions => Some(Change::Position(rows::entry(new?)?)),
    }
}

/// A row as it stood, if it was what its table is for.
fn standing(feed: Feed, old: Json) -> Option<Standing> {
    match feed {
        Feed::Blocks => rows::block(old).map(Standing::Block),
        Feed::Votes => rows::vote(old).map(Standing::Vote),
        Feed::Positions => {
            let entry = rows::entry(old.clone())?;
            let is_bare = rows::is_same(&rows::entry_document(&entry), &old);
            is_bare.then_some(Standing::Entry(entry))
        }
        Feed::Backlog => None,
    }
}
