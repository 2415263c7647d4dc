//! The published schema of `results.json`: it is that of the types, real results keep to it, and what
//! does not keep to it is refused. The judge is a validator that is none of ours.

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use serde_json::{Value, json};

use crate::runs;

const PUBLISHED: &str = include_str!("../../results.schema.json");

#[test]
fn the_published_schema_is_that_of_the_types() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/results.schema.json");
    let schema = bigchaindb_reports::schema();
    if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
        std::fs::write(file, &schema).unwrap();
        return;
    }
    assert!(schema == PUBLISHED, "{file} is old: run this test once more with INSTA_UPDATE=always");
}

/// A validator that has the published schema.
fn published() -> (Schemas, SchemaIndex) {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.set_default_draft(Draft::V2020_12);
    let schema = serde_json::from_str(PUBLISHED).expect("the schema is JSON");
    compiler.add_resource("results.schema.json", schema).expect("a resource");
    let index = compiler.compile("results.schema.json", &mut schemas).expect("the schema is one");
    (schemas, index)
}

#[test]
fn results_written_by_hand_keep_to_it() {
    let (schemas, index) = published();
    for results in [runs::passed(), runs::failed(), runs::empty(), runs::hostile()] {
        let results = serde_json::to_value(results).unwrap();
        schemas.validate(&results, index).unwrap_or_else(|error| panic!("{error:#}"));
    }
}

#[test]
fn results_of_a_real_run_keep_to_it() {
    use bigchaindb_simulator::{plan, run::run, scenario::Scenario};
    let text = "name = 'a crash'\n[[load]]\nfor = '8s'\n\
                arrivals = { kind = 'constant', rate = '20/s' }\n\
                [[fault]]\ndo = 'kill'\nat = '3s'\ntarget = 'n2'\nrestart_after = '2s'";
    let scenario = Scenario::parse("crash.toml", text, None).unwrap();
    let plan = std::sync::Arc::new(plan::make(&scenario, 1).unwrap());
    let results = run(&plan, None, String::new(), std::collections::BTreeMap::new()).unwrap();
    let votes = results.votes.as_ref().unwrap();
    let cast: u64 = votes.nodes.iter().map(|node| node.valid).sum();
    assert!(cast > results.measures.counts.blocks_valid * 2, "{votes:?}");
    assert_eq!(votes.nodes[0].seconds.len(), results.measures.seconds.len());
    assert_eq!(results.met["kill"].verified, 1);
    assert_eq!(results.links.unwrap().latency_us, 250);
    let (schemas, index) = published();
    let results = serde_json::to_value(results).unwrap();
    schemas.validate(&results, index).unwrap_or_else(|error| panic!("{error:#}"));
}

#[test]
fn what_does_not_keep_to_it_is_refused() {
    let (schemas, index) = published();
    let cases: [(&str, Value); 6] = [
        ("/version", json!(2)),
        ("/seed", json!(-1)),
        ("/verdict", json!("perhaps")),
        ("/measures/seconds/3/backlog", json!("three")),
        ("/invariants/0/outcome/result", json!("maybe")),
        ("/faults/1/applied_us", json!(0.5)),
    ];
    let good = serde_json::to_value(runs::failed()).unwrap();
    for (place, value) in cases {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value;
        assert!(schemas.validate(&bad, index).is_err(), "{place}");
    }
    for missing in ["digest", "measures", "invariants"] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(missing).unwrap();
        assert!(schemas.validate(&bad, index).is_err(), "without {missing}");
    }
}
