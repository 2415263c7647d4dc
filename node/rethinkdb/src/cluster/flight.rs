//! An operation on its way: from the client's server to the primaries, and back with their word.
//!
//! An operation has a part for every shard that it touches. Each part is sent, is done or refused
//! where it arrives, and then waits for acknowledgements; when all parts are over, there is an
//! answer. Not here: who is primary (`shard`), what a write leaves behind (`log`).

use super::failure::{Failure, OperationError};
use super::log::Awaited;
use super::network::{Network, ServerId, Session};
use super::operation::{AccessKind, Keys, Operation, ReadMode, TableNumber, WriteAcks};
use super::shard::Shard;
use super::{Table, Tables, Timing};

/// An operation on its way.
pub(super) struct Flight {
    pub(super) operation: Operation,
    /// The life of the client's server in which it was asked.
    life: u32,
    /// One per shard it touches; none before it was sent.
    pub(super) parts: Vec<Part>,
    sent: bool,
}

/// What an operation wants of one shard.
pub(super) struct Part {
    pub(super) table: TableNumber,
    /// The table's shards as they were cut then.
    cut: u32,
    pub(super) shard: usize,
    pub(super) kind: AccessKind,
    pub(super) to: ServerId,
    pub(super) to_life: u32,
    pub(super) session: Session,
    state: State,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum State {
    /// On its way.
    Sent,
    /// The owner of the data does it now.
    Performing,
    /// Done, not acknowledged.
    Performed(Awaited),
    Done,
    Failed(Failure),
}

/// What an operation comes to, looked at in a moment.
pub(super) enum Turn {
    /// Nothing happens.
    Waits,
    /// These parts are to be done.
    Perform(Vec<usize>),
    /// It is over.
    Over(Result<(), OperationError>),
}

/// The cluster around an operation.
pub(super) struct Around<'a, U> {
    pub(super) now: u64,
    pub(super) network: &'a Network,
    pub(super) timing: &'a Timing,
    pub(super) tables: &'a Tables<U>,
}

impl<U: Clone> Around<'_, U> {
    fn shard(&self, part: &Part) -> Option<&Shard<U>> {
        let table = self.tables.get(&part.table).filter(|table| table.cut == part.cut)?;
        table.shards.get(part.shard)
    }
}

impl Flight {
    pub(super) fn new(operation: Operation, network: &Network) -> Self {
        let life = network.server(operation.server).life;
        Self { operation, life, parts: Vec::new(), sent: false }
    }

    fn is_write(&self) -> bool {
        self.operation.accesses.iter().any(|access| matches!(access.kind, AccessKind::Write(_)))
    }

    fn failed(&self, failure: Failure, indeterminate: bool) -> Turn {
        let write = self.is_write();
        let indeterminate = indeterminate && write;
        Turn::Over(Err(OperationError { failure, write, indeterminate }))
    }

    /// Goes as far as it can now.
    pub(super) fn advance<U: Clone>(&mut self, around: &Around<'_, U>) -> Turn {
        let Around { network, .. } = around;
        let server = self.operation.server;
        if network.is_down(server) || network.server(server).life != self.life {
            let failure = if self.sent { Failure::ServerDied } else { Failure::ServerDown };
            return self.failed(failure, self.sent);
        }
        if !network.is_running(server) {
            return Turn::Waits;
        }
        if !self.sent {
            match self.send(around) {
                Ok(parts) => self.parts = parts,
                Err(failure) => return self.failed(failure, false),
            }
            self.sent = true;
        }
        let mut ready = Vec::new();
        for index in 0..self.parts.len() {
            match self.parts[index].step(server, around) {
                Step::Ready => ready.push(index),
                Step::Becomes(state) => self.parts[index].state = state,
                Step::Stays => {}
            }
        }
        // Reads see all their shards at one moment; writes do what they can.
        let is_sent = |part: &&Part| part.state == State::Sent;
        let all = ready.len() == self.parts.iter().filter(is_sent).count();
        let refused = self.parts.iter().any(|part| matches!(part.state, State::Failed(_)));
        if self.is_write() || all && !refused {
            if !ready.is_empty() {
                for index in &ready {
                    self.parts[*index].state = State::Performing;
                }
                return Turn::Perform(ready);
            }
        } else if all {
            for index in ready {
                self.parts[index].state = State::Done;
            }
        }
        self.conclude()
    }

    /// Whom each part goes to. If one shard has no primary, nothing is sent.
    fn send<U: Clone>(&self, around: &Around<'_, U>) -> Result<Vec<Part>, Failure> {
        let Around { now, network, tables, .. } = *around;
        let Operation { server, accesses, entropy } = &self.operation;
        let mut parts: Vec<Part> = Vec::new();
        for access in accesses {
            let Some(table) = tables.get(&access.table) else { continue };
            for number in touched(table, &access.keys) {
                let known = |part: &&Part| (part.table, part.shard) == (access.table, number);
                if parts.iter().filter(known).any(|part| part.kind == access.kind) {
                    continue;
                }
                let shard = &table.shards[number];
                let to = match access.kind {
                    AccessKind::Read(ReadMode::Outdated) => {
                        shard.outdated(*server, *entropy, now, network)?.server
                    }
                    _ => shard.route(*server, network)?,
                };
                parts.push(Part {
                    table: access.table,
                    cut: table.cut,
                    shard: number,
                    kind: access.kind,
                    to,
                    to_life: network.server(to).life,
                    session: network.session(*server, to).expect("it is seen"),
                    state: State::Sent,
                });
            }
        }
        Ok(parts)
    }

    /// The owner has done these parts: what each waits for.
    pub(super) fn performed(&mut self, index: usize, awaited: Option<Awaited>) {
        self.parts[index].state = awaited.map_or(State::Done, State::Performed);
    }

    /// The parts that the owner is doing.
    pub(super) fn performing(&self) -> Vec<usize> {
        let performing = |index: &usize| self.parts[*index].state == State::Performing;
        (0..self.parts.len()).filter(performing).collect()
    }

    fn conclude(&self) -> Turn {
        let mut done = false;
        let mut failures = Vec::new();
        for part in &self.parts {
            match &part.state {
                State::Done => done = true,
                State::Failed(failure) => failures.push(failure),
                _ => return Turn::Waits,
            }
        }
        let unsure = |failure: &&&Failure| {
            matches!(failure, Failure::LostPrimary | Failure::LostSecondaries)
        };
        match (failures.iter().find(unsure), failures.first()) {
            (Some(failure), _) => self.failed((*failure).clone(), true),
            (None, Some(failure)) => self.failed((*failure).clone(), done),
            (None, None) => Turn::Over(Ok(())),
        }
    }

    /// When its acknowledgements are complete, if nothing happens.
    pub(super) fn next_us<U: Clone>(&self, around: &Around<'_, U>) -> Option<u64> {
        let moments = self.parts.iter().filter_map(|part| part.acknowledged_us(around));
        moments.filter(|at| *at > around.now).min()
    }
}

/// The shards that hold some of these keys.
fn touched<U>(table: &Table<U>, keys: &Keys) -> Vec<usize> {
    let all = 0..table.shards.len();
    match keys {
        Keys::All => all.collect(),
        Keys::Between(range) => {
            all.filter(|shard| table.shards[*shard].range.overlaps(range)).collect()
        }
        Keys::These(keys) => {
            let holds = |shard: &usize| {
                let range = &table.shards[*shard].range;
                keys.iter().any(|key| range.contains(key))
            };
            all.filter(holds).collect()
        }
    }
}

enum Step {
    Stays,
    Ready,
    Becomes(State),
}

impl Part {
    fn is_outdated(&self) -> bool {
        self.kind == AccessKind::Read(ReadMode::Outdated)
    }

    fn step<U: Clone>(&self, server: ServerId, around: &Around<'_, U>) -> Step {
        let Around { now, network, .. } = *around;
        let awaited = match &self.state {
            State::Sent => None,
            State::Performed(awaited) => Some(*awaited),
            State::Performing | State::Done | State::Failed(_) => return Step::Stays,
        };
        let lost = if self.is_outdated() { Failure::LostReplica } else { Failure::LostPrimary };
        let Some(shard) = around.shard(self) else { return Step::Becomes(State::Failed(lost)) };
        let same = network.session(server, self.to) == Some(self.session);
        let in_office = self.is_outdated() || shard.is_in_office(self.to, self.to_life);
        if !same || !in_office {
            return Step::Becomes(State::Failed(lost));
        }
        let Some(awaited) = awaited else {
            if !network.flows(server, self.to) {
                return Step::Stays;
            }
            if self.is_outdated() {
                return Step::Ready;
            }
            return match shard.meet(self.to, self.kind, now, network) {
                Ok(()) => Step::Ready,
                Err(failure) => Step::Becomes(State::Failed(failure)),
            };
        };
        if self.acknowledged_us(around).is_some_and(|at| at <= now) {
            let heard = network.flows(self.to, server);
            return if heard { Step::Becomes(State::Done) } else { Step::Stays };
        }
        let alone = shard.primary() != Some(self.to) || !shard.has_quorum(now, network);
        if alone && awaited.acks == WriteAcks::Majority {
            return Step::Becomes(State::Failed(Failure::LostSecondaries));
        }
        Step::Stays
    }

    fn acknowledged_us<U: Clone>(&self, around: &Around<'_, U>) -> Option<u64> {
        let State::Performed(awaited) = self.state else { return None };
        let shard = around.shard(self).filter(|shard| shard.primary() == Some(self.to))?;
        let scene = shard.scene(around.now, around.network, around.timing);
        shard.log.acknowledged_us(awaited, &shard.copies, scene)
    }
}
