//! A feed of all rows that meet a condition.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tell::{Changed, Listener, News, Queue, skipped};
use super::watch::Membership;
use super::{Options, SEQUENCE_FEED, Watch, notes};
use crate::reql::datum::Datum;
use crate::reql::eval::seq::Endless;
use crate::reql::eval::{Next, Run, Stream};
use crate::reql::failure::Result;

pub(super) struct RangeFeed {
    watch: Arc<Watch>,
    membership: Membership,
    listener: Listener,
    queue: Queue,
    options: Options,
}

impl RangeFeed {
    pub(super) fn open(run: &Run, watch: Arc<Watch>, options: Options) -> Result<Self> {
        let listener = Listener::open(run, watch.stored()?, options)?;
        let membership = Membership::of(&watch)?;
        let queue = Queue::new(options);
        let mut feed = Self { watch, membership, listener, queue, options };
        if options.initial {
            feed.queue.state("initializing");
            feed.read_initial(run)?;
        }
        feed.queue.state("ready");
        Ok(feed)
    }

    /// All rows as they are at one instant. They are read page by page; what has changed since the feed
    /// began to listen is then put in its place, and is not told again.
    fn read_initial(&mut self, run: &Run) -> Result<()> {
        let mut seq = self.watch.rows(run)?;
        let mut rows = BTreeMap::new();
        let primary_key = self.watch.table.rows.primary_key();
        while let Next::Item(row) = seq.next_value(run)? {
            let key = row.get(&primary_key).cloned().unwrap_or_default();
            rows.insert(key, row);
        }
        let mut lost = 0;
        for news in self.listener.now()?.unwrap_or_default() {
            match news {
                News::Changed(changed) => {
                    let key = self.listener.key(&changed);
                    match changed.new {
                        Datum::Null => rows.remove(&key),
                        new => rows.insert(key, new),
                    };
                }
                News::Skipped(count) => lost += count,
            }
        }
        for row in rows.into_values() {
            let copies = self.membership.copies(&row);
            if copies > 0
                && let Some(element) = self.watch.element(run, row)
            {
                for _ in 0..copies {
                    self.queue.initial(element.clone(), None);
                }
            }
        }
        if lost > 0 {
            self.queue.items.push_back(skipped(lost));
        }
        Ok(())
    }

    fn take(&mut self, run: &Run, Changed { old, new }: Changed) {
        let copies = |row: &Datum| if row.is_null() { 0 } else { self.membership.copies(row) };
        let (before, after) = (copies(&old), copies(&new));
        let element = |row: Datum, copies| match copies {
            0 => Datum::Null,
            _ => self.watch.element(run, row).unwrap_or_default(),
        };
        let (old, new) = (element(old, before), element(new, after));
        for copy in 0..before.max(after) {
            let of = |element: &Datum, copies| match copy < copies {
                true => element.clone(),
                false => Datum::Null,
            };
            self.queue.change(of(&old, before), of(&new, after), [None; 2]);
        }
    }
}

impl Stream for RangeFeed {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            if let Some(item) = self.queue.items.pop_front() {
                return Ok(Next::Item(item));
            }
            let Some(news) = self.listener.news(run)? else { return Ok(Next::Pending) };
            for news in news {
                match news {
                    News::Changed(changed) => self.take(run, changed),
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
        notes(SEQUENCE_FEED, self.options)
    }
}
