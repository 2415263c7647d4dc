//! The command line `deploy`: a file per command, and how commands end.

use std::path::PathBuf;
use std::process::ExitCode;

use bigchaindb_deploy::error::Result;
use bigchaindb_deploy::wish::Wish;
use clap::{Parser, Subcommand};

/// Federations of BigchainDB nodes on machines of their own: planned, made, watched, taken away.
///
/// Exit codes: 0 done; 1 the answer is no; 2 wrong usage or wish; 3 nobody knows; 4 the surroundings failed.
#[derive(Parser, Debug)]
#[command(name = "deploy", version, max_term_width = 100)]
#[command(after_help = "Example:\n  deploy machines deploy/clusters/three.toml")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Name the machines that a wish comes to.
    Machines {
        /// The wish's file.
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    match carry_out(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}\n hint: {}", error.hint());
            error.exit().into()
        }
    }
}

fn carry_out(command: Command) -> Result<()> {
    let Command::Machines { file } = command;
    for machine in Wish::load(&file)?.machines() {
        println!("{} {} {}", machine.name, machine.region, machine.instance_types.join(" or "));
    }
    Ok(())
}
