//! A feed of a system table: nobody is told when its rows change, so they are looked at again and again,
//! and the difference is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::tell::Queue;
use super::{Options, POINT_FEED, SEQUENCE_FEED, Watch, notes};
use crate::reql::datum::Datum;
use crate::reql::error::ErrorKind;
use crate::reql::eval::seq::Endless;
use crate::reql::eval::table::{Single, Table};
use crate::reql::eval::{Next, Run, Stream};
use crate::reql::failure::{Failure, Place, Result};

/// How long nobody looks after somebody has: what comes and goes in between is not told.
const PAUSE: Duration = Duration::from_millis(100);

/// What is looked at.
enum Looked {
    /// All rows that are watched.
    Rows(Watch),
    /// One row, of this table and key.
    Row(Arc<Table>, Datum),
}

/// A feed of what is watched of a system table.
pub(super) fn of_rows(run: &Run, watch: Watch, options: Options) -> Result<Box<dyn Stream>> {
    if watch.first.is_some() {
        let message = "System tables don't support changefeeds on `.limit()`.";
        return Err(Failure::new(ErrorKind::OpFailed, message));
    }
    open(run, Looked::Rows(watch), options)
}

/// A feed of one row of a system table.
pub(super) fn of_row(run: &Run, single: &Single, options: Options) -> Result<Box<dyn Stream>> {
    let key = single.key(run, Place::default())?;
    open(run, Looked::Row(single.table.clone(), key), options)
}

fn open(run: &Run, looked: Looked, options: Options) -> Result<Box<dyn Stream>> {
    let mut queue = Queue::new(options);
    let shown = looked.look(run)?;
    if options.initial {
        queue.state("initializing");
        match &looked {
            Looked::Row(..) => {
                queue.initial(shown.values().next().cloned().unwrap_or_default(), None)
            }
            Looked::Rows(_) => shown.values().for_each(|row| queue.initial(row.clone(), None)),
        }
    }
    queue.state("ready");
    Ok(Box::new(LookedFeed { looked, shown, queue, options, looked_s: run.clock_s() }))
}

impl Looked {
    /// What is there now, by primary key.
    fn look(&self, run: &Run) -> Result<BTreeMap<Datum, Datum>> {
        let mut found = BTreeMap::new();
        match self {
            Self::Row(table, key) => {
                let row = table.rows.get(run, key, table.read_mode)?;
                if !row.is_null() {
                    found.insert(key.clone(), row);
                }
            }
            Self::Rows(watch) => {
                let primary_key = watch.table.rows.primary_key();
                let mut rows = watch.rows(run)?;
                while let Next::Item(row) = rows.next_value(run)? {
                    let key = row.get(&primary_key).cloned().unwrap_or_default();
                    if let Some(element) = watch.element(run, row) {
                        found.insert(key, element);
                    }
                }
            }
        }
        Ok(found)
    }
}

struct LookedFeed {
    looked: Looked,
    /// What the reader knows, or will when it has read what is queued.
    shown: BTreeMap<Datum, Datum>,
    queue: Queue,
    options: Options,
    /// When somebody looked, in seconds since 1970.
    looked_s: f64,
}

impl LookedFeed {
    fn tell(&mut self, run: &Run) -> Result<()> {
        let mut before = std::mem::replace(&mut self.shown, self.looked.look(run)?);
        for (key, new) in &self.shown {
            let old = before.remove(key).unwrap_or_default();
            self.queue.change(old, new.clone(), [None; 2]);
        }
        for old in before.into_values() {
            self.queue.change(old, Datum::Null, [None; 2]);
        }
        Ok(())
    }
}

impl Stream for LookedFeed {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            if let Some(item) = self.queue.items.pop_front() {
                return Ok(Next::Item(item));
            }
            let now_s = run.clock_s();
            let pause_s = PAUSE.as_secs_f64();
            // A clock that is set back holds up nobody.
            if !(0.0..pause_s).contains(&(now_s - self.looked_s)) {
                self.looked_s = now_s;
                self.tell(run)?;
                if !self.queue.items.is_empty() {
                    continue;
                }
            }
            (run.env()?.wake_within)(PAUSE);
            return Ok(Next::Pending);
        }
    }

    fn endless(&self) -> Option<Endless> {
        Some(Endless::Feed)
    }

    fn is_feed(&self) -> bool {
        true
    }

    fn notes(&self) -> Vec<u8> {
        let kind = match self.looked {
            Looked::Row(..) => POINT_FEED,
            Looked::Rows(_) => SEQUENCE_FEED,
        };
        notes(kind, self.options)
    }
}
