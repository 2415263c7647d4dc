//! The log: lines on stderr as the original wrote them, `LEVEL:logger:message`.

use std::io::{self, Write as _};

use clap::ValueEnum;
use log::{Level, LevelFilter, Log, Metadata, Record};

/// From which level on lines are written; the names are Python's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum LogLevel {
    /// All there is.
    Debug,
    /// What a node does.
    Info,
    /// What somebody should look at.
    Warning,
    /// What went wrong.
    Error,
    /// Nothing.
    Critical,
}

impl LogLevel {
    /// Writes the lines of this level and above from now on; a second call changes nothing.
    pub(crate) fn apply(self) {
        if log::set_logger(&Stderr).is_ok() {
            log::set_max_level(match self {
                Self::Debug => LevelFilter::Debug,
                Self::Info => LevelFilter::Info,
                Self::Warning => LevelFilter::Warn,
                Self::Error => LevelFilter::Error,
                Self::Critical => LevelFilter::Off,
            });
        }
    }
}

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries that are none of ours say nothing an operator could use.
        metadata.target().starts_with("bigchaindb") || metadata.target().starts_with("logstats")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = match record.level() {
            Level::Error => "ERROR",
            Level::Warn => "WARNING",
            Level::Info => "INFO",
            Level::Debug | Level::Trace => "DEBUG",
        };
        // Whoever closed stderr wants no log.
        let _ = writeln!(io::stderr(), "{level}:{}:{}", record.target(), record.args());
    }

    fn flush(&self) {}
}
