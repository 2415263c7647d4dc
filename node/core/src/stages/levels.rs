//! How full a node is at a moment: for gauges, and for nothing else.

use std::time::Duration;

/// How full a node is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Levels {
    /// Blocks that are listed and not decided.
    pub undecided: usize,
    /// Transactions that wait, everybody's, as far as this node watches them.
    pub backlog: usize,
    /// Those that wait for this node.
    pub mine: usize,
    /// How long the first of `mine` has been known to this node.
    pub oldest: Option<Duration>,
    /// Requests under way.
    pub api: usize,
    /// Transactions that could go into a block now.
    pub block: usize,
    /// Blocks that are listed and not voted on.
    pub vote: usize,
    /// Blocks whose votes are to be read.
    pub election: usize,
    /// Others' transactions that have waited too long and are looked at.
    pub stale: usize,
}
