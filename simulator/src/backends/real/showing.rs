//! Showing a run in real time to whoever looks at it.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Recorder;
use crate::live::Live;

/// What is new in the log is shown this often.
const EVERY: Duration = Duration::from_millis(250);

/// Shows a run on a thread of its own, since somebody may judge what he sees.
pub(in super::super) struct Showing {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Showing {
    /// Shows what was written down since the run's clock stood at 0, and all that will be.
    pub(in super::super) fn start(live: Live, recorder: Recorder) -> Self {
        let (stop, stopped) = channel();
        let thread = thread::spawn(move || {
            let mut place = 0;
            loop {
                let is_last = stopped.recv_timeout(EVERY) != Err(RecvTimeoutError::Timeout);
                recorder.read_on(&mut place, |observed| live.see(observed));
                live.until(recorder.now_us());
                if is_last {
                    return;
                }
            }
        });
        Self { stop, thread }
    }

    /// Shows the rest.
    pub(in super::super) fn finish(self) {
        drop(self.stop);
        // One that has panicked has shown what it could.
        let _ = self.thread.join();
    }
}
