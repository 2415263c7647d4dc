//! A closed loop: so many requests under way at once, the next as soon as one is over.
//!
//! It measures how much can be done, and says nothing about latencies: who waits for answers asks
//! less of a slow node.

use crate::client::Call;
use crate::engine::{Effect, Event, Exchange, Workload};

/// Sends calls in their order, so many at once.
#[derive(Debug)]
pub struct Saturate<I> {
    calls: I,
    at_once: usize,
    sent: u64,
    under_way: usize,
    over: Vec<Exchange>,
}

impl<I: Iterator<Item = (usize, Call)>> Saturate<I> {
    /// Calls, each with the node it goes to, and how many are under way at once.
    pub fn new(calls: I, at_once: usize) -> Self {
        Self { calls, at_once, sent: 0, under_way: 0, over: Vec::new() }
    }

    /// What came of the calls, numbered in their order from 0; sorted so.
    pub fn into_exchanges(mut self) -> Vec<Exchange> {
        self.over.sort_unstable_by_key(|exchange| exchange.number);
        self.over
    }
}

impl<I: Iterator<Item = (usize, Call)>> Workload for Saturate<I> {
    fn handle(&mut self, now_us: u64, event: Event, effects: &mut Vec<Effect>) {
        if let Event::Over(exchange) = event {
            self.under_way -= 1;
            self.over.push(exchange);
        }
        while self.under_way < self.at_once
            && let Some((target, call)) = self.calls.next()
        {
            effects.push(Effect::Send { number: self.sent, target, call, due_us: now_us });
            self.sent += 1;
            self.under_way += 1;
        }
        if self.under_way == 0 {
            effects.push(Effect::Finish);
        }
    }
}
