//! The command line: what its commands print, and how they end.

use std::io::{BufRead, BufReader, Read as _};
use std::process::Stdio;

use bigchaindb_core::model::{Json, Keypair};

use crate::metrics::Statsd;
use crate::program::{Serving, bigchaindb, embedded, free_port, output};
use crate::support::{Clients, create};

#[test]
fn configure_asks_writes_and_does_not_overwrite_unasked() {
    let home = tempfile::tempdir().unwrap();
    let answers = "\nmy-db\nnot a port\n28016\nmine\n\n\n0.5\n";
    let (code, out, err) = output(bigchaindb(home.path(), &["configure"]), answers);
    assert_eq!((code, &*out), (0, ""), "{err}");
    let path = home.path().join(".bigchaindb");
    for line in [
        "Generating keypair",
        "API Server bind? (default `localhost:9984`): ",
        "database.port: `not a port` is no whole number",
        "Statsd rate? (default `0.01`): ",
        &format!("Configuration written to {}", path.display()),
        "Ready to go!",
    ] {
        assert!(err.contains(line), "{line}: {err}");
    }
    let written = std::fs::read_to_string(&path).unwrap();
    let document = Json::parse(written.as_bytes()).unwrap();
    let database = document.get("database").unwrap().to_string();
    assert_eq!(database, r#"{"host":"my-db","name":"mine","port":28016}"#);
    let private = document.get("keypair").unwrap().get("private").unwrap().as_str().unwrap();
    let public = Keypair::from_private(private).unwrap().public().to_string();

    let (code, _, err) = output(bigchaindb(home.path(), &["configure"]), "n\n");
    assert_eq!(code, 0);
    assert!(
        err.contains("exists, do you want to override it? (cannot be undone) [y/N]: "),
        "{err}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), written);

    let (code, out, _) = output(bigchaindb(home.path(), &["export-my-pubkey"]), "");
    assert_eq!((code, out.trim_end()), (0, &*public));
    let (code, out, err) = output(bigchaindb(home.path(), &["show-config"]), "");
    assert_eq!(code, 0);
    assert!(out.contains(&"x".repeat(45)) && !(out + &err).contains(private));

    let (code, _, _) = output(bigchaindb(home.path(), &["-y", "configure"]), "");
    assert_eq!(code, 0);
    assert_ne!(std::fs::read_to_string(&path).unwrap(), written);

    let (code, out, _) = output(bigchaindb(home.path(), &["-c", "-", "-y", "configure"]), "");
    assert_eq!(code, 0);
    assert!(Json::parse(out.as_bytes()).unwrap().get("keypair").is_some());
}

#[test]
fn what_cannot_be_done_ends_with_its_place_and_the_next_step() {
    let home = tempfile::tempdir().unwrap();
    type Variables<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&[&str], Variables<'_>, i32, &str); 7] = [
        (&["export-my-pubkey"], &[], 1, "This node's public key wasn't set anywhere"),
        (&["start"], &[], 1, "no keypair found. Did you run `bigchaindb configure`?"),
        (&["show-config"], &[("BIGCHAINDB_STATSD_PORT", "x")], 2, "BIGCHAINDB_STATSD_PORT: `x`"),
        (&["set-shards", "65"], &[], 2, "65 is not in 1..=64"),
        (&["set-shards", "1"], &[("BIGCHAINDB_DATABASE_PORT", "1")], 4, "is RethinkDB running?"),
        (&["rethinkdb", "--servers", "0"], &[], 2, "0 is not in 1..=64"),
        (
            &["rethinkdb", "--servers", "3", "--driver-port", "65534"],
            &[],
            2,
            "there are no 3 ports from 65534 on",
        ),
    ];
    for (arguments, variables, expected, told) in cases {
        let mut command = bigchaindb(home.path(), arguments);
        command.envs(variables.iter().copied());
        let (code, out, err) = output(command, "");
        assert_eq!((code, &*out), (expected, ""), "{arguments:?}: {err}");
        assert!(err.contains(told), "{arguments:?}: {err}");
    }
}

#[test]
fn several_servers_print_an_address_each() {
    let home = tempfile::tempdir().unwrap();
    let arguments = ["rethinkdb", "--servers", "3", "--driver-port", "0"];
    let mut child = bigchaindb(home.path(), &arguments).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let addresses: Vec<String> = lines.take(3).map(Result::unwrap).collect();
    let serving = Serving::of(child, addresses[2].clone());
    for address in &addresses {
        std::net::TcpStream::connect(address).unwrap();
    }
    assert_ne!(addresses[0], addresses[1]);
    assert_eq!(serving.stop(), 0);
}

/// The whole way: configure, a node with its own database, a second node on that database, a
/// transaction through each, a restart.
#[tokio::test]
async fn a_node_brings_its_own_database_and_others_share_it() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name).to_str().unwrap().to_owned();
    let keypairs = [Keypair::from_seed([1; 32]), Keypair::from_seed([2; 32])];
    let port = free_port().to_string();
    let start = |own: usize, arguments: &[&str]| {
        let mut command = bigchaindb(home.path(), &["start"]);
        command
            .args(arguments)
            .env("BIGCHAINDB_KEYPAIR_PRIVATE", keypairs[own].private())
            .env("BIGCHAINDB_KEYRING", keypairs[1 - own].public().as_str())
            .env("BIGCHAINDB_DATABASE_PORT", &port)
            .env("BIGCHAINDB_SERVER_BIND", "127.0.0.1:0");
        Serving::start(command)
    };
    let data = path("data");
    let embedded = start(0, &["--embedded", &data]);
    let other = start(1, &[]);
    let clients = Clients::new(&[embedded.api(), other.api()]);
    let mut ids = Vec::new();
    for node in [0, 1] {
        let body = create(&Keypair::from_seed([20; 32]), &format!("asset {node}"));
        let (status, answer) = clients.post(node, body).await;
        assert_eq!(status, 201, "{answer}");
        ids.push(answer.get("id").unwrap().as_str().unwrap().to_owned());
    }
    for id in &ids {
        for node in [0, 1] {
            clients.until_status(node, id, "valid").await;
        }
    }
    assert_eq!(other.stop(), 0);
    assert_eq!(embedded.stop(), 0);

    let again = start(0, &["--embedded", &data]);
    Clients::new(&[again.api()]).until_status(0, &ids[1], "valid").await;
    assert_eq!(again.stop(), 0);
}

/// What the node's last moment brought is sent, too.
#[tokio::test]
async fn a_node_tells_statsd_how_it_goes() {
    let home = tempfile::tempdir().unwrap();
    let statsd = Statsd::start();
    let mut command = embedded(home.path());
    command
        .env("BIGCHAINDB_STATSD_HOST", "http://localhost/")
        .env("BIGCHAINDB_STATSD_PORT", statsd.port().to_string())
        .env("BIGCHAINDB_STATSD_NAME", "here and now")
        .env("BIGCHAINDB_STATSD_RATE", "0.9")
        .stderr(Stdio::piped());
    let mut node = Serving::start(command);
    let clients = Clients::new(&[node.api()]);
    let answer = clients.post(0, create(&Keypair::from_seed([20; 32]), "an asset")).await;
    assert_eq!(answer.0, 201);
    let mut said = node.stderr().unwrap();
    assert_eq!(node.stop(), 0);
    let mut log = String::new();
    said.read_to_string(&mut log).unwrap();
    for warning in [
        "WARNING:bigchaindb:statsd.host: `http://localhost/` is no host, but `localhost` is",
        "WARNING:bigchaindb:statsd.rate: 0.9 is sent as 1, one in 1",
    ] {
        assert!(log.contains(warning), "{log}");
    }
    let lines = statsd.all();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let original = format!("{}..write_transaction:", host.trim());
    assert_eq!(lines.iter().filter(|line| line.starts_with(&original)).count(), 1, "{lines:?}");
    assert!(lines.contains(&"bigchaindb.here_and_now.tx.written:1|c".to_owned()), "{lines:?}");
}
