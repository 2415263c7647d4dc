//! Outcomes: making them, and comparing them with what a case expects.

use bigchaindb_core::model::{Json, Object};

/// What the original raised: `{"error": …, "error_text": …}`, with `is_value_error` for the
/// subclasses of `ValueError`. Without a text, texts are not compared: those of Python itself differ
/// from version to version.
pub(crate) fn raised(class: &str, text: Option<String>) -> Json {
    let mut fields = vec![("error".into(), class.into())];
    fields.extend(text.map(|text| ("error_text".into(), text.into())));
    if matches!(class, "Error" | "UnicodeDecodeError" | "UnicodeEncodeError") {
        fields.push(("is_value_error".into(), true.into()));
    }
    Json::Object(fields.into_iter().collect())
}

/// An outcome that is nothing but an error.
pub(crate) fn expected_error(class: &str, text: Option<String>) -> Json {
    Json::object([("expected", raised(class, text))])
}

/// What an outcome says otherwise than expected, field by field; `null` stands for a field that it
/// lacks. Nothing is left of outcomes that are alike.
pub(crate) fn difference(got: &Json, expected: &Json) -> Object {
    let (Json::Object(got), Json::Object(expected)) = (got, expected) else {
        panic!("outcomes are objects")
    };
    let mut difference = Object::new();
    for (field, _) in expected.iter().filter(|(field, _)| got.get(field).is_none()) {
        difference.insert(field, Json::Null);
    }
    for (field, value) in got.iter() {
        if !expected.get(field).is_some_and(|expected| like(value, expected)) {
            difference.insert(field, value.clone());
        }
    }
    difference
}

/// Whether a value is the expected one. An error's text counts only where `got` has one.
pub(crate) fn like(got: &Json, expected: &Json) -> bool {
    match (got, expected) {
        (Json::Object(got), Json::Object(expected)) => {
            let untold = expected.get("error").is_some() && got.get("error_text").is_none();
            let told = |field: &str| !(untold && field == "error_text");
            got.len() == expected.iter().filter(|(field, _)| told(field)).count()
                && got.iter().all(|(field, value)| {
                    expected.get(field).is_some_and(|expected| like(value, expected))
                })
        }
        (Json::Array(got), Json::Array(expected)) => {
            got.len() == expected.len()
                && got.iter().zip(expected).all(|(got, expected)| like(got, expected))
        }
        _ => got == expected,
    }
}

/// Lower-case hex.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of hex digits.
pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "an odd number of hex digits");
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex digits");
    (0..text.len()).step_by(2).map(byte).collect()
}
