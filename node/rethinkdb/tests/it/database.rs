//! A database that many clients share: tables, rows and indexes as ReQL sees them.

use std::ops::Bound::{Excluded, Included, Unbounded};
use std::sync::Arc;

use bigchaindb_rethinkdb::reql::Datum;
use bigchaindb_rethinkdb::{
    Database, Direction, Durability, Element, IndexDefinition, IndexFunction, KeyRange, Settings,
    Swap, Swapped, TableId, TableOptions, Uuid,
};

use crate::language::json;

pub(crate) fn datum(text: &str) -> Datum {
    Datum::try_from(&json(text)).unwrap()
}

pub(crate) fn uuid(number: u8) -> Uuid {
    Uuid::random([number; 16])
}

/// A stand-in for ReQL's functions: `a.b` takes the field `b` of the field `a`.
pub(crate) fn compile(text: &str, multi: bool) -> Result<IndexFunction, String> {
    let path: Vec<String> = text.split('.').map(str::to_owned).collect();
    if text.is_empty() {
        return Err("an empty path".to_owned());
    }
    Ok(Arc::new(move |document: &Datum| {
        let found = path.iter().try_fold(document, |datum, name| datum.get(name));
        match found {
            Some(Datum::Array(items)) if multi => items.to_vec(),
            Some(value) => vec![value.clone()],
            None => vec![],
        }
    }))
}

pub(crate) fn settings() -> Settings {
    Settings { compile, ..Settings::default() }
}

pub(crate) fn insert(database: &Database, table: TableId, document: &str) -> bool {
    let new = datum(document);
    let key = new.get("id").unwrap().clone();
    let swap = Swap { table, key, expected: None, new: Some(new) };
    let swapped = database.swap(vec![swap], Durability::Hard).unwrap();
    matches!(swapped[..], [Swapped::Done])
}

/// All rows of a range, read two at a time.
pub(crate) fn ids(
    database: &Database,
    table: TableId,
    index: Option<&str>,
    range: &KeyRange,
    direction: Direction,
) -> String {
    let catalog = database.catalog();
    let index = index.map(|name| catalog.table_of(table).unwrap().index(name).unwrap().id);
    let (mut ids, mut last) = (Vec::new(), None);
    loop {
        let page = database.page(table, index, range, direction, last.as_ref(), 2).unwrap();
        ids.extend(page.rows.iter().map(|found| found.row.datum().get("id").unwrap().to_json()));
        last = page.rows.last().map(|found| found.place.clone()).or(last);
        if !page.more {
            return ids.join(" ");
        }
    }
}

#[test]
fn rows_are_read_by_key_and_by_index_in_both_directions() {
    let database = Database::in_memory_with(&settings());
    let table = database.create_table("test", "t", TableOptions::new(uuid(1))).unwrap().id;
    for document in [
        r#"{"id":1,"a":"x","m":[1,2,2]}"#,
        r#"{"id":2,"a":"y","m":[2]}"#,
        r#"{"id":"s","a":"x"}"#,
        r#"{"id":[1],"a":null,"m":3}"#,
    ] {
        assert!(insert(&database, table, document));
        assert!(!insert(&database, table, document), "it is there");
    }
    for (name, multi) in [("a", false), ("m", true)] {
        let definition = IndexDefinition { name: name.into(), multi, function: name.into() };
        database.create_index(table, definition).unwrap();
    }
    insert(&database, table, r#"{"id":3,"a":"x","m":[9]}"#);
    let of = |index, range: &KeyRange, direction| ids(&database, table, index, range, direction);
    let between = |from: &str, to: &str| KeyRange {
        lower: Included(datum(from)),
        upper: Excluded(datum(to)),
    };
    let (up, down) = (Direction::Ascending, Direction::Descending);
    assert_eq!(of(None, &KeyRange::ALL, up), r#"[1] 1 2 3 "s""#);
    assert_eq!(of(None, &KeyRange::ALL, down), r#""s" 3 2 1 [1]"#);
    assert_eq!(of(None, &between("1", "3"), up), "1 2");
    assert_eq!(of(None, &KeyRange::only(datum("2")), down), "2");
    assert_eq!(of(None, &between("3", "1"), up), "");
    assert_eq!(of(Some("a"), &KeyRange::ALL, up), r#"1 3 "s" 2"#);
    assert_eq!(of(Some("a"), &KeyRange::ALL, down), r#"2 "s" 3 1"#);
    assert_eq!(of(Some("a"), &KeyRange::only(datum(r#""x""#)), up), r#"1 3 "s""#);
    let behind = KeyRange { lower: Excluded(datum(r#""x""#)), upper: Unbounded };
    assert_eq!(of(Some("a"), &behind, up), "2");
    assert_eq!(of(Some("m"), &KeyRange::only(datum("2")), up), "1 1 2");
    assert_eq!(of(Some("m"), &KeyRange::ALL, down), "3 [1] 2 1 1 1");
    assert_eq!(database.count(table).unwrap(), 5);
}

#[test]
fn what_is_settled_is_in_the_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let database = Database::open(&path, &settings()).unwrap();
    let table = database.create_table("test", "t", TableOptions::new(uuid(1))).unwrap().id;
    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    for round in 1..=3 {
        insert(&database, table, &format!("{{\"id\":{round}}}"));
        assert_eq!(files(), 2, "the file, and a log");
        database.settle().unwrap();
        assert_eq!(files(), 1);
        let copy = folder.path().join("copy");
        std::fs::copy(&path, &copy).unwrap();
        let copied = Database::open(&copy, &settings()).unwrap();
        assert_eq!(copied.count(table).unwrap(), round);
        drop(copied);
        std::fs::remove_file(copy).unwrap();
    }
}

#[test]
fn the_number_of_rows_comes_to_disk_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Database::open(&folder.path().join("data"), &settings()).unwrap();
    let database = open();
    let table = database.create_table("test", "t", TableOptions::new(uuid(1))).unwrap().id;
    for number in 1..=5 {
        insert(&database, table, &format!("{{\"id\":{number}}}"));
        assert_eq!(database.count(table).unwrap(), number);
    }
    drop(database);
    assert_eq!(open().count(table).unwrap(), 5);
}

#[test]
fn a_swap_is_done_if_nothing_came_between() {
    let database = Database::in_memory();
    let table = database.create_table("test", "t", TableOptions::new(uuid(1))).unwrap().id;
    let feed = database.subscribe(table, 10, None).unwrap();
    insert(&database, table, r#"{"id":1,"n":1}"#);
    let swap = |expected, document: Option<&str>| {
        let swap = Swap { table, key: datum("1"), expected, new: document.map(datum) };
        database.swap(vec![swap], Durability::Soft).unwrap().remove(0)
    };
    let first = database.get(table, &datum("1.0")).unwrap();
    assert!(matches!(swap(first.clone(), Some(r#"{"id":1,"n":2}"#)), Swapped::Done));
    let Swapped::Conflict(Some(stands)) = swap(first, Some(r#"{"id":1,"n":3}"#)) else {
        panic!("another came between")
    };
    assert_eq!(stands.datum(), datum(r#"{"id":1,"n":2}"#));
    assert!(matches!(swap(None, None), Swapped::Conflict(Some(_))));
    assert!(matches!(swap(Some(stands.clone()), None), Swapped::Done));
    assert!(matches!(swap(Some(stands), None), Swapped::Conflict(None)));
    assert!(matches!(swap(None, None), Swapped::Done));
    assert_eq!(database.count(table).unwrap(), 0);
    let told = feed.drain().into_iter().map(|element| match element {
        Element::Change(change) => [change.old, change.new]
            .map(|row| row.map_or("-".to_owned(), |row| row.datum().get("n").unwrap().to_json())),
        Element::Skipped(_) => panic!("nothing was skipped"),
    });
    let told: Vec<_> = told.map(|sides| sides.join(">")).collect();
    assert_eq!(told, ["->1", "1>2", "2>-"]);
    database.drop_table("test", "t").unwrap();
    assert!(feed.is_closed());
    assert!(database.get(table, &datum("1")).is_err());
}
