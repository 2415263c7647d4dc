//! The page: what it says first, that it is well-formed and complete in itself, and that nothing a
//! run is called can change it.

use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::record::Results;
use roxmltree::{Document, Node, ParsingOptions};

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
        "style" => return,
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
            let foreign = ["script", "link", "img", "iframe", "object", "base", "form", "use"];
            assert!(!foreign.contains(&tag), "{name}: <{tag}>");
            for attribute in node.attributes() {
                assert!(!attribute.name().starts_with("on"), "{name}: {}", attribute.name());
                assert!(attribute.name() != "style" && attribute.name() != "src", "{name}");
                // The files next to the page, and nothing else.
                let elsewhere = attribute.value().contains([':', '/']);
                assert!(attribute.name() != "href" || !elsewhere, "{name}: {}", attribute.value());
            }
        }
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
        let figures = if name == "empty" { 0 } else { 5 + life_lines };
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
        let outside = elements.filter(|node| !node.ancestors().any(|up| up.has_tag_name("svg")));
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
    assert!(!html.contains("<script") && !html.contains(['\0', '\u{1b}', '\u{202e}']));
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
    assert!(html.len() < 300_000, "{}", html.len());
    assert!(html.contains("every 240 seconds"));
}
