//! What the checkers say of real federations of the original, compared with an independent tally.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use bigchaindb_core::model::{Direct, Json};
use bigchaindb_simulator::checkers::reference::{News, Reference};
use bigchaindb_simulator::checkers::{Judgement, Outcome, Settings, judge};
use bigchaindb_simulator::observe::{Member, Observed, Record, Run, election_word};

const RECORDINGS: [&str; 2] = ["original-4nodes-4tps-1shard", "original-4nodes-15tps-1shard"];

fn path(name: &str) -> String {
    format!("{}/tests/recordings/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The recording, after a record that says who the federation is: the voters of its first block.
fn read(name: &str) -> Vec<Observed> {
    let file = File::open(path(&format!("{name}.jsonl.xz"))).expect("it is in the repository");
    let mut text = String::new();
    lzma_rust2::XzReader::new(file, false).read_to_string(&mut text).expect("it is xz");
    let lines = text.lines().map(|line| Observed::parse_line(line.as_bytes()).expect(line));
    let mut records: Vec<Observed> = lines.collect();
    let voters = records.iter().find_map(|observed| match &observed.record {
        Record::Change(change) => change.new.as_ref()?.get("block")?.get("voters")?.as_array(),
        _ => None,
    });
    let nodes = voters.expect("there is a block").iter().enumerate().map(|(index, key)| {
        Member::ours(format!("n{}", index + 1), key.as_str().expect("a key").into())
    });
    let run = Run {
        scenario: name.into(),
        seed: 0,
        backend: "recording".into(),
        rules: "v0.6.0".into(),
        quirks: Vec::new(),
        byzantine: Vec::new(),
        nodes: nodes.collect(),
        started_unix_ms: 0,
        thinned: false,
    };
    records.insert(0, Observed { at_us: records[0].at_us, record: Record::Run(run) });
    records
}

fn expected(name: &str) -> Json {
    let text = std::fs::read(path(&format!("{name}.expected.json"))).expect("it is there");
    Json::parse(&text).expect("it is JSON")
}

fn texts(list: &Json) -> BTreeSet<String> {
    list.as_array().expect("a list").iter().map(|one| one.as_str().expect("text").into()).collect()
}

fn fields(object: &Json) -> impl Iterator<Item = (&str, &Json)> {
    object.as_object().expect("an object").iter()
}

#[test]
fn elections_went_as_an_independent_tally_says() {
    for name in RECORDINGS {
        let mut reference = Reference::new(Arc::new(Direct));
        let mut histories: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for observed in read(name) {
            for news in reference.observe(&observed) {
                match news {
                    News::Block(block) => {
                        histories.entry(block.to_string()).or_default();
                    }
                    News::Vote(vote) => {
                        let history = histories.entry(vote.block.to_string()).or_default();
                        if history.is_empty() {
                            history.push("undecided");
                        }
                    }
                    News::Elected { block, is, .. } => {
                        histories.entry(block.to_string()).or_default().push(election_word(is));
                    }
                    News::Listed { .. } | News::Moved(_) => {}
                }
            }
        }
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (block, history) in histories {
            found.entry(history.join(" > ")).or_default().insert(block);
        }
        let expected = expected(name);
        let expected: BTreeMap<String, BTreeSet<String>> =
            fields(expected.get("status_histories").expect("it is there"))
                .map(|(history, blocks)| (history.into(), texts(blocks)))
                .collect();
        assert_eq!(found, expected, "{name}");
    }
}

/// Judges a recording; every violation is kept in its order, so what is looked for has to be among
/// the first.
fn judged(name: &str) -> BTreeMap<String, Judgement> {
    let judgements = judge(&read(name), &Settings::default(), Arc::new(Direct)).judgements;
    judgements.into_iter().map(|judgement| (judgement.invariant.clone(), judgement)).collect()
}

#[test]
fn s8_names_exactly_the_block_whose_decision_changed() {
    for name in RECORDINGS {
        let expected = expected(name);
        let changed: BTreeSet<String> = fields(expected.get("status_histories").expect("there"))
            .filter(|(history, _)| history.matches("valid").count() > 1)
            .flat_map(|(_, blocks)| texts(blocks))
            .collect();
        let blocks = match &judged(name)["S8"].outcome {
            Outcome::Fail { violations, .. } => {
                violations.iter().flat_map(|violation| violation.blocks.clone()).collect()
            }
            Outcome::Pass => BTreeSet::new(),
            other => panic!("{other:?}"),
        };
        assert_eq!(blocks, changed, "{name}");
    }
}

#[test]
fn s2_names_exactly_the_transactions_in_several_valid_blocks() {
    for name in RECORDINGS {
        let expected = expected(name);
        let several: BTreeMap<String, BTreeSet<String>> =
            fields(expected.get("transactions_in_several_valid_blocks").expect("it is there"))
                .map(|(transaction, blocks)| (transaction.into(), texts(blocks)))
                .collect();
        let twice = texts(expected.get("transactions_twice_in_one_block").expect("it is there"));
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let outcome = &judged(name)["S2"].outcome;
        if let Outcome::Fail { count, violations } = outcome {
            assert_eq!(*count, violations.len() as u64, "{name}: all are kept");
            for violation in violations {
                let transaction = violation.transaction.clone().expect("S2 is about one");
                if violation.blocks.len() > 1 {
                    found.entry(transaction).or_default().extend(violation.blocks.clone());
                } else {
                    assert!(twice.contains(&transaction), "{name}: {}", violation.what);
                }
            }
        }
        assert_eq!(found, several, "{name}: {outcome:?}");
    }
}

#[test]
fn a_stored_recording_judged_again_gives_the_same_verdicts() {
    let records = read(RECORDINGS[0]);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("observations.jsonl");
    let mut log = bigchaindb_simulator::observe::Log::create(&path).expect("a file");
    for observed in &records {
        log.append(observed.at_us, observed.record.clone());
    }
    log.close().expect("it can be written");
    let stored = bigchaindb_simulator::observe::read(&path).expect("it can be read");
    let verdicts =
        |records: &[Observed]| judge(records, &Settings::default(), Arc::new(Direct)).judgements;
    assert_eq!(verdicts(&stored), verdicts(&records));
}
