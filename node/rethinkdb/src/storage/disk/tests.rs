use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use bigchaindb_core::model::Json;
use proptest::prelude::*;

use super::*;
use crate::catalog::TableId;
use crate::storage::Space;

/// A row, an entry beside it, and what of them is written: `None` takes both away.
fn written(number: u8, version: Option<u8>) -> Writes {
    let (row, entry) = (row_key(number), entry_key(number));
    let there = version.map(|version| Slot::Row(Arc::new(block(number, version))));
    let entry_slot = version.map_or(Slot::Empty, |_| Slot::Entry);
    [(row, there.unwrap_or(Slot::Empty)), (entry, entry_slot)].into()
}

fn row_key(number: u8) -> Key {
    [&*Space::rows(TableId::any(1)).key(), &[number]].concat().into()
}

fn entry_key(number: u8) -> Key {
    [&*Space::view(TableId::any(1)).key(), &[number]].concat().into()
}

/// A block with as many transactions as its version says.
fn block(number: u8, version: u8) -> Row {
    let transaction = |part| {
        let timestamp = r#""timestamp":"1""#;
        format!(r#"{{"id":"{number}-{version}-{part}","transaction":{{{timestamp}}}}}"#)
    };
    let transactions: Vec<_> = (0..version).map(transaction).collect();
    let text = format!(
        r#"{{"id":"{number}","signature":"s","block":{{"timestamp":"1","node_pubkey":"n1",
            "voters":["n1"],"transactions":[{}]}}}}"#,
        transactions.join(",")
    );
    let row = Row::new(Shape::Block, Json::parse(text.as_bytes()).unwrap());
    assert_eq!(row.shape(), Shape::Block);
    row
}

/// What stands there, by all ways in which it can be asked for.
fn versions(disk: &Disk) -> BTreeMap<u8, u8> {
    let (first, last) = (row_key(0), row_key(u8::MAX));
    let keys = disk.keys(&first, &last, Direction::Ascending, usize::MAX).unwrap();
    let versions = keys.iter().map(|key| {
        let (number, row) = (*key.last().unwrap(), disk.row(key).unwrap().unwrap());
        let parts = row.block().unwrap().transactions().len();
        assert_eq!(disk.shape(key).unwrap(), Some(Shape::Block));
        for part in 0..=u32::try_from(parts).unwrap() {
            let found = disk.part(key, part).unwrap();
            let expected = row.block().unwrap().transactions().get(part as usize);
            assert_eq!(found.as_ref().map(|part| part.id()), expected.map(|part| part.id()));
        }
        (number, u8::try_from(parts).unwrap())
    });
    let versions: BTreeMap<_, _> = versions.collect();
    let (first, last) = (entry_key(0), entry_key(u8::MAX));
    let entries = disk.keys(&first, &last, Direction::Descending, usize::MAX).unwrap();
    let numbers: BTreeSet<_> = entries.iter().map(|key| *key.last().unwrap()).collect();
    assert_eq!(numbers, versions.keys().copied().collect());
    versions
}

/// What a crash would leave: a copy of all files, opened.
fn after_a_crash(folder: &Path) -> (tempfile::TempDir, Disk) {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let disk = Disk::open(&copy.path().join("data")).unwrap();
    (copy, disk)
}

#[derive(Clone, Debug)]
enum Step {
    Write(u8, Option<u8>),
    BeginFlush,
    EndFlush,
    BeginSettle,
    RunSettle,
    EndSettle,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..6_u8, prop::option::of(1..4_u8)).prop_map(|(key, of)| Step::Write(key, of)),
        3 => Just(Step::BeginFlush),
        3 => Just(Step::EndFlush),
        2 => Just(Step::BeginSettle),
        2 => Just(Step::RunSettle),
        2 => Just(Step::EndSettle),
        1 => Just(Step::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_crash_leaves_what_was_flushed_whatever_was_under_way(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut folder = tempfile::tempdir().unwrap();
        let mut disk = Disk::open(&folder.path().join("data")).unwrap();
        disk.leave_flushing();
        let (mut seen, mut flushed) = (BTreeMap::new(), BTreeMap::new());
        let (mut flush, mut settle, mut settled) = (None, None, None);
        for step in steps {
            match step {
                Step::Write(number, version) => {
                    disk.write(written(number, version), Durability::Soft).unwrap();
                    match version {
                        Some(version) => seen.insert(number, version),
                        None => seen.remove(&number),
                    };
                }
                Step::BeginFlush if flush.is_none() => {
                    if let Some(begun) = disk.begin_flush().unwrap() {
                        flush = Some(begun.run());
                        flushed = seen.clone();
                    }
                }
                Step::EndFlush => {
                    if let Some(run) = flush.take() {
                        disk.end_flush(run).unwrap();
                    }
                }
                Step::BeginSettle if flush.is_none() => {
                    if let Some(begun) = disk.settle() {
                        settle = Some(begun);
                    }
                }
                Step::RunSettle => settled = settle.take().map(Settle::run).or(settled),
                Step::EndSettle => {
                    if let Some(mut run) = settled.take() {
                        disk.end_settle(&mut run).unwrap();
                    }
                }
                Step::Crash => {
                    let (copy, crashed) = after_a_crash(folder.path());
                    prop_assert_eq!(versions(&crashed), flushed.clone());
                    (flush, settle, settled) = (None, None, None);
                    disk = crashed;
                    disk.leave_flushing();
                    folder = copy;
                    seen = flushed.clone();
                }
                Step::BeginFlush | Step::BeginSettle => {}
            }
            prop_assert_eq!(versions(&disk), seen.clone());
        }
        let (_copy, crashed) = after_a_crash(folder.path());
        prop_assert_eq!(versions(&crashed), flushed);
    }
}

/// A disk on which each of these was flushed by itself.
fn flushed(folder: &Path, versions: impl IntoIterator<Item = u8>) -> Disk {
    let mut disk = Disk::open(&folder.join("data")).unwrap();
    for version in versions {
        disk.write(written(version, Some(version)), Durability::Hard).unwrap();
    }
    disk
}

#[test]
fn a_record_that_is_cut_off_or_torn_was_never_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = flushed(folder.path(), 1..=2);
    let before = fs::metadata(folder.path().join("data.log-1")).unwrap().len();
    disk.write(written(3, Some(3)), Durability::Hard).unwrap();
    let whole = fs::read(folder.path().join("data.log-1")).unwrap();
    let before = usize::try_from(before).unwrap();
    let mut torn: Vec<_> = (before..whole.len()).map(|end| whole[..end].to_vec()).collect();
    torn.extend((before..whole.len()).map(|at| {
        let mut torn = whole.clone();
        torn[at] ^= 1;
        torn
    }));
    torn.push([&whole[..before], &[0; 100]].concat());
    for torn in torn {
        let (copy, crashed) = after_a_crash(folder.path());
        drop(crashed);
        fs::copy(folder.path().join("data"), copy.path().join("data")).unwrap();
        fs::write(copy.path().join("data.log-1"), torn).unwrap();
        let mut crashed = Disk::open(&copy.path().join("data")).unwrap();
        assert_eq!(versions(&crashed), [(1, 1), (2, 2)].into());
        // And what is written behind it is there the next time.
        crashed.write(written(5, Some(5)), Durability::Hard).unwrap();
        let (_copy, again) = after_a_crash(copy.path());
        assert_eq!(versions(&again), [(1, 1), (2, 2), (5, 5)].into());
    }
}

#[test]
fn a_log_that_is_damaged_before_a_whole_record_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.log-1");
    let mut disk = flushed(folder.path(), 1..=2);
    let last = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
    disk.write(written(3, Some(3)), Durability::Hard).unwrap();
    let (copy, _) = after_a_crash(folder.path());
    let whole = fs::read(&path).unwrap();
    let opened = |log: &[u8]| {
        fs::copy(folder.path().join("data"), copy.path().join("data")).unwrap();
        fs::write(copy.path().join("data.log-1"), log).unwrap();
        Disk::open(&copy.path().join("data"))
    };
    // Lengths and checksums among them.
    for at in 0..last {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        let refused = opened(&damaged).err().map(|error| error.to_string()).unwrap_or_default();
        let expected = "a whole record stands behind it; restore a backup of the database";
        assert!(refused.ends_with(expected), "byte {at}: {refused}");
        assert!(refused.contains("data.log-1` is damaged at byte "), "byte {at}: {refused}");
    }
    assert_eq!(versions(&opened(&whole).unwrap()), [(1, 1), (2, 2), (3, 3)].into());
}

#[test]
fn a_log_that_is_damaged_before_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = flushed(folder.path(), 1..=2);
    let (copy, mut second) = after_a_crash(folder.path());
    second.write(written(3, Some(3)), Durability::Hard).unwrap();
    drop(first);
    let (again, third) = after_a_crash(copy.path());
    assert_eq!(versions(&third), [(1, 1), (2, 2), (3, 3)].into());
    drop(third);
    fs::copy(copy.path().join("data"), again.path().join("data")).unwrap();
    let log = fs::read(copy.path().join("data.log-1")).unwrap();
    fs::write(again.path().join("data.log-1"), &log[..log.len() - 1]).unwrap();
    fs::copy(copy.path().join("data.log-2"), again.path().join("data.log-2")).unwrap();
    let refused = Disk::open(&again.path().join("data")).err().unwrap().to_string();
    assert!(refused.contains("data.log-1` is damaged at byte "), "{refused}");
    assert!(refused.contains("another log follows this one"), "{refused}");
}

#[test]
fn a_log_that_the_tree_has_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (path, log) = (folder.path().join("data"), folder.path().join("data.log-1"));
    let mut disk = flushed(folder.path(), 1..=1);
    let old = fs::read(&log).unwrap();
    for version in [None, Some(2)] {
        let mut settled = disk.settle().unwrap().run();
        disk.end_settle(&mut settled).unwrap();
        disk.write(written(1, version), Durability::Hard).unwrap();
    }
    drop(disk);
    // As if a crash had come before it was taken away.
    fs::write(&log, old).unwrap();
    assert_eq!(versions(&Disk::open(&path).unwrap()), [(1, 2)].into());
    assert!(!log.exists());
}

#[test]
fn one_that_is_closed_is_one_file_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    drop(flushed(folder.path(), 1..=3));
    let files: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let disk = Disk::open(&folder.path().join("data")).unwrap();
    assert_eq!(versions(&disk), [(1, 1), (2, 2), (3, 3)].into());
}

#[test]
fn a_file_of_before_there_was_a_log_is_read_and_one_of_another_layout_is_not() {
    for (layout, is_read) in [(LAYOUT_WITHOUT_LOG, true), ("format 2", false)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        drop(flushed(folder.path(), 1..=2));
        let file = Database::create(&path).unwrap();
        let transaction = file.begin_write().unwrap();
        transaction.open_table(MAP).unwrap().insert(LAYOUT_KEY, layout.as_bytes()).unwrap();
        transaction.commit().unwrap();
        drop(file);
        let opened = Disk::open(&path);
        if is_read {
            assert_eq!(versions(&opened.unwrap()), [(1, 1), (2, 2)].into());
        } else {
            assert!(matches!(opened, Err(OpenError::Layout { .. })));
        }
    }
}
