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
const WRONG: &str = r#"
name = "misspelt key"
[federation]
noeds = 4

name = "no such key"
colour = "red"

name = "misspelt section"
[[fautl]]
do = "kill"

name = "impossible node"
[federation]
nodes = 4
[[fault]]
do = "partition"
from = "n9"
to = "store"

name = "node by another name"
[[fault]]
do = "kill"
target = "alice"

name = "bad duration"
[[fault]]
do = "pause"
at = "8 sec"

name = "duration without unit"
duration = 120

name = "too fine a duration"
[links]
default = { latency = "0.1us" }

name = "bad rate"
[[load]]
arrivals = { rate = "50" }

name = "a ramp without a beginning"
[[load]]
arrivals = { kind = "ramp", rate = "50/s" }

name = "a load without arrivals"
[[load]]
at = "2s"

name = "shares"
[[load]]
arrivals = { rate = "5/s" }
mix = { create = 0.6, transfer = 0.3 }

name = "an unknown share"
[[load]]
arrivals = { rate = "5/s" }
mix = { create = 0.6, multiowner = 0.4 }

name = "odd without a share"
[[load]]
arrivals = { rate = "5/s" }
odd = ["genesis"]

name = "odd in an unknown way"
[[load]]
arrivals = { rate = "5/s" }
mix = { create = 0.6, odd = 0.4 }
odd = ["negative-cids"]

name = "a Byzantine member without acts"
[[byzantine]]
node = "one"

name = "an unknown act"
[[byzantine]]
acts = ["vote-invalid"]

name = "a Byzantine stranger"
[[byzantine]]
node = "n9"
acts = "all"

name = "a Byzantine minority of nobody"
[federation]
nodes = 2
[[byzantine]]
node = "minority"
acts = "all"

name = "a Byzantine member on real sockets"
backend = "local"
[[byzantine]]
acts = "all"

name = "huge payload"
[[load]]
arrivals = { rate = "5/s" }
payload = "2MB"

name = "endless arrivals"
[[load]]
for = "10h"
arrivals = { rate = "1000/s" }

name = "other rules"
[federation]
rules = "v0.6.0"
quirks = ["feed-gap"]

name = "another world's fault"
backend = "cluster"
[[fault]]
do = "store-kill"

name = "unknown world"
backends = ["sim", "locl"]

name = "no such point"
[[fault]]
do = "crash"
point = "before insert-blocks"

name = "a point that is none"
[[fault]]
do = "crash"
point = "lunch"

name = "more than one direction of time"
[[fault]]
do = "clock-skew"
ahead = "2s"
behind = "2s"

name = "no time at all"
[[fault]]
do = "clock-jump"
back = "0s"

name = "a finer clock"
[[fault]]
do = "clock-stop"
step = "1500us"

name = "no drift"
[[fault]]
do = "clock-drift"
ppm = 0

name = "a clock that is too far off"
[[fault]]
do = "clock-skew"
ahead = "5min"
target = ["n1", "n2"]

name = "as fast as before"
[[fault]]
do = "slow-node"
factor = 1

name = "nothing is lost"
[[fault]]
do = "lost-answers"
share = 0

name = "lost in another way"
[[fault]]
do = "lost-answers"
manner = "loudly"

name = "no such shard"
[federation]
rethinkdb = { shards = 2 }
[[fault]]
do = "feed-lag"
shard = 3

name = "no such feed"
[[fault]]
do = "feed-lag"
table = "bigchian"

name = "after nothing"
[[fault]]
do = "kill"
after = 1

name = "after what never ends"
[[fault]]
do = "feed-abort"
every = "5s"
[[fault]]
do = "kill"
after = 1

name = "now and then, and after"
[[fault]]
do = "feed-abort"
[[fault]]
do = "kill"
after = 1
every = "5s"

name = "a swizzle of one"
[[fault]]
do = "swizzle"

name = "a row of what does not come in rows"
[federation]
nodes = 5
[[fault]]
do = "swizzle"
of = "clock-skew"

name = "a ring of three"
[federation]
rethinkdb = { servers = 3 }
[[fault]]
do = "store-partition"
shape = "ring"

name = "a bridge by name"
[federation]
rethinkdb = { servers = 5 }
[[fault]]
do = "store-partition"
shape = "bridge"
from = "s1"

name = "lost for good, and one more"
[[fault]]
do = "lose"
at = "5s"
target = "n1"
[[fault]]
do = "pause"
at = "60s"
target = "n2"

name = "back from the dead"
[[fault]]
do = "lose"
at = "5s"
target = "n1"
[[fault]]
do = "feed-abort"
at = "60s"
target = "n1"

name = "all are killed"
[[fault]]
do = "kill"
target = "all"

name = "reordered how"
[links]
reorder = 0.02

name = "one way in real time"
backend = "local"
[[fault]]
do = "partition"
direction = "in"

name = "a fault nobody knows"
[[fault]]
do = "kil"

name = "a key of another fault"
[[fault]]
do = "pause"
restart_after = "2s"

name = "partition between nodes"
[[fault]]
do = "partition"
from = "n1"
to = "rest"

name = "no minority"
[federation]
nodes = 2
[[fault]]
do = "kill"
target = "minority"

name = "too many at once"
[[fault]]
do = "kill"
at = "5s"
target = "n1"
restart_after = "4s"
[[fault]]
do = "pause"
at = "8s"
for = "1s"
target = "n2"

name = "twice the same"
[[fault]]
do = "kill"
at = "5s"
target = "n1"
[[fault]]
do = "pause"
at = "6s"
target = "n1"

name = "no time to settle"
duration = "60s"
[[load]]
at = "2s"
for = "40s"
arrivals = { rate = "5/s" }

name = "backwards"
[swarm]
faults = "3..8"
between = ["85s", "5s"]

name = "a swarm of nothing"
[swarm]
faults = "8..3"
between = ["5s", "85s"]

name = "a matrix of nothing"
[matrix]
seeds = 3

name = "a matrix of no values"
[matrix]
"federation.nodes" = []

name = "a matrix of one value twice"
[matrix]
"federation.nodes" = [3, 4, 3]

name = "a matrix over a field nobody knows"
[matrix]
"links.reorder" = ["1%"]
"federation.nodez" = [3, 4]

name = "a matrix with a value that cannot be"
[matrix]
"federation.nodes" = [3, 400]

name = "a matrix over a table"
federation = { nodes = 3 }
[links]
reorder = "1%"
[matrix]
federation.nodes.first = [3, 4]

name = "a matrix over a load that is not there"
[[load]]
arrivals = { rate = "5/s" }
[matrix]
"load.2.arrivals.rate" = ["1/s", "2/s"]

name = "a matrix over its own name"
[matrix]
"name" = ["a", "b"]

name = "a matrix that measures something else"
[matrix]
"federation.nodes" = [3, 4]
measure = "changed-decision"

name = "a matrix that may fail elsewhere"
[matrix]
"federation.nodes" = [3, 4]
may_fail = { "federation.rules" = "v0.6.0" }

name = "a matrix that may fail where it never is"
[matrix]
"federation.rules" = ["default", "v0.6.0"]
may_fail = { "federation.rules" = "mixed" }

name = "a matrix of too many combinations"
[matrix]
"federation.nodes" = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
"federation.rethinkdb.servers" = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
"federation.rethinkdb.shards" = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

name = "a bound the wrong way"
[expect]
finality = { p99 = "> 4s" }

name = "no percentile"
[expect]
finality = { worst = "<= 4s" }

name = "an invariant nobody knows"
[expect]
invariants = ["S1", "S99"]

name = "too many replicas"
[federation]
rethinkdb = { servers = 2, replicas = 3 }

name = "no such server"
[federation]
rethinkdb = { servers = 3 }
[[fault]]
do = "store-kill"
target = "s4"

name = "a node where servers are met"
[[fault]]
do = "power-loss"
target = "n1"

name = "no minority of servers"
[federation]
rethinkdb = { servers = 2 }
[[fault]]
do = "store-pause"
target = "minority"

name = "nobody on the other side"
[federation]
rethinkdb = { servers = 3 }
[[fault]]
do = "store-partition"
from = "all"

name = "the same server twice"
[federation]
rethinkdb = { servers = 3 }
[[fault]]
do = "store-kill"
at = "5s"
target = "s2"
[[fault]]
do = "power-loss"
at = "6s"
target = "s2"

name = "nobody moves"
[[fault]]
do = "reconfigure"

name = "whom it moves"
[[fault]]
do = "reconfigure"
shards = 2
target = "s1"

name = "servers in another world"
backend = "local"
[[fault]]
do = "store-kill"

name = "a delay nobody knows"
[federation]
rethinkdb = { timing = { elections = "2s" } }

name = "a member without a name"
[[federation.external]]
start = "bigchaindb -c {config} start"

name = "a member with a name of ours"
[[federation.external]]
name = "n1"
start = "bigchaindb -c {config} start"

name = "two members with one name"
[federation]
rules = "mixed"
[[federation.external]]
name = "guest"
start = "bigchaindb -c {config} start"
[[federation.external]]
name = "guest"
address = "192.0.2.7:9984"

name = "a member that nobody starts"
[[federation.external]]
name = "guest"

name = "a member that is started twice"
[[federation.external]]
name = "guest"
address = "192.0.2.7:9984"
start = "bigchaindb -c {config} start"

name = "a member at no address"
[[federation.external]]
name = "guest"
address = "localhost"

name = "a key that is none"
[[federation.external]]
name = "guest"
key = "abc"
start = "bigchaindb -c {config} start"

name = "a word that nobody fills in"
[[federation.external]]
name = "guest"
start = "bigchaindb -c {conf} start"

name = "an unknown profile"
[[federation.external]]
name = "guest"
profile = "v0.6.1"
start = "bigchaindb -c {config} start"

name = "a misspelt key of a member"
[[federation.external]]
name = "guest"
begin = "bigchaindb -c {config} start"

name = "members that cannot read each other"
[[federation.external]]
name = "guest"
start = "bigchaindb -c {config} start"

name = "a member in a world without foreign programs"
backend = "sim"
[federation]
rules = "mixed"
[[federation.external]]
name = "guest"
start = "bigchaindb -c {config} start"

name = "a fault in a foreign program"
[federation]
rules = "mixed"
[[federation.external]]
name = "guest"
start = "bigchaindb -c {config} start"
[[fault]]
do = "crash"
target = "guest"

name = "a fault that reaches nobody"
[federation]
rules = "mixed"
[[federation.external]]
name = "guest"
address = "192.0.2.7:9984"
[[fault]]
do = "kill"
target = "guest"

name = "a federation of nobody"
[federation]
nodes = 0

name = "neither yes nor no"
[federation]
rethinkdb = { shuffle = "yes" }

name = "a number in quotes"
[federation]
nodes = "four"

name = "not a table"
federation = 4

name = "not TOML
seed = 1

seed = 1
"#;

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
