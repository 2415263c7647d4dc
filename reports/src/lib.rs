//! From a run directory to a page people want to read.
//!
//! `results.json` becomes `report.html` (one file with everything in it, no script, nothing loaded),
//! `junit.xml` (for build servers) and `summary.md` (for everything that shows Markdown). Here: how
//! results are shown. Not here: what they are (`bigchaindb_simulator::record`) and how they came
//! about (`bigchaindb_simulator::checkers`, `measure`). Start at [`write()`]; the page itself, from
//! top to bottom, is in `page`.

mod axis;
mod campaign;
mod chart;
mod figures;
mod junit;
mod matrix;
mod page;
mod standing;
mod summary;
mod violations;
mod words;

use std::io;
use std::path::{Path, PathBuf};

use bigchaindb_simulator::campaign::{Found, State};
use bigchaindb_simulator::matrix::{Swept, SweptError};
use bigchaindb_simulator::record::{RecordError, Results, RunDirectory};

/// Why a run's report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There are no results to report.
    #[error(transparent)]
    Results(#[from] RecordError),
    /// There is nothing of a matrix to report.
    #[error(transparent)]
    Swept(#[from] SweptError),
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Reads `results.json` of a run directory and writes `report.html`, `junit.xml` and `summary.md`
/// next to it. Returns where the page is. Equal results give equal files, to the byte.
///
/// # Errors
/// [`ReportError::Results`] if there is no `results.json` or it is of another version;
/// [`ReportError::Write`] if a file cannot be written.
pub fn write(run_directory: &Path) -> Result<PathBuf, ReportError> {
    let results = RunDirectory::open(run_directory).results()?;
    let put = |name: &str, text: String| {
        let path = run_directory.join(name);
        match std::fs::write(&path, text) {
            Ok(()) => Ok(path),
            Err(source) => Err(ReportError::Write { path, source }),
        }
    };
    put("junit.xml", junit(&results))?;
    put("summary.md", summary(&results))?;
    put("report.html", render(&results))
}

/// The page: HTML, complete in itself, and well-formed XML too.
pub fn render(results: &Results) -> String {
    page::page(results)
}

/// JUnit's XML: a test case for the harness, each invariant and each threshold. What nobody could
/// tell is an error, what does not apply is skipped.
pub fn junit(results: &Results) -> String {
    junit::junit(results)
}

/// The verdict and what it rests on, as Markdown.
pub fn summary(results: &Results) -> String {
    summary::summary(results)
}

/// Reads `matrix.json` of a folder and writes `matrix.html` next to it. Returns where the page is.
///
/// # Errors
/// [`ReportError::Swept`] if there is no `matrix.json` or it is of another version;
/// [`ReportError::Write`] if the page cannot be written.
pub fn write_matrix(folder: &Path) -> Result<PathBuf, ReportError> {
    let (path, page) = (folder.join("matrix.html"), matrix(&Swept::load(folder)?));
    match std::fs::write(&path, page) {
        Ok(()) => Ok(path),
        Err(source) => Err(ReportError::Write { path, source }),
    }
}

/// A matrix on one page: HTML, complete in itself, and well-formed XML too.
pub fn matrix(swept: &Swept) -> String {
    matrix::matrix(swept)
}

/// A campaign on one page: HTML, complete in itself, and well-formed XML too. `again` says the command
/// that runs a failure again.
pub fn campaign(state: &State, again: &dyn Fn(&Found) -> String) -> String {
    campaign::campaign(state, again)
}
