//! A run: what was done to the federation, and what came of it.

use bigchaindb::metrics::table::{Counter, Gauge, Timer};

use super::Page;
use super::panel::{Row, bands, bars, lines, row, stat, table};
use super::query::{Query, ask};
use crate::federation::Whole;
use crate::runs::{END, FAULTS, KIND, NODE, RUN, TEXT};

pub(super) fn page() -> Page {
    Page {
        uid: "bigchaindb-run",
        title: "BigchainDB run",
        about: "What was done to the federation in a run, and what came of it.",
        of_a_run: true,
        rows: vec![faults(), whole(), nodes(), harm()],
    }
}

fn faults() -> Row {
    let of_run = format!("FROM \"{FAULTS}\" WHERE (\"{RUN}\" =~ /^$run$/) AND $timeFilter");
    let how_many = Query::raw(format!("SELECT count(\"{TEXT}\") {of_run}"), "faults");
    let count = stat("Faults", "short").asks(how_many);
    let rows = format!("SELECT \"{KIND}\", \"{NODE}\", \"{TEXT}\", \"{END}\" {of_run}");
    let rows = table("What was done").wide(20).asks(Query::table(rows));
    row("Faults", [count, rows])
}

fn whole() -> Row {
    let committed = lines("Accepted and committed", "suffix: tx/s")
        .asks(ask(Whole::TxCommitted).per_second().called("committed"))
        .asks(ask(Whole::TxAccepted).per_second().called("accepted"));
    let latency = [50, 90, 99].iter().fold(lines("Commit latency", "ms"), |panel, &percentile| {
        let asked = ask(Whole::TxCommit).percentile(percentile);
        panel.asks(asked.called(&format!("p{percentile}")))
    });
    let undecided = lines("Blocks without a decision, and with one", "short")
        .asks(ask(Whole::BlockUndecided).level().called("undecided"))
        .asks(ask(Whole::BlockDecided).counts().called("decided"))
        .asks(ask(Whole::BlockInvalid).counts().called("of them invalid"));
    row("The federation", [committed, latency, undecided])
}

fn nodes() -> Row {
    let votes =
        bands("Votes cast", "suffix: votes/s").asks(ask(Counter::VoteCast).by_node().per_second());
    let blocks = bands("Blocks created", "suffix: blocks/s")
        .asks(ask(Counter::BlockCreated).by_node().per_second());
    let mine = bands("Waiting for each node", "suffix: tx")
        .asks(ask(Gauge::BacklogMine).by_node().sum_of_levels());
    let latency = lines("From a block to the vote on it, p99", "ms")
        .asks(ask(Timer::VoteLatency).by_node().percentile(99));
    let up = lines("Up for", "s")
        .about("Falls to nothing when a node is started again.")
        .asks(ask(Gauge::ProcessUptime).by_node().level());
    let cpu = lines("Processor", "suffix: ms/s")
        .about("1000 is one core, fully taken.")
        .asks(ask(Gauge::ProcessCpu).by_node().growth());
    row("Its nodes", [votes, blocks, mine, latency, up, cpu])
}

fn harm() -> Row {
    let bad = bars("Blocks and votes that say invalid", "short")
        .asks(ask(Counter::BlockInvalid).by_node().counts().called("blocks"))
        .asks(ask(Counter::VoteCastInvalid).by_node().counts().called("votes"));
    let again = bars("Transactions tried again", "suffix: tx")
        .asks(ask(Counter::TxReassigned).by_node().counts().called("reassigned"))
        .asks(ask(Counter::ElectionRequeued).by_node().counts().called("requeued"));
    let store = bars("Store: errors, reconnects, feeds opened again", "short")
        .asks(ask(Counter::StoreErrors).by_node().counts().called("errors"))
        .asks(ask(Counter::StoreReconnects).by_node().counts().called("reconnects"))
        .asks(ask(Counter::FeedReopened).by_node().counts().called("feeds"));
    row("What it did to them", [bad, again, store])
}
