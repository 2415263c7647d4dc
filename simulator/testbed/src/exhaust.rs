//! `testbed exhaust`: every interleaving of a small scope.

use bigchaindb::clock;
use bigchaindb_core::rules::Quirk;
use bigchaindb_simulator::exhaust::{Explored, Kind, LIMITS, Scope, explore};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::progress;
use crate::quirks::quirk;

/// Go through every interleaving of what two or three nodes do with a few transactions, and tell
/// whether one breaks a law.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed exhaust --quirk judged-out-of-order")]
pub(crate) struct Exhaust {
    /// How many nodes: 2 or 3.
    #[arg(long, default_value_t = 2)]
    nodes: usize,
    /// How many transactions are posted: 1 to 3, to one node after the other.
    #[arg(long, default_value_t = 2)]
    transactions: usize,
    /// What they are.
    #[arg(long, value_enum, default_value = "conflict")]
    kind: What,
    /// How often a node may crash, at any moment.
    #[arg(long, default_value_t = 0)]
    crashes: usize,
    /// Explore the start-up too (with `--kind creates`).
    #[arg(long)]
    from_start: bool,
    /// End after so many states.
    #[arg(long, value_name = "MAX", default_value_t = 5_000_000)]
    states_max: usize,
    /// Make a choice of every single delivery, also where it makes no difference.
    #[arg(long)]
    unreduced: bool,
    /// Take a safeguard of the rules away, to see a law broken; may be given several times.
    #[arg(long = "quirk", value_name = "QUIRK", value_parser = quirk)]
    quirks: Vec<Quirk>,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum What {
    /// TRANSFERs that spend the same output.
    Conflict,
    /// CREATEs.
    Creates,
    /// One TRANSFER, posted again and again.
    Same,
}

#[derive(Serialize)]
struct Told<'a> {
    scope: String,
    limits: &'a [&'a str],
    #[serde(flatten)]
    explored: &'a Explored,
    seconds: f64,
}

impl Exhaust {
    pub(crate) fn run(&self) -> Result<Exit> {
        let scope = Scope {
            nodes: self.nodes,
            transactions: self.transactions,
            kind: match self.kind {
                What::Conflict => Kind::Conflict,
                What::Creates => Kind::Creates,
                What::Same => Kind::Same,
            },
            crashes: self.crashes,
            quirks: self.quirks.iter().copied().collect(),
            states_max: self.states_max,
            from_start: self.from_start,
            reduced: !self.unreduced,
        };
        let began = clock::now().monotonic;
        let bar = progress::bar(self.states_max as u64, scope.to_string());
        let explored = explore(&scope, |states, depth| {
            bar.set_position(states as u64);
            bar.set_message(format!("depth {depth}"));
        });
        bar.finish_and_clear();
        let explored = explored.map_err(|error| {
            Failure::wrong(error.to_string(), "see `testbed exhaust --help` for what there is")
        })?;
        let seconds = (clock::now().monotonic - began).as_secs_f64();
        self.tell(&scope, &explored, seconds);
        Ok(match (&explored.found, explored.complete) {
            (Some(_), _) => Exit::No,
            (None, true) => Exit::Done,
            (None, false) => Exit::Unknown,
        })
    }

    fn tell(&self, scope: &Scope, explored: &Explored, seconds: f64) {
        let Explored { states, transitions, depth, ends, outcomes, tables, cores, .. } = explored;
        let line = |text: String| self.output.line(text);
        line(format!("scope: {scope}"));
        line(format!(
            "{states} states, {transitions} transitions, depth {depth}, in {seconds:.1} s; \
             {tables} contents of the tables, {cores} of nodes"
        ));
        line(format!("{ends} states where nothing is left to do, with {outcomes} outcomes"));
        match &explored.found {
            Some(found) => {
                line(format!("{} is violated: {}", found.invariant, found.what));
                for (number, step) in found.story.iter().enumerate() {
                    line(format!("{:4}  {step}", number + 1));
                }
                line("verdict: fail".to_owned());
            }
            None if explored.complete => line("verdict: pass; no state was left out".to_owned()),
            None => line(format!(
                "verdict: unknown; it ended at {states} states (--states-max), and none of them breaks a law"
            )),
        }
        line("not covered:".to_owned());
        LIMITS.iter().for_each(|limit| line(format!("- {limit}")));
        let limits = LIMITS;
        self.output.data(&Told { scope: scope.to_string(), limits, explored, seconds });
    }
}
