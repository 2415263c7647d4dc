//! The rules of `default`, each taken away: that they are needed, and that a checker notices.
//!
//! Not here: the defects of the original (`catalogue`).

use bigchaindb_core::rules::Quirk::*;

use super::Defect;

const NONE: Defect = Defect {
    quirk: VotesAgain,
    title: "",
    replaces: "",
    armed_by: &[],
    acts: &[],
    found_by: &[],
    hunts: &["storms", "liars", "stores"],
    upstream: "ours",
    story: "",
};

/// In the order of the quirks.
pub(super) const ABLATIONS: &[Defect] = &[
    Defect {
        quirk: VotesAgain,
        title: "a node votes again after a restart, under another key",
        replaces: "rule 1",
        found_by: &["S5"],
        story: "A node that starts votes on every block once more, under a key of chance instead of the \
                key that is this vote's for ever. There are two votes of it on a block.",
        ..NONE
    },
    Defect {
        quirk: TieIsValid,
        title: "half of the votes make a block valid",
        replaces: "rule 2",
        found_by: &["S9", "S8", "S1", "S4"],
        story: "With four voters, two votes decide. A node calls a block valid while the other two votes \
                can still make it invalid, or while nobody else calls it decided.",
        ..NONE
    },
    Defect {
        quirk: PlacedUnread,
        title: "a block gets its place before it was read back",
        replaces: "rule 3",
        found_by: &["S7", "S10", "L2", "L5", "S6", "S11", "L1"],
        hunts: &["losses", "stores"],
        story: "The entry in the list is written before a majority read has returned the block. If the \
                write of the block is lost, the list has an entry for nothing.",
        ..NONE
    },
    Defect {
        quirk: MissingWaitedFor,
        title: "an entry whose block does not come is waited for",
        replaces: "rule 3",
        acts: &["claims-nothing", "claims-ahead"],
        found_by: &["L1", "L2", "L5"],
        hunts: &["liars", "stores"],
        story: "A member claims a place in the list for a block that it never writes. Everybody waits for \
                that block, and nothing behind it is ever decided.",
        ..NONE
    },
    Defect {
        quirk: DoubleSpendUnchecked,
        title: "nobody looks whether an input is spent already",
        replaces: "rule 4",
        found_by: &["S1"],
        story: "Two spends of one output arrive, one after the other. Nobody asks whether the output is \
                still there, and both are decided valid.",
        ..NONE
    },
    Defect {
        quirk: JudgedOutOfOrder,
        title: "blocks are judged before earlier ones are decided, and without them",
        replaces: "rule 4",
        found_by: &["S1", "S2", "S4"],
        story: "Two blocks that spend the same are undecided at the same time. A voter judges the second \
                as if the first were not there, and votes for both.",
        ..NONE
    },
    Defect {
        quirk: JudgedAtOnce,
        title: "blocks are judged before earlier ones are decided, as things stand",
        replaces: "rule 4",
        found_by: &["S1", "S2", "S4", "S7", "L3", "L1", "S6"],
        hunts: &["liars", "storms", "stores"],
        story: "A voter does not wait for the decision of earlier blocks, nor for its vote before. Voters \
                see different facts, and of two rivals both may fall, or a vote is missing in between.",
        ..NONE
    },
    Defect {
        quirk: StatusAtOneGlance,
        title: "where a transaction stands is looked up once",
        replaces: "rule 6",
        found_by: &["S12", "S9"],
        story: "Chain and backlog are read one after the other, and not again. A transaction that moves \
                from one to the other in between is found in neither, and its status is 404.",
        ..NONE
    },
    Defect {
        quirk: FeedsBelieved,
        title: "what a feed tells of the list counts without asking",
        replaces: "rule 7",
        found_by: &["S6", "S7", "L5", "L2", "L1", "S8"],
        hunts: &["losses", "stores"],
        story: "A feed can tell of a write that is lost when its primary dies. A node that believes it \
                votes along another list than the others.",
        ..NONE
    },
    Defect {
        quirk: TimeUnbounded,
        title: "a block may have any timestamp",
        replaces: "rule 9",
        acts: &["future-block", "past-block"],
        found_by: &["S4"],
        hunts: &["liars"],
        story: "A timeout is judged at the block's timestamp, and a member writes a block of yesterday or \
                tomorrow. What had run out is spent, or what had not is taken back.",
        ..NONE
    },
    Defect {
        quirk: AcceptedUnjudged,
        title: "a transaction is acknowledged before it is judged",
        replaces: "rule 10",
        found_by: &["S11", "S21", "L1"],
        hunts: &["documents"],
        story: "A client is told that its transaction was accepted, and only then somebody looks at it. \
                It is no good, and is dropped without a word.",
        ..NONE
    },
    Defect {
        quirk: HarmLeft,
        title: "what was changed or deleted is named, and left so",
        replaces: "rule 12",
        acts: &[
            "edits-blocks",
            "deletes-blocks",
            "edits-votes",
            "deletes-votes",
            "edits-places",
            "deletes-places",
        ],
        found_by: &["S15", "S10", "S8", "S9", "L1", "L2"],
        hunts: &["vandals"],
        story: "A member changes or deletes a row of somebody else's, as the store lets it. The others \
                say so in their logs, and nobody writes the row back: what was decided is so no more.",
        ..NONE
    },
];
