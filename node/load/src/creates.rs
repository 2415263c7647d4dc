//! CREATEs, as many as somebody wants: so many a second, or one after the other at so many clients.
//!
//! Here: when the next one is due, and the tally of what came of them. A latency counts from the moment
//! a request was due, so that a node that falls behind cannot hide it.

use std::sync::{Arc, Mutex, MutexGuard};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::client::{Answer, Call};
use crate::corpus::Stock;
use crate::engine::{Effect, Event, Exchange, Workload};
use crate::histogram;

/// Requests under way at once. Whoever needs more loads a node that has long given up.
const UNDER_WAY_MAX: usize = 10_000;

/// When the next request goes out.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub enum Pace {
    /// So many clients, each waiting for its answer before it goes on.
    Clients(usize),
    /// So many a second, whatever becomes of them; more than 0.
    PerSecond(f64),
}

/// Which part of the requests is meant, where several generators share them: they take turns. With clients that
/// wait, there must be no more parts than clients: a part without one would send nothing of its share.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Part {
    /// Which of them, from 0.
    pub index: usize,
    /// How many there are; at least 1.
    pub of: usize,
}

impl Part {
    /// All of them.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// A part of this part: with all its parts taken together it is this part again.
    pub fn part(self, part: Self) -> Self {
        Self { index: part.index * self.of + self.index, of: part.of * self.of }
    }

    /// How many of so many belong to it.
    fn share_of(self, all: usize) -> usize {
        all / self.of + usize::from(self.index < all % self.of)
    }
}

/// What came of the requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Requests that went out.
    pub sent: u64,
    /// Answered 200 or 201.
    pub accepted: u64,
    /// Answered 503: the node had too much to do.
    pub turned_away: u64,
    /// Answered anything else.
    pub refused: u64,
    /// Without an answer.
    pub unanswered: u64,
    /// Due, but not sent, because too many were under way.
    pub unsent: u64,
    /// What the first one that was not accepted was told.
    pub first_trouble: Option<String>,
    /// Of those that were answered, from when they were due, in microseconds.
    #[serde(with = "histogram")]
    pub latency_us: Histogram<u64>,
}

/// The workload.
#[derive(Debug)]
pub struct Creates {
    stock: Arc<Stock>,
    pace: Pace,
    targets: usize,
    /// How many requests there are in all, other parts included; `None` means without end.
    count: Option<u64>,
    part: Part,
    /// The number of the one that is due next.
    due: u64,
    under_way: usize,
    tally: Arc<Mutex<Tally>>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            sent: 0,
            accepted: 0,
            turned_away: 0,
            refused: 0,
            unanswered: 0,
            unsent: 0,
            first_trouble: None,
            latency_us: histogram::new(),
        }
    }
}

impl Tally {
    fn note(&mut self, exchange: &Exchange, due_us: u64) {
        let answer = match &exchange.answer {
            Ok(answer) => answer,
            Err(error) => {
                self.unanswered += 1;
                return self.trouble(error.to_string());
            }
        };
        self.latency_us.saturating_record(exchange.over_us.saturating_sub(due_us));
        match answer.status {
            200 | 201 => return self.accepted += 1,
            503 => self.turned_away += 1,
            _ => self.refused += 1,
        }
        let Answer { status, body } = answer;
        self.trouble(format!("{status}: {}", String::from_utf8_lossy(body)));
    }

    /// Together with that of another part.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.accepted += other.accepted;
        self.turned_away += other.turned_away;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.unsent += other.unsent;
        self.latency_us.add(&other.latency_us).expect("both have the same bounds");
        if let Some(trouble) = &other.first_trouble {
            self.trouble(trouble.clone());
        }
    }

    fn trouble(&mut self, what: String) {
        self.first_trouble.get_or_insert(what);
    }
}

impl Creates {
    /// CREATEs out of `stock` for so many nodes, in turn: a part of them. What comes of these is in
    /// [`Self::tally`] while it happens.
    pub fn new(
        stock: Arc<Stock>,
        pace: Pace,
        targets: usize,
        count: Option<u64>,
        part: Part,
    ) -> Self {
        let pace = match pace {
            Pace::Clients(clients) => Pace::Clients(part.share_of(clients)),
            Pace::PerSecond(rate) => Pace::PerSecond(rate),
        };
        let (tally, due) = (Arc::default(), part.index as u64);
        Self { stock, pace, targets, count, part, due, under_way: 0, tally }
    }

    /// The tally, shared with whoever watches.
    pub fn tally(&self) -> Arc<Mutex<Tally>> {
        self.tally.clone()
    }

    fn locked(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().expect("nobody panics with the tally")
    }

    /// When a request is due, in microseconds since the run began; one client after the other knows
    /// only when it is its turn.
    fn due_us(&self, number: u64) -> Option<u64> {
        match self.pace {
            Pace::Clients(_) => None,
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive")]
            Pace::PerSecond(rate) => Some((number as f64 * 1e6 / rate) as u64),
        }
    }

    fn is_over(&self) -> bool {
        self.count.is_some_and(|count| self.due >= count)
    }

    /// The next request, or a note that there is no room for it.
    fn send(&mut self, due_us: u64, effects: &mut Vec<Effect>) {
        let number = self.due;
        self.due += self.part.of as u64;
        if self.under_way >= UNDER_WAY_MAX {
            return self.locked().unsent += 1;
        }
        self.under_way += 1;
        self.locked().sent += 1;
        #[expect(clippy::cast_possible_truncation, reason = "smaller than a number of targets")]
        let target = (number % self.targets as u64) as usize;
        let call = Call::Post(self.stock.create(number));
        effects.push(Effect::Send { number, target, call, due_us });
    }
}

impl Workload for Creates {
    fn handle(&mut self, now_us: u64, event: Event, effects: &mut Vec<Effect>) {
        if let Event::Over(exchange) = event {
            self.under_way -= 1;
            let due_us = self.due_us(exchange.number).unwrap_or(exchange.wanted_us);
            self.locked().note(&exchange, due_us);
        }
        match self.pace {
            Pace::Clients(clients) => {
                while self.under_way < clients.min(UNDER_WAY_MAX) && !self.is_over() {
                    self.send(now_us, effects);
                }
            }
            Pace::PerSecond(_) => loop {
                if self.is_over() {
                    break;
                }
                let due_us = self.due_us(self.due).expect("this pace has times");
                if due_us > now_us {
                    effects.push(Effect::WakeAt(due_us));
                    break;
                }
                self.send(due_us, effects);
            },
        }
        if self.is_over() && self.under_way == 0 {
            effects.push(Effect::Finish);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::NoAnswer;
    use crate::corpus::Corpus;

    fn creates(pace: Pace, targets: usize, count: u64, part: Part) -> Creates {
        let stock = Arc::new(Stock::sign(Corpus::new(1, 0), Part::WHOLE, 2, 1));
        Creates::new(stock, pace, targets, Some(count), part)
    }

    fn sent(effects: &mut Vec<Effect>) -> Vec<(u64, usize)> {
        let sends = effects.drain(..).filter_map(|effect| match effect {
            Effect::Send { number, target, .. } => Some((number, target)),
            _ => None,
        });
        sends.collect()
    }

    fn over(number: u64, wanted_us: u64, over_us: u64, status: u16) -> Event {
        let answer = match status {
            0 => Err(NoAnswer::TimedOut(std::time::Duration::from_secs(1))),
            _ => Ok(Answer { status, body: "why".into() }),
        };
        Event::Over(Exchange { number, wanted_us, sent_us: Some(wanted_us), over_us, answer })
    }

    #[test]
    fn clients_wait_for_their_answers() {
        let mut creates = creates(Pace::Clients(2), 2, 3, Part::WHOLE);
        let mut effects = Vec::new();
        creates.handle(0, Event::Start, &mut effects);
        assert_eq!(sent(&mut effects), [(0, 0), (1, 1)]);
        creates.handle(10, over(1, 0, 10, 201), &mut effects);
        assert_eq!(sent(&mut effects), [(2, 0)]);
        creates.handle(20, over(0, 0, 20, 400), &mut effects);
        assert!(effects.is_empty());
        creates.handle(30, over(2, 10, 30, 0), &mut effects);
        assert!(matches!(effects[..], [Effect::Finish]));
        let tally = creates.tally();
        let tally = tally.lock().unwrap();
        assert_eq!((tally.sent, tally.accepted, tally.refused, tally.unanswered), (3, 1, 1, 1));
        assert_eq!(tally.first_trouble.as_deref(), Some("400: why"));
    }

    #[test]
    fn a_latency_counts_from_when_the_request_was_due() {
        let mut creates = creates(Pace::PerSecond(1000.0), 1, 3, Part::WHOLE);
        let mut effects = Vec::new();
        creates.handle(0, Event::Start, &mut effects);
        assert!(matches!(effects[..], [Effect::Send { number: 0, .. }, Effect::WakeAt(1000)]));
        effects.clear();
        // The engine was asleep: two are due by now, one of them since 4 ms.
        creates.handle(5000, Event::Woken, &mut effects);
        assert_eq!(sent(&mut effects), [(1, 0), (2, 0)]);
        creates.handle(6000, over(1, 5000, 6000, 201), &mut effects);
        let tally = creates.tally();
        assert_eq!(tally.lock().unwrap().latency_us.max(), 5000 + 3);
    }

    #[test]
    fn parts_take_turns_and_leave_nothing_out() {
        let mut numbers = Vec::new();
        for index in 0..3 {
            let part = Part { index, of: 3 };
            let mut creates = creates(Pace::PerSecond(1000.0), 2, 8, part);
            let mut effects = Vec::new();
            creates.handle(5_000, Event::Start, &mut effects);
            let due = |effect: &Effect| match effect {
                Effect::Send { number, due_us, .. } => Some((*number, *due_us)),
                _ => None,
            };
            let due: Vec<_> = effects.iter().filter_map(due).collect();
            assert!(due.iter().all(|(number, due_us)| *due_us == number * 1000), "{due:?}");
            numbers.extend(due.into_iter().map(|(number, _)| number));
            assert_eq!(part.share_of(7), [3, 2, 2][index]);
        }
        numbers.sort_unstable();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn parts_of_parts_are_parts() {
        let whole = Part { index: 1, of: 2 };
        let parts: Vec<_> = (0..3).map(|index| whole.part(Part { index, of: 3 })).collect();
        let numbers = |part: Part| (part.index..12).step_by(part.of);
        let mut all: Vec<_> = parts.into_iter().flat_map(numbers).collect();
        all.sort_unstable();
        assert_eq!(all, numbers(whole).collect::<Vec<_>>());
    }
}
