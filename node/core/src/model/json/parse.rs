//! Reading text as Python's `json` does.
//!
//! As there, and unlike the grammar of RFC 8259: `NaN`, `Infinity` and `-Infinity` are numbers, a
//! number too large for a double is infinite, integers have any size, `-0` is `0`, and of two fields
//! with one name the last wins. Unlike there: a lone surrogate (`"\ud800"`) is refused, because the
//! original dies of it, and so is nesting beyond [`MAX_DEPTH`]. The open arrays and objects are on a
//! stack of our own, so depth costs memory, never the thread's stack.

use super::{Json, MAX_DEPTH, Object};

/// Why a text is no JSON document.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason} at byte {at}")]
pub struct ParseJsonError {
    /// Where, in bytes from the start.
    pub at: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

impl Json {
    /// Reads a document.
    ///
    /// # Errors
    /// The text is not UTF-8, not JSON as Python reads it, holds a lone surrogate, or nests deeper
    /// than [`MAX_DEPTH`].
    pub fn parse(text: &[u8]) -> Result<Json, ParseJsonError> {
        let text = std::str::from_utf8(text)
            .map_err(|error| ParseJsonError { at: error.valid_up_to(), reason: "not UTF-8" })?;
        Parser { text, bytes: text.as_bytes(), at: 0 }.document()
    }
}

/// An array or object whose end has not been read.
enum Open {
    Array(Vec<Json>),
    /// The fields so far, and the name of the one whose value is being read.
    Object(Vec<(Box<str>, Json)>, Box<str>),
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Parser<'_> {
    fn document(mut self) -> Result<Json, ParseJsonError> {
        let mut open = Vec::new();
        loop {
            let Some(mut value) = self.value(&mut open)? else { continue };
            // A value is complete: it goes into what is open, and may complete that, too.
            loop {
                self.skip_blanks();
                let next = self.peek();
                match open.last_mut() {
                    None if next.is_none() => return Ok(value),
                    None => return Err(self.wrong("something follows the document")),
                    Some(Open::Array(items)) => items.push(value),
                    Some(Open::Object(fields, key)) => fields.push((std::mem::take(key), value)),
                }
                match (next, open.last_mut()) {
                    (Some(b','), Some(Open::Array(_))) => {
                        self.at += 1;
                        break;
                    }
                    (Some(b','), Some(Open::Object(_, key))) => {
                        self.at += 1;
                        *key = self.key()?;
                        break;
                    }
                    (Some(b']'), Some(Open::Array(items))) => {
                        value = Json::Array(std::mem::take(items));
                    }
                    (Some(b'}'), Some(Open::Object(fields, _))) => {
                        value = Json::Object(Object::from_fields(std::mem::take(fields)));
                    }
                    (_, Some(Open::Array(_))) => return Err(self.wrong("expected `,` or `]`")),
                    _ => return Err(self.wrong("expected `,` or `}`")),
                }
                self.at += 1;
                open.pop();
            }
        }
    }

    /// Reads a value, or opens an array or object that has one inside.
    fn value(&mut self, open: &mut Vec<Open>) -> Result<Option<Json>, ParseJsonError> {
        self.skip_blanks();
        let Some(first) = self.peek() else { return Err(self.wrong("expected a value")) };
        if matches!(first, b'[' | b'{') && open.len() == MAX_DEPTH {
            return Err(self.wrong("nested too deep"));
        }
        Ok(Some(match first {
            b'"' => Json::String(self.string()?),
            b'-' | b'0'..=b'9' => self.number()?,
            b'[' => {
                self.at += 1;
                self.skip_blanks();
                if self.peek() != Some(b']') {
                    open.push(Open::Array(Vec::new()));
                    return Ok(None);
                }
                self.at += 1;
                Json::Array(Vec::new())
            }
            b'{' => {
                self.at += 1;
                self.skip_blanks();
                if self.peek() != Some(b'}') {
                    let key = self.key()?;
                    open.push(Open::Object(Vec::new(), key));
                    return Ok(None);
                }
                self.at += 1;
                Json::Object(Object::new())
            }
            b'n' => self.word("null", Json::Null)?,
            b't' => self.word("true", Json::Bool(true))?,
            b'f' => self.word("false", Json::Bool(false))?,
            b'N' => self.word("NaN", Json::Float(f64::NAN))?,
            b'I' => self.word("Infinity", Json::Float(f64::INFINITY))?,
            _ => return Err(self.wrong("expected a value")),
        }))
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, ParseJsonError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.wrong("expected a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    /// A field's name and the colon after it.
    fn key(&mut self) -> Result<Box<str>, ParseJsonError> {
        self.skip_blanks();
        if self.peek() != Some(b'"') {
            return Err(self.wrong("expected a field's name in double quotes"));
        }
        let key = self.string()?;
        self.skip_blanks();
        if self.peek() != Some(b':') {
            return Err(self.wrong("expected `:`"));
        }
        self.at += 1;
        Ok(key)
    }

    fn number(&mut self) -> Result<Json, ParseJsonError> {
        let start = self.at;
        let negative = self.peek() == Some(b'-');
        if negative {
            self.at += 1;
            if self.peek() == Some(b'I') {
                return self.word("Infinity", Json::Float(f64::NEG_INFINITY));
            }
        }
        let digits = self.at;
        match self.peek() {
            // A zero stands alone; digits after it are "something else".
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.skip_digits(),
            _ => return Err(self.wrong("expected a digit")),
        }
        let end = self.at;
        let mut whole = true;
        if self.peek() == Some(b'.') && self.is_digit(self.at + 1) {
            self.at += 1;
            self.skip_digits();
            whole = false;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            let sign = matches!(self.bytes.get(self.at + 1), Some(b'+' | b'-'));
            let exponent = self.at + 1 + usize::from(sign);
            if self.is_digit(exponent) {
                self.at = exponent;
                self.skip_digits();
                whole = false;
            }
        }
        if whole {
            return Ok(self.integer(negative, digits, end));
        }
        // The grammar above is a part of what `f64` reads; out of range is infinite or zero.
        let value = self.text[start..self.at].parse();
        value.map(Json::Float).map_err(|_| self.wrong("not a number"))
    }

    fn integer(&self, negative: bool, digits: usize, end: usize) -> Json {
        let text = &self.text[digits..end];
        // 18 digits fit 64 bits, which are much faster than 128.
        if text.len() <= 18 {
            let value =
                text.bytes().fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
            return Json::Int(if negative { -value } else { value }.into());
        }
        let text = if negative { &self.text[digits - 1..end] } else { text };
        text.parse().map_or_else(|_| Json::BigInt(text.into()), Json::Int)
    }

    fn string(&mut self) -> Result<Box<str>, ParseJsonError> {
        self.at += 1;
        let start = self.at;
        self.skip_plain();
        if self.peek() == Some(b'"') {
            let text = self.text[start..self.at].into();
            self.at += 1;
            return Ok(text);
        }
        let mut text = String::from(&self.text[start..self.at]);
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text.into());
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => return Err(self.wrong("control character in a string")),
                None => return Err(self.wrong("string without an end")),
            }
            let start = self.at;
            self.skip_plain();
            text.push_str(&self.text[start..self.at]);
        }
    }

    fn escape(&mut self) -> Result<char, ParseJsonError> {
        let start = self.at;
        self.at += 2;
        Ok(match self.bytes.get(start + 1) {
            Some(&quoted @ (b'"' | b'\\' | b'/')) => char::from(quoted),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let unit = self.hex4()?;
                let mut code = u32::from(unit);
                if matches!(unit, 0xd800..=0xdbff) && self.bytes[self.at..].starts_with(b"\\u") {
                    let before = self.at;
                    self.at += 2;
                    match self.hex4()? {
                        low @ 0xdc00..=0xdfff => {
                            code = 0x1_0000 + ((code - 0xd800) << 10) + (u32::from(low) - 0xdc00);
                        }
                        _ => self.at = before,
                    }
                }
                // What is no character now is half of one.
                char::from_u32(code)
                    .ok_or(ParseJsonError { at: start, reason: "lone surrogate in a string" })?
            }
            _ => return Err(ParseJsonError { at: start, reason: "unknown escape in a string" }),
        })
    }

    fn hex4(&mut self) -> Result<u16, ParseJsonError> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else { return Err(self.wrong("expected four hex digits")) };
            value = value << 4 | digit;
            self.at += 1;
        }
        u16::try_from(value).map_err(|_| self.wrong("expected four hex digits"))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn is_digit(&self, at: usize) -> bool {
        self.bytes.get(at).is_some_and(u8::is_ascii_digit)
    }

    fn skip_digits(&mut self) {
        while self.is_digit(self.at) {
            self.at += 1;
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// To the next byte of a string that means something else than itself.
    fn skip_plain(&mut self) {
        let rest = &self.bytes[self.at..];
        let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..b' '));
        self.at += plain.unwrap_or(rest.len());
    }

    fn wrong(&self, reason: &'static str) -> ParseJsonError {
        ParseJsonError { at: self.at, reason }
    }
}
