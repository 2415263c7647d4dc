//! A chain that a run begins with, and that stays for the next one if it has a folder.
//!
//! In the folder lie the database, how many assets are on the chain (`assets`), and some of its CREATEs that
//! nobody has passed on (`old`: a line is an asset's number and its CREATE). What a run makes, it passes on itself at
//! once, and what an asset costs that was made long ago is another matter.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use bigchaindb_core::model::{Json, Transaction};

use crate::Result;

const ASSETS: &str = "assets";
const OLD: &str = "old";

/// So many old assets are kept of a chain, or one less than twice as many: all of a chain that is shorter.
const OLD_KEPT: u64 = 20_000;

/// What of the chain is not in its database.
pub(crate) struct Kept {
    folder: Option<PathBuf>,
    /// So many assets are on it: the next one has this number.
    pub(crate) assets: u64,
    /// Some that were made before any clock ran, and that nobody has passed on: the asset, and its CREATE.
    old: Vec<(u64, Transaction)>,
}

impl Kept {
    /// What is in a folder, or nothing at all.
    ///
    /// # Errors
    /// If something is there, and cannot be read.
    pub(crate) fn open(folder: Option<&Path>) -> Result<Self> {
        let mut kept = Self { folder: folder.map(Path::to_owned), assets: 0, old: Vec::new() };
        let Some(folder) = folder else { return Ok(kept) };
        fs::create_dir_all(folder)?;
        if folder.join(ASSETS).exists() {
            let unreadable = |error: Box<dyn Error + Send + Sync>| {
                format!("no chain is in {}: {error}; take another folder", folder.display())
            };
            kept.assets = read_assets(&folder.join(ASSETS)).map_err(unreadable)?;
            kept.old = read_old(&folder.join(OLD)).map_err(unreadable)?;
        }
        Ok(kept)
    }

    /// Of a chain of that length, these are on it now; what is kept of them.
    pub(crate) fn lengthen(&mut self, chain: u64, made: impl IntoIterator<Item = Transaction>) {
        let each = (chain / OLD_KEPT).max(1);
        for transaction in made {
            if self.assets.is_multiple_of(each) {
                self.old.push((self.assets, transaction));
            }
            self.assets += 1;
        }
    }

    /// So many old assets, if there are, that are to be passed on.
    pub(crate) fn take_old(&mut self, number: u64) -> Vec<(u64, Transaction)> {
        let number = usize::try_from(number).unwrap_or(usize::MAX).min(self.old.len());
        self.old.drain(..number).collect()
    }

    /// Writes it down. Before a measurement, that is: what breaks off leaves nothing that is made or passed on twice.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write(&self) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let line = |(asset, transaction): &(u64, Transaction)| {
            format!("{asset} {}\n", transaction.document())
        };
        fs::write(folder.join(OLD), self.old.iter().map(line).collect::<String>())?;
        Ok(fs::write(folder.join(ASSETS), format!("{}\n", self.assets))?)
    }
}

fn read_assets(path: &Path) -> Result<u64> {
    Ok(fs::read_to_string(path)?.trim().parse()?)
}

fn read_old(path: &Path) -> Result<Vec<(u64, Transaction)>> {
    let old = |line: &str| {
        let (asset, document) = line.split_once(' ').ok_or("`old` is damaged")?;
        Ok((asset.parse()?, Transaction::from_document(Json::parse(document.as_bytes())?)?))
    };
    fs::read_to_string(path)?.lines().map(old).collect()
}
