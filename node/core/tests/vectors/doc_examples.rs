//! `doc_examples.json`: what the documentation and the original's tests print.
//!
//! Most printed ids and signatures are older than the names `owners_before` and `owners_after`, some
//! older than `version` inside of `transaction`. So each document is tried in all these spellings; its
//! outcome is which of them give the printed id and fit the printed signature.

use bigchaindb_core::model::cryptoconditions::Fulfillment;
use bigchaindb_core::model::{Json, Object, Profile, Texts, Transaction};

use crate::context::parsed;
use crate::{Case, Suite};

pub(crate) const SUITE: Suite = Suite {
    file: "doc_examples.json",
    inputs: &["document_json", "fulfillment_uri", "message"],
    run,
};

/// How the owners' fields are called in a document, and were called before.
const OWNER_KEYS: [&str; 2] = ["owners_before/owners_after", "current_owners/new_owners"];

fn run(case: Case<'_>, profile: Profile) -> Option<Json> {
    Some(match case.kind() {
        "doc_transaction" => doc_transaction(case, profile),
        "printed_fulfillment" => printed_fulfillment(case, profile),
        _ => return None,
    })
}

fn doc_transaction(case: Case<'_>, profile: Profile) -> Json {
    let document = parsed(case, "document_json");
    let transaction = Transaction::from_document(document).expect("a transaction");
    Json::object([
        ("id", transaction.id().as_str().into()),
        ("operation", transaction.operation().expect("it has one").into()),
        ("id_matches", id_matches(&transaction)),
        ("conditions", conditions(&transaction)),
        ("signatures", signatures(&transaction, profile)),
    ])
}

/// The spellings that give the printed id.
fn id_matches(transaction: &Transaction) -> Json {
    let mut matches = Vec::new();
    for owner_keys in OWNER_KEYS {
        for version in ["as printed", "inside", "left out"] {
            let spelled = spelled(transaction, owner_keys, version);
            if Texts::of(&spelled).expect("it has texts").id() == *transaction.id() {
                matches.push(Json::object([
                    ("hash", "keccak256".into()),
                    ("owner_keys", owner_keys.into()),
                    ("version", version.into()),
                ]));
            }
        }
    }
    matches.into()
}

/// Whether the printed `details` and `uri` agree.
fn conditions(transaction: &Transaction) -> Json {
    let agree = |condition: &Json| {
        let condition = condition.get("condition")?;
        let printed = condition.get("uri")?.as_str()?;
        let details = condition.get("details")?;
        let computed = Fulfillment::from_dict(details).expect("details").condition_uri();
        let computed = computed.expect("a condition");
        Some(Json::object([
            ("printed", printed.into()),
            ("equal", (printed == computed).into()),
            ("computed_from_details", computed.into()),
        ]))
    };
    transaction.conditions().iter().filter_map(agree).collect::<Vec<_>>().into()
}

/// What the printed fulfillments open, and in which spelling they are valid.
fn signatures(transaction: &Transaction, profile: Profile) -> Json {
    let look = |(fid, fulfillment): (usize, &Json)| {
        let uri = fulfillment.get("fulfillment")?.as_str()?;
        let read = Fulfillment::parse(uri, profile).expect("a fulfillment");
        let is_valid = |owner_keys: &&str| {
            let spelled = spelled(transaction, owner_keys, "inside");
            let message = Texts::of(&spelled).expect("it has texts").message(fid);
            read.validate(&message.expect("and a message"), None, profile) == Ok(true)
        };
        let valid = OWNER_KEYS.into_iter().find(is_valid).map_or(Json::Null, Json::from);
        Some(Json::object([
            ("fulfillment", uri.into()),
            ("condition_uri", read.condition_uri().expect("it opens something").into()),
            ("signature_valid_with_owner_keys", valid),
        ]))
    };
    transaction.fulfillments().iter().enumerate().filter_map(look).collect::<Vec<_>>().into()
}

/// The transaction, with its owners' fields called so, and its version there.
fn spelled(transaction: &Transaction, owner_keys: &str, version: &str) -> Transaction {
    let mut body = transaction.body().as_object().expect("an object").clone();
    match version {
        "inside" => drop(body.insert("version", Json::Int(1))),
        "left out" => drop(body.remove("version")),
        _ => {}
    }
    if owner_keys == OWNER_KEYS[1] {
        rename(&mut body, "fulfillments", "owners_before", "current_owners");
        rename(&mut body, "conditions", "owners_after", "new_owners");
    }
    let id = Json::from(transaction.id().as_str());
    let document = Json::object([("id", id), ("transaction", body.into())]);
    Transaction::from_document(document).expect("a transaction still")
}

fn rename(body: &mut Object, list: &str, from: &str, to: &str) {
    let Some(Json::Array(list)) = body.get_mut(list) else { panic!("`{list}` is no list") };
    for item in list {
        if let Json::Object(fields) = item
            && let Some(value) = fields.remove(from)
        {
            fields.insert(to, value);
        }
    }
}

fn printed_fulfillment(case: Case<'_>, profile: Profile) -> Json {
    let read = Fulfillment::parse(case.text("fulfillment_uri"), profile).expect("a fulfillment");
    let mut fields = vec![
        ("condition_uri".into(), read.condition_uri().expect("it opens something").into()),
        ("reserialized".into(), read.uri().expect("it can be written").into()),
        ("dict".into(), read.to_dict().expect("it is text")),
    ];
    if let Some(message) = case.get("message").as_str() {
        let validates = read.validate(message, None, profile).expect("no time matters");
        fields.push(("validates".into(), validates.into()));
    }
    Json::Object(fields.into_iter().collect())
}
