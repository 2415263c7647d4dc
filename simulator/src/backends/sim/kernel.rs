//! The discrete-event kernel: virtual time, and what happens next.
//!
//! Events of the same microsecond happen in the order in which they were scheduled, so a run is one
//! sequence, the same for the same seed. Nothing in here knows what an event is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Virtual time and the events to come.
pub(super) struct Kernel<E> {
    now_us: u64,
    scheduled: u64,
    events: BinaryHeap<Reverse<Scheduled<E>>>,
}

struct Scheduled<E> {
    at_us: u64,
    number: u64,
    event: E,
}

impl<E> Kernel<E> {
    pub(super) fn new() -> Self {
        Self { now_us: 0, scheduled: 0, events: BinaryHeap::new() }
    }

    /// Microseconds since the run began.
    pub(super) fn now_us(&self) -> u64 {
        self.now_us
    }

    /// Something will happen; nothing happens in the past.
    pub(super) fn at(&mut self, at_us: u64, event: E) {
        self.scheduled += 1;
        let at_us = at_us.max(self.now_us);
        self.events.push(Reverse(Scheduled { at_us, number: self.scheduled, event }));
    }

    /// Something will happen after a while.
    pub(super) fn after(&mut self, delay_us: u64, event: E) {
        self.at(self.now_us + delay_us, event);
    }

    /// The next event, if it happens before `end_us`; time moves to it.
    pub(super) fn next(&mut self, end_us: u64) -> Option<E> {
        if self.events.peek()?.0.at_us >= end_us {
            self.now_us = end_us;
            return None;
        }
        let Reverse(next) = self.events.pop()?;
        self.now_us = next.at_us;
        Some(next.event)
    }
}

impl<E> PartialEq for Scheduled<E> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<E> Eq for Scheduled<E> {}

impl<E> PartialOrd for Scheduled<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Scheduled<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_us, self.number).cmp(&(other.at_us, other.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_happen_in_order_of_time_then_of_scheduling() {
        let mut kernel = Kernel::new();
        for (at, event) in [(5, "c"), (1, "a"), (5, "d"), (3, "b"), (9, "late")] {
            kernel.at(at, event);
        }
        let order: Vec<_> = std::iter::from_fn(|| kernel.next(9)).collect();
        assert_eq!(order, ["a", "b", "c", "d"]);
        assert_eq!(kernel.now_us(), 9);
    }

    #[test]
    fn nothing_happens_in_the_past() {
        let mut kernel = Kernel::new();
        kernel.at(7, 1);
        kernel.next(100);
        kernel.at(3, 2);
        assert_eq!(kernel.next(100), Some(2));
        assert_eq!(kernel.now_us(), 7);
    }
}
