//! The configuration that a command works with, and the questions it asks.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;

use crate::config::{Environment, Loaded, Settings, load};
use crate::store::rethinkdb::{Client, Limits, Options, Password, Tcp, Tls};
use bigchaindb_core::model::{Json, Keypair};
use clap::Args;

use super::failure::{Failure, Result};

/// What every command can be told.
#[derive(Args, Debug)]
pub(crate) struct Source {
    /// The config file; `-` means stdout, for `configure`. Unless given, it is what
    /// `BIGCHAINDB_CONFIG_PATH` says, else `.bigchaindb` in the home directory.
    #[arg(long, short, value_name = "PATH")]
    pub(crate) config: Option<PathBuf>,
    /// Answer every question with yes.
    #[arg(long, short = 'y', visible_alias = "yes-please", global = true)]
    pub(crate) yes: bool,
}

/// The environment, as far as it is text.
pub(crate) fn environment() -> Environment {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

impl Source {
    /// The effective configuration; tells on stderr what is odd about it.
    pub(crate) fn settings(&self) -> Result<Settings> {
        Ok(self.loaded()?.settings)
    }

    /// The same, and where it came from.
    pub(crate) fn loaded(&self) -> Result<Loaded> {
        let loaded = load(self.config.as_deref(), &environment());
        let loaded = loaded.map_err(|error| {
            Failure::usage(&error, "correct it, or write a new one with `bigchaindb configure`")
        })?;
        if let Some(file) = &loaded.file {
            log::info!(target: "bigchaindb", "Configuration loaded from `{}`", file.display());
        }
        for warning in &loaded.warnings {
            log::warn!(target: "bigchaindb", "{warning}");
        }
        Ok(loaded)
    }
}

/// What a node reads out of its configuration.
pub(crate) fn node(settings: &Settings) -> Result<crate::config::NodeConfig> {
    settings.node().map_err(|error| Failure::usage(&error, "correct the config file"))
}

/// How the configuration says to reach the database.
pub(crate) fn database(settings: &Settings) -> Result<crate::config::Database> {
    settings.database().map_err(|error| Failure::usage(&error, "correct the config file"))
}

/// The keypair, without which nothing can be signed.
pub(crate) fn keypair(config: &crate::config::NodeConfig) -> Result<Keypair> {
    config.keypair.clone().ok_or_else(|| {
        let message =
            "Can't start BigchainDB, no keypair found. Did you run `bigchaindb configure`?";
        Failure::no(message, "run `bigchaindb configure`, or set `BIGCHAINDB_KEYPAIR_PRIVATE`")
    })
}

/// A client of the configured database; nothing is connected yet.
pub(crate) fn client(config: &crate::config::Database) -> Result<Client> {
    client_with(config, Options::default().query_timeout)
}

/// A client of the configured database that waits so long for an answer.
pub(crate) fn client_with(
    config: &crate::config::Database,
    query_timeout: Duration,
) -> Result<Client> {
    let tls = config.tls.as_ref().map(|file| {
        Tls::with_authority(file).map_err(|error| {
            let hint = format!("is `{}` a file of PEM certificates?", file.display());
            Failure::surroundings(&error, hint)
        })
    });
    let tcp = Tcp { host: config.host.clone(), port: config.port, tls: tls.transpose()? };
    let options = Options {
        database: config.name.clone(),
        user: config.user.clone(),
        password: Password(config.password.clone()),
        query_timeout,
        ..Options::default()
    };
    Ok(Client::new(tcp, options, Limits::default()))
}

/// Asks, on `out`; the answer without blanks around it, empty at the end of the input.
pub(crate) fn ask(out: &mut impl Write, question: &str) -> io::Result<String> {
    write!(out, "{question}")?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

/// A document as people read it: sorted, indented by four.
pub(crate) fn pretty(document: &Json) -> String {
    let value: serde_json::Value =
        serde_json::from_str(&document.to_string()).expect("the text of a document is JSON");
    let mut text = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut text, formatter);
    serde::Serialize::serialize(&value, &mut writer).expect("memory can be written");
    String::from_utf8(text).expect("JSON is UTF-8")
}
