//! Runs on machines that `deploy` has made: containers that boot as machines do, reached by SSH.
//!
//! That takes a Docker engine, an image of a machine (`deploy/images/machine`), Ansible and OpenSSH's client: tests fail
//! where they are missing, unless `TESTBED_WITHOUT` names `docker` or `machines`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bigchaindb_core::model::Json;
use bigchaindb_deploy::docker::Docker;
use bigchaindb_deploy::lifecycle;
use bigchaindb_deploy::run::{Asked, Run, Step};
use bigchaindb_deploy::wish::Wish;
use bigchaindb_simulator::observe::{Befell, Phase, Record, read};
use bigchaindb_simulator::record::RunDirectory;

use crate::apart::path;
use crate::ends::Ends;
use crate::without::without;
use crate::{outcome, project, testbed};

/// Between two tries to get in.
const PAUSE: Duration = Duration::from_millis(500);

/// Every kind of fault that reaches machines.
const FAULTS: &str = r#"
name = "machines"
backends = ["cluster"]

[federation]
nodes = 3

[[load]]
at = "1s"
for = "20s"
arrivals = { rate = "4/s" }
mix = { create = 0.6, transfer = 0.3, conflict = 0.07, duplicate = 0.03 }

[[fault]]
do = "kill"
at = "2s"
target = "n2"
restart_after = "2s"

[[fault]]
do = "pause"
at = "7s"
for = "2s"
target = "n3"

[[fault]]
do = "partition"
at = "11s"
for = "3s"
from = ["n1"]
to = "store"

[[fault]]
do = "partition"
at = "16s"
for = "3s"
from = ["n3"]
to = "both"
direction = "in"

[[fault]]
do = "feed-abort"
at = "20s"
target = "n2"

[expect]
decided_after_heal = "60s"
"#;

#[test]
fn a_scenario_runs_on_machines_and_leaves_them_as_they_were() {
    if ["docker", "machines"].into_iter().any(|what| without(what, None)) {
        return;
    }
    let docker = Docker::find().expect("a Docker engine; `TESTBED_WITHOUT=docker` leaves this out");
    let folder = tempfile::tempdir().unwrap();
    let mut made = Ends { docker: &docker, run: wished(folder.path()) };
    let site = project().join("deploy/ansible/site.yml");
    lifecycle::up(&docker, &mut made.run, Some(&site), PAUSE, |_| ()).unwrap();
    let deployment = made.run.dir.clone();
    // Whoever runs scenarios on it opens it, too.
    let run = Run::look(folder.path(), &made.run.state.id).unwrap();
    drop(std::mem::replace(&mut made.run, run));

    let scenario = folder.path().join("machines.toml");
    fs::write(&scenario, FAULTS).unwrap();
    let mut on = vec!["run", path(&scenario), "--cluster", path(&deployment)];
    let out = folder.path().join("out");
    let (said, errors, code) = outcome(testbed(&on).args(["--out", path(&out)]));
    assert_eq!(code, 0, "{said}{errors}");
    assert!(said.contains("verdict: pass"), "{said}");
    assert!(fs::read_to_string(out.join("report.html")).unwrap().contains("a machine each, of"));
    faults_were_seen(&out);
    keys_are_told_to_nobody(&out, &deployment);
    for name in ["n1", "n2", "n3"] {
        let journal = fs::read_to_string(out.join(format!("data/{name}.log"))).unwrap();
        assert!(journal.contains("is decided valid"), "{name}: {journal}");
    }
    let rules = on_machine(&made.run, "node1", "nft list tables");
    assert!(!rules.contains("testbed_"), "{rules}");

    // What it has decided is in the way of another, which says so.
    let (_, said, code) = outcome(&mut testbed(&on));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--fresh"), "{said}");

    // What a run has left that was killed is undone. Then another begins anew.
    on_machine(
        &made.run,
        "node3",
        "nft add table inet testbed_fault_9; systemctl kill -s STOP bigchaindb",
    );
    let (said, errors, code) = outcome(&mut testbed(&["gc", "--cluster", path(&deployment)]));
    assert_eq!(code, 0, "{said}{errors}");
    assert_eq!(on_machine(&made.run, "node3", "nft list tables | grep -c testbed_ || true"), "0\n");
    let small = folder.path().join("small.toml");
    fs::write(&small, small_scenario()).unwrap();
    (on[1], on[3]) = (path(&small), path(&deployment));
    let again = folder.path().join("again");
    let (said, errors, code) = outcome(testbed(&on).args(["--fresh", "--out", path(&again)]));
    assert_eq!(code, 0, "{said}{errors}");
}

fn small_scenario() -> &'static str {
    "name = \"small\"\nfederation = { nodes = 3 }\n[[load]]\nfor = \"2s\"\narrivals = { rate = \"3/s\" }\n\
     [expect]\ndecided_after_heal = \"60s\"\n"
}

/// A run of `deploy` for three machines, with the program under test.
#[expect(clippy::disallowed_methods, reason = "containers live by this machine's clock")]
fn wished(folder: &Path) -> Run {
    let file = project().join("deploy/clusters/three.toml");
    let mut wish = Wish::load(&file).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_testbed")).with_file_name("bigchaindb");
    wish.federation.program = program.display().to_string();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let asked = Asked {
        provider: "docker".to_owned(),
        id: None,
        owner: "ops@example.org".to_owned(),
        operator: vec!["203.0.113.7/32".to_owned()],
        now_s: now.as_secs(),
    };
    Run::create(folder, wish, asked).unwrap()
}

/// Each fault was applied, seen, and seen to be over; its node went through it.
fn faults_were_seen(out: &Path) {
    let records = read(&RunDirectory::open(out).observations()).unwrap();
    let phases = |wanted: Phase| {
        let is_wanted =
            |record: &&Record| matches!(record, Record::Fault(fault) if fault.phase == wanted);
        records.iter().map(|observed| &observed.record).filter(is_wanted).count()
    };
    assert_eq!((phases(Phase::Verified), phases(Phase::Healed)), (5, 5));
    let befell = |node: &str, what: Befell| {
        records.iter().any(|observed| {
            matches!(&observed.record, Record::Node(event) if &*event.node == node && event.event == what)
        })
    };
    assert!(befell("n2", Befell::Killed) && befell("n3", Befell::Paused));
    assert!(!befell("n1", Befell::Killed) && !befell("n3", Befell::Killed));
}

/// No private key of a node is in anything that is kept of a run.
fn keys_are_told_to_nobody(out: &Path, deployment: &Path) {
    let files = every_file(out);
    assert!(files.len() > 5, "{files:?}");
    for node in ["node1", "node2", "node3"] {
        let config = fs::read(deployment.join(format!("configs/{node}.json"))).unwrap();
        let config = Json::parse(&config).unwrap();
        let key = |half| config.get("keypair").unwrap().get(half).unwrap().as_str().unwrap();
        let holds = |key: &str| {
            files.iter().any(|file| String::from_utf8_lossy(&fs::read(file).unwrap()).contains(key))
        };
        assert!(holds(key("public")) && !holds(key("private")), "{node}");
    }
}

fn every_file(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { every_file(&path) } else { vec![path] }).collect()
}

/// What root's command says on a machine.
fn on_machine(run: &Run, name: &str, command: &str) -> String {
    let container = format!("{}-{name}", run.state.id);
    let output = Command::new("docker").args(["exec", &container, "sh", "-c", command]).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn a_cluster_is_named_and_is_one() {
    let folder = tempfile::tempdir().unwrap();
    let small = folder.path().join("small.toml");
    fs::write(&small, small_scenario()).unwrap();
    let run = |more: &[&str]| {
        let (_, said, code) = outcome(testbed(&["run", path(&small)]).args(more));
        (said, code)
    };
    let (said, code) = run(&["--backend", "cluster"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--cluster deployments/RUN"), "{said}");
    let (said, code) = run(&["--cluster", "deployments/none"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("there is no deployment deployments/none"), "{said}");
    let (said, code) = run(&["--cluster", path(folder.path()), "--backend", "sim"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("two worlds"), "{said}");

    // One whose machines are not made yet, or are gone.
    let mut unmade = wished(folder.path());
    let deployment = unmade.dir.clone();
    let (said, code) = run(&["--cluster", path(&deployment)]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("`deploy up --run"), "{said}");
    unmade.begin(Step::Gone).unwrap();
    let (said, code) = run(&["--cluster", path(&deployment)]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("it was taken away"), "{said}");
}
