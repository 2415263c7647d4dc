//! A query's JSON text, read as it is: names may come twice, and the order is kept.
//!
//! What is refused here is refused in one way, as RethinkDB does: the query is no JSON.

use std::sync::Arc;

use super::datum::{deep, stack_is_low};

/// How many arrays and objects may be open at once: some 65 000 arrays of ReQL one in the other, as
/// RethinkDB takes. Each costs a little memory while it is read and evaluated, so there is an end.
pub const NESTING_MAX: usize = 130_000;

/// A JSON text's value.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) enum Text {
    #[default]
    Null,
    Bool(bool),
    Number(f64),
    String(Arc<str>),
    Array(Vec<Text>),
    Object(Vec<(Arc<str>, Text)>),
}

/// Why a text is not JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum NotJson {
    #[error("Nested deeper than {NESTING_MAX} levels.")]
    TooDeep,
    #[error("The document is empty.")]
    Empty,
    #[error("The document root must not be followed by other values.")]
    More,
    #[error("Invalid value.")]
    Value,
    #[error("Missing a name for object member.")]
    NoName,
    #[error("Missing a colon after a name of object member.")]
    NoColon,
    #[error("Missing a comma or '}}' after an object member.")]
    ObjectOpen,
    #[error("Missing a comma or ']' after an array element.")]
    ArrayOpen,
    #[error("Incorrect hex digit after \\u escape in string.")]
    NoHexDigit,
    #[error("The surrogate pair in string is invalid.")]
    LoneSurrogate,
    #[error("Invalid escape character in string.")]
    BadEscape,
    #[error("Missing a closing quotation mark in string.")]
    StringOpen,
    #[error("Invalid encoding in string.")]
    NotUtf8,
    #[error("Number too big to be stored in double.")]
    NumberTooBig,
    #[error("Miss fraction part in number.")]
    NoFraction,
    #[error("Miss exponent in number.")]
    NoExponent,
}

impl Text {
    /// Reads the whole text.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, NotJson> {
        let mut reader = Reader { text, at: 0, nesting: 0 };
        reader.white_space();
        if reader.at == text.len() {
            return Err(NotJson::Empty);
        }
        let value = reader.value()?;
        reader.white_space();
        if reader.at == text.len() { Ok(value) } else { Err(NotJson::More) }
    }

    /// The name ReQL has for this value's type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Text::Null => "NULL",
            Text::Bool(_) => "BOOL",
            Text::Number(_) => "NUMBER",
            Text::String(_) => "STRING",
            Text::Array(_) => "ARRAY",
            Text::Object(_) => "OBJECT",
        }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        if stack_is_low() {
            let (items, fields);
            match self {
                Text::Array(these) => (items, fields) = (std::mem::take(these), Vec::new()),
                Text::Object(these) => (items, fields) = (Vec::new(), std::mem::take(these)),
                _ => return,
            }
            deep(|| drop((items, fields)));
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    nesting: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, expected: &[u8], or: NotJson) -> Result<(), NotJson> {
        for byte in expected {
            if self.peek() != Some(*byte) {
                return Err(or);
            }
            self.at += 1;
        }
        Ok(())
    }

    fn value(&mut self) -> Result<Text, NotJson> {
        match self.peek() {
            Some(b'n') => self.take(b"null", NotJson::Value).map(|()| Text::Null),
            Some(b't') => self.take(b"true", NotJson::Value).map(|()| Text::Bool(true)),
            Some(b'f') => self.take(b"false", NotJson::Value).map(|()| Text::Bool(false)),
            Some(b'"') => Ok(Text::String(self.string()?.into())),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'[') => self.nested(|reader| {
                let mut items = Vec::new();
                reader.sequence(b']', NotJson::ArrayOpen, |reader| {
                    items.push(reader.value()?);
                    Ok(())
                })?;
                Ok(Text::Array(items))
            }),
            Some(b'{') => self.nested(|reader| {
                let mut fields = Vec::new();
                reader.sequence(b'}', NotJson::ObjectOpen, |reader| {
                    if reader.peek() != Some(b'"') {
                        return Err(NotJson::NoName);
                    }
                    let name = reader.string()?;
                    reader.white_space();
                    reader.take(b":", NotJson::NoColon)?;
                    reader.white_space();
                    fields.push((name.into(), reader.value()?));
                    Ok(())
                })?;
                Ok(Text::Object(fields))
            }),
            _ => Err(NotJson::Value),
        }
    }

    fn nested(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Text, NotJson>,
    ) -> Result<Text, NotJson> {
        if self.nesting == NESTING_MAX {
            return Err(NotJson::TooDeep);
        }
        self.nesting += 1;
        let value = deep(|| read(self))?;
        self.nesting -= 1;
        Ok(value)
    }

    /// What stands between this bracket and its end, with commas between.
    fn sequence(
        &mut self,
        end: u8,
        not_closed: NotJson,
        mut element: impl FnMut(&mut Self) -> Result<(), NotJson>,
    ) -> Result<(), NotJson> {
        self.at += 1;
        self.white_space();
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        loop {
            element(self)?;
            self.white_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == end => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(not_closed),
            }
            self.white_space();
        }
    }

    fn digits(&mut self, or: NotJson) -> Result<(), NotJson> {
        let from = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == from { Err(or) } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Text, NotJson> {
        let from = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits(NotJson::Value)?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits(NotJson::NoFraction)?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits(NotJson::NoExponent)?;
        }
        let digits = std::str::from_utf8(&self.text[from..self.at]).expect("digits are ASCII");
        match digits.parse() {
            Ok(number) if f64::is_finite(number) => Ok(Text::Number(number)),
            _ => Err(NotJson::NumberTooBig),
        }
    }

    fn string(&mut self) -> Result<String, NotJson> {
        self.take(b"\"", NotJson::Value)?;
        let mut out = Vec::new();
        loop {
            let from = self.at;
            while matches!(self.peek(), Some(byte) if byte >= 32 && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            out.extend(&self.text[from..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return String::from_utf8(out).map_err(|_| NotJson::NotUtf8);
                }
                Some(b'\\') => {
                    self.at += 1;
                    let character = self.escaped()?;
                    out.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                _ => return Err(NotJson::StringOpen),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, NotJson> {
        let letter = self.peek().ok_or(NotJson::StringOpen)?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.four_hex_digits()?;
                let code = match first {
                    0xd800..0xdc00 => {
                        self.take(b"\\u", NotJson::LoneSurrogate)?;
                        let second = self.four_hex_digits()?;
                        if !(0xdc00..0xe000).contains(&second) {
                            return Err(NotJson::LoneSurrogate);
                        }
                        0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    alone => alone,
                };
                // A second half without its first is no character.
                char::from_u32(code).ok_or(NotJson::LoneSurrogate)?
            }
            _ => return Err(NotJson::BadEscape),
        })
    }

    fn four_hex_digits(&mut self) -> Result<u32, NotJson> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or(NotJson::NoHexDigit)?;
            self.at += 1;
        }
        Ok(code)
    }
}
