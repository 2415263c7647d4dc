//! Nodes in processes die at a point of their work, and live by clocks that are wrong.

use std::collections::BTreeMap;
use std::fs;

use bigchaindb_simulator::observe::{Befell, Phase, Record, read};

use crate::apart::{passes, path};
use crate::{outcome, testbed};

/// Every point is come to in a run as long as this but the last, which nobody's harm leads to.
const POINTS: &str = r#"
name = "points"
backends = ["processes"]

[federation]
nodes = 5

[[load]]
at = "500ms"
for = "10s"
arrivals = { rate = "10/s" }
mix = { create = 0.6, transfer = 0.3, conflict = 0.07, duplicate = 0.03 }

[[fault]]
do = "crash"
at = "1s"
for = "5s"
target = "n1"
point = "before insert-block"
restart_after = "500ms"

[[fault]]
do = "crash"
at = "2s"
for = "4s"
target = "n2"
point = "after insert-vote"
restart_after = "500ms"

[[fault]]
do = "crash"
at = "7s"
for = "3s"
target = "n3"
point = "after respond"
nth = 2
restart_after = "300ms"

[[fault]]
do = "crash"
at = "7s"
for = "2s"
target = "n4"
point = "before put-back"
restart_after = "300ms"
"#;

/// Clocks of all sorts, and a node that is killed while its clock is wrong.
const CLOCKS: &str = r#"
name = "clocks"
backends = ["processes"]

[federation]
nodes = 5

[[load]]
at = "500ms"
for = "8s"
arrivals = { rate = "8/s" }

[[fault]]
do = "clock-skew"
at = "1s"
for = "5s"
target = "n1"
behind = "40s"

[[fault]]
do = "kill"
at = "2s"
target = "n1"
restart_after = "500ms"

[[fault]]
do = "clock-drift"
at = "1s"
for = "4s"
target = "n2"
ppm = 20000

[[fault]]
do = "clock-jump"
at = "3s"
for = "3s"
target = "n3"
back = "10s"

[[fault]]
do = "clock-stop"
at = "4s"
for = "4s"
target = "n4"
step = "5s"
"#;

#[test]
fn nodes_die_at_the_points_of_their_work_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("scenario.toml"), folder.path().join("out"));
    fs::write(&file, POINTS).unwrap();
    let arguments = ["run", path(&file), "--out", path(&out), "--namespaces", "never"];
    let (said, noted, code) = outcome(&mut testbed(&arguments));
    assert_eq!(code, 0, "{said}{noted}");
    let mut phases: BTreeMap<u64, Vec<Phase>> = BTreeMap::new();
    let (mut deaths, mut gauges) = (Vec::new(), 0);
    for observed in read(&out.join("observations.jsonl")).unwrap() {
        match observed.record {
            Record::Fault(fault) => phases.entry(fault.number).or_default().push(fault.phase),
            Record::Node(event) if event.event == Befell::Killed => {
                deaths.push((event.node.to_string(), event.text.to_string()));
            }
            Record::Gauge(_) => gauges += 1,
            _ => {}
        }
    }
    let died = |node: &str, point: &str| (node.to_owned(), format!("it died {point}"));
    deaths.sort();
    assert_eq!(
        deaths,
        [
            died("n1", "before insert-block"),
            died("n2", "after insert-vote"),
            died("n3", "after respond")
        ]
    );
    use Phase::{Applied, Healed, Planned, Verified};
    let whole = vec![Planned, Applied, Verified, Healed];
    // Nobody has harmed anything, so nobody puts it back.
    let expected = [whole.clone(), whole.clone(), whole, vec![Planned, Healed]];
    assert_eq!(phases.into_values().collect::<Vec<_>>(), expected);
    assert!(gauges >= 10, "nodes say how full they are: {gauges}");
    let (said, noted, code) = outcome(&mut testbed(&["replay", path(&out)]));
    assert_eq!(code, 0, "nodes do once more what they did: {said}{noted}");
}

#[test]
fn nodes_live_by_wrong_clocks() {
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), CLOCKS, &["--namespaces", "never"], 5);
}
