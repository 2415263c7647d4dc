//! Several processes that load together: this program once more, told what to send over its stdin.
//!
//! Each is told its [`Order`], signs, and says that it is ready; once all are, all are told to go. A process says
//! how far it is several times a second, and in the end what came of it: every count, and both histograms without
//! loss. Its stdin is its life line: when that ends it stops, so that none outlives whoever started it. One that
//! dies is named, and ends all of it, as nobody knows what it had sent.

use std::io::{self, BufRead as _, Write as _};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bigchaindb_load::creates::Part;
use clap::Args;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::failure::{Failure, Result};
use super::super::rethinkdb::Stop;
use super::generators::{Order, Outcome};
use super::tell;
use crate::exit::Exit;

/// The command that a process is started with.
const COMMAND: &str = "load-process";

/// What all are told when all are ready.
const GO: &str = "go\n";

/// How often a process says how far it is: often enough for a log that is written once a second.
const SO_FAR_EVERY: Duration = Duration::from_millis(200);

/// What a process says, a line each.
#[derive(Serialize, Deserialize)]
enum Said {
    /// All is signed.
    Ready,
    /// So many were accepted.
    SoFar(u64),
    /// It is done, or was stopped.
    Over(Box<Outcome>),
}

/// What several processes came to, in their order, and how long they took.
pub(super) async fn run(
    order: &Order,
    processes: usize,
    stop: &mut Stop,
) -> Result<(Vec<Outcome>, Duration)> {
    let mut all = Vec::new();
    for index in 0..processes {
        let process = Part { index, of: processes };
        all.push(Process::start(&Order { process, ..order.clone() }).await?);
    }
    for process in &mut all {
        process.ready().await?;
    }
    log::info!(target: "bigchaindb", "Starting {processes} processes");
    let began = Instant::now();
    let accepted: Vec<_> = all.iter().map(|process| process.accepted.clone()).collect();
    let sum = || -> u64 { accepted.iter().map(|one| one.load(Ordering::Relaxed)).sum() };
    let mut life_lines = Vec::new();
    for process in &mut all {
        life_lines.push(process.go().await?);
    }
    // Whichever ends first, well or not, is heard first.
    let mut over = tokio::task::JoinSet::new();
    for process in all {
        over.spawn(process.over());
    }
    let mut outcomes = Vec::new();
    let mut gather = async || {
        while let Some(ended) = over.join_next().await {
            outcomes.push(ended.expect("nobody panics while listening")?);
        }
        Ok::<(), Failure>(())
    };
    let stopped = tokio::select! {
        gathered = gather() => gathered.map(|()| false)?,
        () = tell(sum) => false,
        () = stop.wanted() => true,
    };
    if stopped {
        drop(life_lines);
        gather().await?;
    }
    let took = began.elapsed();
    outcomes.sort_by_key(|(index, _)| *index);
    Ok((outcomes.into_iter().map(|(_, outcome)| outcome).collect(), took))
}

/// One of them; killed if it is dropped.
struct Process {
    part: Part,
    child: Child,
    stdin: Option<ChildStdin>,
    said: Lines<BufReader<ChildStdout>>,
    accepted: Arc<AtomicU64>,
}

impl Process {
    async fn start(order: &Order) -> Result<Self> {
        let failed = |error: io::Error| Failure::surroundings(&error, "see `ulimit`");
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.arg(COMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        // Whoever interrupts this program at a terminal means this program, which stops the others itself.
        command.process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let name = name(order.process);
        log::info!(target: "bigchaindb", "{name} has PID {}", child.id().unwrap_or_default());
        let said = BufReader::new(child.stdout.take().expect("it was asked for")).lines();
        let stdin = child.stdin.take();
        let part = order.process;
        let mut process = Self { part, child, stdin, said, accepted: Arc::default() };
        let mut text = serde_json::to_string(order).expect("an order has a JSON form");
        text.push('\n');
        process.write(&text).await?;
        Ok(process)
    }

    /// Waits until it has signed.
    async fn ready(&mut self) -> Result<()> {
        match self.next().await? {
            Said::Ready => Ok(()),
            Said::SoFar(_) | Said::Over(_) => Err(self.strange()),
        }
    }

    /// Has it begin. What is returned is its life line.
    async fn go(&mut self) -> Result<Option<ChildStdin>> {
        self.write(GO).await?;
        Ok(self.stdin.take())
    }

    /// Waits until it is done; its index, and what came of it.
    async fn over(mut self) -> Result<(usize, Outcome)> {
        loop {
            match self.next().await? {
                Said::SoFar(accepted) => self.accepted.store(accepted, Ordering::Relaxed),
                Said::Over(outcome) => return Ok((self.part.index, *outcome)),
                Said::Ready => return Err(self.strange()),
            }
        }
    }

    async fn next(&mut self) -> Result<Said> {
        match self.said.next_line().await {
            Ok(Some(line)) => serde_json::from_str(&line).map_err(|_| self.strange()),
            Ok(None) | Err(_) => Err(self.died().await),
        }
    }

    async fn write(&mut self, text: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().expect("it is taken only once it runs");
        match stdin.write_all(text.as_bytes()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.died().await),
        }
    }

    /// It is gone, or does not speak any more.
    async fn died(&mut self) -> Failure {
        let how = match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let message = format!("{} died: {how}", name(self.part).to_lowercase());
        let error = io::Error::other(message);
        Failure::surroundings(
            &error,
            "nothing is proved; is there memory enough? see `--processes`",
        )
    }

    fn strange(&self) -> Failure {
        let message = format!("{} says something else", name(self.part).to_lowercase());
        Failure::surroundings(&io::Error::other(message), "was this program replaced meanwhile?")
    }
}

/// What a process is called.
pub(super) fn name(Part { index, of }: Part) -> String {
    format!("Load process {} of {of}", index + 1)
}

/// One of the processes of `load`, which starts it.
#[derive(Args, Debug)]
pub(crate) struct LoadProcess {}

impl LoadProcess {
    pub(crate) async fn run(&self) -> Result<Exit> {
        let mut orders = io::stdin().lock().lines().map_while(io::Result::ok);
        let order = orders.next().and_then(|line| serde_json::from_str::<Order>(&line).ok());
        let Some(order) = order else {
            let message = "nobody has told this process what to send";
            return Err(Failure::wrong(message, "`bigchaindb load --processes N` does"));
        };
        let stock = order.sign();
        say(&Said::Ready)?;
        if orders.next().is_none() {
            return Ok(Exit::Done);
        }
        drop(orders);
        let mut generators = order.start(&stock)?;
        let accepted = generators.progress();
        let (cut, is_cut) = oneshot::channel();
        std::thread::spawn(move || {
            while io::stdin().lock().lines().next().is_some_and(|line| line.is_ok()) {}
            // Nobody listens any more once all is sent.
            let _ = cut.send(());
        });
        tokio::pin!(is_cut);
        loop {
            let so_far = tokio::select! {
                () = generators.done() => false,
                _ = &mut is_cut => false,
                () = tokio::time::sleep(SO_FAR_EVERY) => true,
            };
            if !so_far {
                break;
            }
            say(&Said::SoFar(accepted()))?;
        }
        say(&Said::Over(Box::new(generators.stop().await)))?;
        Ok(Exit::Done)
    }
}

fn say(said: &Said) -> Result<()> {
    let text = serde_json::to_string(said).expect("it has a JSON form");
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    written.map_err(|error| Failure::surroundings(&error, "is whoever started it gone?"))
}
