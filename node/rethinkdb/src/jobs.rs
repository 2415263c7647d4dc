//! The queries that are running on a server, and how to end them.
//!
//! Here: who asked what and since when, for the system table `jobs`, and the switch that ends a query.
//! Not here: running them (`server`), looking at the switch (`reql`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// Why a query ends before it is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interruption {
    /// Its client does not want it any more.
    Stopped,
    /// Its row was deleted from the table `jobs`.
    Killed,
    /// Its client is gone.
    Left,
    /// The server is shutting down.
    ShuttingDown,
}

/// The switch that ends a query.
pub struct Interrupt {
    reason: OnceLock<Interruption>,
    flag: Arc<AtomicBool>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Interrupt {
    /// A switch that, once it is thrown, calls `wake`.
    pub fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Interrupt {
        Interrupt { reason: OnceLock::new(), flag: Arc::default(), wake }
    }

    /// Throws it. The first reason is the one that counts.
    pub fn throw(&self, reason: Interruption) {
        if self.reason.set(reason).is_ok() {
            self.flag.store(true, Ordering::Release);
            (self.wake)();
        }
    }

    /// Why it was thrown, if it was.
    pub fn reason(&self) -> Option<Interruption> {
        self.reason.get().copied()
    }

    /// Set once it is thrown: what an evaluation looks at now and then.
    pub fn flag(&self) -> Arc<AtomicBool> {
        self.flag.clone()
    }
}

/// A query that is running, or has more to give.
#[derive(Clone)]
pub struct Job {
    /// A random UUID, as text.
    pub id: String,
    /// The beginning of the query's JSON text.
    pub query: String,
    /// Where it comes from.
    pub client: SocketAddr,
    /// Who asks.
    pub user: String,
    /// When it arrived, in seconds since 1970-01-01 UTC.
    pub started_s: f64,
    /// Ends it.
    pub interrupt: Arc<Interrupt>,
}

/// The queries that are running on a server.
#[derive(Default)]
pub struct Jobs {
    running: Mutex<BTreeMap<u64, Job>>,
    next: AtomicU64,
}

/// A query's place among the jobs, given back when it is dropped.
pub struct Place {
    jobs: Arc<Jobs>,
    number: u64,
}

impl Jobs {
    /// Adds a query, until its place is dropped.
    pub fn enter(self: &Arc<Self>, job: Job) -> Place {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(number, job);
        Place { jobs: self.clone(), number }
    }

    /// The queries that nobody has ended yet, oldest first.
    pub fn list(&self) -> Vec<Job> {
        self.lock().values().filter(|job| job.interrupt.reason().is_none()).cloned().collect()
    }

    /// Ends a query: its client is told that it was killed. False if there is none of this id.
    pub fn kill(&self, id: &str) -> bool {
        let job = self.list().into_iter().find(|job| job.id == id);
        if let Some(job) = &job {
            job.interrupt.throw(Interruption::Killed);
        }
        job.is_some()
    }

    /// How many there are, ended ones that have not noticed yet among them.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Job>> {
        self.running.lock().expect("nobody panics while holding the jobs")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.jobs.lock().remove(&self.number);
    }
}
