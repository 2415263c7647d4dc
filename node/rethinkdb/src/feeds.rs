//! Feeds: whoever subscribes to a table is told of every later change, in the order of the writes.
//!
//! A feed starts at "now" and replays nothing. It is a bounded buffer that its subscriber empties
//! when it likes: a simulator after each write, a node's thread when it is woken. When the buffer
//! is full its contents are dropped and one element says how many, as RethinkDB does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use bigchaindb_core::query::{self, Standing};

use crate::catalog::{BACKLOG, BIGCHAIN, POSITIONS, TableId, VOTES};
use crate::row::Row;

/// How many elements wait for a subscriber at most. RethinkDB: `changefeed_queue_size`.
pub const QUEUE_MAX: usize = 100_000;

/// One row changed.
#[derive(Clone, Debug)]
pub struct Change {
    /// In which table.
    pub table: TableId,
    /// The row as it was; none if it was inserted.
    pub old: Option<Arc<Row>>,
    /// The row as it is; none if it was deleted.
    pub new: Option<Arc<Row>>,
}

impl Change {
    /// The change as a node hears of it; none if it is no such change that a node listens to, or
    /// the row is nothing a node takes for what it should be.
    pub fn told(&self) -> Option<query::Change> {
        let waiting = |row: &Option<Arc<Row>>| row.as_ref().and_then(|row| row.waiting());
        match (TableId::any(self.table.number), &self.old, &self.new) {
            (BACKLOG, old, new) => {
                let (old, new) = (waiting(old), waiting(new));
                (old.is_some() || new.is_some()).then_some(query::Change::Backlog { old, new })
            }
            (BIGCHAIN, None, Some(row)) => Some(query::Change::Block(row.block()?.id().clone())),
            (VOTES, None, Some(row)) => Some(query::Change::Vote(row.vote()?)),
            (POSITIONS, None, Some(row)) => {
                Some(query::Change::Position(crate::answer::list_entry(row)?))
            }
            (BIGCHAIN, Some(old), new) => {
                harmed(Standing::Block(old.block()?.clone()), new.is_none())
            }
            (VOTES, Some(old), new) => harmed(Standing::Vote(old.vote()?), new.is_none()),
            (POSITIONS, Some(old), new) => {
                let entry = crate::answer::list_entry(old)?;
                let is_bare = crate::answer::entry_row(&entry) == **old;
                is_bare.then_some(())?;
                harmed(Standing::Entry(entry), new.is_none())
            }
            _ => None,
        }
    }
}

fn harmed(row: Standing, deleted: bool) -> Option<query::Change> {
    Some(query::Change::Harmed { row, deleted })
}

/// The table that a node's feed is about, in [`BIGCHAINDB`](crate::BIGCHAINDB).
pub fn table_of(feed: query::Feed) -> TableId {
    match feed {
        query::Feed::Backlog => BACKLOG,
        query::Feed::Blocks => BIGCHAIN,
        query::Feed::Votes => VOTES,
        query::Feed::Positions => POSITIONS,
    }
}

/// One element of a feed.
#[derive(Clone, Debug)]
pub enum Element {
    /// A row changed.
    Change(Change),
    /// The subscriber was too slow: so many changes were dropped here.
    Skipped(usize),
}

/// Called after changes were put into a feed, by whoever wrote them; it must not block.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// A feed, as its subscriber holds it. Dropping it ends it.
pub struct Subscription {
    queue: Arc<Queue>,
}

impl Subscription {
    /// Takes out what waits, oldest first.
    pub fn drain(&self) -> Vec<Element> {
        let mut state = self.queue.lock();
        let skipped = match std::mem::take(&mut state.skipped) {
            0 => None,
            number => Some(Element::Skipped(number)),
        };
        skipped.into_iter().chain(state.changes.drain(..).map(Element::Change)).collect()
    }

    /// How many changes wait.
    pub fn waiting(&self) -> usize {
        self.queue.lock().changes.len()
    }

    /// Whether the feed broke: nothing more will come.
    pub fn is_closed(&self) -> bool {
        self.queue.lock().closed
    }
}

struct Queue {
    table: TableId,
    max: usize,
    wake: Option<Wake>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Dropped before the oldest of `changes`.
    skipped: usize,
    changes: VecDeque<Change>,
    closed: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding a feed's lock")
    }

    fn woken(&self) {
        if let Some(wake) = &self.wake {
            wake();
        }
    }
}

/// All feeds of an engine.
#[derive(Default)]
pub(crate) struct Feeds(Vec<Weak<Queue>>);

impl Feeds {
    pub(crate) fn subscribe(
        &mut self,
        table: TableId,
        max: usize,
        wake: Option<Wake>,
    ) -> Subscription {
        let queue = Arc::new(Queue { table, max, wake, state: Mutex::default() });
        self.0.push(Arc::downgrade(&queue));
        Subscription { queue }
    }

    /// Hands every change to the feeds of its table.
    pub(crate) fn tell(&mut self, changes: &[Change]) {
        self.0.retain(|queue| {
            let Some(queue) = queue.upgrade() else { return false };
            let mut news = changes
                .iter()
                .filter(|change| change.table.number == queue.table.number)
                .peekable();
            if news.peek().is_some() {
                let mut state = queue.lock();
                for change in news {
                    if state.changes.len() >= queue.max {
                        state.skipped += state.changes.len();
                        state.changes.clear();
                    }
                    state.changes.push_back(change.clone());
                }
                drop(state);
                queue.woken();
            }
            true
        });
    }

    /// Breaks the feeds of a table.
    pub(crate) fn close(&mut self, table: TableId) {
        self.close_if(|queue| queue.table.number == table.number);
    }

    /// Breaks every feed.
    pub(crate) fn close_all(&mut self) {
        self.close_if(|_| true);
    }

    fn close_if(&mut self, which: impl Fn(&Queue) -> bool) {
        self.0.retain(|queue| {
            let Some(queue) = queue.upgrade() else { return false };
            let closes = which(&queue);
            if closes {
                queue.lock().closed = true;
                queue.woken();
            }
            !closes
        });
    }
}

impl Drop for Feeds {
    fn drop(&mut self) {
        self.close_all();
    }
}
