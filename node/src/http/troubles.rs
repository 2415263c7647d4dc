//! What goes wrong with requests, told to the operator: a line each, and not too many.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bigchaindb_core::stages::Report;

use crate::shell::OnReport;

/// Lines in a [`WINDOW`]; what there is beyond is counted. A node that turns away thousands of
/// requests in a second need not write a book about it.
const LINES_MAX: u32 = 10;

/// See [`LINES_MAX`].
const WINDOW: Duration = Duration::from_secs(1);

/// Tells what goes wrong with requests.
pub(super) struct Troubles {
    on_report: OnReport,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    since: Duration,
    lines: u32,
    untold: u64,
}

impl Troubles {
    pub(super) fn new(on_report: OnReport) -> Self {
        Self { on_report, told: Mutex::default() }
    }

    /// Tells one, unless there were too many of late. `now` is monotonic.
    pub(super) fn tell(&self, now: Duration, line: impl FnOnce() -> String) {
        let Some(untold) = self.told.lock().unwrap_or_else(PoisonError::into_inner).turn(now)
        else {
            return;
        };
        let mut line = line();
        if untold > 0 {
            line += &format!(" (and {untold} more before it)");
        }
        (self.on_report)(Report::Trouble(line));
    }
}

impl Told {
    /// Whether the next line is told: then how many before it were not.
    fn turn(&mut self, now: Duration) -> Option<u64> {
        if now.saturating_sub(self.since) >= WINDOW {
            (self.since, self.lines) = (now, 0);
        }
        if self.lines == LINES_MAX {
            self.untold += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_counted() {
        let mut told = Told::default();
        let second = Duration::from_secs(5);
        let lines: Vec<_> = (0..12).map(|_| told.turn(second)).collect();
        assert_eq!(lines.iter().filter(|line| line.is_some()).count(), 10);
        assert_eq!(told.turn(second + WINDOW), Some(2));
    }
}
