//! Who sees what the store's tables go through, by feeds over ReQL like any other client.
//!
//! A feed tells all rows first, then every change. When one breaks another is opened, at the next
//! server, and what happened meanwhile shows in its rows: a row that came and went in between is not
//! seen. Not here: what is written down of it (`real::Recorder`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bigchaindb::store::rethinkdb::term::ReadMode;
use bigchaindb::store::rethinkdb::{Client, Cursor, Error, Term};
use bigchaindb_core::model::Json;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::{Recorder, until};
use crate::observe::{Change, FinalRow, Record, Table, row_id};

/// All tables.
const TABLES: [Table; 4] = [Table::Backlog, Table::Bigchain, Table::Votes, Table::Positions];

/// After a feed has ended, or could not be opened, the next one comes so long later.
const OPEN_AGAIN: Duration = Duration::from_millis(50);

/// What the observer has seen last of each row, by table and key.
type Rows = BTreeMap<Arc<str>, Arc<Json>>;

/// Sees what tables go through, until it is dropped.
pub(in super::super) struct Observer {
    seen: Arc<Mutex<BTreeMap<Table, Rows>>>,
    tasks: Vec<JoinHandle<()>>,
}

/// One table's feed.
struct Follower {
    table: Table,
    servers: Vec<Client>,
    recorder: Recorder,
    seen: Arc<Mutex<BTreeMap<Table, Rows>>>,
}

impl Observer {
    /// Begins to see, asking one of these servers.
    pub(in super::super) fn start(servers: &[Client], recorder: &Recorder) -> Self {
        let seen = Arc::new(Mutex::new(BTreeMap::new()));
        let task = |table| {
            let (servers, recorder) = (servers.to_vec(), recorder.clone());
            let follower = Follower { table, servers, recorder, seen: seen.clone() };
            tokio::spawn(follower.follow())
        };
        let tasks = TABLES.into_iter().map(task).collect();
        Self { seen, tasks }
    }

    /// Ends when it has seen all that the tables hold now, and writes that down as the last of them.
    pub(in super::super) async fn conclude(self, servers: &[Client], recorder: &Recorder) {
        match tables(servers).await {
            Ok(tables) => {
                if !self.has_seen(&tables).await {
                    recorder.fall_short("the observer has not seen all of the tables".to_owned());
                }
                drop(self);
                for (table, rows) in tables {
                    for row in rows {
                        recorder.tell(Record::Final(FinalRow { table, row }));
                    }
                }
            }
            Err(error) => {
                recorder.fall_short(format!("the tables cannot be read: {}", error.whole()));
            }
        }
    }

    /// Waits until it has seen all that the tables hold now; whether it has.
    async fn has_seen(&self, tables: &BTreeMap<Table, Vec<Arc<Json>>>) -> bool {
        until(|| async {
            let seen = lock(&self.seen);
            tables.iter().all(|(table, rows)| {
                let of_table = seen.get(table);
                of_table.map_or(0, BTreeMap::len) == rows.len()
                    && rows.iter().all(|row| {
                        let known = row_id(row).and_then(|id| of_table?.get(&id));
                        known.is_some_and(|known| known == row)
                    })
            })
        })
        .await
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Follower {
    async fn follow(self) {
        let feed = Term::table(self.table.as_str(), ReadMode::Single).rows_and_changes();
        for server in self.servers.iter().cycle() {
            if let Ok(feed) = server.feed(&feed).await {
                // However it ends, another is opened.
                let _ = self.hear(feed).await;
            }
            sleep(OPEN_AGAIN).await;
        }
    }

    async fn hear(&self, mut feed: Cursor) -> Result<(), Error> {
        // The rows that the feed began with, until it has told all.
        let mut initial = Some(BTreeSet::new());
        while let Some(batch) = feed.next().await? {
            for element in batch.values() {
                match element.get("state").and_then(Json::as_str) {
                    Some("ready") => {
                        let there = initial.take().unwrap_or_default();
                        self.forget_all_but(&there);
                    }
                    Some(_) => {}
                    // Some elements were dropped: all rows have to be told again.
                    None if element.get("error").is_some() => return Ok(()),
                    None => {
                        if let Some(id) = self.see(element)
                            && let Some(initial) = &mut initial
                        {
                            initial.insert(id);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// A row is, or becomes, or was; its key, if it is there now.
    fn see(&self, mut element: Json) -> Option<Arc<str>> {
        let mut take = |name| {
            let value = element.get_mut(name).map(|value| std::mem::replace(value, Json::Null));
            value.filter(|value| !value.is_null()).map(Arc::new)
        };
        let (old, new) = (take("old_val"), take("new_val"));
        let id = row_id(new.as_ref().or(old.as_ref())?)?;
        let mut seen = lock(&self.seen);
        let rows = seen.entry(self.table).or_default();
        let known = match &new {
            Some(new) => rows.insert(id.clone(), new.clone()),
            None => rows.remove(&id),
        };
        if known != new {
            self.recorder.tell_change(Change::of(self.table, known.as_ref(), new.as_ref()));
        }
        new.map(|_| id)
    }

    /// Rows that a feed did not begin with are gone.
    fn forget_all_but(&self, there: &BTreeSet<Arc<str>>) {
        let mut seen = lock(&self.seen);
        let rows = seen.entry(self.table).or_default();
        rows.retain(|id, row| {
            let is_there = there.contains(id);
            if !is_there {
                self.recorder.tell_change(Change::of(self.table, Some(row), None));
            }
            is_there
        });
    }
}

/// All that the tables hold, each table's by primary key.
pub(in super::super) async fn tables(
    servers: &[Client],
) -> Result<BTreeMap<Table, Vec<Arc<Json>>>, Error> {
    let mut tables = BTreeMap::new();
    for table in TABLES {
        let rows = Term::table(table.as_str(), ReadMode::Majority).ordered_by("id");
        let mut found = Err(Error::NotSent("there is no server".to_owned()));
        for server in servers {
            found = server.read_values(&rows, |row| Some(Arc::new(row))).await;
            if found.is_ok() {
                break;
            }
        }
        tables.insert(table, found?);
    }
    Ok(tables)
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().expect("nobody panics while seeing")
}
