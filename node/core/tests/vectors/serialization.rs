//! `serialization.json`: JSON text into canonical text into a hash.

use bigchaindb_core::model::{Json, Profile, keccak256_hex};

use crate::outcome::{expected_error, to_hex};
use crate::{Case, Suite};

pub(crate) const SUITE: Suite = Suite {
    file: "serialization.json",
    inputs: &["input_json", "nested_arrays", "innermost", "sha3_256_fips202"],
    run,
};

fn run(case: Case<'_>, profile: Profile) -> Option<Json> {
    let document = match case.get("nested_arrays").as_i64() {
        None => Json::parse(case.text("input_json").as_bytes()).expect("Python could read it"),
        Some(levels) => {
            let inner = case.get("innermost").clone();
            (0..levels).fold(inner, |inner, _| Json::Array(vec![inner]))
        }
    };
    let canonical = match document.canonical() {
        Ok(canonical) => canonical,
        Err(error) => return Some(expected_error("OverflowError", Some(error.to_string()))),
    };
    let hash = keccak256_hex(canonical.as_bytes()).into();
    if case.get("nested_arrays").as_i64().is_some() {
        let length = u64::try_from(canonical.len()).expect("a short text");
        return Some(Json::object([("keccak256", hash), ("length", length.into())]));
    }
    Some(Json::object([
        ("signable", profile.signed_bytes(&canonical).is_ok().into()),
        ("canonical_hex", to_hex(canonical.as_bytes()).into()),
        ("canonical", canonical.into()),
        ("keccak256", hash),
    ]))
}
