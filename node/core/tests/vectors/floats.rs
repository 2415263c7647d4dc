//! `floats.json`: how a double is printed in canonical JSON.

use bigchaindb_core::model::{Json, Profile};

use crate::{Case, Suite};

pub(crate) const SUITE: Suite =
    Suite { file: "floats.json", inputs: &["bits_hex", "python_repr"], run };

fn run(case: Case<'_>, _: Profile) -> Option<Json> {
    let bits = u64::from_str_radix(case.text("bits_hex"), 16).expect("16 hex digits");
    let json = Json::Float(f64::from_bits(bits));
    let canonical = json.canonical().expect("a float has a text");
    let read = Json::parse(canonical.as_bytes()).expect("a canonical text is JSON");
    assert_eq!(read, json, "digits that do not read back");
    Some(Json::object([("canonical", canonical.into())]))
}
