//! How many transactions waited at the end of each second.

use bigchaindb_simulator::record::Results;

use super::{Bin, Figure, fault_bands, faults_said, run_time};
use crate::axis::Axis;
use crate::chart::{Chart, Ink, Line, Size};
use crate::words;

/// The figure; none if the run has no time to show.
pub(super) fn backlog(results: &Results, bins: &[Bin], size: Size) -> Option<Figure> {
    let most = bins.iter().map(|bin| bin.backlog).max()?;
    let last = bins.last().map_or(0, |bin| bin.backlog);
    Some(Figure {
        heading: "Backlog".into(),
        note: "Transactions that wait for a block.".into(),
        chart: Chart {
            title: "Rows in the backlog over time".into(),
            description: format!(
                "At most {} waited, {} at the end.{}",
                words::counted(most, "transaction", "transactions"),
                words::count(last),
                faults_said(results),
            ),
            x: run_time(results, size),
            y: Axis::amount(most as f64, 4),
            lines: vec![Line {
                label: "waiting transactions".into(),
                ink: Ink::Alone,
                points: bins.iter().map(|bin| (bin.at_us, Some(bin.backlog as f64))).collect(),
            }],
            bands: fault_bands(results),
            shaded: Some("fault"),
        },
    })
}
