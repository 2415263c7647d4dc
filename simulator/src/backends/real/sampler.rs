//! Looking at members once a second: what they use of the machine, as Linux tells it.
//!
//! A member that was started again has other processes with counts of their own: those of earlier lives
//! stay in its sums, as they were when they were last seen. Of a member of several processes, the first
//! one is looked at. Not here: what it comes to (`measure::resources`).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Pid;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::super::used::Used;
use super::Recorder;
use crate::measure::{Resources, Sample};

/// How often somebody looks.
const EVERY: Duration = Duration::from_secs(1);

/// A run keeps so many looks at each member at most: beyond that, every second one is dropped, again and again.
const SAMPLES_MAX: usize = 2_000;

/// A member that is looked at.
pub(in super::super) struct Member {
    /// Its first process now, if it runs.
    pid: Box<dyn Fn() -> Option<Pid> + Send>,
    /// Where its files are, if it keeps any.
    files: Option<PathBuf>,
    /// What it had used in earlier lives, and in this one when it was last seen.
    before: Counts,
    now: Counts,
    life: Option<Pid>,
    resources: Resources,
    /// Every so many looks one is kept.
    keep_every: usize,
    looks: usize,
}

/// What only grows while a process lives.
#[derive(Clone, Copy, Default)]
struct Counts {
    cpu_ms: u64,
    written_bytes: Option<u64>,
    received_bytes: Option<u64>,
    sent_bytes: Option<u64>,
}

/// Whoever looks.
pub(in super::super) struct Sampler {
    stop: oneshot::Sender<()>,
    looking: JoinHandle<Vec<Resources>>,
}

impl Sampler {
    /// Looks at these from now on.
    pub(in super::super) fn start(mut members: Vec<Member>, recorder: &Recorder) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let recorder = recorder.clone();
        let look_at_all = move |members: &mut [Member]| {
            let at_us = recorder.now_us();
            members.iter_mut().for_each(|member| member.look(at_us));
        };
        let looking = tokio::spawn(async move {
            let mut ticks = interval(EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = &mut stopped => break,
                    _ = ticks.tick() => look_at_all(&mut members),
                }
            }
            look_at_all(&mut members);
            members.into_iter().map(|member| member.resources).collect()
        });
        Self { stop, looking }
    }

    /// Looks once more; what all have used.
    pub(in super::super) async fn finish(self) -> Vec<Resources> {
        drop(self.stop);
        // One that has panicked has nothing to tell.
        self.looking.await.unwrap_or_default()
    }
}

impl Member {
    /// A member of this name whose first process is whatever `pid` says when it is asked.
    pub(in super::super) fn new(
        name: &str,
        pid: impl Fn() -> Option<Pid> + Send + 'static,
        files: Option<PathBuf>,
    ) -> Self {
        Self {
            pid: Box::new(pid),
            files,
            before: Counts::default(),
            now: Counts::default(),
            life: None,
            resources: Resources { member: name.to_owned(), ..Resources::default() },
            keep_every: 1,
            looks: 0,
        }
    }

    /// This process, with all that is in it.
    pub(in super::super) fn of_this_process(files: Option<PathBuf>) -> Self {
        let pid = rustix::process::getpid();
        Self::new("all", move || Some(pid), files)
    }

    fn look(&mut self, at_us: u64) {
        let pid = (self.pid)();
        if pid.is_some() && pid != self.life {
            self.before = self.before.plus(self.now);
            self.now = Counts::default();
            self.life = pid;
        }
        let mut rss_kib = 0;
        let mut open_files = None;
        if let Some(pid) = pid {
            let used = Used::by(pid);
            // One that has just gone is as it was when it was last seen.
            if used != Used::default() {
                self.now = Counts::of(pid, used);
                rss_kib = used.memory_now_kib;
                self.resources.rss_kib_max = self.resources.rss_kib_max.max(used.memory_kib);
                open_files = fs::read_dir(proc(pid, "fd")).ok().map(|files| files.count() as u64);
            }
        }
        let Counts { cpu_ms, written_bytes, received_bytes, sent_bytes } =
            self.before.plus(self.now);
        let disk_bytes = self.files.as_deref().map(size_of);
        let sample = Sample {
            at_us,
            cpu_ms,
            rss_kib,
            written_bytes,
            disk_bytes,
            received_bytes,
            sent_bytes,
            open_files,
        };
        let all = &mut self.resources;
        (all.cpu_ms, all.written_bytes, all.disk_bytes) = (cpu_ms, written_bytes, disk_bytes);
        (all.received_bytes, all.sent_bytes) = (received_bytes, sent_bytes);
        all.open_files_max = all.open_files_max.max(open_files);
        if self.looks.is_multiple_of(self.keep_every) {
            all.samples.push(sample);
        }
        self.looks += 1;
        if all.samples.len() > SAMPLES_MAX {
            let mut place = 0;
            all.samples.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.keep_every *= 2;
        }
    }
}

impl Counts {
    fn of(pid: Pid, used: Used) -> Self {
        let network = network(pid);
        Self {
            cpu_ms: used.processor_ms,
            written_bytes: fs::read_to_string(proc(pid, "io")).ok().and_then(|io| written(&io)),
            received_bytes: network.map(|(received, _)| received),
            sent_bytes: network.map(|(_, sent)| sent),
        }
    }

    fn plus(self, other: Self) -> Self {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        Self {
            cpu_ms: self.cpu_ms + other.cpu_ms,
            written_bytes: sum(self.written_bytes, other.written_bytes),
            received_bytes: sum(self.received_bytes, other.received_bytes),
            sent_bytes: sum(self.sent_bytes, other.sent_bytes),
        }
    }
}

fn proc(pid: Pid, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/{file}", pid.as_raw_nonzero()))
}

/// What a process' network has received and sent, if it is not the one that we are in ourselves.
fn network(pid: Pid) -> Option<(u64, u64)> {
    let theirs = fs::read_link(proc(pid, "ns/net")).ok()?;
    let ours = fs::read_link("/proc/self/ns/net").ok()?;
    let table = fs::read_to_string(proc(pid, "net/dev")).ok().filter(|_| theirs != ours)?;
    Some(passed(&table))
}

/// Bytes received and sent, of all interfaces but the one within the machine: after an interface's name and
/// a colon, the first and the ninth number.
///
/// Source: Linux, proc_pid_net(5).
fn passed(table: &str) -> (u64, u64) {
    let lines = table.lines().filter_map(|line| line.split_once(':'));
    let others = lines.filter(|(name, _)| name.trim() != "lo");
    let numbers = others.map(|(_, rest)| {
        let number = |place| rest.split_whitespace().nth(place).and_then(|word| word.parse().ok());
        (number(0).unwrap_or(0), number(8).unwrap_or(0))
    });
    numbers.fold((0, 0), |all: (u64, u64), one: (u64, u64)| (all.0 + one.0, all.1 + one.1))
}

/// Source: Linux, proc_pid_io(5).
fn written(io: &str) -> Option<u64> {
    io.lines().find_map(|line| line.strip_prefix("write_bytes:"))?.trim().parse().ok()
}

/// What a file takes, or a folder with all that is in it, in bytes; what goes away meanwhile counts nothing.
fn size_of(path: &Path) -> u64 {
    let Ok(about) = path.symlink_metadata() else { return 0 };
    if !about.is_dir() {
        return about.len();
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| size_of(&entry.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_tells_is_read() {
        let table = "Inter-|   Receive                        |  Transmit\n \
                     face |bytes    packets errs drop fifo frame compressed multicast|bytes packets\n    \
                     lo:  100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0\n  \
                     eth0: 2000 3 0 0 0 0 0 0 70 2 0 0 0 0 0 0\n  v1:5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0\n";
        assert_eq!(passed(table), (2005, 76));
        assert_eq!(written("rchar: 3\nwrite_bytes: 4096\ncancelled_write_bytes: 0\n"), Some(4096));
        assert_eq!((written(""), passed("")), (None, (0, 0)));
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        fs::write(folder.path().join("a/b"), [0; 70]).unwrap();
        fs::write(folder.path().join("c"), [0; 7]).unwrap();
        assert_eq!((size_of(folder.path()), size_of(Path::new("/nowhere"))), (77, 0));
    }

    #[test]
    fn lives_add_up() {
        let mut first = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let mut second = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pids = [Some(Pid::from_child(&first)), None, Some(Pid::from_child(&second))];
        let turn = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let at = turn.clone();
        let mut member =
            Member::new("n1", move || pids[at.load(std::sync::atomic::Ordering::Relaxed)], None);
        for next in 0..3 {
            turn.store(next, std::sync::atomic::Ordering::Relaxed);
            member.look(next as u64);
            member.now.cpu_ms += 1_000;
        }
        member.before = member.before.plus(member.now);
        assert!(member.before.cpu_ms >= 3_000, "{}", member.before.cpu_ms);
        let Resources { samples, disk_bytes, received_bytes, .. } = member.resources;
        let seen: Vec<_> = samples.iter().map(|sample| sample.rss_kib > 0).collect();
        assert_eq!(seen, [true, false, true]);
        assert!(samples[2].cpu_ms >= 2_000 && samples[1].open_files.is_none());
        assert_eq!((disk_bytes, received_bytes), (None, None));
        for child in [&mut first, &mut second] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[test]
    fn long_runs_keep_fewer_samples() {
        let mut member = Member::new("n1", || None, None);
        (0..10_000).for_each(|second| member.look(second));
        let kept = &member.resources.samples;
        assert!((SAMPLES_MAX / 2..=SAMPLES_MAX).contains(&kept.len()), "{}", kept.len());
        let gaps: Vec<_> = kept.windows(2).map(|pair| pair[1].at_us - pair[0].at_us).collect();
        assert!(gaps.iter().all(|gap| *gap == gaps[0]), "they are evenly spread");
    }
}
