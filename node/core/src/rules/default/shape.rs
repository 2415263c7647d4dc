//! The documented shape of a transaction, to the field.
//!
//! The original reached into documents and checked next to nothing; most loopholes it had were odd
//! shapes. Here a document either has exactly the documented fields, or is refused with the place and
//! the reason. Not here: what the store would change (`storable`).
//!
//! Source: BigchainDB 0.6 docs, "The Transaction Model".

use std::collections::BTreeSet;

use crate::model::cryptoconditions::Condition;
use crate::model::{Json, Object, Profile, Transaction};
use crate::rules::{InvalidTransaction, Quirk, Quirks, storable};

/// The operations there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    Create,
    Transfer,
    Genesis,
}

/// Checks the shape, as far as these quirks let anybody look; says which operation it is.
pub(super) fn check(
    transaction: &Transaction,
    quirks: &Quirks,
) -> Result<Operation, InvalidTransaction> {
    let document = transaction.document();
    storable::check(document, quirks)?;
    let [_, body] = fields(document, ["id", "transaction"], || "document".into())?;
    let names = ["conditions", "data", "fulfillments", "operation", "timestamp", "version"];
    let [conditions, data, fulfillments, operation, timestamp, version] =
        fields(body, names, || "transaction".into())?;
    if *version != Json::Int(1) {
        return Err(malformed("transaction.version", "has to be 1"));
    }
    let operation = match operation.as_str() {
        Some("CREATE") => Operation::Create,
        Some("TRANSFER") => Operation::Transfer,
        Some("GENESIS") => Operation::Genesis,
        _ => return Err(malformed("transaction.operation", "has to be CREATE or TRANSFER")),
    };
    if !timestamp.as_str().is_some_and(is_unix_time) {
        return Err(malformed("transaction.timestamp", "has to be Unix seconds in a string"));
    }
    check_data(data)?;
    let fulfillments = check_fulfillments(fulfillments, operation, quirks)?;
    check_conditions(conditions, fulfillments, quirks)?;
    if !quirks.contains(&Quirk::InputSpentTwice) {
        check_inputs(transaction)?;
    }
    Ok(operation)
}

fn check_data(data: &Json) -> Result<(), InvalidTransaction> {
    let [payload, uuid] = fields(data, ["payload", "uuid"], || "transaction.data".into())?;
    if !matches!(payload, Json::Null | Json::Object(_)) {
        return Err(malformed("transaction.data.payload", "has to be an object or null"));
    }
    if uuid.as_str().is_none() {
        return Err(malformed("transaction.data.uuid", "has to be a string"));
    }
    Ok(())
}

/// Checks the fulfillments; says how many there are.
fn check_fulfillments(
    list: &Json,
    operation: Operation,
    quirks: &Quirks,
) -> Result<usize, InvalidTransaction> {
    let list = list.as_array().filter(|list| !list.is_empty());
    let Some(list) = list else {
        return Err(malformed("transaction.fulfillments", "has to be an array, and not empty"));
    };
    let spends = operation == Operation::Transfer;
    let unseen = quirks.contains(&Quirk::CreateSpends);
    if !spends && list.len() != 1 && !unseen {
        return Err(malformed("transaction.fulfillments", "has to hold one item in a CREATE"));
    }
    for (number, fulfillment) in list.iter().enumerate() {
        if !spends && number > 0 {
            // Nobody looks at those that should not be there.
            break;
        }
        let at = || format!("transaction.fulfillments[{number}]");
        let names = ["fid", "fulfillment", "input", "owners_before"];
        let [fid, _, input, owners_before] = fields(fulfillment, names, at)?;
        check_number(fid, number, || at() + ".fid")?;
        if spends {
            check_input(input, || at() + ".input", quirks)?;
        } else if !input.is_null() {
            return Err(malformed(at() + ".input", "has to be null in a CREATE"));
        }
        let owners = check_owners(owners_before, || at() + ".owners_before")?;
        if !spends && owners != 1 {
            let reason = "has to name exactly one node in a CREATE";
            return Err(malformed(at() + ".owners_before", reason));
        }
    }
    Ok(list.len())
}

fn check_input(
    input: &Json,
    at: impl Fn() -> String,
    quirks: &Quirks,
) -> Result<(), InvalidTransaction> {
    let part = |name| input.get(name).unwrap_or(&Json::Null);
    let [cid, txid] = match quirks.contains(&Quirk::ExtraKeyHidesSpend) {
        true => [part("cid"), part("txid")],
        false => fields(input, ["cid", "txid"], &at)?,
    };
    if !txid.as_str().is_some_and(is_hash) {
        let reason = "has to be a transaction's id: 64 lower-case hex digits";
        return Err(malformed(at() + ".txid", reason));
    }
    let is_alias = quirks.contains(&Quirk::OutputAliases)
        && (cid.as_i64().is_some() || matches!(cid, Json::Bool(_)));
    if cid.as_i64().is_none_or(|cid| cid < 0) && !is_alias {
        return Err(malformed(at() + ".cid", "has to be an integer from 0 on"));
    }
    Ok(())
}

/// The original's own client makes as many outputs as inputs, and no other rule says how an asset
/// would be split or joined.
fn check_conditions(
    list: &Json,
    fulfillments: usize,
    quirks: &Quirks,
) -> Result<(), InvalidTransaction> {
    let uncounted = quirks.contains(&Quirk::CreateSpends);
    let list = list.as_array().filter(|list| list.len() == fulfillments || uncounted);
    let Some(list) = list else {
        let reason = format!("has to be an array of {fulfillments}, as there are fulfillments");
        return Err(malformed("transaction.conditions", reason));
    };
    for (number, condition) in list.iter().enumerate() {
        let at = || format!("transaction.conditions[{number}]");
        let [cid, guard, owners_after] =
            fields(condition, ["cid", "condition", "owners_after"], at)?;
        check_number(cid, number, || at() + ".cid")?;
        check_guard(guard, || at() + ".condition")?;
        if !owners_after.is_null() {
            check_owners(owners_after, || at() + ".owners_after")?;
        }
    }
    Ok(())
}

/// `details` may be left out; what counts is the URI.
fn check_guard(guard: &Json, at: impl Fn() -> String) -> Result<(), InvalidTransaction> {
    let uri = if guard.get("details").is_some() {
        let [details, uri] = fields(guard, ["details", "uri"], &at)?;
        if !matches!(details, Json::Null | Json::Object(_)) {
            return Err(malformed(at() + ".details", "has to be an object or null"));
        }
        uri
    } else {
        let [uri] = fields(guard, ["uri"], &at)?;
        uri
    };
    let at = || at() + ".uri";
    let uri = uri.as_str().ok_or_else(|| malformed(at(), "has to be a string"))?;
    let condition = Condition::parse(uri, Profile::Default)
        .map_err(|error| malformed(at(), error.to_string()))?;
    condition.validate().map_err(|error| malformed(at(), error.to_string()))
}

/// Each input once: the original let one transaction spend an output twice.
fn check_inputs(transaction: &Transaction) -> Result<(), InvalidTransaction> {
    let inputs = transaction.inputs();
    if inputs.len() > 1 && inputs.iter().collect::<BTreeSet<_>>().len() < inputs.len() {
        return Err(malformed("transaction.fulfillments", "names an input more than once"));
    }
    Ok(())
}

/// Checks a list of owners; says how many there are.
fn check_owners(owners: &Json, at: impl Fn() -> String) -> Result<usize, InvalidTransaction> {
    match owners {
        Json::Array(owners) if owners.iter().all(|owner| owner.as_str().is_some()) => {
            Ok(owners.len())
        }
        _ => Err(malformed(at(), "has to be an array of strings")),
    }
}

/// Numbers count from 0, in order, so that a position in the list and a number are the same.
fn check_number(
    number: &Json,
    wanted: usize,
    at: impl Fn() -> String,
) -> Result<(), InvalidTransaction> {
    if number.as_i64().and_then(|number| usize::try_from(number).ok()) == Some(wanted) {
        return Ok(());
    }
    Err(malformed(at(), format!("has to be {wanted}, the place in the list")))
}

/// The values of an object that has exactly these fields; `names` are sorted.
fn fields<'a, const N: usize>(
    value: &'a Json,
    names: [&str; N],
    at: impl Fn() -> String,
) -> Result<[&'a Json; N], InvalidTransaction> {
    let object = value.as_object().ok_or_else(|| malformed(at(), "has to be an object"))?;
    if object.len() == N && object.iter().zip(names).all(|((name, _), wanted)| name == wanted) {
        let mut values = object.iter().map(|(_, value)| value);
        return Ok(names.map(|_| values.next().expect("there are N fields")));
    }
    Err(wrong_fields(object, &names, at))
}

/// Says which field is missing, or one too many.
fn wrong_fields(object: &Object, names: &[&str], at: impl Fn() -> String) -> InvalidTransaction {
    let missing = names.iter().find(|name| object.get(name).is_none());
    if let Some(name) = missing {
        return malformed(at(), format!("lacks the field `{name}`"));
    }
    let mut given = object.iter().map(|(name, _)| name);
    let stranger = given.find(|name| !names.contains(name)).unwrap_or_default();
    malformed(at(), format!("has the unknown field `{}`", stranger.escape_debug()))
}

fn malformed(at: impl Into<String>, reason: impl Into<String>) -> InvalidTransaction {
    InvalidTransaction::malformed(at, reason)
}

fn is_unix_time(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok()
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
