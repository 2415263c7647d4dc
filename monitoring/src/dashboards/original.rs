//! The original's nine graphs, by the names that BigchainDB up to 0.6.0 sent.
//!
//! A node of 0.6.0 sends only the time of writing a transaction. Its hosts are not the nodes that are chosen
//! at the top of the page, so all of them are shown.
//!
//! Source: BigchainDB 0.6 docs, "Monitoring"; the original's dashboard.

use bigchaindb::metrics::table::{Gauge, Timer};

use super::panel::{Row, bars, lines};
use super::query::{Asked, ask};

pub(super) fn row() -> Row {
    let mut panels = Vec::new();
    for (time, rate, timer) in [
        ("Validation time, tx", "Validation rate, tx", Timer::TxValidate),
        ("Write time, tx", "Write rate, tx", Timer::TxWrite),
        ("Validation time, block", "Validation rate, block", Timer::BlockValidate),
        ("Write time, block", "Write rate, block", Timer::BlockWrite),
    ] {
        let asked = || ask(Asked::Original(timer)).by_node();
        panels.push(lines(time, "ms").wide(6).asks(asked().mean()));
        panels.push(lines(rate, "ops").wide(6).asks(asked().timings_per_second()));
    }
    let queue = ask(Asked::OriginalLevel(Gauge::QueueBlock)).by_node().level();
    panels.push(bars("Transaction queue", "suffix: tx").wide(24).asks(queue));
    Row { title: "BigchainDB 0.6", is_folded: true, panels }
}
