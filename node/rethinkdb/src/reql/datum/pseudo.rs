//! Objects that stand for something else: those with a field `$reql_type$`.
//!
//! Times and bytes have variants of their own. A literal, which only `merge` and `update` ever see,
//! stays the object it is written as.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use super::{Datum, Time};
use crate::reql::failure::{Failure, Result};

/// The field that makes an object a pseudo-type.
pub(crate) const REQL_TYPE: &str = "$reql_type$";
/// What that field holds in a literal.
pub(crate) const LITERAL: &str = "LITERAL";

/// What is said of a literal where there is nothing to merge it into.
pub(crate) const STRAY_LITERAL: &str = "Stray literal keyword found: literal is only legal inside of the object \
     passed to merge or update and cannot nest inside other literals.";

/// Padding may be there or not, as in RethinkDB.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

type Fields = BTreeMap<Arc<str>, Datum>;

impl Datum {
    /// The value of an object's fields: an object, or what its field `$reql_type$` says it is.
    ///
    /// # Errors
    /// A type that ReQL does not have, or one that misses its parts; a literal.
    pub(crate) fn from_fields(fields: Fields) -> Result<Datum> {
        Self::from_fields_or_literal(fields, false)
    }

    /// The same where literals are at home, if `literal_ok`.
    pub(crate) fn from_fields_or_literal(fields: Fields, literal_ok: bool) -> Result<Datum> {
        let Some(name) = fields.get(REQL_TYPE) else { return Ok(Datum::object(fields)) };
        let Some(name) = name.as_str() else {
            return Err(Failure::logic(format!(
                "Error: Field `{REQL_TYPE}` must be a string (got `{}` of type {}):\n{}",
                name.pretty_truncated(),
                name.type_name(),
                Datum::object(fields.clone()).pretty_truncated()
            )));
        };
        match name {
            "TIME" => time(fields),
            "BINARY" => binary(&fields),
            LITERAL if literal_ok => literal(fields),
            LITERAL => Err(Failure::logic(STRAY_LITERAL)),
            other => Err(Failure::logic(format!("Unknown {REQL_TYPE} `PTYPE<{other}>`."))),
        }
    }

    /// Whether this is what `r.literal` makes.
    pub(crate) fn is_literal(&self) -> bool {
        self.get(REQL_TYPE).is_some()
    }

    /// The fields of the object that bytes or a time are written as; an object's own.
    pub(crate) fn as_fields(&self) -> Fields {
        let tagged = |name: &str| (REQL_TYPE.into(), Datum::from(name));
        match self {
            Datum::Object(object) => (**object).clone(),
            Datum::Binary(bytes) => {
                [tagged("BINARY"), ("data".into(), super::base64(bytes).into())].into()
            }
            Datum::Time(Time { epoch_s, timezone }) => [
                tagged("TIME"),
                ("epoch_time".into(), Datum::Number(*epoch_s)),
                ("timezone".into(), Datum::String(timezone.clone())),
            ]
            .into(),
            _ => Fields::new(),
        }
    }

    /// The instant of so many seconds after 1970, to the millisecond.
    pub(crate) fn time(epoch_s: f64, timezone: Arc<str>) -> Datum {
        Datum::Time(Time { epoch_s: to_milliseconds(epoch_s), timezone })
    }
}

/// Times are kept to the millisecond.
fn to_milliseconds(epoch_s: f64) -> f64 {
    (epoch_s * 1000.0).round() / 1000.0
}

fn literal(fields: Fields) -> Result<Datum> {
    match fields.keys().find(|name| !matches!(&***name, REQL_TYPE | "value")) {
        Some(name) => {
            Err(Failure::logic(format!("Invalid literal term with illegal key `{name}`.")))
        }
        None => Ok(Datum::object(fields)),
    }
}

fn binary(fields: &Fields) -> Result<Datum> {
    if let Some(name) = fields.keys().find(|name| !matches!(&***name, REQL_TYPE | "data")) {
        let message = format!("Invalid binary pseudotype: illegal `{name}` key.");
        return Err(Failure::logic(message));
    }
    let Some(data) = fields.get("data") else {
        return Err(Failure::logic("Invalid binary pseudotype: lacking `data` key."));
    };
    Ok(Datum::Binary(from_base64(data.expect_str()?)?.into()))
}

/// Reads base64; white space does not count, and padding may be missing.
fn from_base64(text: &str) -> Result<Vec<u8>> {
    let is_space = |byte: u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t');
    let end = text.find('=').unwrap_or(text.len());
    let digits: Vec<u8> = text.bytes().take(end).filter(|byte| !is_space(*byte)).collect();
    if let Some(bad) = text[..end].chars().find(|c| !is_base64(*c) && !c.is_ascii_whitespace()) {
        return Err(Failure::logic(format!("Invalid base64 character found: '{bad}'.")));
    }
    if digits.len() % 4 == 1 {
        return Err(Failure::logic(
            "Invalid base64 length: 1 character remaining, cannot decode a full byte.",
        ));
    }
    if !text.bytes().skip(end).all(|byte| byte == b'=' || is_space(byte)) {
        return Err(Failure::logic(
            "Invalid base64 format, data found after padding character '='.",
        ));
    }
    BASE64.decode(&digits).map_err(|error| Failure::logic(error.to_string()))
}

fn is_base64(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '+' | '/')
}

fn time(fields: Fields) -> Result<Datum> {
    let wrong = |what: String| {
        let object = Datum::object(fields.clone()).pretty_truncated();
        Err(Failure::logic(format!("Invalid time object constructed ({what}):\n{object}")))
    };
    let unexpected = |name: &str, wanted: &str, value: &Datum| {
        let (text, kind) = (value.pretty_truncated(), value.type_name());
        format!("field `{name}` must be a {wanted} (got `{text}` of type {kind})")
    };
    let (mut epoch_s, mut zone) = (None, None);
    for (name, value) in &fields {
        match (&**name, value) {
            (REQL_TYPE, _) => (),
            ("epoch_time", Datum::Number(number)) => epoch_s = Some(*number),
            ("epoch_time", other) => return wrong(unexpected(name, "number", other)),
            ("timezone", Datum::String(text)) => match valid_timezone(text) {
                Ok(text) => zone = Some(text),
                Err(_) => {
                    return wrong(format!(
                        "invalid timezone string `{}`",
                        value.pretty_truncated()
                    ));
                }
            },
            ("timezone", other) => return wrong(unexpected(name, "string", other)),
            _ => return wrong(format!("unrecognized field `{name}`")),
        }
    }
    match (epoch_s, zone) {
        (Some(epoch_s), Some(zone)) => Ok(Datum::time(epoch_s, zone.into())),
        (None, _) => wrong("no field `epoch_time`".to_owned()),
        (_, None) => wrong("no field `timezone`".to_owned()),
    }
}

/// A time zone in full, as in `+01:30`, from any of the ways ISO 8601 writes one.
///
/// # Errors
/// A text that is no time zone.
pub(crate) fn valid_timezone(text: &str) -> Result<String> {
    let wrong = |message: String| Err(Failure::logic(message));
    match text {
        "-00" | "-00:00" => return wrong(format!("`{text}` is not a valid time offset.")),
        "Z" => return Ok("+00:00".to_owned()),
        _ => (),
    }
    let Some(rest) = text.strip_prefix(['+', '-']) else {
        return wrong(format!("Timezone `{text}` does not start with `-` or `+`."));
    };
    let (hours, rest) = two_digits(text, rest)?;
    let (minutes, rest) = match rest {
        "" => ("00", ""),
        _ => two_digits(text, rest.strip_prefix(':').unwrap_or(rest))?,
    };
    if !rest.is_empty() {
        let message = format!("Garbage characters `{rest}` at end of timezone string `{text}`.");
        return wrong(message);
    }
    if hours > "24" {
        return wrong(format!("Hours out of range in `{text}`."));
    }
    if minutes > "59" {
        return wrong(format!("Minutes out of range in `{text}`."));
    }
    Ok(format!("{}{hours}:{minutes}", &text[..1]))
}

/// The two digits that `rest` starts with, and what follows.
fn two_digits<'a>(text: &str, rest: &'a str) -> Result<(&'a str, &'a str)> {
    for place in 0..2 {
        match rest.chars().nth(place) {
            Some(digit) if digit.is_ascii_digit() => (),
            Some(other) => {
                return Err(Failure::logic(format!(
                    "Invalid date string `{text}` (got `{other}` but expected a digit)."
                )));
            }
            None => {
                return Err(Failure::logic(format!(
                    "Invalid time zone string `{text}`. Valid time zones are `+hh:mm`, `-hh:mm`, \
                     `+hhmm`, `-hhmm`, `+hh`, `-hh` and `Z`."
                )));
            }
        }
    }
    Ok(rest.split_at(2))
}
