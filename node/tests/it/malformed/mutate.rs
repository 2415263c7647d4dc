//! Requests that are wrong in one way or another.

use bigchaindb_core::model::Json;

use super::draw::Draw;
use crate::exchange::Request;

/// A request as it is sent.
pub(crate) struct Sent {
    pub(crate) bytes: Vec<u8>,
    /// So many bytes at a time.
    pub(crate) piece: usize,
    /// Whether the client closes its side when it has sent them.
    pub(crate) hangs_up: bool,
    /// Whether it is a request of HTTP at all, and complete.
    pub(crate) is_whole: bool,
}

/// What stands where something else should.
const ODD: [&str; 24] = [
    "null",
    "true",
    "0",
    "-1",
    "1.0",
    "-0.0",
    "1e308",
    "1e999",
    "NaN",
    "-Infinity",
    "\"\"",
    "\"x\"",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "{\"\":{}}",
    "9007199254740993",
    "18446744073709551616",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "{\"$reql_type$\":\"TIME\"}",
    "\"cf:4:\"",
    "\"TRANSFER\"",
];

const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"];

const PATHS: [&str; 12] = [
    "/",
    "//",
    "/api/v1",
    "/api/v1/transactions",
    "/api/v1/transactions/%00",
    "/api/v1/transactions/..",
    "/api/v1/transactions/x/status",
    "/api/v1/transactions//status",
    "/?a=b",
    "/api/v1/transactions/?x",
    "*",
    "http://else/where",
];

/// Heads that are none.
const HEADS: [&str; 12] = [
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\nhost: x\r\n\r\n",
    "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    "GET / HTTP/1.1\r\n: x\r\n\r\n",
    "G\0T / HTTP/1.1\r\n\r\n",
    "POST /api/v1/transactions HTTP/1.1\r\ncontent-length: x\r\n\r\n",
    "POST /api/v1/transactions HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
    "POST /api/v1/transactions HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
    "POST /api/v1/transactions HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "POST /api/v1/transactions HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n{}",
    "POST /api/v1/transactions HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n{}",
    "\u{16}\u{3}\u{1}\0\0\u{1}",
];

/// The request that these draws make of valid documents.
pub(crate) fn request(draw: &mut Draw, models: &[Json; 2]) -> Sent {
    let model = draw.one_of(models);
    match draw.below(100) {
        0..40 => whole(Request::post(other_kind(draw, model))),
        40..48 => whole(Request::post(flipped(draw, model))),
        48..56 => {
            let mut text = model.to_string().into_bytes();
            text.truncate(draw.below(text.len()));
            whole(Request::post(text))
        }
        56..60 => whole(Request::post(draw.bytes(2000))),
        60..66 => whole(Request::post(deep(draw, model))),
        66..70 => whole(Request::post(number(draw, model))),
        70..80 => {
            let (method, path) = (*draw.one_of(&METHODS), *draw.one_of(&PATHS));
            let mut request = Request::new(method, path);
            if draw.below(2) == 0 {
                request = request.with_body(draw.bytes(50));
            }
            whole(request)
        }
        80..88 => broken(draw.one_of(&HEADS).as_bytes().to_vec()),
        88..92 => broken(draw.bytes(500)),
        92..96 => {
            let mut sent = broken(Request::post(model.to_string()).bytes());
            sent.bytes.truncate(draw.below(sent.bytes.len()));
            sent
        }
        96..98 => {
            let sent = whole(Request::post(other_kind(draw, model)));
            Sent { piece: sent.bytes.len() / 50 + 1, ..sent }
        }
        98 => {
            // It stops before its end, and waits.
            let mut sent = whole(Request::post(model.to_string()));
            sent.bytes.truncate(sent.bytes.len() - 1 - draw.below(100));
            sent
        }
        _ => whole(Request::post(vec![b' '; (1 << 20) + draw.below(1 << 20)])),
    }
}

fn whole(request: Request<'_>) -> Sent {
    let bytes = request.bytes();
    Sent { piece: bytes.len(), bytes, hangs_up: false, is_whole: true }
}

fn broken(bytes: Vec<u8>) -> Sent {
    Sent { piece: bytes.len().max(1), bytes, hangs_up: true, is_whole: false }
}

/// The document with something of another kind somewhere in it; or with a field less, or more.
fn other_kind(draw: &mut Draw, model: &Json) -> String {
    let mut document = model.clone();
    let place = draw.below(count(&document));
    let odd = Json::parse(draw.one_of(&ODD).as_bytes()).unwrap();
    let change = draw.below(4);
    at(&mut document, place, &mut 0, &mut |value| match (value, change) {
        (Json::Object(fields), 0) => drop(fields.insert("more", odd.clone())),
        (Json::Object(fields), 1) if !fields.is_empty() => {
            let first = fields.iter().next().map(|(name, _)| name.to_owned());
            drop(first.and_then(|name| fields.remove(&name)));
        }
        (Json::Array(items), 0) => items.push(odd.clone()),
        (Json::Array(items), 1) => drop(items.pop()),
        (value, _) => *value = odd.clone(),
    });
    document.to_string()
}

/// How many values there are, the document itself included.
fn count(value: &Json) -> usize {
    1 + match value {
        Json::Array(items) => items.iter().map(count).sum::<usize>(),
        Json::Object(fields) => fields.iter().map(|(_, value)| count(value)).sum(),
        _ => 0,
    }
}

/// Changes the value with this number, in the order of [`count`].
fn at(value: &mut Json, wanted: usize, seen: &mut usize, change: &mut dyn FnMut(&mut Json)) {
    if *seen == wanted {
        *seen += 1;
        return change(value);
    }
    *seen += 1;
    match value {
        Json::Array(items) => items.iter_mut().for_each(|item| at(item, wanted, seen, change)),
        Json::Object(fields) => fields.values_mut().for_each(|item| at(item, wanted, seen, change)),
        _ => {}
    }
}

/// The text with some bytes changed, so that often it is not even UTF-8.
fn flipped(draw: &mut Draw, model: &Json) -> Vec<u8> {
    let mut text = model.to_string().into_bytes();
    for _ in 0..=draw.below(8) {
        let place = draw.below(text.len());
        text[place] = draw.next().to_le_bytes()[0];
    }
    text
}

/// The document with a payload as deep as its length allows, or less.
fn deep(draw: &mut Draw, model: &Json) -> String {
    let most = *draw.one_of(&[30, 100, 2_200, 200_000]);
    let levels = 1 + draw.below(most);
    let (open, close) = *draw.one_of(&[("[", "]"), ("{\"a\":", "}")]);
    let payload = format!("{}1{}", open.repeat(levels), close.repeat(levels));
    with_payload(model, &format!("{{\"a\":{payload}}}"))
}

/// The document with a number of many digits.
fn number(draw: &mut Draw, model: &Json) -> String {
    let most = *draw.one_of(&[3, 100, 10_000]);
    let digits = "123456789".repeat(1 + draw.below(most));
    let exponent = *draw.one_of(&["", ".5", "e5", "e-400", "e99999999999"]);
    with_payload(model, &format!("{{\"n\":{digits}{exponent}}}"))
}

fn with_payload(model: &Json, payload: &str) -> String {
    let text = model.to_string();
    let told = text.replace("\"payload\":null", &format!("\"payload\":{payload}"));
    assert_ne!(told, text, "the models have no payload");
    told
}
