//! Inventories: who reaches whom where, and how SSH is told to trust nobody else.

use std::fs;
use std::path::Path;
use std::process::Command;

use bigchaindb_deploy::inventory::Inventory;
use bigchaindb_deploy::run::{DEPLOYMENTS, Run, Step};
use serde_json::Value;

use crate::stands;

#[test]
fn machines_reach_each_other_privately_in_a_region_and_publicly_between_regions() {
    let folder = tempfile::tempdir().unwrap();
    let wish = "name = \"x\"\n[nodes]\nregions = [\"eu-central-1\", \"us-east-1\"]\n[monitoring]\n";
    let (run, inventory) = stands(folder.path(), wish);
    let ansible = serde_json::to_value(inventory.for_ansible(&run.configs())).unwrap();
    let node1 = &ansible["all"]["children"]["node"]["hosts"]["node1"];
    let addresses: Vec<_> = node1["peers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|peer| peer["address"].as_str().unwrap())
        .collect();
    assert_eq!(addresses, ["198.51.100.2", "172.31.0.3"]);
    assert_eq!(node1["monitor_address"], "172.31.0.4");
    let node2 = &ansible["all"]["children"]["node"]["hosts"]["node2"];
    assert_eq!(node2["monitor_address"], "198.51.100.4");
}

#[test]
fn ssh_is_told_this_runs_keys_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (run, inventory) = stands(folder.path(), "name = \"x\"");
    let options = inventory.ssh_options(&inventory.hosts[1]).join(" ");
    for told in [
        "-F none",
        "StrictHostKeyChecking=yes",
        "GlobalKnownHostsFile=/dev/null",
        "IdentitiesOnly=yes",
    ] {
        assert!(options.contains(told), "{told}: {options}");
    }
    assert!(options.contains(&format!("HostKeyAlias=node2.{}", run.state.id)), "{options}");
    // Ansible takes the same apart by the rules of a shell.
    let ansible: Value = serde_json::to_value(inventory.for_ansible(&run.configs())).unwrap();
    let line =
        ansible["all"]["children"]["node"]["hosts"]["node2"]["ansible_ssh_common_args"].clone();
    assert!(line.as_str().unwrap().contains("'UserKnownHostsFile=\""), "{line}");
}

#[test]
fn a_nodes_program_is_seen_from_where_its_run_began() {
    let folder = tempfile::tempdir().unwrap();
    let (_, inventory) =
        stands(folder.path(), "name = \"x\"\n[federation]\nprogram = \"some/node\"\n");
    let here = std::env::current_dir().unwrap();
    assert_eq!(Path::new(&inventory.federation.program), here.join("some/node"));
}

#[test]
fn a_run_of_before_programs_were_kept_can_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let (run, _) = stands(folder.path(), "name = \"x\"");
    let (file, id) = (run.dir.join("run.json"), run.state.id.clone());
    drop(run);
    let mut state: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert!(state.as_object_mut().unwrap().remove("program").is_some());
    fs::write(&file, state.to_string()).unwrap();
    assert_eq!(Run::open(folder.path(), &id).unwrap().state.id, id);
}

#[test]
fn without_a_program_no_machine_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.toml");
    fs::write(&file, "name = \"x\"\n[federation]\nprogram = \"some/node\"\n").unwrap();
    let mut deploy = Command::new(env!("CARGO_BIN_EXE_deploy"));
    deploy.current_dir(folder.path()).arg("up").arg(&file).arg("--playbook").arg(&file);
    deploy.args(["--provider", "docker", "--owner", "me@example.org"]);
    let output = deploy.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("some/node to put on machines"), "{said}");
    let id = said.strip_prefix("run: ").and_then(|said| said.split(',').next()).unwrap();
    assert!(said.contains(&format!("then `deploy up --run {id}` goes on")), "{said}");
    let run = Run::look(&folder.path().join(DEPLOYMENTS), id).unwrap();
    assert_eq!(run.state.step, Step::Begun);
}

#[test]
fn an_inventory_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let (run, inventory) = stands(folder.path(), "name = \"x\"\n[load]\n");
    run.save_inventory(&inventory).unwrap();
    let read: Inventory = run.inventory().unwrap();
    assert_eq!(read, inventory);
}
