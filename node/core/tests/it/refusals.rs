//! What the `default` rules refuse in a document alone, and the words a client hears.

use std::slice::from_ref;
use std::sync::Arc;

use bigchaindb_core::model::{Block, Json, Keypair, Profile, Transaction};
use bigchaindb_core::rules::{Election, Facts};

use crate::sample::{
    NOW, block, create, federation, keypair, place, rows, rules, transfer, verdict,
};

/// What is set to what in a TRANSFER; and the refusal.
const TRANSFERS: &str = r#"
    field | value | refusal
    | | ok
    .id | "0" | the id is not the hash of the transaction, …
    .assignee | "x" | document: has the unknown field `assignee`
    .transaction.extra | 1 | transaction: has the unknown field `extra`
    .transaction.version | 2 | transaction.version: has to be 1
    .transaction.version | true | transaction.version: has to be 1
    .transaction.operation | "TRANSFORM" | transaction.operation: has to be CREATE or TRANSFER
    .transaction.operation | "CREATE" | transaction.fulfillments[0].input: has to be null in a CREATE
    .transaction.timestamp | 1472731200 | transaction.timestamp: has to be Unix seconds in a string
    .transaction.timestamp | "1472731200.5" | transaction.timestamp: has to be Unix seconds in a string
    .transaction.timestamp | "" | transaction.timestamp: has to be Unix seconds in a string
    .transaction.timestamp | "1472731201" | the id is not the hash of the transaction, …
    .transaction.data | null | transaction.data: has to be an object
    .transaction.data.uuid | null | transaction.data.uuid: has to be a string
    .transaction.data.payload | [] | transaction.data.payload: has to be an object or null
    .transaction.fulfillments | [] | transaction.fulfillments: has to be an array, and not empty
    .transaction.fulfillments.0.fid | 1 | transaction.fulfillments[0].fid: has to be 0, the place in the list
    .transaction.fulfillments.0.fid | false | transaction.fulfillments[0].fid: has to be 0, the place in the list
    .transaction.fulfillments.0.input | null | transaction.fulfillments[0].input: has to be an object
    .transaction.fulfillments.0.input.extra | 1 | transaction.fulfillments[0].input: has the unknown field `extra`
    .transaction.fulfillments.0.input.cid | -1 | transaction.fulfillments[0].input.cid: has to be an integer from 0 on
    .transaction.fulfillments.0.input.cid | false | transaction.fulfillments[0].input.cid: has to be an integer from 0 on
    .transaction.fulfillments.0.input.txid | "c" | transaction.fulfillments[0].input.txid: has to be a transaction's id: 64 lower-case hex digits
    .transaction.fulfillments.0.owners_before | "x" | transaction.fulfillments[0].owners_before: has to be an array of strings
    .transaction.fulfillments.0.fulfillment | null | fulfillment 0 cannot be read: it is not signed
    .transaction.fulfillments.0.fulfillment | "cf:4:" | fulfillment 0 cannot be read: Tried to read 32 bytes, but only 0 bytes available
    .transaction.fulfillments.0.fulfillment | "cf:0:" | the fulfillment of …
    .transaction.conditions | [] | transaction.conditions: has to be an array of 1, as there are fulfillments
    .transaction.conditions.0.cid | 1 | transaction.conditions[0].cid: has to be 0, the place in the list
    .transaction.conditions.0.owners_after | [1] | transaction.conditions[0].owners_after: has to be an array of strings
    .transaction.conditions.0.condition.uri | "cc" | transaction.conditions[0].condition.uri: Invalid condition format
    .transaction.conditions.0.condition.uri | "cc:1:25:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU:3" | transaction.conditions[0].condition.uri: Type 1 is not supported
    .transaction.conditions.0.condition.details | 1 | transaction.conditions[0].condition.details: has to be an object or null
    .transaction.data.payload.a | "\u0000" | transaction.data.payload.a: contains U+0000, behind which nothing is kept or signed
    .transaction.data.payload.a | {"\u0000": 1} | transaction.data.payload.a.\0: contains U+0000, behind which nothing is kept or signed
    .transaction.data.payload.a | 9007199254740993 | transaction.data.payload.a: is an integer beyond ±2^53, which is kept inexactly
    .transaction.data.payload.a | 1e400 | transaction.data.payload.a: is no finite number, which is not kept at all
    .transaction.data.payload.a | [1.5, 1.0] | transaction.data.payload.a[1]: is the whole number 1 written as a float, which comes back as an integer
    .transaction.data.payload.a | {"$reql_type$": "TIME"} | transaction.data.payload.a.$reql_type$: is a key that the store keeps for itself
"#;

#[test]
fn a_refusal_names_the_place_and_the_reason() {
    let input = create("input", Json::Null);
    let mut facts = Facts::default();
    place(&mut facts, &input, Election::Valid);
    let good = transfer_with_payload(&input);
    for row in rows(TRANSFERS) {
        let [field, value, refusal] = row[..] else { panic!("three cells: {row:?}") };
        let mut document = good.document().clone();
        set(&mut document, field, value);
        let transaction = Transaction::from_document(document).unwrap();
        let got = verdict(Profile::Default, &transaction, &facts, NOW);
        let got = got.map_or_else(|error| error.to_string(), |()| "ok".into());
        assert!(agrees(&got, refusal), "{field} = {value}\n got {got}\nwant {refusal}");
    }
}

#[test]
fn what_survives_the_store_is_accepted() {
    for payload in ["{}", r#"{"é": "日本 😀"}"#, r#"{"a": [-0.0, 0.1, 1e-7, 9007199254740992]}"#]
    {
        let payload = Json::parse(payload.as_bytes()).unwrap();
        let transaction = create("x", payload);
        assert_eq!(verdict(Profile::Default, &transaction, &Facts::default(), NOW), Ok(()));
    }
}

#[test]
fn nesting_and_length_have_a_limit() {
    let nested = |depth: usize| {
        let list = "[".repeat(depth) + &"]".repeat(depth);
        create("x", Json::parse(format!(r#"{{"a": {list}}}"#).as_bytes()).unwrap())
    };
    // The document, its transaction, data and payload are four levels.
    let judge = |one: &Transaction| verdict(Profile::Default, one, &Facts::default(), NOW);
    assert_eq!(judge(&nested(76)), Ok(()));
    assert!(judge(&nested(77)).unwrap_err().to_string().ends_with("nested deeper than 80 levels"));
    let long = |length| create("x", Json::object([("a", vec![Json::Null; length].into())]));
    assert_eq!(judge(&long(100_000)), Ok(()));
    assert!(judge(&long(100_001)).unwrap_err().to_string().contains("more than 100000 items"));
}

#[test]
fn an_input_is_named_once() {
    let input = create("input", Json::Null);
    let mut facts = Facts::default();
    place(&mut facts, &input, Election::Valid);
    let twice = transfer(&[input.clone(), input], "twice");
    let refusal = verdict(Profile::Default, &twice, &facts, NOW).unwrap_err();
    assert_eq!(refusal.to_string(), "transaction.fulfillments: names an input more than once");
    // The original takes it.
    assert_eq!(verdict(Profile::Original, &twice, &facts, NOW), Ok(()));
}

/// What is set to what in a block, which is then sealed again where that says `sealed`; and the refusal.
const BLOCKS: &str = r#"
    field | value | seal | refusal
    | | | ok
    .id | "0" | | the id is not the hash of the block, …
    .signature | "" | | the block is not signed by …
    .signature | null | | the block is not signed by …
    .extra | 1 | | document: has other fields than the documented ones
    .block.extra | 1 | sealed | block: has other fields than the documented ones
    .block.timestamp | "x" | sealed | block.timestamp: has to be Unix seconds in a string
    .block.timestamp | "1472731201" | | the id is not the hash of the block, …
    .block.timestamp | "1472731201" | sealed | ok
    .block.node_pubkey | "x" | sealed | only federation nodes can create blocks, and x is none
    .block.voters | [] | | the id is not the hash of the block, …
    .block.voters | [] | sealed | the block's voters are not exactly the 4 members of the federation
    .block.voters.0 | "x" | sealed | the block's voters are not exactly the 4 members of the federation
    .block.transactions | [] | sealed | the block holds 0 transactions; 1 to 1000 are allowed
"#;

#[test]
fn a_block_is_well_formed_or_refused() {
    let good = block(vec![create("a", Json::Null), create("b", Json::Null)]);
    for row in rows(BLOCKS) {
        let [field, value, seal, refusal] = row[..] else { panic!("four cells: {row:?}") };
        let mut document = good.document().clone();
        set(&mut document, field, value);
        if seal == "sealed" {
            document = sealed(document, &keypair(0));
        }
        let got = refusal_of(&Block::from_document(document).unwrap());
        assert!(agrees(&got, refusal), "{field} = {value}\n got {got}\nwant {refusal}");
    }
}

#[test]
fn what_a_blocks_id_does_not_cover_says_nothing_of_the_block() {
    let good = block(vec![create("a", Json::Null)]);
    let is_final = |field: &str, value: &str, seals: bool| {
        let mut document = good.document().clone();
        set(&mut document, field, value);
        if seals {
            document = sealed(document, &keypair(0));
        }
        let block = Block::from_document(document).unwrap();
        let checked = rules(Profile::Default).check_block(&block, &federation(4));
        checked.unwrap_err().is_final()
    };
    for (field, value) in [(".extra", "1"), (".signature", r#""""#), (".block.voters", "[]")] {
        assert!(!is_final(field, value, false), "{field} = {value}");
    }
    assert!(is_final(".block.voters", "[]", true));
    assert!(is_final(".block.transactions", "[]", true));
}

#[test]
fn a_block_holds_together() {
    let (one, other) = (create("a", Json::Null), create("b", Json::Null));
    let rivals = [transfer(from_ref(&one), "c"), transfer(from_ref(&one), "d")];
    let refused = |transactions: Vec<Arc<Transaction>>| refusal_of(&block(transactions));
    assert_eq!(refused(vec![one.clone(), other.clone()]), "ok");
    assert!(refused(vec![one.clone(), other, one.clone()]).ends_with("more than once"));
    assert!(refused(rivals.to_vec()).ends_with("/0 is spent in the block more than once"));
    assert!(refused(vec![one; 1001]).starts_with("the block holds 1001 transactions"));
}

#[test]
fn genesis_comes_first_and_alone() {
    let genesis = Block::genesis(&keypair(0), federation(4).voters(), NOW, "uuid").unwrap();
    let check_genesis = |block: &Block| {
        let checked = rules(Profile::Default).check_genesis(block, &federation(4));
        checked.map_or_else(|error| error.to_string(), |()| "ok".into())
    };
    assert_eq!(check_genesis(&genesis), "ok");
    assert!(refusal_of(&genesis).starts_with("a GENESIS transaction is the only one"));
    assert!(check_genesis(&block(vec![create("a", Json::Null)])).starts_with("a GENESIS"));
    let foreign = Block::genesis(&keypair(9), federation(4).voters(), NOW, "uuid").unwrap();
    assert!(check_genesis(&foreign).starts_with("only federation nodes"));
    let transaction = &genesis.transactions()[0];
    let refusal = verdict(Profile::Default, transaction, &Facts::default(), NOW).unwrap_err();
    assert!(refusal.to_string().contains("GENESIS belongs into the first block only"));
}

fn refusal_of(block: &Block) -> String {
    let checked = rules(Profile::Default).check_block(block, &federation(4));
    checked.map_or_else(|error| error.to_string(), |()| "ok".into())
}

/// Gives a block document the id and signature it should have.
fn sealed(mut document: Json, node: &Keypair) -> Json {
    use bigchaindb_core::model::{keccak256_hex, to_base58};
    let text = document.get("block").unwrap().canonical().unwrap();
    *document.get_mut("id").unwrap() = keccak256_hex(text.as_bytes()).into();
    *document.get_mut("signature").unwrap() = to_base58(&node.sign(text.as_bytes())).into();
    document
}

fn transfer_with_payload(input: &Arc<Transaction>) -> Arc<Transaction> {
    let previous = [input.clone()];
    let mut draft = crate::sample::transfer_draft(&previous, "transfer");
    draft.payload = Json::object([("a", Json::from("b"))]);
    crate::sample::sign(&draft.transaction().unwrap(), &previous)
}

/// Sets the field at a path like `.transaction.conditions.0.cid`.
fn set(document: &mut Json, path: &str, value: &str) {
    let Some((parent, name)) = path.rsplit_once('.') else { return };
    let value = Json::parse(value.as_bytes()).unwrap();
    let mut place = document;
    for step in parent.split('.').skip(1) {
        place = match place {
            Json::Array(items) => &mut items[step.parse::<usize>().unwrap()],
            other => other.get_mut(step).unwrap(),
        };
    }
    match place {
        Json::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        Json::Object(fields) => drop(fields.insert(name, value)),
        _ => panic!("{path} leads nowhere"),
    }
}

/// `…` stands for whatever comes at the end.
fn agrees(got: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('…') {
        Some(start) => got.starts_with(start),
        None => got == wanted,
    }
}
