//! How many blocks were there and not yet decided at the end of each second.

use bigchaindb_simulator::record::Results;

use super::{Bin, Figure, fault_bands, faults_said, run_time};
use crate::axis::Axis;
use crate::chart::{Chart, Ink, Line, Size};
use crate::words;

/// The figure; none if the run has no time to show.
pub(super) fn blocks(results: &Results, bins: &[Bin], size: Size) -> Option<Figure> {
    let most = bins.iter().map(|bin| bin.undecided_blocks).max()?;
    let counts = &results.measures.counts;
    Some(Figure {
        heading: "Undecided blocks".into(),
        note: "Blocks that wait for votes.".into(),
        chart: Chart {
            title: "Undecided blocks over time".into(),
            description: format!(
                "{}, of which {} valid, {} invalid and {} never decided; at most {} undecided at \
                 once.{}",
                words::counted(counts.blocks, "block", "blocks"),
                words::count(counts.blocks_valid),
                words::count(counts.blocks_invalid),
                words::count(counts.blocks_undecided),
                words::count(most),
                faults_said(results),
            ),
            x: run_time(results, size),
            y: Axis::amount(most as f64, 4),
            lines: vec![Line {
                label: "undecided blocks".into(),
                ink: Ink::Alone,
                points: (bins.iter())
                    .map(|bin| (bin.at_us, Some(bin.undecided_blocks as f64)))
                    .collect(),
            }],
            bands: fault_bands(results),
            shaded: Some("fault"),
        },
    })
}
