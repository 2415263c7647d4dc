//! The command line as a user meets it: what is printed where, and how commands end.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod apart;
mod cluster;
mod compare;
mod determinism;
mod docker;
#[path = "../../../../deploy/tests/it/ends.rs"]
mod ends;
mod holds;
#[path = "../../../../monitoring/tests/it/influxdb.rs"]
mod influxdb;
mod kept;
mod killed;
mod links;
mod list;
mod matrix;
mod mixed;
mod monitored;
mod processes;
mod replay;
mod report;
mod rethinkdb;
mod run;
mod saturate;
mod stack;
mod tutorial;
mod up;
mod usage;
#[path = "../../../../monitoring/tests/it/without.rs"]
mod without;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The project's folder, from which a user calls the commands.
fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The command, from the project's folder.
fn testbed(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testbed"));
    command.args(arguments).current_dir(project());
    command
}

/// What a command printed on stdout and stderr, and its exit code.
fn outcome(command: &mut Command) -> (String, String, i32) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr), status.code().unwrap())
}
