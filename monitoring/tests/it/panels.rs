//! What a real InfluxDB answers to each question of each page, asked as Grafana asks.

use bigchaindb_monitoring::dashboards::Provisioned;
use serde_json::json;

use crate::answers::Series;
use crate::dashboards::{pages, panels, queries};
use crate::influxdb::Server;
use crate::seed::{END_S, RUN, all_is_sent, seed};

/// What Grafana puts in the place of variables.
struct Shown {
    /// All nodes, one of them, some of them.
    node: &'static str,
    /// The time that is shown, up to the end.
    range_s: u64,
    interval_s: u64,
}

const SHOWN: [Shown; 4] = [
    Shown { node: ".*", range_s: 300, interval_s: 1 },
    Shown { node: "n1", range_s: 300, interval_s: 1 },
    Shown { node: "(n0|n1)", range_s: 600, interval_s: 10 },
    Shown { node: ".*", range_s: 21_600, interval_s: 60 },
];

impl Shown {
    /// Source: Grafana, `pkg/tsdb/influxdb/models` (`renderTimeFilter`), and its documentation, "Variables".
    fn put_into(&self, query: &str) -> String {
        let (from, to) = ((END_S - self.range_s) * 1_000, END_S * 1_000);
        let filter = format!("time >= {from}ms and time <= {to}ms");
        let text = query
            .replace("$timeFilter", &filter)
            .replace("$__interval_ms", &(self.interval_s * 1_000).to_string())
            .replace("$__interval", &format!("{}s", self.interval_s))
            .replace("$node", self.node)
            .replace("$run", RUN);
        assert!(!text.contains("/ 0") && !text.contains(" $"), "{text}");
        text
    }
}

fn answer(server: &Server, query: &str) -> Vec<Series> {
    let series = server.series(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let has_any = series.iter().any(|series| series.values().iter().any(|value| !value.is_null()));
    assert!(has_any, "nothing for {query}");
    series
}

#[test]
fn every_panel_has_something_to_show() {
    let Some(server) = Server::start() else { return };
    seed(&server, &["n0", "n1"], all_is_sent);
    for Provisioned { path, json: page } in pages() {
        let mut asked = 0;
        for shown in &SHOWN {
            for panel in panels(&page) {
                for query in queries(panel) {
                    let query = shown.put_into(query);
                    let series = answer(&server, &query);
                    let alone = shown.node == "n1" && query.contains("=~ /^n1$/");
                    let is_other =
                        |series: &Series| series.tags.get("node").is_some_and(|n| n != "n1");
                    assert!(!alone || !series.iter().any(is_other), "others than n1 for {query}");
                    asked += 1;
                }
            }
            for faults in page["annotations"]["list"].as_array().unwrap() {
                answer(&server, &shown.put_into(faults["target"]["query"].as_str().unwrap()));
            }
        }
        assert!(asked > 40, "{path} asks {asked} questions");
    }
}

#[test]
fn variables_are_the_nodes_and_the_runs() {
    let Some(server) = Server::start() else { return };
    seed(&server, &["n0", "n1"], all_is_sent);
    for page in pages() {
        let mut names = Vec::new();
        for variable in page.json["templating"]["list"].as_array().unwrap() {
            let series = answer(&server, variable["query"]["query"].as_str().unwrap());
            let values = series[0].values();
            let expected = match variable["name"].as_str().unwrap() {
                "node" => vec!["node", "n0", "node", "n1"],
                _ => vec!["run", RUN],
            };
            assert_eq!(values, expected, "the federation is no node");
            names.push(variable["name"].clone());
        }
        assert_eq!(names, ["node", "run"]);
    }
}

#[test]
fn a_fault_is_a_region() {
    let Some(server) = Server::start() else { return };
    seed(&server, &["n0"], all_is_sent);
    let page = &pages()[0].json;
    let target = &page["annotations"]["list"][0]["target"];
    let series = answer(&server, &SHOWN[0].put_into(target["query"].as_str().unwrap()));
    let expected = [json!("n1 alone"), json!("partition"), json!((END_S - 140) * 1_000)];
    assert_eq!(series[0].values(), expected.iter().collect::<Vec<_>>());
    for (column, name) in
        [("textColumn", "text"), ("tagsColumn", "kind"), ("timeEndColumn", "end_time")]
    {
        assert_eq!(target[column], name);
    }
}

/// Figures that can be worked out by hand: each of two nodes sends 20 of most counters every 10 s, but puts 35
/// transactions into 5 blocks; a gauge is 7, a timing 3, and a second of uptime costs a millisecond.
#[test]
fn figures_are_what_was_sent() {
    let Some(server) = Server::start() else { return };
    seed(&server, &["n0", "n1"], all_is_sent);
    let page = &pages()[0].json;
    let panels = panels(page);
    for (title, query, figure) in [
        ("Committed", 0, 2.0),
        ("Commit latency", 1, 20.0),
        ("Undecided blocks", 0, 20.0),
        ("Invalid blocks", 0, 620.0),
        ("Backlog", 0, 7.0),
        ("Nodes", 0, 2.0),
        ("Nodes", 1, 2.0),
        ("In blocks", 0, 3.5),
        ("Transactions per block", 0, 35.0),
        ("Transactions per block", 1, 5.0),
        ("Processor", 0, 1.0),
        ("Validation time, tx", 0, 3.0),
        ("Validation rate, tx", 0, 0.1),
        ("Requests", 0, 1.0),
    ] {
        let panel = panels.iter().find(|panel| panel["title"] == title).unwrap();
        let query = queries(panel).nth(query).unwrap();
        let query = Shown { node: ".*", range_s: 310, interval_s: 10 }.put_into(query);
        let series = answer(&server, &query);
        let numbers = series[0].numbers();
        // The middle: first and last stretches may be short.
        assert_eq!(numbers[numbers.len() / 2], figure, "{title}: {query}");
    }
}
