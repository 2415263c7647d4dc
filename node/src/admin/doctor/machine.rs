//! The machine: its clock, its disk, how many files a process may open.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use super::Check;

/// With less there is soon a problem; in gibibytes.
const DISK_GIB_LOW: u64 = 10;

/// With less there is one.
const DISK_GIB_LEAST: u64 = 1;

/// The embedded database takes up to 900 connections, and a node some more.
const FILES_LEAST: u64 = 1024;

/// RethinkDB opens files for every table and connection.
const FILES_LOW: u64 = 4096;

/// How long a program may take that is asked about the clock.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at the machine; `directory` is where data is written.
pub fn check_machine(directory: &Path) -> Vec<Check> {
    vec![clock(), disk(directory), files()]
}

/// Who may know whether the clock is synchronised: the program with its arguments, and what it says
/// if it is, and if it is not.
const ASKED: [(&[&str], &str, &str); 3] = [
    (&["timedatectl", "show", "--property=NTPSynchronized", "--value"], "yes", "no"),
    (&["chronyc", "-c", "tracking"], "Normal", "Not synchronised"),
    (&["ntpq", "-c", "rv 0 leap"], "leap=00", "leap=11"),
];

fn clock() -> Check {
    let name = "clock";
    for (command, yes, no) in ASKED {
        let Some(said) = answer(command) else { continue };
        let asked = command[0];
        if said.contains(yes) {
            return Check::ok(name, format!("synchronised, says `{asked}`"));
        }
        if said.contains(no) {
            let found = format!("not synchronised, says `{asked}`");
            return Check::problem(
                name,
                found,
                "install an NTP daemon, and wait until it has synced",
            );
        }
    }
    let asked: Vec<_> = ASKED.iter().map(|(command, ..)| format!("`{}`", command[0])).collect();
    let found = format!("nobody knows whether it is synchronised: {} do not say", asked.join(", "));
    Check::warning(name, found, "see to it that an NTP daemon runs on this machine")
}

/// What a program prints, if it ends well and in time.
fn answer(command: &'static [&'static str]) -> Option<String> {
    let (said, heard) = mpsc::channel();
    thread::spawn(move || {
        let mut program = Command::new(command[0]);
        let quiet = program.args(&command[1..]).stdin(Stdio::null()).stderr(Stdio::null());
        let output = quiet.output().ok().filter(|output| output.status.success());
        // Perhaps nobody waits any more.
        let _late = said.send(output.map(|output| output.stdout));
    });
    let output = heard.recv_timeout(PATIENCE).ok()??;
    Some(String::from_utf8_lossy(&output).trim().to_owned())
}

fn disk(directory: &Path) -> Check {
    let (name, shown) = ("disk space", directory.display());
    let statistics = match rustix::fs::statvfs(directory) {
        Ok(statistics) => statistics,
        Err(error) => {
            let found = format!("`{shown}` cannot be asked: {error}");
            return Check::warning(name, found, "is the directory there?");
        }
    };
    let free = statistics.f_bavail.saturating_mul(statistics.f_frsize) >> 30;
    let found = format!("{free} GiB free for `{shown}`");
    let advice = "make room: what cannot be written stops the node";
    match free {
        free if free < DISK_GIB_LEAST => Check::problem(name, found, advice),
        free if free < DISK_GIB_LOW => Check::warning(name, found, advice),
        _ => Check::ok(name, found),
    }
}

fn files() -> Check {
    let (name, advice) = ("open files", "raise the limit: `ulimit -n 65536`, or `LimitNOFILE=`");
    match getrlimit(Resource::Nofile).current {
        None => Check::ok(name, "as many as wanted"),
        Some(limit) if limit < FILES_LEAST => {
            Check::problem(name, format!("at most {limit}"), advice)
        }
        Some(limit) if limit < FILES_LOW => {
            Check::warning(name, format!("at most {limit}"), advice)
        }
        Some(limit) => Check::ok(name, format!("at most {limit}")),
    }
}
