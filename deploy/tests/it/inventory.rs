//! Inventories: who reaches whom where, and how SSH is told to trust nobody else.

use bigchaindb_deploy::inventory::Inventory;
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
fn an_inventory_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let (run, inventory) = stands(folder.path(), "name = \"x\"\n[load]\n");
    run.save_inventory(&inventory).unwrap();
    let read: Inventory = run.inventory().unwrap();
    assert_eq!(read, inventory);
}
