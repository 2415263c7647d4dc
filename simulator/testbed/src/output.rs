//! Data goes to stdout, as text for people or as JSON for programs; talk goes to stderr.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use serde::Serialize;

/// How data is printed.
#[derive(Clone, Copy, Args, Debug)]
pub(crate) struct Output {
    /// How data is printed.
    #[arg(long, value_enum, default_value = "text", global = true)]
    format: Format,
    /// The same as `--format json`.
    #[arg(long, conflicts_with = "format", global = true)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Format {
    /// Lines for people.
    Text,
    /// One JSON value for programs.
    Json,
}

impl Output {
    /// A line for people; programs do not see it.
    pub(crate) fn line(self, text: impl AsRef<str>) {
        if !self.is_json() {
            put(text.as_ref());
        }
    }

    /// The whole data for programs; people do not see it.
    pub(crate) fn data(self, data: &impl Serialize) {
        if self.is_json() {
            put(&serde_json::to_string_pretty(data).expect("our own types have a JSON form"));
        }
    }

    fn is_json(self) -> bool {
        self.json || self.format == Format::Json
    }
}

/// Whoever closed stdout early (`head`) has seen enough: the exit code still tells.
fn put(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
