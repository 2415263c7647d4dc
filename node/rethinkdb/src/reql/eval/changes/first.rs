//! A feed of the first rows in the order of an index.
//!
//! Changes are told one by one, and those that wait as one if the reader wants them squashed. One that
//! takes a row away may make room for a row that nobody has told of: the rows are read anew then, and the
//! difference to them is all that is told of what waits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tell::{Changed, Listener, News, Queue, skipped};
use super::watch::Membership;
use super::{FIRST_FEED, Options, Watch, notes};
use crate::reql::datum::Datum;
use crate::reql::eval::seq::Endless;
use crate::reql::eval::table::{Sorting, Wanted, Yield};
use crate::reql::eval::{Next, Run, Seq, Stream};
use crate::reql::failure::Result;

pub(super) fn open(
    run: &Run,
    watch: Watch,
    count: usize,
    options: Options,
) -> Result<Box<dyn Stream>> {
    let listener = Listener::open(run, watch.stored()?, options)?;
    let membership = Membership::of(&watch)?;
    let primary_key = watch.table.rows.primary_key();
    let (shown, queue) = (Vec::new(), Queue::new(options));
    let mut feed =
        FirstFeed { watch, membership, count, primary_key, listener, shown, queue, options };
    feed.shown = feed.read(run)?;
    if options.initial {
        feed.queue.state("initializing");
        for (offset, entry) in feed.shown.iter().enumerate() {
            feed.queue.initial(entry.element.clone(), Some(offset));
        }
    }
    feed.queue.state("ready");
    Ok(Box::new(feed))
}

struct FirstFeed {
    watch: Watch,
    membership: Membership,
    count: usize,
    primary_key: Arc<str>,
    listener: Listener,
    /// What the reader knows, or will when it has read what is queued; in order.
    shown: Vec<Entry>,
    queue: Queue,
    options: Options,
}

/// A row as it is found in the index.
#[derive(Clone)]
struct Entry {
    /// The index's value, and the primary key.
    place: (Datum, Datum),
    /// What is made of the row.
    element: Datum,
}

impl FirstFeed {
    /// The rows as they are now.
    fn read(&self, run: &Run) -> Result<Vec<Entry>> {
        let Watch { table, wanted, .. } = &self.watch;
        let wanted = Wanted { yields: Yield::Pairs, ..wanted.clone() };
        let mut pairs = Seq::new(table.rows.read(run, &wanted, table.read_mode)?);
        let mut entries = Vec::new();
        while entries.len() < self.count
            && let Next::Item(pair) = pairs.next_value(run)?
        {
            let [value, row] = pair.expect_array()? else { continue };
            entries.extend(self.entry(run, value.clone(), row));
            run.check_array_size(entries.len())?;
        }
        Ok(entries)
    }

    fn entry(&self, run: &Run, value: Datum, row: &Datum) -> Option<Entry> {
        let key = row.get(&self.primary_key).cloned().unwrap_or_default();
        let element = self.watch.element(run, row.clone())?;
        Some(Entry { place: (value, key), element })
    }

    /// The rows once one has changed; none if that cannot be said without reading them.
    fn changed(&self, run: &Run, Changed { old, new }: &Changed) -> Option<Vec<Entry>> {
        let is_full = self.shown.len() >= self.count;
        let key = old.get(&self.primary_key);
        let stayed = self.shown.iter().filter(|entry| Some(&entry.place.1) != key);
        let mut entries: Vec<_> = stayed.cloned().collect();
        if !new.is_null() {
            let found = self.membership.found(new).into_iter();
            entries.extend(found.filter_map(|value| self.entry(run, value, new)));
        }
        let order = |one: &Entry, other: &Entry| match self.watch.wanted.sorting {
            Sorting::Descending => other.place.cmp(&one.place),
            Sorting::Ascending | Sorting::Unordered => one.place.cmp(&other.place),
        };
        entries.sort_by(order);
        entries.truncate(self.count);
        // Nobody knows what comes after the last row that was shown.
        let is_known = match (self.shown.last(), entries.last()) {
            _ if !is_full => true,
            (Some(before), Some(after)) => {
                entries.len() == self.count && order(after, before).is_le()
            }
            _ => false,
        };
        is_known.then_some(entries)
    }

    /// Tells what is different; a row that has left goes together with one that has come.
    fn tell(&mut self, entries: Vec<Entry>) {
        let mut before = numbered(&self.shown);
        let (mut stayed, mut come) = (Vec::new(), Vec::new());
        for (key, new) in numbered(&entries) {
            match before.remove(&key) {
                Some(old) => stayed.push((old, new)),
                None => come.push(new),
            }
        }
        come.sort_by_key(|(offset, _)| *offset);
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
        self.shown = entries;
    }

    fn take(&mut self, run: &Run, news: Vec<News>) -> Result<()> {
        let mut is_read_anew = self.options.squash;
        for news in news {
            match news {
                News::Skipped(count) => {
                    self.queue.items.push_back(skipped(count));
                    is_read_anew = true;
                }
                News::Changed(_) if is_read_anew => (),
                News::Changed(changed) => match self.changed(run, &changed) {
                    Some(entries) => self.tell(entries),
                    None => is_read_anew = true,
                },
            }
        }
        if is_read_anew {
            let entries = self.read(run)?;
            self.tell(entries);
        }
        Ok(())
    }
}

/// Entries by primary key, and which of several of the same key they are; each with its offset.
fn numbered(entries: &[Entry]) -> BTreeMap<(Datum, usize), (usize, Datum)> {
    let mut numbered = BTreeMap::new();
    for (offset, Entry { place: (_, key), element }) in entries.iter().enumerate() {
        let mut number = 0;
        while numbered.contains_key(&(key.clone(), number)) {
            number += 1;
        }
        numbered.insert((key.clone(), number), (offset, element.clone()));
    }
    numbered
}

impl Stream for FirstFeed {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            if let Some(item) = self.queue.items.pop_front() {
                return Ok(Next::Item(item));
            }
            let Some(news) = self.listener.news(run)? else { return Ok(Next::Pending) };
            self.take(run, news)?;
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
