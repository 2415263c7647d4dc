//! A search for the knee on one page: where it lies, how it was found, and every rate that was tried.
//!
//! Not here: the search and its rule (`bigchaindb_simulator::saturate`). Start at [`saturation`].

use bigchaindb_simulator::saturate::{Knee, Rate, Run, Saturation, Tried};

use crate::axis::Axis;
use crate::chart::{Chart, Ink, Line, Size};
use crate::figures::{Figure, both_sizes};
use crate::page;
use crate::standing::Standing;
use crate::words::{self, escape};

/// The whole page.
pub(crate) fn saturation(found: &Saturation) -> String {
    let sections = [heading(found), knee(found), again(found), charts(found), tried(found)];
    let title = format!("{}: {}", knee_said(found), escape(&found.scenario));
    page::frame(&title, &sections.concat(), &footer())
}

/// Where the knee is, in a sentence.
pub(crate) fn knee_said(found: &Saturation) -> String {
    match found.knee {
        None => "the search is not over".to_owned(),
        Some(Knee { sustained: Some(low), not_sustained: Some(high) }) => {
            format!("knee: {low} is sustained, {high} is not")
        }
        Some(Knee { sustained: Some(low), not_sustained: None }) => {
            format!("knee: more than {low}, the highest rate that was tried")
        }
        Some(Knee { sustained: None, not_sustained: Some(high) }) => {
            format!("knee: less than {high}, the lowest rate that was tried")
        }
        Some(Knee { sustained: None, not_sustained: None }) => "nothing was tried".to_owned(),
    }
}

fn heading(found: &Saturation) -> String {
    let runs: usize = found.rates.iter().map(|tried| tried.runs.len()).sum();
    let story = page::story(&found.story);
    format!(
        "<header>\n<p class=\"eyebrow\">BigchainDB testbed · {}, {}, backend <code>{}</code></p>\n\
         <h1>{}</h1>\n{story}</header>\n",
        words::counted(found.rates.len() as u64, "rate", "rates"),
        words::counted(runs as u64, "run", "runs"),
        escape(&found.backend),
        escape(&found.scenario),
    )
}

fn knee(found: &Saturation) -> String {
    let is_found = found.knee.is_some_and(|knee| knee.sustained.is_some());
    let standing = if is_found { Standing::Pass } else { Standing::Unknown };
    let (rule, per_cent) = (found.rule, |share: f64| format!("{:.0} %", share * 100.0));
    let why = format!(
        "A rate is sustained by a run that is not void, in which every operation was answered and \
         everything accepted was decided; in the second half of the load no more than {} less was decided \
         than asked for, and p99 in its last quarter was no more than {:.2} times that of the quarter \
         before, plus {}. Each rate was tried until {} agreed; the two rates are no more than {} apart.",
        per_cent(rule.behind),
        rule.growth,
        words::duration(rule.slack_us),
        words::counted(u64::from(found.agree), "run", "runs"),
        per_cent(found.precision),
    );
    format!(
        "<section class=\"verdict {}\" aria-label=\"Knee\">\n<p class=\"word\">\
         <span aria-hidden=\"true\">{}</span> {}</p>\n<p class=\"why\">{}</p>\n</section>\n",
        standing.class(),
        standing.sign(),
        escape(&knee_said(found)),
        escape(&why),
    )
}

fn again(found: &Saturation) -> String {
    format!(
        "<section aria-label=\"Search again\">\n<p class=\"note\">Search again:</p>\n\
         <pre><code>{}</code></pre>\n</section>\n",
        escape(&found.command),
    )
}

fn charts(found: &Saturation) -> String {
    let charts = [throughput, latency].map(|make| both_sizes(|size| make(found, size)));
    let charts: String = charts.into_iter().flatten().collect();
    format!("<section>\n<h2>What became of each rate</h2>\n{charts}</section>\n")
}

/// A point for each rate: the middle one of its runs.
fn points(found: &Saturation, of: fn(&Run) -> f64) -> Vec<(f64, Option<f64>)> {
    let point = |tried: &Tried| {
        let mut values: Vec<f64> = tried.runs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        (tried.rate.per_s(), values.get(values.len().saturating_sub(1) / 2).copied())
    };
    found.rates.iter().map(point).collect()
}

fn highest(lines: &[Line]) -> f64 {
    let values = lines.iter().flat_map(|line| &line.points).filter_map(|(_, value)| *value);
    values.fold(0.0, f64::max)
}

/// The axis of rates.
fn rates(found: &Saturation, size: Size) -> Option<Axis> {
    let last = found.rates.last()?.rate;
    Some(Axis::amount(last.per_s(), if size == Size::Wide { 8 } else { 4 }))
}

fn throughput(found: &Saturation, size: Size) -> Option<Figure> {
    let line =
        |label: &str, ink, of| Line { label: label.to_owned(), ink, points: points(found, of) };
    let lines = vec![
        line("asked for", Ink::Quiet, |run: &Run| run.requested_per_s),
        line("decided", Ink::Done, |run: &Run| run.decided_per_s),
    ];
    let heading = "Decided a second, by rate";
    Some(Figure {
        heading: heading.to_owned(),
        note: "In the second half of the load. Along the bottom: arrivals a second.".to_owned(),
        chart: Chart::bare(
            heading.to_owned(),
            knee_said(found),
            (
                rates(found, size)?,
                Axis::amount(highest(&lines), if size == Size::Wide { 5 } else { 4 }),
            ),
            lines,
        ),
    })
}

fn latency(found: &Saturation, size: Size) -> Option<Figure> {
    let line =
        |label: &str, ink, of| Line { label: label.to_owned(), ink, points: points(found, of) };
    let lines = vec![
        line("p50", Ink::Done, |run: &Run| run.p50_us as f64),
        line("p99", Ink::Late, |run: &Run| run.p99_us as f64),
    ];
    let values = lines.iter().flat_map(|line| &line.points).filter_map(|(_, value)| *value);
    let (least, most) = (values.fold(f64::INFINITY, f64::min), highest(&lines));
    let heading = "From intended to decided, by rate";
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times in µs")]
    let y = (most > 0.0).then(|| Axis::latency(least as u64, most as u64))?;
    Some(Figure {
        heading: heading.to_owned(),
        note: "Over the whole run. What was never decided counts as having taken until its end."
            .to_owned(),
        chart: Chart::bare(heading.to_owned(), knee_said(found), (rates(found, size)?, y), lines),
    })
}

fn tried(found: &Saturation) -> String {
    let runs = found.rates.iter().flat_map(|tried| {
        tried.runs.iter().enumerate().map(|(at, run)| row(tried.rate, at == 0, run))
    });
    let rows: String = runs.collect();
    let columns = [
        ("Rate", true),
        ("Decided a second", true),
        ("p50", true),
        ("p99", true),
        ("Sustained", false),
        ("Run", false),
    ];
    let column = |(name, number): (&str, bool)| {
        let class = if number { "number whole" } else { "whole" };
        format!("<th class=\"{class}\" scope=\"col\">{name}</th>")
    };
    let head: String = columns.map(column).concat();
    format!(
        "<section>\n<h2>Every run</h2>\n<div class=\"wide-table\"><table>\n<thead><tr>{head}</tr></thead>\n\
         <tbody>\n{rows}</tbody>\n</table></div>\n</section>\n"
    )
}

fn row(rate: Rate, is_first: bool, run: &Run) -> String {
    let rate = if is_first { rate.to_string() } else { String::new() };
    let (standing, said, why) = match &run.broken {
        None => (Standing::Pass, "yes", String::new()),
        Some(why) => (Standing::Fail, "no", format!("<p class=\"note\">{}</p>", escape(why))),
    };
    format!(
        "<tr><td class=\"number\">{rate}</td><td class=\"number\">{:.1}</td><td class=\"number\">{}</td>\
         <td class=\"number\">{}</td><td class=\"{}\"><span class=\"state\">\
         <span aria-hidden=\"true\">{}</span> {said}</span>{why}</td><td><a href=\"{}/report.html\">seed {}</a>, \
         {}</td></tr>\n",
        run.decided_per_s,
        words::duration(run.p50_us),
        words::duration(run.p99_us),
        standing.class(),
        standing.sign(),
        escape(&run.folder),
        run.seed,
        run.verdict,
    )
}

fn footer() -> String {
    let files =
        [("scenario.toml", "the scenario"), ("saturation.json", "all of this page as data")];
    let files = files.map(|(file, what)| format!("<a href=\"{file}\">{file}</a> ({what})"));
    format!(
        "<footer>\nNext to this page: {}; and a folder for each rate, with its runs.\n</footer>\n",
        files.join(", ")
    )
}
