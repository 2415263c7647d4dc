//! What a feed's elements look like, and where they come from.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::Options;
use crate::cluster::FEED_ABORTED;
use crate::live::{Following, Refusal};
use crate::reql::datum::Datum;
use crate::reql::error::ErrorKind;
use crate::reql::eval::Run;
use crate::reql::eval::stored::{StoredRows, failed, unreached};
use crate::reql::failure::{Failure, Result};
use crate::{Element, Subscription};

/// A row that was one and is another; null for none.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    pub(super) old: Datum,
    pub(super) new: Datum,
}

/// What has come since the last look.
pub(super) enum News {
    Changed(Changed),
    /// So many changes were lost.
    Skipped(usize),
}

/// A table's later changes.
pub(super) struct Listener {
    source: Source,
    primary_key: std::sync::Arc<str>,
    options: Options,
    /// Since when changes are kept back, in seconds since 1970.
    held_since_s: Option<f64>,
}

/// Where a listener hears of changes.
enum Source {
    Database(Subscription),
    Cluster(Following),
}

impl Source {
    fn subscription(&self) -> &Subscription {
        match self {
            Self::Database(subscription) => subscription,
            Self::Cluster(following) => &following.subscription,
        }
    }
}

impl Listener {
    /// Listens from now on.
    pub(super) fn open(run: &Run, stored: &StoredRows, options: Options) -> Result<Self> {
        let wake = run.env()?.wake.clone();
        let wake = Box::new(move || wake());
        let id = stored.table.id;
        let source = match &stored.member {
            None => {
                let subscription = stored.database.subscribe(id, options.queue_max, Some(wake));
                Source::Database(subscription.map_err(|error| failed(&error))?)
            }
            Some(member) => {
                let following = member.follow(id, options.queue_max, wake, run.interrupted()?);
                Source::Cluster(following.map_err(|refusal| match refusal {
                    Refusal::Cluster(error) => {
                        let (db, table) = (&stored.table.db, stored.table.name());
                        Failure::new(
                            ErrorKind::OpFailed,
                            format!("cannot subscribe to table `{db}.{table}`: {}", error.reason()),
                        )
                    }
                    other => unreached(&other),
                })?)
            }
        };
        let primary_key = stored.table.primary_key.clone();
        Ok(Self { source, primary_key, options, held_since_s: None })
    }

    /// What has come, once it was kept back for long enough; none if there is nothing now.
    ///
    /// # Errors
    /// The feed broke: the table was dropped, or its shards are others now.
    pub(super) fn news(&mut self, run: &Run) -> Result<Option<Vec<News>>> {
        let Options { hold_s, queue_max, .. } = self.options;
        let subscription = self.source.subscription();
        let waiting = subscription.waiting();
        // Nothing is kept back until it is lost.
        let has_room = waiting < queue_max.div_ceil(2);
        if hold_s > 0.0 && waiting > 0 && has_room && !subscription.is_closed() {
            let now_s = run.clock_s();
            let since_s = *self.held_since_s.get_or_insert(now_s);
            // A clock that is set back holds up nobody.
            let waited_s = now_s - since_s;
            if (0.0..hold_s).contains(&waited_s) {
                let rest = Duration::try_from_secs_f64(hold_s - waited_s).unwrap_or(Duration::MAX);
                (run.env()?.wake_within)(rest);
                return Ok(None);
            }
        }
        self.held_since_s = None;
        self.now()
    }

    /// What has come until now.
    ///
    /// # Errors
    /// As with [`news`](Self::news).
    pub(super) fn now(&self) -> Result<Option<Vec<News>>> {
        // What is there is told before the end is.
        let subscription = self.source.subscription();
        let is_closed = subscription.is_closed();
        let elements = subscription.drain();
        if elements.is_empty() {
            return if is_closed { Err(aborted()) } else { Ok(None) };
        }
        let news = elements.into_iter().map(|element| match element {
            Element::Skipped(count) => News::Skipped(count),
            Element::Change(change) => {
                let datum = |row: Option<std::sync::Arc<crate::Row>>| {
                    row.map_or(Datum::Null, |row| row.datum())
                };
                News::Changed(Changed { old: datum(change.old), new: datum(change.new) })
            }
        });
        Ok(Some(if self.options.squash { self.squashed(news) } else { news.collect() }))
    }

    /// Each row's changes as one, where its first was.
    fn squashed(&self, news: impl Iterator<Item = News>) -> Vec<News> {
        let mut squashed: Vec<News> = Vec::new();
        let mut places = BTreeMap::new();
        for one in news {
            let News::Changed(changed) = one else {
                places.clear();
                squashed.push(one);
                continue;
            };
            let key = self.key(&changed);
            match places.get(&key).and_then(|place: &usize| squashed.get_mut(*place)) {
                Some(News::Changed(before)) => before.new = changed.new,
                _ => {
                    places.insert(key, squashed.len());
                    squashed.push(News::Changed(changed));
                }
            }
        }
        squashed
    }

    /// The primary key of the row that changed.
    pub(super) fn key(&self, changed: &Changed) -> Datum {
        let row = if changed.new.is_null() { &changed.old } else { &changed.new };
        row.get(&self.primary_key).cloned().unwrap_or_default()
    }
}

fn aborted() -> Box<Failure> {
    Failure::new(ErrorKind::OpFailed, FEED_ABORTED)
}

/// The element that tells of lost changes.
pub(super) fn skipped(count: usize) -> Datum {
    let message = format!("Changefeed cache over array size limit, skipped {count} elements.");
    Datum::fields([("error", message.into())])
}

/// Elements on their way to the reader.
pub(super) struct Queue {
    pub(super) items: VecDeque<Datum>,
    options: Options,
}

impl Queue {
    pub(super) fn new(options: Options) -> Self {
        Self { items: VecDeque::new(), options }
    }

    fn push(&mut self, kind: &'static str, fields: Vec<(&str, Datum)>) {
        let kind = self.options.types.then(|| ("type", Datum::from(kind)));
        let fields = fields.into_iter().chain(kind);
        let fields = fields.map(|(name, value)| (name.into(), value));
        self.items.push_back(Datum::object(fields.collect()));
    }

    /// Which state the feed is in now, if the reader wants to know.
    pub(super) fn state(&mut self, state: &str) {
        if self.options.states {
            self.push("state", vec![("state", state.into())]);
        }
    }

    /// What there is at first; null for a row that is not there.
    pub(super) fn initial(&mut self, value: Datum, offset: Option<usize>) {
        let mut fields = vec![("new_val", value)];
        if self.options.offsets {
            fields.push(("new_offset", offset.map_or(Datum::Null, Datum::count)));
        }
        self.push("initial", fields);
    }

    /// What has changed, if anything has; with offsets before and after, where there are such.
    pub(super) fn change(&mut self, old: Datum, new: Datum, offsets: [Option<usize>; 2]) {
        if old == new && (!self.options.offsets || offsets[0] == offsets[1]) {
            return;
        }
        let kind = match (&old, &new) {
            (Datum::Null, _) => "add",
            (_, Datum::Null) => "remove",
            _ => "change",
        };
        let mut fields = vec![("new_val", new), ("old_val", old)];
        if self.options.offsets {
            let [old, new] = offsets.map(|offset| offset.map_or(Datum::Null, Datum::count));
            fields.extend([("new_offset", new), ("old_offset", old)]);
        }
        self.push(kind, fields);
    }
}
