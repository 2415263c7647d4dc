//! Telegraf's configuration: every option is one that it knows, and those that matter are as they have to be.

use toml_edit::{DocumentMut, Item, Table};

/// The options of Telegraf 1.39 for each plugin that is used.
///
/// Source: Telegraf 1.39 documentation, "Configuration", "StatsD", "InfluxDB v1.x", "Docker Secret Store".
const KNOWN: [(&str, &str); 5] = [
    (
        "agent",
        "interval round_interval metric_batch_size metric_buffer_limit collection_jitter \
         collection_offset flush_interval flush_jitter precision debug quiet logtarget logfile \
         hostname omit_hostname skip_processors_after_aggregators",
    ),
    (
        "inputs.statsd",
        "protocol service_address max_tcp_connections tcp_keep_alive tcp_keep_alive_period \
         enable_aggregation_temporality delete_gauges delete_counters delete_sets delete_timings \
         percentiles percentile_limit metric_separator datadog_extensions datadog_distributions \
         datadog_keep_container_tag allowed_pending_messages number_workers_threads \
         read_buffer_size max_ttl sanitize_name_method convert_names float_counters \
         float_timings float_sets templates",
    ),
    ("inputs.internal", "collect_memstats collect_gostats"),
    (
        "outputs.influxdb",
        "urls database database_tag exclude_database_tag skip_database_creation retention_policy \
         retention_policy_tag write_consistency timeout username password user_agent udp_payload \
         tls_ca tls_cert tls_key insecure_skip_verify http_proxy http_headers content_encoding \
         influx_uint_support influx_omit_timestamp",
    ),
    ("secretstores.docker", "id path dynamic"),
];

/// Every plugin's table, with its name.
fn plugins(document: &DocumentMut) -> Vec<(String, &Table)> {
    let mut plugins = Vec::new();
    for (kind, item) in document.iter() {
        let table = item.as_table().unwrap_or_else(|| panic!("`{kind}` stands outside of a table"));
        if kind == "agent" {
            plugins.push((kind.to_owned(), table));
            continue;
        }
        for (plugin, item) in table.iter() {
            let tables = item.as_array_of_tables().expect("plugins stand in double brackets");
            plugins.extend(tables.iter().map(|table| (format!("{kind}.{plugin}"), table)));
        }
    }
    plugins
}

/// What Telegraf would not know.
fn unknown(telegraf: &str) -> Vec<String> {
    let document: DocumentMut = telegraf.parse().unwrap();
    let mut unknown = Vec::new();
    for (plugin, table) in plugins(&document) {
        let Some((_, known)) = KNOWN.iter().find(|(known, _)| *known == plugin) else {
            unknown.push(plugin);
            continue;
        };
        let strange = |option: &&str| !known.split(' ').any(|known| known == *option);
        let strange = table.iter().map(|(option, _)| option).filter(strange);
        unknown.extend(strange.map(|option| format!("{plugin}.{option}")));
    }
    unknown
}

const OURS: &str = include_str!("../../telegraf.conf");

#[test]
fn every_option_is_known() {
    assert_eq!(unknown(OURS), [""; 0]);
    // Gone since 1.35.
    let old = OURS.replace("metric_separator", "parse_data_dog_tags");
    assert_eq!(unknown(&old), ["inputs.statsd.parse_data_dog_tags"]);
    assert_eq!(unknown("[[inputs.cpu]]"), ["inputs.cpu"]);
}

#[test]
fn what_the_relay_does_is_what_is_set() {
    let document: DocumentMut = OURS.parse().unwrap();
    let plugins = plugins(&document);
    let option = |plugin: &str, option: &str| -> String {
        let (_, table) = plugins.iter().find(|(name, _)| name == plugin).unwrap();
        let item: &Item = table.get(option).unwrap_or_else(|| panic!("no {plugin}.{option}"));
        text(item)
    };
    for (plugin, name, value) in [
        ("agent", "interval", "1s"),
        ("agent", "flush_interval", "1s"),
        ("agent", "round_interval", "true"),
        ("agent", "omit_hostname", "true"),
        ("inputs.statsd", "delete_gauges", "true"),
        ("inputs.statsd", "delete_counters", "true"),
        ("inputs.statsd", "delete_timings", "true"),
        ("inputs.statsd", "percentiles", "[50.0, 90.0, 99.0]"),
        ("inputs.statsd", "percentile_limit", "5000"),
        ("inputs.statsd", "metric_separator", "_"),
        ("inputs.statsd", "datadog_extensions", "true"),
        ("outputs.influxdb", "database", "telegraf"),
        ("outputs.influxdb", "skip_database_creation", "true"),
        ("outputs.influxdb", "password", "@{secrets:influxdb_password}"),
        ("secretstores.docker", "id", "secrets"),
    ] {
        assert_eq!(option(plugin, name), value, "{plugin}.{name}");
    }
}

/// A value, as it stands there.
fn text(item: &Item) -> String {
    let array = |array: &toml_edit::Array| {
        let numbers: Vec<_> = array.iter().map(|value| value.as_float().unwrap()).collect();
        format!("{numbers:?}")
    };
    let text = item.as_str().map(str::to_owned);
    let text = text.or_else(|| item.as_bool().map(|value| value.to_string()));
    let text = text.or_else(|| item.as_integer().map(|value| value.to_string()));
    text.or_else(|| item.as_array().map(array)).unwrap()
}
