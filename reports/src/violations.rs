//! What went wrong: each violated invariant by its first violation, with the life line of the
//! transaction that shows it.
//!
//! Here: the section of the page. Not here: the chart of a life (`figures`), finding violations
//! (`bigchaindb_simulator::checkers`). Start at [`section`].

use std::ops::Range;

use bigchaindb_simulator::checkers::{Judgement, LifeEvent, Outcome, Violation};
use bigchaindb_simulator::measure::FaultWindow;
use bigchaindb_simulator::record::Results;

use crate::figures;
use crate::page::facts;
use crate::words::{self, escape};

/// A life of no more events than these is told whole.
const TOLD_AT_ONCE: usize = 40;
/// Of a longer one, so many from its beginning …
const TOLD_FIRST: usize = 8;
/// … so many up to the bad moment …
const TOLD_BEFORE: usize = 20;
/// … and so many after it.
const TOLD_AFTER: usize = 4;

/// Each invariant that does not hold, by its first violation and that one's witness.
pub(crate) fn section(results: &Results) -> String {
    let found: String = (results.invariants.iter())
        .filter_map(|judgement| match &judgement.outcome {
            Outcome::Fail { count, violations } => {
                Some(violation(judgement, *count, violations.first()?, &results.faults))
            }
            _ => None,
        })
        .collect();
    if found.is_empty() {
        return found;
    }
    format!("<section>\n<h2>What went wrong</h2>\n{found}</section>\n")
}

fn violation(
    judgement: &Judgement,
    count: u64,
    first: &Violation,
    faults: &[FaultWindow],
) -> String {
    let mut involved = Vec::new();
    if let Some(transaction) = &first.transaction {
        involved.push(("Witness", format!("<code>{}</code>", escape(transaction))));
    }
    if !first.blocks.is_empty() {
        let blocks: Vec<String> =
            first.blocks.iter().map(|block| format!("<code>{}</code>", escape(block))).collect();
        involved.push(("Blocks", blocks.join("<br/>")));
    }
    let meant = if judgement.meant_to_fail { " As this scenario wants it." } else { "" };
    format!(
        "<article class=\"violation\">\n<h3>{}: {}</h3>\n<p>{}</p>\n<p class=\"note\">First of {}, \
         at {}.{meant}</p>\n{}{}</article>\n",
        escape(&judgement.invariant),
        escape(&judgement.statement),
        escape(&words::short_ids(&first.what)),
        words::counted(count, "violation", "violations"),
        words::moment(first.at_us),
        facts(&involved),
        life_line(first, faults),
    )
}

/// The witness's events as a chart and one by one.
fn life_line(violation: &Violation, faults: &[FaultWindow]) -> String {
    let events = &violation.life_line;
    if events.is_empty() {
        return String::new();
    }
    let mut lines = String::new();
    let mut next = 0;
    let mut drawn = Vec::new();
    for kept in told(events, violation.at_us) {
        lines.push_str(&left_out(kept.start - next));
        next = kept.end;
        for index in kept {
            lines.push_str(&line(index + 1, &events[index], violation.at_us));
            drawn.push((index + 1, &events[index]));
        }
    }
    lines.push_str(&left_out(events.len() - next));
    let chart = figures::life(violation, &drawn, faults).unwrap_or_default();
    format!("{chart}<ol class=\"life\" aria-label=\"Life line\">\n{lines}</ol>\n")
}

/// Which events are told: all of a short life; of a long one its beginning, and what surrounds the
/// bad moment. Ascending, without overlap.
fn told(events: &[LifeEvent], bad_us: u64) -> Vec<Range<usize>> {
    if events.len() <= TOLD_AT_ONCE {
        return vec![0..events.len()];
    }
    let after = events.iter().position(|event| event.at_us > bad_us).unwrap_or(events.len());
    let from = after.saturating_sub(TOLD_BEFORE);
    let to = (after + TOLD_AFTER).min(events.len());
    if from <= TOLD_FIRST { vec![0..to.max(TOLD_FIRST)] } else { vec![0..TOLD_FIRST, from..to] }
}

fn line(number: usize, event: &LifeEvent, bad_us: u64) -> String {
    let class = if event.at_us == bad_us { " class=\"witness\"" } else { "" };
    format!(
        "<li{class}><span class=\"time\">{number}</span><span class=\"time\">{}</span>\
         <span>{}</span><span>{}</span></li>\n",
        words::moment(event.at_us),
        escape(&event.place),
        escape(&event.what),
    )
}

fn left_out(events: usize) -> String {
    if events == 0 {
        return String::new();
    }
    let events = words::counted(events as u64, "event", "events");
    format!(
        "<li><span class=\"time\">…</span><span></span><span></span><span>{events}, in results.json</span></li>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_life_the_beginning_and_the_bad_moment_are_told() {
        let life = |events: u64| -> Vec<LifeEvent> {
            let event =
                |at_us| LifeEvent { at_us, place: "n1".into(), node: None, what: "votes".into() };
            (0..events).map(event).collect()
        };
        let cases: [(u64, u64, &[Range<usize>]); 6] = [
            (1, 0, &[0..1]),
            (40, 39, &[0..40]),
            (41, 0, &[0..8]),
            (100, 60, &[0..8, 41..65]),
            (100, 99, &[0..8, 80..100]),
            // The bad moment came after all of it.
            (100, 5_000, &[0..8, 80..100]),
        ];
        for (events, bad_us, ranges) in cases {
            assert_eq!(told(&life(events), bad_us), ranges, "{events} events, bad at {bad_us}");
        }
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let event =
            |at_us| LifeEvent { at_us, place: "n1".into(), node: None, what: "votes".into() };
        let violation = Violation {
            at_us: 60,
            what: "it is".into(),
            transaction: None,
            blocks: Vec::new(),
            life_line: (0..100).map(event).collect(),
        };
        let html = life_line(&violation, &[]);
        assert!(html.contains("<span>33 events, in results.json</span>"), "{html}");
        assert!(html.contains("<span>35 events, in results.json</span>"), "{html}");
        assert_eq!(html.matches("<li").count(), 8 + 24 + 2);
    }
}
