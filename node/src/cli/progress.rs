//! How far a command has come, on stderr: a line that changes at a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::admin::Progress;

/// Tells on stderr.
pub(crate) struct OnStderr {
    is_terminal: bool,
    step: Mutex<Option<Step>>,
}

struct Step {
    what: String,
    done: u64,
    bar: Option<ProgressBar>,
}

/// How often a terminal's line is drawn again without news.
const TICK: Duration = Duration::from_millis(200);

impl OnStderr {
    pub(crate) fn new() -> Self {
        Self { is_terminal: io::stderr().is_terminal(), step: Mutex::new(None) }
    }

    /// The last step is over.
    pub(crate) fn end(&self) {
        let Some(Step { what, done, bar }) = self.step().take() else { return };
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        log::info!(target: "bigchaindb", "{what}: {done}");
    }

    fn step(&self) -> std::sync::MutexGuard<'_, Option<Step>> {
        self.step.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for OnStderr {
    fn begin(&self, what: &str, of: Option<u64>) {
        self.end();
        let bar = self.is_terminal.then(|| {
            let (bar, template) = match of {
                Some(of) => (ProgressBar::new(of), "{msg} {wide_bar} {pos}/{len} {eta}"),
                None => (ProgressBar::new_spinner(), "{spinner} {msg} {pos} ({per_sec})"),
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(what.to_owned());
            bar.enable_steady_tick(TICK);
            bar
        });
        *self.step() = Some(Step { what: what.to_owned(), done: 0, bar });
    }

    fn advance(&self, by: u64) {
        if let Some(step) = &mut *self.step() {
            step.done += by;
            if let Some(bar) = &step.bar {
                bar.inc(by);
            }
        }
    }
}
