//! Who a node is, and the bounds and waits it keeps to.

use std::time::Duration;

use crate::model::Keypair;
use crate::rules::Federation;

/// Who a node is.
#[derive(Clone, Debug)]
pub struct Config {
    /// The keys it signs with.
    pub keypair: Keypair,
    /// Itself and the others.
    pub federation: Federation,
    /// Bounds and waits.
    pub settings: Settings,
}

/// Bounds and waits. Every queue, retry, batch and wait of the stages is named here.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Transactions in a block at most. Source: BigchainDB 0.6 docs, "The Block Model". Larger ones are cheaper:
    /// one node under full load took 350 µs of processor time for a CREATE in blocks of 100, 300 in blocks of
    /// 300, 289 in blocks of 1000, which is as many as the rules allow (two shared cores, embedded store on disk).
    pub block_size: usize,
    /// The first transaction of a block waits at most this long for company. The original restarts
    /// this clock with every arrival, and so can hold a trickle back for ever. Under full load blocks are full
    /// before: 100 ms, 250 ms and 1 s cost the same there (279, 294 and 289 µs for a CREATE). Of a trickle it
    /// decides how many blocks, and so votes of everybody, there are for a transaction: the original's second.
    pub block_wait: Duration,
    /// While so many of its own blocks are undecided, a node makes only full ones: where members are far
    /// apart, voting takes its time for each block, however little is in it, and a block waits for all that are
    /// voted on before it. Four nodes over links of 50 ms decided half of 10 transactions a second within 2.3 s
    /// with one, 3.1 s with two; over 500 ms within 23 s and 35 s. Under load, never fewer with one (virtual time).
    pub unfinished: usize,
    /// Transactions the block stage holds at once; the rest stays in the database until there is
    /// room.
    pub waiting: usize,
    /// A transaction whose block was decided invalid, or that depends on a decision to come, is
    /// tried again after `retry`, doubled each further time up to `retry_most`.
    pub retry: Duration,
    /// See `retry`.
    pub retry_most: Duration,
    /// A transaction that stands in so many invalid blocks goes into the next one alone: others'
    /// conflicts cannot bring that down.
    pub falls: usize,
    /// A transaction that waits longer than this for its assignee is taken over.
    pub reassign: Duration,
    /// Others' waiting transactions watched at once; beyond it the newest are not.
    pub watched: usize,
    /// A block that has no place in the list for this long is given one by any node.
    pub adopt: Duration,
    /// A block that is listed and was not in the database for this long is voted invalid.
    pub missing: Duration,
    /// Without a list, a block waits at most this long for the decision of earlier ones that it
    /// depends on: voters that each have an order of their own would wait for one another.
    pub undecided: Duration,
    /// A row that was changed or deleted is put back at once; if it is harmed again, after `guard`,
    /// doubled each further time up to `guard_most`: so somebody who goes on costs a write a minute.
    pub guard: Duration,
    /// See `guard`. After twice that without harm, a row is as good as any other.
    pub guard_most: Duration,
    /// Rows looked after at once, and rows that stand again remembered; of more, it is only said that
    /// they were harmed. Some may be blocks of a megabyte.
    pub guarded: usize,
    /// With the quirk `feed-gap`: feeds are opened so long after what there was is read.
    pub feed_gap: Duration,
    /// After a store error, the next try.
    pub store_retry: Duration,
    /// Undecided blocks' votes are read this often even if no feed says anything.
    pub poll: Duration,
    /// Blocks read at a start in a federation without a list: its whole chain.
    pub chain: usize,
    /// Rows asked for at once.
    pub page: usize,
    /// Blocks whose votes are read at once.
    pub votes_page: usize,
    /// Requests under way at once; more are turned away.
    pub requests: usize,
    /// Checked transactions remembered, so that a document is checked once.
    pub remembered: usize,
    /// A block may be this far ahead of a voter's clock, or behind the block before it, and no
    /// further; so voters with working clocks agree on what time it was.
    pub clock_tolerance: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            block_size: 1000,
            block_wait: Duration::from_secs(1),
            unfinished: 1,
            waiting: 20_000,
            retry: Duration::from_secs(1),
            retry_most: Duration::from_secs(8),
            falls: 2,
            reassign: Duration::from_secs(10),
            watched: 100_000,
            adopt: Duration::from_secs(5),
            missing: Duration::from_secs(10),
            undecided: Duration::from_secs(5),
            guard: Duration::from_millis(200),
            guard_most: Duration::from_secs(60),
            guarded: 300,
            feed_gap: Duration::from_millis(300),
            store_retry: Duration::from_millis(500),
            poll: Duration::from_secs(5),
            chain: 10_000_000,
            page: 1000,
            votes_page: 200,
            requests: 4096,
            remembered: 20_000,
            clock_tolerance: Duration::from_secs(120),
        }
    }
}
