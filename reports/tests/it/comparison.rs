//! Several runs on one page: what differs is said and marked, and no name changes the page.

use bigchaindb_reports::{NamedRun, SideBySide};
use bigchaindb_simulator::compare::{Answer, Sample, Terms, compare};
use bigchaindb_simulator::record::Results;
use roxmltree::Node;

use crate::page::{parsed, skeleton};
use crate::runs;

fn side_by_side(runs: impl IntoIterator<Item = (&'static str, Results)>) -> SideBySide {
    let run = |(name, results): (&str, Results)| NamedRun { name: name.to_owned(), results };
    SideBySide { runs: runs.into_iter().map(run).collect() }
}

/// Slower than the run that passed, and with its verdict.
fn slower() -> Results {
    let mut results = runs::passed();
    results.digest = "aa".into();
    results.measures.latency.decided.p99_us *= 3;
    results.measures.seconds.iter_mut().for_each(|second| second.decided = second.decided * 3 / 4);
    results
}

fn sign(answer: Answer) -> String {
    let sign = match answer {
        Answer::Same => "=",
        Answer::Better => "✓",
        Answer::Unclear => "?",
        Answer::Worse => "✗",
    };
    format!("{sign} {}", answer.as_str())
}

#[test]
fn differences_are_said_in_words_and_marked_in_the_table() {
    let comparison = side_by_side([
        ("before", runs::passed()),
        ("after", slower()),
        ("broken", Results { digest: "bb".into(), ..runs::failed() }),
    ]);
    insta::assert_snapshot!(skeleton(&comparison.html()));
    insta::assert_snapshot!(comparison.markdown());
}

#[test]
fn the_same_run_twice_has_no_difference() {
    let html = side_by_side([("one", runs::passed()), ("other", runs::passed())]).html();
    let page = skeleton(&html);
    assert!(page.contains("li: Both have the same digest"), "{page}");
    assert!(!html.contains("<tr class=\"differs\">"), "{page}");
}

/// The same run as it might have gone on real sockets of a machine that was measured.
fn in_real_time(results: Results) -> Results {
    Results { backend: "local".into(), calibration: Some(runs::MACHINE), ..results }
}

/// A line without its spaces.
fn letters(line: &str) -> String {
    line.split_whitespace().collect()
}

#[test]
fn each_run_has_the_answer_that_comparing_gives() {
    let answered = |first: Results, other: Results| {
        let comparison =
            compare(&[Sample::of(&first)], &[Sample::of(&other)], Terms::default()).unwrap();
        let page = side_by_side([("before", first), ("after", other)]);
        let (html, markdown) = (skeleton(&page.html()), page.markdown());
        for row in bigchaindb_reports::gate_rows(&comparison).into_iter().skip(1) {
            let row = format!("tr: | {}", row.join(" | "));
            // A long name may be broken in two.
            let is_there = html.lines().any(|line| letters(line) == letters(&row));
            assert!(is_there, "{row} is not in {html}");
        }
        let said = format!("**after** against before: {}", sign(comparison.answer));
        assert!(markdown.contains(&said), "{said} is not in {markdown}");
        let said = format!("h3: after against before\np: {}\n", sign(comparison.answer));
        assert!(html.contains(&said), "{said} is not in {html}");
        (comparison.answer, html)
    };
    let other = Results { digest: "aa".into(), ..runs::passed() };
    assert_eq!(answered(runs::passed(), other).0, Answer::Same);
    assert_eq!(answered(runs::passed(), slower()).0, Answer::Worse);
    assert_eq!(answered(slower(), runs::passed()).0, Answer::Better);
    // Of one run on each side nobody knows what is chance.
    let (answer, page) = answered(in_real_time(runs::passed()), in_real_time(slower()));
    assert_eq!(answer, Answer::Unclear);
    assert!(page.contains("| too few runs | ? unclear"), "{page}");
    assert!(page.contains("p: note: fewer than 3 runs on a side"), "{page}");
}

#[test]
fn runs_that_cannot_be_compared_say_why() {
    let other = Results { seed: 7, ..slower() };
    let page = skeleton(&side_by_side([("before", runs::passed()), ("after", other)]).html());
    assert!(page.contains("p: note: no seed was run on both sides: 7 and 42"), "{page}");
}

#[test]
fn all_sorts_of_runs_make_a_page() {
    let many: Vec<_> = ["1", "2", "3", "4", "5", "6", "7"].map(|name| (name, slower())).into();
    let cases = [
        vec![("empty", runs::empty()), ("other", runs::empty())],
        vec![("passed", runs::passed()), ("empty", runs::empty())],
        vec![(runs::HOSTILE, runs::hostile()), ("passed", runs::passed())],
        many,
    ];
    for runs in cases {
        let comparison = side_by_side(runs);
        let html = comparison.html();
        let document = parsed(&html);
        let drawings = document.descendants().filter(|node: &Node<'_, '_>| {
            node.has_tag_name("svg") && node.attribute("role").is_some()
        });
        for drawing in drawings {
            assert!(drawing.children().any(|child| child.has_tag_name("desc")));
        }
        assert_eq!(html.matches("<script").count(), 1);
        let columns = comparison.runs.len() + 2;
        let markdown = comparison.markdown();
        let (_, table) = markdown.rsplit_once("\n\n").expect("the table comes last");
        for line in table.lines() {
            assert_eq!(line.replace("\\|", "").matches('|').count(), columns, "{line}");
        }
    }
}
