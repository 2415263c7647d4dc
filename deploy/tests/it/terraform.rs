//! The whole way with Terraform, against moto: planned, made, planned again, taken away; and what the plan may
//! not hold.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::moto::{Moto, files};

const OPERATOR: &str = "203.0.113.7/32";

const TWO_REGIONS: &str =
    "name = \"two\"\n[nodes]\nregions = [\"eu-central-1\", \"us-east-1\"]\n[monitoring]\n[load]\n";

#[test]
fn from_a_plan_to_machines_and_back_to_nothing() {
    let Some(moto) = Moto::start(&[]) else { return };
    let wish = moto.wish(TWO_REGIONS);
    let asked = ["--owner", "ops@example.org", "--operator", OPERATOR];

    let plan = |arguments: &[&str]| moto.deploy(&[&["plan"], arguments].concat());
    let (code, planned) = plan(&[&[wish.as_str()], &asked[..]].concat());
    assert_eq!(code, Some(1), "{planned}");
    assert!(
        planned.contains("  2 × node: m6i.large in eu-central-1: $0.2300 an hour"),
        "{planned}"
    );
    assert!(planned.contains("all of it: $"), "{planned}");
    assert!(!moto.runs().exists(), "a plan of a wish leaves nothing");

    let up = ["up", &wish, "--run", "two-1", "--machines-only"];
    let (code, made) = moto.deploy(&[&up[..], &asked].concat());
    assert_eq!(code, Some(0), "{made}");
    // Every answer to the first call was lost, and no machine was made twice.
    let (_, standing) = moto.deploy(&["--json", "status", "two-1"]);
    assert_eq!(standing.matches("\"running\"").count(), 5, "{standing}");
    assert_eq!(moto.machines("two-1"), 5);
    // Everything is reached with this run's keys, by its own name.
    let ssh = moto.read("ssh.log");
    for name in ["node1", "node2", "node3", "monitor", "load1"] {
        let line = ssh.lines().find(|line| line.contains(&format!("HostKeyAlias={name}.two-1")));
        assert!(
            line.is_some_and(|line| line.contains("StrictHostKeyChecking=yes")),
            "{name}: {ssh}"
        );
    }

    let (code, planned) = plan(&["--run", "two-1"]);
    assert_eq!(code, Some(0), "a second plan finds nothing to do: {planned}");
    assert!(planned.contains("nothing would change"), "{planned}");

    let (code, standing) = moto.deploy(&["status", "two-1"]);
    assert_eq!(code, Some(0), "{standing}");
    assert_eq!(standing.lines().filter(|line| line.contains(" running ")).count(), 5, "{standing}");

    no_secret_anywhere(&moto, "two-1", &[made.as_str(), planned.as_str(), standing.as_str()]);
    peers_are_named_one_by_one(&moto);

    // Another folder knows nothing of the run, but its id is in use.
    let elsewhere = moto.folder.path().join("elsewhere").display().to_string();
    let (code, told) = moto.deploy(&[&up[..], &asked, &["--deployments", &elsewhere]].concat());
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("the id `two-1` is in use"), "{told}");

    let (code, told) = moto.deploy(&["down", "two-1", "--yes"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("nothing is left of `two-1`"), "{told}");
    let (code, told) = moto.deploy(&["status", "two-1"]);
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(told.matches(" missing ").count(), 5, "{told}");
    let (code, told) = moto.deploy(&["up", "--run", "two-1", "--machines-only"]);
    assert_eq!((code, told.contains("run `two-1` is over")), (Some(2), true), "{told}");
}

/// Addresses that stay, spot instances; and Terraform's own way to take all of it away.
#[test]
fn terraform_takes_away_what_it_made_too() {
    let Some(moto) = Moto::start(&[]) else { return };
    let wish = moto.wish(
        "name = \"one\"\nowner = \"me\"\noperator = \"203.0.113.7/32\"\n[nodes]\ncount = 1\nspot = true\n\
         elastic_addresses = true\n[storage]\non = \"root\"\n",
    );
    let (code, made) = moto.deploy(&["up", &wish, "--run", "one-1", "--machines-only"]);
    assert_eq!(code, Some(0), "{made}");
    moto.terraform("one-1", &["validate"]);
    moto.terraform("one-1", &["destroy", "-auto-approve", "-no-color"]);
    let (code, told) = moto.deploy(&["down", "one-1", "--yes"]);
    assert_eq!(code, Some(0), "{told}");
    let run: Value =
        serde_json::from_slice(&fs::read(moto.runs().join("one-1/run.json")).unwrap()).unwrap();
    assert_eq!(run["provider_notes"]["ending"], json!([]), "there was nothing left to take away");
    // The same by tags alone, without Terraform's state; a free address of somebody's stays.
    let (code, made) = moto.deploy(&["up", &wish, "--run", "one-2", "--machines-only"]);
    assert_eq!(code, Some(0), "{made}");
    fs::remove_dir_all(moto.runs().join("one-2/terraform")).unwrap();
    let (code, told) = moto.deploy(&["down", "one-2", "--yes"]);
    assert_eq!(code, Some(0), "{told}");
    let run: Value =
        serde_json::from_slice(&fs::read(moto.runs().join("one-2/run.json")).unwrap()).unwrap();
    let kinds: Vec<_> = run["provider_notes"]["ending"]
        .as_array()
        .unwrap()
        .iter()
        .map(|left| left["kind"].clone())
        .collect();
    for kind in ["instance", "address", "security group", "key pair"] {
        assert!(kinds.contains(&json!(kind)), "{kind} in {kinds:?}");
    }
}

/// The first choice is nowhere to be had: the next is taken, zone by zone, then type by type.
#[test]
fn where_there_is_no_room_the_next_type_is_taken() {
    let Some(moto) = Moto::start(&[("NO_ROOM", "m6i.large")]) else { return };
    let wish = moto.wish(
        "name = \"one\"\nowner = \"me\"\noperator = \"203.0.113.7/32\"\n[nodes]\ncount = 1\n\
         instance_types = [\"m6i.large\", \"m5.large\"]\n",
    );
    let (code, made) = moto.deploy(&["up", &wish, "--run", "one-1", "--machines-only"]);
    assert_eq!(code, Some(0), "{made}");
    let state = fs::read_to_string(moto.runs().join("one-1/terraform/terraform.tfstate")).unwrap();
    assert!(state.contains("\"instance_type\": \"m5.large\""), "{state}");
    let run: Value =
        serde_json::from_slice(&fs::read(moto.runs().join("one-1/run.json")).unwrap()).unwrap();
    let zones =
        run["provider_notes"]["pinned"]["eu-central-1"]["subnets"].as_object().unwrap().len();
    assert_eq!(run["provider_notes"]["attempts"]["node1"], json!(zones));
}

/// What a plan may hold, and that whoever looks for more finds it.
#[test]
fn a_plan_keeps_to_the_policy() {
    let Some(moto) = Moto::start(&[]) else { return };
    let wish = moto.wish(TWO_REGIONS);
    let asked = ["--owner", "ops@example.org", "--operator", OPERATOR, "--machines-only"];
    let (code, made) = moto.deploy(&[&["up", &wish, "--run", "two-2"], &asked[..]].concat());
    assert_eq!(code, Some(0), "{made}");
    // The plan that was carried out is still there.
    let plan: Value =
        serde_json::from_str(&moto.terraform("two-2", &["show", "-json", "plan"])).unwrap();
    assert_eq!(violations(&plan), Vec::<String>::new());
    // Each of these is found; else the list above is empty for nothing.
    for (from, to) in [
        ("203.0.113.7/32", "0.0.0.0/0"),
        ("\"http_tokens\":\"required\"", "\"http_tokens\":\"optional\""),
        ("\"encrypted\":true", "\"encrypted\":false"),
        ("\"delete_on_termination\":true", "\"delete_on_termination\":false"),
        (
            "\"instance_initiated_shutdown_behavior\":\"terminate\"",
            "\"instance_initiated_shutdown_behavior\":\"stop\"",
        ),
        ("testbed-expires-at", "expires"),
        ("\"from_port\":29015", "\"from_port\":8080"),
        ("\"disable_api_termination\":false", "\"disable_api_termination\":true"),
    ] {
        let text = plan.to_string();
        assert!(text.contains(from), "{from} is in the plan");
        let worse: Value = serde_json::from_str(&text.replace(from, to)).unwrap();
        assert_ne!(violations(&worse), Vec::<String>::new(), "{from} made {to} is found");
    }
}

/// The resources of a plan, with their addresses.
fn resources(plan: &Value) -> Vec<&Value> {
    fn collect<'a>(module: &'a Value, into: &mut Vec<&'a Value>) {
        into.extend(module["resources"].as_array().into_iter().flatten());
        for child in module["child_modules"].as_array().into_iter().flatten() {
            collect(child, into);
        }
    }
    let mut found = Vec::new();
    collect(&plan["planned_values"]["root_module"], &mut found);
    found
}

/// What a plan holds that it may not.
fn violations(plan: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |resource: &Value, holds: bool, rule: &str| {
        if !holds {
            found.push(format!("{}: {rule}", resource["address"]));
        }
    };
    let all = resources(plan);
    assert!(all.len() > 20, "a plan of five machines is long");
    for resource in all {
        let values = &resource["values"];
        for tag in ["testbed-run", "testbed-owner", "testbed-expires-at"] {
            check(resource, values["tags"][tag].is_string(), "bears the run's tags");
        }
        match resource["type"].as_str().unwrap() {
            "aws_instance" => {
                check(
                    resource,
                    values["metadata_options"][0]["http_tokens"] == "required",
                    "IMDSv2 only",
                );
                check(
                    resource,
                    values["instance_initiated_shutdown_behavior"] == "terminate",
                    "off is gone",
                );
                check(resource, values["disable_api_termination"] == false, "can be taken away");
                check(
                    resource,
                    values["volume_tags"]["testbed-run"].is_string(),
                    "volumes bear tags",
                );
                let disks = ["root_block_device", "ebs_block_device"];
                let disks =
                    disks.iter().flat_map(|kind| values[kind].as_array().into_iter().flatten());
                for disk in disks {
                    check(resource, disk["encrypted"] == true, "volumes are encrypted");
                    check(
                        resource,
                        disk["delete_on_termination"] == true,
                        "volumes end with their machine",
                    );
                    check(resource, disk["volume_type"] == "gp3", "volumes are gp3");
                }
            }
            "aws_vpc_security_group_ingress_rule" => {
                let port = values["from_port"].as_u64().unwrap();
                check(resource, values["from_port"] == values["to_port"], "one port");
                let allowed: &[u64] = match values["cidr_ipv4"].as_str() {
                    Some(OPERATOR) => &[22, 9984, 3000],
                    // Another group, or the address of a machine in another region: not known before it is made.
                    None => &[29015, 28015, 9984, 8125],
                    Some(_) => &[],
                };
                check(resource, allowed.contains(&port), "open to peers and the operator only");
                check(
                    resource,
                    values["ip_protocol"] == if port == 8125 { "udp" } else { "tcp" },
                    "one protocol",
                );
            }
            "aws_vpc_security_group_egress_rule" | "aws_security_group" | "aws_key_pair" => {}
            _ => check(resource, false, "nobody has thought of this kind"),
        }
    }
    found
}

/// Between regions, a rule is for one machine's address, and for no port of RethinkDB's drivers.
fn peers_are_named_one_by_one(moto: &Moto) {
    let state: Value = serde_json::from_str(&moto.terraform("two-1", &["show", "-json"])).unwrap();
    let state = json!({ "planned_values": state["values"] });
    let is_peer = |resource: &&&Value| resource["name"] == "peer";
    let rules = resources(&state);
    let rules: Vec<_> = rules.iter().filter(is_peer).collect();
    // Two nodes there reach one here, one there two here; load and monitor are where two are.
    assert_eq!(rules.len(), 2 + 1 + 1 + 1, "{rules:#?}");
    for rule in rules {
        let block = rule["values"]["cidr_ipv4"].as_str().unwrap();
        assert!(block.ends_with("/32") && block != OPERATOR, "{block}");
        assert_ne!(rule["values"]["from_port"], 28015);
    }
}

/// Private keys are in the run's folder, for its owner alone, and nowhere else.
fn no_secret_anywhere(moto: &Moto, run: &str, told: &[&str]) {
    let folder = moto.runs().join(run);
    let mut secrets = Vec::new();
    let at_home = |path: &Path| {
        ["keys", "configs", "user-data"].iter().any(|home| path.starts_with(folder.join(home)))
    };
    for path in files(&folder).iter().filter(|path| at_home(path)) {
        let text = fs::read_to_string(path).unwrap();
        if path.extension().is_some_and(|extension| extension == "pub") {
            continue;
        }
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        if path.starts_with(folder.join("keys")) {
            // The last whole line of an OpenSSH key is of its private half.
            secrets.push(text.lines().rev().nth(1).unwrap().to_owned());
        } else if path.starts_with(folder.join("configs")) {
            let config: Value = serde_json::from_str(&text).unwrap();
            secrets.push(config["keypair"]["private"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(secrets.len(), 1 + 5 + 3, "a key to log in, five host keys, three nodes' keys");
    let mut read = 0;
    for path in files(&folder).iter().filter(|path| !at_home(path)) {
        let bytes = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "a private key is in {}", path.display());
        }
        read += 1;
    }
    assert!(read > 10, "state, plan, log, inventories and modules are looked at");
    let plan = moto.terraform(run, &["show", "-json", "plan"]);
    let state = moto.terraform(run, &["show", "-json"]);
    for text in told.iter().copied().chain([plan.as_str(), state.as_str()]) {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "a private key is in what was said");
        }
    }
}
