//! What happens by itself: a thread that lets time pass for the cluster, when something is due.

use std::io;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Live;

/// How long nothing is looked at when nothing is due; whoever does something says so.
const IDLE_US: u64 = 60_000_000;

/// The thread. It ends when this is dropped.
pub(super) struct Clock {
    live: Arc<Live>,
    thread: Option<JoinHandle<()>>,
}

#[expect(clippy::disallowed_methods, reason = "this is where a cluster meets the clock")]
pub(super) fn now() -> Instant {
    Instant::now()
}

impl Clock {
    pub(super) fn start(live: Arc<Live>) -> io::Result<Self> {
        let own = live.clone();
        let thread = thread::Builder::new().name("cluster: clock".to_owned());
        let thread = Some(thread.spawn(move || run(&own))?);
        Ok(Self { live, thread })
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.live.lock().is_closing = true;
        self.live.hurry.notify_all();
        // One that panicked has said so.
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

fn run(live: &Live) {
    loop {
        live.act(|state, now, effects| state.cluster.tick(now, effects));
        let mut state = live.lock();
        if state.is_closing {
            return;
        }
        let now = live.now_us();
        let next = state.cluster.next_us().unwrap_or(u64::MAX).min(now + IDLE_US);
        state.looks_us = next;
        let wait = Duration::from_micros(next.saturating_sub(now));
        let (mut state, _) =
            live.hurry.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
        // Until it has looked again nobody needs to call it.
        state.looks_us = 0;
    }
}
