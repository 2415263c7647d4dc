//! What clients do: arrivals on the time axis, and what each of them does.
//!
//! An arrival of kind conflict is two operations, a TRANSFER and its rival; one of kind duplicate
//! is a TRANSFER and its repetition. Not here: the documents they post (`workload`).

use std::collections::VecDeque;

use super::{Action, Operation};
use crate::chance::{Domain, draw};
use crate::scenario::{Arrivals, Load, Scenario};

/// An output is spent at the earliest this long after it was meant to be made. Most are decided
/// valid by then, so that a TRANSFER rarely waits for its input and its latency is its own.
const INPUT_AGE_US: u64 = 5_000_000;
/// A rival that races comes within this time of its model.
const RACE_US: u64 = 50_000;
/// A rival or a repetition that is late comes within this time of its model.
const LATE_US: u64 = 5_000_000;
/// So many rivals and repetitions race, in parts per million; the others are late.
const RACING: u32 = 500_000;

struct Arrival {
    at_us: u64,
    client: u32,
    /// Its number among the arrivals of its client.
    number: u64,
}

#[derive(Clone, Copy)]
enum Kind {
    Create,
    Transfer,
    Conflict,
    Duplicate,
}

/// Every operation of the plan, by number.
pub(super) fn choose(scenario: &Scenario, seed: u64) -> Vec<Operation> {
    let mut arrivals = Vec::new();
    for (client, load) in (0..).zip(&scenario.loads) {
        arrivals.extend(arrive(load, client, seed));
    }
    arrivals.sort_by_key(|arrival| (arrival.at_us, arrival.client, arrival.number));

    let mut chosen = Chosen::new(seed, u64::from(scenario.federation.nodes));
    for arrival in arrivals {
        chosen.add(&arrival, &scenario.loads[arrival.client as usize]);
    }
    chosen.operations
}

fn arrive(load: &Load, client: u32, seed: u64) -> Vec<Arrival> {
    let mut arrivals = Vec::new();
    let length_ns = (load.until_us - load.from_us) * 1_000;
    let mut at_ns = 0;
    for number in 0.. {
        at_ns = match load.arrivals {
            Arrivals::Constant => load.rate.nth_ns(number),
            Arrivals::Poisson => {
                let drawn = draw(seed, Domain::Arrival, u64::from(client), number);
                at_ns + drawn.exponential(load.rate.gap_ns())
            }
        };
        if at_ns >= length_ns {
            break;
        }
        arrivals.push(Arrival { at_us: load.from_us + at_ns / 1_000, client, number });
    }
    arrivals
}

/// The operations chosen so far, and the outputs that may still be spent.
struct Chosen {
    seed: u64,
    nodes: u64,
    operations: Vec<Operation>,
    /// Made not long ago, in the order of time.
    young: VecDeque<(u64, u32)>,
    /// Made long enough ago to be spent.
    ripe: Vec<u32>,
}

impl Chosen {
    fn new(seed: u64, nodes: u64) -> Self {
        let (operations, young, ripe) = (Vec::new(), VecDeque::new(), Vec::new());
        Self { seed, nodes, operations, young, ripe }
    }

    fn add(&mut self, arrival: &Arrival, load: &Load) {
        let payload_bytes = load.payload_bytes;
        while self.young.front().is_some_and(|(at, _)| at + INPUT_AGE_US <= arrival.at_us) {
            self.ripe.extend(self.young.pop_front().map(|(_, number)| number));
        }
        // While there is nothing to spend, an arrival makes something that can be spent.
        let kind = if self.ripe.is_empty() { Kind::Create } else { self.kind(arrival, load) };
        let node = self.draw(Domain::OperationNode, arrival).below(self.nodes);
        if let Kind::Create = kind {
            let number = self.push(arrival, arrival.at_us, node, Action::Create { payload_bytes });
            self.young.push_back((arrival.at_us, number));
            return;
        }
        let input = self.draw(Domain::OperationInput, arrival).below(self.ripe.len() as u64);
        let of = self.ripe.swap_remove(usize::try_from(input).expect("an index into a list"));
        let model = Action::Transfer { of, payload_bytes };
        let model = self.push(arrival, arrival.at_us, node, model);
        let second = match kind {
            Kind::Conflict => Action::Conflict { with: model, payload_bytes },
            Kind::Duplicate => Action::Duplicate { of: model },
            Kind::Create | Kind::Transfer => {
                self.young.push_back((arrival.at_us, model));
                return;
            }
        };
        // What two compete for is never built upon: either may lose.
        if let Kind::Duplicate = kind {
            self.young.push_back((arrival.at_us, model));
        }
        let delay = self.delay(arrival);
        let at_us = (arrival.at_us + delay).min(load.until_us);
        let elsewhere = self.other_node(arrival, node);
        self.push(arrival, at_us, elsewhere, second);
    }

    fn kind(&self, arrival: &Arrival, load: &Load) -> Kind {
        let drawn = self.draw(Domain::OperationKind, arrival).below(1_000_000);
        let mix = &load.mix;
        let mut upto = 0;
        let shares = [
            (mix.create, Kind::Create),
            (mix.transfer, Kind::Transfer),
            (mix.conflict, Kind::Conflict),
        ];
        for (share, kind) in shares {
            upto += u64::from(share);
            if drawn < upto {
                return kind;
            }
        }
        Kind::Duplicate
    }

    fn delay(&self, arrival: &Arrival) -> u64 {
        let (client, number) = (u64::from(arrival.client), arrival.number);
        let question = |n| draw(self.seed, Domain::OperationDelay, client, 2 * number + n);
        let most = if question(0).happens(RACING) { RACE_US } else { LATE_US };
        question(1).between(0, most)
    }

    /// Another node than this one, if there is one.
    fn other_node(&self, arrival: &Arrival, node: u64) -> u64 {
        let others = (self.nodes - 1).max(1);
        let drawn = self.draw(Domain::OtherNode, arrival);
        (node + 1 + drawn.below(others)) % self.nodes
    }

    fn draw(&self, domain: Domain, arrival: &Arrival) -> crate::chance::Draw {
        draw(self.seed, domain, u64::from(arrival.client), arrival.number)
    }

    fn push(&mut self, arrival: &Arrival, at_us: u64, node: u64, action: Action) -> u32 {
        let number = u32::try_from(self.operations.len()).expect("loads are bounded");
        let node = usize::try_from(node).expect("an index into the nodes");
        self.operations.push(Operation { number, at_us, client: arrival.client, node, action });
        number
    }
}
