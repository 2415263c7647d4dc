//! Who waits for the disk: one flush serves all who do.
//!
//! What is written gets a number, in the order of writing. A thread of the database's own takes all
//! that was written to the file, again and again: at once if somebody waits for it, else a little
//! later, so that more comes along. While it is at it, which needs no lock of the engine's, the next
//! flush fills. Another thread settles what was flushed, much of it at once, and nobody waits for that, unless
//! it falls far behind. A database in memory has no such threads, and nobody waits.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Core;
use crate::engine::Progress;
use crate::storage::{OpenError, Settle, StorageError};

/// What was written softly is on the way to the disk after so long: what a killed process may lose.
/// RethinkDB loses a few milliseconds; more would gather more into one flush, and lose more.
pub const FLUSH_INTERVAL: Duration = Duration::from_millis(10);

/// How far writing and flushing are.
pub(super) struct Commits {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The number of the last write.
    written: u64,
    /// The last one that somebody waits for.
    wanted: u64,
    /// The last one that is on disk.
    flushed: u64,
    /// How many flushes there were.
    flushes: u64,
    /// How many times it was settled.
    settles: u64,
    /// Somebody waits until all is settled, however little it is.
    settle: bool,
    /// Why nothing will be flushed any more.
    broken: Option<String>,
    closing: bool,
}

impl Commits {
    /// All that was written so far is on disk.
    pub(super) fn new(number: u64) -> Self {
        let state = State { written: number, flushed: number, ..State::default() };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of the number of the last write; whoever does holds the engine's lock.
    pub(super) fn written(&self, number: u64) {
        let mut state = self.lock();
        let had_nothing_to_do = state.written == state.flushed;
        state.written = number;
        if had_nothing_to_do && number > state.flushed {
            self.changed.notify_all();
        }
    }

    /// Waits until a write is on disk.
    ///
    /// # Errors
    /// If it will never be.
    pub(super) fn wait(&self, number: u64) -> Result<(), StorageError> {
        let mut state = self.lock();
        if state.flushed < number && state.wanted < number {
            state.wanted = number;
            self.changed.notify_all();
        }
        while state.flushed < number {
            if let Some(error) = &state.broken {
                return Err(StorageError::Broken(error.clone()));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Asks for all to be settled that is flushed.
    pub(super) fn want_settled(&self) {
        self.lock().settle = true;
        self.changed.notify_all();
    }

    /// Whether that was asked for, since the last time.
    fn is_to_settle(&self) -> bool {
        std::mem::take(&mut self.lock().settle)
    }

    /// Waits until there is something to flush or to settle; false if there never will be again.
    fn wait_for_work(&self) -> bool {
        let mut state = self.lock();
        while state.written == state.flushed && !state.closing && !state.settle {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let is_in_no_hurry =
            |state: &State| state.wanted <= state.flushed && !state.closing && !state.settle;
        if is_in_no_hurry(&state) {
            let waiting = self
                .changed
                .wait_timeout_while(state, FLUSH_INTERVAL, |state| is_in_no_hurry(state));
            state = waiting.unwrap_or_else(PoisonError::into_inner).0;
        }
        (state.written > state.flushed || state.settle) && state.broken.is_none()
    }

    fn flushed(&self, number: u64, outcome: Result<(), StorageError>) {
        let mut state = self.lock();
        match outcome {
            // It may have been woken for something else.
            Ok(()) => {
                state.flushes += u64::from(number > state.flushed);
                state.flushed = number;
            }
            Err(error) => state.broken = Some(error.to_string()),
        }
        self.changed.notify_all();
    }

    pub(super) fn settled(&self, outcome: Result<(), StorageError>) {
        let mut state = self.lock();
        match outcome {
            Ok(()) => state.settles += 1,
            Err(error) => state.broken = Some(error.to_string()),
        }
        self.changed.notify_all();
    }

    /// Waits while something holds that flushing or settling ends, unless it never will.
    pub(super) fn wait_while(&self, holds: impl Fn() -> bool) {
        let mut state = self.lock();
        while state.broken.is_none() {
            let before = (state.flushes, state.settles);
            drop(state);
            if !holds() {
                return;
            }
            let unchanged = |state: &mut State| {
                (state.flushes, state.settles) == before && state.broken.is_none()
            };
            let waited = self.changed.wait_while(self.lock(), unchanged);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// How many flushes there were.
    pub(super) fn flushes(&self) -> u64 {
        self.lock().flushes
    }

    /// Why nothing will be flushed any more.
    pub(super) fn failure(&self) -> Option<String> {
        self.lock().broken.clone()
    }

    fn close(&self) {
        self.lock().closing = true;
        self.changed.notify_all();
    }

    fn is_closing(&self) -> bool {
        self.lock().closing
    }
}

/// The threads of a database on disk.
pub(super) struct Threads {
    core: Arc<Core>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(super) fn start(core: &Arc<Core>) -> Result<Self, OpenError> {
        let mut threads = Self { core: core.clone(), threads: Vec::new() };
        let leftover = core.engine().catalog().chore();
        let (settle, settles) = mpsc::channel();
        threads.spawn("database: flush", move |core| flush_for_ever(core, &settle))?;
        threads.spawn("database: tree", move |core| settle_for_ever(core, &settles))?;
        if leftover.is_some() {
            threads.spawn("database: chores", do_chores)?;
        }
        Ok(threads)
    }

    fn spawn(
        &mut self,
        name: &str,
        work: impl FnOnce(&Core) + Send + 'static,
    ) -> Result<(), OpenError> {
        let core = self.core.clone();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || work(&core));
        self.threads.push(thread.map_err(OpenError::NoThread)?);
        Ok(())
    }
}

impl Drop for Threads {
    /// Brings everything to disk, and closes the file: it can be opened again at once.
    fn drop(&mut self) {
        self.core.commits.close();
        for thread in self.threads.drain(..) {
            // One that panicked has said so, and flushes nothing more.
            let _ = thread.join();
        }
    }
}

fn flush_for_ever(core: &Core, settle: &Sender<Settle>) {
    let _mourner = Mourner(core);
    while core.commits.wait_for_work() {
        core.commits.wait_while(|| core.engine().is_full());
        let (begun, number) = {
            let mut engine = core.engine();
            (engine.begin_flush(), engine.writes())
        };
        let outcome = begun.and_then(|flush| match flush {
            Some(flush) => {
                let flushed = flush.run();
                core.engine().end_flush(flushed)
            }
            None => Ok(()),
        });
        core.commits.flushed(number, outcome);
        let begun = {
            let mut engine = core.engine();
            if core.commits.is_to_settle() { engine.settle() } else { engine.begin_settle() }
        };
        if let Some(begun) = begun {
            // Who takes it ends after this thread, or has told of its panic.
            let _ = settle.send(begun);
        }
    }
}

/// Settles what it is given, until nobody gives any more.
fn settle_for_ever(core: &Core, settles: &Receiver<Settle>) {
    let _mourner = Mourner(core);
    for settle in settles {
        let mut settled = settle.run();
        let outcome = core.engine().end_settle(&mut settled);
        core.commits.settled(outcome);
    }
}

/// Does what an earlier life of the database did not come to.
fn do_chores(core: &Core) {
    while let Some(chore) = core.chore() {
        let mut progress = Progress::default();
        loop {
            match core.step(chore, &mut progress) {
                Ok(true) if !core.commits.is_closing() => {}
                Ok(false) => break,
                // What is left is for the next life.
                Ok(true) | Err(_) => return,
            }
        }
    }
}

/// Tells those who wait that nothing will come any more, should the thread panic.
struct Mourner<'c>(&'c Core);

impl Drop for Mourner<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let stopped = StorageError::Broken("the thread that writes has stopped".to_owned());
            self.0.commits.flushed(0, Err(stopped));
        }
    }
}
