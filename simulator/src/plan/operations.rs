//! What clients do: arrivals on the time axis, and what each of them does.
//!
//! An arrival is one operation or several: of kind conflict, a TRANSFER and its rival; of kind
//! duplicate, a TRANSFER and its repetition. Those that have more of a story are in `stories`. Not here:
//! the documents they post (`workload`).

use std::collections::{BTreeMap, VecDeque};

use bigchaindb_load::arrivals;

use super::stories::Shared;
use super::{Action, Follows, Operation};
use crate::chance::{Domain, Draw, draw};
use crate::scenario::{Arrivals, Kind, Load, Scenario, Spread};

/// An output is spent at the earliest this long after it was meant to be made. Most are decided
/// valid by then, so that a TRANSFER rarely waits for its input and its latency is its own.
const INPUT_AGE_US: u64 = 5_000_000;
/// A rival that races comes within this time of its model.
const RACE_US: u64 = 50_000;
/// A rival or a repetition that is late comes within this time of its model.
const LATE_US: u64 = 5_000_000;
/// So many rivals and repetitions race, in parts per million; the others are late.
const RACING: u32 = 500_000;

pub(super) struct Arrival {
    pub(super) at_us: u64,
    pub(super) client: u32,
    /// Its number among the arrivals of its client.
    pub(super) number: u64,
}

/// Every operation of the plan, by number.
pub(super) fn choose(scenario: &Scenario, seed: u64) -> Vec<Operation> {
    let mut arrivals = Vec::new();
    for (client, load) in (0..).zip(&scenario.loads) {
        arrivals.extend(arrive(load, client, seed));
    }
    arrivals.sort_by_key(|arrival| (arrival.at_us, arrival.client, arrival.number));

    let mut chosen = Chosen::new(seed, u64::from(scenario.federation.members()));
    for arrival in arrivals {
        chosen.add(&arrival, &scenario.loads[arrival.client as usize]);
    }
    chosen.operations
}

fn arrive(load: &Load, client: u32, seed: u64) -> Vec<Arrival> {
    let length_ns = (load.until_us - load.from_us) * 1_000;
    let drawn = |number| draw(seed, Domain::Arrival, u64::from(client), number);
    let arrival = |(number, at_ns): (u64, u64)| {
        let at_us = load.from_us + at_ns / 1_000;
        Arrival { at_us, client, number }
    };
    let until = |at_ns: &u64| *at_ns < length_ns;
    match &load.arrivals {
        Arrivals::Constant(rate) => {
            let moments = (0..).map(|number| rate.nth_ns(number)).take_while(until);
            (0..).zip(moments).map(arrival).collect()
        }
        Arrivals::Poisson(rate) => {
            let mut at_ns = 0;
            let next = |number| {
                at_ns += drawn(number).exponential(rate.gap_ns());
                at_ns
            };
            (0..).zip((0..).map(next).take_while(until)).map(arrival).collect()
        }
        Arrivals::Changing { profile, spread: Spread::Even } => {
            (0..).zip(profile.moments(arrivals::even)).map(arrival).collect()
        }
        Arrivals::Changing { profile, spread: Spread::Poisson } => {
            let gap = |number| drawn(number).exponential(arrivals::ONE);
            (0..).zip(profile.moments(gap)).map(arrival).collect()
        }
        // When they come is nobody's choice: these moments only say in which order.
        Arrivals::Saturate { requests, in_flight } => {
            let (requests, first) = (u64::from(*requests), u64::from(*in_flight));
            let at_ns = |number: u64| length_ns / requests * number.saturating_sub(first);
            (0..requests).map(|number| arrival((number, at_ns(number)))).collect()
        }
    }
}

/// The operations chosen so far, and the outputs that may still be spent.
pub(super) struct Chosen {
    seed: u64,
    nodes: u64,
    operations: Vec<Operation>,
    /// Made not long ago, in the order of time.
    young: VecDeque<(u64, u32)>,
    /// Made long enough ago to be spent.
    ripe: Vec<u32>,
    /// Made for two owners.
    pub(super) shared: Shared,
    /// The last operation of each of the loops that a load is, by client and loop.
    loops: BTreeMap<(u32, u64), u32>,
}

impl Chosen {
    fn new(seed: u64, nodes: u64) -> Self {
        let (operations, young, ripe) = (Vec::new(), VecDeque::new(), Vec::new());
        let (shared, loops) = (Shared::default(), BTreeMap::new());
        Self { seed, nodes, operations, young, ripe, shared, loops }
    }

    fn add(&mut self, arrival: &Arrival, load: &Load) {
        while self.young.front().is_some_and(|(at, _)| at + INPUT_AGE_US <= arrival.at_us) {
            self.ripe.extend(self.young.pop_front().map(|(_, number)| number));
        }
        let wanted = load.mix.kind(self.draw(Domain::OperationKind, arrival).below(1_000_000));
        let nothing_needed =
            matches!(wanted, Kind::Create | Kind::Eager | Kind::MultiOwner | Kind::Malformed);
        // While there is nothing to spend, an arrival makes something that can be spent.
        let kind = if self.ripe.is_empty() && !nothing_needed { Kind::Create } else { wanted };
        let mut story = Story { chosen: self, arrival, load };
        match kind {
            Kind::Create => {
                let number = story.create();
                self.young.push_back((arrival.at_us, number));
            }
            Kind::Transfer => {
                let number = story.transfer();
                self.young.push_back((arrival.at_us, number));
            }
            // What two compete for is never built upon: either may lose.
            Kind::Conflict => story.conflict(),
            Kind::Duplicate => {
                let number = story.duplicate();
                self.young.push_back((arrival.at_us, number));
            }
            Kind::Everywhere => {
                let number = story.everywhere();
                self.young.push_back((arrival.at_us, number));
            }
            Kind::Replay => {
                let number = story.replay();
                self.young.push_back((arrival.at_us, number));
            }
            Kind::Eager => story.eager(),
            Kind::MultiOwner => story.multi_owner(),
            Kind::Threshold => story.threshold(),
            Kind::Hashlock => story.hashlock(),
            Kind::Timeout => story.timeout(),
            Kind::Escrow => story.escrow(),
            Kind::Odd => story.odd(),
            Kind::Malformed => story.malformed(),
        }
    }

    fn draw(&self, domain: Domain, arrival: &Arrival) -> Draw {
        draw(self.seed, domain, u64::from(arrival.client), arrival.number)
    }
}

/// What one arrival comes to.
pub(super) struct Story<'a> {
    pub(super) chosen: &'a mut Chosen,
    pub(super) arrival: &'a Arrival,
    pub(super) load: &'a Load,
}

impl Story<'_> {
    fn create(&mut self) -> u32 {
        let payload_bytes = self.load.payload_bytes;
        self.first(Action::Create { payload_bytes })
    }

    /// A TRANSFER of an output that nobody else will spend.
    pub(super) fn transfer(&mut self) -> u32 {
        let (of, payload_bytes) = (self.input(), self.load.payload_bytes);
        self.first(Action::Transfer { of, payload_bytes })
    }

    fn conflict(&mut self) {
        let (with, payload_bytes) = (self.transfer(), self.load.payload_bytes);
        let delay = self.delay();
        self.elsewhere(delay, Action::Conflict { with, payload_bytes });
    }

    fn duplicate(&mut self) -> u32 {
        let of = self.transfer();
        let delay = self.delay();
        self.elsewhere(delay, Action::Duplicate { of });
        of
    }

    fn delay(&self) -> u64 {
        let question = |n| self.about(Domain::OperationDelay, n);
        let most = if question(0).happens(RACING) { RACE_US } else { LATE_US };
        question(1).between(0, most)
    }

    /// An output to spend, which nobody else will.
    ///
    /// # Panics
    /// If there is none.
    pub(super) fn input(&mut self) -> u32 {
        let drawn = self.chosen.draw(Domain::OperationInput, self.arrival);
        let index = drawn.below(self.chosen.ripe.len() as u64);
        let index = usize::try_from(index).expect("an index into a list");
        self.chosen.ripe.swap_remove(index)
    }

    /// One of two draws for this arrival.
    fn about(&self, domain: Domain, question: u64) -> Draw {
        let (client, number) = (u64::from(self.arrival.client), self.arrival.number);
        draw(self.chosen.seed, domain, client, 2 * number + question)
    }

    /// One of 16 draws for what is told in `stories`.
    pub(super) fn draw(&self, question: u64) -> Draw {
        let (client, number) = (u64::from(self.arrival.client), self.arrival.number);
        draw(self.chosen.seed, Domain::Story, client, 16 * number + question)
    }

    /// The node that this arrival is sent to.
    pub(super) fn node(&self) -> u64 {
        self.chosen.draw(Domain::OperationNode, self.arrival).below(self.chosen.nodes)
    }

    /// How many nodes there are.
    pub(super) fn nodes(&self) -> u64 {
        self.chosen.nodes
    }

    /// The arrival's own operation.
    pub(super) fn first(&mut self, action: Action) -> u32 {
        let node = self.node();
        self.push(self.arrival.at_us, node, action)
    }

    /// One that follows, so much later, at another node than the first, if there is one.
    pub(super) fn elsewhere(&mut self, delay_us: u64, action: Action) -> u32 {
        let (nodes, node) = (self.chosen.nodes, self.node());
        let drawn = self.chosen.draw(Domain::OtherNode, self.arrival);
        let other = (node + 1 + drawn.below((nodes - 1).max(1))) % nodes;
        self.push(self.arrival.at_us + delay_us, other, action)
    }

    /// An operation, while the load lasts at the latest.
    pub(super) fn push(&mut self, at_us: u64, node: u64, action: Action) -> u32 {
        let number = u32::try_from(self.chosen.operations.len()).expect("loads are bounded");
        let node = usize::try_from(node).expect("an index into the nodes");
        let (at_us, client) = (at_us.min(self.load.until_us), self.arrival.client);
        let watch = self.load.watch;
        let drawn = || draw(self.chosen.seed, Domain::Readable, number.into(), 0);
        let readable = self.load.readable.filter(|readable| drawn().happens(readable.share));
        let readable_us = readable.map(|readable| readable.every_us);
        let follows = match self.load.arrivals {
            Arrivals::Saturate { in_flight, .. } => {
                let which = (client, self.arrival.number % u64::from(in_flight));
                let before = self.chosen.loops.insert(which, number);
                before.map(|of| Follows { of, until_us: self.load.until_us })
            }
            _ => None,
        };
        let operation =
            Operation { number, at_us, client, node, action, watch, readable_us, follows };
        self.chosen.operations.push(operation);
        number
    }
}
