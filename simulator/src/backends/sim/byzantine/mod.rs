//! Byzantine members: nodes that follow the rules but for what they do on purpose.
//!
//! A member's core runs as any other. What it asks of the store passes through here, what it hears of is
//! seen here, and from time to time it has an idea of its own; on each such [`Occasion`] it may do one of
//! its acts. Here: whose turn it is, and for which act. The acts have a file per family: `votes`, `frames`
//! (blocks, from outside), `contents` (what is in them), `places`, `backlog`, `harm` (rows of others). What
//! all of them have at hand is in `hand`, the assets that a member owns itself in `purse`. Not here: which
//! acts there are (`plan::byzantine`), a second node with the same key (`world`).

mod backlog;
mod contents;
mod frames;
mod hand;
mod harm;
mod places;
mod purse;
mod votes;

use bigchaindb_core::query::{Change, Query};
use bigchaindb_core::stages::{Config, Report};

use super::store::SimStore;
use super::store::raw::RawWrite;
use crate::chance::{Domain, draw};
use crate::observe::Table;
use crate::plan::{Act, Byzantine};
pub(super) use hand::Instead;
use hand::{Chance, Hand};
use purse::Purse;

/// How often a member has an idea of its own.
pub(super) const IDEA_US: u64 = 500_000;

/// What gives a member an occasion.
#[derive(Clone, Copy)]
pub(super) enum Occasion<'a> {
    /// Its core asks something of the store.
    Asks(&'a Query),
    /// It hears of a change.
    Hears(&'a Change),
    /// Time has passed.
    Time,
}

/// What a member does on an occasion.
pub(super) struct Done {
    /// What becomes of the core's question.
    pub(super) instead: Instead,
    /// What it asks besides; nobody waits for the answers.
    pub(super) queries: Vec<Query>,
    /// What it writes besides.
    pub(super) writes: Vec<RawWrite>,
    /// What is to be known of it.
    pub(super) acts: Vec<(Act, Table, String)>,
}

/// Whose acts are in one file.
struct Family {
    /// Whether an act has something to do on an occasion.
    fits: fn(Act, &Occasion<'_>, &Config) -> bool,
    /// Does it.
    perform: fn(&Occasion<'_>, &mut Hand<'_>),
}

const FAMILIES: [Family; 6] = [
    Family { fits: votes::fits, perform: votes::perform },
    Family { fits: frames::fits, perform: frames::perform },
    Family { fits: contents::fits, perform: contents::perform },
    Family { fits: places::fits, perform: places::perform },
    Family { fits: backlog::fits, perform: backlog::perform },
    Family { fits: harm::fits, perform: harm::perform },
];

/// A member's mischief for a while.
pub(super) struct Member<'a> {
    seed: u64,
    pub(super) plan: &'a Byzantine,
    occasions: u64,
    purse: Purse,
}

impl<'a> Member<'a> {
    pub(super) fn new(seed: u64, plan: &'a Byzantine) -> Self {
        Self { seed, plan, occasions: 0, purse: Purse::default() }
    }

    /// Whether it acts at this time.
    pub(super) fn is_active(&self, now_us: u64) -> bool {
        (self.plan.at_us..self.plan.until_us).contains(&now_us)
    }

    /// It hears what its core says of the chain.
    pub(super) fn overhear(&mut self, report: &Report) {
        self.purse.overhear(report);
    }

    /// An occasion: what it does, if anything.
    pub(super) fn consider(
        &mut self,
        occasion: &Occasion<'_>,
        config: &Config,
        unix_s: u64,
        store: &mut SimStore,
    ) -> Option<Done> {
        self.occasions += 1;
        let fitting = self.plan.acts.iter().filter_map(|act| {
            let family = FAMILIES.iter().find(|one| (one.fits)(*act, occasion, config))?;
            Some((self.number(*act), *act, family))
        });
        // Each act draws for itself, and the highest draw has it: so an act that is taken out of the plan
        // changes nothing on the occasions of others.
        let drawn = |number| draw(self.seed, Domain::ByzantineOccasion, number, self.occasions);
        let (number, act, family) = fitting.max_by_key(|(number, ..)| drawn(*number).bits())?;
        let used = draw(self.seed, Domain::ByzantineShare, self.entry(), self.occasions);
        if !used.happens(self.plan.share) {
            return None;
        }
        let (seed, occasions) = (self.seed, self.occasions);
        let chance = Chance::new(seed, number, occasions);
        let mut hand = Hand::new(act, chance, config, unix_s, store, &mut self.purse);
        (family.perform)(occasion, &mut hand);
        Some(hand.done())
    }

    fn entry(&self) -> u64 {
        self.plan.number.into()
    }

    /// The number of one of its acts in draws.
    fn number(&self, act: Act) -> u64 {
        let place = Act::ALL.iter().position(|one| *one == act).expect("all are there");
        self.entry() << 32 | place as u64
    }
}
