//! The 42 defects of BigchainDB 0.6.0, as its source and its issues tell them.
//!
//! Not here: rules of `default` taken away (`ablations`).

use bigchaindb_core::rules::Quirk::*;

use super::Defect;

/// Where documents of every shape are posted.
const DOCUMENTS: &[&str] = &["documents"];
/// Where nodes and feeds fail under load.
const STORMS: &[&str] = &["storms"];
/// Where the store's servers fail.
const STORES: &[&str] = &["stores"];
/// Where honest members' blocks fall.
const RIVALS: &[&str] = &["rivals"];
/// Where a member acts against the rules.
const LIARS: &[&str] = &["liars"];

const NONE: Defect = Defect {
    quirk: DeletedBeforeWritten,
    title: "",
    replaces: "",
    armed_by: &[],
    acts: &[],
    found_by: &[],
    hunts: STORMS,
    upstream: "",
    story: "",
};

/// By number.
pub(super) const DEFECTS: &[Defect] = &[
    Defect {
        quirk: DeletedBeforeWritten,
        title: "a transaction leaves the backlog before it is in a block",
        replaces: "rule 5",
        found_by: &["S11", "L1", "S12"],
        upstream: "#604, #568",
        story: "The block pipeline deletes a transaction from the backlog as soon as it has read it, \
                before it is judged and before a block with it is written. A node that dies in between \
                takes it along: it was acknowledged with 202, and is nowhere.",
        ..NONE
    },
    Defect {
        quirk: NeverTakenOver,
        title: "nobody takes over what waits for a node that is gone",
        replaces: "rule 8",
        found_by: &["L1", "S11"],
        hunts: &["storms", "lost"],
        upstream: "#198",
        story: "Whoever receives a transaction assigns it to another node of its keyring, never to \
                itself. If that node does not come back, the transaction waits for it for ever.",
        ..NONE
    },
    Defect {
        quirk: SoftWrites,
        title: "what is acknowledged is not on disk yet",
        replaces: "hard durability",
        found_by: &["S11", "S12", "L1", "S10", "L2"],
        hunts: STORES,
        upstream: "#504",
        story: "Transactions and blocks are written with soft durability: the store answers before it \
                has them on disk. A server that loses its power takes acknowledged transactions along.",
        ..NONE
    },
    Defect {
        quirk: FeedGap,
        title: "what happens between the first query and the feed is missed",
        replaces: "rule 7",
        found_by: &["L1", "L5", "L2", "S11"],
        upstream: "cf. #1192",
        story: "A pipeline reads what there is, and opens its feed afterwards. Whatever is written in \
                between is in neither, and stays unseen until the node starts again.",
        ..NONE
    },
    Defect {
        quirk: FeedLossIsFinal,
        title: "a feed that breaks is not opened again",
        replaces: "rule 7",
        found_by: &["L1", "L2", "L5", "S17", "S11"],
        upstream: "#512",
        story: "When the connection of a feed breaks, the pipeline behind it ends, and nobody starts it \
                again. The node looks alive, and makes no more blocks or votes.",
        ..NONE
    },
    Defect {
        quirk: UnvotedInAnyOrder,
        title: "after a restart a node votes on what it missed in any order",
        replaces: "rule 4",
        armed_by: &[],
        found_by: &["S6", "S7", "S8"],
        upstream: "#1325, PR #1389",
        story: "A node that starts asks for the blocks it has not voted on, gets them in whatever order, \
                and votes on them in that. Its votes name other previous blocks than those of the others.",
        ..NONE
    },
    Defect {
        quirk: DecisionsFlip,
        title: "a decision is not for ever",
        replaces: "rule 2",
        armed_by: &[JudgedAtOnce],
        acts: &["wrong-previous"],
        found_by: &["S8", "S9", "S12"],
        hunts: &["liars"],
        upstream: "#165, PR #565",
        story: "If those who vote valid name different previous blocks, the block is invalid at once, \
                though votes are missing. The next vote can make a majority for one previous block, and \
                the block is valid after all. Meanwhile its transactions were tried again.",
    },
    Defect {
        quirk: EveryoneRequeues,
        title: "every node puts the transactions of an invalid block back, for every vote",
        replaces: "rule 5",
        found_by: &["L4"],
        hunts: RIVALS,
        upstream: "#193, #774",
        story: "Each node that hears a vote on an invalid block puts the block's transactions into the \
                backlog again, and again with each further vote. Copies of them multiply.",
        ..NONE
    },
    Defect {
        quirk: RequeuedThoughValid,
        title: "a transaction is put back though another block of it is valid",
        replaces: "rule 5",
        armed_by: &[EveryoneRequeues, JudgedAtOnce],
        acts: &["replays-decided"],
        found_by: &["S2", "L4"],
        hunts: LIARS,
        upstream: "#774",
        story: "When a block falls, its transactions go back into the backlog without a look at the \
                chain. One that stands in another, valid block is decided valid a second time.",
    },
    Defect {
        quirk: CreateIncludedAgain,
        title: "nobody looks whether a CREATE is in the chain already",
        replaces: "rule 4",
        acts: &["replays-decided"],
        found_by: &["S2"],
        hunts: LIARS,
        upstream: "#400, #1151, PR #1208",
        story: "A TRANSFER that is in the chain is noticed by its spent inputs; a CREATE has none, and \
                nobody looks it up. A member puts an old one into a new block, and it is valid twice.",
        ..NONE
    },
    Defect {
        quirk: ResentTransferAdmitted,
        title: "a TRANSFER that is in the chain is accepted again",
        replaces: "rule 10",
        found_by: &["L4", "S21", "S11", "L3"],
        hunts: DOCUMENTS,
        upstream: "#592",
        story: "A client posts a TRANSFER again that is long decided. The check for a double spend finds \
                the transaction itself and is content, so it goes into a block, which is voted invalid.",
        ..NONE
    },
    Defect {
        quirk: FirstSpendHidesOthers,
        title: "only the first spend of an output is looked at",
        replaces: "rule 4",
        found_by: &["S1", "L3"],
        hunts: RIVALS,
        upstream: "#1380",
        story: "The list of transactions that spend an output is read, and the first of them judged. If \
                that one stands in an invalid block, those behind it are not seen, and a second spend is \
                valid.",
        ..NONE
    },
    Defect {
        quirk: CopiesCountAsSpends,
        title: "a copy in an invalid block counts as another spend",
        replaces: "rule 4",
        found_by: &["L1", "L3", "S11", "L4"],
        hunts: RIVALS,
        upstream: "#1271",
        story: "A transaction whose first block was decided invalid is in two blocks once it is tried \
                again. The check for a double spend counts both, and refuses it for ever.",
        ..NONE
    },
    Defect {
        quirk: TwiceInBlock,
        title: "a transaction goes into a block twice",
        replaces: "rule 0",
        found_by: &["S2", "S3", "S1"],
        hunts: &["storms", "liars"],
        upstream: "#1343, #1237, PR #1377",
        story: "A node hears of a transaction twice, from its first query and from its feed. Both go into \
                the block, and nobody who votes on it minds.",
        ..NONE
    },
    Defect {
        quirk: ConflictsShareBlock,
        title: "two spends of one output go into one block",
        replaces: "rule 0",
        found_by: &["L3", "L4", "L1"],
        hunts: &["storms", "liars"],
        upstream: "#527",
        story: "Two rivals reach the same node, which puts both into one block. The block is invalid, \
                both are tried again, and meet in the next block. Neither ever wins.",
        ..NONE
    },
    Defect {
        quirk: UndecidedOutputsSpent,
        title: "outputs of undecided blocks can be spent",
        replaces: "rule 4",
        found_by: &["S4", "S21", "S11", "L1"],
        hunts: &["documents", "liars"],
        upstream: "#526",
        story: "A transaction may spend an output as soon as some block holds it. If that block is decided \
                invalid afterwards, what was built on it has no ground.",
        ..NONE
    },
    Defect {
        quirk: InputSpentTwice,
        title: "a transaction can spend one output twice",
        replaces: "rule 0",
        found_by: &["S1", "S4", "S13", "S21"],
        hunts: DOCUMENTS,
        upstream: "#1099",
        story: "A TRANSFER names the same output in two of its inputs. Each by itself is unspent, so the \
                transaction is valid, and makes two out of one.",
        ..NONE
    },
    Defect {
        quirk: RetriedAtOnce,
        title: "what falls is tried again at once, for ever",
        replaces: "rule 5",
        found_by: &["L4"],
        hunts: RIVALS,
        upstream: "#1795",
        story: "A transaction whose block was decided invalid goes into the next block without a wait. As \
                long as the reason lasts, blocks flood the chain.",
        ..NONE
    },
    Defect {
        quirk: BadVotesCount,
        title: "votes of strangers and bad signatures count as invalid",
        replaces: "rule 1",
        acts: &["unsigned-votes", "strangers-votes", "forges-votes"],
        found_by: &["S15", "S9", "S8"],
        hunts: LIARS,
        upstream: "PR #1215, #1258",
        story: "Invalid votes are counted as all that are not valid ones. So votes that nobody of the \
                federation has signed vote a good block down.",
        ..NONE
    },
    Defect {
        quirk: SurplusVotesRaise,
        title: "a second vote of a node ends whoever counts",
        replaces: "rule 1",
        acts: &["votes-twice"],
        found_by: &["S17", "S9", "L1"],
        hunts: LIARS,
        upstream: "#1370",
        story: "Two votes of one voter on a block, or more votes than voters, are an error that nobody \
                expects. It ends every pipeline and every request that adds up the votes on this block.",
        ..NONE
    },
    Defect {
        quirk: LastVoteByClock,
        title: "the last vote is found by its timestamp",
        replaces: "rule 4",
        found_by: &["S6", "S7", "S8"],
        hunts: &["storms", "clocks"],
        upstream: "a comment in the code",
        story: "A node that starts looks for its own last vote by the greatest timestamp, a text of whole \
                seconds. Two votes in a second, or a clock that was set back, and its votes fork.",
        ..NONE
    },
    Defect {
        quirk: UnfindableWhileWritten,
        title: "a transaction cannot be found while its block is being written",
        replaces: "rule 6",
        found_by: &["S12", "S11"],
        upstream: "#568",
        story: "Between the backlog and the written block a transaction is in a node's memory alone. Who \
                asks for its status then hears 404, though it was accepted.",
        ..NONE
    },
    Defect {
        quirk: RequeuedFromMemory,
        title: "only its author's memory knows what an invalid block held",
        replaces: "rule 5",
        found_by: &["S11", "L1"],
        hunts: RIVALS,
        upstream: "#323",
        story: "What is in a written block leaves the backlog. If the block is decided invalid while its \
                author is down, nobody puts its transactions back, and they are lost.",
        ..NONE
    },
    Defect {
        quirk: GenesisUnclaimed,
        title: "two nodes can make a genesis block each",
        replaces: "rule 2",
        found_by: &["S18", "S7"],
        hunts: &["storms", "stores"],
        upstream: "a comment at create_genesis_block",
        story: "Who finds no block makes the first one. Two nodes that look at the same time both find \
                none, and there are two beginnings.",
        ..NONE
    },
    Defect {
        quirk: GenesisAtAnyTime,
        title: "a member can make a GENESIS transaction at any time",
        replaces: "rule 0",
        acts: &["includes-genesis"],
        found_by: &["S18", "S4"],
        hunts: LIARS,
        upstream: "PR #1612",
        story: "A GENESIS transaction is valid if a member of the federation has signed it, wherever it \
                stands. A member writes another one into a block, long after the beginning.",
        ..NONE
    },
    Defect {
        quirk: TwiceValidRaises,
        title: "a transaction in two valid blocks ends whoever looks at it",
        replaces: "rule 4",
        armed_by: &[CreateIncludedAgain],
        acts: &["replays-decided"],
        found_by: &["S17", "L1"],
        hunts: LIARS,
        upstream: "follows #774",
        story: "Who meets a transaction that is in two valid blocks raises a bare exception, which nobody \
                catches. Every pipeline that comes across it ends.",
    },
    Defect {
        quirk: UnboundedQueue,
        title: "the queue before the block pipeline has no bound",
        replaces: "rule 11",
        found_by: &["L6"],
        hunts: &["floods"],
        upstream: "PR #908",
        story: "A node takes all that waits for it into its memory. Under more load than it can write, \
                that grows until it has none left.",
        ..NONE
    },
    Defect {
        quirk: ConnectionPerCheck,
        title: "each fulfillment is checked over a connection of its own",
        replaces: "rule 11",
        found_by: &["L8"],
        hunts: &["trickle"],
        upstream: "util.validate_fulfillments",
        story: "For each fulfillment of each transaction a new connection to the database is opened. What \
                a transaction costs the store grows with all that is in a block.",
        ..NONE
    },
    Defect {
        quirk: OwnedReusesInput,
        title: "asked who owns what, a node repeats the output before",
        replaces: "a search per condition",
        found_by: &["S13"],
        hunts: DOCUMENTS,
        upstream: "core.get_owned_ids",
        story: "Of a transaction with several outputs the one that is not the owner's leaves a variable as \
                it was. The output found before is told a second time, or there is an error.",
        ..NONE
    },
    Defect {
        quirk: OmissionOpens,
        title: "leaving out a part opens an inverted threshold",
        replaces: "conditions as documented",
        found_by: &["S4", "S21"],
        hunts: DOCUMENTS,
        upstream: "cryptoconditions type 98",
        story: "An escrow may be taken back after its time: the condition is an inversion of the timeout. \
                Who leaves the timeout out of his fulfillment has inverted nothing, and takes it before.",
        ..NONE
    },
    Defect {
        quirk: ExtraKeyHidesSpend,
        title: "an extra key in an input makes it another output",
        replaces: "rule 4",
        found_by: &["S1", "S4", "S21", "S13"],
        hunts: DOCUMENTS,
        upstream: "get_spent compares whole objects",
        story: "Spends of an output are looked up by the whole object that names it. With one key more \
                the same output looks unspent, and is spent again.",
        ..NONE
    },
    Defect {
        quirk: OutputAliases,
        title: "an output has several names",
        replaces: "rule 4",
        found_by: &["S1", "S4", "S21", "S13"],
        hunts: DOCUMENTS,
        upstream: "Python counts from the end",
        story: "Output -1 is the last one, and `true` is output 1. Under another name a spent output looks \
                unspent, and is spent again.",
        ..NONE
    },
    Defect {
        quirk: TextAfterNul,
        title: "text behind a U+0000 is neither hashed nor signed",
        replaces: "rule 10",
        found_by: &["S3", "S21"],
        hunts: DOCUMENTS,
        upstream: "the JSON writer",
        story: "The writer of canonical JSON ends a text at U+0000. Whatever is behind it can be changed \
                without changing id and signature.",
        ..NONE
    },
    Defect {
        quirk: NumbersRewritten,
        title: "the store changes numbers, and the transaction with them",
        replaces: "rule 10",
        found_by: &["S11", "S21", "S3", "L1"],
        hunts: DOCUMENTS,
        upstream: "RethinkDB's numbers",
        story: "A payload with a number that RethinkDB gives back differently is accepted. What comes back \
                has another hash than its id, is thrown away, and the transaction is gone.",
        ..NONE
    },
    Defect {
        quirk: RunningMinimum,
        title: "three and one are not four",
        replaces: "conditions as documented",
        found_by: &["S21"],
        hunts: DOCUMENTS,
        upstream: "threshold validation",
        story: "Weights of fulfilled parts are added up with the smallest so far instead of their own. A \
                threshold of 4 with parts of 3 and 1 is not reached, and a valid transaction is refused.",
        ..NONE
    },
    Defect {
        quirk: ConnectionsLeak,
        title: "a request that fails keeps its connection",
        replaces: "rule 11",
        found_by: &["L6", "S17", "L1", "S21", "S9"],
        hunts: DOCUMENTS,
        upstream: "the web pool",
        story: "A request that is refused does not give back what it took from the pool. After enough of \
                them the web server answers nobody.",
        ..NONE
    },
    Defect {
        quirk: TimerRestarts,
        title: "a steady trickle holds a block back",
        replaces: "the wait for a block's company is bounded",
        found_by: &["L1", "L2"],
        hunts: &["trickle"],
        upstream: "block.create",
        story: "A block is written when it has a thousand transactions, or nothing has come for a second. \
                Each arrival starts the second anew, so a steady trickle is never written.",
        ..NONE
    },
    Defect {
        quirk: UnexpectedKills,
        title: "a document of unexpected shape ends a pipeline for good",
        replaces: "rule 11",
        acts: &["malformed-backlog", "includes-odd", "odd-backlog"],
        found_by: &["S17", "L1", "L2"],
        hunts: LIARS,
        upstream: "every pipeline",
        story: "A row without a key that the code expects, or with a value of another type, raises an \
                error that nobody handles. The pipeline ends, and meets the same row when it starts again.",
        ..NONE
    },
    Defect {
        quirk: VotersUnchecked,
        title: "a block may name any voters",
        replaces: "rule 0",
        acts: &["wrong-voters"],
        found_by: &["S3", "S15", "S4", "S1"],
        hunts: LIARS,
        upstream: "validate_block",
        story: "Who votes on a block is what the block says. One that names its author alone is valid by \
                his own vote, and one that names strangers is never decided.",
        ..NONE
    },
    Defect {
        quirk: EmptyBlockUnvoted,
        title: "nobody votes on a block without transactions",
        replaces: "rule 0",
        acts: &["empty-block"],
        found_by: &["L2", "L5", "L1"],
        hunts: LIARS,
        upstream: "pipelines/vote.py",
        story: "A block is judged transaction by transaction. One that has none is never judged, has no \
                votes, and stays undecided for ever.",
        ..NONE
    },
    Defect {
        quirk: CreateSpends,
        title: "a CREATE can spend, and outputs can outnumber inputs",
        replaces: "rule 0",
        acts: &["includes-create-spend"],
        found_by: &["S1", "S13", "S4", "S21"],
        hunts: &["documents", "liars"],
        upstream: "validate_transaction",
        story: "Of a CREATE only the first fulfillment is looked at, so a second one can name an output \
                that is spent already; and nobody counts that there are as many outputs as inputs.",
        ..NONE
    },
    Defect {
        quirk: TimeoutByOwnClock,
        title: "each voter judges a timeout by its own clock",
        replaces: "rule 9",
        found_by: &["S4", "S8", "L4", "S11", "L1", "S21"],
        hunts: &["timeouts"],
        upstream: "consensus.py",
        story: "Whether a condition has run out is asked of the voter's clock when it votes. Around that \
                moment voters disagree, and who checks the chain later finds a spend that is too late.",
        ..NONE
    },
];
