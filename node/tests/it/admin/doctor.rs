//! What a doctor says of settings and databases that are well, and that are not.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bigchaindb::admin::doctor::{Check, State, check_database, check_machine, check_settings};
use bigchaindb::config::Settings;
use bigchaindb::store::rethinkdb::{Limits, Server, Term, schema, term};
use bigchaindb_core::model::{Json, Keypair};
use term::ReadMode;

use super::databases::all;

fn states(checks: &[Check]) -> BTreeMap<&'static str, State> {
    checks.iter().map(|check| (check.name, check.state)).collect()
}

fn key(seed: u8) -> String {
    Keypair::from_seed([seed; 32]).public().to_string()
}

/// Settings of the first member, with this keyring and address.
fn settings(keyring: &[String], bind: &str) -> Settings {
    let mut settings = Settings::defaults();
    let private = Keypair::from_seed([1; 32]).private().to_string();
    settings.set(&["keypair", "private"], private.as_str().into()).unwrap();
    settings.set(&["keypair", "public"], key(1).as_str().into()).unwrap();
    let keyring: Vec<Json> = keyring.iter().map(|key| key.as_str().into()).collect();
    settings.set(&["keyring"], keyring.into()).unwrap();
    settings.set(&["server", "bind"], bind.into()).unwrap();
    settings
}

#[test]
fn settings_are_looked_at_one_by_one() {
    use State::{Ok, Problem, Warning};
    let others = [key(2), key(3)];
    let double = [key(2), key(2)];
    let own = [key(1), key(2)];
    let wrong = ["no key".to_owned()];
    let cases: [(&[String], &str, [State; 4]); 8] = [
        (&others, "localhost:9984", [Ok, Ok, Ok, Ok]),
        (&others[..1], "localhost:9984", [Ok, Ok, Warning, Ok]),
        (&double, "localhost:9984", [Ok, Problem, Warning, Ok]),
        (&own, "localhost:9984", [Ok, Problem, Warning, Ok]),
        (&wrong, "localhost:9984", [Ok, Problem, Warning, Ok]),
        (&others, "0.0.0.0:9984", [Ok, Ok, Ok, Warning]),
        (&others, "[::]:9984", [Ok, Ok, Ok, Warning]),
        (&[], "10.0.0.1:9984", [Ok, Ok, Ok, Ok]),
    ];
    for (keyring, bind, expected) in cases {
        let checks = check_settings(&settings(keyring, bind), None);
        let states: Vec<_> = checks.iter().map(|check| check.state).collect();
        assert_eq!(states, expected, "{keyring:?} {bind}: {checks:?}");
    }
    let mut strange = settings(&others, "localhost:9984");
    strange.set(&["keypair", "public"], key(9).as_str().into()).unwrap();
    assert_eq!(states(&check_settings(&strange, None))["keypair"], Problem);
    let none = check_settings(&Settings::defaults(), None);
    assert_eq!(states(&none)["keypair"], Problem);
    assert_eq!(none[0].to_string(), "problem keypair: there is none; run `bigchaindb configure`");
}

#[test]
fn a_config_file_that_others_can_read_is_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, "{}").unwrap();
    let cases = [
        (0o600, State::Ok),
        (0o640, State::Warning),
        (0o644, State::Problem),
        (0o604, State::Problem),
    ];
    for (mode, expected) in cases {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let checks = check_settings(&Settings::defaults(), Some(&file));
        assert_eq!(states(&checks)["config file"], expected, "{mode:o}: {checks:?}");
    }
}

#[test]
fn the_machine_is_asked() {
    let states = states(&check_machine(Path::new("/nowhere/at/all")));
    assert_eq!(states["disk space"], State::Warning);
    let checks = check_machine(Path::new("."));
    let names: Vec<_> = checks.iter().map(|check| check.name).collect();
    assert_eq!(names, ["clock", "disk space", "open files"]);
    assert!(checks[1].found.contains("GiB free"), "{checks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_asked_for_what_nodes_need() {
    for database in all().await {
        let client = &database.client;
        let before = check_database(client).await;
        assert_eq!(states(&before)["tables"], State::Problem, "{before:?}");
        schema::init(client, schema::PATIENCE).await.unwrap();
        let well = check_database(client).await;
        let names = ["RethinkDB", "version", "servers", "database clock", "tables", "indexes"];
        for name in names.into_iter().chain(["availability", "durability"]) {
            assert_eq!(states(&well)[name], State::Ok, "{well:?}");
        }
        // There is one server.
        assert_eq!(states(&well)["replicas"], State::Warning);
        let votes = Term::table("votes", ReadMode::Single);
        client.value(&votes.index_drop("block_and_voter")).await.unwrap();
        let checks = check_database(client).await;
        let indexes = checks.iter().find(|check| check.name == "indexes").unwrap();
        assert_eq!(indexes.state, State::Problem);
        assert!(indexes.found.ends_with("votes.block_and_voter"), "{indexes:?}");
        database.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_reached_is_a_problem() {
    let server: Server = "rethinkdb://127.0.0.1:1".parse().unwrap();
    let checks = check_database(&server.client(Limits::default())).await;
    assert_eq!(checks.len(), 1);
    assert_eq!((checks[0].name, checks[0].state), ("RethinkDB", State::Problem));
}
