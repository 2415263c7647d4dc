//! The command line around the node: load, completions, the log, a RethinkDB of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Stdio};

use bigchaindb_core::model::{Json, Keypair};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Serving, bigchaindb, embedded, free_port, output};

#[test]
fn load_posts_what_it_was_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let mut command = embedded(home.path());
    command.stderr(Stdio::null());
    let serving = Serving::start(command);
    let number = |tally: &Json, name: &str| tally.get(name).unwrap().as_i64().unwrap();
    let cases: [&[&str]; 10] = [
        // `-c` is the count here, and the config file before the command, as with the original.
        &["-c", "none.json", "load", "-m", "3", "-c", "20", "--json"],
        &["load", "-c", "20", "--multiprocess", "--json"],
        &["load", "--rate", "200", "--count", "20", "--json"],
        &["load", "-c", "20", "--payload-bytes", "500", "--seed", "7", "--json"],
        &["load", "-c", "20", "-m", "8", "--threads", "3", "--json"],
        &["load", "-c", "20", "-m", "8", "--blackhole", "--json"],
        // As many clients as there are threads, if nobody says how many.
        &["load", "-c", "20", "--threads", "3", "--json"],
        &["load", "-c", "20", "--processes", "2", "--threads", "2", "--json"],
        &["load", "-c", "20", "-m", "7", "--processes", "3", "--seed", "7", "--json"],
        &["load", "-c", "20", "--rate", "200", "--processes", "2", "--json"],
    ];
    for arguments in cases {
        let mut command = bigchaindb(home.path(), arguments);
        command.env("BIGCHAINDB_API_ENDPOINT", serving.address.trim_end_matches('/'));
        let (code, out, err) = output(command, "");
        assert_eq!(code, 0, "{arguments:?}: {err}");
        let tally = Json::parse(out.as_bytes()).unwrap();
        assert_eq!((number(&tally, "sent"), number(&tally, "accepted")), (20, 20), "{tally}");
        assert!(err.contains("INFO:bigchaindb:Starting "), "{err}");
        assert_eq!(number(&tally, "late"), 0);
        let processes = tally.get("processes").and_then(Json::as_array).unwrap();
        let at = arguments.iter().position(|one| *one == "--processes");
        let wanted = at.map_or(1, |at| arguments[at + 1].parse().unwrap());
        let sent: Vec<_> = processes.iter().map(|process| number(process, "sent")).collect();
        assert_eq!((sent.len(), sent.iter().sum::<i64>()), (wanted, 20), "{tally}");
        assert!(sent.iter().all(|sent| *sent > 0), "all of them have sent: {tally}");
    }
    assert_eq!(serving.stop(), 0);
}

#[test]
fn load_says_what_went_wrong() {
    let home = tempfile::tempdir().unwrap();
    let nowhere = format!("http://127.0.0.1:{}/api/v1", free_port());
    let cases: [(&[&str], i32, &str); 10] = [
        (&["load", "-c", "3", "--node", &nowhere], 1, "the first trouble: no connection"),
        (&["load", "--node", "ftp://x"], 2, "`ftp://x` is no address of a node's API"),
        (&["load", "--node", "http://x/other"], 2, "it should look like"),
        (&["load", "--rate", "0"], 2, "a number above 0"),
        (&["load", "--rate", "5", "-m", "2"], 2, "cannot be used with"),
        (&["load", "--blackhole", "--node", &nowhere], 2, "cannot be used with"),
        (&["load", "--threads", "0"], 2, "0 is not in 1..=256"),
        (&["load", "--processes", "0"], 2, "0 is not in 1..=256"),
        (
            &["load", "-m", "5", "--processes", "3", "--threads", "2"],
            2,
            "5 clients are too few for 6 threads that send\n hint: set `-m 6` or more",
        ),
        (&["load-process"], 2, "nobody has told this process what to send"),
    ];
    for (arguments, expected, told) in cases {
        let (code, _, err) = output(bigchaindb(home.path(), arguments), "");
        assert_eq!(code, expected, "{arguments:?}: {err}");
        assert!(err.contains(told), "{arguments:?}: {err}");
    }
}

/// A load without end by two processes, and their ids.
fn two_processes(home: &Path) -> (Child, BufReader<ChildStderr>, Vec<i32>) {
    let arguments = ["load", "--blackhole", "-m", "4", "--processes", "2"];
    let mut command = bigchaindb(home, &arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let (mut pids, mut line) = (Vec::new(), String::new());
    while !line.contains("transactions.speed") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it tells how far it is");
        if let Some((_, pid)) = line.split_once(" has PID ") {
            pids.push(pid.trim().parse().unwrap());
        }
    }
    assert_eq!(pids.len(), 2);
    (child, log, pids)
}

fn signal(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// Waits until a process runs no more; one that nobody has asked for its end may stay as a zombie.
fn until_gone(pid: i32) {
    let runs = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    };
    while runs() {
        std::thread::yield_now();
    }
}

#[test]
fn a_load_process_that_dies_is_named_and_the_others_end() {
    let home = tempfile::tempdir().unwrap();
    let (child, mut log, pids) = two_processes(home.path());
    signal(pids[1], Signal::KILL);
    let mut told = String::new();
    log.read_to_string(&mut told).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stdout), (Some(4), &b""[..]), "{told}");
    let died = "error: load process 2 of 2 died: signal: 9 (SIGKILL)\n hint: ";
    assert!(told.contains(died), "{told}");
    until_gone(pids[0]);
}

#[test]
fn load_processes_end_with_whoever_started_them() {
    let home = tempfile::tempdir().unwrap();
    let (mut child, log, pids) = two_processes(home.path());
    child.kill().unwrap();
    drop(log);
    child.wait().unwrap();
    pids.into_iter().for_each(until_gone);
}

#[test]
fn load_processes_that_are_interrupted_tell_what_they_have_done() {
    let home = tempfile::tempdir().unwrap();
    let (child, mut log, _) = two_processes(home.path());
    signal(i32::try_from(child.id()).unwrap(), Signal::INT);
    let mut told = String::new();
    log.read_to_string(&mut told).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    let tally = String::from_utf8(output.stdout).unwrap();
    for process in ["Load process 1 of 2: ", "Load process 2 of 2: "] {
        let (_, sent) = tally.split_once(process).unwrap_or_else(|| panic!("{tally}"));
        assert!(!sent.starts_with("0 sent"), "{tally}");
    }
}

#[test]
fn the_log_is_as_loud_as_it_was_asked_to_be() {
    let home = tempfile::tempdir().unwrap();
    let missing = "WARNING:bigchaindb:Cannot find config file";
    for (level, is_told) in [("info", true), ("warning", true), ("error", false)] {
        let arguments = ["--log-level", level, "show-config"];
        let (code, _, err) = output(bigchaindb(home.path(), &arguments), "");
        assert_eq!((code, err.contains(missing)), (0, is_told), "{level}: {err}");
    }
    let (code, _, err) = output(bigchaindb(home.path(), &["--log-level", "loud"]), "");
    assert_eq!((code, err.contains("debug, info, warning, error, critical")), (2, true), "{err}");
}

#[test]
fn shells_can_complete_every_command() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = output(bigchaindb(home.path(), &["completions", shell]), "");
        assert_eq!(code, 0);
        for command in ["configure", "set-replicas", "load"] {
            assert!(out.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn help_and_version_are_the_originals() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [&[] as &[&str], &["-h"], &["--help"]] {
        let (code, out, _) = output(bigchaindb(home.path(), arguments), "");
        assert_eq!(code, 0);
        assert!(out.contains("Control your BigchainDB node."), "{out}");
        for command in ["configure", "show-config", "export-my-pubkey", "init", "drop", "start"] {
            assert!(out.contains(command), "{command}");
        }
    }
    for arguments in [["-v"], ["--version"]] {
        let (code, out, _) = output(bigchaindb(home.path(), &arguments), "");
        assert_eq!((code, &*out), (0, "bigchaindb 0.6.0\n"));
    }
    let (code, out, err) = output(bigchaindb(home.path(), &["launch"]), "");
    assert_eq!((code, &*out), (2, ""));
    assert!(err.contains("Usage: bigchaindb"), "{err}");
}

/// A program `rethinkdb` on the path: this one, told as RethinkDB tells it.
fn stand_in(folder: &std::path::Path, text: &str) {
    let path = folder.join("rethinkdb");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_rethinkdb_of_its_own_is_started_first_and_stopped_last() {
    let home = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_bigchaindb");
    let told = home.path().join("told");
    stand_in(
        home.path(),
        &format!(
            "#!/bin/sh\ntrap 'kill $pid; wait $pid; echo stopped >> {told}; exit 0' INT\n\
             echo \"$@\" > {told}\n\"{program}\" rethinkdb \"$@\" > address 2>> {told} &\npid=$!\n\
             while ! grep -q : address; do sleep 0.05; done\n\
             echo 'Listening...'\necho 'Server ready, \"stand-in\"'\nwait $pid\n",
            told = told.display()
        ),
    );
    let (path, port) = (std::env::var("PATH").unwrap(), free_port().to_string());
    let start = |arguments: &[&str]| {
        let mut command = bigchaindb(home.path(), &["--experimental-start-rethinkdb", "start"]);
        command
            .args(arguments)
            .current_dir(home.path())
            .env("PATH", format!("{}:{path}", home.path().display()))
            .env("BIGCHAINDB_KEYPAIR_PRIVATE", Keypair::from_seed([1; 32]).private())
            .env("BIGCHAINDB_DATABASE_PORT", &port)
            .env("BIGCHAINDB_SERVER_BIND", "127.0.0.1:0");
        command
    };
    let serving = Serving::start(start(&[]));
    assert!(serving.address.starts_with("http://"), "{}", serving.address);
    assert_eq!(serving.stop(), 0);
    let told = fs::read_to_string(&told).unwrap();
    assert!(told.contains(&format!("--driver-port {port}")) && told.contains("stopped"), "{told}");

    stand_in(home.path(), "#!/bin/sh\necho 'The port is taken'\nexit 1\n");
    let (code, _, err) = output(start(&[]), "");
    assert_eq!(code, 1);
    assert!(err.contains("Error starting RethinkDB, reason is: The port is taken"), "{err}");

    let (code, _, err) = output(start(&["--embedded", "data"]), "");
    assert_eq!((code, err.contains("are two databases")), (2, true), "{err}");

    fs::remove_file(home.path().join("rethinkdb")).unwrap();
    let mut command = start(&[]);
    command.env("PATH", home.path());
    let (code, _, err) = output(command, "");
    assert_eq!((code, err.contains("install RethinkDB")), (4, true), "{err}");
}
