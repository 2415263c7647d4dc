//! A value's text on the wire, byte for byte as RethinkDB prints it.

use std::io::Write as _;

use super::pseudo::REQL_TYPE;
use super::{Datum, Time, deep, integer};

impl Datum {
    /// Appends this value's JSON text, without white space, fields sorted.
    ///
    /// A whole number within ±2^53 has no point, `-0.0` has; other numbers have the fewest digits that
    /// are read back as the same double. Bytes and times are objects with a field `$reql_type$`. The
    /// two bounds, which no answer may hold, are `null`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Datum::MinVal | Datum::MaxVal | Datum::Null => out.extend(b"null"),
            Datum::Bool(true) => out.extend(b"true"),
            Datum::Bool(false) => out.extend(b"false"),
            Datum::Number(number) => write_number(*number, out),
            Datum::String(text) => write_string(text, out),
            Datum::Array(items) => deep(|| {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write_json(out);
                }
                out.push(b']');
            }),
            Datum::Object(object) => deep(|| {
                out.push(b'{');
                for (index, (name, value)) in object.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    write_string(name, out);
                    out.push(b':');
                    value.write_json(out);
                }
                out.push(b'}');
            }),
            Datum::Binary(bytes) => {
                write!(out, r#"{{"{REQL_TYPE}":"BINARY","data":"#).expect(GROWS);
                write_string(&base64(bytes), out);
                out.push(b'}');
            }
            Datum::Time(Time { epoch_s, timezone }) => {
                write!(out, r#"{{"{REQL_TYPE}":"TIME","epoch_time":"#).expect(GROWS);
                write_number(*epoch_s, out);
                write!(out, r#","timezone":"{timezone}"}}"#).expect(GROWS);
            }
        }
    }

    /// This value's JSON text; see [`Datum::write_json`].
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        self.write_json(&mut out);
        String::from_utf8(out).expect("strings are UTF-8, and the rest is ASCII")
    }
}

const GROWS: &str = "a vector takes all it is given";

/// A number as RethinkDB prints it.
pub(super) fn write_number(number: f64, out: &mut Vec<u8>) {
    match integer(number) {
        Some(whole) if whole != 0 || number.is_sign_positive() => {
            write!(out, "{whole}").expect(GROWS);
        }
        _ => write_double(number, out),
    }
}

/// A double with its point: digits as they are up to 21 places, then with an exponent.
fn write_double(number: f64, out: &mut Vec<u8>) {
    let shortest = format!("{:e}", number.abs());
    let (mantissa, exponent) = shortest.split_once('e').expect("written with an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a small integer");
    let digits: String = mantissa.chars().filter(|digit| *digit != '.').collect();
    let count = i32::try_from(digits.len()).expect("a double has at most 17 digits");
    // The point stands behind so many digits.
    let point = exponent + 1;
    if number.is_sign_negative() {
        out.push(b'-');
    }
    if number == 0.0 {
        out.extend(b"0.0");
    } else if count <= point && point <= 21 {
        out.extend(digits.as_bytes());
        out.extend((count..point).map(|_| b'0'));
        out.extend(b".0");
    } else if 0 < point && point <= 21 {
        let (whole, fraction) = digits.split_at(usize::try_from(point).expect("it is positive"));
        write!(out, "{whole}.{fraction}").expect(GROWS);
    } else if -6 < point && point <= 0 {
        out.extend(b"0.");
        out.extend((point..0).map(|_| b'0'));
        out.extend(digits.as_bytes());
    } else {
        let (first, rest) = digits.split_at(1);
        out.extend(first.as_bytes());
        if !rest.is_empty() {
            write!(out, ".{rest}").expect(GROWS);
        }
        write!(out, "e{exponent}").expect(GROWS);
    }
}

/// A string in quotes; what JSON does not let stand as it is, is escaped in the shortest way.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut plain_from = 0;
    for (index, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => b'"',
            b'\\' => b'\\',
            8 => b'b',
            9 => b't',
            10 => b'n',
            12 => b'f',
            13 => b'r',
            0..32 => b'u',
            _ => continue,
        };
        out.extend(&text.as_bytes()[plain_from..index]);
        plain_from = index + 1;
        out.extend([b'\\', escape]);
        if escape == b'u' {
            write!(out, "{byte:04X}").expect(GROWS);
        }
    }
    out.extend(&text.as_bytes()[plain_from..]);
    out.push(b'"');
}

/// Base64 with a line break after every 76 characters but the last ones, as RethinkDB writes bytes.
pub(crate) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let line = base64::engine::general_purpose::STANDARD.encode(bytes);
    let mut out = String::with_capacity(line.len() + line.len() / 38);
    for (index, character) in line.char_indices() {
        if index > 0 && index % 76 == 0 {
            out.push_str("\r\n");
        }
        out.push(character);
    }
    out
}
