//! A process and all that it has started: they share its number as that of their group.
//!
//! Nodes and servers of ours are one process each. A foreign member may be many, and what befalls it
//! befalls all of them, whether the first one is still there or not.

use std::fs;

use rustix::process::{Pid, Signal, kill_process_group};

use super::super::program::RUN;
use super::super::run_id::RunId;

/// Those of a group that live and belong to the run: a number that was given up may be another's.
pub(super) fn members(leader: Pid, run: &RunId) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let pids = numbers.filter_map(Pid::from_raw);
    pids.filter(|pid| is_in(*pid, leader) && is_of(*pid, run)).collect()
}

/// Sends a signal to all of them.
pub(super) fn signal(leader: Pid, run: &RunId, signal: Signal) {
    if !members(leader, run).is_empty() {
        // Gone is gone, whoever was faster.
        let _ = kill_process_group(leader, signal);
    }
}

/// The third field after the name is the group.
fn is_in(pid: Pid, leader: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    let stat = stat.unwrap_or_default();
    let mut fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
    let lives = fields.next().is_some_and(|state| !matches!(state, "Z" | "X"));
    lives && fields.nth(1) == Some(&leader.as_raw_nonzero().to_string())
}

fn is_of(pid: Pid, run: &RunId) -> bool {
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
    let mark = format!("{RUN}={run}");
    let environment = environment.unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
}
