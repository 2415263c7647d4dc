//! Configuration: what BigchainDB 0.6.0 made of its sources, and what is refused.

use std::path::Path;
use std::time::Duration;

use bigchaindb::config::{Environment, Loaded, Server, default_path, load};
use bigchaindb_core::model::{Json, Keypair};

use crate::differences::{Differences, vectors};
use crate::outcome;

const FILE: &str = "config.json";

fn environment(of: &[(&str, &str)]) -> Environment {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The configuration of this file's text and these variables.
fn configured(text: Option<&str>, variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    if let Some(text) = text {
        std::fs::write(&path, text).unwrap();
    }
    load(Some(&path), &environment(variables))
        .map_err(|error| error.to_string().replace(path.to_str().unwrap(), "FILE"))
}

/// Under `v0.6.0` there is no other configuration: what is other is listed as of `default`.
#[test]
fn sources_make_what_they_made_of_the_original() {
    let dir = vectors(concat!(env!("CARGO_MANIFEST_DIR"), "/core/vectors"));
    let file = Json::parse(&std::fs::read(dir.join(FILE)).unwrap()).unwrap();
    let mut differences = Differences::read(&dir.join(Differences::FILE));
    let cases = file.get("cases").unwrap().as_array().unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let name = case.get("name").unwrap().as_str().unwrap();
        let variables = case.get("env").unwrap().as_object().unwrap();
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (name, value.as_str().unwrap())).collect();
        let got = match configured(case.get("file_json").unwrap().as_str(), &variables) {
            Ok(loaded) => Json::object([("config", loaded.settings.document().clone())]),
            Err(_) => outcome::expected_error("ValueError", None),
        };
        let expected = ["config", "expected"].map(|name| (name.into(), case.get(name).cloned()));
        let expected = expected.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let difference = outcome::difference(&got, &Json::Object(expected.collect()));
        differences.check(FILE, name, difference).unwrap();
    }
    assert_eq!(differences.unneeded(|file| file == FILE), [""; 0]);
}

#[test]
fn what_cannot_be_a_setting_is_named_with_its_place() {
    let private = Keypair::from_seed([1; 32]).private();
    let pair = format!(r#"{{"keypair":{{"private":"{private}","public":"other"}}}}"#);
    let cases = [
        ("{", "Failed to parse the JSON configuration from `FILE`, "),
        ("[]", "Failed to parse the JSON configuration from `FILE`, it is no JSON object"),
        (r#"{"database":{"port":"x"}}"#, "FILE: database.port: `x` is no whole number"),
        (r#"{"database":{"port":70000}}"#, "database.port: `70000` is no port (0 to 65535)"),
        (r#"{"statsd":{"port":70000}}"#, "statsd.port: `70000` is no port (0 to 65535)"),
        (r#"{"statsd":{"rate":0}}"#, "statsd.rate: `0` is no rate (more than 0, at most 1)"),
        (r#"{"statsd":{"rate":1.5}}"#, "statsd.rate: `1.5` is no rate (more than 0, at most 1)"),
        (r#"{"keyring":["me"]}"#, "keyring: `me` is no public key"),
        (r#"{"keyring":{}}"#, "FILE: keyring: `{}` is no list"),
        (r#"{"statsd":{"rate":true}}"#, "FILE: statsd.rate: `true` is no number"),
        (r#"{"server":{"workers":0}}"#, "server.workers: `0` is no whole number in the allowed"),
        (r#"{"server":{"timeout":-1}}"#, "server.timeout: `-1` is no whole number in the allowed"),
        (r#"{"server":{"threads":"many"}}"#, "FILE: server.threads: `many` is no whole number"),
        (&pair, "keypair.public: `other` is not the public key of `keypair.private`"),
    ];
    for (text, expected) in cases {
        let refused = match configured(Some(text), &[]) {
            Ok(loaded) => loaded.settings.node().unwrap_err().to_string(),
            Err(refused) => refused,
        };
        assert!(refused.starts_with(expected), "{text}: {refused}");
        assert!(!refused.contains(&private), "{text} gives the key away");
    }
}

#[test]
fn what_is_odd_is_kept_and_warned_about() {
    let text = r#"{"colour":"blue","database":{"shape":1},"server":{"loglevel":"debug"}}"#;
    let misspelt = [("BIGCHAIN_CONSENSUS_PLUGIN", "mine"), ("BIGCHAINDB_DATABASE_SHAPE", "2")];
    let loaded = configured(Some(text), &misspelt).unwrap();
    let warnings: Vec<_> = loaded.warnings.iter().map(|warning| &**warning).collect();
    let [plugin, colour, shape, loglevel] = &warnings[..] else { panic!("{warnings:?}") };
    assert!(loglevel.ends_with(": `server.loglevel` means nothing to this server, and is kept"));
    assert_eq!(*plugin, "`BIGCHAIN_CONSENSUS_PLUGIN` is read as `BIGCHAINDB_CONSENSUS_PLUGIN`");
    assert!(colour.ends_with(": `colour` is no known setting"), "{colour}");
    assert!(shape.ends_with(": `database.shape` is no known setting"), "{shape}");
    let settings = loaded.settings.document();
    assert_eq!(settings.get("colour").unwrap().as_str(), Some("blue"));
    assert_eq!(settings.get("database").unwrap().get("shape").unwrap().as_str(), Some("2"));
    assert_eq!(settings.get("consensus_plugin").unwrap().as_str(), Some("mine"));

    let missing = configured(None, &[]).unwrap();
    assert!(missing.file.is_none());
    assert!(missing.warnings[0].starts_with("Cannot find config file `"), "{missing:?}");
}

#[test]
fn the_file_is_where_the_environment_says() {
    let at = |variables: &[(&str, &str)]| default_path(&environment(variables));
    assert_eq!(at(&[("HOME", "/h")]), Path::new("/h/.bigchaindb"));
    assert_eq!(at(&[("HOME", "/h"), ("BIGCHAINDB_CONFIG_PATH", "/c")]), Path::new("/c"));
    assert_eq!(at(&[("HOME", "/h"), ("BIGHAINDB_CONFIG_PATH", "/d")]), Path::new("/d"));
}

#[test]
fn a_node_reads_its_part_and_hides_its_key() {
    let keypair = Keypair::from_seed([1; 32]);
    let other = Keypair::from_seed([2; 32]).public().clone();
    let private = keypair.private();
    let variables = [
        ("BIGCHAINDB_KEYPAIR_PRIVATE", &*private),
        ("BIGCHAINDB_KEYRING", other.as_str()),
        ("BIGCHAINDB_DATABASE_USER", "node"),
        ("BIGCHAINDB_DATABASE_TLS", "/etc/ca.pem"),
    ];
    let settings = configured(None, &variables).unwrap().settings;
    let node = settings.node().unwrap();
    assert_eq!(node.keypair.unwrap().public(), keypair.public());
    assert_eq!(node.keyring, [other]);
    assert_eq!((&*node.database.user, node.database.port), ("node", 28015));
    assert_eq!(node.database.tls.as_deref(), Some(Path::new("/etc/ca.pem")));
    let shown = settings.masked().to_string();
    assert!(!shown.contains(&private) && shown.contains(&"x".repeat(45)), "{shown}");
    let nothing = configured(None, &[]).unwrap().settings;
    assert!(nothing.masked().get("keypair").unwrap().get("private").unwrap().is_null());
    assert!(nothing.node().unwrap().keypair.is_none());
}

#[test]
fn what_gunicorn_was_told_is_read_as_far_as_it_means_something() {
    let text = r#"{"server":{"workers":3,"threads":"4","timeout":20,"limit_request_line":2000}}"#;
    let variables = [("BIGCHAINDB_SERVER_KEEPALIVE", "5"), ("BIGCHAINDB_SERVER_THREADS", " 7 ")];
    let server = configured(Some(text), &variables).unwrap().settings.node().unwrap().server;
    let expected = Server {
        workers: Some(3),
        threads: Some(7),
        timeout: Some(Duration::from_secs(20)),
        keepalive: Some(Duration::from_secs(5)),
        limit_request_line: Some(2000),
        ..Server::default()
    };
    assert_eq!(server, expected);
}
