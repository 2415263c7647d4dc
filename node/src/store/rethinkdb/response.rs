//! A response: what kind it is, and its values, each still as text.
//!
//! The values are told apart without being parsed, so that one which this program cannot hold (a
//! document nested too deep) spoils only itself. Not here: what they mean (`rows`, `queries`).

use std::ops::Range;

use bigchaindb_core::model::Json;
use bigchaindb_rethinkdb::reql::ErrorKind;
use bigchaindb_rethinkdb::wire::numbers::{ErrorClass, ResponseType};

use super::Error;

/// A response of the server, read.
#[derive(Debug)]
pub(super) enum Response {
    /// One value.
    Atom(Batch),
    /// Values; `more` if that is not all.
    Values { batch: Batch, more: bool },
    /// Anything that has no values of interest.
    Done,
}

/// Some of the values that a query gives.
#[derive(Debug, Default)]
pub struct Batch {
    text: Vec<u8>,
    values: Vec<Range<usize>>,
}

impl Batch {
    /// How many.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The texts of the values.
    pub fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.values.iter().map(|range| &self.text[range.clone()])
    }

    /// The values; those that cannot be held are left out.
    pub fn values(&self) -> impl Iterator<Item = Json> + '_ {
        self.texts().filter_map(|text| Json::parse(text).ok())
    }
}

/// Reads a response.
///
/// # Errors
/// The error that it tells of, or [`Error::Protocol`] if it is no response.
pub(super) fn read(text: Vec<u8>) -> Result<Response, Error> {
    let (kind, class, values) = fields(&text).ok_or_else(|| {
        let start = String::from_utf8_lossy(&text[..text.len().min(SHOWN)]).into_owned();
        Error::Protocol(format!("this is no response: {start}"))
    })?;
    let batch = Batch { text, values };
    let kind = match kind {
        ResponseType::SuccessAtom => return Ok(Response::Atom(batch)),
        ResponseType::SuccessSequence => return Ok(Response::Values { batch, more: false }),
        ResponseType::SuccessPartial => return Ok(Response::Values { batch, more: true }),
        ResponseType::WaitComplete | ResponseType::ServerInfo => return Ok(Response::Done),
        ResponseType::ClientError => ErrorKind::Client,
        ResponseType::CompileError => ErrorKind::Compile,
        ResponseType::RuntimeError => kind_of(class),
    };
    let message = batch.values().next().and_then(|message| message.as_str().map(str::to_owned));
    Err(Error::Query { kind, message: message.unwrap_or_default() })
}

/// How much of what is no response is shown.
const SHOWN: usize = 200;

/// The kind of a runtime error; a class that is not known could mean anything.
fn kind_of(class: Option<ErrorClass>) -> ErrorKind {
    match class {
        Some(ErrorClass::ResourceLimit) => ErrorKind::ResourceLimit,
        Some(ErrorClass::QueryLogic) => ErrorKind::QueryLogic,
        Some(ErrorClass::NonExistence) => ErrorKind::NonExistence,
        Some(ErrorClass::OpFailed) => ErrorKind::OpFailed,
        Some(ErrorClass::OpIndeterminate) => ErrorKind::OpIndeterminate,
        Some(ErrorClass::User) => ErrorKind::User,
        Some(ErrorClass::PermissionError) => ErrorKind::Permission,
        Some(ErrorClass::Internal) | None => ErrorKind::Internal,
    }
}

/// Type, error class, and where the values are; none if the text is no response.
fn fields(text: &[u8]) -> Option<(ResponseType, Option<ErrorClass>, Vec<Range<usize>>)> {
    let (mut kind, mut class, mut values) = (None, None, Vec::new());
    let mut at = expect(text, skip_blanks(text, 0), b'{')?;
    loop {
        let name = value(text, at)?;
        at = expect(text, skip_blanks(text, name.end), b':')?;
        let found = value(text, at)?;
        match &text[name] {
            b"\"t\"" => kind = ResponseType::from_number(number(&text[found.clone()])?),
            b"\"e\"" => class = ErrorClass::from_number(number(&text[found.clone()])?),
            b"\"r\"" => values = items(text, found.clone())?,
            _ => {}
        }
        at = skip_blanks(text, found.end);
        match text.get(at)? {
            b',' => at = skip_blanks(text, at + 1),
            b'}' => return Some((kind?, class, values)),
            _ => return None,
        }
    }
}

fn number(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The elements of the array at a place.
fn items(text: &[u8], array: Range<usize>) -> Option<Vec<Range<usize>>> {
    let mut items = Vec::new();
    let mut at = skip_blanks(text, expect(text, array.start, b'[')?);
    if text.get(at) == Some(&b']') {
        return Some(items);
    }
    loop {
        let item = value(text, at)?;
        at = skip_blanks(text, item.end);
        items.push(item);
        match text.get(at)? {
            b',' => at += 1,
            b']' => return Some(items),
            _ => return None,
        }
    }
}

/// The value that starts at a place, blanks before it left out.
fn value(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = skip_blanks(text, at);
    let mut depth = 0_usize;
    let mut at = start;
    loop {
        match text.get(at)? {
            b'"' => at = after_string(text, at)?,
            b'[' | b'{' => {
                depth += 1;
                at += 1;
            }
            b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                at += 1;
            }
            _ if depth > 0 => {
                let rest = &text[at..];
                at += rest.iter().position(|byte| br#""[]{}"#.contains(byte))?;
            }
            _ => {
                let rest = &text[at..];
                let end = rest.iter().position(|byte| b",:]} \n\r\t".contains(byte));
                at += end.unwrap_or(rest.len());
                return (at > start).then_some(start..at);
            }
        }
        if depth == 0 {
            return Some(start..at);
        }
    }
}

/// The place behind a string.
fn after_string(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += text[at..].iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
        if at > text.len() {
            return None;
        }
    }
}

fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// The place behind a byte that has to be there.
fn expect(text: &[u8], at: usize, byte: u8) -> Option<usize> {
    (text.get(at) == Some(&byte)).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Response, and what it is read as.
    const RESPONSES: &str = r#"
        {"t":1,"r":[{"a":1,"id":1}]}                       | atom {"a":1,"id":1}
        {"t":1,"r":[null]}                                 | atom null
        {"t":1,"r":[[1,"]}\\\"",[]]]}                      | atom [1,"]}\\\"",[]]
        {"t":3,"r":[],"n":[1]}                             | more
        {"r": [ 1 , "a" , [2] ] , "n":[], "t" : 3}         | more 1 "a" [2]
        {"t":2,"r":[{"r":[{"t":5}]},false],"n":[]}         | last {"r":[{"t":5}]} false
        {"t":4,"r":[]}                                     | done
        {"t":5,"r":[{"id":"x","name":"s1","proxy":false}]} | done
        {"t":16,"r":["Token 47 not in stream cache."],"b":[]}       | Client: Token 47 not in stream cache.
        {"t":17,"r":["Unrecognized TermType: 9999."],"b":[]}        | Compile: Unrecognized TermType: 9999.
        {"t":18,"e":4100000,"r":["Table `a.b` \"x\""],"b":[0,"a"]}  | OpFailed: Table `a.b` "x"
        {"t":18,"e":4200000,"r":["lost"],"b":[]}           | OpIndeterminate: lost
        {"t":18,"e":7,"r":["new"],"b":[]}                  | Internal: new
        {"t":18,"r":[],"b":[]}                             | Internal:
        {"t":99,"r":[]}                                    | no
        {"r":[]}                                           | no
        {"t":1,"r":[1}                                     | no
        {"t":1,"r":["a]}                                   | no
        {"t":1,"r":["a\                                    | no
        {"t":1,"r":[1]                                     | no
        {"t":1,"r":[,]}                                    | no
        []                                                 | no
        {}                                                 | no
    "#;

    fn words(response: Result<Response, Error>) -> String {
        let list = |word: &str, batch: &Batch| {
            let texts = batch.texts().map(|text| String::from_utf8(text.to_vec()).unwrap());
            [word.to_owned()].into_iter().chain(texts).collect::<Vec<_>>().join(" ")
        };
        match response {
            Ok(Response::Atom(batch)) => list("atom", &batch),
            Ok(Response::Values { batch, more: true }) => list("more", &batch),
            Ok(Response::Values { batch, more: false }) => list("last", &batch),
            Ok(Response::Done) => "done".to_owned(),
            Err(Error::Protocol(_)) => "no".to_owned(),
            Err(Error::Query { kind, message }) => format!("{kind:?}: {message}").trim().to_owned(),
            Err(other) => other.to_string(),
        }
    }

    #[test]
    fn responses_are_read() {
        for line in RESPONSES.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (text, expected) = line.rsplit_once(" | ").unwrap();
            assert_eq!(words(read(text.trim().into())), expected.trim(), "{text}");
        }
    }

    #[test]
    fn a_value_too_deep_spoils_only_itself() {
        let deep = format!("{}{}", "[".repeat(60_000), "]".repeat(60_000));
        let text = format!(r#"{{"t":2,"r":[1,{deep},2],"n":[]}}"#);
        let Ok(Response::Values { batch, .. }) = read(text.into()) else { panic!() };
        assert_eq!(batch.len(), 3);
        assert_eq!(batch.values().collect::<Vec<_>>(), [Json::from(1_i64), Json::from(2_i64)]);
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(bytes);
        }

        #[test]
        fn no_mutation_breaks_it(line in 0..24_usize, at in 0..80_usize, byte in any::<u8>()) {
            let line = RESPONSES.lines().nth(line).unwrap_or_default().trim();
            let mut text = line.rsplit_once(" | ").map_or("", |(text, _)| text).trim().as_bytes().to_vec();
            if let Some(old) = text.get_mut(at) {
                *old = byte;
            }
            let _ = read(text);
        }
    }
}
