//! `conditions.json`: conditions built, read from their text and from their bytes.

use bigchaindb_core::model::cryptoconditions::{Condition, CryptoconditionError, Fulfillment};
use bigchaindb_core::model::{Json, Profile};

use crate::build::{build, error_at, value};
use crate::outcome::to_hex;
use crate::{Case, Suite};

pub(crate) const SUITE: Suite =
    Suite { file: "conditions.json", inputs: &["build", "uri", "binary_hex"], run };

fn run(case: Case<'_>, profile: Profile) -> Option<Json> {
    Some(match case.kind() {
        "condition_from_build" => match build(case.get("build"), "", profile) {
            Ok(built) => from_build(&built),
            Err(error) => Json::object([("expected", error_at("build", &error))]),
        },
        "condition_uri" => match Condition::parse(case.text("uri"), profile) {
            Ok(condition) => Json::object([
                ("type_id", u64::from(condition.type_id).into()),
                ("bitmask", condition.bitmask.into()),
                ("max_fulfillment_length", condition.max_fulfillment_length.into()),
                ("hash_hex", value(condition.hash().map(to_hex))),
                ("reserialized", value(condition.uri())),
                ("binary_hex", value(condition.binary().map(|binary| to_hex(&binary)))),
                ("dict", value(condition.to_dict())),
                ("validate", value(condition.validate().map(|()| true))),
            ]),
            Err(error) => Json::object([("expected", error_at("parse", &error))]),
        },
        "condition_binary" => match Condition::from_binary(&case.bytes("binary_hex"), profile) {
            Ok(condition) => Json::object([("condition_uri", value(condition.uri()))]),
            Err(error) => Json::object([("expected", error_at("parse", &error))]),
        },
        _ => return None,
    })
}

fn from_build(built: &Fulfillment) -> Json {
    let dict = built.to_dict();
    let read = dict.clone().map(|dict| Fulfillment::from_dict(&dict).expect("a dict of ours"));
    let condition = match built.condition() {
        Ok(condition) => condition,
        Err(error) => {
            return Json::object([
                ("dict", value(dict)),
                ("expected", error_at("condition", &error)),
            ]);
        }
    };
    let again =
        Condition::from_dict(&condition.to_dict().expect("a hash")).expect("a dict of ours");
    assert_eq!(again, condition);
    let mut fields = vec![
        ("dict".into(), value(dict)),
        ("type_id".into(), u64::from(condition.type_id).into()),
        ("bitmask".into(), condition.bitmask.into()),
        ("max_fulfillment_length".into(), condition.max_fulfillment_length.into()),
        ("fingerprint_hex".into(), value(condition.hash().map(to_hex))),
        ("condition_uri".into(), value(condition.uri())),
        ("condition_binary_hex".into(), value(condition.binary().map(|binary| to_hex(&binary)))),
        ("condition_dict".into(), value(condition.to_dict())),
    ];
    if !matches!(read, Err(CryptoconditionError::NotUtf8)) {
        let uri = read.and_then(|read| read.condition_uri());
        fields.push(("from_dict_condition_uri".into(), value(uri)));
    }
    Json::Object(fields.into_iter().collect())
}
