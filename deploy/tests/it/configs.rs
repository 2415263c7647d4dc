//! The nodes' configs: whose keys, whose keyring, whose address, and who may read them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use bigchaindb_deploy::configs;
use bigchaindb_deploy::inventory::Role;
use serde_json::Value;

use crate::stands;

const TWELVE: &str = "name = \"twelve\"\n[nodes]\ncount = 12\n[monitoring]\n";

/// With twelve nodes, whoever sorts names by letters gives node 2 the config of node 10.
#[test]
fn config_ten_is_for_host_ten() {
    let folder = tempfile::tempdir().unwrap();
    let (run, inventory) = stands(folder.path(), TWELVE);
    configs::write_all(&run, &inventory).unwrap();
    let read = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(run.configs().join(format!("{name}.json"))).unwrap())
            .unwrap()
    };
    let hosts: Vec<_> = inventory.of(Role::Node).collect();
    assert_eq!(hosts.len(), 12);
    let mut publics = Vec::new();
    for host in &hosts {
        let config = read(&host.name);
        assert_eq!(config["api_endpoint"], format!("http://{}:9984/api/v1", host.public));
        assert_eq!(config["statsd"]["host"], "172.31.0.13");
        publics.push(config["keypair"]["public"].clone());
    }
    assert_eq!(read("node10")["api_endpoint"], "http://198.51.100.10:9984/api/v1");
    for (index, host) in hosts.iter().enumerate() {
        let mut others = publics.clone();
        others.remove(index);
        assert_eq!(read(&host.name)["keyring"], Value::from(others), "{}", host.name);
        let mode = fs::metadata(run.configs().join(format!("{}.json", host.name)))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Ansible gets the same files, by name, and in the order of numbers.
    let text = serde_json::to_string(&inventory.for_ansible(&run.configs())).unwrap();
    let ansible: Value = serde_json::from_str(&text).unwrap();
    let ten = &ansible["all"]["children"]["node"]["hosts"]["node10"];
    assert_eq!(ten["ansible_host"], "198.51.100.10");
    assert_eq!(ten["number"], 10);
    assert!(ten["node_config"].as_str().unwrap().ends_with("/configs/node10.json"));
    assert!(text.find("\"node9\":{").unwrap() < text.find("\"node10\":{").unwrap());
}

/// A second try keeps the keys: nodes that run already know each other by them.
#[test]
fn keys_stay_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (run, inventory) = stands(folder.path(), "name = \"x\"");
    let read = || fs::read_to_string(run.configs().join("node2.json")).unwrap();
    configs::write_all(&run, &inventory).unwrap();
    let first = read();
    configs::write_all(&run, &inventory).unwrap();
    assert_eq!(first, read());
}

#[test]
fn fixed_keypairs_are_held_to_their_halves_and_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keypairs.json");
    let check = |keypairs: &str| {
        fs::write(&file, keypairs).unwrap();
        let wish = format!("name = \"x\"\n[nodes]\ncount = 2\n[federation]\nkeypairs = {file:?}");
        let (run, inventory) = stands(folder.path(), &wish);
        let written = configs::write_all(&run, &inventory).map_err(|error| error.to_string());
        written.map(|()| fs::read_to_string(run.configs().join("node2.json")).unwrap())
    };
    let one = r#"{"private": "6qyMkzE3Vhnmi8fWwrzdVdQvKYsaVxJV9ZFqFQQVDMMM"}"#;
    let two = r#"{"private": "4K4oqS8wNYJDe6Nji7tY7DyZB5JJUvXQEfRBfBLVEdnb"}"#;
    let config = check(&format!("[{one}, {two}]")).unwrap();
    assert!(config.contains("4K4oqS8wNYJDe6Nji7tY7DyZB5JJUvXQEfRBfBLVEdnb"), "{config}");
    let short = check(&format!("[{one}]")).unwrap_err();
    assert_eq!(short, "there are 1 keypairs, and none for node2");
    let crossed =
        one.replace('}', ", \"public\": \"4K4oqS8wNYJDe6Nji7tY7DyZB5JJUvXQEfRBfBLVEdnb\"}");
    let crossed = check(&format!("[{two}, {crossed}]")).unwrap_err();
    assert!(crossed.ends_with("keypair 2: its halves do not belong together"), "{crossed}");
    let none = check("{\"private\": \"secret\"}").unwrap_err();
    assert!(none.ends_with("no list of keypairs") && !none.contains("secret"), "{none}");
}
