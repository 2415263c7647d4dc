//! The command line `deploy`: a file per command, and how commands end.

mod cli;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Federations of BigchainDB nodes on machines of their own: planned, made, watched, taken away.
///
/// Exit codes: 0 done; 1 the answer is no; 2 wrong usage or wish; 3 nobody knows; 4 the surroundings failed.
#[derive(Parser, Debug)]
#[command(name = "deploy", version, max_term_width = 100)]
#[command(
    after_help = "Example:\n  deploy plan deploy/clusters/three.toml --operator 203.0.113.7/32"
)]
struct Cli {
    #[command(flatten)]
    means: cli::Means,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Plan(cli::plan::Plan),
    Up(cli::up::Up),
    Status(cli::status::Status),
    Ssh(cli::ssh::Ssh),
    Logs(cli::logs::Logs),
    Down(cli::down::Down),
    Reap(cli::reap::Reap),
}

fn main() -> ExitCode {
    let Cli { means, command } = Cli::parse();
    let outcome = match command {
        Command::Plan(plan) => plan.run(&means),
        Command::Up(up) => up.run(&means),
        Command::Status(status) => status.run(&means),
        Command::Ssh(ssh) => ssh.run(&means),
        Command::Logs(logs) => logs.run(&means),
        Command::Down(down) => down.run(&means),
        Command::Reap(reap) => reap.run(&means),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("error: {error}\n hint: {}", error.hint());
            error.exit().into()
        }
    }
}
