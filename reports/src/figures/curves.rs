//! Several distributions of latency in one chart, a line each.
//!
//! Not here: the distribution of a run by itself, with what was never decided (`distribution`).

use bigchaindb_simulator::measure::{CdfPoint, Percentiles};

use super::{Figure, both_sizes};
use crate::axis::Axis;
use crate::chart::{Chart, Ink, Line, Tip, Tips};
use crate::words;

/// One of the distributions.
pub(crate) struct Curve<'a> {
    /// What the legend calls it.
    pub(crate) label: String,
    /// How it looks.
    pub(crate) ink: Ink,
    /// The distribution, ascending.
    pub(crate) points: &'a [CdfPoint],
    /// Its usual figures.
    pub(crate) whole: &'a Percentiles,
}

/// The figure as HTML; none if nothing was decided.
pub(crate) fn curves(
    heading: &str,
    note: &str,
    title: &str,
    curves: &[Curve<'_>],
) -> Option<String> {
    let points = || curves.iter().flat_map(|curve| curve.points);
    let least = points().map(|point| point.latency_us).min()?;
    let most = points().map(|point| point.latency_us).max()?;
    let count = curves.iter().map(|curve| curve.whole.count).max()?;
    let said = |curve: &Curve<'_>| {
        let [half, most] = [curve.whole.p50_us, curve.whole.p99_us].map(words::duration);
        format!("{}: half took at most {half}, 99 % {most}", curve.label)
    };
    let said: Vec<_> = curves.iter().map(said).collect();
    both_sizes(|_| {
        let lines = curves.iter().map(|curve| Line {
            label: curve.label.clone(),
            ink: curve.ink,
            points: curve.points.iter().map(place).collect(),
        });
        let description = format!("{}.", said.join("; "));
        let (x, y) = (Axis::tail(count), Axis::latency(least, most));
        Some(Figure {
            heading: heading.to_owned(),
            note: note.to_owned(),
            chart: Chart {
                tips: tips(curves),
                ..Chart::bare(title.to_owned(), description, (x, y), lines.collect())
            },
        })
    })
}

fn place(point: &CdfPoint) -> (f64, Option<f64>) {
    (point.per_million as f64 / 1e6, Some(point.latency_us as f64))
}

/// What each curve has at each share that any of them has.
fn tips(curves: &[Curve<'_>]) -> Tips {
    let all = curves.iter().flat_map(|curve| curve.points);
    let mut shares: Vec<u64> = all.map(|point| point.per_million).collect();
    shares.sort_unstable();
    shares.dedup();
    let at = |curve: &Curve<'_>, share: u64| {
        let point = curve.points.iter().find(|point| point.per_million == share);
        point.map_or("–".to_owned(), |point| words::bounded(curve.whole, share, point.latency_us))
    };
    let tip = |share: u64| Tip {
        at: share as f64 / 1e6,
        place: format!("{} % took at most", share as f64 / 1e4),
        values: curves.iter().map(|curve| at(curve, share)).collect(),
    };
    Tips {
        names: curves.iter().map(|curve| curve.label.clone()).collect(),
        points: shares.into_iter().map(tip).collect(),
    }
}
