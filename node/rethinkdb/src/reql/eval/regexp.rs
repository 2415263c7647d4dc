//! What is said of a pattern that is no regular expression, in the words of RE2.

use regex_syntax::ast::{self, Span};
use regex_syntax::{Error, Parser, hir};

/// The part of the pattern that is to blame, and why.
pub(super) fn refusal(pattern: &str) -> Option<(&str, String)> {
    let (span, what) = match Parser::new().parse(pattern).err()? {
        Error::Parse(error) => of_syntax(&error),
        Error::Translate(error) => (
            *error.span(),
            match error.kind() {
                hir::ErrorKind::UnicodePropertyNotFound
                | hir::ErrorKind::UnicodePropertyValueNotFound => {
                    Ok("invalid character class range")
                }
                other => Err(other.to_string()),
            },
        ),
        other => return Some((pattern, other.to_string())),
    };
    let portion = match what {
        Ok(TRAILING) => "",
        Ok(UNCLOSED_GROUP | UNOPENED_GROUP) => pattern,
        // The rest of what was begun and is not ended.
        Ok(UNCLOSED_CLASS | BAD_NAME) => {
            let opening = if what == Ok(BAD_NAME) { "(?P<" } else { "[" };
            let start = pattern[..span.end.offset].rfind(opening).unwrap_or(span.start.offset);
            &pattern[start..]
        }
        // An operator that has nothing before it.
        _ if span.is_empty() => {
            let rest = &pattern[span.start.offset..];
            &rest[..rest.chars().next().map_or(0, char::len_utf8)]
        }
        _ => &pattern[span.start.offset..span.end.offset],
    };
    Some((
        portion,
        match what {
            Ok(TRAILING) => TRAILING.to_owned(),
            Ok(what) => format!("{what}: {portion}"),
            Err(why) => why,
        },
    ))
}

const TRAILING: &str = "trailing \\";
const UNCLOSED_GROUP: &str = "missing )";
const UNOPENED_GROUP: &str = "unexpected )";
const UNCLOSED_CLASS: &str = "missing ]";
const BAD_NAME: &str = "invalid named capture group";

/// Where it is wrong, and why: in RE2's words, or in those of our own parser.
fn of_syntax(error: &ast::Error) -> (Span, Result<&'static str, String>) {
    use ast::ErrorKind as Kind;
    let what = match error.kind() {
        Kind::EscapeUnexpectedEof => Ok(TRAILING),
        Kind::EscapeUnrecognized | Kind::UnsupportedBackreference => Ok("invalid escape sequence"),
        Kind::GroupUnclosed => Ok(UNCLOSED_GROUP),
        Kind::GroupUnopened => Ok(UNOPENED_GROUP),
        Kind::ClassUnclosed => Ok(UNCLOSED_CLASS),
        Kind::ClassRangeInvalid => Ok("invalid character class range"),
        Kind::RepetitionMissing => Ok("no argument for repetition operator"),
        Kind::RepetitionCountInvalid => Ok("invalid repetition size"),
        Kind::UnsupportedLookAround => Ok("invalid perl operator"),
        Kind::GroupNameEmpty | Kind::GroupNameInvalid | Kind::GroupNameUnexpectedEof => {
            Ok(BAD_NAME)
        }
        other => Err(other.to_string()),
    };
    (*error.span(), what)
}
