//! From a run directory to a page people want to read.
//!
//! `results.json` becomes `report.html` (one file with everything in it, nothing loaded), `junit.xml`
//! (for build servers), `summary.md` (for everything that shows Markdown) and `timeseries.csv`. Here: how
//! results are shown. Not here: what they are (`bigchaindb_simulator::record`) and how they came
//! about (`bigchaindb_simulator::checkers`, `measure`). Start at [`write()`]; the page itself, from
//! top to bottom, is in `page`.

mod axis;
mod broken;
mod campaign;
mod chart;
mod comparison;
mod drawing;
mod figures;
mod gate;
mod hops;
mod junit;
mod machine;
mod matrix;
mod meanings;
mod page;
mod phases;
mod saturation;
mod scaling;
mod schema;
mod standing;
mod summary;
mod timeseries;
mod trouble;
mod used;
mod violations;
mod words;

use std::io;
use std::path::{Path, PathBuf};

use bigchaindb_simulator::campaign::{Found, State};
use bigchaindb_simulator::compare::Comparison;
use bigchaindb_simulator::matrix::{Swept, SweptError};
use bigchaindb_simulator::record::{RecordError, Results, RunDirectory};
use bigchaindb_simulator::saturate::{Saturation, SaturationError};

pub use comparison::{NamedRun, SideBySide};

/// Why a run's report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There are no results to report.
    #[error(transparent)]
    Results(#[from] RecordError),
    /// There is nothing of a matrix to report.
    #[error(transparent)]
    Swept(#[from] SweptError),
    /// There is nothing of a search to report.
    #[error(transparent)]
    Saturation(#[from] SaturationError),
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Reads `results.json` of a run directory and writes `report.html`, `junit.xml`, `summary.md` and
/// `timeseries.csv` next to it. Returns where the page is. Equal results give equal files, to the byte.
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
    put("timeseries.csv", timeseries(&results))?;
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

/// The run second by second, as CSV: `reports/README.md` tells its columns.
pub fn timeseries(results: &Results) -> String {
    timeseries::timeseries(results)
}

/// The JSON Schema (draft 2020-12) of `results.json`, as this program writes it. The published copy is
/// `reports/results.schema.json`.
pub fn schema() -> String {
    schema::schema()
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

/// Writes `comparison.html` and `comparison.md` into a folder, which is made if it is not there. Returns
/// where the page is.
///
/// # Errors
/// [`ReportError::Write`] if a file cannot be written.
pub fn write_comparison(comparison: &SideBySide, folder: &Path) -> Result<PathBuf, ReportError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ReportError::Write { path, source }
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    let summary = folder.join("comparison.md");
    std::fs::write(&summary, comparison.markdown()).map_err(failed(&summary))?;
    let page = folder.join("comparison.html");
    std::fs::write(&page, comparison.html()).map_err(failed(&page))?;
    Ok(page)
}

/// A matrix on one page: HTML, complete in itself, and well-formed XML too.
pub fn matrix(swept: &Swept) -> String {
    matrix::matrix(swept)
}

/// Reads `saturation.json` of a folder and writes `saturation.html` next to it. Returns where the page is.
///
/// # Errors
/// [`ReportError::Saturation`] if there is no `saturation.json` or it is of another version;
/// [`ReportError::Write`] if the page cannot be written.
pub fn write_saturation(folder: &Path) -> Result<PathBuf, ReportError> {
    let path = folder.join("saturation.html");
    match std::fs::write(&path, saturation(&Saturation::load(folder)?)) {
        Ok(()) => Ok(path),
        Err(source) => Err(ReportError::Write { path, source }),
    }
}

/// A search for the knee on one page: HTML, complete in itself, and well-formed XML too.
pub fn saturation(found: &Saturation) -> String {
    saturation::saturation(found)
}

/// Where the knee is, in a sentence.
pub fn knee(found: &Saturation) -> String {
    saturation::knee_said(found)
}

/// What a comparison of two programs came to, as Markdown, for a pull request.
pub fn gate(comparison: &Comparison) -> String {
    gate::markdown(comparison)
}

/// The same as a table: a row for each figure, or for each difference where runs are exact, under a row of
/// headings; what is compared comes first, what it is called last.
pub fn gate_rows(comparison: &Comparison) -> Vec<[String; 5]> {
    gate::rows(comparison)
}

/// What is said before that table, which is the first sentence, and after it.
pub fn gate_sentences(comparison: &Comparison) -> Vec<String> {
    gate::sentences(comparison)
}

/// A campaign on one page: HTML, complete in itself, and well-formed XML too. `again` says the command
/// that runs a failure again.
pub fn campaign(state: &State, again: &dyn Fn(&Found) -> String) -> String {
    campaign::campaign(state, again)
}

#[cfg(test)]
mod tests {
    use bigchaindb_simulator::measure::Measures;
    use bigchaindb_simulator::record::Results;

    /// Results of a run in which nothing happened.
    pub(crate) fn results() -> Results {
        let measures =
            serde_json::to_value(Measures::default()).expect("measures have a JSON form");
        let results = serde_json::json!({
            "version": Results::VERSION, "scenario": "", "seed": 1, "backend": "sim", "nodes": [],
            "rules": "default", "verdict": "pass", "reasons": [], "digest": "", "command": "",
            "started_unix_ms": 0, "duration_us": 0, "invariants": [], "thresholds": [],
            "measures": measures, "faults": [], "environment": {},
        });
        serde_json::from_value(results).expect("results are well-formed")
    }
}
