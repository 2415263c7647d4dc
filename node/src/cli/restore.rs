//! `bigchaindb restore`: an archive, brought back into a database.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::admin;
use crate::admin::archive::{ArchiveError, Reader, check};
use bigchaindb_core::rules::{Federation, Registry};
use clap::Args;

use super::failure::{Failure, Result};
use super::progress::OnStderr;
use super::source::{Source, node};
use super::tables::{Where, failure, federation, print, rules};
use crate::exit::Exit;

/// Bring an archive of `backup` back into an empty database.
///
/// Makes the tables and indexes. The whole archive is checked before anything is written, unless it
/// comes from stdin; blocks and votes are checked, id by id and signature by signature, while they are
/// written. If it breaks off, run it again with the same archive. No node may run on the database
/// meanwhile.
///
/// Source: BigchainDB 0.6 docs, "Backing Up & Restoring Data".
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  bigchaindb restore chain.backup\n  \
                        bigchaindb restore --check chain.backup")]
pub(crate) struct Restore {
    /// Where from; `-` means stdin.
    file: PathBuf,
    /// Keep what is in the database, add what is missing, and report what differs.
    #[arg(long)]
    merge: bool,
    /// Only see whether the archive is whole; no database is touched.
    #[arg(long, conflicts_with = "merge")]
    check: bool,
    #[command(flatten)]
    database: Where,
    /// Print the outcome as JSON.
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(crate) async fn run(&self, source: &Source, known: &Registry) -> Result<Exit> {
        let from_stdin = self.file == Path::new("-");
        if self.check || !from_stdin {
            let input = self.input()?;
            let checked = check(input).map_err(|errors| {
                for error in &errors[1..] {
                    eprintln!("error: {error}");
                }
                damaged(&errors[0])
            });
            let (_, end) = checked?;
            if self.check {
                print(self.json, &end, || {
                    let tables = end.tables.iter();
                    let told = tables.map(|(table, total)| format!("{table}: {total}"));
                    told.collect()
                })?;
                return Ok(Exit::Done);
            }
        }
        let config = node(&source.settings()?)?;
        let reader = Reader::open(self.input()?).map_err(|error| damaged(&error))?;
        let mut named = config.clone();
        named.consensus_plugin.clone_from(&reader.head().consensus_plugin);
        let rules = rules(&named, known)?;
        let members = &reader.head().members;
        if federation(&config).is_some_and(|own| !is_of(&own, members)) {
            log::warn!(
                target: "bigchaindb",
                "the archive is of another federation than the configured one; these nodes will not go \
                 on with its chain"
            );
        }
        let tables = self.database.open_or_make(&config.database).await?;
        let progress = OnStderr::new();
        let restored = admin::restore(&tables.client, reader, rules, self.merge, &progress).await;
        progress.end();
        let restored = restored.map_err(|error| failure(&error))?;
        tables.close().await?;
        print(self.json, &restored, || {
            let findings = restored.findings.iter().map(ToString::to_string);
            let tables = restored.tables.iter().map(|(table, counts)| {
                let admin::restore::Counts { written, there, conflicts } = counts;
                format!("{table}: {written} written, {there} there, {conflicts} in conflict")
            });
            findings.chain(tables).collect()
        })?;
        Ok(if restored.findings.is_empty() { Exit::Done } else { Exit::No })
    }

    fn input(&self) -> Result<Box<dyn BufRead + Send>> {
        if self.file == Path::new("-") {
            return Ok(Box::new(BufReader::new(io::stdin())));
        }
        let file = File::open(&self.file).map_err(|error| {
            Failure::surroundings(&error, format!("is `{}` there?", self.file.display()))
        })?;
        Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
    }
}

fn damaged(error: &ArchiveError) -> Failure {
    match error {
        ArchiveError::Read(_) => Failure::surroundings(error, "can the archive be read?"),
        _ => Failure::with_no(error, "take another archive"),
    }
}

fn is_of(federation: &Federation, members: &[String]) -> bool {
    let members: Vec<_> = members.iter().map(|key| key.as_str().into()).collect();
    federation.is_exactly(&members)
}
