//! What a process uses of the machine: how long processors worked for it, how much memory it had.
//!
//! A member that was killed and started again is one that has used both: times add up, of memory the most
//! counts.

use std::fmt;
use std::fs;

use rustix::process::Pid;

/// What was used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Used {
    /// Of all processors together.
    pub(super) processor_ms: u64,
    /// The most at one time.
    pub(super) memory_kib: u64,
    /// What it had when it was looked at; nothing of one that is gone.
    pub(super) memory_now_kib: u64,
}

impl Used {
    /// What a process has used so far; nothing if it is gone.
    pub(super) fn by(pid: Pid) -> Self {
        let read = |file| {
            fs::read_to_string(format!("/proc/{}/{file}", pid.as_raw_nonzero())).unwrap_or_default()
        };
        Self::read(&read("stat"), &read("status"))
    }

    /// As Linux tells it: user and system time are fields 14 and 15 of `stat`, in hundredths of a second,
    /// and the second field is a name in brackets that may hold anything.
    fn read(stat: &str, status: &str) -> Self {
        let times = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace();
        let hundredths: u64 =
            times.skip(11).take(2).filter_map(|time| time.parse::<u64>().ok()).sum();
        let kib = |name| {
            let kib = status.lines().find_map(|line| line.strip_prefix(name));
            kib.and_then(|kib| kib.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
        };
        Self {
            processor_ms: hundredths * 10,
            memory_kib: kib("VmHWM:"),
            memory_now_kib: kib("VmRSS:"),
        }
    }

    /// Together with another that lives at the same time.
    pub(super) fn beside(self, other: Self) -> Self {
        Self {
            processor_ms: self.processor_ms + other.processor_ms,
            memory_kib: self.memory_kib + other.memory_kib,
            memory_now_kib: self.memory_now_kib + other.memory_now_kib,
        }
    }

    /// Its next life.
    pub(super) fn add(&mut self, next: Self) {
        self.processor_ms += next.processor_ms;
        self.memory_kib = self.memory_kib.max(next.memory_kib);
        self.memory_now_kib = next.memory_now_kib;
    }
}

impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor_ms, memory_kib, .. } = self;
        let (seconds, tenths) = (processor_ms / 1000, processor_ms % 1000 / 100);
        write!(f, "{seconds}.{tenths} s of processors, {} MiB at most", memory_kib.div_ceil(1024))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_add_up() {
        let stat = "7 (a) b) c) S 1 7 7 0 -1 4194560 9 0 0 0 123 45 0 0 20 0 4 0 99 1 2";
        let mut used = Used::read(stat, "VmHWM:\t   51300 kB\nVmRSS:\t 7 kB\n");
        let expected = Used { processor_ms: 1_680, memory_kib: 51_300, memory_now_kib: 7 };
        assert_eq!(used, expected);
        used.add(Used { processor_ms: 1_000, memory_kib: 3, memory_now_kib: 3 });
        assert_eq!(used.to_string(), "2.6 s of processors, 51 MiB at most");
        assert_eq!(Used::read("", ""), Used::default(), "who is gone tells nothing");
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_child(&child);
        while Used::by(pid).memory_kib == 0 {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
