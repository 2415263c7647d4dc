//! A ReQL value as bytes on disk: nothing is lost, and reading needs no look at single characters.
//!
//! A letter says the type. A number is its eight bytes; a text, its length and its bytes; an array,
//! how many items and the items; an object, how many fields and names and values by turns.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::reql::{Datum, Time, deep};

/// Appends a value.
pub(super) fn write(datum: &Datum, out: &mut Vec<u8>) {
    match datum {
        // The two bounds are never stored.
        Datum::Null | Datum::MinVal | Datum::MaxVal => out.push(b'n'),
        Datum::Bool(false) => out.push(b'f'),
        Datum::Bool(true) => out.push(b't'),
        Datum::Number(number) => {
            out.push(b'N');
            out.extend(number.to_le_bytes());
        }
        Datum::String(text) => {
            out.push(b'S');
            write_bytes(text.as_bytes(), out);
        }
        Datum::Array(items) => {
            out.push(b'A');
            write_length(items.len(), out);
            deep(|| items.iter().for_each(|item| write(item, out)));
        }
        Datum::Object(fields) => {
            out.push(b'O');
            write_length(fields.len(), out);
            deep(|| {
                for (name, value) in fields.iter() {
                    write_bytes(name.as_bytes(), out);
                    write(value, out);
                }
            });
        }
        Datum::Binary(bytes) => {
            out.push(b'B');
            write_bytes(bytes, out);
        }
        Datum::Time(time) => {
            out.push(b'T');
            out.extend(time.epoch_s.to_le_bytes());
            write_bytes(time.timezone.as_bytes(), out);
        }
    }
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_length(bytes.len(), out);
    out.extend(bytes);
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn write_length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = length.to_le_bytes();
        length >>= 7;
        if length == 0 {
            return out.push(low);
        }
        out.push(0x80 | low);
    }
}

/// Reads a value back; none if that is not all there is, or not what [`write`] makes.
pub(super) fn read(mut bytes: &[u8]) -> Option<Datum> {
    let datum = take(&mut bytes)?;
    bytes.is_empty().then_some(datum)
}

fn take(bytes: &mut &[u8]) -> Option<Datum> {
    Some(match take_byte(bytes)? {
        b'n' => Datum::Null,
        b'f' => Datum::Bool(false),
        b't' => Datum::Bool(true),
        b'N' => Datum::Number(take_number(bytes)?),
        b'S' => Datum::String(take_text(bytes)?),
        b'A' => {
            let length = take_length(bytes)?;
            // A length that cannot be is not to be believed before the items are there.
            let mut items = Vec::with_capacity(length.min(bytes.len()));
            deep(|| {
                for _ in 0..length {
                    items.push(take(bytes)?);
                }
                Some(())
            })?;
            Datum::array(items)
        }
        b'O' => {
            let length = take_length(bytes)?;
            let field = |bytes: &mut &[u8]| Some((take_text(bytes)?, take(bytes)?));
            let fields =
                deep(|| (0..length).map(|_| field(bytes)).collect::<Option<BTreeMap<_, _>>>());
            Datum::object(fields?)
        }
        b'B' => Datum::Binary(take_bytes(bytes)?.into()),
        b'T' => {
            let epoch_s = take_number(bytes)?;
            Datum::Time(Time { epoch_s, timezone: take_text(bytes)? })
        }
        _ => return None,
    })
}

fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(*first)
}

fn take_number(bytes: &mut &[u8]) -> Option<f64> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(f64::from_le_bytes(*number))
}

fn take_length(bytes: &mut &[u8]) -> Option<usize> {
    let mut length = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = take_byte(bytes)?;
        length |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(length);
        }
    }
    None
}

fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take_length(bytes)?;
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn take_text(bytes: &mut &[u8]) -> Option<Arc<str>> {
    Some(std::str::from_utf8(take_bytes(bytes)?).ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Vec<Datum> {
        let time = |epoch_s, zone: &str| Datum::Time(Time { epoch_s, timezone: zone.into() });
        let mut values = vec![
            Datum::Null,
            Datum::Bool(true),
            Datum::Bool(false),
            Datum::from(0.1),
            Datum::from(-0.0),
            Datum::from(f64::MIN_POSITIVE),
            Datum::from(""),
            Datum::from("é\0".repeat(200)),
            Datum::Binary([0, 1, 255].into()),
            time(1.5, "+02:00"),
            Datum::array(vec![]),
            Datum::fields([]),
        ];
        values.push(Datum::array(values.clone()));
        values.push(Datum::fields([("", values[0].clone()), ("a\0", values[12].clone())]));
        let levels = 60_000;
        values.push((0..levels).fold(Datum::from("x"), |inner, _| Datum::array(vec![inner])));
        values
    }

    #[test]
    fn a_value_reads_back_to_the_last_bit() {
        for value in values() {
            let mut bytes = Vec::new();
            write(&value, &mut bytes);
            let back = read(&bytes).unwrap();
            assert_eq!(back, value);
            let mut again = Vec::new();
            write(&back, &mut again);
            assert_eq!(again, bytes, "also where equal values differ: -0, time zones");
        }
    }

    #[test]
    fn what_is_cut_off_or_made_up_is_no_value() {
        for value in values().into_iter().take(14) {
            let mut bytes = Vec::new();
            write(&value, &mut bytes);
            for end in 0..bytes.len() {
                assert!(read(&bytes[..end]).is_none(), "{value:?} at {end}");
            }
            bytes.push(b'n');
            assert!(read(&bytes).is_none(), "{value:?} with more behind");
        }
        let huge = [b'A', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        for bytes in
            [&huge[..], b"S\x02\xff\xff", b"?", b"S\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"]
        {
            assert!(read(bytes).is_none(), "{bytes:?}");
        }
    }
}
