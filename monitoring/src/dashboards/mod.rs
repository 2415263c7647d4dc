//! Grafana's pages as code: a list of panels for each, and the metrics that they ask for.
//!
//! A panel names metrics by the enums of the node's table (`query`), never by what they are called in
//! InfluxDB, so a metric that is renamed is another query, and one that is gone does not compile. What a
//! panel is to Grafana is in `panel`, a page's frame is here. The pages: `federation`, `node`, `run`; the
//! alerts: `alerts`. What comes of them is kept under `grafana/`, where Grafana reads it; a test compares.
//!
//! Source: BigchainDB 0.6 docs, "Monitoring"; Grafana documentation, "Dashboard JSON model" (the classic one).

mod alerts;
mod federation;
mod node;
mod original;
mod panel;
mod query;
mod run;

use bigchaindb::metrics::table::Gauge;
use serde_json::{Value, json};

use crate::runs::{END, FAULTS, KIND, RUN, RUNS, TEXT};
pub(crate) use query::Asked;

use panel::{Row, lay_out, source};

/// The id by which everything names the data source.
pub const SOURCE: &str = "bigchaindb-influxdb";

/// The gauges of how many wait where.
const QUEUES: [Gauge; 5] =
    [Gauge::QueueApi, Gauge::QueueBlock, Gauge::QueueVote, Gauge::QueueElection, Gauge::QueueStale];

/// Classic JSON of Grafana 12 and 13, as of this version.
const SCHEMA: u32 = 42;

/// A page, before it is JSON.
struct Page {
    /// Names it in addresses, for ever.
    uid: &'static str,
    title: &'static str,
    about: &'static str,
    /// Whether it shows one run, or whatever there is.
    of_a_run: bool,
    rows: Vec<Row>,
}

/// A file for Grafana.
#[derive(Clone, PartialEq, Debug)]
pub struct Provisioned {
    /// Where it is, under `grafana/`.
    pub path: String,
    /// What it holds.
    pub json: Value,
}

impl Provisioned {
    /// As it stands in the file.
    pub fn text(&self) -> String {
        format!("{:#}\n", self.json)
    }
}

/// All files that are made from code: the pages, and the alerts.
pub fn all() -> Vec<Provisioned> {
    let pages = [federation::page(), node::page(), run::page()];
    let page = |page: &Page| Provisioned {
        path: format!("dashboards/{}.json", page.uid),
        json: page.json(),
    };
    let mut files: Vec<_> = pages.iter().map(page).collect();
    let path = "provisioning/alerting/rules.json".to_owned();
    files.push(Provisioned { path, json: alerts::rules() });
    files
}

impl Page {
    fn json(&self) -> Value {
        json!({
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": ["bigchaindb"],
            "schemaVersion": SCHEMA,
            "version": 1,
            "editable": false,
            // One crosshair over all panels.
            "graphTooltip": 1,
            "refresh": "5s",
            "time": { "from": "now-5m", "to": "now" },
            "timezone": "browser",
            "annotations": { "list": [faults()] },
            "templating": { "list": [chosen_nodes(), chosen_run(self.of_a_run)] },
            "links": [others()],
            "panels": lay_out(&self.rows),
        })
    }
}

/// Faults as regions on every panel, of the run that is chosen.
fn faults() -> Value {
    let query = format!(
        "SELECT \"{TEXT}\", \"{KIND}\", \"{END}\" FROM \"{FAULTS}\" \
         WHERE (\"{RUN}\" =~ /^$run$/) AND $timeFilter"
    );
    json!({
        "name": "Faults",
        "enable": true,
        "hide": false,
        "iconColor": "red",
        "datasource": source(),
        "target": {
            "refId": "Faults",
            "fromAnnotations": true,
            "query": query,
            "textColumn": TEXT,
            "tagsColumn": KIND,
            "timeEndColumn": END,
        },
    })
}

fn chosen_nodes() -> Value {
    variable("node", &query::nodes(), true)
}

fn chosen_run(is_one: bool) -> Value {
    let runs = format!("SHOW TAG VALUES FROM \"{RUNS}\" WITH KEY = \"{RUN}\"");
    variable("run", &runs, !is_one)
}

fn variable(name: &str, query: &str, of_all: bool) -> Value {
    let mut variable = json!({
        "name": name,
        "type": "query",
        "datasource": source(),
        "query": { "query": query, "refId": name },
        // Asked again when the time changes.
        "refresh": 2,
        // By their names, with numbers as numbers.
        "sort": 7,
        "multi": of_all,
        "includeAll": of_all,
        "hide": 0,
    });
    if of_all {
        // Whoever comes later is among them.
        variable["allValue"] = json!(".*");
        variable["current"] = json!({ "text": ["All"], "value": ["$__all"], "selected": true });
    }
    variable
}

/// The way to the other pages, at the same time.
fn others() -> Value {
    json!({
        "type": "dashboards",
        "title": "BigchainDB",
        "tags": ["bigchaindb"],
        "icon": "external link",
        "tooltip": "",
        "asDropdown": false,
        "includeVars": true,
        "keepTime": true,
        "targetBlank": false,
    })
}
