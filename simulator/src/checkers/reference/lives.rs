//! Which nodes run when.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::observe::{Befell, NodeEvent};

/// Which nodes run when.
#[derive(Clone, Debug, Default)]
pub struct Lives {
    nodes: BTreeMap<Arc<str>, Life>,
}

/// Whether a node runs, and since when it has been there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Life {
    /// Whether it runs: it is up, and does not stand still.
    pub runs: bool,
    /// When it was started for the first time.
    pub first_started_us: u64,
}

impl Lives {
    pub(super) fn observe(&mut self, at_us: u64, event: &NodeEvent) {
        let born = Life { runs: false, first_started_us: at_us };
        let life = self.nodes.entry(Arc::clone(&event.node)).or_insert(born);
        match event.event {
            Befell::Started | Befell::Resumed => life.runs = true,
            Befell::Killed | Befell::Paused => life.runs = false,
            Befell::Failed | Befell::Log => {}
        }
    }

    /// A node's life so far; none if nothing was ever said of it.
    pub fn of(&self, node: &str) -> Option<Life> {
        self.nodes.get(node).copied()
    }
}
