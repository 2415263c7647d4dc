//! Making what was written outlast a crash, all or nothing: at the end of the log.

use std::io;
use std::sync::Arc;

use super::log::{Log, Logged};
use crate::storage::Writes;

/// What is on its way to the log. It needs nobody's lock.
pub(crate) struct Flush {
    log: Log,
    writes: Arc<Writes>,
}

/// What became of a [`Flush`].
pub(crate) struct Flushed {
    pub(super) log: Log,
    /// What was written of each key.
    pub(super) outcome: io::Result<Vec<Logged>>,
}

impl Flush {
    pub(super) fn new(log: Log, writes: Arc<Writes>) -> Self {
        Self { log, writes }
    }

    /// Writes, and waits until all of it is on disk.
    pub(crate) fn run(self) -> Flushed {
        let Self { mut log, writes } = self;
        let outcome = log.append(&writes);
        Flushed { log, outcome }
    }
}
