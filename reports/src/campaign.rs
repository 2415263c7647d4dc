//! A campaign on one page: the verdict, speed, what failed, invariants, faults, scenarios.
//!
//! Not here: a single run's page (`page`), what the counts are (`bigchaindb_simulator::campaign`).

use std::collections::BTreeMap;

use bigchaindb_simulator::campaign::{Found, State, Tally};
use bigchaindb_simulator::checkers::{self, Checker};
use bigchaindb_simulator::coverage::Coverage;
use bigchaindb_simulator::plan::FaultKind;

use crate::page;
use crate::standing::Standing;
use crate::words::{self, escape};

/// The whole page. `again` says the command that runs a failure again.
pub(crate) fn campaign(state: &State, again: &dyn Fn(&Found) -> String) -> String {
    let tally = &state.tally;
    let sections = [
        heading(tally),
        verdict(tally),
        numbers(state),
        failures(tally, again),
        invariants(tally),
        faults(tally),
        scenarios(tally),
    ];
    page::frame(&format!("{}: a campaign", standing(tally).1), &sections.concat(), "")
}

fn heading(tally: &Tally) -> String {
    let scenarios = words::counted(tally.scenarios.len() as u64, "scenario", "scenarios");
    format!(
        "<header>\n<p class=\"eyebrow\">BigchainDB testbed · {scenarios}, backend <code>sim</code>\
         </p>\n<h1>A campaign of {}</h1>\n</header>\n",
        words::counted(tally.runs, "run", "runs"),
    )
}

fn standing(tally: &Tally) -> (Standing, &'static str) {
    match (tally.fail + tally.undone, tally.void, tally.unknown) {
        (0, 0, 0) => (Standing::Pass, "pass"),
        (0, 0, _) => (Standing::Unknown, "unknown"),
        (0, _, _) => (Standing::Void, "void"),
        _ => (Standing::Fail, "fail"),
    }
}

fn verdict(tally: &Tally) -> String {
    let (standing, word) = standing(tally);
    let Tally { pass, fail, unknown, void, undone, .. } = tally;
    format!(
        "<section class=\"verdict {}\" aria-label=\"Verdict\">\n<p class=\"word\">\
         <span aria-hidden=\"true\">{}</span> {word}</p>\n<p class=\"why\">{} pass, {} fail, {} \
         unknown, {} void, {} undone</p>\n</section>\n",
        standing.class(),
        standing.sign(),
        words::count(*pass),
        words::count(*fail),
        words::count(*unknown),
        words::count(*void),
        words::count(*undone),
    )
}

fn numbers(state: &State) -> String {
    let State { tally, seconds, processor_seconds, .. } = state;
    let speed = |per: f64, seconds: f64| match tally.runs {
        runs if seconds > 0.0 && runs > 0 => {
            #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
            let runs = runs as f64;
            format!("{:.1}", runs * per / seconds)
        }
        _ => "–".to_owned(),
    };
    let tiles = [
        ("runs", words::count(tally.runs)),
        ("run twice, to the same digest", words::count(tally.twice)),
        ("simulated", words::duration(tally.run_us)),
        ("runs a second", speed(1.0, *seconds)),
        ("runs per CPU-minute", speed(60.0, *processor_seconds)),
    ];
    let tiles: String = tiles
        .iter()
        .map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n"))
        .collect();
    format!("<section>\n<h2>In numbers</h2>\n<dl class=\"numbers\">\n{tiles}</dl>\n</section>\n")
}

fn failures(tally: &Tally, again: &dyn Fn(&Found) -> String) -> String {
    if tally.found.is_empty() {
        return String::new();
    }
    let rows: String = tally.found.iter().map(|found| failure(found, again)).collect();
    let more = match tally.not_kept() {
        0 => String::new(),
        more => format!("<p class=\"note\">And {} more.</p>\n", words::count(more)),
    };
    let head = head(&[("Verdict", false), ("Scenario", false), ("Seed", true), ("Why", false)]);
    table("What did not pass", &head, &rows) + &more
}

fn failure(found: &Found, again: &dyn Fn(&Found) -> String) -> String {
    let Found { verdict, scenario, seed, invariants, reason, .. } = found;
    let broken = match invariants.as_slice() {
        [] => String::new(),
        invariants => format!("<strong>{}</strong>: ", escape(&invariants.join(", "))),
    };
    format!(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number\">{seed}</td>\
         <td>{broken}{}<p class=\"note\"><code>{}</code></p></td></tr>\n",
        escape(verdict),
        escape(scenario),
        escape(reason),
        escape(&again(found)),
    )
}

fn invariants(tally: &Tally) -> String {
    let checkers = checkers::standard(&checkers::Settings::default());
    let row = |checker: &dyn Checker| {
        let times = tally.violated.get(checker.invariant()).copied().unwrap_or(0);
        let standing = if times == 0 { Standing::Pass } else { Standing::Fail };
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number {}\"><span class=\"state\">\
             <span aria-hidden=\"true\">{}</span> {}</span></td></tr>\n",
            checker.invariant(),
            escape(checker.statement()),
            standing.class(),
            standing.sign(),
            words::count(times),
        )
    };
    let rows: String = checkers.iter().map(|checker| row(&**checker)).collect();
    let head = head(&[("Id", false), ("What has to hold", false), ("Runs violating it", true)]);
    table("Invariants", &head, &rows)
}

/// Each kind of fault that was real, and what it met nodes in the middle of.
fn faults(tally: &Tally) -> String {
    let Coverage { verified, met, idle, .. } = &tally.coverage;
    if verified.is_empty() {
        return String::new();
    }
    let row = |(kind, times): (&FaultKind, &u64)| {
        let none = BTreeMap::new();
        let met = met.get(kind).unwrap_or(&none);
        let steps =
            met.iter().map(|(step, times)| format!("{} {}", step.name(), words::count(*times)));
        let steps: Vec<_> = steps.collect();
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td>{}</td></tr>\n",
            escape(kind.nature().name),
            words::count(*times),
            words::count(idle.get(kind).copied().unwrap_or(0)),
            escape(&steps.join(", ")),
        )
    };
    let rows: String = verified.iter().map(row).collect();
    let columns =
        [("Fault", false), ("Verified", true), ("Idle node", true), ("In the middle of", false)];
    table("What was broken on purpose", &head(&columns), &rows) + &missed(&tally.coverage)
}

/// What no run has come to.
fn missed(coverage: &Coverage) -> String {
    let kinds: Vec<_> = coverage.kinds_missed().map(|kind| kind.nature().name).collect();
    let points = coverage.points_missed().count();
    let kinds = if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") };
    format!(
        "<p class=\"note\">Kinds of faults that did not happen: {}. Points of its work at which no node \
         died: {}.</p>\n",
        escape(&kinds),
        words::count(points as u64),
    )
}

fn scenarios(tally: &Tally) -> String {
    let row = |part: &bigchaindb_simulator::campaign::OfScenario| {
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td></tr>\n",
            escape(&part.file),
            words::count(part.runs),
            words::count(part.not_passed),
            words::duration(part.run_us),
        )
    };
    let rows: String = tally.scenarios.iter().map(row).collect();
    let columns = [("Scenario", false), ("Runs", true), ("Not passed", true), ("Simulated", true)];
    table("Scenarios", &head(&columns), &rows)
}

/// A head of columns; those of numbers stand to the right.
fn head(columns: &[(&str, bool)]) -> String {
    let column = |(name, number): &(&str, bool)| {
        let class = if *number { " class=\"number\"" } else { "" };
        format!("<th{class} scope=\"col\">{name}</th>")
    };
    columns.iter().map(column).collect()
}

fn table(title: &str, head: &str, rows: &str) -> String {
    format!(
        "<section>\n<h2>{title}</h2>\n<div class=\"wide-table\"><table>\n<thead><tr>{head}</tr>\
         </thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n</section>\n"
    )
}
