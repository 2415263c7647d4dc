//! Members that are no nodes of ours: started by a command, or by somebody else.
//!
//! The foreign program is our own node here, which any machine has; that the original itself can be a
//! member follows from its config file being the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{self, sleep};
use std::time::Duration;

use bigchaindb_simulator::observe::{Befell, Member, Observed, Phase, Record, Run, Table, read};
use bigchaindb_simulator::record::RunDirectory;

use crate::{outcome, testbed};

/// A member that is started by a command, and befallen by what can reach it.
pub(crate) const STARTED: &str = r#"
name = "started by a command"
backends = ["processes"]

[federation]
nodes = 2

[[federation.external]]
name = "guest"
profile = "default"
start = [
    "sh", "-c",
    "(while :; do echo $$ >> {data}/beats; sleep 0.1; done) & exec {bigchaindb} -c {config} start",
]
stop = ["sh", "-c", "echo {name} {host}:{port} {database_host} {public_key} {keyring} > {data}/stopped"]

[[load]]
at = "500ms"
for = "7s"
arrivals = { rate = "5/s" }

[[fault]]
do = "kill"
at = "1s"
target = "guest"
restart_after = "500ms"

[[fault]]
do = "pause"
at = "4s"
for = "1s"
target = "guest"
"#;

/// Members that somebody else starts, one with a keypair that only it knows.
const NOT_STARTED: &str = r#"
name = "started by somebody else"
backends = ["processes"]

[federation]
nodes = 3

[[federation.external]]
name = "stranger"
profile = "default"
key = "KEY"
address = "ADDRESS:9984"

[[load]]
at = "500ms"
for = "3s"
arrivals = { rate = "5/s" }
"#;

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The arguments that run a scenario into a folder.
fn run(folder: &Path, scenario: &str) -> Vec<String> {
    let file = folder.join("scenario.toml");
    fs::write(&file, scenario).unwrap();
    let out = folder.join("out");
    let words = ["run", path(&file), "--out", path(&out), "--namespaces", "never"];
    words.map(str::to_owned).to_vec()
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn records(folder: &Path) -> Vec<Observed> {
    read(&folder.join("out/observations.jsonl")).unwrap()
}

fn introduced(records: &[Observed]) -> &Run {
    match &records[0].record {
        Record::Run(run) => run,
        other => panic!("{other:?}"),
    }
}

/// How many blocks each member has made, and how many votes it has cast.
fn done_by(records: &[Observed]) -> BTreeMap<String, (usize, usize)> {
    let members = &introduced(records).nodes;
    let mut done: BTreeMap<_, _> =
        members.iter().map(|member| (member.name.to_string(), (0, 0))).collect();
    for observed in records {
        let Record::Change(change) = &observed.record else { continue };
        let Some(row) = &change.new else { continue };
        let author = match change.table {
            Table::Bigchain => row.get("block").and_then(|block| block.get("node_pubkey")),
            Table::Votes => row.get("node_pubkey"),
            _ => None,
        };
        let author = author.and_then(|author| author.as_str());
        let member = members.iter().find(|member: &&Member| Some(member.key.as_str()) == author);
        let Some((blocks, votes)) = member.and_then(|member| done.get_mut(&*member.name)) else {
            continue;
        };
        match change.table {
            Table::Bigchain => *blocks += 1,
            _ => *votes += 1,
        }
    }
    done
}

#[test]
fn a_member_is_started_killed_and_stopped_by_its_command_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = run(folder.path(), STARTED);
    let (said, noted, code) = outcome(&mut testbed(&words(&arguments)));
    assert_eq!(code, 0, "{said}{noted}");
    let records = records(folder.path());
    let member = |name: &str| introduced(&records).nodes.iter().find(|one| &*one.name == name);
    assert!(member("guest").unwrap().external && !member("n1").unwrap().external);
    let (blocks, votes) = done_by(&records)["guest"];
    assert!(blocks > 0 && votes > 5, "it takes part: {blocks} blocks, {votes} votes");
    let mut phases = Vec::new();
    let mut befell = Vec::new();
    for observed in &records {
        match &observed.record {
            Record::Fault(fault) => phases.push(fault.phase),
            Record::Node(event) if &*event.node == "guest" && event.event != Befell::Log => {
                befell.push(event.event);
            }
            _ => {}
        }
    }
    let whole = [Phase::Planned, Phase::Applied, Phase::Verified, Phase::Healed];
    assert_eq!(phases, [whole, whole].concat());
    let lives = [Befell::Started, Befell::Killed, Befell::Started, Befell::Paused, Befell::Resumed];
    assert_eq!(befell, lives);
    let results = RunDirectory::open(&folder.path().join("out")).results().unwrap();
    assert_eq!(results.foreign["guest"], "default");
    let page = fs::read_to_string(folder.path().join("out/report.html")).unwrap();
    assert!(page.contains("n1, n2, guest (foreign, judged by default)"), "the report says so");
    assert_eq!(
        (results.rules.as_str(), results.nodes.join(" ")),
        ("default", "n1 n2 guest".into())
    );
    assert!(results.environment["guest"].contains(" s of processors, "));
    let beats = fs::read_to_string(folder.path().join("out/data/guest/beats")).unwrap();
    let mut beats: Vec<_> = beats.lines().collect();
    beats.dedup();
    assert_eq!(beats.len(), 2, "what it had started was killed with it: {beats:?}");
    let stopped = fs::read_to_string(folder.path().join("out/data/guest/stopped")).unwrap();
    let stopped: Vec<_> = stopped.split_whitespace().collect();
    let [name, address, database, public, keyring] = stopped[..] else { panic!("{stopped:?}") };
    assert_eq!(name, "guest");
    assert!(address.ends_with(":9984") && address != database, "{address} {database}");
    assert_eq!(public, member("guest").unwrap().key.as_str());
    let others = [member("n1"), member("n2")].map(|one| one.unwrap().key.to_string());
    assert_eq!(keyring, others.join(":"));
    let config = fs::read_to_string(folder.path().join("out/data/guest.json")).unwrap();
    assert!(config.contains("\"private\"") && config.contains(public), "{config}");
}

/// Starts our node at an address, as somebody else, once there is a config file for it.
fn join_once_invited(config: &Path, private: &str) -> Child {
    while !config.is_file() {
        sleep(Duration::from_millis(20));
    }
    assert!(fs::read_to_string(config).unwrap().contains("\"private\":null"), "only it knows");
    let node = Path::new(env!("CARGO_BIN_EXE_testbed")).with_file_name("bigchaindb");
    let mut command = Command::new(node);
    command.args(["-c", path(config), "-y", "start"]).env("BIGCHAINDB_KEYPAIR_PRIVATE", private);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A keypair as base58, as whoever has one of its own knows it.
const KEYPAIR: (&str, &str) = (
    "DSFAkBEsyxNHScsXNWLonvhN4ZznMmCSm8ZZPWuic1Js",
    "8qVbyUugCuv8WPrmGp4ks7A4sGpreQco65Z7iXUvdEz2",
);

#[test]
fn a_member_that_somebody_else_starts_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (public, private) = KEYPAIR;
    // A loopback address that no other test has.
    let [_, _, third, fourth] = std::process::id().to_be_bytes();
    let address = format!("127.{}.{fourth}.77", third | 128);
    let scenario = NOT_STARTED.replace("KEY", public).replace("ADDRESS", &address);
    let arguments = run(folder.path(), &scenario);
    let config = folder.path().join("out/data/stranger.json");
    let somebody = thread::spawn(move || join_once_invited(&config, private));
    let (said, noted, code) = outcome(&mut testbed(&words(&arguments)));
    let mut stranger = somebody.join().unwrap();
    let is_left_alone = stranger.try_wait().unwrap().is_none();
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    assert_eq!(code, 0, "{said}{noted}");
    assert!(is_left_alone, "who is not started here is not ended here");
    assert!(noted.contains("`stranger` is started by somebody else"), "{noted}");
    let (blocks, votes) = done_by(&records(folder.path()))["stranger"];
    assert!(blocks > 0 && votes > 3, "it takes part: {blocks} blocks, {votes} votes");
}

#[test]
fn a_foreign_member_beside_three_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = fs::read_to_string("../../scenarios/mixed/mixed-federation.toml").unwrap();
    let arguments = run(folder.path(), &scenario);
    let (said, noted, code) = outcome(&mut testbed(&words(&arguments)));
    assert_eq!(code, 0, "{said}{noted}");
    let records = records(folder.path());
    assert_eq!(&*introduced(&records).rules, "mixed");
    let guest = introduced(&records).nodes.iter().find(|member| &*member.name == "guest");
    assert_eq!(guest.unwrap().rules.as_deref(), Some("v0.6.0"));
    let out = folder.path().join("out");
    let (said, noted, code) = outcome(&mut testbed(&["replay", path(&out)]));
    assert_eq!(code, 0, "{said}{noted}");
    assert!(["n1: ", "n2: ", "n3: "].iter().all(|node| said.contains(node)), "{said}");
    assert!(!said.contains("guest"), "what it has heard is its own affair: {said}");
    let (_, noted, code) = outcome(&mut testbed(&["replay", path(&out), "--node", "guest"]));
    assert_eq!(code, 2);
    assert!(noted.contains("no node of ours `guest`"), "{noted}");
    for (member, (blocks, votes)) in done_by(&records) {
        assert!(blocks > 0 && votes > 5, "{member} takes part: {blocks} blocks, {votes} votes");
    }
}

#[test]
fn a_member_that_is_not_who_it_should_be_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = fs::read_to_string("../../scenarios/mixed/mixed-federation.toml").unwrap();
    // It signs with a key that is none of the federation's.
    let (public, private) = KEYPAIR;
    let start = format!(
        "start = \"env BIGCHAINDB_KEYPAIR_PUBLIC={public} BIGCHAINDB_KEYPAIR_PRIVATE={private} "
    );
    let scenario = scenario.replace("start = \"{bigchaindb}", &(start + "{bigchaindb}"));
    let scenario = scenario.replace("for = \"20s\"", "for = \"4s\"");
    let scenario = scenario.split("[[fault]]").next().unwrap();
    let arguments =
        run(folder.path(), &format!("{scenario}[expect]\ndecided_after_heal = \"4s\"\n"));
    let (said, noted, code) = outcome(&mut testbed(&words(&arguments)));
    assert_eq!(code, 1, "{said}{noted}");
    assert!(said.contains("guest has not voted on block"), "{said}{noted}");
}

#[test]
fn a_member_that_does_not_start_is_named_with_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let (before, rest) = STARTED.split_once("start = [").unwrap();
    let (_, after) = rest.split_once("]\n").unwrap();
    let started = |start: &str| format!("{before}start = {start}\n{after}");
    let start = r#"["sh", "-c", "echo no such luck >&2; exit 7"]"#;
    let arguments = run(folder.path(), &started(start));
    let (_, noted, code) = outcome(&mut testbed(&words(&arguments)));
    assert_eq!(code, 4, "{noted}");
    assert!(noted.contains("node guest does not start"), "{noted}");
    assert!(noted.contains("no such luck"), "{noted}");
    fs::remove_dir_all(folder.path().join("out")).unwrap();
    let arguments = run(folder.path(), &started("\"/nowhere/bigchaindb start\""));
    let (_, noted, code) = outcome(&mut testbed(&words(&arguments)));
    assert_eq!(code, 4, "{noted}");
    assert!(noted.contains("node guest does not start"), "{noted}");
}
