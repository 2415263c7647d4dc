//! The observation log: all that happened in a run, in one order, seen from outside.
//!
//! A backend appends what its clients, faults and nodes do and what one observer's feeds on the
//! tables deliver; checkers, measures and reports read nothing else. Here: the records. Their
//! text, one line of JSON each, is written by `line` and read by `parse`; the log itself is in `log`.
//! Not here: what a history means (`checkers`, `measure`). Start at [`Record`].

mod line;
mod log;
mod parse;

use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, NodeKey, TxId};
use bigchaindb_core::rules::Election;
use bigchaindb_core::stages::Levels;

pub use log::{Log, ReadLogError, Witness, read};
pub use parse::LineError;

/// One record and when it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Microseconds, on the run's one clock: since its start, or since the Unix epoch.
    pub at_us: u64,
    /// What was seen.
    pub record: Record,
}

/// Something that was seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// What is run; the first record of a run. A recording of something else may lack it.
    Run(Run),
    /// A client's call begins or ends.
    Operation(Operation),
    /// A row was inserted, changed or deleted.
    Change(Change),
    /// A fault moves on.
    Fault(Fault),
    /// What a node itself says about a block.
    Decided(Decided),
    /// Something befell a node.
    Node(NodeEvent),
    /// A Byzantine member did on purpose what none should.
    Act(Act),
    /// How full a node is, and how much it has asked of the store.
    Gauge(Gauge),
    /// A node says which outputs a key owns.
    Owned(Owned),
    /// A node's question about a single row of the store begins or ends; only in runs whose scenario
    /// asks for it.
    Stored(Stored),
    /// What a counter of a node's has come to; only where nodes tell a StatsD server.
    Counter(Counter),
    /// A row as it stands when all is over; if there is one such record, there is one for every
    /// row of `bigchain`, `votes` and `positions`.
    Final(FinalRow),
    /// Nothing follows.
    End(End),
}

/// What is run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The scenario's name.
    pub scenario: Arc<str>,
    /// All its chance.
    pub seed: u64,
    /// Which world: `sim`, `local`, …
    pub backend: Arc<str>,
    /// The rules' profile by which the federation as a whole is judged: `default`, `v0.6.0` or `mixed`.
    pub rules: Arc<str>,
    /// The safeguards that were taken away on purpose, by name.
    pub quirks: Vec<Arc<str>>,
    /// The nodes that act against the rules on purpose, by name.
    pub byzantine: Vec<Arc<str>>,
    /// The federation, in the order of the scenario.
    pub nodes: Vec<Member>,
    /// Where the run's clock stands at 0, Unix milliseconds.
    pub started_unix_ms: u64,
    /// Whether the log was thinned: most of what the checkers saw is not in it.
    pub thinned: bool,
}

impl Run {
    /// The Unix time in whole seconds at a moment of the run. It does not begin with a second.
    pub fn unix_s(&self, at_us: u64) -> u64 {
        (self.started_unix_ms + at_us / 1_000) / 1_000
    }
}

/// A node of the federation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name in the scenario: `n1`, …
    pub name: Arc<str>,
    /// Its public key.
    pub key: NodeKey,
    /// By which rules it is judged, if not by those of the run.
    pub rules: Option<Arc<str>>,
    /// Whether it is no node of ours.
    pub external: bool,
}

impl Member {
    /// A node of ours that goes by the rules of the run.
    pub fn ours(name: impl Into<Arc<str>>, key: NodeKey) -> Self {
        Self { name: name.into(), key, rules: None, external: false }
    }
}

/// Writes an enum whose variants are words of the log.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// The word that the log uses.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What a word of the log means.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// How far a client's call has come.
    Kind {
        /// It is about to be sent.
        Invoke = "invoke",
        /// It was answered, and did what it should.
        Ok = "ok",
        /// It was answered: nothing was done.
        Fail = "fail",
        /// No answer came: nobody knows.
        Info = "info",
    }
}

words! {
    /// Which call of the HTTP API.
    Call {
        /// `POST /api/v1/transactions/`.
        Post = "post",
        /// `GET /api/v1/transactions/{id}`.
        Get = "get",
        /// `GET /api/v1/transactions/{id}/status`.
        Status = "status",
    }
}

words! {
    /// What a client wants with its call.
    What {
        /// Make an asset.
        Create = "create",
        /// Pass an asset on.
        Transfer = "transfer",
        /// Spend what another operation spends as well.
        Conflict = "conflict",
        /// Post once more what another operation posts.
        Duplicate = "duplicate",
        /// Pass an asset on before it is decided that it is there.
        Eager = "eager",
        /// Pass an asset on to whoever opens a guard.
        Lock = "lock",
        /// Open a guard, or try to.
        Open = "open",
        /// Find out whether a document that nobody should accept is.
        Odd = "odd",
        /// Post what is no transaction.
        Malformed = "malformed",
        /// Look where a transaction stands; no load.
        Probe = "probe",
        /// Find out from when on another node than the one it was posted to shows a transaction as valid; no
        /// load.
        Reading = "reading",
    }
}

impl What {
    /// Whether it is load, and no look at what became of it.
    pub fn is_load(self) -> bool {
        !matches!(self, Self::Probe | Self::Reading)
    }
}

/// A client's call begins or ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its number in the plan; the call's begin and end share it. A retry is a new pair with the
    /// same number.
    pub number: u64,
    /// The client; it does one thing at a time.
    pub process: u64,
    /// How far it has come.
    pub kind: Kind,
    /// Which call.
    pub call: Call,
    /// What for.
    pub what: What,
    /// The node asked, by name.
    pub node: Arc<str>,
    /// The transaction, as far as known: the id of a CREATE is in the answer.
    pub tx: Option<TxId>,
    /// When the plan wanted it sent, on the run's clock.
    pub intended_us: u64,
    /// The answer's HTTP status.
    pub http: Option<u16>,
    /// The answer in a word (`valid`, `backlog`, …), or the reason of a failure.
    pub value: Option<Arc<str>>,
    /// What was posted, where the answer refuses it: else it is nowhere in the log.
    pub document: Option<Arc<Json>>,
}

words! {
    /// A table.
    Table {
        /// Transactions that wait.
        Backlog = "backlog",
        /// Blocks.
        Bigchain = "bigchain",
        /// Votes.
        Votes = "votes",
        /// The list of blocks.
        Positions = "positions",
    }
}

/// A row was inserted (no `old`), changed, or deleted (no `new`).
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Of which table.
    pub table: Table,
    /// What was there before.
    pub old: Option<OldRow>,
    /// What is there now.
    pub new: Option<Arc<Json>>,
}

/// What was there before a change.
#[derive(Clone, Debug, PartialEq)]
pub struct OldRow {
    /// Its primary key; an integer key in decimal.
    pub id: Arc<str>,
    /// The whole row, where it was changed and the observer knows it.
    pub row: Option<Arc<Json>>,
}

impl Change {
    /// What a feed tells: the row before and after. A deleted row is kept by its id alone, its
    /// insertion is in the log already.
    pub fn of(table: Table, old: Option<&Arc<Json>>, new: Option<&Arc<Json>>) -> Self {
        let old = old.map(|row| OldRow {
            id: row_id(row).unwrap_or_else(|| "?".into()),
            row: new.map(|_| Arc::clone(row)),
        });
        Self { table, old, new: new.cloned() }
    }

    /// The row's primary key, if it has one that is a text or an integer.
    pub fn id(&self) -> Option<Arc<str>> {
        match (&self.new, &self.old) {
            (Some(row), _) => row_id(row),
            (None, Some(old)) => Some(Arc::clone(&old.id)),
            (None, None) => None,
        }
    }
}

/// A row's primary key as text; an integer in decimal.
pub fn row_id(row: &Json) -> Option<Arc<str>> {
    match row.get("id")? {
        Json::String(text) => Some((**text).into()),
        Json::Int(number) => Some(number.to_string().into()),
        _ => None,
    }
}

words! {
    /// How far a fault has come.
    Phase {
        /// The plan wants it now.
        Planned = "planned",
        /// It was done.
        Applied = "applied",
        /// A probe has seen that it is real.
        Verified = "verified",
        /// It is over, and a probe has seen so.
        Healed = "healed",
    }
}

/// A fault moves on.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Its number in the plan.
    pub number: u64,
    /// Its kind, as the scenario names it: `kill`, `pause`, `partition`, …
    pub kind: Arc<str>,
    /// How far it has come.
    pub phase: Phase,
    /// What it hits: `n2`, `n3-store`, …
    pub target: Arc<str>,
}

/// A node says how a block is decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The node, by name.
    pub node: Arc<str>,
    /// The block.
    pub block: BlockId,
    /// What it says.
    pub election: Election,
}

words! {
    /// What befell a node.
    Befell {
        /// It runs.
        Started = "started",
        /// It is gone, without a farewell.
        Killed = "killed",
        /// It stands still.
        Paused = "paused",
        /// It goes on.
        Resumed = "resumed",
        /// A part of it fell over: an error that nothing in it handles.
        Failed = "failed",
        /// It wrote a line into its log.
        Log = "log",
    }
}

/// Something befell a node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeEvent {
    /// The node, by name.
    pub node: Arc<str>,
    /// What.
    pub event: Befell,
    /// The log's line, or what failed and why; empty for the rest.
    pub text: Arc<str>,
}

/// A Byzantine member did on purpose what none should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// The node, by name.
    pub node: Arc<str>,
    /// Which of its acts, as the scenario names it.
    pub act: Arc<str>,
    /// The table that it wrote to, or did not write to.
    pub table: Table,
    /// The primary key of the row; an integer key in decimal.
    pub key: Arc<str>,
}

/// How full a node is, and how much it has asked of the store.
///
/// One is written when a level has changed since the node's last one was, but not more often than
/// the backend samples; and a last one at the end of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gauge {
    /// The node, by name.
    pub node: Arc<str>,
    /// How full it is. A node that is down has no levels, and its gauges are missing.
    pub levels: Levels,
    /// How many questions it has asked of the store, over all its starts.
    pub questions: u64,
}

/// A node says which outputs a key owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The node, by name.
    pub node: Arc<str>,
    /// The key, in base58.
    pub owner: Arc<str>,
    /// Its unspent outputs in the order of the answer, or the error instead of an answer.
    pub outputs: Result<Vec<OwnedOutput>, Arc<str>>,
}

words! {
    /// What is done to a row of the store.
    Deed {
        /// It is read.
        Read = "read",
        /// It is written, unless it is there.
        Insert = "insert",
        /// It is changed, if it is as it was when it was read.
        Update = "update",
        /// It is deleted.
        Delete = "delete",
        /// It is written over whatever is there.
        Put = "put",
    }
}

words! {
    /// What an answer says that was done.
    Done {
        /// The row was not there and is now.
        Inserted = "inserted",
        /// It was there.
        Exists = "exists",
        /// It was changed.
        Changed = "changed",
        /// Nothing was changed.
        Unchanged = "unchanged",
    }
}

/// A node's question about a single row of the store begins or ends.
///
/// A question about several rows is told row by row, under one number; if a row has an end alone, it was
/// asked when the others of that number were. One that has no end was never answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The question's number in the run; its begin and end share it.
    pub number: u64,
    /// The node, by name.
    pub node: Arc<str>,
    /// How far it has come: `invoke`, `ok`, or `info` where nobody knows what was done.
    pub kind: Kind,
    /// What is done.
    pub deed: Deed,
    /// To a row of which table.
    pub table: Table,
    /// With which primary key; an integer key in decimal.
    pub key: Arc<str>,
    /// What the row has to hold for an update.
    pub from: Option<Arc<str>>,
    /// What is to be written; at the end, what the row holds, as far as the answer says. Of a block
    /// `there`, of an entry of the list its block, of a vote its signature, of a waiting transaction
    /// its assignee. After a read none means that there is no row.
    pub value: Option<Arc<str>>,
    /// What the answer says that was done.
    pub done: Option<Done>,
}

/// What a counter of a node's has come to, over all its starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The node, by name.
    pub node: Arc<str>,
    /// The counter's name in METRICS.md: `vote.cast`, …
    pub name: Arc<str>,
    /// How much was counted.
    pub value: u64,
}

/// An output, as a node names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnedOutput {
    /// The transaction that made it.
    pub txid: TxId,
    /// Which of its outputs.
    pub cid: u64,
}

/// The transactions in a row of the bigchain.
pub(crate) fn transactions(row: &Json) -> &[Json] {
    let transactions = row.get("block").and_then(|block| block.get("transactions"));
    transactions.and_then(Json::as_array).unwrap_or_default()
}

/// Whether a row of the bigchain is a genesis block, which nobody decides.
pub(crate) fn is_genesis(row: &Json) -> bool {
    let first = transactions(row).first();
    let operation = first.and_then(|first| first.get("transaction")?.get("operation"));
    operation.and_then(Json::as_str) == Some("GENESIS")
}

/// A row as it stands when all is over.
#[derive(Clone, Debug, PartialEq)]
pub struct FinalRow {
    /// Of which table.
    pub table: Table,
    /// The row.
    pub row: Arc<Json>,
}

/// Nothing follows.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct End {
    /// Where the harness itself fell short (load slipped, a fault could not be applied), one
    /// sentence each. Any makes the run's verdict `void`.
    pub shortfalls: Vec<Arc<str>>,
}

/// How the log spells an election.
pub fn election_word(election: Election) -> &'static str {
    match election {
        Election::Valid => "valid",
        Election::Invalid => "invalid",
        Election::Undecided => "undecided",
    }
}
