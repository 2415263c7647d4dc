//! RethinkDB's order of values, as bytes: comparing two keys is comparing two values.
//!
//! Here: what can be a key, and how it is written. A key opens with the letter of its type, as
//! RethinkDB's do, so that arrays come before truth values, numbers, bytes, times and strings. Every
//! key says by itself where it ends; an index entry is therefore just the value's key, the row's key
//! and a tag one after another, and sorts by (value, primary key). Only the order is RethinkDB's, the
//! bytes are ours. Not here: which values an index takes out of a document (`index`), why a value
//! cannot be a primary key (`key/primary`).

mod primary;

use bigchaindb_core::model::Json;

pub use primary::{KeyError, check_primary_key, check_secondary_key};
pub(crate) use primary::{encode_primary, encode_primary_json, encode_secondary};

use crate::reql::{Datum, deep};

/// An encoded key, with its space in front.
pub(crate) type Key = Box<[u8]>;

/// How many arrays a key may have one inside the other. RethinkDB cuts every key off long before.
const DEEP_MAX: usize = 256;

/// What can be made a key.
pub(crate) trait Value: Sized {
    /// Appends the value's key; false, and nothing of use in `out`, if it has none.
    fn encode(&self, out: &mut Vec<u8>, bounds: Bounds) -> bool;
}

/// Whether the two values that are below and above all others may stand in a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bounds {
    /// In the end of a range.
    Allowed,
    /// In what is stored.
    Refused,
}

/// Appends a value that is to be stored; false, and nothing of use in `out`, if it has no key: null,
/// objects, what is no finite number, and arrays that hold such.
pub(crate) fn encode(value: &impl Value, out: &mut Vec<u8>) -> bool {
    value.encode(out, Bounds::Refused)
}

impl Value for Json {
    fn encode(&self, out: &mut Vec<u8>, bounds: Bounds) -> bool {
        match self {
            Json::Array(items) => {
                encode_array(out, |out| items.iter().all(|item| item.encode(out, bounds)))
            }
            Json::Bool(value) => encode_bool(*value, out),
            Json::Int(int) => encode_number(*int as f64, out),
            Json::BigInt(digits) => digits.parse().is_ok_and(|number| encode_number(number, out)),
            Json::Float(number) => encode_number(*number, out),
            Json::String(text) => {
                encode_text(text, out);
                true
            }
            Json::Null => false,
            // Bytes and times are objects in JSON, and have keys; nothing else of the kind does.
            Json::Object(object) => {
                object.get(REQL_TYPE).is_some()
                    && Datum::try_from(self).is_ok_and(|datum| datum.encode(out, bounds))
            }
        }
    }
}

impl Value for Datum {
    fn encode(&self, out: &mut Vec<u8>, bounds: Bounds) -> bool {
        encode_datum(self, out, bounds, DEEP_MAX)
    }
}

fn encode_datum(datum: &Datum, out: &mut Vec<u8>, bounds: Bounds, deep_max: usize) -> bool {
    match datum {
        Datum::Array(_) if deep_max == 0 => false,
        Datum::Array(items) => encode_array(out, |out| {
            items.iter().all(|item| deep(|| encode_datum(item, out, bounds, deep_max - 1)))
        }),
        Datum::Bool(value) => encode_bool(*value, out),
        Datum::Number(number) => encode_number(*number, out),
        Datum::String(text) => {
            encode_text(text, out);
            true
        }
        Datum::Binary(bytes) => {
            out.extend(b"PB");
            encode_bytes(bytes, out);
            true
        }
        Datum::Time(time) => {
            out.extend(b"PT");
            encode_number(time.epoch_s, out)
        }
        Datum::MinVal => {
            out.push(MINVAL);
            bounds == Bounds::Allowed
        }
        Datum::MaxVal => {
            out.push(MAXVAL);
            bounds == Bounds::Allowed
        }
        Datum::Null | Datum::Object(_) => false,
    }
}

/// The name of the field by which JSON tells bytes and times from other objects.
const REQL_TYPE: &str = "$reql_type$";

/// Before and after the letter of every type.
const MINVAL: u8 = b'A' - 1;
const MAXVAL: u8 = b'Z' + 1;

/// Appends an array whose items `encode_items` appends; false if it says so.
pub(crate) fn encode_array(
    out: &mut Vec<u8>,
    encode_items: impl FnOnce(&mut Vec<u8>) -> bool,
) -> bool {
    out.push(b'A');
    let complete = encode_items(out);
    out.push(END);
    complete
}

/// Appends how every array starts that starts with these values; false if they cannot be keys.
pub(crate) fn encode_start_of_array(values: &[Json], out: &mut Vec<u8>) -> bool {
    out.push(b'A');
    values.iter().all(|value| encode(value, out))
}

/// Ends strings, bytes and arrays; it sorts before whatever could follow instead.
const END: u8 = 0;

fn encode_bool(value: bool, out: &mut Vec<u8>) -> bool {
    out.extend([b'B', u8::from(value)]);
    true
}

/// Appends a string.
pub(crate) fn encode_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'S');
    encode_bytes(text.as_bytes(), out);
}

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            0 | 1 => out.extend([1, byte + 1]),
            _ => out.push(*byte),
        }
    }
    out.push(END);
}

/// A double's bits sort like the double once the sign bit is flipped, or all of them if it is set.
fn encode_number(number: f64, out: &mut Vec<u8>) -> bool {
    let bits = if number == 0.0 { 0 } else { number.to_bits() };
    let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    out.push(b'N');
    out.extend(ordered.to_be_bytes());
    number.is_finite()
}

/// How many bytes the key at the start of `bytes` has.
pub(crate) fn length(bytes: &[u8]) -> usize {
    match bytes {
        [b'A', ..] => {
            let mut at = 1;
            while bytes[at] != END {
                at += length(&bytes[at..]);
            }
            at + 1
        }
        [b'B', ..] => 2,
        [b'N', ..] => 9,
        [b'P', b'T', ..] => 2 + 9,
        [MINVAL | MAXVAL, ..] => 1,
        _ => 1 + bytes.iter().position(|byte| *byte == END).expect("a string's key has an end"),
    }
}

/// The text that a key is the key of, if it is a text's.
pub(crate) fn text(key: &[u8]) -> Option<String> {
    let bytes = key.strip_prefix(b"S")?.strip_suffix(&[END])?;
    let mut text = Vec::with_capacity(bytes.len());
    let mut bytes = bytes.iter();
    while let Some(byte) = bytes.next() {
        text.push(if *byte == 1 { bytes.next()? - 1 } else { *byte });
    }
    String::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line sorts before the next; values on one line have one key. As a value's type decides
    /// first, so does RethinkDB's order of values.
    const ORDER: &str = r#"
        []
        [[]]
        [-1]
        ["a"]
        ["a","b"]
        ["a\u0000"]
        ["a\u0001"]
        ["aa"]
        false
        true
        -1e308
        -2
        -1.5
        0 -0.0 0.0
        1e-300
        1 1.0
        2
        9007199254740993 9007199254740992
        1e308
        {"$reql_type$":"BINARY","data":""}
        {"$reql_type$":"BINARY","data":"AA=="}
        {"$reql_type$":"BINARY","data":"AAA="}
        {"$reql_type$":"BINARY","data":"AQ=="}
        {"$reql_type$":"BINARY","data":"/w=="}
        {"$reql_type$":"TIME","epoch_time":-1.5,"timezone":"+00:00"}
        {"$reql_type$":"TIME","epoch_time":1,"timezone":"+00:00"}
        ""
        "\u0000"
        "\u0000a"
        "\u0001"
        "A"
        "B"
        "a"
        "a "
        "b"
        "é"
    "#;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    /// The key, which is the same whether a value is written by the core or by a client.
    fn key(text: &str) -> Vec<u8> {
        let (mut key, mut of_datum) = (Vec::new(), Vec::new());
        let json = json(text);
        assert!(encode(&json, &mut key), "{text} has a key");
        assert!(encode(&Datum::try_from(&json).unwrap(), &mut of_datum), "{text} has a key");
        assert_eq!(key, of_datum, "{text}");
        key
    }

    #[test]
    fn keys_sort_as_rethinkdb_sorts_values() {
        let mut last: Option<(&str, Vec<u8>)> = None;
        for line in ORDER.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let values: Vec<_> = if line.starts_with(['"', '[', '{']) {
                vec![line]
            } else {
                line.split_whitespace().collect()
            };
            let first = key(values[0]);
            for value in values {
                assert_eq!(key(value), first, "{value} in {line}");
            }
            assert_eq!(length(&first), first.len(), "{line} says where it ends");
            assert_eq!(length(&[&*first, b"S\0"].concat()), first.len(), "{line} with more behind");
            if let Some((before, smaller)) = &last {
                assert!(*smaller < first, "{before} sorts before {line}");
                let datum = |text| Datum::try_from(&json(text)).unwrap();
                let (before, line) = (before.split(' ').next(), line.split(' ').next());
                if let (Some(before), Some(line)) = (before, line)
                    && Json::parse(before.as_bytes()).is_ok()
                    && Json::parse(line.as_bytes()).is_ok()
                {
                    assert!(datum(before) < datum(line), "{before} is smaller than {line}");
                }
            }
            last = Some((line, first));
        }
    }

    #[test]
    fn the_two_bounds_are_below_and_above_everything_also_inside_arrays() {
        let bound = |datum: &Datum| {
            let mut key = Vec::new();
            assert!(datum.encode(&mut key, Bounds::Allowed));
            assert!(!encode(datum, &mut Vec::new()), "{datum:?} is never stored");
            assert_eq!(length(&key), key.len());
            key
        };
        let within = |bound: Datum| Datum::array(vec![Datum::from("a"), bound]);
        for line in ORDER.lines().map(str::trim).filter(|line| line.starts_with(['"', '['])) {
            let key = key(line);
            assert!(bound(&Datum::MinVal) < key && key < bound(&Datum::MaxVal), "{line}");
            let prefixed = self::key(&format!("[\"a\",{line}]"));
            assert!(bound(&within(Datum::MinVal)) < prefixed, "{line}");
            assert!(prefixed < bound(&within(Datum::MaxVal)), "{line}");
        }
        assert!(key(r#"["a"]"#) < bound(&within(Datum::MinVal)), "a prefix is smaller");
        assert!(key(r#"["aa"]"#) > bound(&within(Datum::MaxVal)));
    }

    #[test]
    fn null_objects_and_what_holds_them_have_no_key() {
        for value in ["null", "{}", "[null]", "[1,[{}]]", "NaN", "Infinity", "[-Infinity]"] {
            assert!(!encode(&json(value), &mut Vec::new()), "{value}");
        }
        let deeper = (0..=DEEP_MAX).fold(Datum::from(1), |inner, _| Datum::array(vec![inner]));
        assert!(!encode(&deeper, &mut Vec::new()));
    }

    #[test]
    fn a_texts_key_gives_the_text_back() {
        for original in ["", "a", "\u{0}\u{1}\u{2}é"] {
            let mut key = Vec::new();
            encode_text(original, &mut key);
            assert_eq!(text(&key).as_deref(), Some(original));
        }
    }
}
