//! The file that starts everything: every key is known, images are pinned, nothing is open that need not be.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use crate::without::without;

/// Source: Compose Specification, as far as it is used here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compose {
    name: String,
    services: BTreeMap<String, Service>,
    volumes: BTreeMap<String, ()>,
    secrets: BTreeMap<String, Secret>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    image: String,
    restart: String,
    #[serde(default)]
    entrypoint: Vec<String>,
    environment: BTreeMap<String, String>,
    secrets: Vec<String>,
    ports: Vec<String>,
    volumes: Vec<String>,
    #[serde(default)]
    depends_on: BTreeMap<String, DependsOn>,
    healthcheck: Healthcheck,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DependsOn {
    condition: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Healthcheck {
    test: [String; 2],
    interval: String,
    timeout: String,
    retries: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    file: String,
}

fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn compose() -> Compose {
    let text = fs::read_to_string(folder().join("compose.yaml")).unwrap();
    serde_norway::from_str(&text).unwrap_or_else(|error| panic!("compose.yaml: {error}"))
}

/// What stands for `${NAME:-default}` if nobody sets the name.
fn by_default(text: &str) -> String {
    let Some((before, rest)) = text.split_once("${") else { return text.to_owned() };
    let (variable, after) = rest.split_once('}').unwrap();
    let (_, default) = variable.split_once(":-").expect("every variable has a default");
    format!("{before}{default}{}", by_default(after))
}

#[test]
fn images_are_pinned_and_can_be_others() {
    let compose = compose();
    assert_eq!(compose.name, "bigchaindb-monitoring");
    for (name, service) in &compose.services {
        let variable = format!("${{{}_IMAGE:-", name.to_uppercase());
        assert!(service.image.starts_with(&variable), "{}", service.image);
        let image = by_default(&service.image);
        let tag = image.rsplit_once(':').unwrap().1;
        let version = tag.split('-').next().unwrap();
        let numbers: Vec<_> = version.split('.').collect();
        let is_pinned = numbers.len() == 3 && numbers.iter().all(|n| n.parse::<u32>().is_ok());
        assert!(is_pinned, "{image} is whatever it is today");
        assert_eq!(service.restart, "unless-stopped");
    }
    assert_eq!(compose.services.len(), 3);
}

#[test]
fn nothing_is_open_that_need_not_be() {
    for (name, service) in &compose().services {
        for port in &service.ports {
            assert!(by_default(port).starts_with("127.0.0.1:"), "{name}: {port}");
            // Nodes on other machines send to it; nothing else is for them.
            let can_be_opened = port.starts_with("${");
            assert_eq!(can_be_opened, name == "telegraf", "{name}: {port}");
        }
        for (variable, value) in &service.environment {
            let is_secret = variable.contains("PASSWORD");
            assert!(!is_secret || value.starts_with("/run/secrets/"), "{name}: {variable}={value}");
        }
    }
}

#[test]
fn what_is_referred_to_is_there() {
    let compose = compose();
    for (name, service) in &compose.services {
        assert!(
            service.secrets.iter().all(|secret| compose.secrets.contains_key(secret)),
            "{name}"
        );
        for volume in &service.volumes {
            let volume = by_default(volume);
            let from = volume.split(':').next().unwrap();
            if from.starts_with("./") {
                assert!(folder().join(from).exists(), "{name}: there is no {from}");
                assert!(volume.ends_with(":ro"), "{name}: {volume}");
            } else {
                assert!(compose.volumes.contains_key(from), "{name}: {volume}");
            }
        }
        for (other, depends) in &service.depends_on {
            assert!(compose.services.contains_key(other), "{name}: {other}");
            assert_eq!(depends.condition, "service_healthy");
        }
        let Healthcheck { test, interval, timeout, retries } = &service.healthcheck;
        assert_eq!(test[0], "CMD-SHELL");
        assert!(!test[1].is_empty() && interval == "2s" && timeout == "5s" && *retries >= 10);
        let texts = service.entrypoint.iter().chain([&test[1]]);
        for path in texts.flat_map(|text| text.split(['"', ')', ' '])) {
            let Some(secret) = path.strip_prefix("/run/secrets/") else { continue };
            assert!(service.secrets.iter().any(|given| given == secret), "{name}: {path}");
        }
    }
    for (name, secret) in &compose.secrets {
        assert_eq!(by_default(&secret.file), format!("./secrets/{name}"));
    }
}

/// Whether tests of the program itself are to be left out.
fn without_compose() -> bool {
    let version = Command::new("docker").args(["compose", "version"]).output();
    let is_there = version.is_ok_and(|done| done.status.success());
    without("compose", (!is_there).then(|| "there is no Compose 2".to_owned()))
}

/// By the program itself, if it is there.
#[test]
fn compose_itself_takes_the_file() {
    if without_compose() {
        return;
    }
    let config = |variables: &[(&str, &str)]| {
        let mut command = Command::new("docker");
        command.args(["compose", "--file"]).arg(folder().join("compose.yaml"));
        command.args(["config", "--format", "json"]).envs(variables.iter().copied());
        let done = command.output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success() && said.is_empty(), "{said}");
        serde_json::from_slice::<serde_json::Value>(&done.stdout).unwrap()
    };
    let given = config(&[]);
    let influxdb = &given["services"]["influxdb"];
    assert_eq!(influxdb["image"], "influxdb:1.12.4-alpine");
    assert_eq!(influxdb["volumes"][0]["type"], "volume");
    let other = config(&[
        ("INFLUXDB_IMAGE", "influxdb:other"),
        ("INFLUXDB_DATA", "/srv/influxdb"),
        ("STATSD_ADDRESS", "10.0.0.1"),
    ]);
    let influxdb = &other["services"]["influxdb"];
    assert_eq!(influxdb["image"], "influxdb:other");
    assert_eq!(influxdb["volumes"][0]["source"], "/srv/influxdb");
    assert_eq!(other["services"]["telegraf"]["ports"][0]["host_ip"], "10.0.0.1");
}
