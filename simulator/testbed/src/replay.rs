//! `testbed replay`: what the nodes of a run heard, told to their cores again.

use std::path::PathBuf;
use std::time::Duration;

use bigchaindb::record::{Difference, Ending, Replayed};
use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::plan::Plan;
use bigchaindb_simulator::record::RunDirectory;
use bigchaindb_simulator::replay::Replay as Again;
use clap::Args;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;

/// Of a long text, so much is printed for people before the first letter that is different,
const BEFORE: usize = 80;

/// and so much behind it.
const BEHIND: usize = 320;

/// Tell the cores of a run's nodes once more what they heard, and compare what comes of it.
///
/// A run in real time is never the same again; but what its nodes heard is written down, and a core that
/// hears the same does the same. Exit code 1: one did something else.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed replay runs/first-federation-local-1 --node n2")]
pub(crate) struct Replay {
    /// The folder of a run in `local`.
    run: PathBuf,
    /// Only this node; can be said several times. Without it, all of the federation.
    #[arg(long = "node", value_name = "NODE")]
    nodes: Vec<String>,
    #[command(flatten)]
    output: Output,
}

/// What programs are told of a node.
#[derive(Serialize)]
struct Told<'a> {
    node: &'a str,
    identical: bool,
    inputs: u64,
    outputs: u64,
    notes: Vec<String>,
    difference: Option<Differs<'a>>,
}

#[derive(Serialize)]
struct Differs<'a> {
    life: usize,
    input: u64,
    line: u64,
    monotonic_us: u128,
    unix_ms: u64,
    heard: &'a str,
    expected: Option<&'a str>,
    actual: Option<&'a str>,
}

impl Replay {
    pub(crate) fn run(&self) -> Result<Exit> {
        let directory = RunDirectory::open(&self.run);
        let plan = directory.plan().map_err(|error| {
            let hint = "name the folder of a run, as `testbed run` prints it";
            Failure { exit: Exit::Wrong, ..Failure::surroundings(&error, hint) }
        })?;
        let again = Again::of(&directory, &plan);
        let nodes = self.nodes(&plan, &again)?;
        let mut replayed = Vec::with_capacity(nodes.len());
        for node in nodes {
            let came = again.node(node).map_err(|error| {
                let hint = "the record is not as a run leaves it: run the scenario again";
                Failure::surroundings(&error, hint)
            })?;
            self.tell(node, &came);
            replayed.push((node, came));
        }
        let told: Vec<_> = replayed.iter().map(|(node, came)| Told::of(node, came)).collect();
        self.output.data(&told);
        Ok(if told.iter().all(|told| told.identical) { Exit::Done } else { Exit::No })
    }

    /// Whose cores are asked: each is a node of ours in the plan, and was recorded.
    fn nodes<'a>(&'a self, plan: &'a Plan, again: &Again) -> Result<Vec<&'a str>> {
        let ours = plan.nodes.iter().filter(|node| node.external.is_none());
        let all: Vec<_> = ours.map(|node| &*node.name).collect();
        if all.is_empty() {
            let message = format!("there is no node of ours in {}", self.run.display());
            return Err(Failure::wrong(message, "what a foreign program hears is its own affair"));
        }
        let wanted: Vec<_> = match self.nodes.as_slice() {
            [] => all.clone(),
            some => some.iter().map(String::as_str).collect(),
        };
        if let Some(stranger) = wanted.iter().find(|node| !all.contains(node)) {
            let message =
                format!("there is no node of ours `{stranger}` in {}", self.run.display());
            return Err(Failure::wrong(message, format!("there are {}", all.join(", "))));
        }
        if let Some(silent) = wanted.iter().find(|node| !again.has(node)) {
            let message =
                format!("there is no record of what {silent} heard in {}", self.run.display());
            let hint = match plan.backend {
                Backend::Sim => "a run in sim is the same each time: run its scenario again",
                _ => "`testbed run --backend local` records, unless it is told `--no-record`",
            };
            return Err(Failure::wrong(message, hint));
        }
        Ok(wanted)
    }

    fn tell(&self, node: &str, came: &Replayed) {
        let Replayed { lives, inputs, outputs, difference } = came;
        let Some(difference) = difference else {
            let several = match lives.len() {
                1 => String::new(),
                several => format!(" in {several} lives"),
            };
            self.output
                .line(format!("{node}: identical, {inputs} inputs and {outputs} outputs{several}"));
            return notes(lives).iter().for_each(|note| self.output.line(note));
        };
        let Difference { life, input, line, now, heard, expected, actual } = difference;
        self.output.line(format!(
            "{node}: different at input {input} of life {life}, line {line}, {}",
            clock(now.monotonic)
        ));
        let nothing = "nothing more";
        let (expected, actual) =
            (expected.as_deref().unwrap_or(nothing), actual.as_deref().unwrap_or(nothing));
        let same = expected.bytes().zip(actual.bytes()).take_while(|(one, other)| one == other);
        let same = same.count();
        self.output.line(format!("  heard: {}", excerpt(heard, 0)));
        self.output.line(format!("  recorded: {}", excerpt(expected, same)));
        self.output.line(format!("  now: {}", excerpt(actual, same)));
        self.output
            .line(format!("  before it, {inputs} inputs and {outputs} outputs are identical"));
        notes(lives).iter().for_each(|note| self.output.line(note));
    }
}

/// What whoever reads the outcome should know of lives that did not end as one does that is stopped.
fn notes(lives: &[Ending]) -> Vec<String> {
    let lives = lives.iter().enumerate();
    let note = |(index, ending): (usize, &Ending)| {
        let life = index + 1;
        match ending {
            Ending::Whole => None,
            Ending::Torn => Some(format!(
                "  life {life} is cut off in the middle of a line: replayed up to there"
            )),
            Ending::Unanswered { fell: None } => {
                Some(format!("  life {life} ends with an input, and not what came of it"))
            }
            Ending::Unanswered { fell: Some(why) } => Some(format!(
                "  life {life} ends with an input over which the core falls now as well: {why}"
            )),
        }
    };
    lives.filter_map(note).collect()
}

impl<'a> Told<'a> {
    fn of(node: &'a str, came: &'a Replayed) -> Self {
        let Replayed { lives, inputs, outputs, difference } = came;
        let difference = difference.as_ref().map(|difference| Differs {
            life: difference.life,
            input: difference.input,
            line: difference.line,
            monotonic_us: difference.now.monotonic.as_micros(),
            unix_ms: difference.now.unix_ms,
            heard: &difference.heard,
            expected: difference.expected.as_deref(),
            actual: difference.actual.as_deref(),
        });
        let notes = notes(lives).iter().map(|note| note.trim().to_owned()).collect();
        let (identical, inputs, outputs) = (difference.is_none(), *inputs, *outputs);
        Self { node, identical, inputs, outputs, notes, difference }
    }
}

/// A node's monotonic time.
fn clock(monotonic: Duration) -> String {
    format!("{}.{:06} s", monotonic.as_secs(), monotonic.subsec_micros())
}

/// The part of a text around a byte.
fn excerpt(text: &str, around: usize) -> String {
    let (from, to) = (around.saturating_sub(BEFORE), around.saturating_add(BEHIND));
    let (from, to) = (text.floor_char_boundary(from), text.floor_char_boundary(to));
    let (left, right) = (if from > 0 { "… " } else { "" }, if to < text.len() { " …" } else { "" });
    format!("{left}{}{right}", &text[from..to])
}
