//! Quirks: single faults of rules and stages, each switched on by name.
//!
//! There are two kinds. The defects of BigchainDB 0.6.0, by number: all of them make up what profile
//! `v0.6.0` does, and each can be switched on alone on top of `default`, where it replaces the
//! safeguard that prevents it. And ablations: one of the default rules taken away, to see that it is
//! needed and that a checker notices. Rules and stages ask for a quirk where they would act
//! otherwise ([`ConsensusRules::quirks`](super::ConsensusRules::quirks)); no configuration file of a
//! node can switch one on. Here: which there are. Not here: who finds them, and how (the simulator).

use std::collections::BTreeSet;

/// The quirks that are switched on.
pub type Quirks = BTreeSet<Quirk>;

/// What a quirk is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A defect of BigchainDB 0.6.0, by its number.
    Defect(u8),
    /// One of the default rules is taken away, by its number in ARCHITECTURE.md.
    Ablation(u8),
}

use Kind::{Ablation, Defect};

macro_rules! quirks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $kind:expr;)*) => {
        /// A single fault.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Quirk { $($(#[$doc])* $variant,)* }

        impl Quirk {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name in scenarios and on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is.
            pub fn kind(self) -> Kind {
                match self { $(Self::$variant => $kind,)* }
            }
        }
    };
}

quirks! {
    /// A transaction leaves the backlog as soon as its assignee has seen it, before it is judged and
    /// before any block holds it.
    DeletedBeforeWritten = "deleted-before-written", Defect(1);
    /// Nobody takes over what waits for a node that does not come, and nobody chooses itself.
    NeverTakenOver = "never-taken-over", Defect(2);
    /// Transactions and blocks are acknowledged before they are on disk.
    SoftWrites = "soft-writes", Defect(3);
    /// What there is is read first and the feed opened later, without reading again.
    FeedGap = "feed-gap", Defect(4);
    /// A feed that broke is not opened again.
    FeedLossIsFinal = "feed-loss-is-final", Defect(5);
    /// After a restart a node votes on what it has missed in whatever order.
    UnvotedInAnyOrder = "unvoted-in-any-order", Defect(6);
    /// A majority that names several previous blocks makes a block invalid at once, and the next
    /// vote may make it valid again.
    DecisionsFlip = "decisions-flip", Defect(7);
    /// Every node puts the transactions of an invalid block back into the backlog, for every vote on
    /// it that it hears of.
    EveryoneRequeues = "everyone-requeues", Defect(8);
    /// A transaction is put back, and into another block, whether or not one that holds it is valid.
    RequeuedThoughValid = "requeued-though-valid", Defect(9);
    /// Nobody looks whether a CREATE is in the chain already.
    CreateIncludedAgain = "create-included-again", Defect(10);
    /// A TRANSFER that is in the chain already is taken in again; its block is then voted invalid.
    ResentTransferAdmitted = "resent-transfer-admitted", Defect(11);
    /// Of several spends of an output only the first is looked at, even if its block is invalid.
    FirstSpendHidesOthers = "first-spend-hides-others", Defect(12);
    /// A transaction's own copy in an invalid block counts as another spend of its inputs.
    CopiesCountAsSpends = "copies-count-as-spends", Defect(13);
    /// A transaction of which a node hears twice goes into a block twice, and nobody minds.
    TwiceInBlock = "twice-in-a-block", Defect(14);
    /// Transactions that spend the same output go into one block, which falls with all of them.
    ConflictsShareBlock = "conflicts-share-a-block", Defect(15);
    /// An output may be spent before the block that made it is decided.
    UndecidedOutputsSpent = "undecided-outputs-spent", Defect(16);
    /// A transaction may spend the same output twice.
    InputSpentTwice = "input-spent-twice", Defect(17);
    /// A transaction whose block was decided invalid is tried again at once, for ever.
    RetriedAtOnce = "retried-at-once", Defect(18);
    /// A vote that is badly signed, or a stranger's, counts as "invalid".
    BadVotesCount = "bad-votes-count", Defect(19);
    /// Two votes of one node, or more votes than voters, end whoever adds them up.
    SurplusVotesRaise = "surplus-votes-raise", Defect(20);
    /// After a restart the vote before is the one with the latest timestamp, in whole seconds.
    LastVoteByClock = "last-vote-by-clock", Defect(21);
    /// While a block is being written its transactions are neither in the backlog nor in the chain.
    UnfindableWhileWritten = "unfindable-while-written", Defect(22);
    /// What is in a written block leaves the backlog; if the block falls, only its author's memory
    /// knows what to put back.
    RequeuedFromMemory = "requeued-from-memory", Defect(23);
    /// Whoever finds no block makes a genesis block, without claiming to be the first.
    GenesisUnclaimed = "genesis-unclaimed", Defect(24);
    /// A member may make a GENESIS transaction at any time.
    GenesisAtAnyTime = "genesis-at-any-time", Defect(25);
    /// A transaction in two valid blocks ends whoever looks at it.
    TwiceValidRaises = "twice-valid-raises", Defect(26);
    /// What waits for a node is all taken into its memory.
    UnboundedQueue = "unbounded-queue", Defect(27);
    /// Each fulfillment is checked over a connection of its own.
    ConnectionPerCheck = "connection-per-check", Defect(28);
    /// Asked who owns what, a node repeats the last output it found for a condition that is somebody
    /// else's.
    OwnedReusesInput = "owned-reuses-input", Defect(29);
    /// An inverted threshold is opened by leaving out what would close it.
    OmissionOpens = "omission-opens", Defect(30);
    /// An extra key in an input makes the same output look like another one.
    ExtraKeyHidesSpend = "extra-key-hides-spend", Defect(31);
    /// An output may be named by counting from the end.
    OutputAliases = "output-aliases", Defect(32);
    /// Text behind a U+0000 is neither hashed nor signed, and accepted.
    TextAfterNul = "text-after-nul", Defect(33);
    /// Numbers that the store gives back changed are accepted, and their transaction is lost.
    NumbersRewritten = "numbers-rewritten", Defect(34);
    /// The parts of a threshold count no more than the smallest weight before them.
    RunningMinimum = "running-minimum", Defect(35);
    /// A request that is refused keeps its place among those under way.
    ConnectionsLeak = "connections-leak", Defect(36);
    /// The time that a block waits for company begins anew with every arrival.
    TimerRestarts = "timer-restarts", Defect(37);
    /// A document of an unexpected shape ends the stage that meets it.
    UnexpectedKills = "unexpected-kills", Defect(38);
    /// A block may name any voters.
    VotersUnchecked = "voters-unchecked", Defect(39);
    /// Nobody votes on a block without transactions.
    EmptyBlockUnvoted = "empty-block-unvoted", Defect(40);
    /// A CREATE may have further fulfillments, which nobody looks at, and a transaction more outputs
    /// than inputs.
    CreateSpends = "create-spends", Defect(41);
    /// Timeouts are judged by each voter's own clock.
    TimeoutByOwnClock = "timeout-by-own-clock", Defect(42);

    /// After a restart a node votes again on every block, under a key of chance.
    VotesAgain = "votes-again", Ablation(1);
    /// Half of the votes make a block valid.
    TieIsValid = "tie-is-valid", Ablation(2);
    /// A block gets its place before a majority read has returned it.
    PlacedUnread = "placed-unread", Ablation(3);
    /// An entry of the list whose block does not come is waited for.
    MissingWaitedFor = "missing-waited-for", Ablation(3);
    /// Nobody looks whether an input is spent already.
    DoubleSpendUnchecked = "double-spend-unchecked", Ablation(4);
    /// Blocks are judged without waiting for the decision of earlier ones, and as if those were not
    /// there until they are decided.
    JudgedOutOfOrder = "judged-out-of-order", Ablation(4);
    /// Blocks are judged without waiting for the decision of earlier ones, as things stand; and votes
    /// without waiting for the vote before.
    JudgedAtOnce = "judged-at-once", Ablation(4);
    /// Where a transaction stands is looked up once, and votes are not read before a node says
    /// `undecided`.
    StatusAtOneGlance = "status-at-one-glance", Ablation(6);
    /// What a feed tells of the list counts, without asking.
    FeedsBelieved = "feeds-believed", Ablation(7);
    /// A block may have any timestamp.
    TimeUnbounded = "time-unbounded", Ablation(9);
    /// A transaction is acknowledged before it is judged.
    AcceptedUnjudged = "accepted-unjudged", Ablation(10);
    /// What was changed or deleted is named, and left as it is.
    HarmLeft = "harm-left", Ablation(12);
}

impl Quirk {
    /// The quirk of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|quirk| quirk.name() == name)
    }

    /// All defects of BigchainDB 0.6.0, by number.
    pub fn defects() -> Quirks {
        let is_defect = |quirk: &Self| matches!(quirk.kind(), Defect(_));
        Self::ALL.iter().copied().filter(is_defect).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_defect_has_one_number_and_every_quirk_one_name() {
        let numbers = Quirk::ALL.iter().filter_map(|quirk| match quirk.kind() {
            Defect(number) => Some(number),
            Ablation(_) => None,
        });
        assert!(numbers.eq(1..=42));
        let names: BTreeSet<_> = Quirk::ALL.iter().map(|quirk| quirk.name()).collect();
        assert_eq!(names.len(), Quirk::ALL.len());
        assert!(Quirk::ALL.iter().all(|quirk| Quirk::by_name(quirk.name()) == Some(*quirk)));
    }
}
