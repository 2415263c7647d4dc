//! The catalogue of faults: which there are, whom they meet, and which world can do them.
//!
//! Here: a line per kind. Not here: when one happens (`plan`), how a world does it (`backends`).

use crate::backends::Backend;
use crate::plan::FaultKind;

/// What is to be known about a kind of fault.
#[derive(Debug)]
pub struct Nature {
    /// Which.
    pub kind: FaultKind,
    /// Its name in scenarios.
    pub name: &'static str,
    /// In a sentence, what it does to whom it meets: "fault `kill` …".
    pub verb: &'static str,
    /// Who is met: the nodes of the federation, or the servers of its store.
    pub whom: Whom,
    /// Whether the node is lost to the federation while it lasts, so that it counts against the
    /// budget.
    pub takes_node: bool,
    /// The key that says how long it lasts, and how long that is if nothing is said, in
    /// microseconds; `None` if it is over at once.
    pub lasts: Option<(&'static str, u64)>,
    /// The key that names whom it meets.
    pub target: &'static str,
    /// The worlds that can do it.
    pub backends: &'static [Backend],
}

/// Who is met by a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whom {
    /// Nodes of the federation.
    Nodes,
    /// Servers of the store.
    Servers,
    /// The store as a whole.
    Store,
}

/// All kinds there are.
pub const ALL: [Nature; 10] = [
    Nature {
        kind: FaultKind::Kill,
        name: "kill",
        verb: "kills",
        whom: Whom::Nodes,
        takes_node: true,
        lasts: Some(("restart_after", 2_000_000)),
        target: "target",
        backends: &[Backend::Sim, Backend::Local],
    },
    Nature {
        kind: FaultKind::Pause,
        name: "pause",
        verb: "stops",
        whom: Whom::Nodes,
        takes_node: true,
        lasts: Some(("for", 2_000_000)),
        target: "target",
        backends: &[Backend::Sim, Backend::Local],
    },
    Nature {
        kind: FaultKind::Partition,
        name: "partition",
        verb: "isolates",
        whom: Whom::Nodes,
        takes_node: true,
        lasts: Some(("for", 2_000_000)),
        target: "from",
        backends: &[Backend::Sim, Backend::Local],
    },
    Nature {
        kind: FaultKind::FeedAbort,
        name: "feed-abort",
        verb: "deafens",
        whom: Whom::Nodes,
        takes_node: false,
        lasts: None,
        target: "target",
        backends: &[Backend::Sim, Backend::Local],
    },
    Nature {
        kind: FaultKind::StoreKill,
        name: "store-kill",
        verb: "kills",
        lasts: Some(("restart_after", 5_000_000)),
        ..SERVERS
    },
    Nature {
        kind: FaultKind::StoreRestart,
        name: "store-restart",
        verb: "restarts",
        lasts: Some(("restart_after", 1_000_000)),
        ..SERVERS
    },
    Nature { kind: FaultKind::StorePause, name: "store-pause", verb: "stops", ..SERVERS },
    Nature {
        kind: FaultKind::StorePartition,
        name: "store-partition",
        verb: "isolates",
        target: "from",
        ..SERVERS
    },
    Nature {
        kind: FaultKind::PowerLoss,
        name: "power-loss",
        verb: "switches off",
        lasts: Some(("restart_after", 5_000_000)),
        ..SERVERS
    },
    Nature {
        kind: FaultKind::Reconfigure,
        name: "reconfigure",
        verb: "moves",
        whom: Whom::Store,
        lasts: None,
        ..SERVERS
    },
];

/// What faults of the store's servers have in common. A server that is out of reach takes no node with
/// it: the store answers again when it can.
const SERVERS: Nature = Nature {
    kind: FaultKind::StorePause,
    name: "store-pause",
    verb: "stops",
    whom: Whom::Servers,
    takes_node: false,
    lasts: Some(("for", 5_000_000)),
    target: "target",
    backends: &[Backend::Sim],
};

/// Kinds that scenarios may name in a swarm, which then goes without them, until they are built.
pub const NOT_BUILT: [&str; 2] = ["slow-link", "clock-skew"];

impl Nature {
    /// Whether a swarm draws from it if nobody says which kinds it is to have. A store of one server
    /// is one that does not fail, unless somebody says so.
    pub fn is_usual(&self) -> bool {
        self.whom == Whom::Nodes
    }
}

impl FaultKind {
    /// What is to be known about it.
    pub fn nature(self) -> &'static Nature {
        ALL.iter().find(|nature| nature.kind == self).expect("every kind has its line")
    }
}
