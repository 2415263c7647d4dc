//! `testbed repro`: a failure that was kept, once more.

use std::path::PathBuf;

use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::repro::{Repro as Came, accepted, repro};
use bigchaindb_simulator::scenario::Scenario;
use clap::Args;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::matrix;
use crate::output::Output;
use crate::shrink::write;

/// Run a kept failure twice: is it the same to the byte, and does the same checker fire?
///
/// The file's `expect` says which invariants are violated and which digest the run has.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  testbed repro scenarios/defects/q01-deleted-before-written.toml"
)]
pub(crate) struct Repro {
    /// The scenario's file, as `testbed shrink` writes it.
    file: PathBuf,
    /// If the same checker still fires, but the run is another one (a node has learned something new),
    /// write its digest and violations into the file.
    #[arg(long)]
    accept: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Told<'a> {
    digest: &'a str,
    second_digest: &'a str,
    expected_digest: Option<&'a str>,
    violated: &'a [String],
    reasons: &'a [String],
    without_quirks: Option<&'a str>,
    holds: bool,
}

impl Repro {
    pub(crate) fn run(&self) -> Result<Exit> {
        let scenario = Scenario::load(&self.file, Some(Backend::Sim))?;
        matrix::refuse(&scenario)?;
        let came = repro(&scenario)
            .map_err(|error| Failure::surroundings(&error, "nothing was judged"))?;
        self.tell(&came);
        if self.accept && !came.holds() {
            return self.accept(&scenario, &came);
        }
        Ok(if came.holds() { Exit::Done } else { Exit::No })
    }

    fn accept(&self, scenario: &Scenario, came: &Came) -> Result<Exit> {
        let Some(text) = accepted(scenario, came) else {
            self.output.line("not accepted: it is another failure, or none");
            return Ok(Exit::No);
        };
        write(&self.file, &text)?;
        self.output.line(format!("accepted: {}", self.file.display()));
        Ok(Exit::Done)
    }

    fn tell(&self, came: &Came) {
        let Came { results, second_digest, expected_digest, violated, without_quirks } = came;
        let digest = &results.digest;
        self.output.line(format!("digest: {digest}"));
        if second_digest != digest {
            self.output.line(format!("  the second run has another one: {second_digest}"));
        }
        match expected_digest {
            Some(expected) if expected != digest => {
                self.output.line(format!("  the file expects another one: {expected}"));
            }
            Some(_) => {}
            None => self.output.line("  the file does not say which one to expect"),
        }
        match violated.as_slice() {
            [] => self.output.line("violated: nothing"),
            violated => self.output.line(format!("violated: {}", violated.join(", "))),
        }
        for reason in &results.reasons {
            self.output.line(format!("  {reason}"));
        }
        let sound = without_quirks.map(|verdict| verdict.as_str());
        if let Some(verdict) = sound {
            self.output.line(format!("without its quirks: {verdict}"));
        }
        let word = if came.holds() { "as the file says" } else { "not as the file says" };
        self.output.line(format!("outcome: {word}"));
        self.output.data(&Told {
            digest,
            second_digest,
            expected_digest: expected_digest.as_deref(),
            violated,
            reasons: &results.reasons,
            without_quirks: sound,
            holds: came.holds(),
        });
    }
}
