//! What Grafana is given at its start: every key is known, and all of it names the same data source.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bigchaindb_monitoring::dashboards::SOURCE;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Source: Grafana documentation, "Provision Grafana", as far as it is used here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Datasources {
    api_version: u32,
    datasources: [Datasource; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Datasource {
    name: String,
    uid: String,
    r#type: String,
    access: String,
    url: String,
    user: String,
    is_default: bool,
    editable: bool,
    json_data: JsonData,
    secure_json_data: SecureJsonData,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JsonData {
    db_name: String,
    http_mode: String,
    time_interval: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecureJsonData {
    password: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Dashboards {
    api_version: u32,
    providers: [Provider; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Provider {
    name: String,
    r#type: String,
    folder: String,
    allow_ui_updates: bool,
    disable_deletion: bool,
    update_interval_seconds: u32,
    options: Options,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Alerting {
    api_version: u32,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Group {
    org_id: u32,
    name: String,
    folder: String,
    interval: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rule {
    uid: String,
    title: String,
    condition: String,
    data: Vec<Step>,
    r#for: String,
    no_data_state: NoData,
    exec_err_state: String,
    annotations: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Step {
    ref_id: String,
    datasource_uid: String,
    relative_time_range: Option<Range>,
    model: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    from: u32,
    to: u32,
}

#[derive(Deserialize, PartialEq, Debug)]
enum NoData {
    #[serde(rename = "OK")]
    Ok,
    KeepLast,
}

fn read<T: DeserializeOwned>(path: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana/provisioning").join(path);
    let text = fs::read_to_string(&path).unwrap();
    serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_data_source_is_the_one_that_pages_name() {
    let Datasources { api_version, datasources: [source] } = read("datasources/influxdb.yaml");
    assert_eq!((api_version, source.uid.as_str(), source.name.as_str()), (1, SOURCE, "BigchainDB"));
    assert_eq!((source.r#type.as_str(), source.access.as_str()), ("influxdb", "proxy"));
    assert_eq!((source.url.as_str(), source.user.as_str()), ("$INFLUXDB_URL", "$INFLUXDB_USER"));
    assert!(source.is_default && !source.editable);
    assert_eq!(source.json_data.http_mode, "POST");
    assert_eq!(source.json_data.time_interval, "1s");
    assert_eq!(source.secure_json_data.password, "$__file{/run/secrets/influxdb_password}");
    let telegraf = include_str!("../../telegraf.conf");
    let database = source.json_data.db_name;
    assert!(telegraf.contains(&format!("database = \"{database}\"")), "Telegraf writes elsewhere");
    let made = include_str!("../../influxdb/telegraf.iql");
    assert!(made.contains(&format!("CREATE DATABASE \"{database}\" WITH DURATION 30d")), "{made}");
}

#[test]
fn pages_are_where_compose_puts_them() {
    let Dashboards { api_version, providers: [provider] } = read("dashboards/bigchaindb.yaml");
    assert_eq!((api_version, provider.r#type.as_str()), (1, "file"));
    assert_eq!((provider.name.as_str(), provider.folder.as_str()), ("bigchaindb", "BigchainDB"));
    assert!(!provider.allow_ui_updates && provider.disable_deletion);
    assert_eq!(provider.update_interval_seconds, 30);
    let compose = include_str!("../../compose.yaml");
    let mount = format!("./grafana/dashboards:{}:ro", provider.options.path);
    assert!(compose.contains(&mount), "{mount}");
    let home = format!("{}/bigchaindb-federation.json", provider.options.path);
    assert!(compose.contains(&home), "{home}");
}

#[test]
fn alerts_are_whole() {
    let Alerting { api_version, groups } = read("alerting/rules.json");
    let [group] = <[Group; 1]>::try_from(groups).ok().unwrap();
    assert_eq!((api_version, group.org_id, group.interval.as_str()), (1, 1, "10s"));
    assert_eq!((group.name.as_str(), group.folder.as_str()), ("bigchaindb", "BigchainDB"));
    assert_eq!(group.rules.len(), 4);
    for rule in group.rules {
        let what = &rule.uid;
        // Grafana takes no longer ones.
        assert!(what.len() <= 40 && !rule.title.is_empty(), "{what}");
        assert!(rule.r#for.ends_with(['s', 'm']) && rule.exec_err_state == "Error", "{what}");
        assert!(matches!(rule.no_data_state, NoData::Ok | NoData::KeepLast), "{what}");
        assert!(rule.annotations.contains_key("summary") && rule.labels["system"] == "bigchaindb");
        let mut known = Vec::new();
        for step in &rule.data {
            assert_eq!(step.model["refId"], step.ref_id.as_str(), "{what}");
            match &step.relative_time_range {
                Some(range) => {
                    assert_eq!(step.datasource_uid, SOURCE, "{what}");
                    assert!(range.from > range.to && range.to == 0, "{what}");
                }
                None => {
                    assert_eq!(step.datasource_uid, "__expr__", "{what}");
                    let asked = step.model["expression"].as_str().unwrap();
                    assert!(known.iter().any(|name| asked.contains(name)), "{what}: {asked}");
                }
            }
            known.push(step.ref_id.as_str());
        }
        assert!(known.contains(&rule.condition.as_str()), "{what}");
        // A single dollar would be a variable of the environment.
        let text = serde_json::to_string(&rule.data.iter().map(|s| &s.model).collect::<Vec<_>>());
        let text = text.unwrap().replace("$$", "");
        assert!(
            !text.contains('$') && !rule.annotations["summary"].replace("$$", "").contains('$')
        );
    }
}
