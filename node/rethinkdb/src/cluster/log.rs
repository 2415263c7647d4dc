//! What a shard's replicas have of its latest writes, in memory and on disk.
//!
//! A write is done at the primary, reaches the replicas that follow it, and each brings it to disk.
//! Until a majority has it on disk, it can be lost: with the primary's death, or the power of several.
//! Here: who has what when, which writes are lost with whom, and how they are undone. Not here: who is
//! primary (`shard`), who waits for an acknowledgement (`flight`).

use std::collections::VecDeque;

use super::network::{Network, ServerId, Session};
use super::operation::{Durability, WriteAcks};
use super::{Timing, Undone};

/// So many writes are remembered at most: what is older counts as safe, and as seen by all replicas.
/// It takes a replica that is away for long to come near, or a primary that acknowledges on its own.
pub const WRITES_KEPT_MAX: usize = 100_000;

/// A replica's state: the numbers of the last writes that it has.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub(super) server: ServerId,
    /// In memory.
    pub(super) received: u64,
    /// With the operating system: a killed process keeps it.
    pub(super) written: u64,
    /// On the platter: a power cut does not take it.
    pub(super) synced: u64,
    /// It follows the primary over this connection, from then on.
    pub(super) follows: Option<(Session, u64)>,
}

impl Copy {
    /// One that has all writes up to a number on the platter, and follows nobody.
    pub(super) fn complete(server: ServerId, number: u64) -> Self {
        Self { server, received: number, written: number, synced: number, follows: None }
    }

    /// Forgets what is later.
    fn clamp(&mut self, number: u64) {
        self.received = self.received.min(number);
        self.written = self.written.min(number);
        self.synced = self.synced.min(number);
    }
}

/// A write, and what undoes it.
struct Entry<U> {
    number: u64,
    done_us: u64,
    /// When the primary has it with the operating system, and on the platter.
    written_us: u64,
    synced_us: u64,
    acks: WriteAcks,
    durability: Durability,
    /// Whether it has its acknowledgements, and the owner knows.
    told: bool,
    undo: Vec<U>,
}

/// How replicas hear of a shard's writes, and the primary of their hearing: of those that can.
struct Paths {
    /// How many replicas there are, whether they can or not.
    copies: usize,
    /// Since when one receives, and how long it is there and back.
    open: Vec<(u64, u64)>,
}

impl Paths {
    /// None without a primary.
    fn of(copies: &[Copy], scene: Scene<'_>) -> Option<Self> {
        let primary = scene.primary?;
        let open = copies.iter().filter_map(|copy| {
            scene.network.open_session(primary, copy.server)?;
            Some((scene.receives_since(copy)?, 2 * scene.lag_us(copy)))
        });
        Some(Self { copies: copies.len(), open: open.collect() })
    }

    /// When so many replicas have what the primary has since then, and it knows.
    fn nth_us(&self, at_primary: u64, needed: usize) -> Option<u64> {
        let mut moments: Vec<_> =
            self.open.iter().map(|(since, back)| at_primary.max(*since) + back).collect();
        moments.sort_unstable();
        moments.get(needed - 1).copied()
    }
}

impl<U> Entry<U> {
    fn awaited(&self) -> Awaited {
        Awaited { number: self.number, acks: self.acks, durability: self.durability }
    }
}

/// What has to be where before an answer is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Awaited {
    pub(super) number: u64,
    pub(super) acks: WriteAcks,
    pub(super) durability: Durability,
}

/// The writes of a shard that can be lost, or that some replica lacks.
pub(super) struct Log<U> {
    entries: VecDeque<Entry<U>>,
    /// So many of them, from the oldest on, have all been told of.
    told: usize,
    /// The number of the last write; numbers are never used twice.
    head: u64,
}

/// The surroundings in which a log is looked at.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) now: u64,
    pub(super) network: &'a Network,
    pub(super) timing: &'a Timing,
    pub(super) primary: Option<ServerId>,
}

impl Scene<'_> {
    /// How long a write takes to a replica.
    fn lag_us(&self, copy: &Copy) -> u64 {
        if self.primary == Some(copy.server) {
            return 0;
        }
        let ends = self.primary.into_iter().chain([copy.server]);
        let slowness = ends.map(|server| self.network.server(server).slowness).max();
        self.timing.replicate_us * u64::from(slowness.unwrap_or(1))
    }

    /// Since when a replica receives what the primary does.
    fn receives_since(&self, copy: &Copy) -> Option<u64> {
        let primary = self.primary?;
        if primary == copy.server {
            return self.network.is_running(primary).then_some(0);
        }
        let (_, since_us) = copy.follows.filter(|(_, since_us)| *since_us <= self.now)?;
        self.network.flows(primary, copy.server).then_some(since_us)
    }
}

impl<U: Clone> Log<U> {
    pub(super) fn new() -> Self {
        Self { entries: VecDeque::new(), told: 0, head: 0 }
    }

    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// A write was done at the primary; its number.
    pub(super) fn push(
        &mut self,
        acks: WriteAcks,
        durability: Durability,
        undo: Vec<U>,
        scene: Scene<'_>,
    ) -> u64 {
        self.head += 1;
        let (now, timing) = (scene.now, scene.timing);
        let (written_us, synced_us) = match durability {
            Durability::Hard => (now + timing.sync_us, now + timing.sync_us),
            Durability::Soft => (now + timing.flush_us, now + timing.write_back_us),
        };
        if durability == Durability::Hard {
            self.sync_by(now + timing.sync_us);
        }
        self.entries.push_back(Entry {
            number: self.head,
            done_us: now,
            written_us,
            synced_us,
            acks,
            durability,
            told: false,
            undo,
        });
        self.head
    }

    /// Somebody waits for all that there is to be on disk.
    pub(super) fn sync_by(&mut self, at_us: u64) {
        // Ascending, so those that are late enough already have only such before them.
        for entry in self.entries.iter_mut().rev() {
            if entry.synced_us <= at_us {
                break;
            }
            entry.synced_us = at_us;
            entry.written_us = entry.written_us.min(at_us);
        }
    }

    /// Whether there is nothing that any replica lacks, so that time changes nothing.
    pub(super) fn is_settled(&self, copies: &[Copy]) -> bool {
        let has_all = |copy: &Copy| copy.received.min(copy.written).min(copy.synced) == self.head;
        self.entries.is_empty() && copies.iter().all(has_all)
    }

    /// Lets time pass for the replicas that run.
    pub(super) fn settle(&self, copies: &mut [Copy], scene: Scene<'_>) {
        for copy in copies.iter_mut().filter(|copy| scene.network.is_running(copy.server)) {
            let lag = scene.lag_us(copy);
            if scene.receives_since(copy).is_some() {
                copy.received =
                    copy.received.max(self.last(|entry| entry.done_us + lag, scene.now));
            }
            let written = self.last(|entry| entry.written_us + lag, scene.now);
            copy.written = copy.written.max(written.min(copy.received));
            let synced = self.last(|entry| entry.synced_us + lag, scene.now);
            copy.synced = copy.synced.max(synced.min(copy.received));
        }
    }

    /// The number of the last write for which the moment has come; moments ascend.
    fn last(&self, moment: impl Fn(&Entry<U>) -> u64, now: u64) -> u64 {
        match self.entries.partition_point(|entry| moment(entry) <= now) {
            0 => self.entries.front().map_or(self.head, |first| first.number - 1),
            past => self.entries[past - 1].number,
        }
    }

    /// When enough replicas have what is awaited, and the primary knows: none if too few are there to
    /// say. A moment that has passed means now.
    pub(super) fn acknowledged_us(
        &self,
        awaited: Awaited,
        copies: &[Copy],
        scene: Scene<'_>,
    ) -> Option<u64> {
        self.acknowledged_over(&Paths::of(copies, scene)?, awaited)
    }

    fn acknowledged_over(&self, paths: &Paths, awaited: Awaited) -> Option<u64> {
        // What is in the log no more, a majority has on the platter.
        let place = self.entries.binary_search_by_key(&awaited.number, |entry| entry.number);
        let entry = place.ok().map(|place| &self.entries[place]);
        let at_primary = entry.map_or(0, |entry| match awaited.durability {
            Durability::Hard => entry.synced_us,
            Durability::Soft => entry.done_us,
        });
        let needed = match awaited.acks {
            WriteAcks::Single => 1,
            WriteAcks::Majority => majority(paths.copies),
        };
        paths.nth_us(at_primary, needed)
    }

    /// Tells of writes that have their acknowledgements now, and forgets those that cannot be lost any
    /// more and that every replica has.
    pub(super) fn trim(&mut self, copies: &[Copy], scene: Scene<'_>) -> Vec<U> {
        let safe = nth_highest(copies, |copy| copy.synced, majority(copies.len()));
        let seen = nth_highest(copies, |copy| copy.received, copies.len());
        let mut told = Vec::new();
        let paths = if self.told < self.entries.len() { Paths::of(copies, scene) } else { None };
        for place in self.told..self.entries.len() {
            let entry = &self.entries[place];
            if entry.told {
                continue;
            }
            // What is safe is still on its way to the primary's ears, if they hear of it.
            let due =
                paths.as_ref().and_then(|paths| self.acknowledged_over(paths, entry.awaited()));
            if due.map_or(entry.number <= safe, |at| at <= scene.now) {
                told.extend(entry.undo.iter().cloned());
                self.entries[place].told = true;
            }
        }
        while self.entries.get(self.told).is_some_and(|entry| entry.told) {
            self.told += 1;
        }
        let settled = |entry: &Entry<U>| entry.told && entry.number <= safe.min(seen);
        while self.entries.front().is_some_and(settled) || self.entries.len() > WRITES_KEPT_MAX {
            let gone = self.entries.pop_front().expect("there is one");
            self.told = self.told.saturating_sub(1);
            if !gone.told {
                told.extend(gone.undo);
            }
        }
        told
    }

    /// When the next write has its acknowledgements, if nothing happens.
    pub(super) fn next_us(&self, copies: &[Copy], scene: Scene<'_>) -> Option<u64> {
        if self.told >= self.entries.len() {
            return None;
        }
        let paths = Paths::of(copies, scene)?;
        let untold = self.entries.range(self.told..).filter(|entry| !entry.told);
        untold.filter_map(|entry| self.acknowledged_over(&paths, entry.awaited())).min()
    }

    /// A new primary has writes up to this number: those after it are lost, newest first.
    pub(super) fn truncate(&mut self, number: u64, copies: &mut [Copy]) -> Vec<Undone<U>> {
        copies.iter_mut().for_each(|copy| copy.clamp(number));
        let mut lost = Vec::new();
        while self.entries.back().is_some_and(|entry| entry.number > number) {
            let entry = self.entries.pop_back().expect("there is one");
            let acknowledged = entry.told;
            self.told = self.told.min(self.entries.len());
            let undone = entry.undo.into_iter().rev().map(|what| Undone { what, acknowledged });
            lost.extend(undone);
        }
        lost
    }

    /// What a replica lacks, newest first.
    pub(super) fn lacking(&self, copy: &Copy) -> Vec<U> {
        let later = self.entries.iter().rev().take_while(|entry| entry.number > copy.received);
        later.flat_map(|entry| entry.undo.iter().rev().cloned()).collect()
    }

    /// All that is there is on the platter of a majority; tells of what was not told of yet.
    pub(super) fn all_safe(&mut self, copies: &mut [Copy]) -> Vec<U> {
        for copy in copies {
            *copy = Copy { follows: copy.follows, ..Copy::complete(copy.server, self.head) };
        }
        self.told = 0;
        let untold = self.entries.drain(..).filter(|entry| !entry.told);
        untold.flat_map(|entry| entry.undo).collect()
    }
}

/// More than half.
pub(super) fn majority(replicas: usize) -> usize {
    replicas / 2 + 1
}

/// The value that so many of the copies have at least.
fn nth_highest(copies: &[Copy], value: impl Fn(&Copy) -> u64, n: usize) -> u64 {
    let mut values: Vec<_> = copies.iter().map(value).collect();
    values.sort_unstable_by(|one, other| other.cmp(one));
    values.get(n - 1).copied().unwrap_or(0)
}
