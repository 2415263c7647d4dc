//! One shard: who is its primary, who follows, and how the office changes hands.
//!
//! [`Shard::review`] brings it in line with the network, step by step until nothing changes any more.
//! How somebody is elected is in `election`, what an operation meets on its way in `meeting`.
//! Not here: the operations themselves (`flight`), who may be asked at all (`network`).

mod election;
mod meeting;

use super::log::{Copy, Log, Scene, majority};
use super::network::{Network, ServerId};
use super::range::KeyRange;
use super::{Timing, Undone};
use election::{Cause, Election, Missing};

/// A shard of a table.
pub(super) struct Shard<U> {
    pub(super) range: KeyRange,
    /// Who is to be primary whenever possible.
    pub(super) configured: ServerId,
    /// The voting replicas that are in force.
    pub(super) copies: Vec<Copy>,
    pub(super) office: Office,
    /// Counts the primaries.
    pub(super) term: u64,
    pub(super) log: Log<U>,
    /// The replicas that are to be.
    pub(super) replicas: Vec<ServerId>,
    /// They are on their way to take the place of `copies`.
    pending: Option<Pending>,
    election: Option<Election>,
    /// A primary that was replaced and does not know it yet.
    deposed: Option<Deposed>,
    /// Since when somebody is missed: a primary, or its majority.
    missing: Option<Missing>,
    /// Until when outdated reads find no replica.
    blip_until_us: u64,
}

/// Who is primary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Office {
    Vacant,
    Held { primary: ServerId, life: u32, stage: Stage },
}

/// What a primary is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Its replicas join it, until then.
    Joining(u64),
    Serving,
    /// It takes no writes any more, until then.
    HandingOver(u64),
}

/// New replicas are on their way, and have all rows at that time.
#[derive(Clone, Copy)]
struct Pending {
    complete_us: u64,
}

#[derive(Clone, Copy)]
struct Deposed {
    primary: ServerId,
    life: u32,
    /// Steps down then, once it has met its successor.
    until_us: Option<u64>,
}

impl<U: Clone> Shard<U> {
    /// A shard whose primary serves, and whose replicas have all rows and follow.
    pub(super) fn new(range: KeyRange, replicas: &[ServerId], primary: ServerId) -> Self {
        Self {
            range,
            configured: primary,
            copies: replicas.iter().map(|server| Copy::complete(*server, 0)).collect(),
            office: Office::Vacant,
            term: 0,
            log: Log::new(),
            replicas: replicas.to_vec(),
            pending: None,
            election: None,
            deposed: None,
            missing: None,
            blip_until_us: 0,
        }
    }

    /// Its configured primary takes office at once if it can: the shard is new.
    pub(super) fn inaugurate(&mut self, now: u64, network: &Network) {
        if self.is_eligible(self.configured, network) {
            self.take_office(self.configured, Stage::Serving, now, network);
        }
    }

    /// There will be no primary until then; the configured one is next.
    pub(super) fn vacate_until(&mut self, until_us: u64, now: u64) {
        self.vacate(now);
        self.election =
            Some(Election { candidate: self.configured, done_us: until_us, joining_us: 0 });
    }

    /// New replicas and a new configured primary. Replicas that had no rows have to get them first;
    /// until then the old ones are in force.
    pub(super) fn reconfigure(
        &mut self,
        replicas: &[ServerId],
        primary: ServerId,
        complete_us: u64,
    ) {
        self.configured = primary;
        self.replicas = replicas.to_vec();
        self.pending = (!self.is_complete()).then_some(Pending { complete_us });
    }

    /// Whether the replicas in force are those that are to be.
    fn is_complete(&self) -> bool {
        let has = |server: &ServerId| self.copies.iter().any(|copy| copy.server == *server);
        self.replicas.len() == self.copies.len() && self.replicas.iter().all(has)
    }

    pub(super) fn primary(&self) -> Option<ServerId> {
        match self.office {
            Office::Held { primary, .. } => Some(primary),
            Office::Vacant => None,
        }
    }

    /// Whether new replicas are not complete yet.
    pub(super) fn is_moving(&self) -> bool {
        self.pending.is_some()
    }

    /// What the log is to be looked at with.
    pub(super) fn scene<'a>(
        &self,
        now: u64,
        network: &'a Network,
        timing: &'a Timing,
    ) -> Scene<'a> {
        Scene { now, network, timing, primary: self.primary() }
    }

    /// Lets time pass for the writes; the ones that have their acknowledgements now.
    pub(super) fn settle(&mut self, now: u64, network: &Network, timing: &Timing) -> Vec<U> {
        if self.log.is_settled(&self.copies) {
            return Vec::new();
        }
        let scene = self.scene(now, network, timing);
        self.log.settle(&mut self.copies, scene);
        self.log.trim(&self.copies, scene)
    }

    /// Brings the office in line with the network; the writes that are lost by that.
    pub(super) fn review(
        &mut self,
        now: u64,
        network: &Network,
        timing: &Timing,
    ) -> Vec<Undone<U>> {
        let mut lost = Vec::new();
        // A few steps at most can be due together: an office ends, an election is over, another begins.
        const STEPS_MAX: u32 = 8;
        for _ in 0..STEPS_MAX {
            let before = (self.office, self.election.map(|election| election.done_us));
            self.notice_end_of_office(now, network, timing);
            self.follow(now, network, timing);
            self.dismiss_deposed(now, network, timing);
            if self.has_quorum(now, network) {
                self.missing = None;
                self.election = None;
                self.change_replicas(now, network);
                self.hand_over(now, network, timing);
            } else {
                self.hold_election(now, network, timing);
                lost.extend(self.conclude_election(now, network, timing));
            }
            if before == (self.office, self.election.map(|election| election.done_us)) {
                break;
            }
        }
        lost
    }

    fn notice_end_of_office(&mut self, now: u64, network: &Network, timing: &Timing) {
        let Office::Held { primary, life, stage } = self.office else { return };
        if network.is_down(primary) || network.server(primary).life != life {
            self.blip_until_us = now + timing.blip_us;
            return self.vacate(now);
        }
        match stage {
            Stage::Joining(until) if until <= now => {
                self.office = Office::Held { primary, life, stage: Stage::Serving };
            }
            Stage::HandingOver(until) if until <= now => {
                self.blip_until_us = now + timing.blip_us;
                self.vacate(now);
                self.election = Some(Election {
                    candidate: self.configured,
                    done_us: now + timing.vacancy_us,
                    joining_us: timing.taken_over_joining_us,
                });
            }
            _ => {}
        }
    }

    fn vacate(&mut self, now: u64) {
        self.office = Office::Vacant;
        self.election = None;
        self.missing = Some(Missing { since_us: now, cause: Cause::Death });
        for copy in &mut self.copies {
            copy.follows = None;
        }
    }

    /// Replicas that the primary believes in follow it, after they have caught up.
    fn follow(&mut self, now: u64, network: &Network, timing: &Timing) {
        let Some(primary) = self.primary() else { return };
        for copy in &mut self.copies {
            let session = network.session(primary, copy.server);
            let follows = copy.follows.filter(|(followed, _)| session == Some(*followed));
            let begins = || {
                let session = network.open_session(primary, copy.server)?;
                Some((session, now + timing.catch_up_us))
            };
            copy.follows = follows.or_else(begins);
        }
    }

    fn is_followed_by(&self, copy: &Copy, now: u64) -> bool {
        copy.follows.is_some_and(|(_, since_us)| since_us <= now)
    }

    /// Whether the primary believes that a majority follows it.
    pub(super) fn has_quorum(&self, now: u64, network: &Network) -> bool {
        let Some(primary) = self.primary() else { return false };
        let follows = |copy: &&Copy| copy.server == primary || self.is_followed_by(copy, now);
        let followers = self.copies.iter().filter(follows).count();
        !network.is_down(primary) && followers >= majority(self.copies.len())
    }

    /// Whether a majority of its replicas is there: behind a primary, or about to have one.
    pub(super) fn is_governed(&self, now: u64, network: &Network) -> bool {
        self.has_quorum(now, network) || (self.primary().is_none() && self.election.is_some())
    }

    /// A primary that was replaced learns of it when it meets its successor.
    fn dismiss_deposed(&mut self, now: u64, network: &Network, timing: &Timing) {
        let Some(mut deposed) = self.deposed else { return };
        let Deposed { primary, life, .. } = deposed;
        if network.is_down(primary) || network.server(primary).life != life {
            self.deposed = None;
            return;
        }
        let successor = self.primary();
        if successor.is_some_and(|successor| network.open_session(primary, successor).is_some()) {
            deposed.until_us.get_or_insert(now + timing.two_primaries_us);
        }
        let over = successor == Some(primary) || deposed.until_us.is_some_and(|until| until <= now);
        self.deposed = (!over).then_some(deposed);
    }

    /// Replicas that are complete take the place of the old ones.
    fn change_replicas(&mut self, now: u64, network: &Network) {
        let Some(primary) = self.primary() else { return };
        // A primary that is to be no replica any more stays in office until it has handed over.
        let stays = (!self.replicas.contains(&primary)).then_some(primary);
        let complete = match self.pending {
            Some(pending) => pending.complete_us <= now,
            None => !self.is_complete() && stays.is_none(),
        };
        let talks = |server: &ServerId| network.open_session(primary, *server).is_some();
        if !complete || !self.replicas.iter().all(talks) {
            return;
        }
        self.pending = None;
        let head = self.log.head();
        let copies = self.replicas.iter().copied().chain(stays).map(|server| {
            let session = network.open_session(primary, server);
            let follows = session.map(|session| (session, now));
            Copy { follows, ..Copy::complete(server, head) }
        });
        self.copies = copies.collect();
    }

    /// The configured primary takes over again, once it follows and some time has passed.
    fn hand_over(&mut self, now: u64, network: &Network, timing: &Timing) {
        let Office::Held { primary, life, stage: Stage::Serving } = self.office else { return };
        if self.take_over_us(now, network, timing).is_some_and(|at| at <= now) {
            let stage = Stage::HandingOver(now + timing.hand_over_us);
            self.office = Office::Held { primary, life, stage };
        }
    }

    /// When the configured primary begins to take over.
    fn take_over_us(&self, now: u64, network: &Network, timing: &Timing) -> Option<u64> {
        let Office::Held { primary, stage: Stage::Serving, .. } = self.office else { return None };
        let heir = self.configured;
        let copy = self.copies.iter().find(|copy| copy.server == heir)?;
        if primary == heir || !self.is_followed_by(copy, now) || self.pending.is_some() {
            return None;
        }
        let session = network.open_session(primary, heir)?;
        let started = network.server(heir).started_us;
        let wait_us = if session.since_us == started {
            timing.take_over_after_start_us
        } else {
            timing.take_over_us
        };
        Some(session.since_us + wait_us)
    }

    /// When something changes next, if nothing happens.
    pub(super) fn next_us(&self, now: u64, network: &Network, timing: &Timing) -> Option<u64> {
        let stage = match self.office {
            Office::Held { stage: Stage::Joining(until) | Stage::HandingOver(until), .. } => {
                Some(until)
            }
            _ => None,
        };
        let moments = self.copies.iter().filter_map(|copy| Some(copy.follows?.1));
        let moments = moments
            .chain(stage)
            .chain(self.election.map(|election| election.done_us))
            .chain(self.deposed.and_then(|deposed| deposed.until_us))
            .chain(self.pending.as_ref().map(|pending| pending.complete_us))
            .chain(self.take_over_us(now, network, timing));
        moments.filter(|at| *at > now).min()
    }
}
