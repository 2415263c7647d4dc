//! The closed list of questions that are asked of the database, with their answers, and the feeds.
//!
//! A [`Query`] is data: it can be logged, delayed, replayed, answered by a model. The embedded store
//! answers the list natively, one module of the node turns each into ReQL; both pass one suite.
//! All reads are majority reads; all writes of rows that do not exist yet are insert-if-absent.
//!
//! Here: all that is asked, by nodes and by the library. What pages are is in `page`. Not here: the
//! tables' rows beyond that (crate `bigchaindb-rethinkdb`).

mod page;

use std::sync::Arc;

pub use page::{BlockHead, BlockIndex, BlocksOf, Page, Range, TransactionsOf};

use crate::model::{Block, BlockId, NodeKey, Output, Position, Transaction, TxId, Vote};

/// One question. Lists in it are bounded by its asker; an answer names only what exists.
#[derive(Clone, Debug)]
pub enum Query {
    /// Puts a transaction into the backlog unless its id is there. Answer: [`Answer::Written`].
    InsertBacklog {
        /// The transaction, as validated.
        transaction: Arc<Transaction>,
        /// The node whose turn it is with it.
        assignee: NodeKey,
    },
    /// Hands a waiting transaction to another node, if its assignee is still the one that was read;
    /// else nothing is written ([`Write::Unchanged`]). Answer: [`Answer::Written`].
    Reassign {
        /// Which transaction.
        transaction: TxId,
        /// Whose turn it was when this node read it.
        from: NodeKey,
        /// Whose turn it is now.
        to: NodeKey,
    },
    /// Takes transactions out of the backlog. Answer: [`Answer::Written`].
    DeleteBacklog {
        /// Which transactions; those that are gone already do not matter.
        transactions: Vec<TxId>,
    },
    /// The oldest waiting transactions (by transaction timestamp, then id), of everyone or of one
    /// assignee. Answer: [`Answer::Backlog`].
    Backlog {
        /// Whose; `None` means everyone's.
        assignee: Option<NodeKey>,
        /// How many at most.
        limit: usize,
    },
    /// Everything a judgement needs, for many transactions at once: see [`Gathered`]. Answer:
    /// [`Answer::Gathered`].
    ///
    /// Where a transaction stands is read from `bigchain`, then the backlog, then `bigchain`
    /// again, so that one that moves meanwhile is not missed.
    Gather(Needs),
    /// Writes a block unless its id is there. Answer: [`Answer::Written`].
    InsertBlock {
        /// The block.
        block: Arc<Block>,
    },
    /// Whole blocks by id. Answer: [`Answer::Blocks`].
    Blocks {
        /// Which.
        ids: Vec<BlockId>,
    },
    /// Which of these blocks a majority read returns. Answer: [`Answer::BlockIds`].
    KnownBlocks {
        /// Which.
        ids: Vec<BlockId>,
    },
    /// Blocks that have no position in the list, oldest (by block timestamp, then id) first.
    /// Answer: [`Answer::BlockIds`].
    UnlistedBlocks {
        /// How many at most.
        limit: usize,
    },
    /// Inserts a vote under its key unless a row has that key; the answer holds the row that does.
    /// Answer: [`Answer::VoteWritten`].
    InsertVote {
        /// The vote and its key.
        vote: VoteRow,
    },
    /// All votes on these blocks, everybody's, in no order. Answer: [`Answer::Votes`].
    Votes {
        /// Which blocks.
        blocks: Vec<BlockId>,
    },
    /// The list of blocks from a position on, ascending. Answer: [`Answer::Positions`].
    Positions {
        /// From here on.
        from: Position,
        /// How many at most.
        limit: usize,
    },
    /// Claims a position for a block unless it is taken; the answer holds the entry that has it.
    /// Answer: [`Answer::Claimed`].
    Claim {
        /// What to write.
        entry: ListEntry,
    },
    /// What elections need to know of blocks. Answer: [`Answer::Heads`].
    Heads {
        /// Which blocks.
        blocks: BlocksOf,
        /// Which part of them.
        range: Range,
    },
    /// Transactions in blocks, whatever became of the blocks; a pair per occurrence. Answer:
    /// [`Answer::Transactions`].
    Transactions {
        /// Which.
        transactions: TransactionsOf,
        /// Which part of the blocks.
        range: Range,
    },
    /// The votes of one voter on these blocks, in no order. Answer: [`Answer::Votes`].
    VotesOn {
        /// Whose.
        voter: NodeKey,
        /// Which blocks.
        blocks: Vec<BlockId>,
    },
    /// All votes of one voter. Answer: [`Answer::VotesBy`].
    VotesBy {
        /// Whose.
        voter: NodeKey,
        /// Which part of all votes.
        range: Range,
    },
    /// Puts back a row that somebody changed or deleted: writes it over whatever has its key now,
    /// unless that is the same. Answer: [`Answer::Written`].
    PutBack(Standing),
}

/// A row that stands for ever once it is written.
#[derive(Clone, PartialEq, Debug)]
pub enum Standing {
    /// Of `bigchain`.
    Block(Arc<Block>),
    /// Of `votes`.
    Vote(VoteRow),
    /// Of `positions`.
    Entry(ListEntry),
}

impl Standing {
    /// The table it stands in.
    pub fn table(&self) -> &'static str {
        match self {
            Self::Block(_) => "bigchain",
            Self::Vote(_) => "votes",
            Self::Entry(_) => "positions",
        }
    }

    /// Its primary key, as a text.
    pub fn key(&self) -> String {
        match self {
            Self::Block(block) => block.id().to_string(),
            Self::Vote(row) => row.key.to_string(),
            Self::Entry(entry) => entry.position.0.to_string(),
        }
    }
}

/// What a judgement of some transactions needs to know.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Where do these stand: in which blocks, and are they waiting?
    pub transactions: Vec<TxId>,
    /// Who spends these, in any block?
    pub outputs: Vec<Output>,
}

/// An answer, of the kind its [`Query`] names.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A write was done; how many rows of which kind.
    Written(Write),
    /// The row that has the vote's key now: the one that was to be inserted, or an earlier one.
    VoteWritten(VoteRow),
    /// The entry that has the position now: the one that was to be inserted, or an earlier one.
    Claimed(ListEntry),
    /// Waiting transactions.
    Backlog(Vec<BacklogRow>),
    /// Facts, not yet weighed against elections.
    Gathered(Gathered),
    /// Blocks.
    Blocks(Vec<Arc<Block>>),
    /// Block ids.
    BlockIds(Vec<BlockId>),
    /// Votes.
    Votes(Vec<VoteRow>),
    /// Entries of the list.
    Positions(Vec<ListEntry>),
    /// What elections need to know of blocks.
    Heads(Page<BlockHead>),
    /// Transactions, each with the block that holds it.
    Transactions(Page<(BlockId, Arc<Transaction>)>),
    /// Votes of one voter.
    VotesBy(Page<VoteRow>),
}

macro_rules! into_kind {
    ($($name:ident -> $kind:ident($type:ty)),* $(,)?) => {
        /// Each of these unwraps an answer of the kind that its query names.
        ///
        /// # Panics
        /// If the answer is of another kind: then whoever answered broke the promise of [`Query`].
        impl Answer {
            $(#[doc = concat!("What is in an [`Answer::", stringify!($kind), "`].")]
            pub fn $name(self) -> $type {
                match self {
                    Self::$kind(value) => value,
                    other => panic!("a query was answered by another kind: {other:?}"),
                }
            })*
        }
    };
}

into_kind! {
    into_written -> Written(Write),
    into_vote_written -> VoteWritten(VoteRow),
    into_claimed -> Claimed(ListEntry),
    into_backlog -> Backlog(Vec<BacklogRow>),
    into_gathered -> Gathered(Gathered),
    into_blocks -> Blocks(Vec<Arc<Block>>),
    into_block_ids -> BlockIds(Vec<BlockId>),
    into_votes -> Votes(Vec<VoteRow>),
    into_positions -> Positions(Vec<ListEntry>),
    into_heads -> Heads(Page<BlockHead>),
    into_transactions -> Transactions(Page<(BlockId, Arc<Transaction>)>),
    into_votes_by -> VotesBy(Page<VoteRow>),
}

/// What a write did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Write {
    /// The row was not there and is now.
    Inserted,
    /// The row was changed, or rows were deleted.
    Changed,
    /// Nothing was written: the id was taken, the row gone, or its assignee another.
    Unchanged,
}

/// A row of `backlog`: a transaction and whose turn it is.
#[derive(Clone, PartialEq, Debug)]
pub struct BacklogRow {
    /// The transaction.
    pub transaction: Arc<Transaction>,
    /// The node whose turn it is.
    pub assignee: NodeKey,
}

/// A row of `votes`.
#[derive(Clone, PartialEq, Debug)]
pub struct VoteRow {
    /// The row's primary key. Profile `default`: [`Vote::key`]; the original's is random.
    pub key: Arc<str>,
    /// The vote.
    pub vote: Arc<Vote>,
}

/// A row of `positions`, our own table: which block stands where in the list.
#[derive(Clone, PartialEq, Debug)]
pub struct ListEntry {
    /// Where.
    pub position: Position,
    /// Which block.
    pub block: BlockId,
    /// Genesis itself, in the first entry only: whoever finds the claim without the block can
    /// finish what the claimant began.
    pub genesis: Option<Arc<Block>>,
}

/// What [`Query::Gather`] found.
#[derive(Clone, Default, Debug)]
pub struct Gathered {
    /// Every block that holds one of the wanted transactions, a pair per occurrence.
    pub found: Vec<(BlockId, Arc<Transaction>)>,
    /// Those that wait in the backlog.
    pub waiting: Vec<BacklogRow>,
    /// Every spend of a wanted output in any block.
    pub spends: Vec<Spend>,
}

impl Gathered {
    /// Every block that was met, as often as it was met.
    pub fn blocks(&self) -> impl Iterator<Item = &BlockId> {
        let found = self.found.iter().map(|(block, _)| block);
        found.chain(self.spends.iter().map(|spend| &spend.block))
    }
}

/// A spend of an output, in a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spend {
    /// What was spent.
    pub output: Output,
    /// By which transaction.
    pub by: TxId,
    /// In which block.
    pub block: BlockId,
}

/// A changefeed. It starts at "now", replays nothing, and may end at any time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Feed {
    /// Inserts, changes and deletions of waiting transactions.
    Backlog,
    /// Inserts of blocks, ids only; and what nobody may do to them.
    Blocks,
    /// Inserts of votes; and what nobody may do to them.
    Votes,
    /// Inserts into the list of blocks; and what nobody may do to it.
    Positions,
}

impl Feed {
    /// Its name in reports: the table it is about.
    pub fn name(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::Blocks => "bigchain",
            Self::Votes => "votes",
            Self::Positions => "positions",
        }
    }
}

/// One element of a feed.
#[derive(Clone, Debug)]
pub enum Change {
    /// A waiting transaction: no `old` is an insert, no `new` a deletion.
    Backlog {
        /// As it was.
        old: Option<BacklogRow>,
        /// As it is.
        new: Option<BacklogRow>,
    },
    /// A block was inserted.
    Block(BlockId),
    /// A vote was inserted.
    Vote(VoteRow),
    /// A position was claimed.
    Position(ListEntry),
    /// A row that stands for ever was changed or deleted.
    Harmed {
        /// As it stood.
        row: Standing,
        /// Deleted; else changed.
        deleted: bool,
    },
}

/// Why a query has no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// The store said no; nothing was written.
    #[error("the store refused: {0}")]
    Refused(String),
    /// No answer came: a write may or may not have been done.
    #[error("no answer from the store: {0}")]
    Indeterminate(String),
}
