//! The page, from top to bottom: the verdict, the first bad second, how to see it again, what went wrong,
//! the numbers, the charts, what was judged, what was broken on purpose, what it took of which machine, where
//! it ran, and what words mean.
//!
//! One file that asks nobody for anything; whatever comes from a run is escaped. Its one script only says
//! what is drawn at a point already, and nothing is missing without it. The page is well-formed XML as
//! well, so that a test can read it. Start at [`page`].

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bigchaindb_simulator::checkers::{Judgement, Outcome};
use bigchaindb_simulator::record::{Results, Threshold};
use sha2::{Digest, Sha256};

use crate::standing::{self, Standing};
use crate::trouble::{self, Trouble};
use crate::words::{self, bounded, escape};
use crate::{broken, figures, hops, machine, meanings, phases, used, violations};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Nothing is loaded, and nothing runs but that one script, even if something got past the escaping.
fn policy() -> String {
    let digest = BASE64_STANDARD.encode(Sha256::digest(SCRIPT));
    format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'")
}

/// The whole page.
pub(crate) fn page(results: &Results) -> String {
    let scenario = escape(&results.scenario);
    let trouble = Trouble::of(results);
    let sections = [
        heading(results),
        verdict(results),
        trouble::section(results, trouble.as_ref()),
        again(results),
        violations::section(results),
        numbers(results),
        charts(results, trouble.as_ref()),
        hops::section(results),
        phases::section(results),
        judged(results),
        broken::section(results),
        used::section(results, trouble.as_ref()),
        machine::section(results),
        surroundings(results),
        meanings::section(),
    ];
    let title = format!("{}: {scenario}, seed {}", results.verdict, results.seed);
    frame(&title, &sections.concat(), &footer())
}

/// What is around every page; title and contents are HTML already.
pub(crate) fn frame(title: &str, main: &str, footer: &str) -> String {
    let policy = policy();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{main}</main>\n{footer}<script>{SCRIPT}</script>\n</body>\n</html>\n",
    )
}

fn heading(results: &Results) -> String {
    let nodes = words::counted(results.nodes.len() as u64, "node", "nodes");
    format!(
        "<header>\n<p class=\"eyebrow\">BigchainDB testbed · {nodes}, rules <code>{}</code>, \
         backend <code>{}</code></p>\n<h1>{}</h1>\n</header>\n",
        escape(&results.rules),
        escape(&results.backend),
        escape(&results.scenario),
    )
}

fn verdict(results: &Results) -> String {
    let standing = Standing::from(results.verdict);
    let lead = escape(&lead(results));
    let mut reasons = standing::reasons(results).into_iter();
    let why = reasons.next().unwrap_or_default();
    let more: String = reasons.map(|reason| format!("<li>{}</li>\n", escape(&reason))).collect();
    let more = if more.is_empty() { more } else { format!("<ul>\n{more}</ul>\n") };
    format!(
        "<section class=\"verdict {}\" aria-label=\"Verdict\">\n<p class=\"word\">\
         <span aria-hidden=\"true\">{}</span> {}</p>\n<p class=\"why\">{}</p>\n{more}<p>{lead}</p>\n</section>\n",
        standing.class(),
        standing.sign(),
        results.verdict,
        escape(&why),
    )
}

/// What was done and what came of it, for whoever sees such a page for the first time.
fn lead(results: &Results) -> String {
    let counts = &results.measures.counts;
    let decided = &results.measures.latency.decided;
    let nodes = words::counted(results.nodes.len() as u64, "node", "nodes");
    let clock = if results.backend == "sim" { " of virtual time" } else { "" };
    let asked = words::counted(counts.sent, "operation", "operations");
    let mut lead = format!(
        "A federation of {nodes} got {asked} in {}{clock}.",
        words::duration(results.duration_us)
    );
    if counts.transactions > 0 {
        let never = match counts.never_decided {
            0 => "none was left undecided".to_owned(),
            1 => "one was never decided".to_owned(),
            left => format!("{} were never decided", words::count(left)),
        };
        lead += &format!(
            " It accepted {}: {} decided valid, {} lost a conflict with another, {never}.",
            words::counted(counts.transactions, "transaction", "transactions"),
            words::count(counts.decided_valid),
            words::count(counts.lost_conflict),
        );
    }
    if decided.count > 0 {
        let took = |per_million, us| match words::is_bound(decided, per_million) {
            true => format!("more than {}", words::duration(us)),
            false => format!("at most {}", words::duration(us)),
        };
        lead += &format!(
            " From the moment they were meant to be sent to their decision half took {}, 99 of 100 \
             {}.",
            took(500_000, decided.p50_us),
            took(990_000, decided.p99_us),
        );
    }
    match results.faults.len() as u64 {
        0 => lead += " Nothing was broken on purpose.",
        1 => lead += " Meanwhile one fault was done on purpose.",
        faults => {
            lead += &format!(" Meanwhile {} faults were done on purpose.", words::count(faults))
        }
    }
    lead
}

/// How to see it again.
fn again(results: &Results) -> String {
    format!(
        "<section aria-label=\"Run it again\">\n<p class=\"note\">Run it again:</p>\n\
         <pre><code>{}</code></pre>\n{}</section>\n",
        escape(&results.command),
        facts(&[
            ("Seed", format!("<code>{}</code>", results.seed)),
            ("Digest of the log", format!("<code>{}</code>", escape(&results.digest))),
        ]),
    )
}

/// The few numbers that matter most.
fn numbers(results: &Results) -> String {
    let counts = &results.measures.counts;
    let requested = results.measures.seconds.iter().map(|second| second.requested).sum();
    let decided = &results.measures.latency.decided;
    let never = match counts.never_decided {
        0 => "0".to_owned(),
        left => format!(
            "<span class=\"state fail\"><span aria-hidden=\"true\">✗</span> {}</span>",
            words::count(left)
        ),
    };
    let latency = |per_million, us| match decided.count {
        0 => "–".to_owned(),
        _ => bounded(decided, per_million, us),
    };
    let tiles = [
        ("operations requested", words::count(requested)),
        ("sent", words::count(counts.sent)),
        ("accepted", words::count(counts.accepted)),
        ("refused", words::count(counts.refused)),
        ("never answered", words::count(counts.unanswered)),
        ("transactions accepted", words::count(counts.transactions)),
        ("decided valid", words::count(counts.decided_valid)),
        ("lost a conflict", words::count(counts.lost_conflict)),
        ("never decided", never),
        ("p50 until decided", latency(500_000, decided.p50_us)),
        ("p99 until decided", latency(990_000, decided.p99_us)),
        ("longest", latency(1_000_000, decided.max_us)),
    ];
    let tiles: String = tiles
        .iter()
        .map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n"))
        .collect();
    format!("<section>\n<h2>In numbers</h2>\n<dl class=\"numbers\">\n{tiles}</dl>\n</section>\n")
}

fn charts(results: &Results, trouble: Option<&Trouble>) -> String {
    let figures = figures::all(results, trouble);
    if figures.is_empty() {
        return "<section>\n<h2>How it went</h2>\n<p>Nothing was asked of this federation, so there \
                is nothing to draw.</p>\n</section>\n"
            .to_owned();
    }
    format!("<section>\n<h2>How it went</h2>\n{figures}</section>\n")
}

fn judged(results: &Results) -> String {
    // What does not hold comes first.
    let is_quiet = |judgement: &&Judgement| {
        matches!(standing::of_invariant(judgement).0, Standing::Pass | Standing::Skipped)
    };
    let mut sorted: Vec<_> = results.invariants.iter().collect();
    sorted.sort_by_key(is_quiet);
    let invariants: String = sorted.into_iter().map(invariant_row).collect();
    let thresholds: String = results.thresholds.iter().map(threshold_row).collect();
    if invariants.is_empty() && thresholds.is_empty() {
        return "<section>\n<h2>What was judged</h2>\n<p>Nothing: no checker ran and the scenario \
                expects nothing.</p>\n</section>\n"
            .to_owned();
    }
    format!(
        "<section>\n<h2>What was judged</h2>\n<table>\n<thead><tr><th scope=\"col\">Id</th>\
         <th scope=\"col\">What has to hold</th><th scope=\"col\">Outcome</th></tr></thead>\n\
         <tbody>\n{invariants}{thresholds}</tbody>\n</table>\n</section>\n"
    )
}

fn invariant_row(judgement: &Judgement) -> String {
    let (standing, said) = standing::of_invariant(judgement);
    let detail = match &judgement.outcome {
        Outcome::Pass => format!("{} looked at", words::count(judgement.looked_at)),
        Outcome::Fail { count, violations } => {
            let first = violations.first().map(|violation| {
                // Number and unit stay together in the narrow column.
                format!(", first at {}", words::moment(violation.at_us).replace(' ', "\u{a0}"))
            });
            let first = first.unwrap_or_default();
            format!("{}{first}", words::counted(*count, "violation", "violations"))
        }
        Outcome::Unknown { why } | Outcome::NotApplicable { why } => why.clone(),
    };
    row(&judgement.invariant, &judgement.statement, standing, &said, &detail)
}

fn threshold_row(threshold: &Threshold) -> String {
    let (standing, detail) = standing::of_threshold(threshold);
    let said = if standing == Standing::Pass { "kept" } else { "missed" };
    let wanted = format!("At most {}.", words::duration(threshold.limit_us));
    row(&threshold.name, &wanted, standing, said, &detail)
}

fn row(id: &str, wanted: &str, standing: Standing, said: &str, detail: &str) -> String {
    format!(
        // A long name may break after each of its parts.
        "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"{}\"><span class=\"state\">\
         <span aria-hidden=\"true\">{}</span> {}</span><p class=\"note\">{}</p></td></tr>\n",
        escape(id).replace('.', ".<wbr/>"),
        escape(wanted),
        standing.class(),
        standing.sign(),
        escape(said),
        escape(detail),
    )
}

/// The members' names, with what is to be known of those that are none of ours.
fn members(results: &Results) -> Vec<String> {
    let member = |name: &String| match results.foreign.get(name) {
        Some(profile) => format!("{name} (foreign, judged by {profile})"),
        None => name.clone(),
    };
    results.nodes.iter().map(member).collect()
}

fn surroundings(results: &Results) -> String {
    let mut known = vec![
        ("Backend", escape(&results.backend)),
        ("Rules", escape(&results.rules)),
        ("Nodes", escape(&members(results).join(", "))),
        ("Began", words::date(results.started_unix_ms)),
        ("Took", words::duration(results.duration_us)),
    ];
    known.retain(|(_, value)| !value.is_empty());
    let told = results.environment.iter().map(|(name, value)| (name.as_str(), escape(value)));
    known.extend(told);
    format!("<section>\n<h2>Surroundings</h2>\n{}</section>\n", facts(&known))
}

fn footer() -> String {
    let files = [
        ("scenario.toml", "the scenario"),
        ("plan.json", "every choice made"),
        ("observations.jsonl", "the observation log"),
        ("results.json", "all of this page as data"),
        ("timeseries.csv", "the charts over time as a table"),
        ("hist.hgrm", "the whole distribution of latency"),
        ("summary.md", "a summary"),
        ("junit.xml", "the outcomes for a build server"),
    ];
    let files = files.map(|(file, what)| format!("<a href=\"{file}\">{file}</a> ({what})"));
    format!("<footer>\nNext to this page: {}.\n</footer>\n", files.join(", "))
}

/// What a scenario says of itself, as paragraphs; what stands between two backticks is code.
pub(crate) fn story(text: &str) -> String {
    let spans = |paragraph: &str| {
        let spans = escape(paragraph);
        let spans: Vec<_> = spans.split('`').collect();
        let mut said = String::new();
        for (number, span) in spans.iter().enumerate() {
            match number % 2 {
                0 => said.push_str(span),
                // One that is not closed is a backtick.
                _ if number + 1 == spans.len() => said.extend(["`", span]),
                _ => said.extend(["<code>", span, "</code>"]),
            }
        }
        said
    };
    let paragraphs = text.split("\n\n").filter(|part| !part.trim().is_empty());
    paragraphs.map(|part| format!("<p>{}</p>\n", spans(part))).collect()
}

/// Pairs of a name, which is escaped here, and a value that is HTML already.
pub(crate) fn facts(pairs: &[(&str, String)]) -> String {
    let pairs: String = pairs
        .iter()
        .map(|(name, html)| format!("<dt>{}</dt><dd>{html}</dd>\n", escape(name)))
        .collect();
    if pairs.is_empty() { pairs } else { format!("<dl class=\"facts\">\n{pairs}</dl>\n") }
}
