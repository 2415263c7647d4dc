//! How much was asked, sent, accepted and decided, second by second.

use bigchaindb_simulator::record::Results;

use super::{Bin, Figure, fault_bands, faults_said, per_point, run_time};
use crate::axis::Axis;
use crate::chart::{Chart, Ink, Line, Size};
use crate::words;

/// The figure; none if nothing was asked.
pub(super) fn throughput(results: &Results, bins: &[Bin], size: Size) -> Option<Figure> {
    let line = |label: &str, ink, of: fn(&Bin) -> f64| Line {
        label: label.to_owned(),
        ink,
        points: bins.iter().map(|bin| (bin.at_us, Some(of(bin)))).collect(),
    };
    let lines = vec![
        line("requested", Ink::Quiet, |bin| bin.requested),
        line("sent", Ink::Early, |bin| bin.sent),
        line("accepted", Ink::Late, |bin| bin.accepted),
        line("decided valid", Ink::Done, |bin| bin.decided),
    ];
    let values = lines.iter().flat_map(|line| line.points.iter().filter_map(|(_, y)| *y));
    let most = values.fold(0.0, f64::max);
    if most == 0.0 {
        return None;
    }
    let counts = &results.measures.counts;
    Some(Figure {
        heading: "Throughput".into(),
        note: format!("Per second, {} of the run.", per_point(results)),
        chart: Chart {
            title: "Throughput over time: requested, sent, accepted and decided per second".into(),
            description: format!(
                "{} sent, {} accepted, {} decided valid; at most {} in a second.{}",
                words::counted(counts.sent, "operation", "operations"),
                words::count(counts.accepted),
                words::counted(counts.decided_valid, "transaction", "transactions"),
                most.round(),
                faults_said(results),
            ),
            x: run_time(results, size),
            y: Axis::amount(most, 4),
            lines,
            bands: fault_bands(results),
            shaded: Some("fault"),
        },
    })
}
