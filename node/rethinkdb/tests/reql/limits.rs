//! How deep, how large, how many; and what holds for a whole query.

use bigchaindb_rethinkdb::reql::{Datum, NESTING_MAX, Outcome, Request, parse, run};
use bigchaindb_rethinkdb::wire::Response;
use bigchaindb_rethinkdb::wire::numbers::ResponseType;

use crate::support::{answer, check_queries, env};

/// As many arrays as RethinkDB has been seen to take, one in the other.
const ARRAYS: usize = 60_000;

fn nested(open: &str, inner: &str, close: &str) -> String {
    format!("{}{inner}{}", open.repeat(ARRAYS), close.repeat(ARRAYS))
}

#[test]
fn arrays_nest_deep() {
    let env = env();
    let deep = nested("[2,[", "1", "]]");
    let found = answer(&env, &format!("[1,{deep}]"));
    let mut text = Vec::new();
    found.write_json(&mut text);
    assert_eq!(text, format!("{{\"t\":1,\"r\":[{}]}}", nested("[", "1", "]")).into_bytes());
    // Compared, merged, printed in an error, and dropped.
    let equal = answer(&env, &format!("[1,[17,[{deep},{deep}]]]"));
    assert_eq!(equal, Response::atom(true.into()));
    let merged = answer(&env, &format!("[1,[86,[[94,[[35,[{{}},{{\"a\":{deep}}}]]]]]]]"));
    assert_eq!(merged, Response::atom(false.into()));
    assert_eq!(answer(&env, &format!("[1,[24,[1,{deep}]]]")).kind, ResponseType::RuntimeError);
}

#[test]
fn what_nests_deeper_is_no_query() {
    let text = format!("[1,{}", "[".repeat(NESTING_MAX));
    let error = parse(text.as_bytes()).expect_err("too deep");
    assert_eq!(error.message, format!("Query nests deeper than {NESTING_MAX} levels."));
}

#[test]
fn json_text_nests_deep() {
    let text = nested("[", "1", "]");
    let found = answer(&env(), &format!("[1,[43,[[98,[\"{text}\"]]]]]"));
    assert_eq!(found, Response::atom(1.into()));
}

#[test]
fn what_holds_for_a_whole_query() {
    check_queries(
        r#"
        [1,1,{"zz":1}]                  => COMPILE [] Unrecognized global optional argument `zz`.
        [1,1,{"db":1,"db":1}]           => COMPILE [] Duplicate global optional argument: `db`.
        [1,[2,[1,2]],{"array_limit":1}] => RESOURCE_LIMIT [] Array over size limit `1`.  To raise the number of allowed elements, modify the `array_limit` option to `.run` (not available in the Data Explorer), or use an index.
        [1,[144,[[173,[6]],[69,[[2,[1]],[28,[[10,[1]],2]]]]]],{"array_limit":5}] => RESOURCE_LIMIT [] Grouped data over size limit `5`.  Try putting a reduction (like `.reduce` or `.count`) on the end.
        [1,[43,[[144,[[173,[6]],[69,[[2,[1]],[28,[[10,[1]],2]]]]]]]],{"array_limit":5}] => {"$reql_type$":"GROUPED_DATA","data":[[0,3],[1,3]]}
        [1,1,{"array_limit":0}]         => QUERY_LOGIC [] Illegal array size limit `0`.  (Must be >= 1.)
        [1,[39,[[2,[{}]],[69,[[2,[1]],[170,[[10,[1]],"a"]]]]]],{"default":true}] => []
        {"a":1}                         => CLIENT [] Server could not parse query: Expected a query to be an array, but found OBJECT.
        [1,1,1]                         => CLIENT [] Server could not parse query: Expected global optargs as an object, but found NUMBER.
        [9,1]                           => CLIENT [] Server could not parse query: Unrecognized QueryType: 9.
        ["a"]                           => CLIENT [] Server could not parse query: Expected a query type as a number, but found STRING.
        [1,2,{},4]                      => CLIENT [] Server could not parse query: Expected 1 to 3 elements in the top-level query, but found 4.
        [1, => CLIENT [] Client is buggy (failed to deserialize query).
        "#,
    );
}

#[test]
fn batches_end_where_the_query_says() {
    let query = |options: &str| {
        let text = format!("[1,[173,[20]],{options}]");
        let Ok(Request::Start(query)) = parse(text.as_bytes()) else { panic!("it starts one") };
        let Ok(Outcome::Cursor(mut cursor)) = run(&env(), query) else { panic!("it is a stream") };
        let mut batches = Vec::new();
        loop {
            let step = cursor.next_batch().expect("a range does not fail");
            let response = Response::step(step, cursor.notes()).expect("it is no feed");
            batches.push(response.results.len());
            if response.kind == ResponseType::SuccessSequence {
                return batches;
            }
        }
    };
    assert_eq!(query("{}"), [20]);
    // The first batch is a quarter of the others.
    assert_eq!(query(r#"{"max_batch_rows":8}"#), [2, 8, 8, 2]);
    let even = r#"{"max_batch_rows":8,"first_batch_scaledown_factor":1}"#;
    assert_eq!(query(even), [8, 8, 4]);
    // A batch is never smaller than this for its size.
    assert_eq!(query(r#"{"max_batch_bytes":1}"#), [2, 8, 8, 2]);
}

#[test]
fn a_client_that_wants_no_answer_is_known_before_its_query_is_looked_into() {
    let noreply = |text: &str| {
        let Ok(Request::Start(query)) = parse(text.as_bytes()) else { panic!("it starts one") };
        query.noreply()
    };
    assert!(noreply(r#"[1,[9999,[]],{"noreply":true}]"#));
    assert!(noreply(r#"[1,1,{"noreply":[1,true]}]"#));
    assert!(!noreply(r#"[1,1,{"noreply":false}]"#));
    assert!(!noreply("[1,1]"));
}

#[test]
fn an_interrupted_query_ends() {
    let env = env();
    env.interrupted.store(true, std::sync::atomic::Ordering::Relaxed);
    assert_eq!(answer(&env, "[1,[43,[[173,[1000000000]]]]]").kind, ResponseType::RuntimeError);
}

#[test]
fn values_are_documents_and_back() {
    use bigchaindb_core::model::Json;
    for text in [
        "null",
        "[true,-0.0,1,1.5,\"a\\u0000\"]",
        "{\"a\":{\"b\":[]},\"c\":9007199254740992}",
        "{\"$reql_type$\":\"TIME\",\"epoch_time\":1.5,\"timezone\":\"+01:00\"}",
        "{\"$reql_type$\":\"BINARY\",\"data\":\"aGk=\"}",
    ] {
        let json = Json::parse(text.as_bytes()).expect("it is JSON");
        let datum = Datum::try_from(&json).expect("it is a value");
        assert_eq!(datum.to_json(), text);
        assert_eq!(Json::from(&datum), json);
    }
    for text in ["NaN", "1e999", "{\"$reql_type$\":\"FOO\"}"] {
        let json = Json::parse(text.as_bytes()).expect("Python reads it");
        Datum::try_from(&json).expect_err("ReQL has no such value");
    }
}
