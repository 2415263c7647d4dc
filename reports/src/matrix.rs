//! A matrix on one page: the verdict, a chart of each measure, and every combination with its counts.
//!
//! The last axis of the matrix lies along the bottom, the one before it gives a chart its lines, and
//! there is a chart for each combination of the others. Not here: how throughput scales (`scaling`), a
//! single run's page (`page`), what is counted (`bigchaindb_simulator::matrix`). Start at [`matrix`].

use bigchaindb_simulator::matrix::{Measure, Share, Sum, Swept, Unit};

use crate::axis::Axis;
use crate::chart::{Chart, Ink, Line, Size};
use crate::figures::{Figure, both_sizes};
use crate::page;
use crate::scaling;
use crate::standing::Standing;
use crate::words::{self, escape};

/// The whole page.
pub(crate) fn matrix(swept: &Swept) -> String {
    let sections =
        [heading(swept), verdict(swept), again(swept), charts(swept), combinations(swept)];
    let title = format!("{}: {}, a matrix", swept.verdict(), escape(&swept.scenario));
    page::frame(&title, &sections.concat(), &footer())
}

fn heading(swept: &Swept) -> String {
    let runs: u64 = swept.cells.iter().map(Sum::runs).sum();
    let story = page::story(&swept.story);
    format!(
        "<header>\n<p class=\"eyebrow\">BigchainDB testbed · {}, {}</p>\n<h1>{}</h1>\n{story}\
         </header>\n",
        words::counted(swept.cells.len() as u64, "combination", "combinations"),
        words::counted(runs, "run", "runs"),
        escape(&swept.scenario),
    )
}

fn verdict(swept: &Swept) -> String {
    let standing = Standing::from(swept.verdict());
    let passed = |cell: &&Sum| cell.not_passed.is_empty();
    let judged: Vec<_> = swept.cells.iter().filter(|cell| !cell.may_fail).collect();
    let passing = judged.iter().copied().filter(passed).count() as u64;
    let mut why = format!(
        "{} of {} pass with every seed.",
        words::count(passing),
        words::counted(judged.len() as u64, "combination", "combinations"),
    );
    let others = (swept.cells.len() - judged.len()) as u64;
    if others > 0 {
        why +=
            &format!(" {} more may break invariants, and are only counted.", words::count(others));
    }
    format!(
        "<section class=\"verdict {}\" aria-label=\"Verdict\">\n<p class=\"word\">\
         <span aria-hidden=\"true\">{}</span> {}</p>\n<p class=\"why\">{why}</p>\n</section>\n",
        standing.class(),
        standing.sign(),
        swept.verdict(),
    )
}

fn again(swept: &Swept) -> String {
    let Swept { seeds, first_seed, .. } = swept;
    let seeds = words::counted(u64::from(*seeds), "seed", "seeds");
    format!(
        "<section aria-label=\"Run it again\">\n<p class=\"note\">Run it again, each combination with \
         {seeds} from {first_seed} on:</p>\n<pre><code>{}</code></pre>\n</section>\n",
        escape(&swept.command),
    )
}

fn charts(swept: &Swept) -> String {
    let figures: String =
        swept.measures.iter().flat_map(|measure| panels(swept, *measure)).collect();
    format!("<section>\n<h2>What was measured</h2>\n{figures}</section>\n")
}

/// A measure's charts: cells that differ only in the last two axes share one.
fn panels(swept: &Swept, measure: Measure) -> Vec<String> {
    let axes = &swept.axes;
    let along = axes.last().map_or(1, |(_, values)| values.len()).max(1);
    let beside = axes.len().checked_sub(2).map_or(1, |at| axes[at].1.len()).max(1);
    let values = || swept.cells.iter().filter_map(|cell| cell.value(measure));
    let ends = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let bound = scaling::whitepaper(swept, measure);
    let panel = |cells: &[Sum]| {
        let lines: Vec<&[Sum]> = cells.chunks(along).collect();
        // More lines than there are inks go on in another chart.
        let parts = lines.chunks(Ink::SIDE_BY_SIDE.len() - usize::from(bound.is_some()));
        let charts = parts.filter_map(|lines| part(swept, measure, lines, ends, bound.as_deref()));
        let scaling = lines.iter().filter_map(|cells| scaling::figure(swept, measure, cells));
        charts.chain(scaling).collect::<String>()
    };
    swept.cells.chunks(along * beside).map(panel).collect()
}

/// The values that a line has in common with others, as the end of a heading: `: nodes = 4`. So many
/// axes of them, from the first on.
pub(crate) fn fixed(swept: &Swept, cell: &Sum, axes: usize) -> String {
    let fixed: Vec<_> = (swept.axes.iter().zip(&cell.values).take(axes))
        .map(|((field, _), value)| format!("{field} = {value}"))
        .collect();
    if fixed.is_empty() { String::new() } else { format!(": {}", fixed.join(", ")) }
}

/// One chart, and `bound`, below which no value can be by the whitepaper.
fn part(
    swept: &Swept,
    measure: Measure,
    lines: &[&[Sum]],
    ends: (f64, f64),
    bound: Option<&[(f64, Option<f64>)]>,
) -> Option<String> {
    let first = lines.first()?.first()?;
    let of = fixed(swept, first, swept.axes.len().saturating_sub(2));
    let heading = format!("{}{of}", capital(measure.words()));
    let cells = || lines.iter().flat_map(|line| line.iter());
    if cells().all(|cell| cell.value(measure).is_none_or(|value| value == 0.0)) {
        // A line along the bottom says less than a sentence.
        let none = match measure.unit() {
            Unit::Share => {
                let total = cells().map(|cell| cell.share(measure).whole).sum();
                format!("None of {}, whatever the combination.", words::count(total))
            }
            Unit::Throughput | Unit::Time => "Nothing was decided.".to_owned(),
        };
        return Some(format!("<h3>{}</h3>\n<p>{none}</p>\n", escape(&heading)));
    }
    let (across, _) = swept.axes.last()?;
    let beside = swept.axes.len().checked_sub(2).map(|at| swept.axes[at].0.as_str());
    let mut note = match beside {
        Some(beside) => format!("Along the bottom: {across}. A line for each {beside}."),
        None => format!("Along the bottom: {across}."),
    };
    if measure.unit() != Unit::Share && swept.seeds > 1 {
        note += " Of the runs with different seeds the middle one.";
    }
    if bound.is_some() {
        note += scaling::WHITEPAPER;
    }
    let least =
        bound.into_iter().flatten().map(|(_, us)| us.unwrap_or(ends.0)).fold(ends.0, f64::min);
    let most =
        bound.into_iter().flatten().map(|(_, us)| us.unwrap_or(ends.1)).fold(ends.1, f64::max);
    both_sizes(|size| {
        let measured = lines.iter().zip(Ink::SIDE_BY_SIDE).map(|(cells, ink)| match beside {
            Some(_) => line(measure, cells, name(cells), ink),
            None if bound.is_some() => line(measure, cells, "measured".to_owned(), ink),
            None => line(measure, cells, String::new(), Ink::Alone),
        });
        let bound = bound.map(|points| Line {
            label: "least by the whitepaper".to_owned(),
            ink: Ink::Quiet,
            points: points.to_vec(),
        });
        Some(Figure {
            heading: heading.clone(),
            note: note.clone(),
            chart: Chart::bare(
                format!("{heading}, by {across}"),
                described(measure, lines, beside),
                (Axis::steps(&swept.axes.last()?.1), axis(measure, least, most, size)),
                measured.chain(bound).collect(),
            ),
        })
    })
}

/// The axis of a measure's values, which lie between these.
pub(crate) fn axis(measure: Measure, least: f64, most: f64, size: Size) -> Axis {
    let ticks = if size == Size::Wide { 5 } else { 4 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times in µs")]
    match measure.unit() {
        Unit::Share => Axis::per_cent(most, ticks),
        Unit::Throughput => Axis::amount(most, ticks),
        Unit::Time => Axis::latency(least as u64, most as u64),
    }
}

/// A line over the last axis.
fn line(measure: Measure, cells: &[Sum], label: String, ink: Ink) -> Line {
    let point = |(at, cell): (usize, &Sum)| (at as f64, cell.value(measure));
    Line { label, ink, points: cells.iter().enumerate().map(point).collect() }
}

/// What a line is called: its cells differ in the last axis only.
fn name(cells: &[Sum]) -> String {
    let values = cells.first().map(|cell| cell.values.as_slice()).unwrap_or_default();
    values.iter().rev().nth(1).cloned().unwrap_or_default()
}

/// The lines in words, for those who cannot see them.
fn described(measure: Measure, lines: &[&[Sum]], beside: Option<&str>) -> String {
    let line = |cells: &&[Sum]| {
        let values: Vec<_> = (cells.iter())
            .map(|cell| {
                let value = cell.values.last().map_or("", String::as_str);
                format!("{value}: {}", said(measure, cell.value(measure)))
            })
            .collect();
        match beside {
            Some(field) => format!("With {field} = {}, {}.", name(cells), values.join(", ")),
            None => format!("{}.", values.join(", ")),
        }
    };
    lines.iter().map(line).collect::<Vec<_>>().join(" ")
}

fn combinations(swept: &Swept) -> String {
    let fields = swept.axes.iter().map(|(field, _)| (escape(field).replace('.', ".<wbr/>"), false));
    let measures = swept.measures.iter().map(|measure| (measure.words().to_owned(), true));
    let last = [
        ("Runs".to_owned(), true),
        ("Passed".to_owned(), true),
        ("Violated, in runs".to_owned(), false),
    ];
    let column = |(name, number): (String, bool)| {
        let class = if number { "number whole" } else { "whole" };
        format!("<th class=\"{class}\" scope=\"col\">{name}</th>")
    };
    let head: String = fields.chain(measures).chain(last).map(column).collect();
    let rows: String = swept.cells.iter().map(|cell| row(swept, cell)).collect();
    format!(
        "<section>\n<h2>Every combination</h2>\n<div class=\"wide-table\"><table>\n<thead><tr>{head}\
         </tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n</section>\n"
    )
}

fn row(swept: &Swept, cell: &Sum) -> String {
    let values =
        cell.values.iter().map(|value| format!("<td class=\"whole\">{}</td>", escape(value)));
    let shares = swept.measures.iter().map(|measure| {
        let value = said(*measure, cell.value(*measure));
        format!("<td class=\"number\">{value}<p class=\"note\">{}</p></td>", of(*measure, cell))
    });
    let passed = cell.verdicts.get("pass").copied().unwrap_or(0);
    let passed = words::count(passed);
    // Nothing is good or bad about runs that may fail.
    let passed = match cell.may_fail {
        true => format!("<td class=\"number\">{passed}</td>"),
        false => {
            let is_well = cell.not_passed.is_empty();
            let standing = if is_well { Standing::Pass } else { Standing::Fail };
            format!(
                "<td class=\"number {}\"><span class=\"state\"><span aria-hidden=\"true\">{}</span> \
                 {passed}</span></td>",
                standing.class(),
                standing.sign(),
            )
        }
    };
    let violated: Vec<_> = cell
        .violated
        .iter()
        .map(|(id, runs)| format!("{} {}", escape(id), words::count(*runs)))
        .collect();
    let example = cell.not_passed.first().map(|seed| {
        let page = escape(&format!("{}/seed-{seed}/report.html", cell.folder));
        format!("<p class=\"note\"><a href=\"{page}\">seed {seed}</a></p>")
    });
    format!(
        "<tr>{}{}<td class=\"number\">{}</td>{passed}<td>{}{}</td></tr>\n",
        values.collect::<String>(),
        shares.collect::<String>(),
        words::count(cell.runs()),
        violated.join(", "),
        example.unwrap_or_default(),
    )
}

/// What a value is made of: the counts of a share, the ends of figures.
fn of(measure: Measure, cell: &Sum) -> String {
    let Share { part, whole } = cell.share(measure);
    let scaled = |figure: u64| match measure.unit() {
        Unit::Throughput => figure as f64 / 1e3,
        Unit::Share | Unit::Time => figure as f64,
    };
    match (measure.unit(), cell.figures(measure)) {
        (Unit::Share, _) => format!("{} of {}", words::count(part), words::count(whole)),
        (_, [first, .., last]) if first != last => {
            let end = |figure: &u64| said(measure, Some(scaled(*figure)));
            format!("{} to {}", end(first), end(last))
        }
        _ => String::new(),
    }
}

/// A measure's value as people say it.
pub(crate) fn said(measure: Measure, value: Option<f64>) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time in µs")]
    match (measure.unit(), value) {
        (_, None) => "–".to_owned(),
        (Unit::Time, Some(us)) => words::duration(us.round() as u64).replace(' ', "\u{a0}"),
        (Unit::Throughput, Some(per_s)) if per_s < 10.0 => format!("{per_s:.2}/s"),
        (Unit::Throughput, Some(per_s)) => format!("{per_s:.0}/s"),
        (Unit::Share, Some(0.0)) => "0".to_owned(),
        (Unit::Share, Some(share)) if share < 0.1 => format!("{share:.3}\u{a0}%"),
        (Unit::Share, Some(share)) if share < 10.0 => format!("{share:.2}\u{a0}%"),
        (Unit::Share, Some(share)) => format!("{share:.1}\u{a0}%"),
    }
}

pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn footer() -> String {
    let files = [("scenario.toml", "the scenario"), ("matrix.json", "all of this page as data")];
    let files = files.map(|(file, what)| format!("<a href=\"{file}\">{file}</a> ({what})"));
    format!(
        "<footer>\nNext to this page: {}; and a folder for each combination, with its runs.\n</footer>\n",
        files.join(", ")
    )
}
