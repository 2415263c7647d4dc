//! The nodes of a run: the program `bigchaindb` in a process each, with a config file each.
//!
//! A node that a fault has killed is started again as a supervisor would: should it end while it is
//! starting, because its store is out of reach, it is started again after a while. One that ends by
//! itself once it has answered is not.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bigchaindb_core::model::{Json, Keypair, Object};
use bigchaindb_core::stages::Report;
use rustix::process::Pid;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::super::real::{Recorder, answers};
use super::ApartError;
use super::ground::{API_PORT, Binary, Ground, Member};
use super::program::{Ear, Program, Running};
use super::said::Said;
use super::used::Used;
use crate::observe::Befell;
use crate::plan::Plan;
use crate::record::RunDirectory;

/// How long the command line may take to make the database.
const MADE_WITHIN: Duration = Duration::from_secs(120);

/// How long the nodes may take to answer, after they were started.
const READY_WITHIN: Duration = Duration::from_secs(60);

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

struct Node {
    index: usize,
    program: Program,
    config: PathBuf,
    address: SocketAddr,
    recorder: Recorder,
    /// None while it is down.
    running: Arc<Mutex<Option<Running>>>,
    /// What it has used in its earlier lives.
    used: Used,
    /// Sees to it that it starts.
    rising: Option<JoinHandle<()>>,
}

impl Nodes {
    /// Writes the config files; each node finds its store where `store` says. Nothing runs yet.
    pub(super) fn prepare(
        plan: &Plan,
        keypairs: &[Keypair],
        ground: &Ground,
        store: &dyn Fn(usize) -> SocketAddr,
        folder: &Path,
        recorder: &Recorder,
    ) -> Result<Self, ApartError> {
        let mut nodes = Vec::new();
        for (index, keypair) in keypairs.iter().enumerate() {
            let name = &plan.nodes[index].name;
            let config = folder.join(format!("{name}.json"));
            let address = SocketAddr::new(ground.address(Member::Node(index)), API_PORT);
            let document = document(&plan.rules, keypair, keypairs, address, store(index));
            write_for_owner(&config, &document)?;
            let (arguments, log) =
                (command(&config, &["start"]), folder.join(format!("{name}.log")));
            let member = Member::Node(index);
            let program = ground.program(member, Binary::Node, arguments, log)?;
            let (running, recorder, used) = (Arc::default(), recorder.clone(), Used::default());
            let rising = None;
            nodes.push(Node { index, program, config, address, recorder, running, used, rising });
        }
        Ok(Self(nodes))
    }

    /// What nodes hear is to be written down, where a replay looks for it.
    pub(super) fn hear(&mut self, plan: &Plan, directory: &RunDirectory) -> io::Result<()> {
        for node in &mut self.0 {
            let file = directory.heard(&plan.nodes[node.index].name);
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder)?;
            }
            let file = file
                .parent()
                .unwrap_or(&file)
                .canonicalize()?
                .join(file.file_name().unwrap_or_default());
            node.program.add(["--record".into(), file.into()]);
        }
        Ok(())
    }

    /// Makes the database and its genesis block by the first node's command line, as an operator does.
    pub(super) async fn make_database(&self, plan: &Plan) -> Result<(), ApartError> {
        let Some(first) = self.0.first() else { return Ok(()) };
        let (shards, replicas) = (plan.store.shards.to_string(), plan.store.replicas.to_string());
        let mut commands = vec![vec!["init"]];
        if plan.store.shards > 1 {
            commands.push(vec!["set-shards", &shards]);
        }
        if plan.store.replicas > 1 {
            commands.push(vec!["set-replicas", &replicas]);
        }
        for words in commands {
            let program = first.program.clone().with(command(&first.config, &words));
            let made = program.run(MADE_WITHIN).await;
            made.map_err(|source| ApartError::Database { command: words.join(" "), source })?;
        }
        Ok(())
    }

    /// Starts all nodes, and waits until each of them answers.
    pub(super) async fn start(&self) -> Result<(), ApartError> {
        for node in &self.0 {
            *node.running.lock().await = Some(node.start().await.map_err(ApartError::Start)?);
        }
        for node in &self.0 {
            let ready = timeout(READY_WITHIN, node.is_ready()).await;
            let late = |_| io::Error::other("it does not answer");
            let ready = ready.map_err(late).flatten();
            ready.map_err(|source| ApartError::Node { node: node.index + 1, source })?;
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
        *node.running.lock().await = Some(node.start().await?);
        node.recorder.tell_node(node.index, Befell::Started, "");
        let supervised = node.copy();
        node.rising = Some(tokio::spawn(async move {
            while supervised.is_ready().await.is_err() {
                sleep(START_AGAIN).await;
                if let Ok(process) = supervised.start().await {
                    *supervised.running.lock().await = Some(process);
                }
            }
        }));
        Ok(())
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
            if running.as_mut().is_none_or(|process| process.ended().is_some()) {
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
            if let Some(process) = node.running.lock().await.take() {
                node.used.add(process.stop(STOP_WITHIN).await);
            }
            used.push(node.used);
        }
        used
    }
}

impl Node {
    fn copy(&self) -> Self {
        let Self { index, program, config, address, recorder, running, .. } = self;
        Self {
            index: *index,
            program: program.clone(),
            config: config.clone(),
            address: *address,
            recorder: recorder.clone(),
            running: running.clone(),
            used: Used::default(),
            rising: None,
        }
    }

    async fn start(&self) -> io::Result<Running> {
        let (node, recorder) = (self.index, self.recorder.clone());
        // One that ends before it has said where it listens has not begun: whoever started it sees to it.
        let has_begun = AtomicBool::new(false);
        let ear: Ear = Arc::new(move |line| match line {
            Some(line) => {
                has_begun.store(true, Ordering::Relaxed);
                hear(&recorder, node, line);
            }
            None if has_begun.load(Ordering::Relaxed) => {
                recorder.tell_node(node, Befell::Killed, "it ended by itself");
            }
            None => {}
        });
        self.program.start(ear).await
    }

    /// Waits until it answers; an error if it has ended.
    async fn is_ready(&self) -> io::Result<()> {
        while answers(self.address, ANSWER_WITHIN).await.is_err() {
            if let Some(process) = self.running.lock().await.as_mut()
                && let Some(status) = process.ended()
            {
                return Err(self.program.last_words(&status));
            }
            sleep(ASK_EVERY).await;
        }
        Ok(())
    }
}

fn hear(recorder: &Recorder, node: usize, line: &str) {
    match Said::read(line) {
        Some(Said::Decided(block, election)) => {
            recorder.report(node, Report::Decided { block, election });
        }
        Some(Said::Fell(what)) => recorder.tell_node(node, Befell::Failed, &what),
        Some(Said::Line(text)) => recorder.tell_node(node, Befell::Log, &text),
        None => {}
    }
}

fn command(config: &Path, words: &[&str]) -> Vec<std::ffi::OsString> {
    let config = ["-c".into(), config.into(), "-y".into()];
    config.into_iter().chain(words.iter().map(Into::into)).collect()
}

/// A node's config file.
fn document(
    rules: &str,
    keypair: &Keypair,
    keypairs: &[Keypair],
    address: SocketAddr,
    server: SocketAddr,
) -> Json {
    let keyring = keypairs.iter().map(|other| other.public().as_str());
    let keyring = keyring.filter(|key| *key != keypair.public().as_str()).map(Json::from);
    object([
        ("server", object([("bind", address.to_string().into())])),
        (
            "database",
            object([
                ("host", server.ip().to_string().into()),
                ("port", i64::from(server.port()).into()),
                ("name", "bigchain".into()),
            ]),
        ),
        (
            "keypair",
            object([
                ("public", keypair.public().as_str().into()),
                ("private", keypair.private().into()),
            ]),
        ),
        ("keyring", Json::Array(keyring.collect())),
        ("api_endpoint", format!("http://{address}/api/v1").into()),
        ("consensus_plugin", rules.into()),
        // Nobody listens.
        ("statsd", object([("host", "".into())])),
    ])
}

fn object<const N: usize>(fields: [(&'static str, Json); N]) -> Json {
    let mut object = Object::new();
    for (name, value) in fields {
        object.insert(name, value);
    }
    object.into()
}

/// The private key is in it.
fn write_for_owner(path: &Path, document: &Json) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{document}")
}
