//! A feed of the first rows in the order of an index.
//!
//! When something has changed the rows are read anew, and the difference is told: of several changes
//! that come together only their sum.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tell::{Listener, News, Queue, skipped};
use super::{FIRST_FEED, Options, Watch, notes};
use crate::reql::datum::Datum;
use crate::reql::eval::seq::Endless;
use crate::reql::eval::{Next, Run, Stream};
use crate::reql::failure::Result;

pub(super) fn open(
    run: &Run,
    watch: Watch,
    count: usize,
    options: Options,
) -> Result<Box<dyn Stream>> {
    let listener = Listener::open(run, watch.stored()?, options)?;
    let primary_key = watch.table.rows.primary_key();
    let queue = Queue::new(options);
    let mut feed =
        FirstFeed { watch, count, primary_key, listener, shown: Vec::new(), queue, options };
    feed.shown = feed.read(run)?;
    if options.initial {
        feed.queue.state("initializing");
        for (offset, row) in feed.shown.iter().enumerate() {
            feed.queue.initial(row.clone(), Some(offset));
        }
    }
    feed.queue.state("ready");
    Ok(Box::new(feed))
}

struct FirstFeed {
    watch: Watch,
    count: usize,
    primary_key: Arc<str>,
    listener: Listener,
    /// What the reader knows, or will when it has read what is queued; in order.
    shown: Vec<Datum>,
    queue: Queue,
    options: Options,
}

impl FirstFeed {
    /// The rows as they are now.
    fn read(&self, run: &Run) -> Result<Vec<Datum>> {
        let mut seq = self.watch.elements(run)?;
        let mut rows = Vec::new();
        while rows.len() < self.count
            && let Next::Item(row) = seq.next_value(run)?
        {
            rows.push(row);
            run.check_array_size(rows.len())?;
        }
        Ok(rows)
    }

    /// Tells what is different; a row that has left goes together with one that has come.
    fn tell(&mut self, rows: Vec<Datum>) {
        let key = |row: &Datum| row.get(&self.primary_key).cloned().unwrap_or_default();
        let mut before: BTreeMap<Datum, (usize, Datum)> = BTreeMap::new();
        for (offset, row) in self.shown.iter().enumerate() {
            before.insert(key(row), (offset, row.clone()));
        }
        let (mut stayed, mut come) = (Vec::new(), Vec::new());
        for (offset, row) in rows.iter().enumerate() {
            match before.remove(&key(row)) {
                Some(old) => stayed.push((old, (offset, row.clone()))),
                None => come.push((offset, row.clone())),
            }
        }
        let mut come = come.into_iter();
        for (offset, old) in before.into_values() {
            let (new_offset, new) =
                come.next().map_or((None, Datum::Null), |(offset, row)| (Some(offset), row));
            self.queue.change(old, new, [Some(offset), new_offset]);
        }
        for (offset, row) in come {
            self.queue.change(Datum::Null, row, [None, Some(offset)]);
        }
        for ((old_offset, old), (offset, row)) in stayed {
            if old != row {
                self.queue.change(old, row, [Some(old_offset), Some(offset)]);
            }
        }
        self.shown = rows;
    }
}

impl Stream for FirstFeed {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            if let Some(item) = self.queue.items.pop_front() {
                return Ok(Next::Item(item));
            }
            let Some(news) = self.listener.news()? else { return Ok(Next::Pending) };
            for news in news {
                if let News::Skipped(count) = news {
                    self.queue.items.push_back(skipped(count));
                }
            }
            let rows = self.read(run)?;
            self.tell(rows);
        }
    }

    fn endless(&self) -> Option<Endless> {
        Some(Endless::Feed)
    }

    fn is_feed(&self) -> bool {
        true
    }

    fn notes(&self) -> Vec<u8> {
        notes(FIRST_FEED, self.options)
    }
}
