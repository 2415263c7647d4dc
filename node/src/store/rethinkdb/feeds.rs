//! Feeds: a table's later changes, as a node hears of them.
//!
//! A feed that breaks, for whatever reason, ends. That includes the element by which the server
//! says that it dropped some: whoever reads opens another and reads what was missed.

use bigchaindb_core::model::Json;
use bigchaindb_core::query::{Change, Feed};
use tokio::sync::mpsc;

use super::Term;
use super::connection::Cursor;
use super::queries::shape::is_block;
use super::rows;
use super::schema::{BACKLOG, BIGCHAIN, POSITIONS, VOTES};
use super::term::ReadMode;

/// Changes that wait here for a node. While they do, the server keeps those that follow: up to
/// 100 000.
pub(super) const QUEUE_MAX: usize = 1000;

/// The query that opens a feed.
pub(super) fn term(feed: Feed) -> Term {
    let table = |name| Term::table(name, ReadMode::Single);
    match feed {
        Feed::Backlog => table(BACKLOG).changes(),
        // Blocks are large, and their ids are all that is told.
        Feed::Blocks => table(BIGCHAIN)
            .map(Term::function([1], |[row]| {
                Term::branch(is_block(&row), row.at("id"), Term::null())
            }))
            .changes(),
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
        _ if old.is_some() => None,
        Feed::Blocks => Some(Change::Block(rows::block_id(new?)?)),
        Feed::Votes => Some(Change::Vote(rows::vote(new?)?)),
        Feed::Positions => Some(Change::Position(rows::entry(new?)?)),
    }
}
