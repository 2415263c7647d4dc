//! The catalogue of faults: which there are, what they do to a node, and which world can do them.
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
    /// In a sentence, what it does to a node: "fault `kill` …".
    pub verb: &'static str,
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

/// All kinds there are.
pub const ALL: [Nature; 4] = [
    Nature {
        kind: FaultKind::Kill,
        name: "kill",
        verb: "kills",
        takes_node: true,
        lasts: Some(("restart_after", 2_000_000)),
        target: "target",
        backends: &[Backend::Sim, Backend::Local],
    },
    Nature {
        kind: FaultKind::Pause,
        name: "pause",
        verb: "stops",
        takes_node: true,
        lasts: Some(("for", 2_000_000)),
        target: "target",
        backends: &[Backend::Sim, Backend::Local],
    },
    Nature {
        kind: FaultKind::Partition,
        name: "partition",
        verb: "isolates",
        takes_node: true,
        lasts: Some(("for", 2_000_000)),
        target: "from",
        backends: &[Backend::Sim, Backend::Local],
    },
    Nature {
        kind: FaultKind::FeedAbort,
        name: "feed-abort",
        verb: "deafens",
        takes_node: false,
        lasts: None,
        target: "target",
        backends: &[Backend::Sim],
    },
];

/// Kinds that scenarios may name in a swarm, which then goes without them, until they are built.
pub const NOT_BUILT: [&str; 3] = ["slow-link", "clock-skew", "store-kill"];

impl FaultKind {
    /// What is to be known about it.
    pub fn nature(self) -> &'static Nature {
        ALL.iter().find(|nature| nature.kind == self).expect("every kind has its line")
    }
}
