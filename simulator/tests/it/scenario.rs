//! Scenario files: which are read, and what is said of those that are not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use bigchaindb_simulator::backends::Backend;
use bigchaindb_simulator::plan::{self, Form, How};
use bigchaindb_simulator::scenario::{Scenario, ScenarioError};

/// The folder of scenarios that come with the project.
pub(crate) fn smoke() -> Vec<PathBuf> {
    files_of("smoke")
}

/// The scenarios of a folder, by name.
pub(crate) fn files_of(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(folder);
    let entries = std::fs::read_dir(folder).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let is_scenario =
        |file: &PathBuf| file.extension().is_some_and(|extension| extension == "toml");
    let mut files: Vec<_> = files.filter(is_scenario).collect();
    files.sort();
    files
}

/// A plan of more operations than this takes its time.
const LARGE: usize = 10_000;

#[test]
fn every_scenario_is_read_and_tells_its_story() {
    let files = [smoke(), files_of("faults"), files_of("load"), files_of("mixed")].concat();
    assert!(files.len() >= 22, "{files:?}");
    for file in files {
        let scenario = Scenario::load(&file, None).unwrap();
        let line = scenario.story.lines().next().unwrap_or("");
        assert!(line.ends_with('.') && line.len() < 110, "{}: {line:?}", scenario.file);
        // Where there is much to plan, chance has its say within one plan.
        let operations = plan::make(&scenario, 0).unwrap().operations.len();
        for seed in 1..if operations > LARGE { 2 } else { 50 } {
            plan::make(&scenario, seed).unwrap();
        }
    }
}

/// Wrong scenarios, a blank line apart. What is said of them is in the snapshot.
const WRONG: &str = include_str!("wrong-scenarios.txt");

#[test]
fn whoever_writes_a_scenario_hears_what_is_wrong_where_and_what_to_do() {
    let mut said = String::new();
    for text in WRONG.trim().split("\n\n") {
        let error = refusal(text);
        assert!(error.line.is_some() || text.starts_with("seed"), "{text}");
        said += &format!("{text}\n\nerror: {error}\n hint: {}\n\n\n", error.hint);
    }
    insta::assert_snapshot!(said);
}

fn refusal(text: &str) -> ScenarioError {
    match Scenario::parse("wrong.toml", text, None) {
        Err(error) => error,
        Ok(scenario) => plan::make(&scenario, 1).expect_err(text),
    }
}

#[test]
fn a_fault_is_refused_in_a_world_that_cannot_do_it() {
    let text = "name = \"dark\"\n\n[[fault]]\ndo = \"power-loss\"\n";
    let scenario = Scenario::parse("dark.toml", text, None).unwrap();
    assert_eq!(scenario.backends, [Backend::Sim], "what it can run in follows from its faults");
    let error = Scenario::parse("dark.toml", text, Some(Backend::Local)).unwrap_err();
    assert_eq!(error.line, Some(3), "{error}");
}

#[test]
fn whoever_means_to_see_an_invariant_violated_may_break_everything() {
    let text =
        "name = \"all\"\n[[fault]]\ndo = \"kill\"\ntarget = [\"n1\", \"n2\", \"n3\", \"n4\"]\n";
    assert!(refusal(text).message.contains("lost at once"));
    let scenario =
        Scenario::parse("all.toml", &format!("{text}[expect]\nviolations = \"L1\"\n"), None);
    let plan = plan::make(&scenario.unwrap(), 1).unwrap();
    assert_eq!(plan.faults[0].nodes, [0, 1, 2, 3]);
}

#[test]
fn everything_has_a_default() {
    let scenario = Scenario::parse("empty.toml", "name = \"empty\"", None).unwrap();
    let plan = plan::make(&scenario, scenario.seed).unwrap();
    assert_eq!((plan.nodes.len(), plan.operations.len(), plan.faults.len()), (4, 0, 0));
    assert_eq!((plan.rules.as_str(), plan.end_us), ("default", 30_000_000));
    assert_eq!(scenario.backends, Backend::ALL);
}

#[test]
fn a_store_is_as_it_is_described() {
    let text = "name = \"s\"\n[links]\ndefault = { latency = \"2ms\" }\n[federation.rethinkdb]\n\
                servers = 5\nshards = 2\nreplicas = 3\nwrite_acks = \"single\"\n\
                read_mode = \"outdated\"\nshuffle = true\ntiming = { silence = \"11s\" }\n\
                [[fault]]\ndo = \"store-partition\"\nfrom = [\"s3\", \"s1\"]\n\
                direction = \"in\"\n[[fault]]\ndo = \"reconfigure\"\nreplicas = 5\n";
    let plan = plan::make(&Scenario::parse("s.toml", text, None).unwrap(), 1).unwrap();
    let store = &plan.store;
    assert_eq!((store.servers, store.shards, store.replicas, store.shuffle), (5, 2, 3, true));
    assert_eq!(store.write_acks, plan::WriteAcks::Single);
    assert_eq!(store.read_mode, plan::ReadMode::Outdated);
    assert_eq!((store.timing.silence_us, store.timing.replicate_us), (11_000_000, 2_000));
    assert_eq!((&*plan.faults[0].servers, &*plan.faults[0].nodes), (&[0, 2][..], &[][..]));
    let apart = How::Apart { form: Form::Isolated, direction: plan::Direction::In };
    assert_eq!(plan.faults[0].how, apart);
    assert_eq!(plan.faults[1].how, How::Tables(plan::Shape { shards: 2, replicas: 5 }));
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<plan::Plan>(&text).unwrap(), plan);
}

/// Two of ours, one that is started here, and one that is not.
const MIXED: &str = r#"
name = "mixed"
[federation]
nodes = 2
rules = "mixed"
[[federation.external]]
name = "guest"
start = "original -c {config} --bind {host}:{port} start"
stop = ["original", "stop it"]
[[federation.external]]
name = "stranger"
profile = "mixed"
key = "DSFAkBEsyxNHScsXNWLonvhN4ZznMmCSm8ZZPWuic1Js"
address = "192.0.2.7:9984"
[[fault]]
do = "kill"
every = "1s"
[[load]]
arrivals = { rate = "5/s" }
"#;

#[test]
fn members_that_are_none_of_ours_come_after_those_that_are() {
    let scenario = Scenario::parse("mixed.toml", MIXED, None).unwrap();
    assert_eq!(scenario.backends, [Backend::Processes, Backend::Docker]);
    assert!(scenario.notes[0].contains("`stranger` is started by somebody else"));
    let plan = plan::make(&scenario, 1).unwrap();
    let names: Vec<_> = plan.nodes.iter().map(|node| &*node.name).collect();
    assert_eq!(names, ["n1", "n2", "guest", "stranger"]);
    let guest = plan.nodes[2].external.as_ref().unwrap();
    assert_eq!((&*guest.profile, &*guest.consensus_plugin), ("v0.6.0", "default"));
    assert_eq!(guest.start, ["original", "-c", "{config}", "--bind", "{host}:{port}", "start"]);
    assert_eq!(guest.stop, ["original", "stop it"]);
    assert_eq!(plan.node_key(3).as_str(), "DSFAkBEsyxNHScsXNWLonvhN4ZznMmCSm8ZZPWuic1Js");
    assert_eq!(
        (plan.rules_of(0), plan.rules_of(2), plan.judged_by()),
        ("mixed", "v0.6.0", "mixed")
    );
    let met: BTreeSet<_> = plan.faults.iter().flat_map(|fault| &fault.nodes).copied().collect();
    assert_eq!(met, BTreeSet::from([0, 1, 2]), "nobody kills whom somebody else starts");
    assert!(plan.operations.iter().any(|operation| operation.node == 3), "all are loaded");
}

#[test]
fn all_members_may_be_foreign() {
    let text = "name = \"foreign\"\n[federation]\nnodes = 0\n[[federation.external]]\n\
                name = \"guest\"\nstart = \"original -c {config}\"\n";
    let plan = plan::make(&Scenario::parse("foreign.toml", text, None).unwrap(), 1).unwrap();
    assert_eq!((plan.nodes.len(), plan.judged_by()), (1, "v0.6.0"));
    assert_eq!(
        serde_json::from_str::<plan::Plan>(&serde_json::to_string(&plan).unwrap()).unwrap(),
        plan
    );
}

#[test]
fn the_story_is_the_first_comment() {
    let text = "\n# One.\n#\n# Two,\n#  three.\n\n# Four.\nname = \"s\"\n";
    assert_eq!(Scenario::parse("s.toml", text, None).unwrap().story, "One.\n\nTwo,\nthree.");
}

#[test]
fn a_matrix_is_a_scenario_for_each_combination() {
    let text = "# A story.\nname = \"m\"\n[federation] # who\nnodes = 4\n[[load]]\n\
                arrivals = { rate = \"5/s\" }\n[matrix]\nfederation.nodes = [3, 5]\n\
                \"links.reorder\" = [\"1%\", \"2%\"]\n\"load.1.arrivals.rate\" = [\"7/s\"]\n\
                federation.rules = [\"default\", \"v0.6.0\"]\nseeds = 3\n\
                may_fail = { \"federation.rules\" = \"v0.6.0\" }\n";
    let scenario = Scenario::parse("m.toml", text, None).unwrap();
    assert_eq!(scenario.federation.nodes, 4, "by itself it is what stands outside");
    let matrix = scenario.matrix.as_ref().unwrap();
    assert_eq!(matrix.seeds, 3);
    let cells = matrix.cells(&scenario).unwrap();
    let values: Vec<_> = cells.iter().map(|cell| cell.values.join(" ")).collect();
    // TOML keeps what is behind one dot together.
    let expected = [
        "3 default 1% 7/s",
        "3 default 2% 7/s",
        "3 v0.6.0 1% 7/s",
        "3 v0.6.0 2% 7/s",
        "5 default 1% 7/s",
        "5 default 2% 7/s",
        "5 v0.6.0 1% 7/s",
        "5 v0.6.0 2% 7/s",
    ];
    assert_eq!(values, expected);
    for cell in &cells {
        let Scenario { federation, links, matrix, story, .. } = &cell.scenario;
        assert_eq!(
            (federation.nodes.to_string(), &federation.rules),
            (cell.values[0].clone(), &cell.values[1])
        );
        assert_eq!(format!("{}%", links.reorder / 10_000), cell.values[2]);
        assert_eq!((matrix.is_none(), story.as_str()), (true, "A story."));
        assert_eq!(cell.may_fail, federation.rules == "v0.6.0");
        // Its text is all there is of it.
        let again = Scenario::parse("m.toml", &cell.scenario.text, None).unwrap();
        assert_eq!(plan::make(&again, 1).unwrap(), plan::make(&cell.scenario, 1).unwrap());
    }
}
