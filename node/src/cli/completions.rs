//! `bigchaindb completions`: what a shell needs to complete commands and options.

use std::io::{self, Write as _};

use clap::{Args, Command};
use clap_complete::Shell;

use super::failure::{Failure, Result};
use crate::exit::Exit;

/// Print a script that completes commands and options.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    bigchaindb completions bash > /usr/share/bash-completion/completions/bigchaindb")]
pub(crate) struct Completions {
    /// For which shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, mut program: Command) -> Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut program, "bigchaindb", &mut script);
        let written = io::stdout().write_all(&script);
        written.map_err(|error| Failure::surroundings(&error, "is stdout closed?"))?;
        Ok(Exit::Done)
    }
}
