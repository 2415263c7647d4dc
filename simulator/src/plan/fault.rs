//! One thing that goes wrong: its kind, whom it meets, how it goes, and when.
//!
//! Here: the data of a plan. Not here: what is to be known about each kind (`faults`), how one is chosen
//! (`plan::harm`, `plan::particulars`), what a world makes of it (`backends`). Start at [`Fault`].

use bigchaindb::control::Wrong;
use bigchaindb_core::query::Feed;
use serde::{Deserialize, Serialize};

use super::Point;

/// One thing that goes wrong, and is mended again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// Its number.
    pub number: u32,
    /// What goes wrong.
    #[serde(rename = "do")]
    pub kind: FaultKind,
    /// The nodes it meets, as indices into [`Plan::nodes`], ascending.
    ///
    /// [`Plan::nodes`]: super::Plan::nodes
    pub nodes: Vec<usize>,
    /// The servers of the store that it meets, from 0 on: ascending, or in the order of its [`Form`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<usize>,
    /// How it goes.
    #[serde(default, skip_serializing_if = "How::is_plain")]
    pub how: How,
    /// When it begins.
    pub at_us: u64,
    /// When it is mended: the node starts, runs on, reaches its store. A fault of one moment ends as
    /// it begins.
    pub until_us: u64,
}

/// How a fault goes, where its kind leaves that open.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// There is one way.
    #[default]
    Plain,
    /// A node is cut off.
    Cut {
        /// From whom.
        to: OtherSide,
        /// Which way.
        direction: Direction,
    },
    /// Servers are cut off from each other.
    Apart {
        /// Who from whom.
        form: Form,
        /// Which way, if those that are met are isolated.
        direction: Direction,
    },
    /// All tables become this. Plain: their primaries move.
    Tables(Shape),
    /// A node dies at a point of its work.
    AtPoint {
        /// Where.
        point: Point,
        /// At which time that it comes there.
        nth: u32,
        /// It starts again after this long. Until then before the fault's end it can die.
        restart_after_us: u64,
    },
    /// Something takes longer.
    Slow {
        /// So many times as long.
        factor: u32,
        /// And at most this much on top, drawn for each message.
        jitter_us: u64,
    },
    /// Elements of feeds come late.
    Late {
        /// Of which table; none means of all.
        table: Option<Followed>,
        /// Of which shard, from 0 on; none means of all.
        shard: Option<u32>,
        /// At most so late, drawn for each element.
        most_us: u64,
    },
    /// Elements of feeds come twice.
    Twice {
        /// How many of them, in parts per million.
        share: u32,
    },
    /// Answers are lost.
    Lossy {
        /// How many of them, in parts per million.
        share: u32,
        /// How the node learns of it.
        loss: Loss,
    },
    /// Segments of what passes are lost, and sent again.
    Leaky {
        /// How many of them, in parts per million.
        share: u32,
    },
    /// No more passes than this.
    Narrow {
        /// Bytes per second, each way.
        rate_bytes: u32,
    },
    /// A clock is off by so much: ahead, or behind.
    Off {
        /// Milliseconds.
        ms: i64,
    },
    /// A clock gains so much, or loses it.
    Drifts {
        /// Microseconds per second.
        ppm: i64,
    },
    /// A clock moves in whole steps.
    Steps {
        /// Milliseconds.
        ms: u64,
    },
}

impl How {
    fn is_plain(&self) -> bool {
        *self == Self::Plain
    }
}

/// From whom a node is cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OtherSide {
    /// From its store.
    Store,
    /// From the clients.
    Clients,
    /// From everybody.
    Both,
}

/// Which way a cut goes, as those that it isolates see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// What they are sent does not arrive.
    In,
    /// What they send does not arrive.
    Out,
    /// Neither.
    Both,
}

/// Which servers a partition of the store keeps apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Those that are met, from all others.
    Isolated,
    /// Those that are met are one half; the other half is the others.
    Halves,
    /// All are met, in the order of a ring; each sees its two neighbours and nobody else.
    Ring,
    /// The first that is met sees everybody; the others that are met, and those that are not, see only
    /// it and each other.
    Bridge,
}

impl Form {
    /// Which servers are apart, if these are met out of so many: each pair once, one that is met first.
    pub fn apart(self, met: &[usize], all: usize) -> Vec<(usize, usize)> {
        let side = match self {
            Self::Isolated | Self::Halves => met,
            Self::Bridge => met.get(1..).unwrap_or_default(),
            Self::Ring => {
                let far = |one: usize, other: usize| {
                    other - one > 1 && (one, other) != (0, met.len() - 1)
                };
                let places = 0..met.len();
                let later = |one: usize| (one + 1..met.len()).filter(move |other| far(one, *other));
                let pairs = places.flat_map(|one| later(one).map(move |other| (one, other)));
                return pairs.map(|(one, other)| (met[one], met[other])).collect();
            }
        };
        let others = || (0..all).filter(|server| !met.contains(server));
        side.iter().flat_map(|&one| others().map(move |other| (one, other))).collect()
    }
}

/// How a table is spread over the servers of the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shape {
    /// Into how many shards.
    pub shards: u32,
    /// How many copies of each.
    pub replicas: u32,
}

/// A table that nodes follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Followed {
    /// Waiting transactions.
    Backlog,
    /// Blocks.
    Bigchain,
    /// Votes.
    Votes,
    /// The list of blocks.
    Positions,
}

impl Followed {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Backlog, Self::Bigchain, Self::Votes, Self::Positions];

    /// The feed by which nodes follow it.
    pub fn feed(self) -> Feed {
        match self {
            Self::Backlog => Feed::Backlog,
            Self::Bigchain => Feed::Blocks,
            Self::Votes => Feed::Votes,
            Self::Positions => Feed::Positions,
        }
    }
}

/// How a node learns that an answer is lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    /// By waiting.
    Silence,
    /// At once: its connection is reset.
    Reset,
    /// One or the other, drawn for each answer.
    Either,
}

/// What can go wrong. New kinds come last: their place is the key of draws.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The node is killed, losing all that is not in the store, and started again.
    Kill,
    /// The node stands still; its clock goes on, and what arrives meanwhile waits.
    Pause,
    /// The node and its store, or its clients, cannot reach each other, or one cannot reach the other.
    Partition,
    /// The node's feeds end, and can be opened again at once.
    FeedAbort,
    /// A server of the store is killed, losing what it had not written, and started again.
    StoreKill,
    /// A server of the store stops in an orderly way, and is started again.
    StoreRestart,
    /// A server of the store stands still.
    StorePause,
    /// Servers of the store cannot reach each other, or some cannot reach others.
    StorePartition,
    /// The machine of a server loses its power, and what was not on its disk.
    PowerLoss,
    /// The tables of the store get other primaries, or other shards and replicas.
    Reconfigure,
    /// The node dies at a point of its work, and is started again.
    Crash,
    /// The node is killed and never started again.
    Lose,
    /// What passes between the node and its store takes longer, and overtakes what went before.
    SlowLink,
    /// What the node's feeds tell comes late.
    FeedLag,
    /// What the node's feeds tell comes twice.
    FeedRepeat,
    /// Answers of the store do not reach the node, though what it asked for was done.
    LostAnswers,
    /// The node's clock is ahead or behind.
    ClockSkew,
    /// The node's clock runs too fast or too slow.
    ClockDrift,
    /// The node's clock jumps back, then runs faster until it is right again.
    ClockJump,
    /// The node's clock moves in whole steps of some seconds.
    ClockStop,
    /// The node's work takes longer.
    SlowNode,
    /// Writes take longer to and from a server of the store.
    StoreSlowLink,
    /// A server of the store has no room, and refuses to write.
    StoreFull,
    /// A server of the store takes longer to answer.
    StoreSlow,
    /// Segments of what passes between the node and its store are lost, and sent again after a while.
    LossyLink,
    /// No more than so many bytes a second pass between the node and its store.
    NarrowLink,
    /// The node wants more memory than it may have: the system kills it, and it is started again.
    OutOfMemory,
}

/// A clock that is off by more than this may have its node's blocks voted down, or have it vote down
/// others': voters allow 120 s between two clocks, and a block may wait a while for its place.
const CLOCK_OFF_MS_MAX: u64 = 50_000;
/// A node that loses more of its answers than this gets nothing done.
const LOST_SHARE_MAX: u32 = 500_000;

impl Fault {
    /// Whether it loses its nodes to the federation while it lasts, so that they count against the
    /// budget.
    pub fn takes_nodes(&self) -> bool {
        let off_ms = |ms: u64| ms > CLOCK_OFF_MS_MAX;
        match self.how {
            How::Cut { to: OtherSide::Clients, .. } => false,
            How::Lossy { share, .. } => share > LOST_SHARE_MAX,
            How::Off { ms } => off_ms(ms.unsigned_abs()),
            How::Drifts { ppm } => {
                let lasts_ms = (self.until_us - self.at_us) / 1000;
                off_ms(lasts_ms.saturating_mul(ppm.unsigned_abs()) / 1_000_000)
            }
            How::Steps { ms } => off_ms(ms),
            _ => self.kind.nature().takes_node,
        }
    }

    /// What it makes wrong with a clock, from its beginning on.
    pub fn clock(&self) -> Option<Wrong> {
        let us = |ms: i64| ms.saturating_mul(1000);
        Some(match (self.kind, self.how) {
            (FaultKind::ClockSkew, How::Off { ms }) => Wrong::Off { us: us(ms) },
            (FaultKind::ClockJump, How::Off { ms }) => {
                Wrong::ComesBack { us: us(ms), within_us: self.until_us - self.at_us }
            }
            (FaultKind::ClockDrift, How::Drifts { ppm }) => Wrong::Drifts { ppm },
            (FaultKind::ClockStop, How::Steps { ms }) => {
                Wrong::Steps { us: ms.saturating_mul(1000) }
            }
            _ => return None,
        })
    }

    /// When it is mended by whoever harms. A node that is to die at a point of its work may do so until it
    /// would not be back in time.
    pub fn mended_us(&self) -> u64 {
        match self.how {
            How::AtPoint { restart_after_us, .. } => {
                self.until_us.saturating_sub(restart_after_us).max(self.at_us)
            }
            _ => self.until_us,
        }
    }

    /// Until when whom it meets is not as before: a node that is lost never is.
    pub fn holds_until_us(&self) -> u64 {
        if self.kind == FaultKind::Lose { u64::MAX } else { self.until_us }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_see_whom_their_shape_lets_them_see() {
        for (form, met, apart) in [
            (Form::Isolated, &[3][..], &[(3, 0), (3, 1), (3, 2), (3, 4)][..]),
            (Form::Halves, &[1, 4], &[(1, 0), (1, 2), (1, 3), (4, 0), (4, 2), (4, 3)]),
            (Form::Bridge, &[2, 0, 1], &[(0, 3), (0, 4), (1, 3), (1, 4)]),
            (Form::Ring, &[2, 0, 4, 1, 3], &[(2, 4), (2, 1), (0, 1), (0, 3), (4, 3)]),
        ] {
            assert_eq!(form.apart(met, 5), apart, "{form:?}");
        }
    }
}
