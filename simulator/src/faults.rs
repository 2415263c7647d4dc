//! The catalogue of faults: which there are, whom they meet, and which world can do them.
//!
//! Here: a line per kind. Not here: when one happens (`plan`), how a world does it (`backends`).

use crate::backends::Backend;
#[expect(unused_imports, reason = "for the links in the documentation")]
use crate::plan::Fault;
use crate::plan::{Engine, FaultKind, Store};

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
    /// budget. Of some kinds it depends on how they go: [`Fault::takes_nodes`] knows.
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
pub const ALL: [Nature; 27] = [
    Nature {
        kind: FaultKind::Kill,
        name: "kill",
        verb: "kills",
        whom: Whom::Nodes,
        takes_node: true,
        lasts: Some(("restart_after", 2_000_000)),
        target: "target",
        backends: &Backend::ALL,
    },
    Nature {
        kind: FaultKind::Pause,
        name: "pause",
        verb: "stops",
        whom: Whom::Nodes,
        takes_node: true,
        lasts: Some(("for", 2_000_000)),
        target: "target",
        backends: &Backend::ALL,
    },
    Nature {
        kind: FaultKind::Partition,
        name: "partition",
        verb: "isolates",
        whom: Whom::Nodes,
        takes_node: true,
        lasts: Some(("for", 2_000_000)),
        target: "from",
        backends: &Backend::ALL,
    },
    Nature {
        kind: FaultKind::FeedAbort,
        name: "feed-abort",
        verb: "deafens",
        whom: Whom::Nodes,
        takes_node: false,
        lasts: None,
        target: "target",
        backends: &Backend::ALL,
    },
    Nature {
        kind: FaultKind::StoreKill,
        name: "store-kill",
        verb: "kills",
        lasts: Some(("restart_after", 5_000_000)),
        backends: &APART,
        ..SERVERS
    },
    Nature {
        kind: FaultKind::StoreRestart,
        name: "store-restart",
        verb: "restarts",
        lasts: Some(("restart_after", 1_000_000)),
        backends: &APART,
        ..SERVERS
    },
    Nature {
        kind: FaultKind::StorePause,
        name: "store-pause",
        verb: "stops",
        backends: &APART,
        ..SERVERS
    },
    Nature {
        kind: FaultKind::StorePartition,
        name: "store-partition",
        verb: "isolates",
        target: "from",
        backends: &APART,
        ..SERVERS
    },
    Nature {
        kind: FaultKind::PowerLoss,
        name: "power-loss",
        verb: "switches off",
        lasts: Some(("restart_after", 5_000_000)),
        backends: &APART,
        ..SERVERS
    },
    Nature {
        kind: FaultKind::Reconfigure,
        name: "reconfigure",
        verb: "moves",
        whom: Whom::Store,
        lasts: None,
        backends: &APART,
        ..SERVERS
    },
    Nature {
        kind: FaultKind::Crash,
        name: "crash",
        verb: "kills",
        takes_node: true,
        lasts: Some(("for", 10_000_000)),
        backends: &APART,
        ..NODES
    },
    Nature {
        kind: FaultKind::Lose,
        name: "lose",
        verb: "kills",
        takes_node: true,
        lasts: None,
        backends: &Backend::ALL,
        ..NODES
    },
    Nature {
        kind: FaultKind::SlowLink,
        name: "slow-link",
        verb: "slows",
        backends: &APART,
        ..NODES
    },
    Nature {
        kind: FaultKind::FeedLag,
        name: "feed-lag",
        verb: "holds up",
        backends: &APART,
        ..NODES
    },
    Nature {
        kind: FaultKind::FeedRepeat,
        name: "feed-repeat",
        verb: "repeats itself to",
        backends: &APART,
        ..NODES
    },
    Nature {
        kind: FaultKind::LostAnswers,
        name: "lost-answers",
        verb: "keeps answers from",
        backends: &APART,
        ..NODES
    },
    Nature {
        kind: FaultKind::ClockSkew,
        name: "clock-skew",
        verb: "misleads",
        backends: &APART,
        ..NODES
    },
    Nature {
        kind: FaultKind::ClockDrift,
        name: "clock-drift",
        verb: "misleads",
        backends: &APART,
        ..NODES
    },
    Nature {
        kind: FaultKind::ClockJump,
        name: "clock-jump",
        verb: "misleads",
        backends: &APART,
        ..NODES
    },
    Nature {
        kind: FaultKind::ClockStop,
        name: "clock-stop",
        verb: "misleads",
        backends: &APART,
        ..NODES
    },
    Nature {
        kind: FaultKind::SlowNode,
        name: "slow-node",
        verb: "slows",
        backends: &APART,
        ..NODES
    },
    Nature {
        kind: FaultKind::StoreSlowLink,
        name: "store-slow-link",
        verb: "slows",
        backends: &APART,
        ..SERVERS
    },
    Nature {
        kind: FaultKind::StoreFull,
        name: "store-full",
        verb: "fills",
        backends: &APART,
        ..SERVERS
    },
    Nature {
        kind: FaultKind::StoreSlow,
        name: "store-slow",
        verb: "slows",
        backends: &APART,
        ..SERVERS
    },
    Nature {
        kind: FaultKind::LossyLink,
        name: "lossy-link",
        verb: "loses what is sent to",
        backends: &APART,
        ..NODES
    },
    Nature {
        kind: FaultKind::NarrowLink,
        name: "narrow-link",
        verb: "narrows the way of",
        // Messages have no size in virtual time.
        backends: &[Backend::Processes, Backend::Docker],
        ..NODES
    },
    Nature {
        kind: FaultKind::OutOfMemory,
        name: "out-of-memory",
        verb: "kills",
        takes_node: true,
        lasts: Some(("restart_after", 2_000_000)),
        backends: &APART,
        ..NODES
    },
];

/// The worlds with links and servers that can be harmed.
const APART: [Backend; 3] = [Backend::Sim, Backend::Processes, Backend::Docker];

/// What faults of nodes have in common that take no node and are known in virtual time only.
const NODES: Nature = Nature {
    kind: FaultKind::SlowLink,
    name: "slow-link",
    verb: "slows",
    whom: Whom::Nodes,
    takes_node: false,
    lasts: Some(("for", 5_000_000)),
    target: "target",
    backends: &[Backend::Sim],
};

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

impl Nature {
    /// Whether a world can do it to such a store, if that has to be told apart: it takes servers that can
    /// lose each other, a process that is killed loses nothing that the system has from it, and only our own
    /// store is given a disk that can be full.
    pub fn is_within_reach(&self, backend: Backend, store: &Store) -> bool {
        let is_shared = store.servers > 1;
        let is_possible = match self.kind {
            _ if backend == Backend::Sim => true,
            FaultKind::StorePartition => is_shared,
            FaultKind::PowerLoss | FaultKind::StoreSlowLink => {
                is_shared && store.engine == Engine::Embedded
            }
            FaultKind::StoreFull => store.engine == Engine::Embedded,
            _ => true,
        };
        is_possible && self.backends.contains(&backend)
    }

    /// Whether several of it can come in a row: one member cut off or stopped after the other.
    pub fn is_of_courses(&self) -> bool {
        matches!(
            self.kind,
            FaultKind::Kill
                | FaultKind::Pause
                | FaultKind::Partition
                | FaultKind::StoreKill
                | FaultKind::StoreRestart
                | FaultKind::StorePause
                | FaultKind::StorePartition
                | FaultKind::PowerLoss
        )
    }

    /// Whether it shows only when there is an occasion for it: then it counts as applied once it has shown,
    /// and if no occasion came, it never was.
    pub fn waits_for_occasion(&self) -> bool {
        matches!(
            self.kind,
            FaultKind::Crash
                | FaultKind::FeedLag
                | FaultKind::FeedRepeat
                | FaultKind::LostAnswers
                | FaultKind::LossyLink
                | FaultKind::StoreFull
        )
    }

    /// Whether a swarm draws from it if nobody says which kinds it is to have. A store of one server
    /// is one that does not fail, unless somebody says so.
    pub fn is_usual(&self) -> bool {
        // Those that came later would change what seeds have drawn before.
        let later = matches!(
            self.kind,
            FaultKind::LossyLink | FaultKind::NarrowLink | FaultKind::OutOfMemory
        );
        self.whom == Whom::Nodes && !later
    }
}

impl FaultKind {
    /// What is to be known about it.
    pub fn nature(self) -> &'static Nature {
        ALL.iter().find(|nature| nature.kind == self).expect("every kind has its line")
    }
}
