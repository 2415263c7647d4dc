//! Writing: the canonical bytes that are hashed and signed, and a text that loses nothing.
//!
//! Both are compact, with sorted fields and raw UTF-8. They differ where the original's writer
//! (python-rapidjson 0.0.6) differs from what it was given: canonical text ends every string at its
//! first U+0000, refuses integers beyond 64 bits, and refuses nesting beyond [`MAX_LEVEL`].

use std::fmt::{self, Write as _};

use super::{Json, float};

/// The deepest level canonical text has; the outermost value is at level 0.
const MAX_LEVEL: usize = 2048;

/// Why a document has no canonical text. The original raises `OverflowError` for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CanonicalJsonError {
    /// More than 2048 levels.
    #[error("Max recursion depth reached")]
    TooDeep,
    /// An integer above 2⁶⁴ − 1.
    #[error("int too big to convert")]
    IntTooLarge,
    /// An integer below −2⁶³.
    #[error("can't convert negative int to unsigned")]
    IntTooSmall,
}

impl Json {
    /// The exact text that BigchainDB 0.6.0 hashes and signs.
    ///
    /// A string, or a field's name, ends at its first U+0000 (the original took it for the end of a
    /// C string), so what follows is neither hashed nor signed; the `default` rules refuse such
    /// documents.
    ///
    /// # Errors
    /// An integer is out of the 64-bit ranges, or the document is nested too deep.
    pub fn canonical(&self) -> Result<String, CanonicalJsonError> {
        let mut out = String::with_capacity(1024);
        self.canonical_into(&mut out)?;
        Ok(out)
    }

    /// Appends the [canonical](Self::canonical) text.
    ///
    /// # Errors
    /// As there; then `out` ends in a part of the text.
    pub fn canonical_into(&self, out: &mut String) -> Result<(), CanonicalJsonError> {
        write::<Canonical>(self, out)
    }

    /// Appends the text that is displayed.
    pub fn display_into(&self, out: &mut String) {
        match write::<Lossless>(self, out) {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
}

/// The whole value, compactly: parsing it gives an equal value. Never fails, at any depth.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.display_into(&mut out);
        f.write_str(&out)
    }
}

/// As it is displayed; the usual tree of names would overflow the stack on deep documents.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for super::Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Where the two texts differ.
trait Style {
    type Error;

    /// Whether a string ends at its first U+0000.
    const ENDS_AT_NUL: bool;

    fn int(value: i128, out: &mut String) -> Result<(), Self::Error>;
    fn big_int(digits: &str, out: &mut String) -> Result<(), Self::Error>;
    /// May a value stand at this level?
    fn level(level: usize) -> Result<(), Self::Error>;
}

struct Canonical;

impl Style for Canonical {
    type Error = CanonicalJsonError;

    const ENDS_AT_NUL: bool = true;

    fn int(value: i128, out: &mut String) -> Result<(), Self::Error> {
        if let Ok(value) = i64::try_from(value) {
            push(out, format_args!("{value}"));
            return Ok(());
        }
        match u64::try_from(value) {
            Ok(value) => push(out, format_args!("{value}")),
            Err(_) if value < 0 => return Err(CanonicalJsonError::IntTooSmall),
            Err(_) => return Err(CanonicalJsonError::IntTooLarge),
        }
        Ok(())
    }

    fn big_int(digits: &str, _: &mut String) -> Result<(), Self::Error> {
        Err(if digits.starts_with('-') {
            CanonicalJsonError::IntTooSmall
        } else {
            CanonicalJsonError::IntTooLarge
        })
    }

    fn level(level: usize) -> Result<(), Self::Error> {
        if level > MAX_LEVEL { Err(CanonicalJsonError::TooDeep) } else { Ok(()) }
    }
}

struct Lossless;

impl Style for Lossless {
    type Error = std::convert::Infallible;

    const ENDS_AT_NUL: bool = false;

    fn int(value: i128, out: &mut String) -> Result<(), Self::Error> {
        push(out, format_args!("{value}"));
        Ok(())
    }

    fn big_int(digits: &str, out: &mut String) -> Result<(), Self::Error> {
        out.push_str(digits);
        Ok(())
    }

    fn level(_: usize) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// An array or object of which a part is written.
enum Open<'a> {
    Array(std::slice::Iter<'a, Json>),
    Object(std::slice::Iter<'a, (Box<str>, Json)>),
}

/// Writes with a stack of its own: any depth is fine for the thread's.
fn write<S: Style>(json: &Json, out: &mut String) -> Result<(), S::Error> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut value = json;
    loop {
        S::level(open.len())?;
        match value {
            Json::Null => out.push_str("null"),
            Json::Bool(true) => out.push_str("true"),
            Json::Bool(false) => out.push_str("false"),
            Json::Int(value) => S::int(*value, out)?,
            Json::BigInt(digits) => S::big_int(digits, out)?,
            Json::Float(value) => float::write(*value, out),
            Json::String(text) => write_string::<S>(text, out),
            Json::Array(items) => {
                out.push('[');
                open.push(Open::Array(items.iter()));
            }
            Json::Object(object) => {
                out.push('{');
                open.push(Open::Object(object.fields().iter()));
            }
        }
        let mut first = matches!(value, Json::Array(_) | Json::Object(_));
        // On to the next value, closing what has none left.
        value = loop {
            match open.last_mut() {
                None => return Ok(()),
                Some(Open::Array(items)) => {
                    if let Some(next) = items.next() {
                        if !first {
                            out.push(',');
                        }
                        break next;
                    }
                    out.push(']');
                }
                Some(Open::Object(fields)) => {
                    if let Some((key, next)) = fields.next() {
                        if !first {
                            out.push(',');
                        }
                        write_string::<S>(key, out);
                        out.push(':');
                        break next;
                    }
                    out.push('}');
                }
            }
            open.pop();
            first = false;
        };
    }
}

/// Which bytes are escaped: how, as the letter after the backslash; `u` means `\u00XX`.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = b'u';
        control += 1;
    }
    escapes[0x08] = b'b';
    escapes[0x09] = b't';
    escapes[0x0a] = b'n';
    escapes[0x0c] = b'f';
    escapes[0x0d] = b'r';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
};

/// Appends a field's name, or any other string, as canonical text has it.
pub(crate) fn write_name(name: &str, out: &mut String) {
    write_string::<Canonical>(name, out);
}

/// Copies runs of plain text; what is escaped is ASCII, so runs end between characters.
fn write_string<S: Style>(text: &str, out: &mut String) {
    out.push('"');
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = ESCAPES[usize::from(byte)];
        if escape == 0 {
            continue;
        }
        out.push_str(&text[start..at]);
        if S::ENDS_AT_NUL && byte == 0 {
            out.push('"');
            return;
        }
        start = at + 1;
        if escape == b'u' {
            push(out, format_args!("\\u{byte:04x}"));
        } else {
            out.push('\\');
            out.push(char::from(escape));
        }
    }
    out.push_str(&text[start..]);
    out.push('"');
}

fn push(out: &mut String, text: fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes all it is given");
}
