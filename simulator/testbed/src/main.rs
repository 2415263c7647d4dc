//! The command line of the testbed: a file per command, and how commands end.
//!
//! Not here: what the commands do (`bigchaindb_simulator`, `bigchaindb_reports`).

mod campaign;
mod compare;
mod dash;
mod defects;
mod environment;
mod exhaust;
mod exit;
mod failure;
mod gc;
mod judge;
mod list;
mod live;
mod matrix;
mod means;
mod monitor;
mod output;
mod progress;
mod quirks;
mod relay;
mod replay;
mod report;
mod repro;
mod run;
mod saturate;
mod shrink;
mod up;

use std::process::ExitCode;

use bigchaindb_simulator::backends::apart::reaper;
use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// A run makes millions of small documents that stay: this allocator is faster at it than the system's, and
/// needs a fifth less for it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// A testbed for BigchainDB 0.6 federations: put load and faults on them, and judge what happens.
///
/// Exit codes: 0 done, `pass`, or `same` or `better`; 1 `fail`, or `worse`; 2 wrong usage or scenario;
/// 3 `unknown`, or `unclear`; 4 the surroundings failed, or `void`.
#[derive(Parser, Debug)]
#[command(name = "testbed", version, max_term_width = 100)]
#[command(after_help = "Example:\n  testbed run scenarios/smoke/first-federation.toml --seed 7")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Run(run::Run),
    List(list::List),
    Saturate(saturate::Saturate),
    Campaign(campaign::Campaign),
    Shrink(shrink::Shrink),
    Report(report::Report),
    Repro(repro::Repro),
    Judge(judge::Judge),
    Compare(compare::Compare),
    Relay(relay::Relay),
    Dash(dash::Dash),
    Monitor(monitor::Monitor),
    Replay(replay::Replay),
    Defects(defects::Defects),
    Exhaust(exhaust::Exhaust),
    Up(up::Up),
    Gc(gc::Gc),
    #[command(name = reaper::COMMAND)]
    WatchOver(gc::WatchOver),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(run) => run.run(),
        Command::List(list) => list.run(),
        Command::Saturate(saturate) => saturate.run(),
        Command::Campaign(campaign) => campaign.run(),
        Command::Shrink(shrink) => shrink.run(),
        Command::Report(report) => report.run(),
        Command::Repro(repro) => repro.run(),
        Command::Judge(judge) => judge.run(),
        Command::Compare(compare) => compare.run(),
        Command::Relay(relay) => relay.run(),
        Command::Dash(dash) => dash.run(),
        Command::Monitor(monitor) => monitor.run(),
        Command::Replay(replay) => replay.run(),
        Command::Defects(defects) => defects.run(),
        Command::Exhaust(exhaust) => exhaust.run(),
        Command::Up(up) => up.run(),
        Command::Gc(gc) => gc.run(),
        Command::WatchOver(watch) => watch.run(),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.tell();
            failure.exit.into()
        }
    }
}
