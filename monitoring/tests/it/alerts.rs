//! Alerts: silent as long as a federation is well, and each of them loud when it is not.

use std::collections::BTreeMap;

use bigchaindb::metrics::table::Metric;
use bigchaindb_monitoring::dashboards;
use serde_json::Value;

use crate::answers::Series;
use crate::influxdb::Server;
use crate::seed::{END_S, LONG_S, Sends, all_is_sent, seed};
use crate::without::without;

/// Which alerts are loud at the end, and for whom, if nodes send this.
fn loud(sends: Sends) -> Vec<String> {
    let Some(server) = Server::start() else { return Vec::new() };
    seed(&server, &["n0", "n1"], sends);
    let files = dashboards::all();
    let alerts = files.iter().find(|file| file.path.contains("alerting")).unwrap();
    let mut loud = Vec::new();
    for rule in alerts.json["groups"][0]["rules"].as_array().unwrap() {
        for whom in wrong(&server, rule) {
            loud.push(format!("{} {whom}", rule["uid"].as_str().unwrap()).trim().to_owned());
        }
    }
    loud
}

/// For whom a rule's condition holds, worked out as Grafana does: a number for each series, which is
/// compared, and joined with others by tags where both have them.
fn wrong(server: &Server, rule: &Value) -> Vec<String> {
    let mut series: BTreeMap<&str, BTreeMap<String, Vec<f64>>> = BTreeMap::new();
    let mut numbers: BTreeMap<&str, BTreeMap<String, f64>> = BTreeMap::new();
    for step in rule["data"].as_array().unwrap() {
        let (name, model) = (step["refId"].as_str().unwrap(), &step["model"]);
        let expression = model["expression"].as_str().unwrap_or_default().replace("$$", "$");
        match model["type"].as_str() {
            None => {
                let from = step["relativeTimeRange"]["from"].as_u64().unwrap();
                let query = model["query"].as_str().unwrap().replace("$$", "$");
                let filter = format!("time >= {}s and time <= {END_S}s", END_S - from);
                let query = query.replace("$timeFilter", &filter);
                assert!(!query.contains(" $"), "{query}");
                let answer = server.series(&query).unwrap_or_else(|e| panic!("{query}: {e}"));
                let of_node = |series: Series| {
                    (series.tags.get("node").cloned().unwrap_or_default(), series.numbers())
                };
                series.insert(name, answer.into_iter().map(of_node).collect());
            }
            Some("reduce") => {
                let reduce = |all: &Vec<f64>| match model["reducer"].as_str().unwrap() {
                    "last" => all.last().copied(),
                    "min" => all.iter().copied().reduce(f64::min),
                    other => panic!("{other}"),
                };
                let reduced = series[expression.as_str()].iter();
                let reduced = reduced.filter_map(|(node, all)| Some((node.clone(), reduce(all)?)));
                numbers.insert(name, reduced.collect());
            }
            Some("math") => {
                assert_eq!(name, rule["condition"]);
                let parts: Vec<_> = expression.split(" && ").collect();
                let nodes = numbers[variable(parts[0]).0].keys();
                let holds = |node: &&String| {
                    parts.iter().all(|part| {
                        let (of, is_more, than) = variable(part);
                        let Some(&number) = numbers[of].get(*node) else { return false };
                        if is_more { number > than } else { number == than }
                    })
                };
                return nodes.filter(holds).cloned().collect();
            }
            Some(other) => panic!("{other}"),
        }
    }
    panic!("{rule} has no condition")
}

/// `$name > 0` or `$name == 0`.
fn variable(part: &str) -> (&str, bool, f64) {
    let [name, comparison, number] =
        <[&str; 3]>::try_from(part.split(' ').collect::<Vec<_>>()).unwrap();
    assert!(matches!(comparison, ">" | "=="), "{part}");
    (name.strip_prefix('$').unwrap(), comparison == ">", number.parse().unwrap())
}

/// The last minutes, in which something is wrong.
fn is_late(second: u64) -> bool {
    second >= LONG_S - 120
}

#[test]
fn a_federation_that_is_well_wakes_nobody() {
    fn well(node: &str, metric: &Metric, second: u64) -> Option<u64> {
        all_is_sent(node, metric, second).filter(|_| metric.name != "block.invalid")
    }
    assert_eq!(loud(well), [""; 0]);
}

#[test]
fn what_is_wrong_wakes_somebody() {
    fn undecided(node: &str, metric: &Metric, second: u64) -> Option<u64> {
        let is_silent = is_late(second) && metric.name == "block.decision_ms";
        all_is_sent(node, metric, second).filter(|_| !is_silent && metric.name != "block.invalid")
    }
    fn silent(node: &str, metric: &Metric, second: u64) -> Option<u64> {
        let is_silent = is_late(second) && node == "n1";
        all_is_sent(node, metric, second).filter(|_| !is_silent && metric.name != "block.invalid")
    }
    fn growing(node: &str, metric: &Metric, second: u64) -> Option<u64> {
        match metric.name {
            "backlog.mine" => Some(100 + second),
            "block.invalid" => None,
            _ => all_is_sent(node, metric, second),
        }
    }
    if without("influxdb", None) {
        return;
    }
    let cases: [(Sends, &str); 4] = [
        (undecided, "bigchaindb-no-decision"),
        (silent, "bigchaindb-node-silent n1"),
        (growing, "bigchaindb-backlog-growing"),
        (all_is_sent, "bigchaindb-invalid-blocks"),
    ];
    for (sends, expected) in cases {
        assert_eq!(loud(sends), [expected]);
    }
}
