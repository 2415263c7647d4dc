//! A program in a process of its own: started, heard, stopped, and what signals do to it.
//!
//! What it says on stderr is written into its log and told line by line. Not here: that all processes of
//! a run go when the run does (`reaper`).

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::super::used::Used;
use super::limits::{Limits, Meter};
use super::program::{Ear, RUN, open_log};
use super::run_id::RunId;

pub(super) mod cgroups;
mod group;
pub(super) mod namespaces;

use cgroups::Group;

/// All of a group are gone within this time after they were killed.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// How often that is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How to start a program.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// What it is called on this machine: by the run and its member.
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// The network namespace it lives in; none is that of this process.
    pub(super) namespace: Option<PathBuf>,
    /// Where what it says is written.
    pub(super) log: PathBuf,
    pub(super) run: RunId,
}

/// A running process. Dropping it does not end it.
pub(super) struct Process {
    name: String,
    child: Child,
    pid: Pid,
    run: RunId,
    /// It is to end: by our hand, or because the run is over.
    doomed: Arc<AtomicBool>,
    hearing: JoinHandle<()>,
}

impl Program {
    /// As a command: its environment says to which run it belongs, and nothing else.
    fn command(&self) -> Command {
        let mut command = match &self.namespace {
            None => Command::new(&self.path),
            Some(namespace) => {
                let mut command = Command::new("nsenter");
                command.arg(namespaces::net(namespace)).arg(&self.path);
                command
            }
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.args(&self.arguments).env_clear().env("PATH", path).env(RUN, self.run.as_str());
        // Ctrl-C at the terminal is for the harness, which knows in which order things end.
        command.process_group(0).stdin(Stdio::null());
        command
    }

    /// Runs it until it ends by itself, for so long at most; how it ended, if badly.
    pub(super) async fn run(&self, patience: Duration) -> io::Result<Option<String>> {
        let (out, err) = (open_log(&self.log)?, open_log(&self.log)?);
        let mut child = self.command().stdout(out).stderr(err).spawn()?;
        let Ok(ended) = timeout(patience, child.wait()).await else {
            let seconds = patience.as_secs();
            return Err(io::Error::other(format!("it has not ended within {seconds} s")));
        };
        match ended? {
            status if status.success() => Ok(None),
            status => Ok(Some(status.to_string())),
        }
    }

    /// Starts it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub(super) fn start(&self, ear: Ear) -> io::Result<Process> {
        let mut log = open_log(&self.log)?;
        let mut child =
            self.command().stdout(open_log(&self.log)?).stderr(Stdio::piped()).spawn()?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let pid = pid.ok_or_else(|| io::Error::other("it ended at once"))?;
        let said = child.stderr.take().expect("it was asked for");
        let doomed = Arc::new(AtomicBool::new(false));
        let is_doomed = doomed.clone();
        let hearing = tokio::spawn(async move {
            let mut lines = BufReader::new(said).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                // A full disk must not stop whoever speaks.
                let _ = writeln!(log, "{line}");
                ear(Some(&line));
            }
            if !is_doomed.load(Ordering::Acquire) {
                ear(None);
            }
        });
        let (name, run) = (self.name.clone(), self.run.clone());
        Ok(Process { name, child, pid, run, doomed, hearing })
    }
}

impl Process {
    /// Its number.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends it as nothing else does: it hears nothing of it. All that it has said is heard. What it has
    /// used.
    pub(super) async fn kill(self) -> Used {
        let used = self.used();
        self.doomed.store(true, Ordering::Release);
        self.gone().await;
        used
    }

    /// Ends it in an orderly way; if that takes longer, it is killed. What it has used.
    pub(super) async fn stop(mut self, patience: Duration) -> Used {
        let used = self.used();
        self.doomed.store(true, Ordering::Release);
        self.signal(Signal::TERM);
        // Whoever is late is killed.
        let _ = timeout(patience, self.child.wait()).await;
        self.gone().await;
        used
    }

    /// Ends what is left of it, and waits until nothing is.
    async fn gone(mut self) {
        self.signal(Signal::KILL);
        // One that is gone already has been waited for.
        let _ = self.child.wait().await;
        let is_gone = async {
            while !group::members(self.pid, &self.run).is_empty() {
                sleep(LOOK_EVERY).await;
                // One may have started another just then.
                self.signal(Signal::KILL);
            }
        };
        let _ = timeout(GONE_WITHIN, is_gone).await;
        // Somebody who left the group may still hold the other end.
        let _ = timeout(GONE_WITHIN, self.hearing).await;
    }

    fn used(&self) -> Used {
        let members = group::members(self.pid, &self.run).into_iter();
        members.map(Used::by).reduce(Used::beside).unwrap_or_default()
    }

    /// It stands still.
    pub(super) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// It goes on.
    pub(super) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// What it may use from now on, with all that it has started.
    pub(super) fn limit(&self, limits: Limits) -> io::Result<()> {
        Group::make(&self.name)?.hold(&group::members(self.pid, &self.run), limits)
    }

    /// Who counts how it fares with that.
    pub(super) fn meter(&self) -> io::Result<Meter> {
        Group::make(&self.name).map(Meter::Group)
    }

    fn signal(&self, signal: Signal) {
        group::signal(self.pid, &self.run, signal);
    }
}

/// What the system says of a process: `S`, `T` if it stands still, …; none if there is none.
pub(super) fn state(pid: Pid) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.trim_start().chars().next().filter(|state| !matches!(state, 'Z' | 'X'))
}
