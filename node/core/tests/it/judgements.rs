//! Judging from facts: where inputs, spenders and the transaction itself stand, and what time it is.

use std::slice::from_ref;
use std::sync::Arc;

use bigchaindb_core::model::cryptoconditions::{Fulfillment, Part};
use bigchaindb_core::model::{Json, Profile, Transaction, TxId};
use bigchaindb_core::rules::{self, Case, Election, Facts, InvalidTransaction};

use crate::sample::{
    NOW, create, federation, keypair, place, rows, rules, sign, transfer, transfer_draft, verdict,
};

/// How the block is decided that holds the input, another spender of it, and the transaction itself;
/// `.` is in no block. Then the verdict, and whether it is final.
const STANDINGS: &str = "
    input     | spender   | itself    | default                 | final | v0.6.0                  | mixed
    valid     | .         | .         | ok                      |       | ok                      | ok
    undecided | .         | .         | InputUndecided          | no    | ok                      | InputUndecided
    invalid   | .         | .         | TransactionDoesNotExist | no    | TransactionDoesNotExist | TransactionDoesNotExist
    .         | .         | .         | TransactionDoesNotExist | no    | TransactionDoesNotExist | TransactionDoesNotExist
    valid     | valid     | .         | DoubleSpend             | yes   | DoubleSpend             | DoubleSpend
    valid     | undecided | .         | DoubleSpend             | no    | DoubleSpend             | DoubleSpend
    valid     | invalid   | .         | ok                      |       | ok                      | ok
    undecided | valid     | .         | DoubleSpend             | yes   | DoubleSpend             | DoubleSpend # what is final is said first
    valid     | .         | valid     | AlreadyDecided          | yes   | ok                      | ok
    valid     | .         | undecided | AlreadyInBlock          | no    | ok                      | ok
    valid     | .         | invalid   | ok                      |       | ok                      | ok
    valid     | invalid   | undecided | AlreadyInBlock          | no    | DoubleSpend             | ok # the wrong one of two spenders
    valid     | undecided | invalid   | DoubleSpend             | no    | DoubleSpend             | DoubleSpend
";

#[test]
fn where_things_stand_decides() {
    let input = create("input", Json::Null);
    let rival = transfer(from_ref(&input), "rival");
    let transaction = transfer(from_ref(&input), "judged");
    for row in rows(STANDINGS) {
        let [of_input, of_rival, of_itself, default, is_final, original, mixed] = row[..] else {
            panic!("seven cells: {row:?}")
        };
        let mut facts = Facts::default();
        for (one, standing) in [(&input, of_input), (&rival, of_rival), (&transaction, of_itself)] {
            if let Some(election) = election(standing) {
                place(&mut facts, one, election);
            }
        }
        let got = verdict(Profile::Default, &transaction, &facts, NOW);
        assert_eq!(name(&got), default, "{row:?}");
        let finality = got.err().map(|error| if error.is_final() { "yes" } else { "no" });
        assert_eq!(finality.unwrap_or_default(), is_final, "{row:?}");
        let got = verdict(Profile::Original, &transaction, &facts, NOW);
        assert_eq!(name(&got), original, "{row:?}");
        // To it the order of blocks in a table means nothing.
        let mut reversed = facts.clone();
        reversed.spends.values_mut().for_each(|spends| spends.reverse());
        for facts in [&facts, &reversed] {
            let rules = rules::by_name("mixed").unwrap();
            let checked = rules.check(&transaction);
            let got = rules.judge(Case {
                transaction: &transaction,
                checked: &checked,
                facts,
                at: NOW,
                federation: &federation(4),
            });
            assert_eq!(name(&got), mixed, "{row:?}");
        }
    }
}

fn election(word: &str) -> Option<Election> {
    match word {
        "valid" => Some(Election::Valid),
        "invalid" => Some(Election::Invalid),
        "undecided" => Some(Election::Undecided),
        "." => None,
        _ => panic!("no standing is called {word}"),
    }
}

/// The variant's name.
fn name(verdict: &Result<(), InvalidTransaction>) -> String {
    let Err(error) = verdict else { return "ok".into() };
    let text = format!("{error:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

/// Guards of the output that is spent, with a timeout at `T`; who signs; and the verdict at times
/// around `T`. `later` is refused now but not for ever.
const TIMES: &str = "
    guard    | signer | T-1    | T      | T+1
    until    | owner  | ok     | ok     | never     # owner, and not after T
    from     | owner  | later  | later  | ok        # owner, and after T
    escrow   | owner  | ok     | ok     | never
    escrow   | other  | later  | later  | ok
";

#[test]
fn time_decides_and_is_told_from_never() {
    const EXPIRY: u64 = NOW + 100;
    for row in rows(TIMES) {
        let [guard_name, signer, verdicts @ ..] = &row[..] else { panic!("five cells: {row:?}") };
        let guard = guard(guard_name, &EXPIRY.to_string());
        let create = guarded(&guard);
        let signer = keypair(if *signer == "owner" { 100 } else { 101 });
        let unsigned = transfer_draft(from_ref(&create), "timed").transaction().unwrap();
        let find = |id: &TxId| (create.id() == id).then(|| create.clone());
        let transaction = unsigned.sign(&[&signer], Profile::Default, &find).unwrap();
        let mut facts = Facts::default();
        place(&mut facts, &create, Election::Valid);
        for (at, expected) in (EXPIRY - 1..).zip(verdicts) {
            let got = match verdict(Profile::Default, &transaction, &facts, at) {
                Ok(()) => "ok",
                Err(error) if error.is_final() => "never",
                Err(_) => "later",
            };
            assert_eq!(got, *expected, "{row:?} at T{:+}", i128::from(at) - i128::from(EXPIRY));
        }
    }
}

fn guard(name: &str, expiry: &str) -> Fulfillment {
    let key = |number| Fulfillment::ed25519(keypair(number).public_bytes());
    let until = || Fulfillment::timeout(expiry).unwrap();
    let from = || Fulfillment::inverted(1, vec![until().into()]);
    let both = |one: Fulfillment, other: Fulfillment| {
        Fulfillment::threshold(2, vec![Part::from(one), Part::from(other)])
    };
    match name {
        "until" => both(key(100), until()),
        "from" => both(key(100), from()),
        "escrow" => {
            let (execute, abort) = (both(key(100), until()), both(key(101), from()));
            Fulfillment::threshold(1, vec![execute.into(), abort.into()])
        }
        _ => panic!("no guard is called {name}"),
    }
}

/// A CREATE whose output is guarded so.
fn guarded(guard: &Fulfillment) -> Arc<Transaction> {
    let node = keypair(0);
    let unsigned = create("guarded", Json::Null).with_guard(0, guard).unwrap();
    Arc::new(unsigned.sign(&[&node], Profile::Default, &|_| None).unwrap())
}

#[test]
fn only_a_member_creates() {
    let create = create("x", Json::Null);
    assert_eq!(verdict(Profile::Default, &create, &Facts::default(), NOW), Ok(()));
    let rules = rules(Profile::Default);
    let strangers = bigchaindb_core::rules::Federation::new(keypair(1).public().clone(), vec![]);
    let refusal = rules.judge(Case {
        transaction: &create,
        checked: &rules.check(&create),
        facts: &Facts::default(),
        at: NOW,
        federation: &strangers,
    });
    assert_eq!(name(&refusal), "NotAMember");
}

#[test]
fn another_fulfillment_than_the_guard_wants_is_refused() {
    let input = create("input", Json::Null);
    // Signed by the owner's plain key, but guarded by two.
    let two = Fulfillment::threshold(
        2,
        vec![
            Fulfillment::ed25519(keypair(100).public_bytes()).into(),
            Fulfillment::ed25519(keypair(101).public_bytes()).into(),
        ],
    );
    let twice_guarded = guarded(&two);
    let unsigned = transfer_draft(from_ref(&twice_guarded), "x").transaction().unwrap();
    // Pretend that the input is a plain one: its guard is what the signer believes.
    let find = |_: &TxId| Some(input.clone());
    let transaction = unsigned.sign(&[&keypair(100)], Profile::Default, &find).unwrap();
    let mut facts = Facts::default();
    place(&mut facts, &twice_guarded, Election::Valid);
    let got = verdict(Profile::Default, &transaction, &facts, NOW);
    assert_eq!(name(&got), "WrongCondition");
    assert_eq!(got.unwrap_err().class(), "InvalidSignature");
}

#[test]
fn an_output_that_is_not_there_cannot_be_spent() {
    let input = create("input", Json::Null);
    let mut draft = transfer_draft(from_ref(&input), "x");
    draft.inputs[0].cid = 1;
    let mut one_more = input.document().clone();
    let unsigned = draft.transaction().unwrap();
    // The signer's view of the input has a second output; that of the federation has not.
    if let Some(Json::Array(conditions)) =
        one_more.get_mut("transaction").and_then(|body| body.get_mut("conditions"))
    {
        let mut second = conditions[0].clone();
        *second.get_mut("cid").unwrap() = 1_i64.into();
        conditions.push(second);
    }
    let believed = Arc::new(Transaction::from_document(one_more).unwrap());
    let transaction = sign(&unsigned, &[believed]);
    let mut facts = Facts::default();
    place(&mut facts, &input, Election::Valid);
    assert_eq!(name(&verdict(Profile::Default, &transaction, &facts, NOW)), "NoSuchOutput");
}

#[test]
fn a_posted_create_is_made_anew_by_the_node() {
    let node = keypair(0);
    let posted = r#"{"transaction": {"operation": "CREATE", "data": {"payload": {"ü": 1}},
        "fulfillments": [{"owners_before": ["OWNER"]}]}}"#;
    let posted = posted.replace("OWNER", keypair(100).public().as_str());
    let posted = Json::parse(posted.as_bytes()).unwrap();
    let rules = rules(Profile::Default);
    let made = rules.create(&posted, &node, "uuid", NOW).unwrap();
    assert_eq!(verdict(Profile::Default, &made, &Facts::default(), NOW), Ok(()));
    let output = &made.conditions()[0];
    let owner = output.get("owners_after").and_then(|owners| owners.as_array()?.first());
    assert_eq!(owner.and_then(Json::as_str), Some(keypair(100).public().as_str()));
    let data = made.body().get("data").unwrap();
    assert_eq!(data.get("uuid").and_then(Json::as_str), Some("uuid"));
    assert_eq!(data.get("payload").unwrap().to_string(), r#"{"ü":1}"#);
    for (posted, refusal) in [
        ("{}", "transaction.fulfillments[0].owners_before: has to name who is to own the asset"),
        (
            r#"{"transaction": {"fulfillments": [{"owners_before": ["x"]}]}}"#,
            "transaction.fulfillments[0].owners_before: a public key is 32 bytes in base58",
        ),
    ] {
        let posted = Json::parse(posted.as_bytes()).unwrap();
        let got = rules.create(&posted, &node, "uuid", NOW).unwrap_err();
        assert_eq!(got.to_string(), refusal);
    }
}

#[test]
fn needs_are_sorted_and_named_once() {
    let inputs = [create("a", Json::Null), create("b", Json::Null)];
    let one = transfer(&inputs, "one");
    let other = transfer(&inputs[..1], "other");
    let needs = rules(Profile::Default).needs(&mut [&*one, &other, &one].into_iter());
    assert_eq!(needs.transactions.len(), 4);
    assert_eq!(needs.outputs.len(), 2);
    assert!(needs.transactions.is_sorted() && needs.outputs.is_sorted());
    assert_eq!(federation(4).len(), 4);
}
