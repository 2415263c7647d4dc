//! Whether a program is better or worse, in words: rows of a table, and Markdown for a pull request.
//!
//! Not here: what is compared and how sure it is (`bigchaindb_simulator::compare`); single runs side by
//! side, without asking what is chance (`comparison`).

use bigchaindb_simulator::compare::{Answer, Change, Compared, Comparison, Difference, Side};

use crate::words;

/// More differences than these are counted and not told.
const TOLD_MAX: usize = 40;

/// The table: its head, and a row for each figure, or for each difference where runs are exact.
pub(crate) fn rows(comparison: &Comparison) -> Vec<[String; 5]> {
    let head = |cells: [&str; 5]| cells.map(str::to_owned);
    let mut rows = Vec::new();
    if comparison.exact {
        if !comparison.differences.is_empty() {
            rows.push(head(["", "seed", "baseline", "program", ""]));
        }
        rows.extend(comparison.differences.iter().take(TOLD_MAX).map(difference));
    } else {
        rows.push(head(["", "baseline", "program", "change", ""]));
        rows.extend(comparison.figures.iter().map(figure));
    }
    rows
}

/// What each row of the table but its head is called.
pub(crate) fn answers(comparison: &Comparison) -> Vec<Answer> {
    let figures = comparison.figures.iter().map(|figure| figure.answer);
    let differences = comparison.differences.iter().map(|found| found.answer);
    // One of them is empty.
    figures.chain(differences.take(TOLD_MAX)).collect()
}

/// What is said before the table, which is the first sentence, and after it, the answer last.
pub(crate) fn sentences(comparison: &Comparison) -> Vec<String> {
    let first = format!(
        "{}, in {}: {} of the baseline, {} of the program",
        comparison.scenario,
        comparison.backend,
        runs(&comparison.baseline),
        runs(&comparison.program),
    );
    let last = format!("answer: {}", comparison.answer.as_str());
    [vec![first], notes(comparison), vec![last]].concat()
}

/// What is to be known besides the table, a sentence each.
pub(crate) fn notes(comparison: &Comparison) -> Vec<String> {
    let mut said = Vec::new();
    let left = comparison.differences.len().saturating_sub(TOLD_MAX);
    if left > 0 {
        said.push(format!("and {left} more differences"));
    }
    if comparison.exact && comparison.differences.is_empty() {
        said.push("nothing that is measured is different".to_owned());
    }
    said.extend(comparison.caveats.iter().map(|caveat| format!("note: {caveat}")));
    said
}

/// All of it.
pub(crate) fn markdown(comparison: &Comparison) -> String {
    let first = sentences(comparison).into_iter().next().unwrap_or_default();
    let (sign, answer) = (sign(comparison.answer), comparison.answer.as_str());
    let mut text = format!("# {sign} {answer}: {}\n\n", words::markdown(&comparison.scenario));
    text += &format!("{}.\n\n", words::markdown(&first));
    text += &table(rows(comparison));
    text.extend(
        notes(comparison).iter().map(|sentence| format!("- {}\n", words::markdown(sentence))),
    );
    if !comparison.exact {
        text += &format!(
            "\nChanges with the interval in which they surely lie; less than {} does not matter.\n",
            per_cent(comparison.threshold).trim_start_matches('+'),
        );
    }
    text
}

/// Rows as a table of Markdown, the first of them its head, with an empty line after it; nothing of none.
pub(crate) fn table(rows: Vec<[String; 5]>) -> String {
    let mut rows = rows.iter();
    let Some(head) = rows.next() else { return String::new() };
    format!("{}|---|--:|--:|--:|---|\n{}\n", row(head), rows.map(row).collect::<String>())
}

fn row(cells: &[String; 5]) -> String {
    format!("| {} |\n", cells.each_ref().map(|cell| words::markdown(cell)).join(" | "))
}

fn figure(compared: &Compared) -> [String; 5] {
    let value = |value: f64| match compared.figure.is_time() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time in µs")]
        true => words::duration(value.round() as u64),
        false => format!("{value:.1}/s"),
    };
    [
        compared.figure.words().to_owned(),
        value(compared.baseline),
        value(compared.program),
        compared.change.map_or_else(|| "too few runs".to_owned(), change),
        format!("{} {}", sign(compared.answer), compared.answer.as_str()),
    ]
}

fn difference(found: &Difference) -> [String; 5] {
    [
        found.what.clone(),
        found.seed.to_string(),
        found.baseline.clone(),
        found.program.clone(),
        format!("{} {}", sign(found.answer), found.answer.as_str()),
    ]
}

fn change(change: Change) -> String {
    let Change { estimate, low, high } = change;
    format!("{} ({} to {})", per_cent(estimate), per_cent(low), per_cent(high))
}

/// A share with its sign, as `+1.5 %`.
fn per_cent(share: f64) -> String {
    format!("{:+.1}\u{a0}%", share * 100.0).replace('-', "−")
}

fn runs(side: &Side) -> String {
    let counted = words::counted(side.runs as u64, "run", "runs");
    match side.void {
        0 => counted,
        void => format!("{counted} ({void} void)"),
    }
}

/// A sign that differs in shape from the others.
pub(crate) fn sign(answer: Answer) -> &'static str {
    match answer {
        Answer::Same => "=",
        Answer::Better => "✓",
        Answer::Unclear => "?",
        Answer::Worse => "✗",
    }
}
