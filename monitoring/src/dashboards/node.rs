//! A node, or a few beside each other: what it does, how long that takes, and what waits.

use bigchaindb::metrics::table::{Counter, Gauge, Timer};

use super::panel::{Panel, Row, bands, bars, lines, row, stat, stripes};
use super::query::{Asked, ask, ask_all};
use super::{Page, QUEUES};

pub(super) fn page() -> Page {
    Page {
        uid: "bigchaindb-node",
        title: "BigchainDB node",
        about: "What the chosen nodes do, how long that takes, and what waits.",
        of_a_run: false,
        rows: vec![does(), takes(), waits(), answers(), store(), process()],
    }
}

fn does() -> Row {
    let seen = |title, unit, counters: &[(Counter, &'static str)]| {
        let panel = lines(title, unit);
        counters.iter().fold(panel, |panel, &(counter, called)| {
            panel.asks(ask(counter).by_node().per_second().called(called))
        })
    };
    let transactions = seen(
        "Transactions",
        "suffix: tx/s",
        &[
            (Counter::TxReceived, "received"),
            (Counter::TxWritten, "written"),
            (Counter::TxValidated, "validated"),
            (Counter::TxInBlocks, "in blocks"),
        ],
    );
    let lost = seen(
        "Transactions refused, and tried again",
        "suffix: tx/s",
        &[
            (Counter::TxRejected, "rejected"),
            (Counter::TxInvalid, "invalid"),
            (Counter::TxReassigned, "reassigned"),
            (Counter::ElectionRequeued, "requeued"),
        ],
    );
    let blocks = seen(
        "Blocks and votes",
        "suffix: /s",
        &[
            (Counter::BlockCreated, "created"),
            (Counter::BlockValid, "valid"),
            (Counter::BlockInvalid, "invalid"),
            (Counter::VoteCast, "votes"),
            (Counter::VoteCastInvalid, "votes invalid"),
            (Counter::VoteIgnored, "votes ignored"),
        ],
    );
    row("What it does", [transactions, lost, blocks])
}

fn takes() -> Row {
    let took = |(title, timer): (&'static str, Timer)| {
        let about = format!("{}.", timer.metric().meaning);
        [50, 90, 99].iter().fold(lines(title, "ms").wide(6).about(about), |panel, &percentile| {
            let asked = ask(timer).by_node().percentile(percentile);
            panel.asks(asked.called(&format!("p{percentile}")))
        })
    };
    let timers = [
        ("Check a transaction", Timer::TxValidate),
        ("Write a transaction", Timer::TxWrite),
        ("Judge a block", Timer::BlockValidate),
        ("Write a block", Timer::BlockWrite),
        ("From a block to the vote on it", Timer::VoteLatency),
        ("Write a vote", Timer::VoteWrite),
        ("Until a block is decided", Timer::BlockDecision),
        ("Between blocks", Timer::BlockInterval),
    ];
    row("How long it takes", timers.map(took))
}

fn waits() -> Row {
    let queues =
        lines("Queues", "short").wide(6).asks(ask_all(&QUEUES).by_node().by("stage").level());
    let mine = lines("Transactions for it", "suffix: tx")
        .wide(6)
        .asks(ask(Gauge::BacklogMine).by_node().level().called("mine"))
        .asks(ask(Gauge::BacklogSize).by_node().level().called("everybody's"));
    let oldest =
        lines("Oldest of them", "ms").wide(6).asks(ask(Gauge::BacklogOldestAge).by_node().level());
    let undecided = stripes("Undecided blocks", "short")
        .wide(6)
        .asks(ask(Gauge::BlockUndecided).by_node().level())
        .warns_from(10)
        .bad_from(100);
    row("What waits", [queues, mine, oldest, undecided])
}

fn answers() -> Row {
    let http = || ask(Asked::Http).by_node().by("endpoint").by("method");
    let requests = bars("Requests", "reqps").wide(12).asks(http().by("code").timings_per_second());
    let latency = lines("Until the answer, p99", "ms").wide(12).asks(http().percentile(99));
    row("Whom it answers", [requests, latency])
}

fn store() -> Row {
    let asked = || ask(Asked::Store).by_node().by("query").by("table");
    let rate = bands("Questions", "ops").asks(asked().timings_per_second());
    let time = lines("Round trip, p99", "ms").asks(asked().percentile(99));
    let trouble = bars("Errors, reconnects, feeds opened again", "short")
        .asks(ask(Counter::StoreErrors).by_node().counts().called("errors"))
        .asks(ask(Counter::StoreReconnects).by_node().counts().called("reconnects"))
        .asks(ask(Counter::FeedReopened).by_node().counts().called("feeds"));
    row("Its store", [rate, time, trouble])
}

fn process() -> Row {
    let level = |title, unit, gauge: Gauge| -> Panel {
        lines(title, unit).wide(6).asks(ask(gauge).by_node().level())
    };
    let cpu = lines("Processor", "suffix: ms/s")
        .wide(6)
        .about("1000 is one core, fully taken.")
        .asks(ask(Gauge::ProcessCpu).by_node().growth());
    let up = stat("Up for", "s").wide(12).asks(ask(Gauge::ProcessUptime).by_node().level());
    let metrics = bars("Metrics sent and dropped", "suffix: lines")
        .wide(12)
        .asks(ask(Counter::StatsdSent).by_node().counts().called("sent"))
        .asks(ask(Counter::StatsdDropped).by_node().counts().called("dropped"));
    row(
        "Its process",
        [
            cpu,
            level("Memory", "bytes", Gauge::ProcessRss),
            level("Open files", "short", Gauge::ProcessOpenFiles),
            level("Threads", "short", Gauge::ProcessThreads),
            up,
            metrics,
        ],
    )
}
