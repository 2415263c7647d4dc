//! Waking at a moment, to a fraction of a millisecond: tokio's timers know whole ones.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use tokio::sync::oneshot;
use tokio::time::Instant;

/// Wakes whoever waits for a moment. Clones are the same; its thread ends with the last of them.
#[derive(Clone, Debug)]
pub(super) struct Alarm(Arc<Owner>);

/// The thread outlives it by a moment.
#[derive(Debug)]
struct Owner(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    due: Mutex<Due>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Due {
    sleepers: BTreeMap<(Instant, u64), oneshot::Sender<()>>,
    /// How many there have been.
    count: u64,
    is_over: bool,
}

impl Alarm {
    /// Starts its thread.
    ///
    /// # Errors
    /// If there can be no further one.
    pub(super) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = shared.clone();
        thread::Builder::new().name("alarm".to_owned()).spawn(move || of_thread.run())?;
        Ok(Self(Arc::new(Owner(shared))))
    }

    /// Waits until then.
    pub(super) async fn at(&self, moment: Instant) {
        if moment <= Instant::now() {
            return;
        }
        // The thread does not end while this waits.
        let _ = self.sleep(moment).await;
    }

    fn sleep(&self, moment: Instant) -> oneshot::Receiver<()> {
        let (wake, woken) = oneshot::channel();
        let shared = &self.0.0;
        let mut due = shared.lock();
        due.count += 1;
        let key = (moment, due.count);
        due.sleepers.insert(key, wake);
        if due.sleepers.first_key_value().is_some_and(|(first, _)| *first == key) {
            shared.changed.notify_one();
        }
        woken
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    fn run(&self) {
        let mut due = self.lock();
        while !due.is_over {
            let now = Instant::now();
            while let Some(first) = due.sleepers.first_entry()
                && first.key().0 <= now
            {
                // Whoever does not wait any more is not missed.
                let _ = first.remove().send(());
            }
            let next = due.sleepers.first_key_value().map(|((moment, _), _)| *moment);
            due = match next {
                Some(next) => {
                    let waited = self.changed.wait_timeout(due, next - now);
                    waited.expect("nobody panics here").0
                }
                None => self.changed.wait(due).expect("nobody panics here"),
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Due> {
        self.due.lock().expect("nobody panics here")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_their_order_and_not_too_early() {
        let alarm = Alarm::start().unwrap();
        let began = Instant::now();
        let order = Arc::new(Mutex::new(Vec::new()));
        let sleeper = |us: u64| {
            let (alarm, order) = (alarm.clone(), order.clone());
            tokio::spawn(async move {
                alarm.at(began + Duration::from_micros(us)).await;
                assert!(began.elapsed() >= Duration::from_micros(us));
                order.lock().unwrap().push(us);
            })
        };
        for sleeper in [9_000, 30_000, 300, 0].map(sleeper) {
            sleeper.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [0, 300, 9_000, 30_000]);
    }
}
