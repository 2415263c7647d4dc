//! What a node does, step by step: an event comes in, effects go out.
//!
//! [`Node::handle`] is the only way in. It is told the time, asks its database by [`Effect::Query`],
//! and hands costly pure work to whoever runs it by [`Effect::Work`]; the answers come back as
//! events. The shell turns effects into I/O and threads, the simulator's kernel into scheduled
//! events. Each stage has a file: `api` (clients), `order` (the list of blocks), `block` (backlog
//! into blocks), `vote` (blocks into votes), `election` (votes into decisions), `stale` (waiting
//! transactions whose node does not come), `watchdog` (what nobody may change or delete). In a federation without a list, `hearsay` stands in for
//! `order`. What all of them know is in the `ledger`.

mod api;
mod block;
mod context;
mod election;
mod hearsay;
mod ledger;
mod levels;
mod memory;
mod node;
mod order;
mod pool;
mod requeue;
mod settings;
mod stale;
mod vote;
mod watchdog;
mod work;

use std::sync::Arc;
use std::time::Duration;

pub use levels::Levels;
pub use node::Node;
pub use settings::{Config, Settings};
pub use work::{Outcome, Work};

use crate::model::{BlockId, Json, NodeKey, Transaction, TxId};
use crate::query::{Answer, Change, Feed, Query, StoreError};
use crate::rules::Election;

pub use crate::rules::Status;

/// One of the members, all alike likely.
fn choose(members: &[NodeKey], entropy: [u8; 16]) -> &NodeKey {
    let draw = u128::from_le_bytes(entropy) % members.len() as u128;
    &members[usize::try_from(draw).expect("it is smaller than the number of members")]
}

/// What time it is, for a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Now {
    /// Since some moment before this node started; never goes back.
    pub monotonic: Duration,
    /// The node's clock, Unix time in milliseconds; may be wrong, may jump.
    pub unix_ms: u64,
}

/// A question's or a piece of work's number: its answer carries it back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// A client's request, numbered by whoever received it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId(pub u64);

/// What reaches a node.
#[derive(Clone, Debug)]
pub enum Event {
    /// The node begins. `entropy` is this start's own chance.
    Start {
        /// 32 random bytes, never the same twice.
        entropy: [u8; 32],
    },
    /// A client asks.
    Request {
        /// Its number, to be named in [`Effect::Respond`].
        id: RequestId,
        /// What it asks.
        call: Call,
        /// 16 random bytes, never the same twice (for a uuid, for choosing an assignee).
        entropy: [u8; 16],
    },
    /// A query has an answer, or none will come.
    Answer {
        /// The question's number.
        ticket: Ticket,
        /// The answer.
        answer: Result<Answer, StoreError>,
    },
    /// A feed is open: every later write will be seen.
    FeedOpened(Feed),
    /// A feed's next element.
    FeedChanged(Feed, Change),
    /// A feed broke, or could not be opened.
    FeedClosed(Feed),
    /// Work is done.
    Worked {
        /// The work's number.
        ticket: Ticket,
        /// Its outcome.
        outcome: Outcome,
    },
    /// A time asked for by [`Effect::Wake`] has come.
    Woken,
}

/// What a node wants done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Ask the database; answer with [`Event::Answer`].
    Query {
        /// The question's number.
        ticket: Ticket,
        /// The question.
        query: Query,
    },
    /// Open a feed; answer with [`Event::FeedOpened`] or [`Event::FeedClosed`].
    Open(Feed),
    /// Do costly pure work, on any thread; answer with [`Event::Worked`].
    Work {
        /// The work's number.
        ticket: Ticket,
        /// What to do: [`Work::run`].
        work: Work,
    },
    /// Answer a client.
    Respond {
        /// The request's number.
        id: RequestId,
        /// The answer.
        response: Response,
    },
    /// Send [`Event::Woken`] at this monotonic time; replaces any earlier wish.
    Wake {
        /// When.
        at: Duration,
    },
    /// Something worth telling an operator or a dashboard; nothing depends on it.
    Report(Report),
}

/// What a client can ask; paths and methods are the shell's.
#[derive(Clone, Debug)]
pub enum Call {
    /// `POST /api/v1/transactions/` with this body.
    Post(Json),
    /// `GET /api/v1/transactions/{id}`.
    Get(TxId),
    /// `GET /api/v1/transactions/{id}/status`.
    Status(TxId),
}

/// What a client is told; the shell makes HTTP of it.
#[derive(Clone, Debug)]
pub enum Response {
    /// 201: written to the backlog, or already known; the transaction with its assignee.
    Accepted(Arc<Transaction>, Option<NodeKey>),
    /// 200: the transaction, with its assignee while it waits.
    Found(Arc<Transaction>, Option<NodeKey>),
    /// 200: where a transaction stands.
    Status(crate::rules::Status),
    /// 404.
    NotFound,
    /// 400, with the reason.
    Refused(String),
    /// 500, with what was raised: the node fell over, as the original did. Profile `v0.6.0` only.
    Failed(String),
    /// 503: the store does not answer, or too much is under way.
    Unavailable(String),
}

/// Something worth telling.
#[derive(Clone, Debug)]
pub enum Report {
    /// This node knows how a block was decided.
    Decided {
        /// The block.
        block: BlockId,
        /// Valid or invalid.
        election: Election,
    },
    /// This node wrote a block.
    BlockWritten {
        /// The block.
        block: BlockId,
        /// How many transactions it holds.
        transactions: usize,
    },
    /// This node has judged a block; its vote goes out.
    Voted {
        /// The block.
        block: BlockId,
        /// What it says.
        valid: bool,
        /// Why, if it says invalid.
        reason: Option<String>,
        /// How long judging took, without waiting for earlier blocks; none if there was no block.
        took: Option<Duration>,
    },
    /// This node's vote was read back.
    Cast {
        /// The block.
        block: BlockId,
        /// What it says.
        valid: bool,
    },
    /// A block found its place in the order, after all that was there at start had.
    Listed {
        /// The block.
        block: BlockId,
    },
    /// So many transactions were found fit for a block.
    Judged {
        /// How many.
        transactions: usize,
    },
    /// This node's block was decided invalid: what is in it will be tried again.
    Requeued {
        /// The block.
        block: BlockId,
        /// How many transactions it holds.
        transactions: usize,
    },
    /// Votes that did not count when a block was decided.
    Ignored {
        /// The block.
        block: BlockId,
        /// How many.
        votes: usize,
    },
    /// A waiting transaction was dropped for good: it lost a conflict.
    Dropped {
        /// The transaction.
        transaction: TxId,
        /// Why.
        reason: String,
    },
    /// This node took over a transaction whose assignee did not come.
    Reassigned {
        /// The transaction.
        transaction: TxId,
        /// Who did not come.
        from: NodeKey,
    },
    /// A block bears this node's signature, or a vote on it does, and this node has not made it: another one has its
    /// key.
    Twin {
        /// The block.
        block: BlockId,
    },
    /// Somebody changed or deleted a row that stands for ever.
    Harmed {
        /// In which table.
        table: &'static str,
        /// Which row.
        key: String,
        /// Deleted; else changed.
        deleted: bool,
    },
    /// This node has put such a row back.
    PutBack {
        /// In which table.
        table: &'static str,
        /// Which row.
        key: String,
    },
    /// A part of this node fell over and does nothing any more, until the node is started again. Only
    /// under quirks.
    Fell {
        /// Which part: a stage, or a feed.
        part: &'static str,
        /// Over what.
        reason: String,
    },
    /// Something went wrong that is handled: the store did not answer, a vote was forged.
    Trouble(String),
}
