//! JSON: reading undoes writing, order does not matter, and no text does harm.

use bigchaindb_core::model::{Json, keccak256_hex};
use proptest::prelude::*;

use crate::any;

/// What Python reads, and how it is written canonically; `-` where it is refused.
const TEXTS: &str = r#"
    -0                     | 0
    -0.0                   | -0.0
    -0e0                   | -0.0
    1E+2                   | 100.0
    [NaN,-Infinity]        | [NaN,-Infinity]
    1e400                  | Infinity
    "\ud83d\ude00"         | "😀"
    "\u00e9\/"             | "é/"
    {"a":1,"b":2,"a":3}    | {"a":3,"b":2}
    {"b":[],"a":{}}        | {"a":{},"b":[]}
    "cut\u0000off"         | "cut"
    {"k\u0000x":1,"j":0}   | {"j":0,"k":1}
    01                     | -
    1.                     | -
    .5                     | -
    -                      | -
    +1                     | -
    -NaN                   | -
    nul                    | -
    [1,]                   | -
    [,1]                   | -
    {"a":1,}               | -
    {"a"}                  | -
    {a:1}                  | -
    1 2                    | -
    [1}                    | -
    "\x41"                 | -
    "\u12"                 | -
    "\u+123"               | -
    "\ud83d"               | -
    "\ud83d\u0041"         | -
    "\ude00\ud83d"         | -
    "open                  | -
"#;

#[test]
fn texts_are_read_as_python_reads_them() {
    for line in TEXTS.lines().filter(|line| !line.trim().is_empty()) {
        let (text, canonical) = line.rsplit_once('|').expect("two columns");
        let (text, canonical) = (text.trim(), canonical.trim());
        match Json::parse(text.as_bytes()) {
            Ok(json) => assert_eq!(json.canonical().unwrap(), canonical, "{text}"),
            Err(error) => assert_eq!("-", canonical, "{text}: {error}"),
        }
    }
}

#[test]
fn what_no_editor_shows_is_refused_too() {
    for text in [&b"\"\xff\""[..], b"\"a\nb\"", b"\xef\xbb\xbf1", b"", b" ", b"\"\x00\""] {
        assert!(Json::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn integers_keep_every_digit() {
    let long = format!("-{}", "9".repeat(60));
    for text in ["170141183460469231731687303715884105727", "-1", "999999999999999999", &*long] {
        assert_eq!(Json::parse(text.as_bytes()).unwrap().to_string(), text);
    }
    assert_ne!(Json::parse(b"1"), Json::parse(b"1.0"));
    assert_ne!(Json::parse(b"0.0"), Json::parse(b"-0.0"));
}

#[test]
fn python_truth() {
    let truths =
        [r#"[null, false, 0, 0.0, -0.0, "", [], {}]"#, r#"[true, 1, 0.5, "0", [0], {"":0}, NaN]"#];
    for (truth, values) in [false, true].into_iter().zip(truths) {
        let values = Json::parse(values.as_bytes()).unwrap();
        assert!(values.as_array().unwrap().iter().all(|value| value.is_truthy() == truth));
    }
}

proptest! {
    #[test]
    fn reading_undoes_writing(json in any::json()) {
        let canonical = json.canonical().unwrap();
        prop_assert_eq!(&Json::parse(canonical.as_bytes()).unwrap(), &json);
        prop_assert_eq!(&Json::parse(json.to_string().as_bytes()).unwrap(), &json);
    }

    #[test]
    fn the_lossless_text_keeps_what_the_canonical_one_drops(texts in prop::collection::vec(any::<String>(), 0..4), int in any::<i128>()) {
        let texts = texts.into_iter().map(Json::from).chain([Json::Int(int)]).collect::<Vec<_>>();
        let json = Json::from(texts);
        prop_assert_eq!(Json::parse(json.to_string().as_bytes()).unwrap(), json);
    }

    #[test]
    fn the_order_of_fields_does_not_matter(
        fields in prop::collection::btree_map(any::text(), any::json(), 0..8)
            .prop_map(|fields| fields.into_iter().collect::<Vec<_>>())
            .prop_flat_map(|fields| (Just(fields.clone()), Just(fields).prop_shuffle())),
    ) {
        let write = |fields: &[(String, Json)]| {
            let fields: Vec<_> =
                fields.iter().map(|(key, value)| format!(" {} :\n{value}\t", Json::from(&**key))).collect();
            let json = Json::parse(format!("{{{}}}", fields.join(",")).as_bytes()).unwrap();
            let canonical = json.canonical().unwrap();
            (keccak256_hex(canonical.as_bytes()), canonical)
        };
        prop_assert_eq!(write(&fields.0), write(&fields.1));
    }

    #[test]
    fn every_double_reads_back(bits in any::<u64>()) {
        let json = Json::Float(f64::from_bits(bits));
        prop_assert_eq!(Json::parse(json.canonical().unwrap().as_bytes()).unwrap(), json);
    }

    #[test]
    fn no_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Json::parse(&bytes);
    }

    #[test]
    fn no_spoilt_document_does_harm(json in any::json(), harms in any::harms()) {
        if let Ok(spoilt) = Json::parse(&any::harm(json.to_string().into_bytes(), &harms)) {
            let _ = spoilt.canonical();
            prop_assert_eq!(&Json::parse(spoilt.to_string().as_bytes()).unwrap(), &spoilt);
        }
    }
}
