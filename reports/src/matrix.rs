//! A matrix on one page: the verdict, a chart of each measure, and every combination with its counts.
//!
//! The last axis of the matrix lies along the bottom, the one before it gives a chart its lines, and
//! there is a chart for each combination of the others. Not here: a single run's page (`page`), what is
//! counted (`bigchaindb_simulator::matrix`). Start at [`matrix`].

use bigchaindb_simulator::matrix::{Measure, Share, Sum, Swept};

use crate::axis::Axis;
use crate::chart::{Chart, Ink, Line, Size};
use crate::figures::{Figure, both_sizes};
use crate::page;
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
    let story: String = (swept.story.split("\n\n"))
        .filter(|part| !part.trim().is_empty())
        .map(|part| format!("<p>{}</p>\n", escape(part)))
        .collect();
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
    format!("<section>\n<h2>How many</h2>\n{figures}</section>\n")
}

/// A measure's charts: cells that differ only in the last two axes share one.
fn panels(swept: &Swept, measure: Measure) -> Vec<String> {
    let axes = &swept.axes;
    let along = axes.last().map_or(1, |(_, values)| values.len()).max(1);
    let beside = axes.len().checked_sub(2).map_or(1, |at| axes[at].1.len()).max(1);
    let most = swept.cells.iter().map(|cell| per_cent(cell.share(measure))).fold(0.0, f64::max);
    let panel = |cells: &[Sum]| {
        let lines: Vec<&[Sum]> = cells.chunks(along).collect();
        // More lines than there are inks go on in another chart.
        let parts = lines.chunks(Ink::SIDE_BY_SIDE.len());
        parts.filter_map(|lines| part(swept, measure, lines, most)).collect::<String>()
    };
    swept.cells.chunks(along * beside).map(panel).collect()
}

fn part(swept: &Swept, measure: Measure, lines: &[&[Sum]], most: f64) -> Option<String> {
    let (counted, whole) = measure.words();
    let first = lines.first()?.first()?;
    let others = swept.axes.len().saturating_sub(2);
    let fixed: Vec<_> = (swept.axes.iter().zip(&first.values).take(others))
        .map(|((field, _), value)| format!("{field} = {value}"))
        .collect();
    let of = if fixed.is_empty() { String::new() } else { format!(": {}", fixed.join(", ")) };
    let heading = format!("{} that {counted}{of}", capital(whole));
    let sums = lines.iter().flat_map(|line| line.iter().map(|cell| cell.share(measure)));
    let total = sums.fold(Share::default(), |sum, share| Share {
        part: sum.part + share.part,
        whole: sum.whole + share.whole,
    });
    if total.part == 0 {
        // A line along the bottom says less than a sentence.
        let none = format!("None of {}, whatever the combination.", words::count(total.whole));
        return Some(format!("<h3>{}</h3>\n<p>{none}</p>\n", escape(&heading)));
    }
    let (across, _) = swept.axes.last()?;
    let beside = swept.axes.len().checked_sub(2).map(|at| swept.axes[at].0.as_str());
    let note = match beside {
        Some(beside) => format!("Along the bottom: {across}. A line for each {beside}."),
        None => format!("Along the bottom: {across}."),
    };
    both_sizes(|size| {
        let x = Axis::steps(&swept.axes.last()?.1);
        Some(Figure {
            heading: heading.clone(),
            note: note.clone(),
            chart: Chart::bare(
                format!("{heading}, by {across}"),
                described(measure, lines, beside),
                (x, Axis::per_cent(most, if size == Size::Wide { 5 } else { 4 })),
                (lines.iter().zip(Ink::SIDE_BY_SIDE))
                    .map(|(cells, ink)| line(measure, cells, beside.map(|_| ink)))
                    .collect(),
            ),
        })
    })
}

/// A line over the last axis; without a second one it has the chart to itself.
fn line(measure: Measure, cells: &[Sum], ink: Option<Ink>) -> Line {
    let point = |(at, cell): (usize, &Sum)| {
        let share = cell.share(measure);
        (at as f64, (share.whole > 0).then(|| per_cent(share)))
    };
    Line {
        label: if ink.is_some() { name(cells) } else { String::new() },
        ink: ink.unwrap_or(Ink::Alone),
        points: cells.iter().enumerate().map(point).collect(),
    }
}

/// What a line is called: its cells differ in the last axis only.
fn name(cells: &[Sum]) -> String {
    let values = cells.first().map(|cell| cell.values.as_slice()).unwrap_or_default();
    values.iter().rev().nth(1).cloned().unwrap_or_default()
}

/// The lines in words, for those who cannot see them.
fn described(measure: Measure, lines: &[&[Sum]], beside: Option<&str>) -> String {
    let line = |cells: &&[Sum]| {
        let shares: Vec<_> = (cells.iter())
            .map(|cell| {
                let value = cell.values.last().map_or("", String::as_str);
                format!("{value}: {}", said(cell.share(measure)))
            })
            .collect();
        match beside {
            Some(field) => format!("With {field} = {}, {}.", name(cells), shares.join(", ")),
            None => format!("{}.", shares.join(", ")),
        }
    };
    lines.iter().map(line).collect::<Vec<_>>().join(" ")
}

fn combinations(swept: &Swept) -> String {
    let fields = swept.axes.iter().map(|(field, _)| (escape(field).replace('.', ".<wbr/>"), false));
    let measures = swept.measures.iter().map(|measure| {
        let (counted, whole) = measure.words();
        (format!("{whole} that {counted}"), true)
    });
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
        let Share { part, whole } = cell.share(*measure);
        let share = said(cell.share(*measure));
        let counts = format!("{} of {}", words::count(part), words::count(whole));
        format!("<td class=\"number\">{share}<p class=\"note\">{counts}</p></td>")
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

fn per_cent(Share { part, whole }: Share) -> f64 {
    match whole {
        0 => 0.0,
        whole => part as f64 * 100.0 / whole as f64,
    }
}

/// A share as people say it.
fn said(share: Share) -> String {
    match (share.part, share.whole) {
        (_, 0) => "–".to_owned(),
        (0, _) => "0".to_owned(),
        _ => match per_cent(share) {
            per_cent if per_cent < 0.1 => format!("{per_cent:.3}\u{a0}%"),
            per_cent if per_cent < 10.0 => format!("{per_cent:.2}\u{a0}%"),
            per_cent => format!("{per_cent:.1}\u{a0}%"),
        },
    }
}

fn capital(text: &str) -> String {
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
