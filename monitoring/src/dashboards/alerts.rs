//! When somebody should be woken: rules for Grafana's alerting.
//!
//! A rule asks InfluxDB, makes one number of each series, and compares. Grafana takes `$` in these files
//! for variables of the environment, so each is written twice.
//!
//! Source: Grafana documentation, "Use configuration files to provision alerting resources".

use bigchaindb::metrics::table::{Counter, Gauge, Timer};
use serde_json::{Value, json};

use super::panel::source;
use super::query::{Query, ask};

/// A rule.
struct Rule {
    uid: &'static str,
    title: &'static str,
    summary: &'static str,
    /// What is asked, over how long, and what of each series counts.
    asks: Vec<(&'static str, Query, u32, Reduced)>,
    /// True if something is wrong.
    wrong_if: &'static str,
    /// For how long it has to be wrong.
    lasting: &'static str,
    /// What it means if there is nothing.
    without_data: &'static str,
}

/// What of a series counts.
#[derive(Clone, Copy)]
enum Reduced {
    Last,
    Least,
}

pub(super) fn rules() -> Value {
    let rules: Vec<Value> = all().iter().map(Rule::json).collect();
    json!({
        "apiVersion": 1,
        "groups": [{
            "orgId": 1,
            "name": "bigchaindb",
            "folder": "BigchainDB",
            "interval": "10s",
            "rules": rules,
        }],
    })
}

fn all() -> Vec<Rule> {
    // Every decision is timed, whichever it is. An hour, so that there is something to be silent after.
    let decisions = ask(Timer::BlockDecision).of_all();
    let decisions = decisions.every("moving_average(sum(\"count\"), 6)", "10s", "fill(0)");
    let undecided = ask(Gauge::BlockUndecided).of_all().every("max({})", "10s", "fill(none)");
    let heard = ask(Gauge::ProcessUptime).of_all().by_node();
    let heard = heard.every("moving_average(count({}), 3)", "10s", "fill(0)");
    let grown = ask(Gauge::BacklogMine).of_all();
    let grown = grown.sum_of_levels_every("difference(sum(\"level\"))", "1m");
    let invalid = ask(Counter::BlockInvalid).of_all().highest_total();
    vec![
        Rule {
            uid: "bigchaindb-no-decision",
            title: "No decision for a minute",
            summary: "Blocks wait for a decision, and no node has come to one for a minute.",
            asks: vec![
                ("decisions", decisions, 3_600, Reduced::Last),
                ("undecided", undecided, 60, Reduced::Least),
            ],
            wrong_if: "$decisions == 0 && $undecided > 0",
            lasting: "0s",
            without_data: "KeepLast",
        },
        Rule {
            uid: "bigchaindb-node-silent",
            title: "A node is silent",
            summary: "{{ $labels.node }} has sent no metrics for 30 s, and did so within the hour.",
            asks: vec![("heard", heard, 3_600, Reduced::Last)],
            wrong_if: "$heard == 0",
            lasting: "0s",
            without_data: "OK",
        },
        Rule {
            uid: "bigchaindb-backlog-growing",
            title: "The backlog grows",
            summary: "More transactions wait than a minute before, for five minutes in a row.",
            asks: vec![("grown", grown, 360, Reduced::Least)],
            wrong_if: "$grown > 0",
            lasting: "1m",
            without_data: "OK",
        },
        Rule {
            uid: "bigchaindb-invalid-blocks",
            title: "Invalid blocks",
            summary: "Blocks were decided invalid in the last five minutes.",
            asks: vec![("invalid", invalid, 300, Reduced::Last)],
            wrong_if: "$invalid > 0",
            lasting: "0s",
            without_data: "OK",
        },
    ]
}

impl Rule {
    fn json(&self) -> Value {
        let mut data = Vec::new();
        for (name, query, seconds, reduced) in &self.asks {
            let series = format!("{name}_series");
            data.push(json!({
                "refId": series,
                "datasourceUid": super::SOURCE,
                "relativeTimeRange": { "from": seconds, "to": 0 },
                "model": {
                    "refId": series,
                    "datasource": source(),
                    "rawQuery": true,
                    "query": literal(&query.text),
                    "alias": "",
                    "resultFormat": "time_series",
                    "intervalMs": 1_000,
                    "maxDataPoints": 43_200,
                },
            }));
            let reducer = match reduced {
                Reduced::Last => "last",
                Reduced::Least => "min",
            };
            let settings = json!({ "mode": "dropNN" });
            data.push(expression(name, "reduce", &series, |model| {
                model["reducer"] = json!(reducer);
                model["settings"] = settings;
            }));
        }
        data.push(expression("wrong", "math", &literal(self.wrong_if), |_| {}));
        json!({
            "uid": self.uid,
            "title": self.title,
            "condition": "wrong",
            "data": data,
            "for": self.lasting,
            "noDataState": self.without_data,
            "execErrState": "Error",
            "annotations": { "summary": literal(self.summary) },
            "labels": { "system": "bigchaindb" },
        })
    }
}

/// Something that Grafana works out by itself.
fn expression(name: &str, kind: &str, expression: &str, more: impl FnOnce(&mut Value)) -> Value {
    let mut model = json!({
        "refId": name,
        "type": kind,
        "datasource": { "type": "__expr__", "uid": "__expr__" },
        "expression": expression,
    });
    more(&mut model);
    json!({ "refId": name, "datasourceUid": "__expr__", "model": model })
}

/// A text in which no dollar is a variable of the environment.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}
