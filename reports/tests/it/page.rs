//! The page: what it says first, that it is well-formed and complete in itself, and that nothing a
//! run is called can change it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::record::Results;
use roxmltree::{Document, Node, ParsingOptions};
use sha2::{Digest, Sha256};

use crate::runs;

/// Reads a page as strictly as XML can.
pub(crate) fn parsed(html: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(html, options).expect("a page is well-formed")
}

/// The page's text as one reads it, a block of it per line, without style and drawings (but with
/// what is said of them).
pub(crate) fn skeleton(html: &str) -> String {
    let document = parsed(html);
    let mut lines = Vec::new();
    read(document.root_element(), &mut lines);
    lines.retain(|line| !line.trim().is_empty());
    lines.join("\n")
}

fn read(node: Node<'_, '_>, lines: &mut Vec<String>) {
    const BLOCKS: [&str; 16] = [
        "title", "desc", "h1", "h2", "h3", "p", "pre", "li", "dt", "dd", "tr", "thead", "footer",
        "header", "section", "article",
    ];
    match node.tag_name().name() {
        "style" | "script" => return,
        // The narrow drawing says what the wide one says.
        "svg" if node.attribute("class") != Some("wide") => return,
        "text" => return,
        name if BLOCKS.contains(&name) => lines.push(format!("{name}: ")),
        "td" | "th" => lines.last_mut().expect("a cell stands in a row").push_str(" | "),
        _ => {}
    }
    for child in node.children() {
        if let Some(text) = child.text().filter(|_| child.is_text()) {
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            match lines.last_mut() {
                Some(line) if !text.is_empty() => {
                    if !line.ends_with(' ') {
                        line.push(' ');
                    }
                    line.push_str(&text);
                }
                _ => {}
            }
        } else {
            read(child, lines);
        }
    }
    lines.retain(|line| !line.ends_with(": "));
}

fn every_run() -> [(&'static str, Results); 4] {
    [
        ("passed", runs::passed()),
        ("failed", runs::failed()),
        ("empty", runs::empty()),
        ("hostile", runs::hostile()),
    ]
}

#[test]
fn a_run_that_passed_reads_well() {
    insta::assert_snapshot!(skeleton(&bigchaindb_reports::render(&runs::passed())));
}

#[test]
fn a_run_that_failed_says_what_went_wrong_first() {
    insta::assert_snapshot!(skeleton(&bigchaindb_reports::render(&runs::failed())));
}

#[test]
fn a_run_in_which_nothing_happened_says_so() {
    insta::assert_snapshot!(skeleton(&bigchaindb_reports::render(&runs::empty())));
}

#[test]
fn every_page_is_complete_in_itself() {
    for (name, results) in every_run() {
        let html = bigchaindb_reports::render(&results);
        let document = parsed(&html);
        for node in document.descendants().filter(Node::is_element) {
            let tag = node.tag_name().name();
            let foreign = ["link", "img", "iframe", "object", "base", "form", "use"];
            assert!(!foreign.contains(&tag), "{name}: <{tag}>");
            for attribute in node.attributes() {
                assert!(!attribute.name().starts_with("on"), "{name}: {}", attribute.name());
                assert!(attribute.name() != "style" && attribute.name() != "src", "{name}");
                // The files next to the page, and nothing else.
                let elsewhere = attribute.value().contains([':', '/']);
                assert!(attribute.name() != "href" || !elsewhere, "{name}: {}", attribute.value());
            }
        }
        // One script, and the policy lets no other run.
        let scripts: Vec<_> =
            document.descendants().filter(|node| node.has_tag_name("script")).collect();
        assert_eq!((scripts.len(), scripts[0].attributes().len()), (1, 0), "{name}");
        let digest = BASE64_STANDARD.encode(Sha256::digest(scripts[0].text().unwrap()));
        let policy = (document.descendants())
            .find(|node| node.attribute("http-equiv") == Some("Content-Security-Policy"))
            .and_then(|node| node.attribute("content"))
            .expect("a page has a policy");
        assert_eq!(
            policy,
            format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'")
        );
        for address in ["http:", "https:", "url(", "@import", "javascript:"] {
            assert!(!html.contains(address), "{name}: {address}");
        }
    }
}

#[test]
fn every_drawing_says_what_it_shows_and_leaves_colours_to_the_style_sheet() {
    for (name, results) in every_run() {
        let html = bigchaindb_reports::render(&results);
        let document = parsed(&html);
        let is_drawing =
            |node: &Node<'_, '_>| node.has_tag_name("svg") && node.attribute("role").is_some();
        let drawings: Vec<_> = document.descendants().filter(is_drawing).collect();
        let sizes = 2;
        let life_lines = usize::from(name == "failed" || name == "hostile");
        let figures = if name == "empty" { 0 } else { 12 + life_lines };
        assert_eq!(drawings.len(), figures * sizes, "{name}");
        for drawing in drawings {
            for said in ["title", "desc"] {
                let said = drawing.children().find(|child| child.has_tag_name(said)).unwrap();
                assert!(said.text().is_some_and(|text| text.len() > 10), "{name}");
            }
            for node in drawing.descendants().filter(Node::is_element) {
                for paint in ["fill", "stroke"].iter().filter_map(|name| node.attribute(*name)) {
                    assert!(paint == "none" || paint.starts_with("var(--"), "{name}: {paint}");
                }
            }
        }
    }
}

#[test]
fn nothing_a_run_is_called_changes_the_page() {
    let shape = |results: &Results| -> Vec<String> {
        let html = bigchaindb_reports::render(results);
        let document = parsed(&html);
        let elements = document.descendants().filter(Node::is_element);
        // How many labels and bends a drawing has, and where a name may break, follows from names.
        // What kinds of events a life has follows from its places.
        let outside = elements.filter(|node| {
            !node
                .ancestors()
                .any(|up| up.has_tag_name("svg") || up.attribute("class") == Some("legend"))
        });
        let tags = outside.map(|node| node.tag_name().name().to_owned());
        tags.filter(|tag| tag != "br" && tag != "wbr").collect()
    };
    let mut tame = runs::failed();
    tame.environment = [("processors".to_owned(), "2".to_owned())].into();
    let mut hostile = runs::hostile();
    let blocks = |results: &mut Results| match &mut results.invariants[0].outcome {
        bigchaindb_simulator::checkers::Outcome::Fail { violations, .. } => {
            violations[0].blocks.truncate(1);
        }
        other => panic!("{other:?}"),
    };
    blocks(&mut tame);
    blocks(&mut hostile);
    assert_eq!(shape(&tame), shape(&hostile));
    let html = bigchaindb_reports::render(&hostile);
    assert_eq!(html.matches("<script").count(), 1);
    assert!(!html.contains(['\0', '\u{1b}', '\u{202e}']));
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)"));
}

#[test]
fn each_verdict_has_its_word_and_its_sign() {
    let verdicts = [
        (Verdict::Pass, "✓ pass"),
        (Verdict::Fail, "✗ fail"),
        (Verdict::Unknown, "? unknown"),
        (Verdict::Void, "∅ void"),
    ];
    for (verdict, said) in verdicts {
        let results = Results { verdict, ..runs::passed() };
        let page = skeleton(&bigchaindb_reports::render(&results));
        assert!(page.contains(&format!("p: {said}\n")), "{page}");
    }
}

/// What a script can say of a figure's points: names, and for each point its place and values.
fn tips(figure: Node<'_, '_>) -> Option<(Vec<String>, Vec<Vec<serde_json::Value>>)> {
    let tips: serde_json::Value =
        serde_json::from_str(figure.attribute("data-tips")?).expect("tips are JSON");
    let names = serde_json::from_value(tips["names"].clone()).expect("names");
    Some((names, serde_json::from_value(tips["points"].clone()).expect("points")))
}

fn figures<'a>(document: &'a Document<'a>) -> impl Iterator<Item = (&'a str, Node<'a, 'a>)> {
    let figures = document.descendants().filter(|node| node.has_tag_name("figure"));
    figures.map(|figure| {
        let heading = figure.descendants().find(|node| node.has_tag_name("h3"));
        (heading.and_then(|heading| heading.text()).expect("a figure has a heading"), figure)
    })
}

#[test]
fn every_point_of_a_chart_can_be_asked_for_by_pointer_and_by_key() {
    let script = include_str!("../../src/page.js");
    for reachable in
        ["tabIndex = 0", "\"keydown\"", "ArrowLeft:", "ArrowRight:", "\"pointermove\"", "\"focus\""]
    {
        assert!(script.contains(reachable), "{reachable}");
    }
    for (name, results) in every_run() {
        let html = bigchaindb_reports::render(&results);
        let document = parsed(&html);
        for (heading, figure) in figures(&document) {
            let Some((names, points)) = tips(figure) else {
                // Its points share no place; they are in the table below.
                assert_eq!(heading, "How far it was after how long", "{name}: no tips");
                continue;
            };
            assert!(!names.is_empty() && !points.is_empty(), "{name}: {heading}");
            let places: Vec<i64> = points.iter().map(|point| point[0].as_i64().unwrap()).collect();
            assert!(places.is_sorted() && places.iter().all(|place| (0..=10_000).contains(place)));
            assert!(points.iter().all(|point| point.len() == names.len() + 2), "{name}: {heading}");
            let drawings = figure.children().filter(|node| node.has_tag_name("svg"));
            let plots = drawings.map(|svg| {
                let numbers = |name| -> Vec<f64> {
                    let text = svg.attribute(name).unwrap();
                    text.split(' ').map(|number| number.parse().unwrap()).collect()
                };
                (numbers("data-plot"), numbers("viewBox"))
            });
            for (plot, view) in plots {
                assert!(plot[0] < plot[2] && plot[2] <= view[2], "{name}: {heading}: {plot:?}");
                assert!(plot[1] < plot[3] && plot[3] <= view[3], "{name}: {heading}: {plot:?}");
            }
        }
    }
}

#[test]
fn every_number_of_a_chart_has_its_unit() {
    let html = bigchaindb_reports::render(&runs::passed());
    let document = parsed(&html);
    let units: [(&str, &[&str]); 8] = [
        ("Throughput", &["/s"]),
        ("Latency", &["µs", " ms", " s", "min", "–"]),
        ("Invalid blocks", &["/s"]),
        ("Votes of each node", &["/s"]),
        ("Processors of each member", &[" %"]),
        ("Memory of each member", &[" MiB"]),
        ("Written by each member", &[" KiB/s"]),
        ("Latency distribution", &["µs", " ms", " s", "min"]),
    ];
    for (wanted, units) in units {
        let (_, figure) = figures(&document).find(|(heading, _)| *heading == wanted).expect(wanted);
        for value in tips(figure).unwrap().1.iter().flat_map(|point| &point[2..]) {
            let value = value.as_str().unwrap();
            assert!(units.iter().any(|unit| value.ends_with(unit)), "{wanted}: {value}");
        }
    }
}

#[test]
fn what_was_not_measured_is_not_shown() {
    let mut results = runs::passed();
    (results.votes, results.links, results.generator) = (None, None, None);
    (results.measures.round_trips, results.measures.latency.readable) = (None, None);
    results.measures.phases.clear();
    results.resources.clear();
    results.met.clear();
    let headings = |results: &Results| -> Vec<String> {
        let html = bigchaindb_reports::render(results);
        figures(&parsed(&html)).map(|(heading, _)| heading.to_owned()).collect()
    };
    let all = headings(&runs::passed());
    let left = headings(&results);
    let gone: Vec<_> = all.iter().filter(|heading| !left.contains(heading)).collect();
    assert_eq!(
        gone,
        [
            "Invalid blocks",
            "Votes of each node",
            "Latency distribution by phase",
            "Processors of each member",
            "Memory of each member",
            "Written by each member"
        ]
    );
    let page = skeleton(&bigchaindb_reports::render(&results));
    assert!(
        !["whitepaper", "What they met", "What it took", "eadable", "round trip"]
            .iter()
            .any(|absent| page.contains(absent)),
        "{page}"
    );
}

#[test]
fn the_first_bad_second_is_named_with_what_was_broken_then() {
    let page = skeleton(&bigchaindb_reports::render(&runs::passed()));
    let said = "h2: First bad second: 18 s\np: ";
    let (_, said) = page.split_once(said).unwrap_or_else(|| panic!("{page}"));
    assert!(said.starts_with("6 transactions were decided, while half of"), "{said}");
    assert!(
        said.contains("Fault 2 (partition n3-store) began in it; 1 other was active too."),
        "{said}"
    );
}

#[test]
fn how_fast_the_machine_was_stands_beside_what_was_done_on_it() {
    let measured = Results { calibration: Some(runs::MACHINE), ..runs::passed() };
    let page = skeleton(&bigchaindb_reports::render(&measured));
    let (_, said) = page.split_once("h2: The machine").unwrap_or_else(|| panic!("{page}"));
    for wanted in [
        "dt: signatures verified a second\ndd: 15 000\n",
        "dt: pages forced to the disk a second\ndd: 1 200\n",
        "dt: round trips over loopback a second\ndd: –\n",
        "Under load 22.3 transactions a second were decided: 0.1 % of the signatures",
    ] {
        assert!(said.contains(wanted), "{wanted} is not in {said}");
    }
    // In virtual time no machine is measured, and of a run without load nothing was decided.
    assert!(!skeleton(&bigchaindb_reports::render(&runs::passed())).contains("The machine"));
    let idle = Results { calibration: Some(runs::MACHINE), ..runs::empty() };
    let page = skeleton(&bigchaindb_reports::render(&idle));
    assert!(page.contains("The machine") && !page.contains("Under load"), "{page}");
}

#[test]
fn a_very_long_run_still_makes_a_small_page() {
    let mut results = runs::passed();
    let minute = results.measures.seconds.clone();
    results.measures.seconds = (0..86_400)
        .map(|second| {
            let like = minute[usize::try_from(second % 60).unwrap()].clone();
            bigchaindb_simulator::measure::Second { second, ..like }
        })
        .collect();
    results.duration_us = 86_400_000_000;
    let html = bigchaindb_reports::render(&results);
    assert!(html.len() < 1_000_000, "{}", html.len());
    assert!(html.contains("Every 360 seconds share a point:"));
}
