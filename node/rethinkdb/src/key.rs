//! RethinkDB's order of values, as bytes: comparing two keys is comparing two values.
//!
//! Here: what can be a key, and how it is written. A key opens with the letter of its type, as
//! RethinkDB's do, so that arrays come before truth values, numbers and strings. Every key says by
//! itself where it ends; an index entry is therefore just the value's key, the row's key and a tag
//! one after another, and sorts by (value, primary key). Only the order is RethinkDB's, the bytes
//! are ours. Not here: which values an index takes out of a document (`index`).

use bigchaindb_core::model::Json;

/// An encoded key, with its space in front.
pub(crate) type Key = Box<[u8]>;

/// The longest primary key: a string of 127 bytes, its letter and its end.
const PRIMARY_KEY_MAX: usize = 129;

/// Why a value cannot be a primary key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// The document has no such field, or it is null.
    #[error("the primary key is missing")]
    Missing,
    /// An object, or an array that holds null or an object.
    #[error("a primary key is a number, a string, a truth value or an array of those")]
    Kind,
    /// The text holds U+0000.
    #[error("the primary key contains U+0000")]
    Nul,
    /// More than 127 bytes.
    #[error("the primary key is too long (at most 127 bytes)")]
    TooLong,
}

/// Appends the primary key of a row.
///
/// # Errors
/// If RethinkDB would not take the value for a primary key.
pub(crate) fn encode_primary(value: &Json, out: &mut Vec<u8>) -> Result<(), KeyError> {
    let start = out.len();
    if value.is_null() {
        return Err(KeyError::Missing);
    }
    if !encode(value, out) {
        return Err(KeyError::Kind);
    }
    if holds_nul(value) {
        return Err(KeyError::Nul);
    }
    if out.len() - start > PRIMARY_KEY_MAX { Err(KeyError::TooLong) } else { Ok(()) }
}

fn holds_nul(value: &Json) -> bool {
    match value {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(holds_nul),
        _ => false,
    }
}

/// Appends a value; false, and nothing of use in `out`, if it has no key: null, objects, what is no
/// finite number, and arrays that hold such.
pub(crate) fn encode(value: &Json, out: &mut Vec<u8>) -> bool {
    match value {
        Json::Array(items) => encode_array(out, |out| items.iter().all(|item| encode(item, out))),
        Json::Bool(value) => {
            out.extend([b'B', u8::from(*value)]);
            true
        }
        Json::Int(int) => encode_number(*int as f64, out),
        Json::BigInt(digits) => digits.parse().is_ok_and(|number| encode_number(number, out)),
        Json::Float(number) => encode_number(*number, out),
        Json::String(text) => {
            encode_text(text, out);
            true
        }
        Json::Null | Json::Object(_) => false,
    }
}

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

/// Ends strings and arrays; it sorts before whatever could follow instead.
const END: u8 = 0;

/// Appends a string.
pub(crate) fn encode_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'S');
    for byte in text.bytes() {
        match byte {
            0 | 1 => out.extend([1, byte + 1]),
            _ => out.push(byte),
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
    match bytes[0] {
        b'A' => {
            let mut at = 1;
            while bytes[at] != END {
                at += length(&bytes[at..]);
            }
            at + 1
        }
        b'B' => 2,
        b'N' => 9,
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

    /// Each line sorts before the next; values on one line have one key.
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

    fn key(text: &str) -> Vec<u8> {
        let mut key = Vec::new();
        assert!(encode(&Json::parse(text.as_bytes()).unwrap(), &mut key), "{text} has a key");
        key
    }

    #[test]
    fn keys_sort_as_rethinkdb_sorts_values() {
        let mut last: Option<(&str, Vec<u8>)> = None;
        for line in ORDER.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let values: Vec<_> = if line.starts_with(['"', '[']) {
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
            }
            last = Some((line, first));
        }
    }

    #[test]
    fn null_objects_and_what_holds_them_have_no_key() {
        for value in ["null", "{}", "[null]", "[1,[{}]]", "NaN", "Infinity", "[-Infinity]"] {
            let value = Json::parse(value.as_bytes()).unwrap();
            assert!(!encode(&value, &mut Vec::new()), "{value}");
        }
    }

    #[test]
    fn primary_keys_have_their_limits() {
        let longest = "k".repeat(127);
        let too_long = "k".repeat(128);
        let cases = [
            (Json::from(&*longest), Ok(())),
            (Json::from(&*too_long), Err(KeyError::TooLong)),
            (Json::from("a\0"), Err(KeyError::Nul)),
            (Json::from(vec![Json::from("a\0")]), Err(KeyError::Nul)),
            (Json::Null, Err(KeyError::Missing)),
            (Json::object::<&str, 0>([]), Err(KeyError::Kind)),
            (Json::from(vec![Json::Null]), Err(KeyError::Kind)),
        ];
        for (value, expected) in cases {
            assert_eq!(encode_primary(&value, &mut Vec::new()), expected, "{value}");
        }
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
