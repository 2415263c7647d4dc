//! RethinkDB's official Python drivers against the embedded server.
//!
//! `exercise.py` tells the stories; here each driver is installed by name and version from the Python
//! package index, once, and let loose on a server of its own. Without `python3` and the index this
//! fails: whoever promises that any driver works has to have tried one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const PASSWORD: &str = "correct horse battery staple";

/// A server that ends with the test.
struct Server {
    child: Child,
    port: String,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bigchaindb"));
        command.args(["rethinkdb", "--memory", "--driver-port", "0"]);
        command.args(["--server-name", "s1", "--initial-password", PASSWORD]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let port = address.trim_end().rsplit(':').next().unwrap().to_owned();
        Self { child, port }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The Python of an environment that has this version of the driver; made if it is not there.
fn python_with(version: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("driver-{version}"));
    let (python, ready) = (folder.join("bin/python"), folder.join("ready"));
    if !ready.exists() {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        let driver = format!("rethinkdb=={version}");
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", &driver]));
        std::fs::write(ready, version).unwrap();
    }
    python
}

fn run(command: &mut Command) {
    let ended = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(ended.success(), "{command:?}: {ended}");
}

fn exercise(version: &str) {
    let python = python_with(version);
    let server = Server::start();
    let story = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/drivers/exercise.py");
    run(Command::new(python).arg(story).args(["127.0.0.1", &server.port, PASSWORD]));
}

#[test]
fn the_driver_of_today() {
    exercise("2.4.10.post1");
}

/// The one that BigchainDB 0.6 was written for.
#[test]
fn the_driver_of_2016() {
    exercise("2.3.0");
}
