//! Whatever way a run ends, what it has started on this machine goes.
//!
//! A process beside the harness holds the end of a pipe to it. When the pipe closes the harness has come
//! to an end, by itself or not, and all that carries the run's name is taken away: processes by a
//! variable in their environment, network namespaces, control groups, disks and the sockets of SSH by their names, containers
//! and their networks by a label. A run that ends well goes the same way. Here: that process ([`watch`]), the harness' side of it (`Watcher`), and what is left over of
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
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::super::cluster::sockets;
use super::disk;
use super::docker::{Engine, Thing};
use super::processes::{cgroups, namespaces};
use super::program::RUN;
use super::run_id::RunId;

/// The command of `testbed` that watches over a run.
pub const COMMAND: &str = "watch-over";

/// Its option: there are containers of the run.
const CONTAINERS: &str = "--containers";

/// An engine that does not answer within this time is none.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Who is on the way to become a process of the run cannot be seen for a moment: it is looked for again
/// after this long,
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// and nobody may have been seen so often in a row.
const LOOKS: u32 = 3;

/// The same, where an engine may still be about to make a container for somebody who is gone.
const LOOKS_AT_ENGINE: u32 = 20;

/// More looks than this are none: something that cannot be killed waits for a disk.
const LOOKS_MAX: u32 = 160;

/// The harness' side: while it lives, the run does.
pub(in super::super) struct Watcher {
    child: Child,
    /// `None` only while it is being dropped.
    pipe: Option<ChildStdin>,
}

impl Watcher {
    /// Starts the process that watches: `program` is the `testbed` itself.
    /// Whether there are containers of it has to be said.
    pub(in super::super) fn start(
        program: &Path,
        run: &RunId,
        containers: bool,
    ) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args([COMMAND, run.as_str()]).process_group(0);
        if containers {
            command.arg(CONTAINERS);
        }
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
pub fn watch(run: &RunId, containers: bool) -> io::Result<()> {
    // An error is an end as well.
    let _ = io::stdin().lock().read_to_end(&mut Vec::new());
    let containers = if containers { Some(Containers::look()?) } else { None };
    reap(run, containers.as_ref()).map(drop)
}

/// Takes away what belongs to a run, in an engine if there is one; how many things that was.
///
/// # Errors
/// If something stays.
pub fn reap(run: &RunId, containers: Option<&Containers>) -> io::Result<usize> {
    let (mut reaped, mut quiet) = (BTreeSet::new(), 0);
    let looks = if containers.is_some() { LOOKS_AT_ENGINE } else { LOOKS };
    let mut stays = None;
    for _ in 0..LOOKS_MAX {
        let found: Vec<_> = processes().filter(|(_, of)| of == run).collect();
        // Networks go after those who live in them; one that was being made is seen a look later.
        let mut names: Vec<_> = named().collect();
        names.retain(|(name, _)| found.is_empty() && is_of(name, run));
        let in_engine = match containers {
            None => BTreeSet::new(),
            Some(containers) => containers.first_to_go(run)?,
        };
        let is_quiet = found.is_empty() && names.is_empty() && in_engine.is_empty();
        quiet = if is_quiet { quiet + 1 } else { 0 };
        if quiet == looks {
            return Ok(reaped.len());
        }
        // A container that is told to go takes its process with it.
        if let Some(containers) = containers.filter(|_| !in_engine.is_empty()) {
            stays = containers.remove(&in_engine).err();
        }
        reaped.extend(in_engine.iter().map(|thing| thing.name().to_owned()));
        for (pid, _) in found.into_iter().filter(|_| in_engine.is_empty()) {
            // Gone is gone, whoever was faster.
            let _ = kill_process(pid, Signal::KILL);
            reaped.insert(pid.as_raw_nonzero().to_string());
        }
        for (name, remove) in names {
            stays = remove(&name).err();
            reaped.insert(name);
        }
        sleep(LOOK_AGAIN);
    }
    Err(stays.unwrap_or_else(|| io::Error::other(format!("processes of the run {run} do not end"))))
}

/// What there is of a run: its processes by number, all else by name.
pub fn remains(run: &RunId, containers: Option<&Containers>) -> Vec<String> {
    let of_run = processes().filter(|(_, of)| of == run);
    let numbers = of_run.map(|(pid, _)| pid.as_raw_nonzero().to_string());
    let names = named().map(|(name, _)| name).filter(|name| is_of(name, run));
    let things = containers.and_then(|containers| containers.things().ok()).unwrap_or_default();
    let things = things.into_iter().filter(|(of, _)| of == run);
    numbers.chain(names).chain(things.map(|(_, thing)| thing.name().to_owned())).collect()
}

/// The runs of which something is there, though nobody runs them any more.
pub fn leftovers(containers: Option<&Containers>) -> BTreeSet<RunId> {
    let of_processes = processes().map(|(_, run)| run);
    let of_names = named().filter_map(|(name, _)| RunId::of_name(&name));
    let things = containers.and_then(|containers| containers.things().ok()).unwrap_or_default();
    let all = of_processes.chain(of_names).chain(things.into_iter().map(|(run, _)| run));
    all.filter(|run| !run.is_running()).collect()
}

/// Who keeps containers of runs.
pub struct Containers {
    runtime: Runtime,
    engine: Engine,
}

impl Containers {
    /// Looks for the engine.
    ///
    /// # Errors
    /// If none answers.
    pub fn look() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let engine = runtime.block_on(async { timeout(ANSWER_WITHIN, Engine::find()).await })??;
        Ok(Self { runtime, engine })
    }

    fn things(&self) -> io::Result<Vec<(RunId, Thing)>> {
        self.runtime.block_on(self.engine.things())
    }

    /// What there is of a run, and can be taken away now: networks go after those who live in them.
    fn first_to_go(&self, run: &RunId) -> io::Result<BTreeSet<Thing>> {
        let all = self.things()?.into_iter().filter(|(of, _)| of == run);
        let (containers, networks): (BTreeSet<_>, BTreeSet<_>) =
            all.map(|(_, thing)| thing).partition(|thing| matches!(thing, Thing::Container { .. }));
        Ok(if containers.is_empty() { networks } else { containers })
    }

    fn remove(&self, things: &BTreeSet<Thing>) -> io::Result<()> {
        self.runtime.block_on(self.engine.remove(things))
    }
}

/// All on this machine that may carry the name of a run, with who takes it away.
fn named() -> impl Iterator<Item = (String, Remove)> {
    let kinds: [(Vec<String>, Remove); 4] = [
        (namespaces::all(), namespaces::remove),
        (cgroups::all(), cgroups::remove),
        (disk::all(), disk::remove),
        (sockets::all(), sockets::remove),
    ];
    kinds.into_iter().flat_map(|(names, remove)| names.into_iter().map(move |name| (name, remove)))
}

/// Takes what has this name away.
type Remove = fn(&str) -> io::Result<()>;

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
        while !leftovers(None).contains(&run) || !leftovers(None).contains(&other) {
            sleep(Duration::from_millis(1));
        }
        assert_eq!(reap(&run, None).unwrap(), 1);
        assert!(!mine.wait().unwrap().success());
        assert!(stranger.try_wait().unwrap().is_none(), "another run's process lives on");
        assert!(!leftovers(None).contains(&run));
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
}
