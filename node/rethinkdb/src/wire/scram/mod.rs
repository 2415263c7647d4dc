//! SCRAM-SHA-256: proving to each other that both know a password, without sending it.
//!
//! Here: the four messages of RFC 5802 and RFC 7677, without the JSON they travel in
//! ([`handshake`](crate::wire::handshake)); [`client`] and [`server`] take turns. What both share is
//! below: keys made from a password, and messages as attributes.

pub mod client;
pub mod server;

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// How many random bytes a side adds to the exchange, so that no two are alike.
pub const NONCE_BYTES: usize = 18;

/// How many random bytes are mixed with a password before it is hashed.
pub const SALT_BYTES: usize = 16;

/// A key or a signature.
type Key = [u8; 32];

/// A password after its costly hashing: whoever has it can sign in.
struct SaltedPassword(Key);

impl SaltedPassword {
    fn derive(password: &str, salt: &[u8], iterations: u32) -> SaltedPassword {
        let mut key = [0; 32];
        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), salt, iterations, &mut key);
        SaltedPassword(key)
    }

    /// What the client proves that it has.
    fn client_key(&self) -> Key {
        hmac(&self.0, b"Client Key").finalize().into_bytes().into()
    }

    /// What the server proves that it has.
    fn server_key(&self) -> Key {
        hmac(&self.0, b"Server Key").finalize().into_bytes().into()
    }
}

/// A keyed hash of a message, to be read out or compared with one that was received.
fn hmac(key: &Key, message: &[u8]) -> Hmac<Sha256> {
    let mut hmac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    hmac.update(message);
    hmac
}

/// What the server stores of the client's key.
fn stored_key(client_key: &Key) -> Key {
    Sha256::digest(client_key).into()
}

/// A client's key, hidden by its signature; or, the other way round, found again.
fn xor(one: &Key, other: &Key) -> Key {
    std::array::from_fn(|at| one[at] ^ other[at])
}

/// A user name or password in the one spelling that all its spellings share (SASLprep, RFC 4013).
/// What may not occur in such a string is left as it is, as PostgreSQL does: its bytes are still a
/// secret.
fn prepared(text: &str) -> Cow<'_, str> {
    stringprep::saslprep(text).unwrap_or(Cow::Borrowed(text))
}

/// A message's attributes, `a=…,b=…`, by letter; `None` if it is not made of such, or has one twice.
fn attributes(message: &str) -> Option<BTreeMap<u8, &str>> {
    let mut attributes = BTreeMap::new();
    if message.is_empty() {
        return Some(attributes);
    }
    for attribute in message.split(',') {
        let (name, value) = attribute.split_once('=')?;
        let [name] = *name.as_bytes() else { return None };
        if attributes.insert(name, value).is_some() {
            return None;
        }
    }
    Some(attributes)
}

/// The text that both sides sign: everything said so far.
fn auth_message(client_first_bare: &str, server_first: &str, client_final_bare: &str) -> String {
    format!("{client_first_bare},{server_first},{client_final_bare}")
}
