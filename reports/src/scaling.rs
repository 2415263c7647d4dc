//! How throughput scales, on a matrix's page: what was measured, the law fitted to it, and where that
//! goes beyond what was run. And the least latency that the whitepaper allows, beside what was measured.
//!
//! Not here: the law and its fit (`bigchaindb_simulator::scaling`).

use bigchaindb_simulator::matrix::{Measure, Sum, Swept, Unit};
use bigchaindb_simulator::scaling::{Scaling, VALUES_MIN};

use crate::axis::Axis;
use crate::chart::{Band, Chart, Ink, Line, Size};
use crate::figures::{Figure, HOPS, both_sizes};
use crate::matrix::{axis, capital, fixed, said};
use crate::words::{self, escape};

/// What is swept by fields whose names end so is more of something, and scales.
const SCALES: [&str; 6] = ["nodes", "shards", "servers", "cores", "processors", "latency"];
/// The one-way latency of links.
const LINKS: &str = "links.default.latency";
/// What is said where the formula is drawn.
pub(crate) const WHITEPAPER: &str = " Dotted: the least by BigchainDB's whitepaper, nine hops and three \
    transfers of the payload (9·t_hop + 3·t_qp); t_qp, which depends on the bandwidth, is left out.";

/// So many times the largest value that was run is the end of what is projected.
const BEYOND: f64 = 2.0;
/// Where the law explains less than this, it does not hold, and nothing is projected by it.
const EXPLAINED_MIN: f64 = 0.8;
/// A curve is drawn through so many points.
const POINTS: u32 = 48;

/// The least latency at each value of the last axis, if that is the latency of links.
pub(crate) fn whitepaper(swept: &Swept, measure: Measure) -> Option<Vec<(f64, Option<f64>)>> {
    let last = swept.axes.len().checked_sub(1)?;
    if measure.unit() != Unit::Time || swept.axes[last].0 != LINKS {
        return None;
    }
    let hops = swept.numbers(last)?;
    Some((0..).zip(hops).map(|(at, us)| (f64::from(at), Some(HOPS as f64 * us))).collect())
}

/// How a line of throughputs scales with the last axis; nothing if nobody would ask. Of link latency N is
/// a multiple of the least.
pub(crate) fn figure(swept: &Swept, measure: Measure, cells: &[Sum]) -> Option<String> {
    let last = swept.axes.len().checked_sub(1)?;
    let field = swept.axes[last].0.as_str();
    let scales = field.rsplit('.').next().is_some_and(|name| SCALES.contains(&name));
    if measure != Measure::Throughput || !scales {
        return None;
    }
    let is_time = field.ends_with("latency");
    // Along the axis, latencies are in milliseconds.
    let scale = if is_time { 1e3 } else { 1.0 };
    let numbers: Vec<f64> = swept.numbers(last)?.iter().map(|n| n / scale).collect();
    let least = numbers.iter().copied().filter(|n| *n > 0.0).fold(f64::INFINITY, f64::min);
    let unit = if is_time { least } else { 1.0 };
    let of_cell = |(n, cell): (&f64, &Sum)| {
        let throughputs = cell.figures(measure).iter().map(|thousandths| *thousandths as f64 / 1e3);
        throughputs.map(|throughput| (n / unit, throughput)).collect::<Vec<_>>()
    };
    let points: Vec<_> = numbers.iter().zip(cells).flat_map(of_cell).collect();
    let heading =
        format!("How throughput scales with {field}{}", fixed(swept, cells.first()?, last));
    let Some(law) = Scaling::fit(&points) else {
        let why = format!(
            "Nothing is fitted: that takes throughput at {VALUES_MIN} different values or more."
        );
        return Some(format!("<h3>{}</h3>\n<p>{why}</p>\n", escape(&heading)));
    };
    let measured = numbers.iter().zip(cells).map(|(n, cell)| (*n, cell.value(measure))).collect();
    let most = numbers.iter().copied().fold(0.0, f64::max);
    let holds = law.explained >= EXPLAINED_MIN;
    let note = told(&law, field, is_time.then_some(unit * scale), holds);
    let curves = Curves { law, unit, least, most, holds, measured };
    both_sizes(|size| {
        Some(Figure {
            heading: heading.clone(),
            note: note.clone(),
            chart: curves.chart(&heading, &note, measure, is_time, size),
        })
    })
}

/// What is drawn.
struct Curves {
    law: Scaling,
    /// N is a value by this.
    unit: f64,
    /// The least value and the most that were run.
    least: f64,
    most: f64,
    /// Whether the law is good enough to go beyond them.
    holds: bool,
    measured: Vec<(f64, Option<f64>)>,
}

impl Curves {
    fn chart(&self, title: &str, said: &str, measure: Measure, is_time: bool, size: Size) -> Chart {
        let end = if self.holds { self.most * BEYOND } else { self.most };
        let mut lines = vec![
            Line {
                label: "fitted".to_owned(),
                ink: Ink::Early,
                points: self.curve(self.least, self.most),
            },
            Line { label: "measured".to_owned(), ink: Ink::Done, points: self.measured.clone() },
        ];
        let mut bands = Vec::new();
        if self.holds {
            lines.push(Line {
                label: "projected".to_owned(),
                ink: Ink::Late,
                points: self.curve(self.most, end),
            });
            bands.push(Band::plain(
                "projected".to_owned(),
                "projected, not run".to_owned(),
                self.most,
                end,
            ));
        }
        let values = lines.iter().flat_map(|line| &line.points).filter_map(|(_, value)| *value);
        let highest = values.fold(0.0, f64::max);
        let ticks = if size == Size::Wide { 8 } else { 4 };
        let x = if is_time { Axis::amount_of(end, ticks, " ms") } else { Axis::amount(end, ticks) };
        let y = axis(measure, 0.0, highest, size);
        Chart {
            bands,
            shaded: Some("beyond what was run"),
            ..Chart::bare(title.to_owned(), said.to_owned(), (x, y), lines)
        }
    }

    fn curve(&self, from: f64, to: f64) -> Vec<(f64, Option<f64>)> {
        let place = |at| from + (to - from) * f64::from(at) / f64::from(POINTS);
        let point = |at| (place(at), Some(self.law.at(place(at) / self.unit)));
        (0..=POINTS).map(point).collect()
    }
}

/// The law in words, and how far it can be trusted.
fn told(law: &Scaling, field: &str, unit_us: Option<f64>, holds: bool) -> String {
    let per_cent = |share: f64| format!("{:.1}\u{a0}%", share * 100.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time in µs")]
    let one = unit_us.map_or("one".to_owned(), |us| words::duration(us as u64));
    let mut told = format!(
        "Universal Scalability Law, by least squares: λ = {} with {one}, σ = {} (what only one can do at \
         a time), κ = {:.3}\u{a0}% (what any two cost each other).",
        said(Measure::Throughput, Some(law.lambda)),
        per_cent(law.sigma),
        law.kappa * 100.0,
    );
    told += &match (law.values, holds) {
        (VALUES_MIN, true) => format!(
            " With {VALUES_MIN} values for {VALUES_MIN} parameters it fits whatever was measured, so what \
             is projected is a guess."
        ),
        (_, true) => format!(
            " It explains {} of the spread; no run is further from it than {}. What is projected is what \
             the law says, not what was run.",
            per_cent(law.explained),
            per_cent(law.off_max),
        ),
        (_, false) => format!(
            " It explains only {} of the spread: it does not hold here, and nothing is projected.",
            per_cent(law.explained),
        ),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time in µs")]
    if let Some(peak) = law.peak().filter(|_| holds) {
        let peak = match unit_us {
            Some(us) => words::duration((peak * us).round() as u64),
            None => format!("{peak:.0}"),
        };
        told += &format!(" By it the most is reached at {field} = {peak}.");
    }
    capital(&told)
}
