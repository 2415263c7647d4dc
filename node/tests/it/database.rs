//! The commands that work on a federation's database: made, spread, thrown away.

use std::path::Path;
use std::process::Command;

use bigchaindb::store::rethinkdb::term::Durability;
use bigchaindb::store::rethinkdb::{Client, Limits, Options, Tcp, Term};
use bigchaindb_core::model::{Json, Keypair};

use crate::program::{Serving, bigchaindb, output};

/// A RethinkDB of two servers, and the program told where it is.
struct World {
    home: tempfile::TempDir,
    rethinkdb: Serving,
}

impl World {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let arguments = ["rethinkdb", "--servers", "2", "--driver-port", "0"];
        let rethinkdb = Serving::start(bigchaindb(home.path(), &arguments));
        Self { home, rethinkdb }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let (_, port) = self.rethinkdb.address.rsplit_once(':').unwrap();
        let mut command = bigchaindb(Path::new(self.home.path()), arguments);
        command
            .env("BIGCHAINDB_KEYPAIR_PRIVATE", Keypair::from_seed([1; 32]).private())
            .env("BIGCHAINDB_DATABASE_PORT", port)
            .env("BIGCHAINDB_DATABASE_NAME", "federation");
        command
    }

    /// Runs a command; its exit code, stdout and stderr.
    fn run(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        output(self.command(arguments), input)
    }
}

#[test]
fn a_database_is_made_once_and_dropped_on_request() {
    let world = World::start();
    let exists = "The database already exists.\nIf you wish to re-initialize it, first drop it.\n";
    let (code, out, err) = world.run(&["init"], "");
    assert_eq!((code, &*out, err.contains(exists)), (0, "", false), "{err}");
    let (code, _, err) = world.run(&["init"], "");
    assert_eq!((code, err.ends_with(exists)), (0, true), "{err}");

    let question = "Do you want to drop `federation` database? [y/n]: ";
    for answer in ["n\n", "\n", ""] {
        let (code, out, err) = world.run(&["drop"], answer);
        assert_eq!((code, &*out), (0, question), "{err}");
        assert!(err.ends_with("INFO:bigchaindb:Drop aborted\n"), "{err}");
    }
    let (code, out, err) = world.run(&["drop"], "y\n");
    assert_eq!((code, &*out), (0, question), "{err}");
    let (code, out, err) = world.run(&["-y", "drop"], "");
    assert_eq!((code, &*out), (1, ""));
    assert!(err.contains("Database `federation` does not exist"), "{err}");
    let (code, _, err) = world.run(&["init"], "");
    assert_eq!((code, err.contains(exists)), (0, false), "{err}");
}

#[test]
fn tables_are_spread_and_a_refusal_is_a_warning() {
    let world = World::start();
    assert_eq!(world.run(&["init"], "").0, 0);
    for command in ["set-shards", "set-replicas"] {
        let (code, _, err) = world.run(&[command, "2"], "");
        assert_eq!((code, err.contains("WARNING:bigchaindb:bigchain")), (0, false), "{err}");
    }
    // There are two servers.
    let (code, _, err) = world.run(&["set-replicas", "3"], "");
    assert_eq!(code, 0, "{err}");
    for table in ["bigchain", "backlog", "votes"] {
        assert!(err.contains(&format!("WARNING:bigchaindb:{table}: ")), "{err}");
    }
}

#[test]
fn without_a_keypair_nothing_is_made() {
    let world = World::start();
    let mut command = world.command(&["init"]);
    command.env_remove("BIGCHAINDB_KEYPAIR_PRIVATE");
    let (code, _, err) = output(command, "");
    assert_eq!((code, err.contains("no keypair found")), (1, true), "{err}");
    assert_eq!(world.run(&["-y", "drop"], "").0, 1, "there is no database");
}

/// A server on a disk of its own, which has so many blocks of 512 bytes if it has an end.
fn on_disk(home: &Path, blocks: Option<u32>) -> (Serving, Client) {
    let limit = blocks.map_or_else(String::new, |blocks| format!("ulimit -f {blocks};"));
    // What would be a signal becomes an error, as on a disk that is full.
    let script =
        format!("trap '' XFSZ; {limit} exec \"$0\" rethinkdb --directory \"$1\" --driver-port 0");
    let mut command = Command::new("sh");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_bigchaindb")]).arg(home.join("data"));
    command.stderr(std::fs::File::create(home.join("log")).unwrap());
    let server = Serving::start(command);
    let (host, port) = server.address.rsplit_once(':').unwrap();
    let tcp = Tcp { host: host.to_owned(), port: port.parse().unwrap(), tls: None };
    let client = Client::new(tcp, Options::default(), Limits::default());
    (server, client)
}

#[tokio::test]
async fn a_server_whose_disk_is_full_ends_and_has_everything_when_there_is_room() {
    const ROW: usize = 100_000;
    /// More do not go into four mebibytes.
    const ROWS_MAX: i64 = 50;
    let home = tempfile::tempdir().unwrap();
    let (mut server, client) = on_disk(home.path(), Some(8192));
    let table = || Term::database("test").table_of("rows");
    client.value(&Term::database("test").table_create("rows")).await.unwrap();
    let row = Term::object([("text", Term::value(&Json::from("x".repeat(ROW))))]);
    let mut acknowledged = 0_i64;
    while let Ok(done) = client.value(&table().insert(row.clone(), Durability::Hard)).await
        && done.get("inserted").and_then(Json::as_i64) == Some(1)
    {
        acknowledged += 1;
        assert!(acknowledged < ROWS_MAX, "there was room for more than everything");
    }
    assert!(acknowledged > 0);
    assert_eq!(server.wait(), 4);
    let said = std::fs::read_to_string(home.path().join("log")).unwrap();
    assert!(said.contains("error: the database cannot be written any more: "), "{said}");
    assert!(said.contains("\n hint: make room"), "{said}");

    let (server, client) = on_disk(home.path(), None);
    let there = client.read_value(&table().count()).await.unwrap().as_i64().unwrap();
    // The last one was refused; it may have been written all the same.
    assert!((acknowledged..=acknowledged + 1).contains(&there), "{there}");
    assert_eq!(server.stop(), 0);
}
