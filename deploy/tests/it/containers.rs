//! The provider `docker`, on a real engine: from a wish to a federation that decides transactions, and back to
//! nothing.
//!
//! Where there is no engine, or no image of a machine (`deploy/images/machine`), these tests fail, unless
//! `TESTBED_WITHOUT` names `docker` or `machines` in its list.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bigchaindb::client::Client;
use bigchaindb_core::model::{Json, Keypair};
use bigchaindb_core::rules::Status;
use bigchaindb_deploy::docker::Docker;
use bigchaindb_deploy::inventory::{Inventory, Role};
use bigchaindb_deploy::provider::Provider;
use bigchaindb_deploy::run::{Run, rfc3339};
use bigchaindb_deploy::{lifecycle, playbook};

use crate::ends::Ends;
use crate::playbooks::playbooks;
use crate::{asked, wish};

/// Between two tries to get in.
const PAUSE: Duration = Duration::from_millis(500);

/// A busy machine decides a transaction within this time.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether this machine cannot have them, and was said not to.
pub(crate) fn left_out() -> bool {
    let left_out = std::env::var("TESTBED_WITHOUT").unwrap_or_default();
    let is_left_out = left_out.split(',').any(|what| ["docker", "machines"].contains(&what.trim()));
    if is_left_out {
        eprintln!("left out: TESTBED_WITHOUT says so");
    }
    is_left_out
}

/// The program of a node, beside this one.
pub(crate) fn node_program() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let program = this.ancestors().nth(2).unwrap().join("bigchaindb");
    assert!(program.is_file(), "`cargo build -p bigchaindb` makes {}", program.display());
    program
}

/// A path as users write it: from where they are.
fn seen_from_here(path: &Path) -> String {
    let here = std::env::current_dir().unwrap();
    let up = "../".repeat(here.components().count() - 1);
    format!("{up}{}", path.strip_prefix("/").unwrap().display())
}

#[test]
fn a_wish_becomes_a_federation_and_then_nothing() {
    if left_out() {
        return;
    }
    let docker = Docker::find().expect("a Docker engine; `TESTBED_WITHOUT=docker` leaves this out");
    let folder = tempfile::tempdir().unwrap();
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("clusters/three.toml"));
    let mut wish = wish(&text.unwrap());
    wish.federation.program = seen_from_here(&node_program());
    let run = Run::create(folder.path(), wish, asked("docker")).unwrap();
    // Containers live by this machine's clock, and end by it.
    let mut made = Ends { docker: &docker, run };
    made.run.state.expires_s = later_s();
    made.run.save().unwrap();
    let site = playbooks().join("site.yml");
    let inventory = lifecycle::up(&docker, &mut made.run, Some(&site), PAUSE, |_| ()).unwrap();
    assert_eq!(inventory.of(Role::Node).count(), 3);
    decides(&inventory);

    // What stands is left as it is: nothing is made, and no task of the playbooks changes anything.
    assert!(!docker.plan(&mut made.run).unwrap().differs);
    playbook::carry_out(&made.run, &site, &[]).unwrap();
    let talk = fs::read_to_string(made.run.log("ansible")).unwrap();
    let second = talk.rsplit_once("PLAY RECAP").unwrap().1;
    let recap: Vec<_> = second.lines().filter(|line| line.contains("ok=")).collect();
    assert_eq!(recap.len(), 3, "{second}");
    assert!(recap.iter().all(|line| line.contains(" changed=0 ")), "{second}");
    decides(&inventory);
    keys_are_told_to_nobody(&made.run, &inventory);

    // The engine itself says what is left.
    let id = made.run.state.id.clone();
    assert!(!left(&id).is_empty());
    drop(made);
    assert_eq!(left(&id), "");
}

/// Of containers, too, only what is over and ours goes: a stranger's stay, and those whose time is to come.
#[test]
fn of_containers_only_what_is_over_and_ours_is_reaped() {
    if left_out() {
        return;
    }
    let docker = Docker::find().expect("a Docker engine; `TESTBED_WITHOUT=docker` leaves this out");
    let unique = format!("reap{}", std::process::id());
    let (old, young) = (format!("{unique}-old"), format!("{unique}-young"));
    let to_come = later_s();
    let now_s = to_come - 1800;
    let over = now_s - 1;
    let label = |name: &str, value: &str| format!("bigchaindb.{name}={value}");
    let ours = |run: &str, s: u64| vec![label("run", run), label("expires-at", &rfc3339(s))];
    let things = [
        (old.clone(), ours(&old, over)),
        (young.clone(), ours(&young, to_come)),
        (format!("{unique}-free"), vec![]),
        (format!("{unique}-dated"), vec![label("expires-at", &rfc3339(over))]),
        (format!("{unique}-named"), vec![label("run", &old)]),
    ];
    let made = Made(things.iter().map(|(name, _)| name.clone()).collect());
    for (name, labels) in &things {
        let labels = labels.iter().flat_map(|label| ["--label", label]);
        let labels: Vec<_> = labels.collect();
        ask(&[&["network", "create", name], &labels[..]].concat());
        ask(&[&["create", "--name", name], &labels[..], &["bigchaindb-testbed/machine:latest"]]
            .concat());
    }
    let expired = docker.expired(&[], now_s).unwrap();
    let expired = expired.iter().find(|expired| expired.run == old).unwrap();
    let kinds: Vec<_> = expired.left.iter().map(|left| left.kind.as_str()).collect();
    assert_eq!(kinds, ["container", "network"]);
    let reap = ["reap", "--provider", "docker", "--dry-run", "--at", &rfc3339(now_s)];
    let told = Command::new(env!("CARGO_BIN_EXE_deploy")).args(reap).output().unwrap();
    let said = String::from_utf8(told.stdout).unwrap();
    assert_eq!(told.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("{old} was to end at ")) && !said.contains(&young), "{said}");
    docker.reap(expired).unwrap();
    let filter = format!("name={unique}");
    for kind in ["container", "network"] {
        let format = if kind == "container" { "{{.Names}}" } else { "{{.Name}}" };
        let all: &[&str] = if kind == "container" { &["--all"] } else { &[] };
        let list = [kind, "ls", "--filter", &filter, "--format", format];
        let names = ask(&[&list[..], all].concat());
        let mut names: Vec<_> = names.lines().collect();
        names.sort_unstable();
        let stay = ["dated", "free", "named", "young"].map(|name| format!("{unique}-{name}"));
        assert_eq!(names, stay, "{kind}");
    }
    drop(made);
}

/// Containers and networks by name, that go with the test.
struct Made(Vec<String>);

impl Drop for Made {
    fn drop(&mut self) {
        for name in &self.0 {
            let _ = Command::new("docker").args(["rm", "--force", name]).output();
            let _ = Command::new("docker").args(["network", "rm", name]).output();
        }
    }
}

/// What the engine answers.
fn ask(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// An hour from now: machines live by the real clock.
#[expect(clippy::disallowed_methods, reason = "containers live by this machine's clock")]
pub(crate) fn later_s() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_secs() + 3600
}

/// A signed CREATE that one node takes is decided, and read through another.
pub(crate) fn decides(inventory: &Inventory) {
    let api = |host: &str| format!("http://{}:9984/api/v1", inventory.host(host).unwrap().public);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).unwrap();
        let keys = Keypair::from_seed(seed);
        let one = Client::new(keys.clone(), &[api("node1")]).await.unwrap();
        let posted = one.create(Json::parse(br#"{"msg": "through"}"#).unwrap()).await.unwrap();
        let id = posted.transaction.id();
        let other = Client::new(keys, &[api("node3")]).await.unwrap();
        other.wait_for(id, Status::Valid, PATIENCE).await.unwrap();
        let read = other.get(id).await.unwrap().expect("it is decided");
        assert_eq!(read.id(), id);
    });
}

/// No private key of a node is in what tools said, or in how machines are reached.
fn keys_are_told_to_nobody(run: &Run, inventory: &Inventory) {
    let talk =
        [run.log("ansible"), run.hosts(), run.dir.join("inventory.json"), run.dir.join("run.json")];
    let talk: Vec<_> = talk.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    for host in inventory.of(Role::Node) {
        let config = fs::read(run.configs().join(format!("{}.json", host.name))).unwrap();
        let config = Json::parse(&config).unwrap();
        let private = config.get("keypair").unwrap().get("private").unwrap().as_str().unwrap();
        assert!(talk.iter().all(|talk| !talk.contains(private)), "{}", host.name);
    }
}

/// What bears a run's label, as the engine says.
fn left(run: &str) -> String {
    let list = |kind: &str| {
        let filter = format!("label=bigchaindb.run={run}");
        let mut docker = Command::new("docker");
        docker.args([kind, "ls", "--quiet", "--filter", &filter]);
        if kind == "container" {
            docker.arg("--all");
        }
        String::from_utf8(docker.output().unwrap().stdout).unwrap()
    };
    ["container", "network", "volume"].map(list).concat()
}
