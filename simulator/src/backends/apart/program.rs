//! A member's program, as a process or in a container: the same to whoever starts, hears and harms it.
//!
//! Here: what both have in common, and which is which. How each is done: `processes`, `docker`.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Pid;

use super::super::used::Used;
use super::limits::{Limits, Meter};
use super::{docker, processes};

/// The variable that tells of a process to which run it belongs.
pub(in super::super) const RUN: &str = "TESTBED_RUN";

/// The last lines of a log that an error shows.
const LAST_LINES: usize = 3;

/// Hears what a program says, and at last, with none, that it ended though nobody here ended it.
pub(super) type Ear = Arc<dyn Fn(Option<&str>) + Send + Sync>;

/// How to start a program. What it says on stderr is written into its log and told line by line.
#[derive(Clone)]
pub(super) enum Program {
    Process(processes::Program),
    Container(docker::Program),
}

impl Program {
    /// The same program, told something else.
    pub(super) fn with(mut self, arguments: Vec<OsString>) -> Self {
        *self.arguments() = arguments;
        self
    }

    /// What it is told besides.
    pub(super) fn add(&mut self, arguments: impl IntoIterator<Item = OsString>) {
        self.arguments().extend(arguments);
    }

    fn arguments(&mut self) -> &mut Vec<OsString> {
        match self {
            Self::Process(program) => &mut program.arguments,
            Self::Container(program) => &mut program.arguments,
        }
    }

    fn log(&self) -> &Path {
        match self {
            Self::Process(program) => &program.log,
            Self::Container(program) => &program.log,
        }
    }

    /// Runs it until it ends by itself, for so long at most.
    ///
    /// # Errors
    /// If it cannot be started, takes longer, or ends badly; then with the last it said.
    pub(super) async fn run(&self, patience: Duration) -> io::Result<()> {
        let ended = match self {
            Self::Process(program) => program.run(patience).await?,
            Self::Container(program) => program.run(patience).await?,
        };
        match ended {
            None => Ok(()),
            Some(how) => Err(self.last_words(&how)),
        }
    }

    /// Starts it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) async fn start(&self, ear: Ear) -> io::Result<Running> {
        Ok(match self {
            Self::Process(program) => Running::Process(program.start(ear)?),
            Self::Container(program) => Running::Container(program.start(ear).await?),
        })
    }

    /// Why it ended, with the last it said.
    pub(super) fn last_words(&self, how: &str) -> io::Error {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LAST_LINES)..].join(" | ");
        io::Error::other(format!("{how}; the end of {}: {last}", self.log().display()))
    }
}

/// A running program. Dropping it does not end it.
pub(super) enum Running {
    Process(processes::Process),
    Container(docker::Container),
}

impl Running {
    /// The number of its process, as this machine counts; none if it had ended before anybody looked.
    pub(super) fn pid(&self) -> Option<Pid> {
        match self {
            Self::Process(process) => Some(process.pid()),
            Self::Container(container) => container.pid(),
        }
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<String> {
        match self {
            Self::Process(process) => process.ended().map(|status| status.to_string()),
            Self::Container(container) => container.ended(),
        }
    }

    /// Ends it as nothing else does: it hears nothing of it. All that it has said is heard. What it has
    /// used.
    pub(super) async fn kill(self) -> Used {
        match self {
            Self::Process(process) => process.kill().await,
            Self::Container(container) => container.kill().await,
        }
    }

    /// Ends it in an orderly way; if that takes longer, it is killed. What it has used.
    pub(super) async fn stop(self, patience: Duration) -> Used {
        match self {
            Self::Process(process) => process.stop(patience).await,
            Self::Container(container) => container.stop(patience).await,
        }
    }

    /// It stands still.
    pub(super) async fn pause(&mut self) -> io::Result<()> {
        match self {
            Self::Process(process) => {
                process.pause();
                Ok(())
            }
            Self::Container(container) => container.pause().await,
        }
    }

    /// What it may use from now on.
    ///
    /// # Errors
    /// If nobody can hold it to that.
    pub(super) async fn limit(&self, limits: Limits) -> io::Result<()> {
        match self {
            Self::Process(process) => process.limit(limits),
            Self::Container(container) => container.limit(limits).await,
        }
    }

    /// Who counts how it fares with that.
    ///
    /// # Errors
    /// If nobody does.
    pub(super) fn meter(&self) -> io::Result<Meter> {
        match self {
            Self::Process(process) => process.meter(),
            Self::Container(container) => container.meter().map(Meter::Container),
        }
    }

    /// It goes on.
    pub(super) async fn resume(&mut self) -> io::Result<()> {
        match self {
            Self::Process(process) => {
                process.resume();
                Ok(())
            }
            Self::Container(container) => container.resume().await,
        }
    }
}

/// A log, to be written on.
pub(super) fn open_log(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
