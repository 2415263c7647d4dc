//! Plans as scenarios: what is written makes the very same plan again.

use std::path::{Path, PathBuf};

use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::faults;
use bigchaindb_simulator::plan::{self, Plan};
use bigchaindb_simulator::scenario::{Scenario, write};

/// Writes a plan and makes it again from what was written.
#[track_caller]
fn check(plan: &Plan) {
    let text = match write::scenario(plan, "A story.\n\nIn two parts.", None) {
        Ok(text) => text,
        Err(error) => panic!("{} --seed {}: {error:?}", plan.scenario, plan.seed),
    };
    let scenario = Scenario::parse("written.toml", &text, None).unwrap();
    assert_eq!(scenario.story, "A story.\n\nIn two parts.");
    assert_eq!(plan::make(&scenario, scenario.seed).unwrap(), *plan, "{text}");
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
}

#[test]
fn every_scenario_makes_plans_that_can_be_written() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios"), &mut found);
    // Load at full speed is nothing to make small.
    found.retain(|file| !file.components().any(|part| part.as_os_str() == "load"));
    assert!(found.len() >= 8);
    for file in found {
        let scenario = Scenario::load(&file, None).unwrap();
        // Faults of a plan have numbers, and real worlds take none.
        if scenario.backend() != Backend::Sim {
            continue;
        }
        for seed in 0..12 {
            check(&plan::make(&scenario, seed << 40 | seed).unwrap());
        }
    }
}

#[test]
fn every_kind_of_fault_can_be_written() {
    let store = "federation = { nodes = 5, rules = \"mixed\", \
                 bounds = { waiting = 50, reassign = \"2.5s\" }, rethinkdb = { servers = 5, shards = 2, replicas = 3, \
                 shuffle = true, timing = { silence = \"3s\" } } }\n";
    let links =
        "links = { default = { latency = \"3ms\" } }\ncosts = { sync = \"1ms\", cores = 3 }\n";
    let known = |nature: &&faults::Nature| nature.backends.contains(&Backend::Sim);
    for nature in faults::ALL.iter().filter(known) {
        let fault = format!("[[fault]]\ndo = \"{}\"\nevery = \"2s\"\n", nature.name);
        let load = "[[load]]\narrivals = { rate = \"1/s\" }\n";
        let expect = "[expect]\nviolations = \"S1\"\nfinality = { p99_7 = \"<= 9.4s\" }\n";
        let text = format!("name = \"each\"\n{store}{links}{load}{fault}{expect}");
        let scenario = match Scenario::parse("each.toml", &text, None) {
            Ok(scenario) => scenario,
            Err(error) => panic!("{}: {error}", nature.name),
        };
        let plan = plan::make(&scenario, 3).unwrap();
        assert!(plan.faults.iter().any(|fault| fault.kind == nature.kind), "{}", nature.name);
        check(&plan);
    }
}

#[test]
fn members_that_are_none_of_ours_are_written() {
    let text = "name = \"mixed\"\n[federation]\nnodes = 2\nrules = \"mixed\"\n\
                [[federation.external]]\nname = \"guest\"\nstart = \"original \\\"{config}\\\"\"\n\
                stop = [\"original\", \"stop it\"]\n\
                [[federation.external]]\nname = \"stranger\"\nprofile = \"mixed\"\n\
                consensus_plugin = \"other\"\naddress = \"[2001:db8::7]:9984\"\n";
    let scenario = Scenario::parse("mixed.toml", text, None).unwrap();
    check(&plan::make(&scenario, 1).unwrap());
}

#[test]
fn what_a_scenario_cannot_say_is_not_written() {
    let scenario = Scenario::parse("one.toml", "name = \"one\"\n[federation]\nnodes = 1", None);
    let plan = plan::make(&scenario.unwrap(), 1).unwrap();
    let renamed = Plan {
        nodes: vec![plan::Node { name: "other".into(), key: None, external: None }],
        ..plan.clone()
    };
    assert!(write::scenario(&renamed, "", None).is_err());
    assert!(write::scenario(&Plan { seed: u64::MAX, ..plan.clone() }, "", None).is_err());
    assert!(write::scenario(&plan, "", None).is_ok());
    assert!(write::scenario(&plan, "", Some("no digest")).is_err());
}

/// What is said of a part of a plan that is wrong.
#[track_caller]
fn refused(parts: &str, said: &str) {
    let text = format!("name = \"wrong\"\n{parts}");
    let error = Scenario::parse("wrong.toml", &text, None).expect_err(parts).to_string();
    assert!(error.contains(said), "{error}\ninstead of\n{said}");
}

#[test]
fn parts_of_plans_are_read_strictly() {
    let operation = "[[operation]]\nnumber = 1\nat = \"1s\"\nclient = 0\nnode = \"n1\"\n";
    let transfer = "do = \"transfer\"\npayload = \"1B\"\n";
    refused(operation, "wrong.toml:2: missing field `do`");
    refused(&format!("{operation}do = \"fly\""), "unknown variant `fly`");
    refused(&format!("{operation}{transfer}"), "missing field `of`");
    refused(&format!("{operation}{transfer}of = 0"), "builds on operation 0, which is not before");
    refused(&format!("{operation}{transfer}of = 1"), "builds on operation 1, which is not before");
    refused(&format!("{operation}do = \"create\""), "missing field `payload`");
    let create = format!("{operation}do = \"create\"\npayload = \"1B\"\n");
    refused(&format!("{create}speed = 3"), "`speed` says nothing here");
    refused(&format!("{create}{create}"), "wrong.toml:9: there are two with the number 1");
    refused(&create.replace("n1", "n9"), "there is no node 9: there are 4");
    refused(&create.replace("n1", "x1"), "`node` names nobody");
    refused(&create.replace("number = 1\n", ""), "this one has none");
    refused(&format!("{create}[[load]]\narrivals = {{ rate = \"1/s\" }}"), "do not go together");
    let fault = "[[fault]]\ndo = \"kill\"\nnumber = 0\nnodes = [\"n1\"]\nat = \"2s\"\n";
    refused(fault, "missing field `until`");
    refused(&format!("{fault}until = \"1s\""), "fault 0 is over before it begins");
    refused(&format!("{fault}until = \"3s\"\n[[fault]]\ndo = \"kill\""), "this one has none");
    let swarm = "[swarm]\nfaults = \"1..2\"\nbetween = [\"1s\", \"2s\"]";
    refused(&format!("{fault}until = \"3s\"\n{swarm}"), "do not go together");
    refused("[expect]\ndigest = \"abc\"", "wrong.toml:3: `digest` is no digest");
}
