//! Clients who look after what was accepted: where it stands, again and again, until that is final;
//! then once more, as it must not change any more. It is read in whole at the beginning and in the end, as
//! that must not change either. At the end: which keys own something.

use std::sync::Arc;

use bigchaindb_core::model::TxId;

use super::driver::{Doing, Driver, Output, Request, Timer, Turn, UnderWay};
use crate::chance::{Domain, draw};

/// The time between two looks lies between these.
const GAP_US: (u64, u64) = (200_000, 3_000_000);
/// The last look comes so much later than the one before.
const LAST_US: u64 = 5_000_000;
/// Nobody looks more often than this.
const LOOKS: u32 = 40;

/// An accepted transaction that is looked after.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    tx: TxId,
    /// It was seen to be final; one look is left.
    is_final: bool,
}

impl Turn<'_> {
    /// A POST was accepted.
    pub(super) fn accepted(&mut self, under_way: &UnderWay) {
        let number = under_way.number;
        let Some(tx) = under_way.tx.clone().filter(|_| self.driver.operation(number).watch) else {
            return;
        };
        self.driver.watched.insert(number, Watched { tx, is_final: false });
        self.look_later(number, 0);
    }

    fn look_later(&mut self, number: u32, question: u32) {
        let seed = self.driver.plan.seed;
        let drawn = draw(seed, Domain::Watch, number.into(), 2 * u64::from(question));
        let gap_us = drawn.between(GAP_US.0, GAP_US.1);
        let last_us =
            self.driver.plan.quiet_from_us + self.driver.plan.expect.decided_after_heal_us;
        if question < LOOKS && self.now_us + gap_us < last_us {
            self.later(gap_us, Timer::Watch(number, question));
        }
    }

    /// Looks where it stands, at any node; the first and the last time another node has to show it.
    pub(super) fn watch(&mut self, number: u32, question: u32) {
        let Some(watched) = self.driver.watched.get(&number) else { return };
        let Watched { tx, is_final } = watched.clone();
        let nodes = self.driver.plan.nodes.len() as u64;
        let seed = self.driver.plan.seed;
        let drawn = draw(seed, Domain::Watch, number.into(), 2 * u64::from(question) + 1);
        let node = usize::try_from(drawn.below(nodes)).expect("an index into the nodes");
        let another = (node + 1) % self.driver.plan.nodes.len();
        let of =
            |node, doing| UnderWay { number, node, doing, tx: Some(tx.clone()), document: None };
        self.send(of(node, Doing::Watch(question)), Request::Status(tx.clone()));
        if question == 0 || is_final {
            self.send(of(another, Doing::Read), Request::Get(tx.clone()));
        }
    }

    /// A look has its answer.
    pub(super) fn watched(&mut self, number: u32, question: u32, status: Option<&str>) {
        let Some(watched) = self.driver.watched.get_mut(&number) else { return };
        if watched.is_final {
            self.driver.watched.remove(&number);
        } else if status == Some("valid") {
            watched.is_final = true;
            self.later(LAST_US, Timer::Watch(number, question + 1));
        } else {
            self.look_later(number, question + 1);
        }
    }
}

impl Driver {
    /// The keys that may own something now, each with an operation that made an output for it: of the
    /// operations whose clients look after such things.
    pub fn owners(&self) -> Vec<(u32, Arc<str>)> {
        let mut owners = Vec::new();
        for (number, output) in &self.outputs {
            let operation = self.operation(*number);
            if !operation.watch || !matches!(output, Output::Made { .. }) {
                continue;
            }
            let keys = self.clients.owners(operation).into_iter().flatten();
            owners.extend(keys.map(|key| (*number, key.public().as_str().into())));
        }
        owners
    }
}
