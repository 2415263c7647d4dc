//! Whatever way a run ends, what it has started on this machine goes.
//!
//! A process beside the harness holds the end of a pipe to it. When the pipe closes the harness has come
//! to an end, by itself or not, and all that carries the run's name is taken away: processes by a
//! variable in their environment, network namespaces by their names. A run that ends well goes the same
//! way. Here: that process ([`watch`]), the harness' side of it (`Watcher`), and what is left over of
//! runs that nobody watched ([`leftovers`]). Files are never taken away.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::processes::RUN;
use super::processes::namespaces;
use super::run_id::RunId;

/// The command of `testbed` that watches over a run.
pub const COMMAND: &str = "watch-over";

/// Who is on the way to become a process of the run cannot be seen for a moment: it is looked for again
/// after this long,
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// and nobody may have been seen so often in a row.
const LOOKS: u32 = 3;

/// More looks than this are none: something that cannot be killed waits for a disk.
const LOOKS_MAX: u32 = 160;

/// The harness' side: while it lives, the run does.
pub(super) struct Watcher {
    child: Child,
    /// `None` only while it is being dropped.
    pipe: Option<ChildStdin>,
}

impl Watcher {
    /// Starts the process that watches: `program` is the `testbed` itself.
    pub(super) fn start(program: &Path, run: &RunId) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args([COMMAND, run.as_str()]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let pipe = child.stdin.take();
        Ok(Self { child, pipe })
    }
}

impl Drop for Watcher {
    /// Waits until all of the run is gone.
    fn drop(&mut self) {
        self.pipe = None;
        let _ = self.child.wait();
    }
}

/// Waits until stdin closes, then takes away what belongs to the run.
///
/// # Errors
/// If something stays.
pub fn watch(run: &RunId) -> io::Result<()> {
    // An error is an end as well.
    let _ = io::stdin().lock().read_to_end(&mut Vec::new());
    reap(run).map(drop)
}

/// Takes away what belongs to a run; how many things that was.
///
/// # Errors
/// If something stays.
pub fn reap(run: &RunId) -> io::Result<usize> {
    let (mut reaped, mut quiet) = (BTreeSet::new(), 0);
    let mut stays = None;
    for _ in 0..LOOKS_MAX {
        let found: Vec<_> = processes().filter(|(_, of)| of == run).collect();
        // Networks go after those who live in them; one that was being made is seen a look later.
        let mut names = namespaces::all();
        names.retain(|name| found.is_empty() && is_of(name, run));
        quiet = if found.is_empty() && names.is_empty() { quiet + 1 } else { 0 };
        if quiet == LOOKS {
            return Ok(reaped.len());
        }
        for (pid, _) in found {
            // Gone is gone, whoever was faster.
            let _ = kill_process(pid, Signal::KILL);
            reaped.insert(pid.as_raw_nonzero().to_string());
        }
        for name in names {
            stays = namespaces::remove(&name).err();
            reaped.insert(name);
        }
        sleep(LOOK_AGAIN);
    }
    Err(stays.unwrap_or_else(|| io::Error::other(format!("processes of the run {run} do not end"))))
}

/// What there is of a run: its processes by number, its namespaces by name.
pub fn remains(run: &RunId) -> Vec<String> {
    let of_run = processes().filter(|(_, of)| of == run);
    let numbers = of_run.map(|(pid, _)| pid.as_raw_nonzero().to_string());
    numbers.chain(namespaces::all().into_iter().filter(|name| is_of(name, run))).collect()
}

/// The runs of which something is there, though nobody runs them any more.
pub fn leftovers() -> BTreeSet<RunId> {
    let of_processes = processes().map(|(_, run)| run);
    let of_names = namespaces::all().into_iter().filter_map(|name| RunId::of_name(&name));
    of_processes.chain(of_names).filter(|run| !run.is_running()).collect()
}

fn is_of(name: &str, run: &RunId) -> bool {
    RunId::of_name(name).as_ref() == Some(run)
}

/// Every process that belongs to a run, as far as this user may see.
fn processes() -> impl Iterator<Item = (Pid, RunId)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let environment = fs::read(entry.path().join("environ")).ok()?;
        Some((pid, run_in(&environment)?))
    })
}

/// The run that an environment names, as the system shows it: variables with a zero byte behind each.
fn run_in(environment: &[u8]) -> Option<RunId> {
    let mut variables = environment.split(|byte| *byte == 0);
    let value = variables.find_map(|variable| {
        variable.strip_prefix(RUN.as_bytes()).and_then(|rest| rest.strip_prefix(b"="))
    })?;
    let name = std::str::from_utf8(value).ok()?;
    RunId::of_name(name).filter(|run| run.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_names_the_run() {
        let run = RunId::of_this_process().unwrap();
        let of = |text: String| run_in(text.as_bytes());
        assert_eq!(of(format!("PATH=/bin\0{RUN}={run}\0A=b\0")).as_ref(), Some(&run));
        for other in
            ["", "PATH=/bin\0", "TESTBED_RUN=\0", "TESTBED_RUN=no\0", "TESTBED_RUNS=tb1-1\0"]
        {
            assert_eq!(of(other.to_owned()), None, "{other:?}");
        }
        assert_eq!(of(format!("{RUN}={run}-n1\0")), None, "the whole value is the name");
    }

    #[test]
    fn what_carries_the_name_of_a_run_goes_and_nothing_else() {
        // A run of a process that is not there any more.
        let mut gone = Command::new("true").spawn().unwrap();
        let run = RunId::of_name(&format!("tb{}-1", gone.id())).unwrap();
        gone.wait().unwrap();
        let other = RunId::of_name("tb1-zz").unwrap();
        let sleeper = |run: &RunId| Command::new("sleep").arg("60").env(RUN, run.as_str()).spawn();
        let (mut mine, mut stranger) = (sleeper(&run).unwrap(), sleeper(&other).unwrap());
        while !leftovers().contains(&run) || !leftovers().contains(&other) {
            sleep(Duration::from_millis(1));
        }
        assert_eq!(reap(&run).unwrap(), 1);
        assert!(!mine.wait().unwrap().success());
        assert!(stranger.try_wait().unwrap().is_none(), "another run's process lives on");
        assert!(!leftovers().contains(&run));
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
