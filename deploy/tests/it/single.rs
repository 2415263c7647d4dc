//! What serves one machine: units, packages, profiles. Every key is known, and sandboxes are as tight as they were.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// `systemd-analyze security` gives from 0, which is tight, to 10; ours are to stay below 2.0, here in tenths.
const EXPOSURE_MAX: &str = "20";

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn yaml<T: DeserializeOwned>(path: &str) -> T {
    let text = fs::read_to_string(folder().join(path)).unwrap();
    serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The units, each with a program that is there in the place of its own.
fn units(to: &Path) -> Vec<PathBuf> {
    let unit = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path()).unwrap();
        let program = text.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        let program = program.split(' ').next().unwrap();
        let copy = to.join(entry.file_name());
        fs::write(&copy, text.replace(&format!("ExecStart={program}"), "ExecStart=/bin/true"))
            .unwrap();
        copy
    };
    let mut units: Vec<_> =
        fs::read_dir(folder().join("systemd")).unwrap().map(|entry| unit(entry.unwrap())).collect();
    units.sort();
    assert_eq!(units.len(), 3);
    units
}

#[test]
fn units_are_understood_and_their_sandboxes_tight() {
    let copies = tempfile::tempdir().unwrap();
    let units = units(copies.path());
    let verified = Command::new("systemd-analyze").arg("verify").args(&units).output();
    let verified = verified.expect("`apt-get install systemd`");
    let said = String::from_utf8_lossy(&verified.stderr);
    // It says a word of every key and value that it does not know, and ends well all the same.
    assert!(verified.status.success() && said.is_empty(), "{said}");
    for unit in units {
        let mut analyze = Command::new("systemd-analyze");
        analyze.args(["security", "--no-pager", "--offline=true", "--threshold", EXPOSURE_MAX]);
        let looked = analyze.arg(&unit).output().unwrap();
        let said = String::from_utf8_lossy(&looked.stdout);
        assert!(
            looked.status.success(),
            "{}: {}",
            unit.display(),
            said.lines().last().unwrap_or_default()
        );
    }
}

/// Source: Compose Specification, as far as it is used here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compose {
    name: String,
    services: BTreeMap<String, Service>,
    volumes: BTreeMap<String, ()>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    image: String,
    restart: String,
    #[serde(default)]
    entrypoint: Vec<String>,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    ports: Vec<String>,
    volumes: Vec<String>,
    #[serde(default)]
    cap_drop: Vec<String>,
    #[serde(default)]
    security_opt: Vec<String>,
    #[serde(default)]
    depends_on: BTreeMap<String, BTreeMap<String, String>>,
    healthcheck: BTreeMap<String, serde_norway::Value>,
}

#[test]
fn one_node_with_rethinkdb_opens_its_api_to_this_machine_only() {
    let compose: Compose = yaml("single/compose.yaml");
    assert_eq!(compose.name, "bigchaindb");
    for (name, service) in &compose.services {
        assert_eq!(service.restart, "unless-stopped");
        assert!(!service.image.ends_with(":latest}") || name == "node", "{}", service.image);
        assert!(service.healthcheck.contains_key("test"), "{name}");
        assert!(service.depends_on.keys().all(|other| compose.services.contains_key(other)));
        let volumes = service.volumes.iter().map(|volume| volume.split(':').next().unwrap());
        assert!(volumes.clone().all(|volume| compose.volumes.contains_key(volume)), "{name}");
        // RethinkDB has no password: nobody outside gets to it.
        assert!(service.ports.is_empty() || name == "node", "{name}: {:?}", service.ports);
    }
    let node = &compose.services["node"];
    assert_eq!(node.ports, ["${API_ADDRESS:-127.0.0.1}:${API_PORT:-9984}:9984"]);
    assert_eq!(node.environment["BIGCHAINDB_DATABASE_HOST"], "rethinkdb");
    assert!(node.command.is_empty() && node.entrypoint.len() == 3);
    assert_eq!(node.cap_drop, ["ALL"]);
    assert_eq!(node.security_opt, ["no-new-privileges:true"]);
}

/// Source: LXD documentation, "Profiles", "Instance options", "Devices".
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    name: String,
    description: String,
    config: BTreeMap<String, String>,
    devices: BTreeMap<String, BTreeMap<String, String>>,
}

#[test]
fn a_profile_of_lxd_has_options_that_there_are() {
    const OPTIONS: [&str; 7] = [
        "boot.autostart",
        "limits.cpu",
        "limits.memory",
        "limits.processes",
        "security.idmap.isolated",
        "security.nesting",
        "security.privileged",
    ];
    let profile: Profile = yaml("single/lxd-profile.yaml");
    assert!(profile.name == "bigchaindb" && !profile.description.is_empty());
    assert!(profile.config.keys().all(|key| OPTIONS.contains(&key.as_str())));
    assert_eq!(profile.config["security.privileged"], "false");
    for (name, device) in &profile.devices {
        let keys: &[&str] = match device["type"].as_str() {
            "disk" => &["path", "pool", "size", "type"],
            "nic" => &["name", "network", "type"],
            "proxy" => &["bind", "connect", "listen", "type"],
            kind => panic!("{name} is a {kind}"),
        };
        assert_eq!(device.keys().collect::<Vec<_>>(), keys, "{name}");
    }
    assert_eq!(profile.devices["api"]["listen"], "tcp:127.0.0.1:9984");
}

/// Source: GitHub documentation, "Workflow syntax for GitHub Actions", as far as it is used here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Workflow {
    name: String,
    on: BTreeMap<String, serde_norway::Value>,
    permissions: BTreeMap<String, String>,
    jobs: BTreeMap<String, Job>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Job {
    runs_on: String,
    timeout_minutes: Option<u32>,
    needs: Option<String>,
    r#if: Option<String>,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    name: Option<String>,
    uses: Option<String>,
    run: Option<String>,
    #[serde(default)]
    with: BTreeMap<String, String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

#[test]
fn a_release_is_tested_before_it_is_given_away() {
    let workflow: Workflow = yaml("../.github/workflows/release.yml");
    assert_eq!(workflow.name, "release");
    assert!(workflow.on.contains_key("push"));
    assert_eq!(workflow.permissions["contents"], "read");
    for (name, job) in &workflow.jobs {
        assert!(job.runs_on.starts_with("ubuntu-") && job.runs_on != "ubuntu-latest", "{name}");
        assert!(job.needs.iter().all(|other| workflow.jobs.contains_key(other)));
        for step in &job.steps {
            assert!(step.uses.is_some() != step.run.is_some(), "{name}: {:?}", step.name);
            let pinned = |uses: &String| uses.contains("@v") && step.env.is_empty();
            assert!(step.uses.as_ref().is_none_or(pinned), "{:?}", step.uses);
            assert!(step.with.is_empty() || step.uses.is_some());
        }
    }
    let runs = |job: &str| {
        let steps = workflow.jobs[job].steps.iter();
        steps.filter_map(|step| step.run.clone()).collect::<Vec<_>>().join("\n")
    };
    // In this order.
    let build = runs("build");
    let place = |what: &str| build.find(what).unwrap_or_else(|| panic!("nothing runs `{what}`"));
    let order =
        [".ci/run", "testbed run scenarios/smoke", "deploy/images/build", "cargo deb", "sha256sum"];
    assert!(order.map(place).is_sorted());
    let publish = &workflow.jobs["publish"];
    assert_eq!(publish.needs.as_deref(), Some("build"));
    assert!(publish.r#if.is_some() && publish.permissions["contents"] == "write");
    assert!(runs("publish").contains("sha256sum --check") && publish.timeout_minutes.is_none());
}
