//! What an operation does: one thing that a client asks of a node.
//!
//! Here: the actions, what each builds on, and the names of their kinds. Not here: when they happen
//! (`plan::operations`), the documents they post (`workload`).

use serde::{Deserialize, Serialize};

/// What an operation does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Posts a CREATE. The node makes its own of it, so its id is known from the answer.
    Create {
        /// Size of the payload in bytes.
        payload_bytes: u32,
    },
    /// Spends the output that operation `of` made, once its transaction is decided valid.
    Transfer {
        /// The operation whose output is spent.
        of: u32,
        /// Size of the payload in bytes.
        payload_bytes: u32,
    },
    /// Spends what operation `with` spends, for somebody else.
    Conflict {
        /// The [`Action::Transfer`] it competes with.
        with: u32,
        /// Size of the payload in bytes.
        payload_bytes: u32,
    },
    /// Posts the very document of operation `of` again.
    Duplicate {
        /// The [`Action::Transfer`] that is repeated.
        of: u32,
    },
    /// Posts the very document of operation `of` again, once its transaction is decided valid.
    Replay {
        /// The [`Action::Transfer`] that is repeated.
        of: u32,
    },
    /// Spends the output that operation `of` made as soon as it is posted.
    Eager {
        /// The operation whose output is spent.
        of: u32,
        /// Size of the payload in bytes.
        payload_bytes: u32,
    },
    /// Posts a CREATE for two owners, who have to sign together.
    CreateJoint {
        /// Size of the payload in bytes.
        payload_bytes: u32,
    },
    /// Spends an output of each of two operations, or both of one, to two owners, each for himself.
    Move {
        /// The operation whose first output is spent.
        of: u32,
        /// The one whose first output is spent, or second, if it is the same.
        and: u32,
        /// Size of the payload in bytes.
        payload_bytes: u32,
    },
    /// Spends the output that operation `of` made, to whoever opens a guard.
    Lock {
        /// The operation whose output is spent.
        of: u32,
        /// What opens it.
        guard: Guard,
    },
    /// Spends a locked output.
    Open {
        /// The [`Action::Lock`] that made it.
        of: u32,
        /// How.
        way: Way,
    },
    /// Posts a document of a shape that nobody should accept, and that would do harm if somebody did.
    Odd {
        /// What it spends: the output that this operation made, or, if an output is to be
        /// [spent again](Oddity::spends_again), what this one spends; none if nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<u32>,
        /// What is odd about it.
        oddity: Oddity,
    },
    /// Posts something that is no transaction.
    Malformed {
        /// What it is.
        shape: Shapeless,
    },
}

/// What guards an output. Times are microseconds of the run; they count in whole seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Guard {
    /// Two keys of weights 3 and 1, of which both are needed.
    Weights,
    /// Two of three keys.
    TwoOfThree,
    /// A secret.
    Hash,
    /// A key, up to a time.
    Timeout {
        /// The last moment.
        until_us: u64,
    },
    /// One key up to a time, another one after it.
    Escrow {
        /// The last moment of the one.
        until_us: u64,
    },
}

/// How somebody tries to open a guard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// As the guard asks for it; of an escrow, as the first of the two.
    Whole,
    /// With less than it asks for: a key too few, another secret.
    TooLittle,
    /// As the second of an escrow, showing that the time is over.
    Abort,
    /// As the second of an escrow, leaving out the time.
    AbortByOmission,
}

/// What is odd about a document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Oddity {
    /// Its `input` has one key more, so that it looks like another output.
    ExtraInputKey,
    /// It counts the output from the end.
    NegativeCid,
    /// It says `false` where it means 0.
    BoolCid,
    /// It spends an output twice.
    InputTwice,
    /// It makes more outputs than it spends.
    MoreOutputs,
    /// It says something behind a U+0000.
    TextAfterNul,
    /// It says a number that the store gives back written in another way.
    NumberRewritten,
    /// It is a CREATE that spends an output.
    CreateSpends,
    /// It is a GENESIS.
    Genesis,
}

/// Something that is no transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shapeless {
    /// No object at all.
    List,
    /// An object without anything.
    Empty,
    /// Numbers where texts belong.
    Numbers,
    /// Objects where lists belong.
    Objects,
    /// Lists within lists, beyond what anybody writes.
    Deep,
    /// A TRANSFER with a payload of a megabyte and wrong in everything else.
    Huge,
    /// A TRANSFER whose fulfillment is no fulfillment.
    Garbled,
    /// A CREATE for nobody.
    Ownerless,
}

impl Oddity {
    /// All there are, with their names in scenarios.
    pub const ALL: [(&'static str, Self); 9] = [
        ("extra-input-key", Self::ExtraInputKey),
        ("negative-cid", Self::NegativeCid),
        ("bool-cid", Self::BoolCid),
        ("input-twice", Self::InputTwice),
        ("more-outputs", Self::MoreOutputs),
        ("text-after-nul", Self::TextAfterNul),
        ("number-rewritten", Self::NumberRewritten),
        ("create-spends", Self::CreateSpends),
        ("genesis", Self::Genesis),
    ];

    /// Whether it is about an output that is spent already.
    pub fn spends_again(self) -> bool {
        matches!(self, Self::ExtraInputKey | Self::NegativeCid | Self::BoolCid)
    }
}

impl Shapeless {
    /// All there are.
    pub const ALL: [Self; 8] = [
        Self::List,
        Self::Empty,
        Self::Numbers,
        Self::Objects,
        Self::Deep,
        Self::Huge,
        Self::Garbled,
        Self::Ownerless,
    ];
}

impl Action {
    /// The operations without which this one cannot be.
    pub fn depends_on(&self) -> impl Iterator<Item = u32> + use<> {
        let both = match *self {
            Self::Create { .. } | Self::CreateJoint { .. } | Self::Malformed { .. } => [None; 2],
            Self::Transfer { of, .. }
            | Self::Duplicate { of }
            | Self::Replay { of }
            | Self::Eager { of, .. }
            | Self::Lock { of, .. }
            | Self::Open { of, .. } => [Some(of), None],
            Self::Conflict { with, .. } => [Some(with), None],
            Self::Move { of, and, .. } => [Some(of), Some(and).filter(|and| *and != of)],
            Self::Odd { of, .. } => [of, None],
        };
        both.into_iter().flatten()
    }

    /// The operation whose document it posts again, if it has none of its own.
    pub fn repeats(&self) -> Option<u32> {
        match *self {
            Self::Duplicate { of } | Self::Replay { of } => Some(of),
            _ => None,
        }
    }

    /// Its name in scenarios and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Transfer { .. } => "transfer",
            Self::Conflict { .. } => "conflict",
            Self::Duplicate { .. } => "duplicate",
            Self::Replay { .. } => "replay",
            Self::Eager { .. } => "eager",
            Self::CreateJoint { .. } => "create-joint",
            Self::Move { .. } => "move",
            Self::Lock { .. } => "lock",
            Self::Open { .. } => "open",
            Self::Odd { .. } => "odd",
            Self::Malformed { .. } => "malformed",
        }
    }
}
