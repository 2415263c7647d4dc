//! `bigchaindb configure`: a config file with new keys.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::config::{Settings, default_path, from_environment};
use bigchaindb_core::model::Keypair;
use clap::Args;

use super::failure::{Failure, Result};
use super::source::{Source, ask, environment, pretty};
use crate::exit::Exit;

/// Write a config file with a new keypair, and ask for the most important settings.
///
/// Source: BigchainDB 0.6 docs, "The BigchainDB Command Line Interface (CLI)".
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  bigchaindb -y configure\n  bigchaindb -c - -y configure")]
pub(crate) struct Configure {}

/// What is asked for.
const ASKED: [(&str, &[&str]); 7] = [
    ("API Server bind", &["server", "bind"]),
    ("Database host", &["database", "host"]),
    ("Database port", &["database", "port"]),
    ("Database name", &["database", "name"]),
    ("Statsd host", &["statsd", "host"]),
    ("Statsd port", &["statsd", "port"]),
    ("Statsd rate", &["statsd", "rate"]),
];

impl Configure {
    pub(crate) fn run(&self, source: &Source) -> Result<Exit> {
        let path = source.config.clone().unwrap_or_else(|| default_path(&environment()));
        let to_stdout = path == Path::new("-");
        if !to_stdout && path.exists() && !source.yes {
            let question = format!(
                "Config file `{}` exists, do you want to override it? (cannot be undone) [y/N]: ",
                path.display()
            );
            if asked(&question)? != "y" {
                return Ok(Exit::Done);
            }
        }
        let refused = |error| Failure::usage(&error, "correct the environment variable");
        let mut settings = from_environment(&environment()).map_err(refused)?;
        eprintln!("Generating keypair");
        let keypair = Keypair::from_seed(crate::entropy());
        let private = settings.set(&["keypair", "private"], keypair.private().into());
        let public = settings.set(&["keypair", "public"], keypair.public().as_str().into());
        private.and(public).expect("a key is a text");
        if !source.yes {
            for (name, path) in ASKED {
                ask_for(&mut settings, name, path)?;
            }
        }
        let text = pretty(settings.document());
        if to_stdout {
            let written = writeln!(io::stdout(), "{text}");
            written.map_err(|error| Failure::surroundings(&error, "is stdout closed?"))?;
            return Ok(Exit::Done);
        }
        let written = write(&path, &text);
        written.map_err(|error| {
            Failure::surroundings(&error, format!("may `{}` be written?", path.display()))
        })?;
        eprintln!("Configuration written to {}", path.display());
        eprintln!("Ready to go!");
        Ok(Exit::Done)
    }
}

/// Asks until the answer can be the setting; an empty one leaves it as it is.
fn ask_for(settings: &mut Settings, name: &str, path: &[&str]) -> Result<()> {
    loop {
        let now = settings.shown(path);
        let answer = asked(&format!("{name}? (default `{now}`): "))?;
        if answer.is_empty() {
            return Ok(());
        }
        match settings.set(path, answer.into()) {
            Ok(()) => return Ok(()),
            Err(error) => eprintln!("{error}"),
        }
    }
}

fn asked(question: &str) -> Result<String> {
    let answer = ask(&mut io::stderr(), question);
    answer.map_err(|error| Failure::surroundings(&error, "is stdin closed? `-y` asks nothing"))
}

/// Only its owner may read the file: the private key is in it.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")
}
