//! Dashboards as files: what the code says, in order, and with every metric on some panel.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use bigchaindb::metrics::table::table;
use bigchaindb_monitoring::dashboards::{self, Provisioned, SOURCE};
use bigchaindb_monitoring::federation::Whole;
use serde_json::Value;

/// Set to anything, tests write what they would compare.
const UPDATE: &str = "GRAFANA_UPDATE";

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana")
}

/// The pages, not the alerts.
pub(crate) fn pages() -> Vec<Provisioned> {
    let is_page = |file: &Provisioned| file.path.starts_with("dashboards/");
    let pages: Vec<_> = dashboards::all().into_iter().filter(is_page).collect();
    assert!(pages.len() >= 3);
    pages
}

/// All panels of a page that are no headlines, those in folded rows too.
pub(crate) fn panels(page: &Value) -> Vec<&Value> {
    let (mut panels, mut waiting) = (Vec::new(), vec![&page["panels"]]);
    while let Some(list) = waiting.pop() {
        for panel in list.as_array().unwrap() {
            if panel["type"] == "row" {
                waiting.push(&panel["panels"]);
            } else {
                panels.push(panel);
            }
        }
    }
    panels
}

/// What a panel asks InfluxDB, beside what Grafana works out of it.
fn targets(panel: &Value) -> Vec<&Value> {
    let is_asked = |target: &&Value| target["datasource"]["uid"] != "__expr__";
    panel["targets"].as_array().unwrap().iter().filter(is_asked).collect()
}

/// A panel's questions.
pub(crate) fn queries(panel: &Value) -> impl Iterator<Item = &str> {
    targets(panel).into_iter().map(|target| target["query"].as_str().unwrap())
}

#[test]
fn files_are_what_the_code_says() {
    let mut known = BTreeSet::new();
    for file in dashboards::all() {
        let path = folder().join(&file.path);
        if env::var_os(UPDATE).is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, file.text()).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == file.text(),
            "{} is not what the code makes: `{UPDATE}=1 cargo test -p bigchaindb-monitoring` \
             writes it, `git diff` shows what is new",
            path.display()
        );
        known.insert(path);
    }
    for file in fs::read_dir(folder().join("dashboards")).unwrap() {
        let path = file.unwrap().path();
        assert!(known.contains(&path), "nothing makes {} any more", path.display());
    }
}

#[test]
fn panels_have_ids_and_places_of_their_own() {
    let mut uids = BTreeSet::new();
    for Provisioned { path, json: page } in pages() {
        assert!(uids.insert(page["uid"].as_str().unwrap().to_owned()), "{path}");
        let top = page["panels"].as_array().unwrap();
        let mut ids = BTreeSet::new();
        for panel in panels(&page).into_iter().chain(top.iter().filter(|row| row["type"] == "row"))
        {
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{path}: {panel}");
        }
        let folded = top.iter().filter_map(|row| row["panels"].as_array()).map(Vec::as_slice);
        for beside in folded.chain([top.as_slice()]) {
            let places: Vec<_> = beside.iter().map(place).collect();
            for (index, one) in places.iter().enumerate() {
                let [x, y, w, h] = *one;
                assert!(w > 0 && h > 0 && x + w <= 24, "{path}: {}", beside[index]);
                for [x2, y2, w2, h2] in &places[index + 1..] {
                    let apart = x + w <= *x2 || x2 + w2 <= x || y + h <= *y2 || y2 + h2 <= y;
                    assert!(apart, "{path}: another panel overlaps {}", beside[index]);
                }
            }
        }
    }
}

fn place(panel: &Value) -> [u64; 4] {
    ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap())
}

#[test]
fn every_panel_asks_the_one_data_source_and_names_its_series() {
    for Provisioned { path, json: page } in pages() {
        for panel in panels(&page) {
            let title = &panel["title"];
            let targets = targets(panel);
            assert!(!targets.is_empty(), "{path}: {title} asks nothing");
            assert_eq!(panel["datasource"]["uid"], SOURCE);
            let mut called = BTreeSet::new();
            for target in targets {
                assert_eq!(target["datasource"]["uid"], SOURCE);
                let alias = target["alias"].as_str().unwrap();
                let is_named = !alias.is_empty() || target["resultFormat"] == "table";
                assert!(is_named && called.insert(alias), "{path}: {title}: {target}");
            }
        }
    }
}

#[test]
fn every_metric_is_on_a_panel() {
    let mut asked = BTreeSet::new();
    for page in pages() {
        for panel in panels(&page.json) {
            asked.extend(queries(panel).map(str::to_owned));
        }
    }
    let is_asked =
        |words: &[String]| asked.iter().any(|query| words.iter().all(|w| query.contains(w)));
    for whole in Whole::ALL {
        let words = [
            format!("\"bigchaindb_{}\"", whole.name().replace('.', "_")),
            "= 'federation'".to_owned(),
        ];
        assert!(is_asked(&words), "no panel shows {}", whole.name());
    }
    for metric in table() {
        // What templates make of it, said once more by hand.
        let measurement = match metric.name.split_once('.') {
            Some((area @ ("http" | "queue"), _)) => format!("bigchaindb_{area}"),
            Some(("store", rest)) if rest.starts_with('<') => "bigchaindb_store".to_owned(),
            Some(("process", field)) => {
                let words = ["\"bigchaindb_process\"".to_owned(), format!("\"{field}\"")];
                assert!(is_asked(&words), "no panel shows {}", metric.name);
                continue;
            }
            _ => format!("bigchaindb_{}", metric.name.replace('.', "_")),
        };
        assert!(is_asked(&[format!("\"{measurement}\"")]), "no panel shows {}", metric.name);
        if let Some(original) = metric.original {
            assert!(is_asked(&[format!("\"{original}\"")]), "no panel shows {original}");
        }
    }
}
