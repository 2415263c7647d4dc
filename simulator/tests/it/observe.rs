//! The observation log: what is written comes back, and equal records give equal bytes.

use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::{BlockId, Json, NodeKey, TxId};
use bigchaindb_core::rules::Election;
use bigchaindb_core::stages::Levels;
use bigchaindb_simulator::observe::{
    self, Act, Befell, Call, Change, Counter, Decided, Deed, Done, End, Fault, FinalRow, Gauge,
    Kind, Log, Member, NodeEvent, Observed, OldRow, Operation, Owned, OwnedOutput, Phase, Record,
    Run, Stored, Table, What,
};

fn json(text: &str) -> Arc<Json> {
    Arc::new(Json::parse(text.as_bytes()).expect("written by hand"))
}

/// One of each kind, with its line.
fn one_of_each() -> Vec<(Record, &'static str)> {
    let guest =
        Member { rules: Some("v0.6.0".into()), external: true, ..Member::ours("g", "K2".into()) };
    let run = Run {
        scenario: "a \"quoted\" name".into(),
        seed: u64::MAX,
        backend: "sim".into(),
        rules: "default".into(),
        quirks: vec!["blind".into()],
        byzantine: vec!["n4".into(), "n5".into()],
        nodes: vec![Member::ours("n1", NodeKey::from("K1")), guest],
        started_unix_ms: 1_472_688_000_000,
        thinned: false,
    };
    let operation = Operation {
        number: 3,
        process: 0,
        kind: Kind::Ok,
        call: Call::Post,
        what: What::Create,
        node: "n1".into(),
        tx: Some(TxId::from("ab")),
        intended_us: 12,
        http: Some(201),
        value: None,
        document: None,
    };
    let asked = Operation {
        kind: Kind::Info,
        call: Call::Status,
        what: What::Probe,
        tx: None,
        http: None,
        value: Some("timed out\n".into()),
        ..operation.clone()
    };
    let refused = Operation {
        kind: Kind::Fail,
        http: Some(400),
        value: Some("no".into()),
        document: Some(json(r#"{"id":"ab"}"#)),
        ..operation.clone()
    };
    let row = json(r#"{"id":"r","n":1.0}"#);
    let other = json(r#"{"id":"r","n":2}"#);
    let entry = json(r#"{"id":0,"block":"b"}"#);
    let fault =
        Fault { number: 1, kind: "kill".into(), phase: Phase::Applied, target: "n2".into() };
    let decided =
        Decided { node: "n1".into(), block: BlockId::from("b"), election: Election::Undecided };
    let befell = NodeEvent { node: "n1".into(), event: Befell::Log, text: "tab\t".into() };
    let levels = Levels {
        undecided: 1,
        backlog: 2,
        mine: 3,
        oldest: Some(Duration::from_millis(1500)),
        api: 4,
        block: 5,
        vote: 6,
        election: 7,
        stale: 8,
    };
    let gauge = Gauge { node: "n1".into(), levels, questions: 9 };
    let output = |(txid, cid): (&str, u64)| OwnedOutput { txid: TxId::from(txid), cid };
    let owned = [("ab", 1), ("cd", 0)].map(output).to_vec();
    vec![
        (
            Record::Run(run),
            r#""record":"run","scenario":"a \"quoted\" name","seed":18446744073709551615,"backend":"sim","rules":"default","quirks":["blind"],"byzantine":["n4","n5"],"nodes":[{"name":"n1","key":"K1"},{"name":"g","key":"K2","rules":"v0.6.0","external":true}],"started_unix_ms":1472688000000"#,
        ),
        (
            Record::Operation(operation),
            r#""record":"operation","number":3,"process":0,"kind":"ok","call":"post","what":"create","node":"n1","tx":"ab","intended_us":12,"http":201,"value":null"#,
        ),
        (
            Record::Operation(asked),
            r#""record":"operation","number":3,"process":0,"kind":"info","call":"status","what":"probe","node":"n1","tx":null,"intended_us":12,"http":null,"value":"timed out\n""#,
        ),
        (
            Record::Operation(refused),
            r#""record":"operation","number":3,"process":0,"kind":"fail","call":"post","what":"create","node":"n1","tx":"ab","intended_us":12,"http":400,"value":"no","document":{"id":"ab"}"#,
        ),
        (
            Record::Act(Act {
                node: "n4".into(),
                act: "edit".into(),
                table: Table::Votes,
                key: "r".into(),
            }),
            r#""record":"act","node":"n4","act":"edit","table":"votes","key":"r""#,
        ),
        (
            Record::Gauge(gauge),
            r#""record":"gauge","node":"n1","undecided":1,"backlog":2,"mine":3,"oldest_us":1500000,"api":4,"block":5,"vote":6,"election":7,"stale":8,"questions":9"#,
        ),
        (
            Record::Gauge(Gauge { node: "n1".into(), levels: Levels::default(), questions: 0 }),
            r#""record":"gauge","node":"n1","undecided":0,"backlog":0,"mine":0,"oldest_us":null,"api":0,"block":0,"vote":0,"election":0,"stale":0,"questions":0"#,
        ),
        (
            Record::Owned(Owned { node: "n1".into(), owner: "K".into(), outputs: Ok(owned) }),
            r#""record":"owned","node":"n1","owner":"K","outputs":[{"txid":"ab","cid":1},{"txid":"cd","cid":0}]"#,
        ),
        (
            Record::Owned(Owned {
                node: "n1".into(),
                owner: "K".into(),
                outputs: Err("UnboundLocalError".into()),
            }),
            r#""record":"owned","node":"n1","owner":"K","error":"UnboundLocalError""#,
        ),
        (
            Record::Stored(Stored {
                number: 7,
                node: "n1".into(),
                kind: Kind::Ok,
                deed: Deed::Update,
                table: Table::Backlog,
                key: "ab".into(),
                from: Some("K1".into()),
                value: Some("K2".into()),
                done: Some(Done::Changed),
            }),
            r#""record":"stored","number":7,"node":"n1","kind":"ok","deed":"update","table":"backlog","key":"ab","from":"K1","value":"K2","done":"changed""#,
        ),
        (
            Record::Counter(Counter { node: "n1".into(), name: "vote.cast".into(), value: 3 }),
            r#""record":"counter","node":"n1","name":"vote.cast","value":3"#,
        ),
        (
            Record::Change(Change::of(Table::Votes, None, Some(&row))),
            r#""table":"votes","old":false,"old_id":null,"new_val":{"id":"r","n":1.0}"#,
        ),
        (
            Record::Change(Change::of(Table::Backlog, Some(&row), Some(&other))),
            r#""table":"backlog","old":true,"old_id":"r","old_val":{"id":"r","n":1.0},"new_val":{"id":"r","n":2}"#,
        ),
        (
            Record::Change(Change::of(Table::Positions, Some(&entry), None)),
            r#""table":"positions","old":true,"old_id":"0","new_val":null"#,
        ),
        (
            Record::Fault(fault),
            r#""record":"fault","number":1,"kind":"kill","phase":"applied","target":"n2""#,
        ),
        (
            Record::Decided(decided),
            r#""record":"decided","node":"n1","block":"b","election":"undecided""#,
        ),
        (Record::Node(befell), r#""record":"node","node":"n1","event":"log","text":"tab\t""#),
        (
            Record::Final(FinalRow { table: Table::Bigchain, row: json(r#"{"id":"b"}"#) }),
            r#""record":"final","table":"bigchain","row":{"id":"b"}"#,
        ),
        (
            Record::End(End { shortfalls: vec!["load slipped".into()] }),
            r#""record":"end","shortfalls":["load slipped"]"#,
        ),
    ]
}

#[test]
fn every_record_has_its_line_and_comes_back() {
    for (record, fields) in one_of_each() {
        let observed = Observed { at_us: 61_000_002, record };
        let mut line = String::new();
        observed.write_line(&mut line);
        assert_eq!(line, format!("{{\"at\":61.000002,{fields}}}\n"));
        assert_eq!(Observed::parse_line(line.as_bytes()).unwrap(), observed, "{line}");
    }
}

#[test]
fn a_run_of_an_older_log_has_no_quirks_and_no_byzantine_members() {
    let line = r#"{"at":0,"record":"run","scenario":"s","seed":1,"backend":"sim","rules":"default","nodes":[],"started_unix_ms":0}"#;
    let Record::Run(run) = Observed::parse_line(line.as_bytes()).unwrap().record else {
        panic!("a run")
    };
    assert_eq!((run.quirks, run.byzantine), (Vec::new(), Vec::new()));
}

#[test]
fn a_line_of_a_recording_is_a_change() {
    let line = r#"{"at": 1795340971.5785553, "table": "backlog", "old": true, "new_val": null, "old_id": "08ed"}"#;
    let deleted = Change {
        table: Table::Backlog,
        old: Some(OldRow { id: "08ed".into(), row: None }),
        new: None,
    };
    let expected = Observed { at_us: 1_795_340_971_578_555, record: Record::Change(deleted) };
    assert_eq!(Observed::parse_line(line.as_bytes()).unwrap(), expected);
}

#[test]
fn what_is_no_record_is_refused_with_the_field() {
    const REFUSED: &str = r#"
        not JSON                                          | not JSON
        {}                                                | `at` is missing or not what it should be
        {"at":-1,"record":"end","shortfalls":[]}          | `at` is missing or not what it should be
        {"at":0,"record":"joy"}                           | `record` is missing or not what it should be
        {"at":0,"table":"votes","new_val":null}           | `old` is missing or not what it should be
        {"at":0,"table":"vote","old":false,"new_val":{}}  | `table` is missing or not what it should be
        {"at":0,"record":"decided","node":"n1","block":"b","election":"won"} | `election` is missing or not what it should be
    "#;
    for case in REFUSED.lines().map(str::trim).filter(|case| !case.is_empty()) {
        let (line, error) = case.split_once(" | ").unwrap();
        let refused = Observed::parse_line(line.as_bytes()).unwrap_err();
        assert_eq!(refused.to_string(), error.trim(), "{line}");
    }
}

#[test]
fn a_stored_log_is_read_back_and_its_digest_covers_every_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("observations.jsonl");
    let mut log = Log::create(&path).unwrap();
    let mut same = Log::new();
    for (at_us, (record, _)) in one_of_each().into_iter().enumerate() {
        log.append(at_us as u64, record.clone());
        same.append(at_us as u64, record);
    }
    log.close().unwrap();
    assert_eq!(observe::read(&path).unwrap(), log.records());
    assert_eq!(log.digest(), same.digest());
    let golden = "f8f658b5c6e901813c2efc8b12f67b12df559fe45f86090f366472164a9e2def";
    assert_eq!(log.digest(), golden, "the bytes of the log are a format; change it knowingly");
    same.append(99, Record::End(End::default()));
    assert_ne!(log.digest(), same.digest());
}

#[test]
fn an_unreadable_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("torn.jsonl");
    std::fs::write(&path, "{\"at\":0,\"record\":\"end\",\"shortfalls\":[]}\n{\"at\":").unwrap();
    let error = observe::read(&path).unwrap_err().to_string();
    assert_eq!(error, format!("{}:2: not a record", path.display()));
}

#[test]
fn a_run_that_begins_within_a_second_is_in_the_next_one_sooner() {
    let run = Run {
        scenario: "late".into(),
        seed: 1,
        backend: "processes".into(),
        rules: "default".into(),
        quirks: Vec::new(),
        byzantine: Vec::new(),
        nodes: Vec::new(),
        started_unix_ms: 1_472_688_000_699,
        thinned: false,
    };
    for (at_us, unix_s) in [
        (0, 1_472_688_000),
        (300_999, 1_472_688_000),
        (301_000, 1_472_688_001),
        (24_376_301, 1_472_688_025),
    ] {
        assert_eq!(run.unix_s(at_us), unix_s, "{at_us}");
    }
}
