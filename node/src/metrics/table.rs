//! Every metric there is, in one table: the only place where a name is written.
//!
//! What is not in it cannot be sent: [`Counter`], [`Gauge`] and [`Timer`] are made from its rows.
//! Counters and gauges go by their row alone; the timings of requests and of round trips have a name
//! for each label ([`Timing`]).

use super::labels::{Endpoint, Method, Question};

/// A row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metric {
    /// What follows `bigchaindb.<node>.`; a label stands for each of its values.
    pub name: &'static str,
    /// Counter, gauge or timing.
    pub kind: Kind,
    /// What it counts or measures.
    pub unit: &'static str,
    /// Who sends it.
    pub sender: &'static str,
    /// What BigchainDB up to 0.6.0 called it, if it did: sent under that name, too.
    pub original: Option<&'static str>,
    /// Only one in so many timings is sent, as `statsd.rate` says: what happens often.
    pub sampled: bool,
    /// What it says.
    pub meaning: &'static str,
}

/// How a metric goes over the wire, and what a server makes of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// What happened since the last time; adds up.
    Counter,
    /// How things stand; the last one counts.
    Gauge,
    /// How long something took, in milliseconds.
    Timing,
}

impl Kind {
    /// StatsD's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "c",
            Self::Gauge => "g",
            Self::Timing => "ms",
        }
    }
}

macro_rules! rows {
    ($Kind:ident $(#[$doc:meta])* $Enum:ident $LIST:ident:
        $($Row:ident $name:literal $unit:literal $sender:literal
        $([$original:literal])? $($sampled:ident)? : $meaning:literal;)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $Enum {
            $(#[doc = $meaning] $Row,)+
        }

        const $LIST: &[Metric] = &[$(Metric {
            name: $name,
            kind: Kind::$Kind,
            unit: $unit,
            sender: $sender,
            original: rows!(@option $($original)?),
            sampled: rows!(@flag $($sampled)?),
            meaning: $meaning,
        },)+];

        impl $Enum {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$Row,)+];

            /// Its row.
            pub fn metric(self) -> &'static Metric {
                &$LIST[self as usize]
            }
        }
    };
    (@option) => { None };
    (@option $original:literal) => { Some($original) };
    (@flag) => { false };
    (@flag sampled) => { true };
}

rows! { Counter
    /// What is counted.
    Counter COUNTERS:
    TxReceived "tx.received" "transactions" "http": "POSTs that were judged";
    TxRejected "tx.rejected" "transactions" "http": "POSTs answered 400";
    TxWritten "tx.written" "transactions" "api": "put into the backlog";
    TxValidated "tx.validated" "transactions" "block": "found fit for a block";
    TxInvalid "tx.invalid" "transactions" "block": "dropped for good: lost a conflict";
    TxInBlocks "tx.in_blocks" "transactions" "block": "put into this node's blocks";
    TxReassigned "tx.reassigned" "transactions" "stale": "taken over from another node";
    BlockCreated "block.created" "blocks" "block": "written by this node";
    BlockValid "block.valid" "blocks" "election": "decided valid, those of before a start again";
    BlockInvalid "block.invalid" "blocks" "election": "decided invalid, those of before a start again";
    VoteCast "vote.cast" "votes" "vote": "written by this node, and read back";
    VoteCastInvalid "vote.cast_invalid" "votes" "vote": "of those, the ones that say invalid";
    VoteIgnored "vote.ignored" "votes" "election": "rows that did not count in an election";
    ElectionRequeued "election.requeued" "transactions" "block": "of this node's blocks that were decided invalid";
    StoreErrors "store.errors" "queries" "store": "without an answer, or refused";
    StoreReconnects "store.reconnects" "connections" "store": "made again after they were lost";
    FeedReopened "feed.reopened" "feeds" "store": "opened again after they ended";
    StatsdSent "statsd.sent" "lines" "statsd": "handed to the network";
    StatsdDropped "statsd.dropped" "lines" "statsd": "not sent: too many at once, or no way to the server";
}

rows! { Gauge
    /// What stands at a level.
    Gauge GAUGES:
    BlockUndecided "block.undecided" "blocks" "election": "in the order of blocks and not decided";
    BacklogSize "backlog.size" "transactions" "stale": "that wait, everybody's, as far as this node watches";
    BacklogMine "backlog.mine" "transactions" "block": "that wait for this node";
    BacklogOldestAge "backlog.oldest_age_ms" "ms" "block": "since this node first saw the first of its own";
    QueueApi "queue.api" "requests" "api": "under way";
    QueueBlock "queue.block" "transactions" "block" ["tx_queue_gauge"]: "that could go into a block now";
    QueueVote "queue.vote" "blocks" "vote": "in the order of blocks and not voted on";
    QueueElection "queue.election" "blocks" "election": "whose votes are to be read";
    QueueStale "queue.stale" "transactions" "stale": "that waited too long for others and are looked at";
    ProcessRss "process.rss_bytes" "bytes" "process": "of memory";
    ProcessCpu "process.cpu_ms" "ms" "process": "of processor time since the start";
    ProcessOpenFiles "process.open_files" "files" "process": "open, sockets included";
    ProcessThreads "process.threads" "threads" "process": "there are";
    ProcessUptime "process.uptime_s" "s" "process": "since the metrics began";
}

rows! { Timing
    /// What takes time and has one name.
    Timer TIMERS:
    TxValidate "tx.validate_ms" "ms" "work" ["validate_transaction"] sampled: "to check a transaction, the mean of those checked together";
    TxWrite "tx.write_ms" "ms" "store" ["write_transaction"] sampled: "to put a transaction into the backlog";
    BlockValidate "block.validate_ms" "ms" "vote" ["validate_block"]: "to judge a block, without waiting for earlier ones";
    BlockWrite "block.write_ms" "ms" "store" ["write_block"]: "to write a block";
    BlockInterval "block.interval_ms" "ms" "order": "from a block's place in the order to the next one's";
    BlockDecision "block.decision_ms" "ms" "election": "from first sight of a block to its decision";
    VoteLatency "vote.latency_ms" "ms" "vote": "from first sight of a block to reading this node's vote on it back";
    VoteWrite "vote.write_ms" "ms" "store": "to write a vote";
}

/// The rows of timings with labels.
const LABELLED: &[Metric] = &[
    Metric {
        name: "http.<endpoint>.<METHOD>.<status>",
        kind: Kind::Timing,
        unit: "ms",
        sender: "http",
        original: None,
        sampled: true,
        meaning: "from a request's head to its answer",
    },
    Metric {
        name: "store.<query>.<table>",
        kind: Kind::Timing,
        unit: "ms",
        sender: "store",
        original: None,
        sampled: true,
        meaning: "one question to the database and its answer",
    },
];

/// The whole table.
pub fn table() -> impl Iterator<Item = &'static Metric> {
    COUNTERS.iter().chain(GAUGES).chain(TIMERS).chain(LABELLED)
}

/// A timing's name, with its labels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timing {
    /// One without labels.
    Plain(Timer),
    /// A request.
    Http(Endpoint, Method, u16),
    /// A question to the database.
    Store(Question),
}

impl From<Timer> for Timing {
    fn from(timer: Timer) -> Self {
        Self::Plain(timer)
    }
}

impl Timing {
    /// Its row.
    pub fn metric(self) -> &'static Metric {
        match self {
            Self::Plain(timer) => timer.metric(),
            Self::Http(..) => &LABELLED[0],
            Self::Store(_) => &LABELLED[1],
        }
    }
}

/// What follows `bigchaindb.<node>.`
impl std::fmt::Display for Timing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(timer) => f.write_str(timer.metric().name),
            Self::Http(endpoint, method, status) => {
                write!(f, "http.{}.{}.{status}", endpoint.word(), method.word())
            }
            Self::Store(question) => write!(f, "store.{}", question.word()),
        }
    }
}
