//! What each member used of its machine, second by second: a strip each.

use bigchaindb_simulator::measure::{Resources, Sample};

use super::Figure;
use super::strips::{Quantity, Strip, strips};
use super::timeline::Timeline;
use crate::chart::Size;
use crate::words;

/// Processor time, in per cent of one processor.
pub(super) fn processors(timeline: &Timeline<'_>, size: Size) -> Option<Figure> {
    let quantity = Quantity {
        heading: "Processors of each member".into(),
        note: "Processor time, user and system; 100 % is one processor all the time.".into(),
        title: "Processor time over time, by member".into(),
        said: |per_cent| format!("{per_cent:.0} %"),
    };
    let per_cent = |one: &Sample, next: &Sample| {
        let span_us = next.at_us.checked_sub(one.at_us).filter(|span_us| *span_us > 0)?;
        Some(next.cpu_ms.saturating_sub(one.cpu_ms) as f64 * 1e5 / span_us as f64)
    };
    strips(timeline, size, &members(timeline, per_cent), &quantity)
}

/// Resident memory, in bytes.
pub(super) fn memory(timeline: &Timeline<'_>, size: Size) -> Option<Figure> {
    let quantity = Quantity {
        heading: "Memory of each member".into(),
        note: "Resident memory.".into(),
        title: "Resident memory over time, by member".into(),
        said: bytes,
    };
    let level = |_: &Sample, next: &Sample| Some(next.rss_kib as f64 * 1_024.0);
    strips(timeline, size, &members(timeline, level), &quantity)
}

/// What was written to disks, in bytes a second.
pub(super) fn written(timeline: &Timeline<'_>, size: Size) -> Option<Figure> {
    let quantity = Quantity {
        heading: "Written by each member".into(),
        note: "Bytes written to disks, per second.".into(),
        title: "Writes to disks over time, by member".into(),
        said: |value| format!("{}/s", bytes(value)),
    };
    let rate = |one: &Sample, next: &Sample| {
        let span_us = next.at_us.checked_sub(one.at_us).filter(|span_us| *span_us > 0)?;
        Some(next.written_bytes?.saturating_sub(one.written_bytes?) as f64 * 1e6 / span_us as f64)
    };
    strips(timeline, size, &members(timeline, rate), &quantity)
}

/// What files take, in bytes.
pub(super) fn disk(timeline: &Timeline<'_>, size: Size) -> Option<Figure> {
    let quantity = Quantity {
        heading: "Disk of each member".into(),
        note: "What its files take.".into(),
        title: "Disk taken over time, by member".into(),
        said: bytes,
    };
    let level = |_: &Sample, next: &Sample| Some(next.disk_bytes? as f64);
    strips(timeline, size, &members(timeline, level), &quantity)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounded, not below 0")]
fn bytes(value: f64) -> String {
    words::bytes(value.max(0.0).round() as u64)
}

/// Every member with a quantity between each two of its samples.
fn members(
    timeline: &Timeline<'_>,
    between: impl Fn(&Sample, &Sample) -> Option<f64>,
) -> Vec<Strip> {
    let stretch_us = timeline.stretch_s() * 1_000_000;
    let length = timeline.seconds().len();
    let strip = |of: &Resources| {
        let mut values = vec![None; length];
        for pair in of.samples.windows(2) {
            let Some(value) = between(&pair[0], &pair[1]) else { continue };
            // Each second that the two samples have a part of; the later pair has the last word.
            let [from, to] = [pair[0].at_us, pair[1].at_us.saturating_sub(1)]
                .map(|us| usize::try_from(us / stretch_us).unwrap_or(usize::MAX).min(length));
            let to = (to + 1).min(length).max(from);
            values[from..to].iter_mut().for_each(|entry| *entry = Some(value));
        }
        Strip { name: of.member.clone(), values }
    };
    timeline.results.resources.iter().map(strip).collect()
}
