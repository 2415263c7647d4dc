//! The federation at a glance: whether it works, what flows through it, and who is behind.

use bigchaindb::metrics::table::{Counter, Gauge, Timer};

use super::panel::{Row, bands, bars, lines, row, stat, stripes};
use super::query::{Asked, Query, ask, ask_all};
use super::{Page, QUEUES, original};
use crate::federation::Whole;
use crate::relay::OWN;

/// A node that says nothing for so long is silent.
const HEARD_WITHIN: &str = "10s";

pub(super) fn page() -> Page {
    Page {
        uid: "bigchaindb-federation",
        title: "BigchainDB federation",
        about: "Whether the federation works, what flows through it, and who is behind.",
        of_a_run: false,
        rows: vec![
            is_it_working(),
            flow(),
            blocks(),
            votes(),
            backlog(),
            http(),
            store(),
            machines(),
            monitoring(),
            original::row(),
        ],
    }
}

fn is_it_working() -> Row {
    let committed = stat("Committed", "suffix: tx/s")
        .about("Transactions in valid blocks, as an observer of all nodes counts them.")
        .asks(ask(Whole::TxCommitted).per_second().called("committed"));
    let latency = stat("Commit latency", "ms")
        .about("From being accepted to being in a valid block: the worst second.")
        .asks(ask(Whole::TxCommit).percentile(50).called("p50"))
        .asks(ask(Whole::TxCommit).percentile(99).called("p99"));
    let undecided = stat("Undecided blocks", "short")
        .asks(ask(Whole::BlockUndecided).level().called("undecided"))
        .warns_from(10)
        .bad_from(100);
    let invalid = stat("Invalid blocks", "short")
        .about("In the whole of the time, as the node counts that saw the most of them.")
        .asks(ask(Counter::BlockInvalid).of_all().highest_total().called("invalid"))
        .bad_from(1);
    let backlog = stat("Backlog", "suffix: tx")
        .asks(ask(Gauge::BacklogSize).of_all().highest().called("waiting"))
        .warns_from(10_000);
    let up = || ask(Gauge::ProcessUptime).of_all();
    let nodes = stat("Nodes", "short")
        .about(format!("Heard of in {HEARD_WITHIN}, and in the whole of the time."))
        .asks(up().nodes_heard(Some(HEARD_WITHIN)).called("heard"))
        .asks(up().nodes_heard(None).called("known"));
    row("Is it working?", [committed, latency, undecided, invalid, backlog, nodes])
}

fn flow() -> Row {
    let each = |title, counter: Counter| {
        let about = format!("By node: {}.", counter.metric().meaning);
        bands(title, "suffix: tx/s").wide(6).about(about).asks(ask(counter).by_node().per_second())
    };
    let committed = bands("Committed", "suffix: tx/s")
        .wide(6)
        .asks(ask(Whole::TxCommitted).per_second().called("committed"));
    let refused = bars("Refused", "suffix: tx")
        .wide(12)
        .about("At the door, and for good by a lost conflict.")
        .asks(ask(Counter::TxRejected).by_node().counts().called("rejected"))
        .asks(ask(Counter::TxInvalid).by_node().counts().called("invalid"));
    let again = bars("Tried again", "suffix: tx")
        .wide(12)
        .about("Taken over from another node, and put back from invalid blocks.")
        .asks(ask(Counter::TxReassigned).by_node().counts().called("reassigned"))
        .asks(ask(Counter::ElectionRequeued).by_node().counts().called("requeued"));
    row(
        "Flow",
        [
            each("Received", Counter::TxReceived),
            each("Written", Counter::TxWritten),
            each("In blocks", Counter::TxInBlocks),
            committed,
            refused,
            again,
        ],
    )
}

fn blocks() -> Row {
    let created = bands("Blocks created", "suffix: blocks/s")
        .asks(ask(Counter::BlockCreated).by_node().per_second());
    let filled = lines("Transactions per block", "suffix: tx").asks_ratio(
        ask(Counter::TxInBlocks).by_node().counts_if_any().called("in blocks"),
        ask(Counter::BlockCreated).by_node().counts_if_any().called("blocks"),
    );
    let interval = two_percentiles("Between blocks", Timer::BlockInterval);
    let decision = two_percentiles("Until decided", Timer::BlockDecision);
    let decided = bars("Decisions", "suffix: blocks")
        .about("As each node's own elections come to them; the federation's as its observer does.")
        .asks(ask(Counter::BlockValid).by_node().counts().called("valid"))
        .asks(ask(Counter::BlockInvalid).by_node().counts().called("invalid"))
        .asks(ask(Whole::BlockDecided).counts().called("decided in all"));
    let undecided = stripes("Undecided blocks", "short")
        .asks(ask(Gauge::BlockUndecided).by_node().level())
        .warns_from(10)
        .bad_from(100);
    row("Blocks", [created, filled, interval, decision, decided, undecided])
}

fn votes() -> Row {
    let cast =
        bands("Votes cast", "suffix: votes/s").asks(ask(Counter::VoteCast).by_node().per_second());
    let latency = two_percentiles("From a block to the vote on it", Timer::VoteLatency);
    let odd = bars("Votes that say invalid, and such as do not count", "suffix: votes")
        .asks(ask(Counter::VoteCastInvalid).by_node().counts().called("invalid"))
        .asks(ask(Counter::VoteIgnored).by_node().counts().called("ignored"));
    row("Votes", [cast, latency, odd])
}

fn backlog() -> Row {
    let size =
        lines("Backlog", "suffix: tx").wide(6).asks(ask(Gauge::BacklogSize).by_node().level());
    let mine = bands("Waiting for each node", "suffix: tx")
        .wide(6)
        .asks(ask(Gauge::BacklogMine).by_node().level());
    let oldest = lines("Oldest that waits", "ms")
        .wide(6)
        .asks(ask(Gauge::BacklogOldestAge).by_node().level());
    let queues =
        lines("Queues", "short").wide(6).asks(ask_all(&QUEUES).by_node().by("stage").level());
    row("Backlog and queues", [size, mine, oldest, queues])
}

fn http() -> Row {
    let requests = bars("Requests", "reqps")
        .wide(12)
        .asks(ask(Asked::Http).by("endpoint").by("code").timings_per_second());
    let latency = lines("Until the answer", "ms")
        .wide(12)
        .about("The worst second of each endpoint.")
        .asks(ask(Asked::Http).by("endpoint").percentile(50).called("p50"))
        .asks(ask(Asked::Http).by("endpoint").percentile(99).called("p99"));
    row("HTTP", [requests, latency])
}

fn store() -> Row {
    let round_trip = lines("Round trip, p99", "ms")
        .wide(12)
        .about("The worst second of each question.")
        .asks(ask(Asked::Store).by("query").by("table").percentile(99));
    let trouble = bars("Errors, reconnects, feeds opened again", "short")
        .wide(12)
        .asks(ask(Counter::StoreErrors).by_node().counts().called("errors"))
        .asks(ask(Counter::StoreReconnects).by_node().counts().called("reconnects"))
        .asks(ask(Counter::FeedReopened).by_node().counts().called("feeds"));
    row("Store", [round_trip, trouble])
}

fn machines() -> Row {
    let cpu = lines("Processor", "suffix: ms/s")
        .about("1000 is one core, fully taken.")
        .asks(ask(Gauge::ProcessCpu).by_node().growth());
    let memory = lines("Memory", "bytes").asks(ask(Gauge::ProcessRss).by_node().level());
    let files = lines("Open files", "short").asks(ask(Gauge::ProcessOpenFiles).by_node().level());
    row("Machines", [cpu, memory, files])
}

fn monitoring() -> Row {
    let sent = lines("Metrics sent", "suffix: lines/s")
        .asks(ask(Counter::StatsdSent).by_node().per_second());
    let dropped = bars("Metrics that nodes dropped", "suffix: lines")
        .asks(ask(Counter::StatsdDropped).by_node().counts());
    // Telegraf counts datagrams that it drops, the relay points: each has one field of such a name.
    let lost = Query::raw(
        format!(
            "SELECT max(/_dropped$/) FROM \"{OWN}\" WHERE $timeFilter \
             GROUP BY time($__interval) fill(none)"
        ),
        "$col",
    );
    let lost = lines("What the collector dropped", "short")
        .about("Since it was started: datagrams by Telegraf, points by the relay.")
        .asks(lost);
    row("The monitoring itself", [sent, dropped, lost])
}

/// The middle and the slowest of a timing, for each node.
fn two_percentiles(title: &'static str, timer: Timer) -> super::panel::Panel {
    lines(title, "ms")
        .about(format!("The worst second of each node: {}.", timer.metric().meaning))
        .asks(ask(timer).by_node().percentile(50).called("p50"))
        .asks(ask(timer).by_node().percentile(99).called("p99"))
}
