//! `transactions.json`: making, signing and validating transactions.

use bigchaindb_core::model::{
    Draft, Json, Keypair, Output, Profile, Raised, SignError, Texts, Transaction, TxId,
};
use bigchaindb_core::rules::{self, ConsensusRules, Federation, InvalidTransaction, OriginalRules};

use crate::context::{self, Context, parsed};
use crate::outcome::{expected_error, raised};
use crate::{Case, Suite};

pub(crate) const SUITE: Suite = Suite {
    file: "transactions.json",
    inputs: &["args", "uuid", "timestamp", "private_keys", "context", "now", "transaction_json"],
    run,
};

fn run(case: Case<'_>, profile: Profile) -> Option<Json> {
    Some(match case.kind() {
        "create_tx" => create(case, profile),
        "validate" => validate(case, profile),
        "sign_tx" => sign(case, profile),
        _ => return None,
    })
}

fn create(case: Case<'_>, profile: Profile) -> Json {
    let made = draft(case).and_then(|draft| match case.get("args").get("operation") {
        // No draft of ours says nothing.
        Some(Json::Null) => without_operation(&draft.transaction()?),
        _ => draft.transaction(),
    });
    let transaction = match made {
        Ok(transaction) => transaction,
        Err(error) => return expected_error(error.class, None),
    };
    let texts = Texts::of(&transaction).expect("what was made has its texts");
    let messages = (0..transaction.fulfillments().len()).map(|fid| match texts.message(fid) {
        Ok(message) => message.into(),
        Err(error) => raised(error.class, None),
    });
    let messages: Vec<Json> = messages.collect();
    let document = context::spelled(case, "transaction_json", transaction.document());
    let mut fields = vec![
        ("transaction_json".into(), document),
        ("id".into(), transaction.id().as_str().into()),
        ("hashed_text".into(), texts.hashed().into()),
        ("fulfillment_messages".into(), messages.into()),
    ];
    let keys = private_keys(case);
    if !keys.is_empty() {
        match transaction.sign(&refs(&keys), profile, &|_| None) {
            Ok(signed) => {
                fields.push(("fulfillments".into(), signatures(&signed)));
                if !case.get("validate_fulfillments").is_null() {
                    let validated = validate_fulfillments(case, &signed, None, profile);
                    fields.push(("validate_fulfillments".into(), validated));
                }
            }
            Err(error) => fields.push(("sign_expected".into(), raised(error.class(), None))),
        }
    }
    Json::Object(fields.into_iter().collect())
}

fn draft(case: Case<'_>) -> Result<Draft, Raised> {
    let args = case.get("args");
    let arg = |name| args.get(name).unwrap_or(&Json::Null);
    let listed = |name| match arg(name) {
        Json::Null => Vec::new(),
        Json::Array(items) => items.clone(),
        single => vec![single.clone()],
    };
    let texts = |name| {
        let text = |json: &Json| json.as_str().map(str::to_owned);
        let texts: Option<Vec<_>> = listed(name).iter().map(text).collect();
        texts.ok_or_else(|| Raised::new("TypeError", "an owner is no string"))
    };
    let input = |json: Json| Output {
        txid: json.get("txid").and_then(Json::as_str).expect("an input has a txid").into(),
        cid: json.get("cid").and_then(Json::as_i64).expect("and a cid"),
        oddity: None,
    };
    let payload = arg("payload_json").as_str().expect("a payload");
    Ok(Draft {
        operation: arg("operation").as_str().unwrap_or_default().into(),
        owners_before: texts("owners_before")?,
        owners_after: texts("owners_after")?,
        inputs: listed("inputs").into_iter().map(input).collect(),
        payload: Json::parse(payload.as_bytes()).expect("JSON"),
        uuid: case.text("uuid").into(),
        timestamp: case.text("timestamp").parse().expect("Unix seconds"),
    })
}

fn without_operation(transaction: &Transaction) -> Result<Transaction, Raised> {
    let mut body = transaction.body().as_object().expect("a body").clone();
    body.insert("operation", Json::Null);
    Transaction::of_body(body.into())
}

fn validate(case: Case<'_>, profile: Profile) -> Json {
    let context = Context::of(case, profile);
    let transaction = Transaction::from_document(parsed(case, "transaction_json"));
    let verdict = match &transaction {
        Ok(transaction) => context.judge(transaction, context.now),
        Err(error) => Err(InvalidTransaction::from(error.clone())),
    };
    let mut fields = vec![("expected".into(), expected(&verdict))];
    if !case.get("validate_fulfillments").is_null() {
        let validated = match &transaction {
            Ok(transaction) => validate_fulfillments(case, transaction, Some(&context), profile),
            Err(error) => raises(error.class()),
        };
        fields.push(("validate_fulfillments".into(), validated));
    }
    if !case.get("computed_id").is_null() {
        fields.push(("computed_id".into(), computed_id(case)));
    }
    Json::Object(fields.into_iter().collect())
}

/// What the id has to be, even if there is none.
fn computed_id(case: Case<'_>) -> Json {
    let mut document = parsed(case, "transaction_json");
    if let Json::Object(fields) = &mut document
        && fields.get("id").is_none()
    {
        fields.insert("id", "".into());
    }
    let transaction = Transaction::from_document(document).map_err(Raised::from);
    match transaction.and_then(|transaction| Ok(Texts::of(&transaction)?.id())) {
        Ok(id) => id.as_str().into(),
        Err(error) => raises(error.class),
    }
}

/// What a verdict is in the words of the vectors.
fn expected(verdict: &Result<(), InvalidTransaction>) -> Json {
    let Err(error) = verdict else {
        return Json::object([("valid", true.into()), ("is_valid_transaction", true.into())]);
    };
    let is_valid = if error.is_expected() { Json::from(false) } else { raises(error.class()) };
    Json::object([
        ("valid", false.into()),
        ("error", error.class().into()),
        ("is_valid_transaction", is_valid),
    ])
}

fn raises(class: &str) -> Json {
    Json::object([("raises", class.into())])
}

/// Whether every fulfillment opens what it is meant for. There is no such step of its own under
/// `default`, so nothing is said of it there but what the case expects.
fn validate_fulfillments(
    case: Case<'_>,
    transaction: &Transaction,
    context: Option<&Context>,
    profile: Profile,
) -> Json {
    if profile == Profile::Default {
        return case.get("validate_fulfillments").clone();
    }
    let rules = OriginalRules::default();
    let checked = rules.check(transaction);
    let facts = context.map(|context| context.facts(transaction)).unwrap_or_default();
    let at = context.map_or(0, |context| context.now);
    let federation = Federation::of_block(&[]);
    let case =
        rules::Case { transaction, checked: &checked, facts: &facts, at, federation: &federation };
    match rules.validate_fulfillments(case) {
        Ok(answer) => answer.into(),
        Err(error) => raises(error.class),
    }
}

fn sign(case: Case<'_>, profile: Profile) -> Json {
    let context = Context::of(case, profile);
    let transaction = Transaction::from_document(parsed(case, "transaction_json"));
    let transaction = transaction.expect("a transaction");
    let keys = private_keys(case);
    let previous = |id: &TxId| context.transaction(id.as_str());
    match transaction.sign(&refs(&keys), profile, &previous) {
        Err(error) => expected_error(error.class(), told(&error)),
        Ok(signed) => {
            let verdict = context.judge(&signed, context.now);
            Json::object([
                ("fulfillments", signatures(&signed)),
                ("then_validate", expected(&verdict)),
            ])
        }
    }
}

/// Only the texts of the original's own exceptions are compared.
fn told(error: &SignError) -> Option<String> {
    (error.class() == "KeypairMismatchException").then(|| error.to_string())
}

fn signatures(transaction: &Transaction) -> Json {
    let signature = |one: &Json| one.get("fulfillment").cloned().unwrap_or(Json::Null);
    transaction.fulfillments().iter().map(signature).collect::<Vec<_>>().into()
}

fn private_keys(case: Case<'_>) -> Vec<Keypair> {
    let keys = case.get("private_keys").as_array().unwrap_or_default();
    let keypair = |key: &Json| Keypair::from_private(key.as_str()?).ok();
    keys.iter().map(|key| keypair(key).expect("a private key")).collect()
}

fn refs(keys: &[Keypair]) -> Vec<&Keypair> {
    keys.iter().collect()
}
