//! How long each hop took: a row for each, a mark for each percentile.

use bigchaindb_simulator::measure::Percentiles;

use super::{Figure, both_sizes};
use crate::axis::Axis;
use crate::chart::{Chart, Ink, Line, Size};
use crate::words::{self, Of};

/// The percentiles that have a mark, from the slowest to the quickest.
const MARKS: [(&str, Ink, Of); 4] = [
    ("longest", Ink::Quiet, |hop| hop.max_us),
    ("p99", Ink::Late, |hop| hop.p99_us),
    ("p95", Ink::Early, |hop| hop.p95_us),
    ("p50", Ink::Done, |hop| hop.p50_us),
];

/// The figure as HTML; none if there is nothing to compare.
pub(crate) fn hops(hops: &[(&str, &Percentiles)]) -> Option<String> {
    let least = hops.iter().map(|(_, hop)| hop.p50_us).min()?;
    let most = hops.iter().map(|(_, hop)| hop.max_us).max()?;
    let names: Vec<&str> = hops.iter().map(|(name, _)| *name).collect();
    let row = |index: usize| (hops.len() - 1 - index) as f64;
    both_sizes(|size| {
        let spans = hops.iter().enumerate().flat_map(|(index, (_, hop))| {
            let ends = [hop.p50_us, hop.max_us].map(|us| (us as f64, Some(row(index))));
            [ends[0], ends[1], (ends[1].0, None)]
        });
        let span = Line { label: String::new(), ink: Ink::Quiet, points: spans.collect() };
        let marks = MARKS.iter().map(|(label, ink, of)| Line {
            label: (*label).to_owned(),
            ink: *ink,
            points: (hops.iter().enumerate())
                .flat_map(|(index, (_, hop))| {
                    let at = of(hop) as f64;
                    [(at, Some(row(index))), (at, None)]
                })
                .collect(),
        });
        let said = |(name, hop): &(&str, &Percentiles)| {
            format!(
                "until {name}, half took at most {} and 99 % {}",
                words::duration(hop.p50_us),
                words::duration(hop.p99_us)
            )
        };
        let said: Vec<_> = hops.iter().map(said).collect();
        let latency = Axis::latency(least, most);
        let x = if size == Size::Wide { latency } else { latency.fewer(5) };
        Some(Figure {
            heading: "How far it was after how long".into(),
            note: "From the intended moment until …; logarithmic.".into(),
            chart: Chart {
                height: Some(30 * u32::try_from(hops.len()).unwrap_or(1) + 50),
                ..Chart::bare(
                    "Latency of each hop: median, 95th and 99th percentile, and longest".into(),
                    format!("{}.", said.join("; ")),
                    (x, Axis::places(&names)),
                    std::iter::once(span).chain(marks).collect(),
                )
            },
        })
    })
}
