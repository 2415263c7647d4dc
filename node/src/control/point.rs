//! What a node does, step by step, as somebody sees it who wants to stop it there.
//!
//! Here: the names of all steps, and the points before and after each at which a node can die. Not here:
//! dying there (`control`).

use std::fmt;
use std::str::FromStr;

use bigchaindb_core::query::Query;
use bigchaindb_core::stages::Work;
use serde::{Deserialize, Serialize};

/// Writes the steps, each with its name.
macro_rules! steps {
    ($($(#[$doc:meta])* $step:ident = $name:literal,)*) => {
        /// Something that a node does and others can see.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Step { $($(#[$doc])* $step,)* }

        impl Step {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$step,)*];

            /// Its name in scenarios.
            pub fn name(self) -> &'static str {
                match self { $(Self::$step => $name,)* }
            }
        }
    };
}

steps! {
    /// A transaction goes into the backlog.
    InsertBacklog = "insert-backlog",
    /// A waiting transaction goes to another node.
    Reassign = "reassign",
    /// Transactions leave the backlog.
    DeleteBacklog = "delete-backlog",
    /// Waiting transactions are read.
    Backlog = "backlog",
    /// What a judgement needs is read.
    Gather = "gather",
    /// A block is written.
    InsertBlock = "insert-block",
    /// Blocks are read.
    Blocks = "blocks",
    /// A node looks which of some blocks are there.
    KnownBlocks = "known-blocks",
    /// Blocks without a place are looked for.
    UnlistedBlocks = "unlisted-blocks",
    /// A vote is written.
    InsertVote = "insert-vote",
    /// Votes are read.
    Votes = "votes",
    /// The list of blocks is read.
    Positions = "positions",
    /// A block gets a place.
    Claim = "claim",
    /// A row that somebody harmed is put back.
    PutBack = "put-back",
    /// What a client posted is read.
    Prepare = "prepare",
    /// Transactions are checked alone.
    Check = "check",
    /// A block is checked alone.
    CheckBlock = "check-block",
    /// A block is made and signed.
    MakeBlock = "make-block",
    /// A client is answered.
    Respond = "respond",
}

impl Step {
    /// The step that a question is; none if no node asks it.
    pub fn of_query(query: &Query) -> Option<Self> {
        Some(match query {
            Query::InsertBacklog { .. } => Self::InsertBacklog,
            Query::Reassign { .. } => Self::Reassign,
            Query::DeleteBacklog { .. } => Self::DeleteBacklog,
            Query::Backlog { .. } => Self::Backlog,
            Query::Gather(_) => Self::Gather,
            Query::InsertBlock { .. } => Self::InsertBlock,
            Query::Blocks { .. } => Self::Blocks,
            Query::KnownBlocks { .. } => Self::KnownBlocks,
            Query::UnlistedBlocks { .. } => Self::UnlistedBlocks,
            Query::InsertVote { .. } => Self::InsertVote,
            Query::Votes { .. } => Self::Votes,
            Query::Positions { .. } => Self::Positions,
            Query::Claim { .. } => Self::Claim,
            Query::PutBack(_) => Self::PutBack,
            // The library's.
            _ => return None,
        })
    }

    /// The step that a piece of work is.
    pub fn of_work(work: &Work) -> Self {
        match work {
            Work::Prepare { .. } => Self::Prepare,
            Work::Check(_) => Self::Check,
            Work::CheckBlock(_) => Self::CheckBlock,
            Work::MakeBlock { .. } => Self::MakeBlock,
        }
    }
}

/// Which side of a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    /// It is not done.
    Before,
    /// It is done, and whoever did it never learns what came of it.
    After,
}

/// A point at which a node can die: `before insert-block`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Point {
    /// On which side of it.
    pub side: Side,
    /// The step.
    pub step: Step,
}

impl Point {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        let sides =
            |step: &Step| [Side::Before, Side::After].map(|side| Self { side, step: *step });
        Step::ALL.iter().flat_map(sides)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Before => "before",
            Side::After => "after",
        };
        write!(f, "{side} {}", self.step.name())
    }
}

impl From<Point> for String {
    fn from(point: Point) -> Self {
        point.to_string()
    }
}

/// A text names no point at which a node can die.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no point `{0}`")]
pub struct NoSuchPoint(String);

impl FromStr for Point {
    type Err = NoSuchPoint;

    fn from_str(text: &str) -> Result<Self, NoSuchPoint> {
        Self::all()
            .find(|point| point.to_string() == text)
            .ok_or_else(|| NoSuchPoint(text.to_owned()))
    }
}

impl TryFrom<String> for Point {
    type Error = NoSuchPoint;

    fn try_from(text: String) -> Result<Self, NoSuchPoint> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_has_a_name_that_leads_back_to_it() {
        assert_eq!(Point::all().count(), 2 * Step::ALL.len());
        for point in Point::all() {
            assert_eq!(point.to_string().parse(), Ok(point));
            let json = serde_json::to_string(&point).unwrap();
            assert_eq!(json, format!("\"{point}\""));
        }
        assert!("during claim".parse::<Point>().is_err());
    }
}
