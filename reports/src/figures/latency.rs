//! How long it took from the intended moment to the decision, second by second.

use bigchaindb_simulator::measure::Percentiles;
use bigchaindb_simulator::record::Results;

use super::{Bin, Figure, fault_bands, faults_said, per_point, run_time};
use crate::axis::Axis;
use crate::chart::{Chart, Ink, Line, Size};
use crate::words;

/// The figure; none if nothing was decided.
pub(super) fn latency(results: &Results, bins: &[Bin], size: Size) -> Option<Figure> {
    let measured = || bins.iter().filter_map(|bin| bin.latency.as_ref());
    let least = measured().map(|latency| latency.p50_us).min()?;
    let most = measured().map(|latency| latency.max_us).max()?;
    let line = |label: &str, ink, of: fn(&Percentiles) -> u64| Line {
        label: label.to_owned(),
        ink,
        points: bins
            .iter()
            .map(|bin| (bin.at_us, bin.latency.as_ref().map(|latency| of(latency) as f64)))
            .collect(),
    };
    let whole = &results.measures.latency.decided;
    Some(Figure {
        heading: "Latency".into(),
        note: format!(
            "From the intended moment to the decision, of what was decided in {} of the run. \
             Logarithmic; a gap means that nothing was decided.",
            per_point(results)
        ),
        chart: Chart {
            title: "Latency over time: median, 95th and 99th percentile, and longest".into(),
            description: format!(
                "Over the whole run half took at most {}, 99 % at most {}.{}",
                words::duration(whole.p50_us),
                words::duration(whole.p99_us),
                faults_said(results),
            ),
            x: run_time(results, size),
            y: Axis::latency(least, most),
            lines: vec![
                line("longest", Ink::Quiet, |latency| latency.max_us),
                line("p99", Ink::Late, |latency| latency.p99_us),
                line("p95", Ink::Early, |latency| latency.p95_us),
                line("p50", Ink::Done, |latency| latency.p50_us),
            ],
            bands: fault_bands(results),
            shaded: Some("fault"),
        },
    })
}
