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
