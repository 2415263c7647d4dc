//! The other end of [`Metrics`](super::Metrics): what was counted, levelled and timed, as StatsD lines.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use super::table::{Counter, Gauge, Metric};
use super::{Shared, Timed};

/// The name of the federation itself, under which an observer of all nodes may send.
const FEDERATION: &str = "federation";

/// Whose metrics they are, in our names and in the original's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Names {
    node: String,
    host: String,
}

impl Names {
    /// `node` is made fit for a name: what is no letter, digit, `-` or `_` becomes `_`. The original's
    /// names begin with the host as it is.
    pub fn new(node: &str, host: &str) -> Self {
        let fit = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let mut node: String = node.chars().map(fit).collect();
        if node.is_empty() || node == FEDERATION {
            node.push('_');
        }
        Self { node, host: host.to_owned() }
    }
}

/// Takes metrics out and makes lines of them.
#[derive(Debug)]
pub struct Lines {
    shared: Arc<Shared>,
    timings: Receiver<Timed>,
    /// What our names begin with: `bigchaindb.<node>.`
    ours: String,
    /// What the original's names begin with: `<host>..`, with two dots.
    theirs: String,
    line: String,
}

impl Lines {
    pub(super) fn new(shared: Arc<Shared>, timings: Receiver<Timed>, names: Names) -> Self {
        let Names { node, host } = names;
        let (ours, theirs) = (format!("bigchaindb.{node}."), format!("{host}.."));
        Self { shared, timings, ours, theirs, line: String::new() }
    }

    /// Counts what befell the lines themselves.
    pub fn count(&self, counter: Counter, more: usize) {
        self.shared.count(counter, more as u64);
    }

    /// Sets a level.
    pub(super) fn set(&self, gauge: Gauge, level: u64) {
        self.shared.set(gauge, level);
    }

    /// Throws away the timings that wait; how many there were.
    pub(super) fn discard(&mut self) -> usize {
        self.timings.try_iter().count()
    }

    /// Takes out all there is, a line at a time: timings, then counters that are not zero, then gauges.
    pub fn take(&mut self, mut each: impl FnMut(&str)) {
        // No more than wait now, or a quick sender would keep this going for ever.
        for Timed { what, ms } in self.timings.try_iter().take(super::TIMINGS_MAX) {
            let metric = what.metric();
            let sampled = if metric.sampled { self.shared.rate.one_in() } else { 1 };
            let at = |line: &mut String| match sampled {
                1 => Ok(()),
                _ => write!(line, "|@{}", self.shared.rate),
            };
            say(&mut self.line, &mut each, |line| {
                write!(line, "{}{what}:{ms}|ms", self.ours)?;
                at(line)
            });
            if let Some(original) = metric.original {
                say(&mut self.line, &mut each, |line| {
                    write!(line, "{}{original}:{ms:.6}|ms", self.theirs)?;
                    at(line)
                });
            }
        }
        for &counter in Counter::ALL {
            let count = self.shared.take(counter);
            if count > 0 {
                self.plain(&mut each, counter.metric(), count);
            }
        }
        for &gauge in Gauge::ALL {
            if let Some(level) = self.shared.level(gauge) {
                self.plain(&mut each, gauge.metric(), level);
            }
        }
    }

    fn plain(&mut self, each: &mut impl FnMut(&str), metric: &Metric, value: u64) {
        let (name, kind) = (metric.name, metric.kind.word());
        say(&mut self.line, each, |line| write!(line, "{}{name}:{value}|{kind}", self.ours));
        if let Some(original) = metric.original {
            say(&mut self.line, each, |line| {
                write!(line, "{}{original}:{value}|{kind}", self.theirs)
            });
        }
    }
}

/// Writes a line and hands it on.
fn say(
    line: &mut String,
    each: &mut impl FnMut(&str),
    write: impl FnOnce(&mut String) -> std::fmt::Result,
) {
    line.clear();
    write(line).expect("a String can be written");
    each(line);
}
