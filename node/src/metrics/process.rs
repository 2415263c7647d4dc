//! What the operating system says of this process. Where there is no `/proc`, nothing.

use std::fs;
use std::time::Duration;

use super::lines::Lines;
use super::table::Gauge;

/// A tick of the processor's clock as `/proc` counts it, on every Linux.
const TICK_MS: u64 = 10;

/// Sets the gauges of the process.
pub(super) fn measure(lines: &Lines, uptime: Duration) {
    let set = |gauge, level: Option<u64>| {
        if let Some(level) = level {
            lines.set(gauge, level);
        }
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    set(Gauge::ProcessRss, field(&status, "VmRSS:").map(|kib| kib * 1024));
    set(Gauge::ProcessThreads, field(&status, "Threads:"));
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    set(Gauge::ProcessCpu, ticks(&stat).map(|ticks| ticks * TICK_MS));
    let files = fs::read_dir("/proc/self/fd").ok();
    set(Gauge::ProcessOpenFiles, files.map(|files| files.count() as u64));
    set(Gauge::ProcessUptime, Some(uptime.as_secs()));
}

/// A number after its name.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Time in the program and in the system for it: fields 14 and 15. The second one, the program's name,
/// may hold anything, so they are counted from its end.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}
