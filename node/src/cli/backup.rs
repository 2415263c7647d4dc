//! `bigchaindb backup`: the federation's tables, in one file.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _};
use std::path::{Path, PathBuf};

use crate::admin;
use bigchaindb_core::rules::Registry;
use clap::Args;

use super::failure::{Failure, Result};
use super::progress::OnStderr;
use super::source::{Source, node};
use super::tables::{Where, failure, federation, print, rules};
use crate::exit::Exit;

/// Write the chain, its votes and its list of blocks into a file, while the federation runs.
///
/// The archive is compressed, and every byte of it is under a checksum. A chain with a list is saved as
/// it was when the backup began, with all votes on its blocks.
///
/// Source: BigchainDB 0.6 docs, "Backing Up & Restoring Data".
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  bigchaindb backup chain.backup\n  \
                        bigchaindb backup - | ssh vault 'cat > chain.backup'")]
pub(crate) struct Backup {
    /// Where to; `-` means stdout. A file that is there is not overwritten without `-y`.
    file: PathBuf,
    /// Save the waiting transactions, too.
    #[arg(long)]
    backlog: bool,
    #[command(flatten)]
    database: Where,
    /// Print what is in the archive as JSON.
    #[arg(long)]
    json: bool,
}

impl Backup {
    pub(crate) async fn run(&self, source: &Source, known: &Registry) -> Result<Exit> {
        let config = node(&source.settings()?)?;
        let to_stdout = self.file == Path::new("-");
        if to_stdout && (self.json || io::stdout().is_terminal()) {
            return Err(Failure::wrong(
                "the archive goes to stdout",
                "redirect it, or name a file; `--json` needs stdout for itself",
            ));
        }
        if !to_stdout && self.file.exists() && !source.yes {
            let message = format!("`{}` is there already", self.file.display());
            return Err(Failure::no(message, "name another file, or overwrite it with `-y`"));
        }
        let members = federation(&config).map(|federation| {
            federation.voters().iter().map(ToString::to_string).collect::<Vec<_>>()
        });
        let what = admin::Backup {
            backlog: self.backlog,
            consensus_plugin: config.consensus_plugin.clone(),
            order: rules(&config, known)?.order(),
            members: members.unwrap_or_default(),
        };
        let tables = self.database.open(&config.database).await?;
        let progress = OnStderr::new();
        let end = if to_stdout {
            admin::backup(&tables.client, &what, io::stdout().lock(), &progress).await
        } else {
            let unfinished = self.unfinished();
            let file = File::create(&unfinished).map_err(|error| self.unwritable(&error))?;
            let mut out = BufWriter::new(file);
            let end = admin::backup(&tables.client, &what, &mut out, &progress).await;
            let file = out.into_inner().map_err(|error| self.unwritable(error.error()))?;
            if end.is_ok() {
                file.sync_all().map_err(|error| self.unwritable(&error))?;
                fs::rename(&unfinished, &self.file).map_err(|error| self.unwritable(&error))?;
            } else {
                // It is of no use; and if it cannot be taken away, it does no harm.
                let _left = fs::remove_file(&unfinished);
            }
            end
        };
        progress.end();
        let end = end.map_err(|error| failure(&error))?;
        tables.close().await?;
        if !to_stdout {
            print(self.json, &end, || {
                let tables = end.tables.iter();
                let told = tables.map(|(table, total)| format!("{table}: {total}"));
                told.collect()
            })?;
        }
        Ok(Exit::Done)
    }

    /// The file has another name until it is whole.
    fn unfinished(&self) -> PathBuf {
        let mut name = self.file.clone().into_os_string();
        name.push(".unfinished");
        name.into()
    }

    fn unwritable(&self, error: &io::Error) -> Failure {
        Failure::surroundings(error, format!("may `{}` be written?", self.file.display()))
    }
}
