//! `testbed judge`: what the checkers say of a log that is there already.

use std::path::PathBuf;

use bigchaindb_simulator::checkers::reference::Surroundings;
use bigchaindb_simulator::checkers::{Judgement, Outcome, Settings};
use bigchaindb_simulator::record::{RunDirectory, verdict};
use bigchaindb_simulator::stored::{Histories, StoredLog};
use clap::Args;
use serde::Serialize;

use crate::exit::{self, Exit};
use crate::failure::{Failure, Result};
use crate::output::Output;

/// So many violations of an invariant are printed for people.
const SHOWN: usize = 3;

/// Judge a stored log, of a run of ours or a recording of something else.
///
/// The run's own expectations hold if its `plan.json` is next to the log.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed judge runs/first-federation-sim-1")]
pub(crate) struct Judge {
    /// The log: JSON lines, `.jsonl` or `.jsonl.xz`; or the folder of a run.
    file: PathBuf,
    /// The rules by which it is judged, if not those that it names.
    #[arg(long, value_parser = ["default", "mixed", "v0.6.0"])]
    rules: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Told<'a> {
    file: String,
    records: usize,
    warnings: &'a [String],
    verdict: &'a str,
    reasons: &'a [String],
    #[serde(flatten)]
    histories: &'a Histories,
    invariants: &'a [Judgement],
}

impl Judge {
    pub(crate) fn run(&self) -> Result<Exit> {
        let log = StoredLog::read(&self.log(), self.rules.as_deref()).map_err(|error| {
            let hint = "name the folder of a run, or a recording in the form of its log";
            Failure::surroundings(&error, hint)
        })?;
        for warning in &log.warnings {
            eprintln!("note: {warning}");
        }
        let judged = log.judge(&self.settings());
        let histories = log.histories();
        let surroundings: &Surroundings = judged.reference.surroundings();
        let (verdict, reasons) = verdict(&judged.judgements, surroundings);
        self.tell(&histories, &judged.judgements);
        self.output.line(format!("verdict: {verdict}"));
        self.output.data(&Told {
            file: self.log().display().to_string(),
            records: log.records.len(),
            warnings: &log.warnings,
            verdict: verdict.as_str(),
            reasons: &reasons,
            histories: &histories,
            invariants: &judged.judgements,
        });
        Ok(exit::of_verdict(verdict))
    }

    fn log(&self) -> PathBuf {
        if self.file.is_dir() {
            RunDirectory::open(&self.file).observations()
        } else {
            self.file.clone()
        }
    }

    /// What the run's own scenario expects, if it is there.
    fn settings(&self) -> Settings {
        let folder = self.log().parent().map(RunDirectory::open);
        let plan = folder.and_then(|folder| folder.plan().ok());
        plan.map_or_else(Settings::default, |plan| Settings::from(&plan.expect))
    }

    fn tell(&self, histories: &Histories, judgements: &[Judgement]) {
        let Histories { blocks, votes, status_histories, .. } = histories;
        self.output.line(format!("blocks: {blocks}, votes: {votes}"));
        for (history, blocks) in status_histories {
            let history = if history.is_empty() { "without a vote" } else { history };
            self.output.line(format!("  {history}: {}", blocks.len()));
        }
        let several = &histories.transactions_in_several_valid_blocks;
        self.output.line(format!("transactions in several valid blocks: {}", several.len()));
        let twice = &histories.transactions_twice_in_one_block;
        self.output.line(format!("transactions twice in one block: {}", twice.len()));
        for judgement in judgements {
            self.tell_one(judgement);
        }
    }

    fn tell_one(&self, judgement: &Judgement) {
        let Judgement { invariant, outcome, meant_to_fail, .. } = judgement;
        let meant = if *meant_to_fail { ", as was meant" } else { "" };
        match outcome {
            Outcome::Pass => self.output.line(format!("{invariant}: holds")),
            Outcome::Unknown { why } => {
                self.output.line(format!("{invariant}: cannot be told: {why}"));
            }
            Outcome::NotApplicable { why } => {
                self.output.line(format!("{invariant}: does not apply: {why}"));
            }
            Outcome::Fail { count, violations } => {
                self.output.line(format!("{invariant}: violated {count} times{meant}"));
                for violation in violations.iter().take(SHOWN) {
                    let (seconds, part) =
                        (violation.at_us / 1_000_000, violation.at_us / 1_000 % 1_000);
                    self.output.line(format!("  {seconds}.{part:03} s: {}", violation.what));
                }
            }
        }
    }
}
