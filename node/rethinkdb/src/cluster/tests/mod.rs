//! The cluster's tests: what clients see of each event, as measured; and laws that always hold.

mod availability;
mod durability;
mod laws;
mod reconfiguration;
mod table;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::*;

/// A cluster whose owner does at once what it is told to, and writes down what follows.
pub(super) struct Bench {
    pub(super) cluster: Cluster<u64>,
    pub(super) now: u64,
    asked: u64,
    pub(super) operations: BTreeMap<u64, Operation>,
    pub(super) answers: BTreeMap<u64, (u64, Result<(), OperationError>)>,
    pub(super) ended: BTreeMap<u64, (u64, bool)>,
    pub(super) flows: Vec<u64>,
    /// Writes that were done, by number, in their order.
    pub(super) done: Vec<u64>,
    pub(super) lost: Vec<Undone<u64>>,
    pub(super) unseen: BTreeMap<u64, Vec<u64>>,
    /// Each write with the cut and number of a shard, its term, and who did it.
    pub(super) performed: Vec<(u64, u32, usize, u64, ServerId)>,
    /// The writes that each read could see, with the moment in which each was lost, if it was.
    pub(super) seen: BTreeMap<u64, Vec<(u64, LostUs)>>,
    losses: BTreeMap<u64, LostUs>,
}

/// When a write was lost, if it was.
pub(super) type LostUs = Rc<RefCell<Option<u64>>>;

pub(super) const TABLE: TableNumber = 7;

/// `s1`, `s2`, …
pub(super) fn server(name: &str) -> ServerId {
    ServerId(name.strip_prefix('s').unwrap().parse::<u16>().unwrap() - 1)
}

pub(super) fn layout(servers: u16, shards: usize, replicas: usize) -> Vec<ShardLayout> {
    let servers: Vec<_> = (0..servers).map(ServerId).collect();
    lay_out(&split_points_for_uuids(shards), replicas, &servers, &[], &[]).unwrap()
}

impl Bench {
    pub(super) fn new(servers: u16, shards: usize, replicas: usize) -> Self {
        Self::with(servers, shards, replicas, WriteAcks::Majority, Timing::default())
    }

    pub(super) fn with(
        servers: u16,
        shards: usize,
        replicas: usize,
        acks: WriteAcks,
        timing: Timing,
    ) -> Self {
        let names = (1..=servers).map(|number| format!("s{number}")).collect();
        let mut cluster = Cluster::new(names, timing);
        let layout = layout(servers, shards, replicas);
        let spec = TableSpec { db: "test".into(), name: "f".into(), acks, layout };
        cluster.create_table(0, TABLE, spec, &mut Vec::new());
        Self {
            cluster,
            now: 0,
            asked: 0,
            operations: BTreeMap::new(),
            answers: BTreeMap::new(),
            ended: BTreeMap::new(),
            flows: Vec::new(),
            done: Vec::new(),
            lost: Vec::new(),
            unseen: BTreeMap::new(),
            performed: Vec::new(),
            seen: BTreeMap::new(),
            losses: BTreeMap::new(),
        }
    }

    /// Time passes until then.
    pub(super) fn until(&mut self, at_us: u64) {
        while let Some(next) = self.cluster.next_us().filter(|next| *next <= at_us) {
            let mut effects = Vec::new();
            self.now = next;
            self.cluster.tick(next, &mut effects);
            self.carry_out(effects);
        }
        self.now = at_us;
        let mut effects = Vec::new();
        self.cluster.tick(at_us, &mut effects);
        self.carry_out(effects);
    }

    pub(super) fn after(&mut self, us: u64) {
        self.until(self.now + us);
    }

    pub(super) fn harm(&mut self, harm: Harm) {
        let mut effects = Vec::new();
        self.cluster.harm(self.now, harm, &mut effects);
        self.carry_out(effects);
    }

    pub(super) fn ask(&mut self, server: ServerId, keys: Keys, kind: AccessKind) -> u64 {
        self.asked += 1;
        let accesses = vec![Access { table: TABLE, keys, kind }];
        let operation = Operation { server, accesses, entropy: self.asked };
        self.operations.insert(self.asked, operation.clone());
        let mut effects = Vec::new();
        self.cluster.ask(self.now, self.asked, operation, &mut effects);
        self.carry_out(effects);
        self.asked
    }

    pub(super) fn reconfigure(&mut self, layout: Vec<ShardLayout>) -> Result<(), LayoutError> {
        let mut effects = Vec::new();
        let result = self.cluster.reconfigure(self.now, TABLE, layout, &mut effects);
        self.carry_out(effects);
        result
    }

    fn carry_out(&mut self, effects: Vec<Effect<u64>>) {
        for effect in effects {
            match effect {
                Effect::Perform { number, shards, unseen } => {
                    self.unseen.insert(number, unseen);
                    self.perform(number, &shards);
                }
                Effect::Answer { number, outcome } => {
                    let twice = self.answers.insert(number, (self.now, outcome));
                    assert_eq!(twice, None, "an operation has one answer");
                }
                Effect::Acknowledged(_) => {}
                Effect::Lost(lost) => {
                    for undone in &lost {
                        *self.losses[&undone.what].borrow_mut() = Some(self.now);
                    }
                    self.lost.extend(lost);
                }
                Effect::FeedEnded { number, server_died } => {
                    self.ended.insert(number, (self.now, server_died));
                }
                Effect::FeedFlows { number } => self.flows.push(number),
            }
        }
    }

    fn perform(&mut self, number: u64, shards: &[(TableNumber, usize)]) {
        let access = self.operations[&number].accesses[0].clone();
        let keys = match access.keys.clone() {
            Keys::All => vec![text_key("1"), text_key("f")],
            Keys::These(keys) => keys,
            Keys::Between(range) => vec![range.from],
        };
        let mut writes = Vec::new();
        if matches!(access.kind, AccessKind::Write(_)) {
            for key in keys {
                let shard = self.cluster.shard_of(TABLE, &key).unwrap();
                if shards.contains(&(TABLE, shard)) {
                    writes.push(Written { table: TABLE, key, undo: number });
                }
            }
            self.done.push(number);
            self.losses.entry(number).or_default();
            let table = &self.cluster.tables[&TABLE];
            for part in &self.cluster.flights[&number].parts {
                if shards.contains(&(TABLE, part.shard)) {
                    let term = table.shards[part.shard].term;
                    self.performed.push((number, table.cut, part.shard, term, part.to));
                }
            }
        } else {
            // A write of some shards may be lost in one that the read does not touch.
            let writes = self.losses.iter().filter(|(write, lost)| {
                let one = self.operations[write].accesses[0].keys == access.keys;
                one && access.keys != Keys::All && lost.borrow().is_none()
            });
            let seen = writes.map(|(write, lost)| (*write, lost.clone())).collect();
            self.seen.insert(number, seen);
        }
        let mut effects = Vec::new();
        self.cluster.performed(self.now, number, writes, &mut effects);
        self.carry_out(effects);
    }
}

pub(super) fn key(text: &str) -> Keys {
    Keys::These(vec![text_key(text)])
}

pub(super) const WRITE: AccessKind = AccessKind::Write(Durability::Hard);
pub(super) const SOFT: AccessKind = AccessKind::Write(Durability::Soft);
pub(super) const SINGLE: AccessKind = AccessKind::Read(ReadMode::Single);
pub(super) const MAJORITY: AccessKind = AccessKind::Read(ReadMode::Majority);
pub(super) const OUTDATED: AccessKind = AccessKind::Read(ReadMode::Outdated);
