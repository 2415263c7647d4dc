//! Several runs on one page: what differs is said and marked, and no name changes the page.

use bigchaindb_reports::{Compared, Comparison};
use bigchaindb_simulator::record::Results;
use roxmltree::Node;

use crate::page::{parsed, skeleton};
use crate::runs;

fn comparison(runs: impl IntoIterator<Item = (&'static str, Results)>) -> Comparison {
    let run = |(name, results): (&str, Results)| Compared { name: name.to_owned(), results };
    Comparison { runs: runs.into_iter().map(run).collect() }
}

/// Slower than the run that passed, and with its verdict.
fn slower() -> Results {
    let mut results = runs::passed();
    results.digest = "aa".into();
    results.measures.latency.decided.p99_us *= 3;
    results.measures.seconds.iter_mut().for_each(|second| second.decided = second.decided * 3 / 4);
    results
}

#[test]
fn differences_are_said_in_words_and_marked_in_the_table() {
    let comparison = comparison([
        ("before", runs::passed()),
        ("after", slower()),
        ("broken", Results { digest: "bb".into(), ..runs::failed() }),
    ]);
    insta::assert_snapshot!(skeleton(&comparison.html()));
    insta::assert_snapshot!(comparison.markdown());
}

#[test]
fn the_same_run_twice_has_no_difference() {
    let html = comparison([("one", runs::passed()), ("other", runs::passed())]).html();
    let page = skeleton(&html);
    assert!(page.contains("li: Both have the same digest"), "{page}");
    assert!(!html.contains("<tr class=\"differs\">"), "{page}");
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
        let comparison = comparison(runs);
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
        for line in comparison.markdown().lines().filter(|line| line.starts_with('|')) {
            assert_eq!(line.replace("\\|", "").matches('|').count(), columns, "{line}");
        }
    }
}
