//! A program in a container: started, heard, stopped, and what signals do to it.
//!
//! It sees the run's folder where this machine has it, works for the user that the harness works for, and
//! leaves nothing in the container that anybody needs: one that has ended is taken away.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, ContainerUpdateBody, HostConfig};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, KillContainerOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
};
use futures_util::StreamExt as _;
use rustix::process::{Pid, getgid, getuid};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::super::used::Used;
use super::super::limits::{Limits, PERIOD_US, SHARE_US};
use super::super::processes::cgroups::Group;
use super::super::program::{self, Ear, open_log};
use super::super::run_id::RunId;
use super::engine::{failed, failed_to};
use super::{Engine, RUN};

/// How a program has ended that has done what it was asked for.
const WELL: i64 = 0;

/// How one has ended that was killed: 128 and the number of SIGKILL.
const KILLED: i64 = 137;

/// How the engine calls it that there is no limit, where it has a word for that;
const NO_LIMIT: i64 = -1;

/// and more memory than there is, where it has none, in bytes.
const MEMORY_MAX: u64 = 1 << 50;

/// How to start a program in a container.
#[derive(Clone, Debug)]
pub(in super::super) struct Program {
    pub(in super::super) engine: Engine,
    pub(in super::super) image: String,
    pub(in super::super) executable: &'static str,
    pub(in super::super) arguments: Vec<OsString>,
    /// The container whose network it shares.
    pub(in super::super) machine: String,
    /// The name of its own.
    pub(in super::super) name: String,
    /// What it sees of this machine's files.
    pub(in super::super) folder: PathBuf,
    /// Where what it says is written.
    pub(in super::super) log: PathBuf,
    pub(in super::super) run: RunId,
}

/// A program that runs in a container. Dropping it does not end it.
pub(in super::super) struct Container {
    engine: Engine,
    id: String,
    pid: Option<Pid>,
    /// It is to end: by our hand, or because the run is over.
    doomed: Arc<AtomicBool>,
    /// The status with which it ended, once all that it said is heard.
    ended: watch::Receiver<Option<i64>>,
    hearing: JoinHandle<()>,
}

impl Program {
    /// Runs it until it ends by itself, for so long at most; how it ended, if badly.
    pub(in super::super) async fn run(&self, patience: Duration) -> io::Result<Option<String>> {
        let mut container = self.start(Arc::new(|_| ())).await?;
        let ended = timeout(patience, container.ended.wait_for(Option::is_some)).await;
        let ended = ended.map(|ended| ended.map(|status| *status));
        container.remove().await;
        match ended {
            Ok(Ok(Some(WELL))) => Ok(None),
            Ok(Ok(status)) => Ok(Some(told(status.unwrap_or(-1)))),
            Ok(Err(_)) => Err(io::Error::other("nobody can say how it ended")),
            Err(_) => {
                let seconds = patience.as_secs();
                Err(io::Error::other(format!("it has not ended within {seconds} s")))
            }
        }
    }

    /// Starts it.
    ///
    /// # Errors
    /// If the engine does not do it.
    pub(in super::super) async fn start(&self, ear: Ear) -> io::Result<Container> {
        let log = open_log(&self.log)?;
        let docker = &self.engine.0;
        let options = CreateContainerOptionsBuilder::new().name(&self.name).build();
        let created = docker.create_container(Some(options), self.body()?).await;
        let id = created.map_err(failed_to(format_args!("making {}", self.name)))?.id;
        let started = docker.start_container(&id, None).await;
        started.map_err(failed_to(format_args!("starting {}", self.name)))?;
        let inspected = docker.inspect_container(&id, None).await;
        let state = inspected.map_err(failed_to(format_args!("looking at {}", self.name)))?.state;
        // One that has ended already has no number.
        let pid = state.and_then(|state| Pid::from_raw(state.pid?.try_into().ok()?));
        let doomed = Arc::new(AtomicBool::new(false));
        let (end, ended) = watch::channel(None);
        let hearing = Hearing { engine: self.engine.clone(), id: id.clone(), log, ear, end };
        let hearing = tokio::spawn(hearing.hear(doomed.clone()));
        let engine = self.engine.clone();
        Ok(Container { engine, id, pid, doomed, ended, hearing })
    }

    fn body(&self) -> io::Result<ContainerCreateBody> {
        let text = |argument: &OsString| {
            argument.to_str().map(str::to_owned).ok_or_else(|| {
                io::Error::other(format!("`{}` is no text", argument.to_string_lossy()))
            })
        };
        let arguments = self.arguments.iter().map(text).collect::<io::Result<Vec<_>>>()?;
        let folder = self.folder.display();
        let host = HostConfig {
            network_mode: Some(format!("container:{}", self.machine)),
            binds: Some(vec![format!("{folder}:{folder}")]),
            ..HostConfig::default()
        };
        Ok(ContainerCreateBody {
            image: Some(self.image.clone()),
            entrypoint: Some(vec![self.executable.to_owned()]),
            cmd: Some(arguments),
            env: Some(vec![format!("{}={}", program::RUN, self.run)]),
            user: Some(format!("{}:{}", getuid().as_raw(), getgid().as_raw())),
            labels: Some([(RUN.to_owned(), self.run.to_string())].into()),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        })
    }
}

/// Who knows how a container fares with what it may use.
#[derive(Clone)]
pub(in super::super) struct Meter {
    engine: Engine,
    id: String,
    /// What the engine has put it into. It says more than the engine does, and goes with the container.
    group: Group,
}

impl Meter {
    /// What counts what it uses.
    pub(in super::super) fn group(&self) -> &Group {
        &self.group
    }

    /// Whether the system has killed it because it wanted more memory. Not every engine notices that; a
    /// SIGKILL that nobody has sent says the same.
    pub(in super::super) async fn outgrown(&self) -> io::Result<u64> {
        let inspected = self.engine.0.inspect_container(&self.id, None).await.map_err(failed)?;
        let state = inspected.state.unwrap_or_default();
        let is_killed = state.running == Some(false) && state.exit_code == Some(KILLED);
        Ok(u64::from(state.oom_killed == Some(true) || is_killed))
    }
}

/// Hears a container until it ends.
struct Hearing {
    engine: Engine,
    id: String,
    log: std::fs::File,
    ear: Ear,
    end: watch::Sender<Option<i64>>,
}

impl Hearing {
    async fn hear(mut self, doomed: Arc<AtomicBool>) {
        let options = LogsOptionsBuilder::new().follow(true).stdout(true).stderr(true).build();
        let mut output = std::pin::pin!(self.engine.0.logs(&self.id, Some(options)));
        let mut line = Vec::new();
        while let Some(Ok(output)) = output.next().await {
            match output {
                LogOutput::StdErr { message } => {
                    for piece in message.split_inclusive(|byte| *byte == b'\n') {
                        line.extend_from_slice(piece);
                        if line.ends_with(b"\n") {
                            tell(&mut self.log, &self.ear, &mut line);
                        }
                    }
                }
                // A full disk must not stop whoever speaks.
                other => drop(self.log.write_all(&other.into_bytes())),
            }
        }
        if !line.is_empty() {
            tell(&mut self.log, &self.ear, &mut line);
        }
        let status = self.status().await;
        if !doomed.load(Ordering::Acquire) {
            (self.ear)(None);
        }
        self.end.send_replace(Some(status));
    }

    /// The status with which it ended; waits for that.
    async fn status(&self) -> i64 {
        let mut waiting = std::pin::pin!(self.engine.0.wait_container(&self.id, None));
        match waiting.next().await {
            Some(Ok(ended)) => ended.status_code,
            // It is an error to end badly.
            Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => code,
            Some(Err(_)) | None => -1,
        }
    }
}

fn tell(log: &mut std::fs::File, ear: &Ear, line: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches('\n');
    let _ = writeln!(log, "{text}");
    ear(Some(text));
    line.clear();
}

fn told(status: i64) -> String {
    format!("exit status: {status}")
}

impl Container {
    /// The number of its process, as this machine counts; none if it had ended before anybody looked.
    pub(in super::super) fn pid(&self) -> Option<Pid> {
        self.pid
    }

    /// How it ended, if it did.
    pub(in super::super) fn ended(&self) -> Option<String> {
        self.ended.borrow().map(told)
    }

    /// Ends it as nothing else does. What it has used.
    pub(in super::super) async fn kill(self) -> Used {
        let used = self.pid.map(Used::by).unwrap_or_default();
        self.doomed.store(true, Ordering::Release);
        // One that has ended cannot be killed.
        let _ = self.signal("KILL").await;
        self.gone().await;
        used
    }

    /// Ends it in an orderly way; if that takes longer, it is killed. What it has used.
    pub(in super::super) async fn stop(self, patience: Duration) -> Used {
        let used = self.pid.map(Used::by).unwrap_or_default();
        self.doomed.store(true, Ordering::Release);
        let seconds = i32::try_from(patience.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::new().t(seconds).build();
        // One that has ended is stopped.
        let _ = self.engine.0.stop_container(&self.id, Some(options)).await;
        self.gone().await;
        used
    }

    /// It stands still.
    pub(in super::super) async fn pause(&self) -> io::Result<()> {
        self.signal("STOP").await
    }

    /// It goes on.
    pub(in super::super) async fn resume(&self) -> io::Result<()> {
        self.signal("CONT").await
    }

    /// What it may use from now on.
    pub(in super::super) async fn limit(&self, limits: Limits) -> io::Result<()> {
        let (period_us, quota_us) = match limits.period_us() {
            Some(period_us) => (period_us, SHARE_US.into()),
            None => (PERIOD_US, NO_LIMIT),
        };
        let bytes = limits.memory.map_or(MEMORY_MAX, |bytes| bytes.min(MEMORY_MAX));
        let bytes = i64::try_from(bytes).expect("it was bounded");
        let body = ContainerUpdateBody {
            cpu_period: Some(period_us.into()),
            cpu_quota: Some(quota_us),
            memory: Some(bytes),
            // It would rather be swapped out than outgrow anything.
            memory_swap: Some(if limits.memory.is_some() { bytes } else { NO_LIMIT }),
            ..ContainerUpdateBody::default()
        };
        self.engine.0.update_container(&self.id, body).await.map_err(failed)
    }

    /// Who counts how it fares with that.
    ///
    /// # Errors
    /// If nobody does.
    pub(in super::super) fn meter(&self) -> io::Result<Meter> {
        let pid = self.pid.ok_or_else(|| io::Error::other("the container has ended"))?;
        let (engine, id) = (self.engine.clone(), self.id.clone());
        Ok(Meter { engine, id, group: Group::of(pid)? })
    }

    async fn signal(&self, signal: &str) -> io::Result<()> {
        let options = KillContainerOptionsBuilder::new().signal(signal).build();
        self.engine.0.kill_container(&self.id, Some(options)).await.map_err(failed)
    }

    /// Waits until all that it said is heard, and takes it away.
    async fn gone(mut self) {
        let _ = (&mut self.hearing).await;
        self.remove().await;
    }

    async fn remove(&self) {
        let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
        // What stays is taken away when the run ends.
        let _ = self.engine.0.remove_container(&self.id, Some(options)).await;
    }
}
