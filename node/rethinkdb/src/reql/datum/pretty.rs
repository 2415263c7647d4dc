//! A value's text in error messages: one field a line, a tab per level and a tab after the colon.

use super::json::{base64, write_number, write_string};
use super::pseudo::REQL_TYPE;
use super::{Datum, deep};

/// How many bytes of a value a truncated text shows.
const TRUNCATED_BYTES: usize = 300;

impl Datum {
    /// This value as error texts show it.
    pub fn pretty(&self) -> String {
        let mut out = Vec::new();
        self.write_pretty(0, &mut out);
        String::from_utf8(out).expect("strings are UTF-8, and the rest is ASCII")
    }

    /// This value as error texts show it, cut off after 300 bytes.
    pub fn pretty_truncated(&self) -> String {
        truncated(self.pretty())
    }

    fn write_pretty(&self, level: usize, out: &mut Vec<u8>) {
        match self {
            Datum::Array(items) if !items.is_empty() => deep(|| {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    next_line(index, level + 1, out);
                    item.write_pretty(level + 1, out);
                }
                close(level, b']', out);
            }),
            Datum::Object(object) if !object.is_empty() => deep(|| {
                out.push(b'{');
                for (index, (name, value)) in object.iter().enumerate() {
                    next_line(index, level + 1, out);
                    write_name(name, out);
                    value.write_pretty(level + 1, out);
                }
                close(level, b'}', out);
            }),
            Datum::Binary(bytes) => {
                out.push(b'{');
                next_line(0, level + 1, out);
                write_name(REQL_TYPE, out);
                write_string("BINARY", out);
                next_line(1, level + 1, out);
                write_name("data", out);
                write_string(&base64(bytes), out);
                close(level, b'}', out);
            }
            Datum::Time(time) => {
                out.push(b'{');
                next_line(0, level + 1, out);
                write_name(REQL_TYPE, out);
                write_string("TIME", out);
                next_line(1, level + 1, out);
                write_name("epoch_time", out);
                write_number(time.epoch_s, out);
                next_line(2, level + 1, out);
                write_name("timezone", out);
                write_string(&time.timezone, out);
                close(level, b'}', out);
            }
            plain => plain.write_json(out),
        }
    }
}

fn next_line(index: usize, level: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b'\t', level));
}

fn write_name(name: &str, out: &mut Vec<u8>) {
    write_string(name, out);
    out.extend(b":\t");
}

fn close(level: usize, bracket: u8, out: &mut Vec<u8>) {
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b'\t', level));
    out.push(bracket);
}

/// A text cut off where error messages cut values off.
pub(crate) fn truncated(mut text: String) -> String {
    if text.len() > TRUNCATED_BYTES {
        let mut end = TRUNCATED_BYTES - 3;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// A number as error texts show one that is not what it should be: C's `%.20g`.
pub(crate) fn reconstructable(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{number:.19e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("written with an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a small integer");
    let without_zeros = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..20).contains(&exponent) {
        let places = usize::try_from(19 - exponent).expect("below twenty");
        without_zeros(&format!("{number:.places$}"))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs())
    }
}
