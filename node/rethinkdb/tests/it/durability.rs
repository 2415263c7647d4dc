//! What survives: in memory a power failure is played, on disk a process is killed.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use bigchaindb_core::query::{BacklogRow, Feed, Query};
use bigchaindb_rethinkdb::{Durability, Element, Engine, OpenError, SOFT_WRITES_MAX, table_of};

use crate::language::{block, json, query, words};

/// Steps and what is then in the backlog: `s` a soft write, `h` a hard one, `r` a hard read, `f` a
/// flush, `!` a power failure. The n-th step writes transaction n.
const LOSSES: &str = "
    s s     | a b
    s s !   |
    h !     | a
    s h !   | a b
    s h s ! | a b
    s f s ! | a
    s r s ! | a
    h s ! ! | a
    s ! s h ! s ! | c d
";

#[test]
fn a_power_failure_takes_what_was_soft_and_nothing_else() {
    for line in LOSSES.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (steps, left) = line.split_once('|').unwrap();
        let mut engine = Engine::in_memory();
        for (step, name) in steps.split_whitespace().zip(["a", "b", "c", "d", "e", "f", "g"]) {
            let wait = query(&format!("wait {name} n1"));
            match step {
                "s" => drop(engine.apply(&wait, Durability::Soft).unwrap()),
                "h" => drop(engine.apply(&wait, Durability::Hard).unwrap()),
                "r" => drop(engine.apply(&query("backlog * 9"), Durability::Hard).unwrap()),
                "f" => engine.flush().unwrap(),
                _ => drop(engine.power_loss().unwrap()),
            }
        }
        let answer = engine.apply(&query("gather a b c d e f g"), Durability::Soft).unwrap();
        assert_eq!(words(&answer).replace("~n1", ""), left.trim(), "{line}");
        // The indexes lost the same.
        let answer = engine.apply(&query("backlog n1 9"), Durability::Soft).unwrap();
        assert_eq!(words(&answer).split_whitespace().count(), left.split_whitespace().count());
    }
}

#[test]
fn a_power_failure_brings_back_what_was_changed_and_deleted_and_breaks_feeds() {
    let mut engine = Engine::in_memory();
    let feed = engine.subscribe(table_of(Feed::Blocks), None);
    engine.apply_all(&["wait a n1", "wait b n1", "block X@1=a"].map(query), Durability::Hard);
    let before = engine.tables().unwrap();
    let soft = [
        "reassign a n1 n2",
        "delete b",
        "reassign a n2 n3",
        "claim 1 X",
        "vote k X n1 yes",
        "wait c n1",
    ];
    for line in soft {
        engine.apply(&query(line), Durability::Soft).unwrap();
    }
    assert_eq!(engine.power_loss(), Some(soft.len()));
    assert_eq!(engine.tables().unwrap(), before);
    for (line, said) in [("backlog n1 9", "a~n1 b~n1"), ("unlisted 9", "X"), ("positions 0 9", "")]
    {
        assert_eq!(words(&engine.apply(&query(line), Durability::Hard).unwrap()), said);
    }
    assert!(feed.is_closed());
}

#[test]
fn changes_are_taken_back_and_read_around() {
    let folder = tempfile::tempdir().unwrap();
    let on_disk = Engine::open(&folder.path().join("undo.redb")).unwrap();
    for mut engine in [Engine::in_memory(), on_disk] {
        let feeds = [Feed::Backlog, Feed::Blocks, Feed::Votes, Feed::Positions]
            .map(|feed| engine.subscribe(table_of(feed), None));
        let first = ["wait a n1", "wait b n1", "block X@1=a"].map(query);
        engine.apply_all(&first, Durability::Hard);
        feeds.iter().for_each(|feed| drop(feed.drain()));
        let before = engine.tables().unwrap();
        let lost = ["reassign a n1 n2", "delete b", "reassign a n2 n3", "claim 1 X", "wait c n1"];
        let mut changes = Vec::new();
        for line in lost {
            engine.apply(&query(line), Durability::Hard).unwrap();
            for element in feeds.iter().flat_map(|feed| feed.drain()) {
                if let Element::Change(change) = element {
                    changes.insert(0, change);
                }
            }
        }
        let now = engine.tables().unwrap();
        for (line, said) in
            [("backlog n1 9", "a~n1 b~n1"), ("unlisted 9", "X"), ("positions 0 9", "")]
        {
            assert_eq!(words(&engine.answer_without(&query(line), &changes).unwrap()), said);
        }
        assert_eq!(engine.tables().unwrap(), now, "reading around changes nothing");
        engine.undo(&changes, Durability::Hard).unwrap();
        assert_eq!(engine.tables().unwrap(), before);
        assert_eq!(words(&engine.apply(&query("unlisted 9"), Durability::Hard).unwrap()), "X");
        assert!(feeds.iter().all(|feed| feed.drain().is_empty()), "nobody is told");
    }
}

#[test]
fn soft_writes_are_hard_after_a_while() {
    let mut engine = Engine::in_memory();
    for number in 0..=SOFT_WRITES_MAX {
        engine.apply(&query(&format!("claim {number} X")), Durability::Soft).unwrap();
    }
    assert_eq!(engine.power_loss(), Some(0));
}

#[test]
fn a_file_is_open_once_and_has_one_layout() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let engine = Engine::open(&path).unwrap();
    assert!(matches!(Engine::open(&path), Err(OpenError::InUse)));
    drop(engine);
    std::fs::write(folder.path().join("other"), "some text").unwrap();
    assert!(matches!(Engine::open(&folder.path().join("other")), Err(OpenError::Disk(_))));
}

/// Names the file that [`a_process_to_be_killed`] writes to.
const FILE: &str = "BIGCHAINDB_TEST_FILE";

/// Batch `number`: two transactions wait, and each fourth batch has a block; each third is soft.
fn batch(number: usize) -> (Vec<Query>, Durability) {
    let wait = |id: String| {
        let document = format!(r#"{{"id":"{id}","transaction":{{"timestamp":"{number}"}}}}"#);
        let transaction = bigchaindb_core::model::Transaction::from_document(json(&document));
        Query::InsertBacklog {
            transaction: std::sync::Arc::new(transaction.unwrap()),
            assignee: "n1".into(),
        }
    };
    let mut queries = vec![wait(format!("{number}-1")), wait(format!("{number}-2"))];
    if number.is_multiple_of(4) {
        queries.push(Query::InsertBlock { block: block(&format!("{number}@5=a,b,c,d,e,f")) });
    }
    (queries, if number % 3 == 2 { Durability::Soft } else { Durability::Hard })
}

/// Not a test by itself: [`what_was_acknowledged_survives_a_kill`] runs it in a process of its own,
/// where it writes for ever and says which hard batches it was told are done.
#[test]
fn a_process_to_be_killed() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let mut engine = Engine::open(Path::new(&path)).unwrap();
    let first = engine.tables().unwrap()["backlog"].len();
    // Beyond all that an earlier life wrote.
    for number in (first * 10).. {
        let (queries, durability) = batch(number);
        for answer in engine.apply_all(&queries, durability) {
            answer.unwrap();
        }
        let mut stdout = std::io::stdout();
        let word = if durability == Durability::Hard { "done" } else { "soft" };
        writeln!(stdout, "{word} {number}").and_then(|()| stdout.flush()).unwrap();
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let (mut acknowledged, mut seen) = (Vec::new(), 0);
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durability::a_process_to_be_killed", "--nocapture"])
            .env(FILE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let said = |line: &String| line.starts_with("done ") || line.starts_with("soft ");
        let mut kill_after = 3 + 5 * round;
        let mut note = |line: String| {
            if let Some(number) = line.strip_prefix("done ") {
                acknowledged.push(number.parse::<usize>().unwrap());
            }
        };
        for line in lines.by_ref().filter(said) {
            note(line);
            kill_after -= 1;
            if kill_after == 0 {
                break;
            }
        }
        child.kill().unwrap();
        // What it had said and nobody had read yet.
        lines.filter(said).for_each(&mut note);
        child.wait().unwrap();

        let mut engine = Engine::open(&path).unwrap();
        let tables = engine.tables().unwrap();
        let waiting = &tables["backlog"];
        for number in &acknowledged {
            for query in batch(*number).0 {
                let (id, table) = match &query {
                    Query::InsertBacklog { transaction, .. } => {
                        (transaction.id().as_str(), waiting)
                    }
                    Query::InsertBlock { block } => (block.id().as_str(), &tables["bigchain"]),
                    _ => unreachable!("no such query in a batch"),
                };
                let there = table.iter().any(|row| row.get("id") == Some(&id.into()));
                assert!(there, "{id} was acknowledged in round {round} or before");
            }
        }
        // Nothing is torn: of a batch all is there or nothing, and every index has every row.
        let rows = engine.apply(&query("backlog n1 1000000"), Durability::Hard).unwrap();
        let rows = rows.into_backlog();
        assert_eq!(rows.len(), waiting.len());
        let mut batches: Vec<_> = rows.iter().map(number_of).collect();
        assert!(batches.chunks(2).all(|pair| pair[0] == pair[1]), "{batches:?}");
        batches.dedup();
        let expected: usize = batches.iter().filter(|number| number.is_multiple_of(4)).count();
        assert_eq!(tables["bigchain"].len(), expected);
        for document in &tables["bigchain"] {
            let id = document.get("id").unwrap().as_str().unwrap();
            assert_eq!(document, block(&format!("{id}@5=a,b,c,d,e,f")).document());
        }
        assert!(acknowledged.len() > seen, "round {round} came to nothing");
        seen = acknowledged.len();
    }
}

fn number_of(row: &BacklogRow) -> usize {
    row.transaction.id().as_str().split_once('-').unwrap().0.parse().unwrap()
}
