//! Documents from anybody: what is tampered with is refused, and nothing panics.

use std::sync::{Arc, LazyLock};

use bigchaindb_core::model::{
    Block, Draft, Json, Keypair, Memo, Profile, SignatureCheck, Strictness, Transaction, Vote,
    verify,
};
use bigchaindb_core::query::VoteRow;
use bigchaindb_core::rules::{Case, ConsensusRules, DefaultRules, Election, Facts};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::any;
use crate::sample::{
    NOW, block, create, federation, keypair, named_block, place, rows, rules, transfer, verdict,
    vote_row,
};

/// A TRANSFER of two inputs, with the facts that make it valid.
static VALID_TRANSFER: LazyLock<(Arc<Transaction>, Facts)> = LazyLock::new(|| {
    let inputs = [create("a", Json::Null), create("b", Json::Null)];
    let mut facts = Facts::default();
    inputs.iter().for_each(|input| place(&mut facts, input, Election::Valid));
    (transfer(&inputs, "c"), facts)
});

/// An `input`, and the output it names: `cid`, and whether it says something odd besides.
const INPUTS: &str = r#"
    input | cid | odd
    {"txid": "a", "cid": 1} | 1 | no
    {"txid": "a", "cid": 1.0} | 1 | no
    {"txid": "a", "cid": -1} | -1 | no
    {"txid": "a", "cid": 1.5} | 0 | yes
    {"txid": "a", "cid": 1e300} | 0 | yes
    {"txid": "a", "cid": NaN} | 0 | yes
    {"txid": "a", "cid": true} | 0 | yes
    {"txid": "a", "cid": 99999999999999999999} | 0 | yes
    {"txid": "a", "cid": 1, "x": 1} | 1 | yes
    {"txid": "a"} | 0 | yes
    {"txid": 1, "cid": 1} | 1 | yes
    "a" | 0 | yes
"#;

#[test]
fn an_odd_input_is_another_output() {
    for row in rows(INPUTS) {
        let [input, cid, odd] = row[..] else { panic!("three cells: {row:?}") };
        let text = format!(
            r#"{{"id": "b", "transaction": {{"fulfillments": [{{"input": null}}, {{"input": {input}}}]}}}}"#
        );
        let document = Json::parse(text.as_bytes()).unwrap();
        let transaction = Transaction::from_document(document).unwrap();
        let [output] = transaction.inputs() else { panic!("one input is not null") };
        assert_eq!(output.cid.to_string(), cid, "{input}");
        assert_eq!(if output.oddity.is_some() { "yes" } else { "no" }, odd, "{input}");
    }
}

proptest! {
    #[test]
    fn a_tampered_byte_is_refused(at in any::<Index>(), byte in any::<u8>()) {
        let (transaction, facts) = &*VALID_TRANSFER;
        prop_assert_eq!(verdict(Profile::Default, transaction, facts, NOW), Ok(()));
        let mut bytes = transaction.document().canonical().unwrap().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let Ok(document) = Json::parse(&bytes) else { return Ok(()) };
        let Ok(tampered) = Transaction::from_document(document) else { return Ok(()) };
        let got = verdict(Profile::Default, &tampered, facts, NOW);
        prop_assert_eq!(got.is_ok(), tampered == **transaction);
    }

    #[test]
    fn what_is_made_is_valid(
        owners in prop::collection::vec(100_u8..105, 1..4),
        payload in prop::collection::btree_map(any::text(), any::text(), 0..5),
        inputs in 1_usize..4,
    ) {
        let payload = payload.into_iter().map(|(name, text)| (name.into(), Json::from(text)));
        let payload = Json::Object(payload.collect());
        let node = keypair(0);
        let owners_after: Vec<_> =
            owners.iter().map(|owner| keypair(*owner).public().to_string()).collect();
        let mut facts = Facts::default();
        let mut previous = Vec::new();
        for number in 0..inputs {
            let uuid = format!("input {number}");
            let draft = Draft::create(node.public(), owners_after.clone(), uuid, NOW);
            let draft = Draft { payload: payload.clone(), ..draft };
            let unsigned = draft.transaction().unwrap();
            let create = unsigned.sign(&[&node], Profile::Default, &|_| None).unwrap();
            prop_assert_eq!(verdict(Profile::Default, &create, &Facts::default(), NOW), Ok(()));
            let create = Arc::new(create);
            place(&mut facts, &create, Election::Valid);
            previous.push(create);
        }
        let keys: Vec<_> = owners.iter().map(|owner| keypair(*owner)).collect();
        let outputs = previous.iter().map(|one| crate::sample::first_output(one)).collect();
        let draft = Draft::transfer(owners_after, vec![crate::sample::owner(110)], outputs, "x", NOW);
        let draft = Draft { payload, ..draft };
        let find = |id: &_| previous.iter().find(|one| one.id() == id).cloned();
        let keys: Vec<&Keypair> = keys.iter().collect();
        let transfer = draft.transaction().unwrap().sign(&keys, Profile::Default, &find).unwrap();
        prop_assert_eq!(verdict(Profile::Default, &transfer, &facts, NOW), Ok(()));
        // What the original's clients make, the original's rules take: of ASCII, at least.
        if transfer.document().to_string().is_ascii() {
            prop_assert_eq!(verdict(Profile::Original, &transfer, &facts, NOW), Ok(()));
        }
    }

    #[test]
    fn no_document_makes_the_rules_panic(
        edits in prop::collection::vec((any::<Index>(), edit()), 1..4),
        harms in prop::option::weighted(0.3, any::harms()),
        kind in 0..3,
    ) {
        let (transaction, facts) = &*VALID_TRANSFER;
        let whole = match kind {
            0 => transaction.document().clone(),
            1 => block(vec![create("d", Json::Null), transaction.clone()]).document().clone(),
            _ => vote_row(&named_block("b"), 1, &named_block("a"), true, 0).vote.document().clone(),
        };
        let mut document = whole;
        for (place, edit) in &edits {
            document = edited(document, *place, edit);
        }
        if let Some(harms) = harms {
            let bytes = any::harm(document.to_string().into_bytes(), &harms);
            let Ok(harmed) = Json::parse(&bytes) else { return Ok(()) };
            document = harmed;
        }
        put_to_all(document, facts);
    }

    #[test]
    fn a_memory_of_signatures_says_what_verifying_says(
        questions in prop::collection::vec((0_u8..3, 0_u8..3, 0_u8..3, any::<bool>()), 1..40),
    ) {
        let memo = Memo::new(3);
        for (key, message, signer, strict) in questions {
            let strictness = if strict { Strictness::Strict } else { Strictness::Original };
            let (public, message) = (keypair(key).public_bytes(), [message; 5]);
            let signature = keypair(signer).sign(&message);
            let answer = memo.verify(&public, &message, &signature, strictness);
            prop_assert_eq!(answer, verify(&public, &message, &signature, strictness));
        }
    }
}

/// Finds no signature good, whoever made it.
#[derive(Debug)]
struct Suspicious;

impl SignatureCheck for Suspicious {
    fn verify(&self, _: &[u8; 32], _: &[u8], _: &[u8; 64], _: Strictness) -> bool {
        false
    }
}

/// A node verifies what others have signed, and does not verify what it has just signed itself.
#[test]
fn a_node_remembers_what_it_has_signed() {
    let suspicious = DefaultRules::new(Arc::new(Suspicious));
    let (remembering, memo) = suspicious.remembering(10).unwrap();
    let (facts, federation) = (Facts::default(), federation(4));
    let is_good = |rules: &dyn ConsensusRules, transaction: &Transaction| {
        let (facts, federation) = (&facts, &federation);
        let checked = rules.check(transaction);
        rules.judge(Case { transaction, checked: &checked, facts, at: NOW, federation }).is_ok()
    };
    let posted = create("a", Json::Null);
    let make =
        |node: &Keypair, uuid| remembering.create(posted.document(), node, uuid, NOW).unwrap();
    let mine = make(&keypair(1).known_to(memo), "b");
    assert!(is_good(&*remembering, &mine), "it knows its own hand");
    assert!(!is_good(&suspicious, &mine), "nobody else does");
    assert!(!is_good(&*remembering, &make(&keypair(2), "c")), "nor does it know another's");
}

/// What is done to a place in a document.
#[derive(Clone, Debug)]
enum Edit {
    Replace(Json),
    Remove,
    Double,
    /// Another field of a known name, or an item.
    Insert(String, Json),
}

fn edit() -> impl Strategy<Value = Edit> {
    let name = prop::sample::select(vec![
        "id",
        "fid",
        "cid",
        "input",
        "txid",
        "uri",
        "details",
        "owners_before",
        "fulfillment",
        "condition",
        "conditions",
        "operation",
        "data",
        "signature",
        "voters",
        "extra",
    ]);
    let odd = prop_oneof![
        any::json(),
        prop::sample::select(vec![
            "[]",
            "{}",
            "null",
            "true",
            "-1",
            "0",
            "1",
            "0.0",
            "-0.0",
            "1.5",
            "1e400",
            "NaN",
            "\"\"",
            "18446744073709551616",
            "-99999999999999999999999999999999999999999",
            "\"CREATE\"",
            "\"GENESIS\"",
            "\"cf:2:AQEBAA\"",
            "\"cf:0:\"",
            "\"cf:4:\"",
            "\"cc:0:3::0\"",
            "\"\\u0000\"",
            "{\"txid\": \"\", \"cid\": 0}",
            "[[[[[[]]]]]]",
        ])
        .prop_map(|text| Json::parse(text.as_bytes()).unwrap()),
    ];
    prop_oneof![
        odd.clone().prop_map(Edit::Replace),
        Just(Edit::Remove),
        Just(Edit::Double),
        (name, odd).prop_map(|(name, value)| Edit::Insert(name.into(), value)),
    ]
}

/// Does it at one of the document's places.
fn edited(mut document: Json, place: Index, edit: &Edit) -> Json {
    let places = count(&document);
    let mut left = place.index(places);
    apply(&mut document, &mut left, edit);
    document
}

fn count(json: &Json) -> usize {
    1 + match json {
        Json::Array(items) => items.iter().map(count).sum(),
        Json::Object(fields) => fields.iter().map(|(_, value)| count(value)).sum::<usize>(),
        _ => 0,
    }
}

/// Goes to the place; true when it is done.
fn apply(json: &mut Json, left: &mut usize, edit: &Edit) -> bool {
    if *left == 0 {
        match (edit, &mut *json) {
            (Edit::Replace(value), json) => *json = value.clone(),
            (Edit::Remove, json) => *json = Json::Null,
            (Edit::Double, Json::Array(items)) => items.extend(items.clone()),
            (Edit::Insert(_, value), Json::Array(items)) => items.push(value.clone()),
            (Edit::Insert(name, value), Json::Object(fields)) => {
                fields.insert(name.as_str(), value.clone());
            }
            (_, json) => *json = Json::Array(vec![json.clone()]),
        }
        return true;
    }
    *left -= 1;
    match json {
        Json::Array(items) => {
            let at = items.iter_mut().position(|item| apply(item, left, edit));
            if let (Some(at), Edit::Remove) = (at, edit)
                && items[at].is_null()
            {
                items.remove(at);
            }
            at.is_some()
        }
        Json::Object(fields) => {
            let names: Vec<String> = fields.iter().map(|(name, _)| name.to_owned()).collect();
            names.iter().any(|name| {
                let Some(value) = fields.get_mut(name) else { return false };
                let done = apply(value, left, edit);
                if done && matches!(edit, Edit::Remove) && value.is_null() {
                    fields.remove(name);
                }
                done
            })
        }
        _ => false,
    }
}

/// Takes a document for everything it could be, under all rules.
fn put_to_all(document: Json, facts: &Facts) {
    for profile in [Profile::Default, Profile::Original] {
        let rules = rules(profile);
        let _ = rules.create(&document, &keypair(0), "uuid", NOW);
        if let Ok(transaction) = Transaction::from_document(document.clone()) {
            judge_fully(&*rules, &transaction, facts);
            let key = keypair(100);
            let _ = transaction.sign(&[&key], profile, &|id| {
                Some(facts.found.get(id)?.first()?.transaction.clone())
            });
        }
        if let Ok(block) = Block::from_document(document.clone()) {
            let _ = rules.check_block(&block, &federation(4));
            let _ = rules.check_genesis(&block, &federation(4));
            block.transactions().iter().for_each(|one| judge_fully(&*rules, one, facts));
            assert_eq!(Block::from_document(block.document().clone()), Ok(block));
        }
        if let Ok(vote) = Vote::from_document(document.clone()) {
            let block = vote.block().clone();
            let row = VoteRow { key: "x".into(), vote: Arc::new(vote) };
            let _ = rules.tally(&block, &federation(4), &[row]);
        }
    }
}

fn judge_fully(rules: &dyn ConsensusRules, transaction: &Transaction, facts: &Facts) {
    let checked = rules.check(transaction);
    let _ = rules.needs(&mut [transaction].into_iter());
    let _ = rules.judge(Case {
        transaction,
        checked: &checked,
        facts,
        at: NOW,
        federation: &federation(4),
    });
    // As an input of others, and as its own input.
    let mut facts = facts.clone();
    place(&mut facts, &Arc::new(transaction.clone()), Election::Valid);
    for input in transaction.inputs() {
        let placed = facts.found.entry(input.txid.clone()).or_default();
        placed.push(bigchaindb_core::rules::Placed {
            transaction: Arc::new(transaction.clone()),
            block: named_block("b"),
            election: Election::Undecided,
        });
    }
    let _ = rules.judge(Case {
        transaction,
        checked: &checked,
        facts: &facts,
        at: NOW,
        federation: &federation(4),
    });
}
