//! The nodes of a run: the program `bigchaindb` in a process each, with a config file each; and members
//! that are none of ours, which are started by a command of their own, or by somebody else.
//!
//! A node that a fault has killed is started again as a supervisor would: should it end while it is
//! starting, because its store is out of reach, it is started again after a while. One that ends by
//! itself once it has answered is not. Not here: what is in config files (`config`).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as Lock, MutexGuard};
use std::time::Duration;

use rustix::process::Pid;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::super::real::said::Said;
use super::super::real::{Recorder, Sampled, answers};
use super::super::used::Used;
use super::ApartError;
use super::config::{Config, DATABASE};
use super::deaths::Dying;
use super::grip::Grip;
use super::ground::{API_PORT, Binary, Ground, Member};
use super::limits::Limits;
use super::program::{Ear, Program, Running};
use crate::observe::Befell;
use crate::plan::{External, Plan, Point};
use crate::record::RunDirectory;

/// How long the command line may take to make the database.
const MADE_WITHIN: Duration = Duration::from_secs(120);

/// How long the nodes may take to answer, after they were started.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// The same for one that somebody else starts, who may be a person.
const SOMEBODY_WITHIN: Duration = Duration::from_secs(300);

/// How long an answer may take of a node that is starting.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// A node that ends while it is starting is started again after this long, as a supervisor would.
const START_AGAIN: Duration = Duration::from_millis(300);

/// How long a node may take to end in an orderly way.
const STOP_WITHIN: Duration = Duration::from_secs(10);

/// The nodes of a run.
pub(super) struct Nodes(Vec<Node>);

/// One of them.
pub(super) struct Node {
    pub(super) index: usize,
    /// None if somebody else starts it.
    program: Option<Program>,
    /// What tells a program of its own to stop, if it is no signal.
    farewell: Option<Program>,
    is_ours: bool,
    config: Config,
    pub(super) address: SocketAddr,
    pub(super) recorder: Recorder,
    /// None while it is down.
    pub(super) running: Arc<Mutex<Option<Running>>>,
    /// What it has used in its earlier lives.
    pub(super) used: Used,
    /// Sees to it that it starts.
    rising: Option<JoinHandle<()>>,
    /// The hold that we have on it, if it is ours.
    pub(super) grip: Grip,
    /// At which point of its work it has said that it dies.
    pub(super) last_words: Arc<Lock<Option<Point>>>,
    /// What becomes of it, if it is to die.
    pub(super) dying: Option<Dying>,
    /// What it may use of the machine, in all its lives.
    pub(super) limits: Arc<Lock<Limits>>,
}

impl Nodes {
    /// Writes the config files of those who are started here; each node finds its store where `store` says.
    /// Nothing runs yet.
    pub(super) fn prepare(
        plan: &Plan,
        ground: &Ground,
        store: &dyn Fn(usize) -> SocketAddr,
        folder: &Path,
        (recorder, statsd): (&Recorder, Option<SocketAddr>),
    ) -> Result<Self, ApartError> {
        let mut nodes = Vec::new();
        for (index, planned) in plan.nodes.iter().enumerate() {
            let (name, external) = (&planned.name, planned.external.as_ref());
            let usual = SocketAddr::new(ground.address(Member::Node(index)), API_PORT);
            let address = external.and_then(|external| external.address).unwrap_or(usual);
            let config = Config::of(plan, index, folder, address, store(index));
            let config = config.metered(statsd, name);
            let log = folder.join(format!("{name}.log"));
            let grip = Grip::new(folder.join(format!("{name}.control")))?;
            let (mut program, mut farewell) = (None, None);
            match external {
                None => {
                    let member = Member::Node(index);
                    let mut arguments = command(&config, &["start", "--control"]);
                    arguments.push(grip.path().into());
                    program = Some(ground.program(member, Binary::Node, arguments, log)?);
                }
                Some(External { start, stop, .. }) => {
                    let values = values(name, &config, &folder.join(name));
                    let filled = |words: &[String]| {
                        ground.foreign(Member::Node(index), words, values.clone(), log.clone())
                    };
                    for (words, program) in [(start, &mut program), (stop, &mut farewell)] {
                        if !words.is_empty() {
                            fs::create_dir_all(folder.join(name))?;
                            *program = Some(filled(words)?);
                        }
                    }
                }
            }
            if program.is_some() {
                config.write()?;
            }
            nodes.push(Node {
                index,
                program,
                farewell,
                is_ours: external.is_none(),
                config,
                address,
                recorder: recorder.clone(),
                running: Arc::default(),
                used: Used::default(),
                rising: None,
                grip,
                last_words: Arc::default(),
                dying: None,
                limits: Arc::default(),
            });
        }
        Ok(Self(nodes))
    }

    /// What nodes hear is to be written down, where a replay looks for it.
    pub(super) fn hear(&mut self, plan: &Plan, directory: &RunDirectory) -> io::Result<()> {
        for node in self.0.iter_mut().filter(|node| node.is_ours) {
            let Some(program) = &mut node.program else { continue };
            let file = directory.heard(&plan.nodes[node.index].name);
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            let file = file
                .parent()
                .unwrap_or(&file)
                .canonicalize()?
                .join(file.file_name().unwrap_or_default());
            program.add(["--record".into(), file.into()]);
        }
        Ok(())
    }

    /// Makes the database and its genesis block by the command line of the first node whose key is known,
    /// as an operator does.
    pub(super) async fn make_database(
        &self,
        plan: &Plan,
        ground: &Ground,
        folder: &Path,
    ) -> Result<(), ApartError> {
        let Some(first) = self.0.iter().find(|node| node.config.can_sign()) else {
            let what =
                "a federation of members whose keys are all their own has nobody to sign genesis";
            return Err(ApartError::Refused(what.to_owned()));
        };
        let (program, config) = match &first.program {
            Some(program) if first.is_ours => (program.clone(), first.config.clone()),
            _ => {
                let config = first.config.clone().of_operator(folder, plan.judged_by());
                config.write()?;
                let (member, log) = (Member::Node(first.index), folder.join("database.log"));
                (ground.program(member, Binary::Node, Vec::new(), log)?, config)
            }
        };
        let (shards, replicas) = (plan.store.shards.to_string(), plan.store.replicas.to_string());
        let mut commands = vec![vec!["init"]];
        if plan.store.shards > 1 {
            commands.push(vec!["set-shards", &shards]);
        }
        if plan.store.replicas > 1 {
            commands.push(vec!["set-replicas", &replicas]);
        }
        for words in commands {
            let program = program.clone().with(command(&config, &words));
            let made = program.run(MADE_WITHIN).await;
            made.map_err(|source| ApartError::Database { command: words.join(" "), source })?;
        }
        Ok(())
    }

    /// Starts all nodes, and waits until each of them answers. Whoever starts the others can do so once
    /// their config files are there.
    pub(super) async fn start(&self, plan: &Plan) -> Result<(), ApartError> {
        let failed = |node: &Node, source| {
            let name = plan.nodes[node.index].name.clone();
            ApartError::Node { name, source }
        };
        for node in &self.0 {
            if node.program.is_none() {
                node.config.write()?;
            }
            *node.running.lock().await = node.start().await.map_err(|error| failed(node, error))?;
        }
        for node in &self.0 {
            let patience = if node.program.is_some() { READY_WITHIN } else { SOMEBODY_WITHIN };
            let ready = timeout(patience, node.is_ready()).await;
            let late = |_| io::Error::other(format!("nobody answers at {}", node.address));
            let ready = ready.map_err(late).flatten();
            ready.map_err(|source| failed(node, source))?;
            node.recorder.tell_node(node.index, Befell::Started, "");
        }
        Ok(())
    }

    /// Where each listens, running or not.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().map(|node| node.address).collect()
    }

    /// Where one listens.
    pub(super) fn address(&self, node: usize) -> SocketAddr {
        self.0[node].address
    }

    /// Kills a node; the process that it was, if there was one.
    pub(super) async fn kill(&mut self, node: usize) -> Option<Pid> {
        let node = &mut self.0[node];
        if let Some(rising) = node.rising.take() {
            rising.abort();
            // That it was told to end is all the same to it.
            let _ = rising.await;
        }
        let process = node.running.lock().await.take()?;
        let pid = process.pid();
        node.used.add(process.kill().await);
        node.recorder.tell_node(node.index, Befell::Killed, "");
        pid
    }

    /// Starts a node again. It runs from now on; it answers when it can.
    pub(super) async fn restart(&mut self, node: usize) -> io::Result<()> {
        let node = &mut self.0[node];
        if let Some(rising) = node.rising.take() {
            rising.abort();
        }
        node.live_again().await?;
        let supervised = node.copy();
        node.rising = Some(tokio::spawn(async move { supervised.rise().await }));
        Ok(())
    }

    /// Who is to be looked at: members that are started here.
    pub(super) fn sampled(&self, plan: &Plan) -> Vec<Sampled> {
        let here = self.0.iter().filter(|node| node.program.is_some());
        let sampled = here.map(|node| {
            let running = node.running.clone();
            // While somebody ends or starts it nobody knows.
            let pid = move || running.try_lock().ok()?.as_ref()?.pid();
            Sampled::new(&plan.nodes[node.index].name, pid, None)
        });
        sampled.collect()
    }

    /// The hold that we have on each.
    pub(super) fn grips(&self) -> Vec<Grip> {
        self.0.iter().map(|node| node.grip.clone()).collect()
    }

    /// The hold that we have on one.
    pub(super) fn grip(&self, node: usize) -> &Grip {
        &self.0[node].grip
    }

    /// One of them.
    pub(super) fn node(&mut self, node: usize) -> &mut Node {
        &mut self.0[node]
    }

    /// A node stands still; the process that does, if there is one.
    pub(super) async fn pause(&mut self, node: usize) -> io::Result<Option<Pid>> {
        let node = &self.0[node];
        let mut running = node.running.lock().await;
        let Some(process) = running.as_mut() else { return Ok(None) };
        process.pause().await?;
        node.recorder.tell_node(node.index, Befell::Paused, "");
        Ok(process.pid())
    }

    /// It goes on.
    pub(super) async fn resume(&mut self, node: usize) -> io::Result<()> {
        let node = &self.0[node];
        if let Some(process) = node.running.lock().await.as_mut() {
            process.resume().await?;
            node.recorder.tell_node(node.index, Befell::Resumed, "");
        }
        Ok(())
    }

    /// Those that do not run.
    pub(super) async fn down(&self) -> Vec<usize> {
        let mut down = Vec::new();
        for node in &self.0 {
            let mut running = node.running.lock().await;
            let is_down = match node.program {
                Some(_) => running.as_mut().is_none_or(|process| process.ended().is_some()),
                None => answers(node.address, ANSWER_WITHIN).await.is_err(),
            };
            if is_down {
                down.push(node.index);
            }
        }
        down
    }

    /// Ends all nodes in an orderly way; what each has used.
    pub(super) async fn stop(self) -> Vec<Used> {
        let mut used = Vec::new();
        for mut node in self.0 {
            if let Some(rising) = node.rising {
                rising.abort();
            }
            drop(node.dying.take());
            if let Some(process) = node.running.lock().await.take() {
                if let Some(farewell) = &node.farewell {
                    // If it does no good, a signal will.
                    let _ = farewell.run(STOP_WITHIN).await;
                }
                node.used.add(process.stop(STOP_WITHIN).await);
            }
            used.push(node.used);
        }
        used
    }
}

impl Node {
    /// The same node, for somebody who looks after it.
    pub(super) fn copy(&self) -> Self {
        let Self { index, program, is_ours, config, address, recorder, running, .. } = self;
        Self {
            index: *index,
            program: program.clone(),
            farewell: None,
            is_ours: *is_ours,
            config: config.clone(),
            address: *address,
            recorder: recorder.clone(),
            running: running.clone(),
            used: Used::default(),
            rising: None,
            grip: self.grip.clone(),
            last_words: self.last_words.clone(),
            dying: None,
            limits: self.limits.clone(),
        }
    }

    /// Starts it once more.
    pub(super) async fn live_again(&self) -> io::Result<()> {
        *self.running.lock().await = self.start().await?;
        self.recorder.tell_node(self.index, Befell::Started, "");
        Ok(())
    }

    /// Waits until it answers, as a supervisor would.
    pub(super) async fn rise(&self) {
        while self.is_ready().await.is_err() {
            sleep(START_AGAIN).await;
            let mut running = self.running.lock().await;
            // Something of it may be left: one of several processes, or the container whose name the next one takes.
            if let Some(ended) = running.take() {
                ended.kill().await;
            }
            if let Ok(started) = self.start().await {
                *running = started;
            }
        }
    }

    /// Starts it, if that is to be done here.
    async fn start(&self) -> io::Result<Option<Running>> {
        let Some(program) = &self.program else { return Ok(None) };
        let (node, recorder) = (self.index, self.recorder.clone());
        let last_words = self.last_words.clone();
        *lock(&last_words) = None;
        // One that ends before it has said where it listens has not begun: whoever started it sees to it.
        let has_begun = AtomicBool::new(false);
        let ear: Ear = Arc::new(move |line| match line {
            Some(line) => {
                has_begun.store(true, Ordering::Relaxed);
                match Said::read(line) {
                    Some(Said::Dies(point)) => *lock(&last_words) = Some(point),
                    Some(said) => said.tell(&recorder, node),
                    None => {}
                }
            }
            None if has_begun.load(Ordering::Relaxed) => {
                let why = match *lock(&last_words) {
                    Some(point) => format!("it died {point}"),
                    None => "it ended by itself".to_owned(),
                };
                recorder.tell_node(node, Befell::Killed, &why);
            }
            None => {}
        });
        let running = program.start(ear).await?;
        let limits = *lock(&self.limits);
        if limits != Limits::default() {
            running.limit(limits).await?;
        }
        Ok(Some(running))
    }

    /// Waits until it answers; an error if it has ended.
    async fn is_ready(&self) -> io::Result<()> {
        while answers(self.address, ANSWER_WITHIN).await.is_err() {
            if let Some(process) = self.running.lock().await.as_mut()
                && let Some(status) = process.ended()
                && let Some(program) = &self.program
            {
                return Err(program.last_words(&status));
            }
            sleep(ASK_EVERY).await;
        }
        Ok(())
    }
}

fn lock<T>(shared: &Lock<T>) -> MutexGuard<'_, T> {
    shared.lock().expect("nobody panics here")
}

fn command(config: &Config, words: &[&str]) -> Vec<std::ffi::OsString> {
    let config = ["-c".into(), config.path.clone().into(), "-y".into()];
    config.into_iter().chain(words.iter().map(Into::into)).collect()
}

/// What the words in a foreign member's commands stand for.
fn values(name: &str, config: &Config, data: &Path) -> BTreeMap<&'static str, String> {
    let keyring: Vec<_> = config.keyring.iter().map(|key| key.as_str()).collect();
    BTreeMap::from([
        ("config", config.path.display().to_string()),
        ("name", name.to_owned()),
        ("host", config.address.ip().to_string()),
        ("port", config.address.port().to_string()),
        ("database_host", config.server.ip().to_string()),
        ("database_port", config.server.port().to_string()),
        ("database_name", DATABASE.to_owned()),
        ("public_key", config.key.to_string()),
        ("keyring", keyring.join(":")),
        ("data", data.display().to_string()),
    ])
}
