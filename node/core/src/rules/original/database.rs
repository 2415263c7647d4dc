//! What the original's driver, and the server behind it, did not take.
//!
//! Source: RethinkDB 2.4.4 and its Python driver 2.3.0, asked.

use crate::model::{Json, Raised};

/// The deepest level of a value that the driver sent, the value itself being level 1.
const MAX_LEVEL: usize = 20;

/// The key that RethinkDB keeps for values of its own.
const PSEUDO_TYPE: &str = "$reql_type$";

/// The longest primary key, in bytes.
const PRIMARY_KEY_MAX: usize = 127;

/// Whether a value can be part of a query.
///
/// # Errors
/// What was raised. A time or binary value of RethinkDB's own was accepted, and killed whoever read
/// it; here it is refused like any other.
pub(super) fn check_value(value: &Json) -> Result<(), Raised> {
    let mut open = vec![(value, 1)];
    while let Some((value, level)) = open.pop() {
        if level > MAX_LEVEL {
            return Err(Raised::new("ReqlDriverCompileError", "Nesting depth limit exceeded."));
        }
        match value {
            Json::Float(number) if !number.is_finite() => {
                let text = "Out of range float values are not JSON compliant";
                return Err(Raised::new("ValueError", text));
            }
            Json::Array(items) => open.extend(items.iter().map(|item| (item, level + 1))),
            Json::Object(fields) if fields.get(PSEUDO_TYPE).is_some() => {
                let text = format!("a value with the key `{PSEUDO_TYPE}`");
                return Err(Raised::new("ReqlQueryLogicError", text));
            }
            Json::Object(fields) => {
                open.extend(fields.iter().map(|(_, value)| (value, level + 1)));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a document can be written. What writing raised, nobody caught, not even a `ValueError`.
///
/// # Errors
/// What was raised.
pub(super) fn check_writable(document: &Json) -> Result<(), Raised> {
    check_value(document).map_err(|raised| Raised { class: "Exception", ..raised })
}

/// Whether a transaction can be looked for by this id.
///
/// # Errors
/// What was raised.
pub(super) fn check_key(id: &Json) -> Result<(), Raised> {
    check_value(id)?;
    let mut open = vec![id];
    while let Some(part) = open.pop() {
        match part {
            Json::Null => return Err(Raised::new("ReqlNonExistenceError", "a key with a null")),
            Json::Object(_) => {
                return Err(Raised::new("ReqlQueryLogicError", "a key with an object"));
            }
            Json::String(text) => check_text(text)?,
            Json::Array(items) => open.extend(items),
            _ => {}
        }
    }
    Ok(())
}

/// Whether a text can be part of a key.
///
/// # Errors
/// What was raised.
pub(super) fn check_text(text: &str) -> Result<(), Raised> {
    if text.contains('\0') {
        return Err(Raised::new("ReqlQueryLogicError", "a key with a NULL byte"));
    }
    Ok(())
}

/// Whether the backlog can be asked for this id, once no block holds it.
///
/// # Errors
/// What was raised.
pub(super) fn check_primary_key(id: &str) -> Result<(), Raised> {
    if id.len() > PRIMARY_KEY_MAX {
        let text = format!("Primary key too long (max {PRIMARY_KEY_MAX} characters)");
        return Err(Raised::new("ReqlQueryLogicError", text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        Json::parse(text.as_bytes()).unwrap()
    }

    fn class(raised: Result<(), Raised>) -> &'static str {
        raised.map_or_else(|raised| raised.class, |()| "none")
    }

    #[test]
    fn what_the_driver_refused_is_told_by_level_and_kind() {
        let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
        for (text, raised) in [
            (nested(20), "none"),
            (nested(21), "ReqlDriverCompileError"),
            (nested(20).replace("[]", "[1]"), "ReqlDriverCompileError"),
            (r#"{"a":[NaN]}"#.to_owned(), "ValueError"),
            (r#"{"a":{"$reql_type$":"TIME"}}"#.to_owned(), "ReqlQueryLogicError"),
        ] {
            assert_eq!(class(check_value(&json(&text))), raised, "{text}");
        }
        assert_eq!(class(check_writable(&json("NaN"))), "Exception");
    }

    #[test]
    fn what_was_no_key_is_told_by_kind() {
        for (text, raised) in [
            ("true", "none"),
            ("1.5", "none"),
            ("[[1],\"x\"]", "none"),
            ("NaN", "ValueError"),
            ("null", "ReqlNonExistenceError"),
            ("[1,null]", "ReqlNonExistenceError"),
            ("{}", "ReqlQueryLogicError"),
            ("[{}]", "ReqlQueryLogicError"),
            ("\"a\\u0000b\"", "ReqlQueryLogicError"),
        ] {
            assert_eq!(class(check_key(&json(text))), raised, "{text}");
        }
        assert_eq!(class(check_primary_key(&"x".repeat(127))), "none");
        assert_eq!(class(check_primary_key(&"é".repeat(64))), "ReqlQueryLogicError");
    }
}
