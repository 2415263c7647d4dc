//! The id by which a request is known to its client, to proxies and to the log.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use bigchaindb_core::model::uuid;

use crate::clock::Source;

/// The field that carries it, both ways.
pub(super) const FIELD: HeaderName = HeaderName::from_static("x-request-id");

/// The longest id that is taken over; everybody's are shorter.
const LENGTH_MAX: usize = 128;

/// The id that the request brings, if it can stand in a log as it is; else a new one.
pub(super) fn of(fields: &HeaderMap, source: &dyn Source) -> HeaderValue {
    let brought = fields.get(FIELD).filter(|id| is_sane(id.as_bytes()));
    brought.cloned().unwrap_or_else(|| {
        let made = uuid(&source.draw::<16>());
        HeaderValue::from_str(&made).expect("a uuid is ASCII")
    })
}

fn is_sane(id: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    (1..=LENGTH_MAX).contains(&id.len()) && id.iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_plain_and_short() {
        assert!(is_sane(b"7f3a-01.Z_/+=:") && is_sane(&[b'a'; LENGTH_MAX]));
        assert!(!is_sane(b"") && !is_sane(b"a b") && !is_sane(b"a\"b") && !is_sane(b"\xff"));
        assert!(!is_sane(&[b'a'; LENGTH_MAX + 1]));
    }
}
