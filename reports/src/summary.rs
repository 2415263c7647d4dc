//! `summary.md`: the verdict for a pull request, a build server's summary or a chat, as Markdown. What
//! holds is folded away.

use bigchaindb_simulator::checkers::{Judgement, Outcome};
use bigchaindb_simulator::record::{Results, Threshold};

use crate::standing::{self, Standing};
use crate::trouble::Trouble;
use crate::words::{self, markdown};

/// The whole file.
pub(crate) fn summary(results: &Results) -> String {
    let standing = Standing::from(results.verdict);
    let reasons: String = standing::reasons(results)
        .iter()
        .map(|reason| format!("- {}\n", markdown(reason)))
        .collect();
    format!(
        "# {} {}: {}\n\n{reasons}{}\nSeed {}, backend {}, rules {}, {}, {}.\n\n\
         ```sh\n{}\n```\n\nDigest of the log: {}\n\n{}\n{}",
        standing.sign(),
        results.verdict,
        markdown(&results.scenario),
        first_bad(results),
        results.seed,
        markdown(&results.backend),
        markdown(&results.rules),
        words::counted(results.nodes.len() as u64, "node", "nodes"),
        words::duration(results.duration_us),
        one_line(&results.command),
        markdown(&results.digest),
        measured(results),
        judged(results),
    )
}

/// What was first to go badly, as one more reason; empty if nothing was.
fn first_bad(results: &Results) -> String {
    Trouble::of(results).map_or_else(String::new, |trouble| {
        let (moment, told) = (trouble.moment(results), trouble.told(results));
        format!("- First bad second: {moment}. {}\n", markdown(&told))
    })
}

/// A code block's text: one line of it could otherwise end the block.
fn one_line(command: &str) -> String {
    words::visible(command).replace(['\n', '\r', '\t'], " ").replace("```", "'''")
}

/// What a reader has to see, and what it is enough to know of.
fn judged(results: &Results) -> String {
    let is_quiet = |judgement: &&Judgement| {
        matches!(standing::of_invariant(judgement).0, Standing::Pass | Standing::Skipped)
    };
    let (quiet, loud): (Vec<_>, Vec<_>) = results.invariants.iter().partition(is_quiet);
    let loud = loud.into_iter().map(invariant);
    let loud: String = loud.chain(results.thresholds.iter().map(threshold)).collect();
    let table = |rows: &str| match rows {
        "" => String::new(),
        rows => format!("| | | outcome |\n|---|---|---|\n{rows}\n"),
    };
    let folded = match quiet.len() as u64 {
        0 => String::new(),
        count => format!(
            "<details><summary>{} hold, or do not apply</summary>\n\n{}</details>\n",
            words::counted(count, "invariant", "invariants"),
            table(&quiet.into_iter().map(invariant).collect::<String>()),
        ),
    };
    table(&loud) + &folded
}

fn invariant(judgement: &Judgement) -> String {
    let (standing, said) = standing::of_invariant(judgement);
    let detail = match &judgement.outcome {
        Outcome::Pass => String::new(),
        Outcome::Unknown { why } | Outcome::NotApplicable { why } => format!(": {why}"),
        Outcome::Fail { count, violations } => {
            let first = violations.first().map_or("", |violation| violation.what.as_str());
            let first = words::short_ids(first);
            format!(", {}: {first}", words::counted(*count, "violation", "violations"))
        }
    };
    row(&judgement.invariant, &judgement.statement, standing, &format!("{said}{detail}"))
}

fn threshold(threshold: &Threshold) -> String {
    let (standing, said) = standing::of_threshold(threshold);
    let wanted = format!("at most {}", words::duration(threshold.limit_us));
    row(&threshold.name, &wanted, standing, &said)
}

fn row(id: &str, wanted: &str, standing: Standing, said: &str) -> String {
    format!(
        "| {} | {} | {} {} |\n",
        markdown(id),
        markdown(wanted),
        standing.sign(),
        markdown(said)
    )
}

fn measured(results: &Results) -> String {
    let counts = &results.measures.counts;
    let latency = &results.measures.latency.decided;
    let mut lines = format!(
        "{} sent, {} accepted; of {}, {} decided valid, {} lost a conflict, {} never decided.\n",
        words::counted(counts.sent, "operation", "operations"),
        words::count(counts.accepted),
        words::counted(counts.transactions, "transaction", "transactions"),
        words::count(counts.decided_valid),
        words::count(counts.lost_conflict),
        words::count(counts.never_decided),
    );
    if latency.count > 0 {
        lines.push_str(&format!(
            "From intended to decided: p50 {}, p95 {}, p99 {}, longest {}.\n",
            words::bounded(latency, 500_000, latency.p50_us),
            words::bounded(latency, 950_000, latency.p95_us),
            words::bounded(latency, 990_000, latency.p99_us),
            words::bounded(latency, 1_000_000, latency.max_us),
        ));
    }
    lines
}
