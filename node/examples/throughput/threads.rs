//! Whose processor time it was: by the names of this process' threads, as Linux counts it; and the database's, if it
//! is another process.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Sub;

/// Processor time, in seconds.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Time {
    pub(crate) user: f64,
    pub(crate) system: f64,
}

/// The threads' times so far, by name; threads of one name together. Clients' threads are those that have
/// ended. `server` is another process, which counts as one.
pub(crate) fn times(server: Option<u32>) -> BTreeMap<String, Time> {
    let mut times: BTreeMap<String, Time> = BTreeMap::new();
    let mut living = Time::default();
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        if let Some((name, time)) = read(&stat) {
            let sum = times.entry(name).or_default();
            *sum = *sum + time;
            living = living + time;
        }
    }
    times.insert("clients".to_owned(), process("self") - living);
    if let Some(server) = server {
        times.insert("database's process".to_owned(), process(&server.to_string()));
    }
    times
}

/// The time of a process so far, with that of its threads that have ended.
fn process(id: &str) -> Time {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    read(&stat).map_or(Time::default(), |(_, time)| time)
}

/// How long this machine has been up, in seconds: the clock of `perf record -k CLOCK_MONOTONIC`, to a hundredth,
/// as long as the machine has not slept. Empty if nobody tells.
pub(crate) fn uptime() -> String {
    let told = fs::read_to_string("/proc/uptime").unwrap_or_default();
    told.split_whitespace().next().unwrap_or_default().to_owned()
}

/// The name is in brackets and may hold anything; user and system time are the 14th and 15th fields, in
/// hundredths of a second.
///
/// Source: Linux, proc_pid_stat(5).
fn read(stat: &str) -> Option<(String, Time)> {
    let (head, rest) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let mut times = rest.split_whitespace().skip(11).map(|time| time.parse::<f64>().unwrap_or(0.0));
    let (user, system) = (times.next()? / 100.0, times.next()? / 100.0);
    // Threads of a pool differ in their last number.
    let name = name.trim_end_matches(|end: char| end.is_ascii_digit() || end == '-');
    Some((name.to_owned(), Time { user, system }))
}

impl Time {
    pub(crate) fn both(self) -> f64 {
        self.user + self.system
    }
}

impl std::ops::Add for Time {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { user: self.user + other.user, system: self.system + other.system }
    }
}

impl Sub for Time {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { user: self.user - other.user, system: self.system - other.system }
    }
}
