//! From `results.json` to the files next to it.

use std::fs;

use bigchaindb_reports::ReportError;
use bigchaindb_simulator::record::{RecordError, RunDirectory};

use crate::runs;

#[test]
fn a_run_directory_gets_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let results = runs::failed();
    RunDirectory::open(folder.path()).write_results(&results).unwrap();
    let page = bigchaindb_reports::write(folder.path()).unwrap();
    assert_eq!(page, folder.path().join("report.html"));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("report.html"), bigchaindb_reports::render(&results));
    assert_eq!(read("junit.xml"), bigchaindb_reports::junit(&results));
    assert_eq!(read("summary.md"), bigchaindb_reports::summary(&results));
    assert_eq!(read("timeseries.csv"), bigchaindb_reports::timeseries(&results));
}

#[test]
fn without_results_there_is_no_report() {
    let folder = tempfile::tempdir().unwrap();
    let error = bigchaindb_reports::write(folder.path()).unwrap_err();
    assert!(matches!(error, ReportError::Results(RecordError::Io { .. })), "{error:?}");
    fs::write(folder.path().join("results.json"), "{\"version\": 9000}").unwrap();
    let error = bigchaindb_reports::write(folder.path()).unwrap_err();
    assert!(
        matches!(error, ReportError::Results(RecordError::Version { found: 9000, .. })),
        "{error:?}"
    );
    assert!(!folder.path().join("report.html").exists());
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    RunDirectory::open(folder.path()).write_results(&runs::empty()).unwrap();
    fs::create_dir(folder.path().join("summary.md")).unwrap();
    let error = bigchaindb_reports::write(folder.path()).unwrap_err();
    assert!(error.to_string().ends_with("summary.md"), "{error}");
}
