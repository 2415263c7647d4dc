//! An operation: asked for by a query's thread, done by whoever makes the cluster move on, answered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Live, State, key};
use crate::cluster::{Access, AccessKind, Cluster, Operation, OperationError, ServerId};
use crate::cluster::{ReadMode, TableNumber, Written};
use crate::database::DatabaseError;
use crate::feeds::Change;
use crate::reql::{Datum, ErrorKind};
use crate::{Row, Swap, Swapped, TableId};

/// How often whoever waits for an answer looks whether it is still wanted.
pub(super) const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Why nothing comes of an operation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The cluster cannot do it.
    #[error(transparent)]
    Cluster(OperationError),
    /// A server's disk is full: nothing is done.
    #[error("No space left on the disk of server `{0}`.")]
    NoRoom(String),
    /// The database refuses it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The query was stopped.
    #[error("Query interrupted.")]
    Interrupted,
}

impl Refusal {
    /// The kind of failure that a ReQL client is told of.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            // Whoever is connected to a server that died hears nothing at all.
            Self::Cluster(error) => error.kind().unwrap_or(ErrorKind::OpIndeterminate),
            Self::NoRoom(_) => ErrorKind::OpFailed,
            Self::Database(error) => error.kind(),
            Self::Interrupted => ErrorKind::OpIndeterminate,
        }
    }
}

/// A row that is to be written, or to be still what was read.
#[derive(Clone, Debug)]
pub(crate) enum Attempt {
    Write(Swap),
    Keep { key: Datum, row: Option<Arc<Row>> },
}

impl Attempt {
    pub(crate) fn into_swap(self) -> Option<Swap> {
        match self {
            Self::Write(swap) => Some(swap),
            Self::Keep { .. } => None,
        }
    }

    pub(super) fn key(&self) -> Vec<u8> {
        match self {
            Self::Write(swap) => key(&swap.key),
            Self::Keep { key: datum, .. } => key(datum),
        }
    }
}

/// A change under its key.
pub(super) struct Done {
    pub(super) key: Vec<u8>,
    pub(super) change: Change,
}

/// Where an operation can be done now.
pub(super) struct Reached<'a> {
    pub(super) cluster: &'a Cluster<Change>,
    pub(super) shards: &'a [(TableNumber, usize)],
    /// What is not to be seen, newest first.
    pub(super) unseen: &'a [Change],
}

impl Reached<'_> {
    fn has(&self, table: TableNumber, key: &[u8]) -> bool {
        let shard = self.cluster.shard_of(table, key);
        shard.is_some_and(|shard| self.shards.contains(&(table, shard)))
    }
}

/// Does an operation where it is reached; what it changed.
type Work = Box<dyn FnMut(&Reached<'_>) -> Vec<Done> + Send>;

/// An operation on its way.
pub(super) struct Asked {
    table: TableId,
    work: Work,
    answer: SyncSender<Result<(), OperationError>>,
}

impl Asked {
    /// Tells whoever waits, if somebody still does.
    pub(super) fn answer(self, outcome: Result<(), OperationError>) {
        let _nobody_waits = self.answer.try_send(outcome);
    }
}

impl State {
    /// Does an operation where it is reached, tells feeds, and says what it changed.
    pub(super) fn perform(
        &mut self,
        number: u64,
        shards: &[(TableNumber, usize)],
        unseen: &[Change],
    ) -> Vec<Written<Change>> {
        let Some(asked) = self.asked.get_mut(&number) else { return Vec::new() };
        let reached = Reached { cluster: &self.cluster, shards, unseen };
        let done = (asked.work)(&reached);
        let Some(&table) = self.tables.get(&asked.table) else { return Vec::new() };
        if let Some(follower) = self.followers.get_mut(&number) {
            follower.is_open = true;
        }
        self.tell(&done);
        let written = |Done { key, change }: Done| Written { table, key, undo: change };
        done.into_iter().map(written).collect()
    }
}

/// What is asked for.
pub(super) struct Wanted {
    pub(super) server: ServerId,
    pub(super) table: TableId,
    pub(super) keys: crate::cluster::Keys,
    pub(super) kind: AccessKind,
}

/// Whether a query was stopped.
pub(super) type Interrupted<'a> = &'a AtomicBool;

impl Live {
    /// Asks for something, without waiting for it; its number. None if the cluster does not know the
    /// table: it was dropped, or is not quite there.
    pub(super) fn ask(
        &self,
        wanted: Wanted,
        work: Work,
        prepare: impl FnOnce(&mut State, u64),
    ) -> Option<(u64, Receiver<Result<(), OperationError>>)> {
        let Wanted { server, table, keys, kind } = wanted;
        let (answer, receiver) = sync_channel(1);
        let entropy = if kind == AccessKind::Read(ReadMode::Outdated) { entropy() } else { 0 };
        let number = self.act(|state, now, effects| {
            let &table_number = state.tables.get(&table)?;
            let number = state.new_number();
            prepare(state, number);
            state.asked.insert(number, Asked { table, work, answer });
            let accesses = vec![Access { table: table_number, keys, kind }];
            state.cluster.ask(now, number, Operation { server, accesses, entropy }, effects);
            Some(number)
        });
        Some((number?, receiver))
    }

    /// Waits for an answer.
    pub(super) fn answer(
        &self,
        number: u64,
        answer: &Receiver<Result<(), OperationError>>,
        interrupted: Interrupted<'_>,
    ) -> Result<(), Refusal> {
        loop {
            match answer.recv_timeout(LOOK_INTERVAL) {
                Ok(outcome) => return outcome.map_err(Refusal::Cluster),
                Err(RecvTimeoutError::Timeout) if !interrupted.load(Ordering::Relaxed) => {}
                Err(_) => {
                    // What is under way is done all the same.
                    self.act(|state, _, _| {
                        state.asked.remove(&number);
                        state.cluster.forget(number);
                    });
                    return Err(Refusal::Interrupted);
                }
            }
        }
    }

    /// Reads: `read` is given what it must not see, newest first.
    pub(super) fn read<T: Send + 'static>(
        &self,
        wanted: Wanted,
        interrupted: Interrupted<'_>,
        read: impl Fn(&[Change]) -> Result<T, DatabaseError> + Send + Sync + 'static,
    ) -> Result<T, Refusal> {
        let (read, slot) = (Arc::new(read), Arc::new(Mutex::new(None)));
        let work = {
            let (read, slot) = (read.clone(), slot.clone());
            move |reached: &Reached<'_>| {
                *lock(&slot) = Some(read(reached.unseen));
                Vec::new()
            }
        };
        if let Some((number, answer)) = self.ask(wanted, Box::new(work), |_, _| {}) {
            self.answer(number, &answer, interrupted)?;
        }
        // Nothing was to be reached for it, or there is no such table: the database knows.
        let found = lock(&slot).take();
        Ok(found.unwrap_or_else(|| read(&[]))?)
    }

    /// Writes rows, each if it still is what was read, where they can be reached.
    pub(super) fn write(
        &self,
        wanted: Wanted,
        attempts: Vec<Attempt>,
        interrupted: Interrupted<'_>,
    ) -> Result<Vec<Swapped>, Refusal> {
        let id = wanted.table;
        let Some(table) = self.lock().tables.get(&id).copied() else {
            return Err(DatabaseError::from(crate::CatalogError::TableGone).into());
        };
        let keys: Vec<_> = attempts.iter().map(Attempt::key).collect();
        if let Some(server) = self.lock().without_room(id, &keys) {
            return Err(Refusal::NoRoom(server));
        }
        let slot = Arc::new(Mutex::new(Ok(attempts.iter().map(|_| None).collect::<Vec<_>>())));
        let work = {
            let (slot, database) = (slot.clone(), self.database.clone());
            move |reached: &Reached<'_>| {
                let mut outcome = lock(&slot);
                let Ok(swapped) = &mut *outcome else { return Vec::new() };
                let due: Vec<_> = (0..keys.len())
                    .filter(|at| swapped[*at].is_none() && reached.has(table, &keys[*at]))
                    .collect();
                let attempts = due.iter().map(|at| attempts[*at].clone()).collect();
                match database.attempt(id, attempts) {
                    Ok(attempted) => {
                        let mut done = Vec::new();
                        for (at, (result, change)) in due.into_iter().zip(attempted) {
                            swapped[at] = Some(result);
                            done.extend(
                                change.map(|change| Done { key: keys[at].clone(), change }),
                            );
                        }
                        done
                    }
                    Err(error) => {
                        *outcome = Err(error);
                        Vec::new()
                    }
                }
            }
        };
        if let Some((number, answer)) = self.ask(wanted, Box::new(work), |_, _| {}) {
            self.answer(number, &answer, interrupted)?;
        }
        let swapped = std::mem::replace(&mut *lock(&slot), Ok(Vec::new()))?;
        // Only a table that was dropped meanwhile has no shards.
        let swapped: Option<Vec<_>> = swapped.into_iter().collect();
        swapped.ok_or_else(|| DatabaseError::from(crate::CatalogError::TableGone).into())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn entropy() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    u64::from_le_bytes(bytes)
}
