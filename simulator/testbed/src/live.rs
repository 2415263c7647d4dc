//! The view of a run while it goes: a few lines that change at a terminal, elsewhere a line every ten
//! seconds. All of it goes to stderr.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bigchaindb_simulator::live::{LATENCIES_OVER_S, Live, RATES_OVER_S, Scene, Stage};

use crate::progress;

/// At a terminal it changes this often.
const DRAWN_EVERY: Duration = Duration::from_millis(250);

/// Elsewhere a line is printed this often.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// Whether somebody looks on.
pub(crate) fn is_looked_at() -> bool {
    io::stderr().is_terminal()
}

/// A view of a run.
pub(crate) struct View {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl View {
    /// Shows the run, on a thread of its own.
    pub(crate) fn open(live: Live, title: String) -> Self {
        let (stop, stopped) = channel();
        let goes_on = move |every| stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout);
        let thread = if is_looked_at() {
            thread::spawn(move || {
                let spinner = progress::spinner(title.clone());
                while goes_on(DRAWN_EVERY) {
                    spinner.set_message(format!("{title}\n{}", lines(&live.scene())));
                }
                spinner.finish_and_clear();
            })
        } else {
            thread::spawn(move || {
                while goes_on(TOLD_EVERY) {
                    eprintln!("{}", line(&live.scene()));
                }
            })
        };
        Self { stop, thread }
    }

    /// Takes it away.
    pub(crate) fn close(self) {
        drop(self.stop);
        // One that has panicked has shown what it could.
        let _ = self.thread.join();
    }
}

/// How it stands, in lines.
fn lines(scene: &Scene) -> String {
    let Scene { now_us, end_us, stage, backlog, undecided, .. } = scene;
    let stage = match stage {
        Stage::Starting | Stage::Judging => stage.to_string(),
        _ => format!("{stage}, {} of {} at most", seconds(*now_us), seconds(*end_us)),
    };
    let latency = match scene.latency_us {
        Some((p50_us, p99_us)) => format!(
            "p50 {}, p99 {} until decided, of the last {LATENCIES_OVER_S} s",
            milliseconds(p50_us),
            milliseconds(p99_us)
        ),
        None => format!("nothing was decided in the last {LATENCIES_OVER_S} s"),
    };
    let (sent, accepted, decided) = (scene.sent_per_s, scene.accepted_per_s, scene.decided_per_s);
    let sparks = sparks(&scene.decided);
    [
        ("stage", stage),
        ("faults", listed(&scene.faults)),
        (
            "per second",
            format!(
                "sent {sent:.1}, accepted {accepted:.1}, decided {decided:.1} in the last {RATES_OVER_S} s"
            ),
        ),
        ("decided", sparks),
        ("waiting", format!("backlog {backlog}, undecided blocks {undecided}")),
        ("latency", latency),
        ("violations", violations(scene)),
    ]
    .map(|(name, value)| format!("  {name:<11}{value}"))
    .join("\n")
}

/// How it stands, in a line.
fn line(scene: &Scene) -> String {
    let latency = scene.latency_us.map_or_else(String::new, |(p50_us, p99_us)| {
        format!("; p50 {}, p99 {}", milliseconds(p50_us), milliseconds(p99_us))
    });
    format!(
        "{} {}; faults: {}; sent {:.1}/s, decided {:.1}/s; backlog {}, undecided blocks {}{latency}; \
         violations: {}",
        seconds(scene.now_us),
        scene.stage,
        listed(&scene.faults),
        scene.sent_per_s,
        scene.decided_per_s,
        scene.backlog,
        scene.undecided,
        violations(scene)
    )
}

fn listed(faults: &[String]) -> String {
    if faults.is_empty() { "none".to_owned() } else { faults.join(", ") }
}

fn violations(scene: &Scene) -> String {
    match &scene.violations {
        None => "looked for at the end".to_owned(),
        Some(seen) if seen.is_empty() => "none so far".to_owned(),
        Some(seen) => {
            let each: Vec<_> = seen.iter().map(|(id, count)| format!("{id}: {count}")).collect();
            each.join(", ")
        }
    }
}

fn seconds(us: u64) -> String {
    format!("{}.{} s", us / 1_000_000, us / 100_000 % 10)
}

fn milliseconds(us: u64) -> String {
    format!("{} ms", us.div_ceil(1_000))
}

/// Numbers as bars, the highest as high as can be.
fn sparks(numbers: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let highest = numbers.iter().copied().max().unwrap_or(0).max(1);
    let bar = |number: &u64| {
        let step = (number * (BARS.len() as u64 - 1)).div_ceil(highest);
        BARS[usize::try_from(step).unwrap_or(BARS.len() - 1)]
    };
    numbers.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn scene() -> Scene {
        Scene {
            now_us: 12_345_678,
            end_us: 60_000_000,
            stage: Stage::Loading,
            faults: vec!["kill n2".to_owned(), "partition n1,n3".to_owned()],
            sent_per_s: 50.0,
            accepted_per_s: 49.8,
            decided_per_s: 48.25,
            decided: vec![0, 10, 40, 48],
            backlog: 12,
            undecided: 2,
            latency_us: Some((112_001, 450_000)),
            violations: Some(BTreeMap::new()),
        }
    }

    #[test]
    fn a_scene_in_lines() {
        let expected = "  \
  stage      loading, 12.3 s of 60.0 s at most
  faults     kill n2, partition n1,n3
  per second sent 50.0, accepted 49.8, decided 48.2 in the last 5 s
  decided    ▁▃▇█
  waiting    backlog 12, undecided blocks 2
  latency    p50 113 ms, p99 450 ms until decided, of the last 10 s
  violations none so far";
        assert_eq!(lines(&scene()), expected);
    }

    #[test]
    fn a_scene_in_a_line() {
        let violations = Some(BTreeMap::from([("S2", 1), ("S8", 3)]));
        let scene = Scene { faults: Vec::new(), latency_us: None, violations, ..scene() };
        let expected = "12.3 s loading; faults: none; sent 50.0/s, decided 48.2/s; backlog 12, undecided \
                        blocks 2; violations: S2: 1, S8: 3";
        assert_eq!(line(&scene), expected);
        let scene = Scene { violations: None, ..scene };
        assert!(line(&scene).ends_with("; violations: looked for at the end"));
    }
}
