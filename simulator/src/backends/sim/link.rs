//! What becomes of what passes between a node and the others, while faults hold.
//!
//! Here: which faults hold. Not here: what follows from that (`world::asking`, `world`). A fault is known
//! by its place in the plan, so that it can be said when it has shown.

use crate::plan::{Direction, Followed, Loss, OtherSide};

/// The ways from and to a node.
#[derive(Default)]
pub(super) struct Link {
    /// What it sends to the store does not arrive.
    pub(super) to_store_cut: bool,
    /// What the store sends to it does not arrive.
    pub(super) from_store_cut: bool,
    /// What it sends to clients does not arrive.
    pub(super) to_clients_cut: bool,
    /// What clients send to it does not arrive.
    pub(super) from_clients_cut: bool,
    /// What passes between it and the store takes longer.
    pub(super) slow: Option<Slow>,
    /// Segments of that are lost: the fault, and the share in parts per million.
    pub(super) leaky: Option<(usize, u32)>,
    /// Elements of its feeds come late.
    pub(super) late: Option<Late>,
    /// Elements of its feeds come twice: the fault, and the share in parts per million.
    pub(super) twice: Option<(usize, u32)>,
    /// Answers to it are lost: the fault, the share in parts per million, and how it learns of it.
    pub(super) lossy: Option<(usize, u32, Loss)>,
}

/// A slow way.
#[derive(Clone, Copy)]
pub(super) struct Slow {
    /// So many times as long as usual,
    pub(super) factor: u32,
    /// and at most this much on top.
    pub(super) jitter_us: u64,
}

/// Which elements come late, and how late at most.
#[derive(Clone, Copy)]
pub(super) struct Late {
    pub(super) fault: usize,
    pub(super) table: Option<Followed>,
    pub(super) shard: Option<u32>,
    pub(super) most_us: u64,
}

impl Link {
    /// Cuts it, or heals it.
    pub(super) fn set_cut(&mut self, to: OtherSide, direction: Direction, cut: bool) {
        let (out, inward) = (direction != Direction::In, direction != Direction::Out);
        if to != OtherSide::Clients {
            self.to_store_cut = if out { cut } else { self.to_store_cut };
            self.from_store_cut = if inward { cut } else { self.from_store_cut };
        }
        if to != OtherSide::Store {
            self.to_clients_cut = if out { cut } else { self.to_clients_cut };
            self.from_clients_cut = if inward { cut } else { self.from_clients_cut };
        }
    }

    /// Whether all of it is cut, or all of it is not.
    pub(super) fn is_cut(&self, to: OtherSide, direction: Direction, cut: bool) -> bool {
        let (out, inward) = (direction != Direction::In, direction != Direction::Out);
        let (store, clients) = (to != OtherSide::Clients, to != OtherSide::Store);
        let as_should = |concerned: bool, is: bool| !concerned || is == cut;
        as_should(store && out, self.to_store_cut)
            && as_should(store && inward, self.from_store_cut)
            && as_should(clients && out, self.to_clients_cut)
            && as_should(clients && inward, self.from_clients_cut)
    }
}

impl Late {
    /// Whether an element of this feed and shard is meant.
    pub(super) fn means(&self, feed: bigchaindb_core::query::Feed, shard: usize) -> bool {
        self.table.is_none_or(|table| table.feed() == feed)
            && self.shard.is_none_or(|one| one as usize == shard)
    }
}
