//! The command line of a node: a file per command, and how commands end.
//!
//! Not here: what the commands do (the library), what can be configured (`config`).

mod backup;
mod completions;
mod configure;
mod doctor;
mod failure;
mod init;
mod load;
mod logging;
mod own_rethinkdb;
mod progress;
mod repair;
mod restore;
mod rethinkdb;
mod serving;
mod shards;
mod show_config;
mod source;
mod start;
mod tables;
mod verify;

use std::process::ExitCode;

use bigchaindb_core::rules::Registry;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::exit::Exit;
use failure::{Failure, Result};
use logging::LogLevel;
use source::Source;

/// Which BigchainDB this is.
const VERSION: &str = "0.6.0";

/// Control your BigchainDB node.
///
/// Exit codes: 0 done; 1 the answer is no; 2 wrong usage or configuration; 4 the surroundings failed
/// (database, network, disk).
#[derive(Parser, Debug)]
#[command(name = "bigchaindb", version = VERSION, max_term_width = 100)]
#[command(disable_version_flag = true, about = "Control your BigchainDB node.")]
#[command(after_help = "Example:\n  bigchaindb -y configure\n  bigchaindb start --embedded data")]
struct Cli {
    /// Print the version.
    #[arg(long, short, action = clap::ArgAction::Version)]
    version: (),
    #[command(flatten)]
    source: Source,
    /// From which level on the log is written to stderr.
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = LogLevel::Info)]
    log_level: LogLevel,
    /// Start RethinkDB first, in the current directory; the program `rethinkdb` has to be there.
    #[arg(long)]
    experimental_start_rethinkdb: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    Configure(configure::Configure),
    ShowConfig(show_config::ShowConfig),
    ExportMyPubkey(show_config::ExportMyPubkey),
    Init(init::Init),
    Drop(init::Drop),
    Start(start::Start),
    Load(load::Load),
    #[command(hide = true)]
    LoadProcess(load::LoadProcess),
    SetShards(shards::SetShards),
    SetReplicas(shards::SetReplicas),
    Rethinkdb(rethinkdb::Rethinkdb),
    Completions(completions::Completions),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Verify(verify::Verify),
    Repair(repair::Repair),
    Doctor(doctor::Doctor),
}

/// Runs the command that the program's arguments name. `consensus_plugin` names one of `rules`.
pub fn main(rules: &Registry) -> ExitCode {
    match run(Cli::parse(), rules) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.tell();
            failure.exit.into()
        }
    }
}

fn run(cli: Cli, rules: &Registry) -> Result<Exit> {
    let Cli { source, log_level, experimental_start_rethinkdb, command, .. } = cli;
    log_level.apply();
    let Some(command) = command else {
        let printed = Cli::command().print_help();
        printed.map_err(|error| Failure::surroundings(&error, "is stdout closed?"))?;
        return Ok(Exit::Done);
    };
    let runtime = || tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = || runtime().map_err(|error| Failure::surroundings(&error, "try again"));
    match command {
        Command::Configure(configure) => configure.run(&source),
        Command::ShowConfig(show) => show.run(&source),
        Command::ExportMyPubkey(export) => export.run(&source),
        Command::Init(init) => runtime()?.block_on(init.run(&source)),
        Command::Drop(drop) => runtime()?.block_on(drop.run(&source)),
        Command::Start(start) => start.run(&source, rules, experimental_start_rethinkdb),
        Command::Load(load) => runtime()?.block_on(load.run(&source)),
        Command::LoadProcess(process) => runtime()?.block_on(process.run()),
        Command::SetShards(set) => runtime()?.block_on(set.run(&source)),
        Command::SetReplicas(set) => runtime()?.block_on(set.run(&source)),
        Command::Rethinkdb(rethinkdb) => runtime()?.block_on(rethinkdb.run()),
        Command::Completions(completions) => completions.run(Cli::command()),
        Command::Backup(backup) => runtime()?.block_on(backup.run(&source, rules)),
        Command::Restore(restore) => runtime()?.block_on(restore.run(&source, rules)),
        Command::Verify(verify) => runtime()?.block_on(verify.run(&source, rules)),
        Command::Repair(repair) => runtime()?.block_on(repair.run(&source, rules)),
        Command::Doctor(doctor) => runtime()?.block_on(doctor.run(&source)),
    }
}
