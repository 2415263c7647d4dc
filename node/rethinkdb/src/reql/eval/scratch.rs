//! The system table `_debug_scratch`: documents that are kept in memory for as long as the server runs.
//!
//! No list of tables has it. RethinkDB's own tests write it to see how feeds of system tables behave.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use crate::reql::datum::Datum;
use crate::reql::error::ErrorKind;
use crate::reql::failure::{Failure, Result};

/// How many documents there may be at most: they are in nobody's way.
const ROWS_MAX: usize = 10_000;

/// The documents by their keys.
#[derive(Default)]
pub struct Scratch(Mutex<BTreeMap<Datum, Datum>>);

impl Scratch {
    pub(super) fn documents(&self) -> Vec<Datum> {
        self.lock().values().cloned().collect()
    }

    /// Puts a document in the place of another, if that is still there; null stands for none.
    pub(super) fn set(&self, old: &Datum, new: &Datum) -> Result<()> {
        let row = if new.is_null() { old } else { new };
        let key = row.expect_field("id")?.clone();
        let mut documents = self.lock();
        if documents.get(&key).unwrap_or(&Datum::Null) != old {
            let message = "Somebody else has written the row at the same time.";
            return Err(Failure::new(ErrorKind::OpFailed, message));
        }
        if new.is_null() {
            documents.remove(&key);
        } else if documents.len() < ROWS_MAX || documents.contains_key(&key) {
            documents.insert(key, new.clone());
        } else {
            let message = format!("The table is full: it has {ROWS_MAX} rows.");
            return Err(Failure::new(ErrorKind::ResourceLimit, message));
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Datum, Datum>> {
        self.0.lock().expect("nobody panics while holding the documents")
    }
}
