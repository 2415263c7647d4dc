//! `fulfillments.json`: fulfillments built and signed, read, and validated.

use bigchaindb_core::model::cryptoconditions::Fulfillment;
use bigchaindb_core::model::{Json, Profile};

use crate::build::{build, error_at, value};
use crate::outcome::to_hex;
use crate::{Case, Suite};

pub(crate) const SUITE: Suite =
    Suite { file: "fulfillments.json", inputs: &["build", "message", "uri"], run };

fn run(case: Case<'_>, profile: Profile) -> Option<Json> {
    Some(match case.kind() {
        "fulfillment_from_build" => {
            let built = build(case.get("build"), case.text("message"), profile);
            from_build(case, profile, &built.expect("it can be built"))
        }
        "fulfillment_uri" => match Fulfillment::parse(case.text("uri"), profile) {
            Ok(parsed) => Json::object(of_parsed(case, profile, &parsed)),
            Err(error) => Json::object([("expected", error_at("parse", &error))]),
        },
        _ => return None,
    })
}

fn from_build(case: Case<'_>, profile: Profile, built: &Fulfillment) -> Json {
    let condition_uri = ("built_condition_uri", value(built.condition_uri()));
    let uri = match built.uri() {
        Ok(uri) => uri,
        Err(error) => {
            return Json::object([
                condition_uri,
                ("expected", error_at("serialize", &error)),
                ("built_validate", checks(case.get("built_validate"), profile, built)),
            ]);
        }
    };
    let fields = match Fulfillment::parse(&uri, profile) {
        Ok(parsed) => of_parsed(case, profile, &parsed),
        Err(error) => panic!("{uri} does not read back: {error}"),
    };
    let fields = fields.into_iter().chain([
        condition_uri,
        ("payload_hex", value(built.payload().map(|payload| to_hex(&payload)))),
        ("binary_hex", value(built.binary().map(|binary| to_hex(&binary)))),
        ("fulfillment_uri", uri.into()),
    ]);
    Json::Object(fields.map(|(field, value)| (field.into(), value)).collect())
}

fn of_parsed(case: Case<'_>, profile: Profile, parsed: &Fulfillment) -> [(&'static str, Json); 4] {
    [
        ("parsed_dict", value(parsed.to_dict())),
        ("condition_uri", value(parsed.condition_uri())),
        ("reserialized", value(parsed.uri())),
        ("checks", checks(case.get("checks"), profile, parsed)),
    ]
}

/// Validates under each check's circumstances.
fn checks(checks: &Json, profile: Profile, fulfillment: &Fulfillment) -> Json {
    let validated = checks.as_array().expect("checks").iter().map(|check| {
        let text = |field| check.get(field).and_then(Json::as_str);
        // A message that is missing is like an empty one.
        let message = text("message").unwrap_or_default();
        let verdict = fulfillment.validate(message, text("now"), profile);
        let mut check = check.clone();
        if let Json::Object(fields) = &mut check {
            fields.insert("expected", value(verdict));
        }
        check
    });
    Json::Array(validated.collect())
}
