//! The playbooks, without machines: Ansible understands them, and everything goes to the machine it is for.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use bigchaindb_core::model::Json;
use bigchaindb_deploy::{configs, playbook};

use crate::stands;

pub(crate) fn playbooks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ansible")
}

#[test]
fn ansible_understands_every_playbook() {
    let folder = playbooks();
    let is_playbook = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".yml") && !name.starts_with("inventory")
    };
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(is_playbook).collect();
    assert!(files.len() >= 9, "{files:?}");
    let mut ansible = Command::new("ansible-playbook");
    ansible.env("ANSIBLE_CONFIG", folder.join("ansible.cfg")).arg("--syntax-check");
    ansible.arg("--inventory").arg(folder.join("inventory.example.yml")).args(files);
    let output = ansible.output().expect("`pip install ansible-core`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn config_ten_goes_to_host_ten() {
    let folder = tempfile::tempdir().unwrap();
    let (run, mut inventory) =
        stands(folder.path(), "name = \"twelve\"\n[nodes]\ncount = 12\n[federation]\nreplicas = 3");
    configs::write_all(&run, &inventory).unwrap();
    // Whoever reads them by name has 10 before 2.
    inventory.hosts.sort_by(|one, other| one.name.cmp(&other.name));
    run.save_inventory(&inventory).unwrap();
    let out = folder.path().join("out");
    let render = playbooks().join("render.yml");
    playbook::carry_out(&run, &render, &["-e", &format!("folder={}", out.display())]).unwrap();

    let mut keys = BTreeMap::new();
    for number in 1..=12 {
        let config = json(&run.configs().join(format!("node{number}.json")));
        keys.insert(number, text(&config, &["keypair", "public"]));
    }
    let talk = fs::read_to_string(run.log("ansible")).unwrap();
    for (number, key) in &keys {
        let machine = out.join(format!("node{number}"));
        let file = machine.join("bigchaindb.json");
        let config = json(&file);
        assert_eq!(text(&config, &["keypair", "public"]), *key);
        assert_eq!(
            text(&config, &["api_endpoint"]),
            format!("http://198.51.100.{number}:9984/api/v1")
        );
        let others = keys.iter().filter(|(other, _)| *other != number).map(|(_, key)| key.as_str());
        let keyring: Vec<_> = config.get("keyring").unwrap().as_array().unwrap().to_vec();
        assert_eq!(keyring, others.map(Json::from).collect::<Vec<_>>());
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o7,
            0,
            "others may not read it"
        );
        // Its key is nobody else's, and was not told to anybody on the way.
        let private = text(&config, &["keypair", "private"]);
        assert!(!talk.contains(&private));
        for other in keys.keys().filter(|other| *other != number) {
            let other =
                fs::read_to_string(out.join(format!("node{other}/bigchaindb.json"))).unwrap();
            assert!(!other.contains(&private));
        }
        // Every server joins all the others, and lets in them and nobody else.
        let settings = fs::read_to_string(machine.join("rethinkdb.conf")).unwrap();
        let joins: Vec<_> =
            settings.lines().filter_map(|line| line.strip_prefix("join=")).collect();
        let expected: Vec<_> = (1..=12)
            .filter(|other| other != number)
            .map(|other| format!("172.31.0.{other}:29015"))
            .collect();
        assert_eq!(joins, expected);
        let rules = fs::read_to_string(machine.join("nftables.conf")).unwrap();
        assert!(rules.contains("policy drop") && rules.contains("203.0.113.7/32"));
        assert!(!rules.contains("0.0.0.0/0"));
    }
}

fn json(file: &Path) -> Json {
    Json::parse(&fs::read(file).unwrap()).unwrap()
}

fn text(json: &Json, path: &[&str]) -> String {
    let found = path.iter().fold(json, |json, name| json.get(name).unwrap());
    found.as_str().unwrap().to_owned()
}
