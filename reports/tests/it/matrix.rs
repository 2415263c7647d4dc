//! A matrix on its page, from sums written by hand.

use std::collections::BTreeMap;

use bigchaindb_simulator::matrix::{Measure, Share, Swept};
use bigchaindb_simulator::scenario::Scenario;

use crate::page::{parsed, skeleton};

const TEXT: &str = "# What <b>nodes</b> do.\n#\n# And more.\nname = 'sizes & more'\n[matrix]\n\
    'federation.rules' = ['v0.6.0', 'default']\n'federation.nodes' = [4, 8]\n\
    'links.reorder' = ['1%', '2%']\nseeds = 3\nmeasure = 'changed-decisions'\n\
    may_fail = { 'federation.rules' = 'v0.6.0' }\n";

/// Nothing is run yet.
fn begun(text: &str, seeds: u32) -> Swept {
    let scenario = Scenario::parse("sizes.toml", text, None).expect("it can be read");
    let matrix = scenario.matrix.as_ref().expect("it has one");
    let cells = matrix.cells(&scenario).expect("each combination can be read");
    Swept::new(&scenario, &cells, seeds, 7)
}

fn swept() -> Swept {
    let mut swept = begun(TEXT, 3);
    swept.command = "testbed run sizes.toml".into();
    for (at, sum) in swept.cells.iter_mut().enumerate() {
        let part = if at < 4 { 3 * at as u64 + 1 } else { 0 };
        let share = Share { part, whole: 1_200 };
        sum.shares.insert(Measure::ChangedDecisions.name().into(), share);
        sum.verdicts = BTreeMap::from([("pass".into(), 3)]);
        if part > 0 {
            sum.verdicts = BTreeMap::from([("fail".into(), 2), ("pass".into(), 1)]);
            sum.violated = BTreeMap::from([("S8".into(), 2)]);
            sum.not_passed = vec![7, 9];
        }
    }
    swept
}

#[test]
fn a_matrix_reads_well() {
    insta::assert_snapshot!(skeleton(&bigchaindb_reports::matrix(&swept())));
}

#[test]
fn its_page_is_complete_in_itself_and_leaves_colours_to_the_style_sheet() {
    let html = bigchaindb_reports::matrix(&swept());
    let document = parsed(&html);
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(!["link", "img"].contains(&node.tag_name().name()));
        for paint in ["fill", "stroke"].iter().filter_map(|name| node.attribute(*name)) {
            assert!(paint == "none" || paint.starts_with("var(--"), "{paint}");
        }
    }
    // Two lines of the chart, each with its own pattern and name; of nothing there is none.
    let named = |class: &str| html.matches(&format!("class=\"{class}\"")).count();
    assert_eq!((named("wide"), named("narrow"), named("swatch")), (1, 1, 2));
    assert!(!html.contains("<b>nodes"), "what a file says stays text");
}

#[test]
fn more_lines_than_there_are_inks_go_on_in_another_chart() {
    let text = "name = 'many'\n[matrix]\n'federation.nodes' = [1, 2, 3, 4, 5, 6]\n\
                'links.reorder' = ['1%', '2%']\n";
    let mut swept = begun(text, 1);
    for sum in &mut swept.cells {
        sum.shares.insert("not-passed".into(), Share { part: 1, whole: 1 });
    }
    let html = bigchaindb_reports::matrix(&swept);
    assert_eq!(html.matches("class=\"wide\"").count(), 2);
    assert_eq!(html.matches("class=\"swatch\"").count(), 6);
}

/// Throughputs of one field's values, as runs of two seeds would have them, by a law without noise.
fn scaled(field: &str, values: &[f64], spelled: &str, sigma: f64, kappa: f64) -> String {
    let text = format!(
        "name = 'sizes'\n[matrix]\n'{field}' = [{spelled}]\nseeds = 2\n\
         measure = ['throughput', 'latency', 'latency-p99']\n"
    );
    let mut swept = begun(&text, 2);
    for (n, sum) in values.iter().zip(&mut swept.cells) {
        let law = 500.0 * n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0));
        let whole = |value: f64| format!("{value:.0}").parse::<u64>().expect("a whole number");
        let figures = [
            ("throughput", [whole(law * 995.0), whole(law * 1_005.0)]),
            ("latency", [whole(9_000.0 * n), whole(9_500.0 * n)]),
        ];
        let named = figures.map(|(name, figures)| (name.to_owned(), figures.to_vec()));
        sum.figures = BTreeMap::from(named);
    }
    bigchaindb_reports::matrix(&swept)
}

#[test]
fn throughput_is_fitted_and_what_was_not_run_is_marked() {
    let html = scaled("federation.nodes", &[1.0, 2.0, 4.0, 8.0], "1, 2, 4, 8", 0.05, 0.01);
    parsed(&html);
    assert!(html.contains("How throughput scales with federation.nodes"), "{html}");
    assert!(html.contains("λ = 500/s with one, σ = 5.0\u{a0}%"), "{html}");
    assert!(html.contains("By it the most is reached at federation.nodes = 10."), "{html}");
    for word in ["measured", "fitted", "projected", "beyond what was run", "projected, not run"] {
        assert!(html.contains(word), "{word}");
    }
    // The table has the middle and the ends.
    assert!(
        html.contains("9.00\u{a0}ms<p class=\"note\">9.00\u{a0}ms to 9.50\u{a0}ms</p>"),
        "{html}"
    );
    assert!(
        html.contains("P99 from intended to decided</h3>\n<p>Nothing was decided.</p>"),
        "{html}"
    );
}

#[test]
fn a_law_that_does_not_hold_or_has_too_little_to_go_by_projects_nothing() {
    let html = scaled("federation.nodes", &[1.0, 2.0], "1, 2", 0.05, 0.01);
    assert!(html.contains("that takes throughput at 3 different values or more"), "{html}");
    let html = scaled("federation.nodes", &[1.0, 2.0, 4.0], "1, 2, 4", 0.05, 0.01);
    assert!(
        html.contains("With 3 values for 3 parameters it fits whatever was measured"),
        "{html}"
    );
    let html = scaled("federation.nodes", &[1.0, 0.01, 4.0, 0.01, 1.0], "1, 2, 3, 4, 5", 0.0, 0.0);
    assert!(html.contains("it does not hold here, and nothing is projected"), "{html}");
    assert!(!html.contains(">projected<"), "{html}");
}

#[test]
fn the_whitepapers_latency_stands_beside_that_of_links() {
    let spelled = "'0.25ms', '70ms', '150ms'";
    let html = scaled("links.default.latency", &[1.0, 280.0, 600.0], spelled, 1.2, 0.0);
    parsed(&html);
    assert!(html.contains("9·t_hop + 3·t_qp"), "{html}");
    assert_eq!(html.matches("least by the whitepaper</li>").count(), 1, "{html}");
    assert!(html.contains("with 250 µs"), "{html}");
    let html = scaled("federation.nodes", &[1.0, 2.0, 4.0], "1, 2, 4", 0.05, 0.01);
    assert!(!html.contains("whitepaper"), "{html}");
}
