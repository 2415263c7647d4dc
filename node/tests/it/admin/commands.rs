//! The commands themselves, on databases in directories.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use bigchaindb::store::rethinkdb::{Limits, Server};
use bigchaindb::store::{EmbeddedStore, Store};
use bigchaindb_core::model::{BlockId, Keypair, Position};
use bigchaindb_core::query::{Needs, Query};
use bigchaindb_rethinkdb::server::{Server as EmbeddedServer, ServerOptions};
use bigchaindb_rethinkdb::{Database, Durability, Settings};
use serde_json::Value;

use super::chain::Chain;

/// The file that holds a directory's documents.
const FILE: &str = "rethinkdb.redb";

/// Lets a chain be written into a directory's database, as `start --embedded` keeps it.
async fn in_directory(directory: &Path, write: impl AsyncFnOnce(&mut Chain)) -> Vec<BlockId> {
    std::fs::create_dir_all(directory).unwrap();
    let database = Database::open(&directory.join(FILE), &Settings::default()).unwrap();
    database.declare_native().unwrap();
    let bind = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = ServerOptions { bind, ..ServerOptions::default() };
    let served = EmbeddedServer::bind(database.clone(), options).await.unwrap();
    let server: Server = format!("rethinkdb://{}", served.local_addr()).parse().unwrap();
    let mut chain = Chain::begin(server.client(Limits::default()), 4).await;
    write(&mut chain).await;
    let Chain { blocks, client, .. } = chain;
    drop(client);
    served.shutdown().await;
    database.sync().unwrap();
    blocks
}

/// Runs a command in a folder as the first of four members; exit code, stdout, stderr.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = command(folder, arguments).output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let key = |seed| Keypair::from_seed([seed; 32]);
    let keyring: Vec<_> = (2..=4).map(|seed| key(seed).public().to_string()).collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_bigchaindb"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("BIGCHAINDB_KEYPAIR_PRIVATE", key(1).private())
        .env("BIGCHAINDB_KEYRING", keyring.join(":"))
        .stdin(Stdio::null());
    command
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_saved_brought_back_and_found_right() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let owner = Keypair::from_seed([50; 32]);
    let blocks = in_directory(&folder.join("a"), async |chain| {
        for number in 0..5 {
            let asset = chain.create(&owner, &format!("asset {number}"));
            chain.grow(vec![asset]).await;
        }
    })
    .await;

    let (code, saved, err) = run(folder, &["backup", "--embedded", "a", "--json", "x.backup"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(json(&saved)["tables"]["bigchain"]["documents"], 6);
    let (code, _, err) = run(folder, &["backup", "--embedded", "a", "x.backup"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("`x.backup` is there already"), "{err}");
    let (code, _, err) = run(folder, &["backup", "--embedded", "nowhere", "y.backup"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("there is no database in `nowhere`"), "{err}");

    let mut damaged = std::fs::read(folder.join("x.backup")).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(folder.join("damaged.backup"), &damaged).unwrap();
    for arguments in [&["--check"][..], &["--embedded", "b"]] {
        let arguments = [&["restore", "damaged.backup"], arguments].concat();
        let (code, _, err) = run(folder, &arguments);
        assert_eq!(code, 1, "{err}");
        assert!(err.contains(", in chunk ") && err.contains("ids "), "{err}");
    }
    assert!(!folder.join("b").exists(), "nothing is written of a damaged archive");

    let (code, _, err) = run(folder, &["restore", "--embedded", "b", "x.backup"]);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = run(folder, &["restore", "--embedded", "b", "x.backup"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("add `--merge`"), "{err}");
    let (code, merged, err) =
        run(folder, &["restore", "--merge", "--embedded", "b", "x.backup", "--json"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(json(&merged)["tables"]["votes"]["there"], 20);

    let (code, _, err) = run(folder, &["-y", "repair", "--embedded", "b"]);
    assert_eq!(code, 0, "{err}");
    let (code, verified, err) = run(folder, &["verify", "--embedded", "b", "--json"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(json(&verified)["valid"], 6);
    let (code, again, _) = run(folder, &["backup", "--embedded", "b", "--json", "y.backup"]);
    assert_eq!((code, &json(&again)["tables"]), (0, &json(&saved)["tables"]));
    found_natively(&folder.join("b").join(FILE), &blocks).await;
}

/// A node that brings this database finds by its own indexes what was restored and repaired.
async fn found_natively(file: &Path, blocks: &[BlockId]) {
    let store = EmbeddedStore::open(file, Durability::Soft).unwrap();
    let from = Query::Positions { from: Position(0), limit: 100 };
    let listed = store.query(from).await.unwrap().into_positions();
    let listed: Vec<_> = listed.into_iter().map(|entry| entry.block).collect();
    assert_eq!(listed, blocks);
    let votes = store.query(Query::Votes { blocks: blocks.to_vec() }).await.unwrap().into_votes();
    assert_eq!(votes.len(), 20);
    let last = vec![blocks[5].clone()];
    let found = store.query(Query::Blocks { ids: last }).await.unwrap().into_blocks();
    let id = found[0].transactions()[0].id().clone();
    let needs = Needs { transactions: vec![id], outputs: vec![] };
    let gathered = store.query(Query::Gather(needs)).await;
    assert!(format!("{:?}", gathered.unwrap()).contains(blocks[5].as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_goes_through_a_pipe() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    in_directory(&folder.join("a"), async |_| ()).await;
    let mut backup = command(folder, &["backup", "--embedded", "a", "-"]);
    let mut backup = backup.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let pipe = backup.stdout.take().unwrap();
    let mut restore = command(folder, &["restore", "--embedded", "b", "-", "--json"]);
    let output = restore.stdin(pipe).output().unwrap();
    assert!(backup.wait().unwrap().success() && output.status.success());
    let restored = json(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(restored["tables"]["bigchain"]["written"], 1);
    let (code, _, err) = run(folder, &["backup", "--embedded", "a", "--json", "-"]);
    assert_eq!(code, 2, "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_ends_with_one_and_is_named() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let owner = Keypair::from_seed([50; 32]);
    let mut id = String::new();
    in_directory(&folder.join("a"), async |chain| {
        let block = chain.make(vec![chain.create(&owner, "undecided")]);
        let mut forged = chain.vote(&chain.members[1], block.id(), true);
        *forged.get_mut("vote").unwrap().get_mut("is_block_valid").unwrap() = false.into();
        id = forged.get("id").unwrap().as_str().unwrap().to_owned();
        chain.write("bigchain", &[block.document().clone()]).await;
        chain.write("votes", &[forged]).await;
        chain.place(block.id()).await;
    })
    .await;
    let (code, told, err) = run(folder, &["verify", "--embedded", "a"]);
    assert_eq!(code, 1, "{err}");
    assert!(told.starts_with(&format!("votes {id} (place 1): on block ")), "{told}");
    assert!(told.ends_with("2 transactions, 1 votes: 1 findings\n"), "{told}");
    let (code, told, err) = run(folder, &["verify", "--embedded", "a", "--json"]);
    assert_eq!(code, 1, "{err}");
    assert_eq!(json(&told)["findings"][0]["id"], *id);

    let (code, told, err) = run(folder, &["repair", "--embedded", "a"]);
    assert_eq!(code, 0, "{err}");
    assert!(told.contains("delete place 1") && err.contains("nothing was changed"), "{told}{err}");
    let (code, ..) = run(folder, &["-y", "repair", "--embedded", "a"]);
    assert_eq!(code, 0);
    let (code, told, _) = run(folder, &["verify", "--embedded", "a"]);
    assert_eq!(code, 0, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_ends_with_one_if_there_is_a_problem() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    in_directory(&folder.join("a"), async |_| ()).await;
    let (code, told, err) = run(folder, &["doctor", "--embedded", "a"]);
    assert!(told.lines().all(|line| {
        ["ok ", "warning ", "problem "].iter().any(|state| line.starts_with(state))
    }));
    // Machines differ; the database and the settings are well.
    let is_well = told.lines().all(|line| !line.starts_with("problem "));
    assert_eq!(code, i32::from(!is_well), "{told}{err}");
    assert!(told.contains("ok      indexes: all are ready"), "{told}");
    let mut alone = command(folder, &["doctor", "--json"]);
    alone.env("BIGCHAINDB_DATABASE_PORT", "1").env("BIGCHAINDB_KEYRING", "no key");
    let output = alone.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let checks = json(&String::from_utf8(output.stdout).unwrap());
    let state = |name: &str| {
        let check = checks.as_array().unwrap().iter().find(|check| check["name"] == name);
        check.unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!((&*state("keyring"), &*state("RethinkDB")), ("problem", "problem"));
}
