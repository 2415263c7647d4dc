//! A feed of one row.

use std::sync::Arc;

use super::tell::{Listener, News, Queue, skipped};
use super::watch::stored;
use super::{Options, POINT_FEED, Watch, first, notes};
use crate::reql::datum::Datum;
use crate::reql::eval::seq::Endless;
use crate::reql::eval::table::{Single, Which, Yield};
use crate::reql::eval::{Next, Run, Stream};
use crate::reql::failure::{Failure, Result};

/// A feed of the row of a key, or of the first of some rows.
pub(super) fn open(run: &Run, single: &Single, options: Options) -> Result<Box<dyn Stream>> {
    let key = match &single.which {
        Which::Key(key) => key.clone(),
        Which::First(slice, _) => {
            let wanted = slice.wanted(Yield::Rows);
            let (table, steps) = (slice.table.clone(), Vec::new());
            let watch = Watch { table, wanted, steps, first: Some(1) };
            return first::open(run, watch, 1, options);
        }
    };
    if options.offsets {
        return Err(Failure::logic("Cannot include offsets for point subs."));
    }
    let stored = stored(&single.table)?;
    let listener = Listener::open(run, stored, options)?;
    let rows = Arc::clone(&single.table.rows);
    let mut row = rows.get(run, &key, single.table.read_mode)?;
    let mut queue = Queue::new(options);
    // What was written before the row was read is in it.
    for news in listener.now()?.unwrap_or_default() {
        match news {
            News::Changed(changed) if listener.key(&changed) == key => row = changed.new,
            _ => (),
        }
    }
    if options.initial {
        queue.state("initializing");
        queue.initial(row, None);
    }
    queue.state("ready");
    Ok(Box::new(PointFeed { key, listener, queue, options }))
}

struct PointFeed {
    key: Datum,
    listener: Listener,
    queue: Queue,
    options: Options,
}

impl Stream for PointFeed {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            if let Some(item) = self.queue.items.pop_front() {
                return Ok(Next::Item(item));
            }
            let Some(news) = self.listener.news(run)? else { return Ok(Next::Pending) };
            for news in news {
                match news {
                    News::Changed(changed) if self.listener.key(&changed) == self.key => {
                        self.queue.change(changed.old, changed.new, [None; 2]);
                    }
                    News::Changed(_) => (),
                    News::Skipped(count) => self.queue.items.push_back(skipped(count)),
                }
            }
        }
    }

    fn endless(&self) -> Option<Endless> {
        Some(Endless::Feed)
    }

    fn is_feed(&self) -> bool {
        true
    }

    fn notes(&self) -> Vec<u8> {
        notes(POINT_FEED, self.options)
    }
}
