//! The server's side of the handshakes.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::message::{encode, take, take_u32};
use super::{JSON_PROTOCOL, PROTOBUF_PROTOCOL, Refusal, Version, WELCOME};
use crate::wire::RELEASE;
use crate::wire::scram::server::{Accounts, ScramServer};
use crate::wire::scram::{NONCE_BYTES, SALT_BYTES};

/// The longest message that is read from a client who is not let in yet, with its zero byte.
pub const MESSAGE_BYTES_MAX: usize = 2047;

/// The longest authorization key that is read.
const KEY_BYTES_MAX: u32 = 2048;

/// The server's side of a handshake that goes on.
pub struct ServerHandshake {
    accounts: Arc<Accounts>,
    nonce: [u8; NONCE_BYTES],
    salt: [u8; SALT_BYTES],
    arrived: Vec<u8>,
    state: State,
}

/// What comes next from the client.
enum State {
    Magic,
    KeyLength(Version),
    Key(Version, usize),
    Protocol(Version),
    First,
    Final(ScramServer),
}

/// What follows from the bytes that arrived.
pub enum ServerStep {
    /// Send this, perhaps nothing, then read on.
    More(ServerHandshake, Vec<u8>),
    /// Send this: the client is in.
    Accepted(Vec<u8>, Accepted),
    /// Send this, then close the line for writing.
    Refused(Vec<u8>, Refusal),
}

/// A client that was let in.
#[derive(PartialEq, Eq, Debug)]
pub struct Accepted {
    /// The protocol it speaks.
    pub version: Version,
    /// Who it is.
    pub user: String,
    /// What it sent after the handshake: the beginning of its first frame.
    pub rest: Vec<u8>,
}

impl ServerHandshake {
    /// A handshake that begins. Both kinds of random bytes must never have been used before.
    pub fn new(
        accounts: Arc<Accounts>,
        nonce: [u8; NONCE_BYTES],
        salt: [u8; SALT_BYTES],
    ) -> ServerHandshake {
        ServerHandshake { accounts, nonce, salt, arrived: Vec::new(), state: State::Magic }
    }

    /// Goes on with the bytes that arrived.
    pub fn receive(mut self, bytes: &[u8]) -> ServerStep {
        self.arrived.extend_from_slice(bytes);
        let mut send = Vec::new();
        loop {
            match self.advance(&mut send) {
                Ok(Progress::Waits) => return ServerStep::More(self, send),
                Ok(Progress::Advanced(state)) => self.state = state,
                Ok(Progress::Done(version, user)) => {
                    let accepted = Accepted { version, user, rest: self.arrived };
                    return ServerStep::Accepted(send, accepted);
                }
                Err(refusal) => {
                    send.extend(refusal.message());
                    return ServerStep::Refused(send, refusal);
                }
            }
        }
    }

    /// One step, if enough has arrived for it.
    fn advance(&mut self, send: &mut Vec<u8>) -> Result<Progress, Refusal> {
        match &self.state {
            State::Magic => {
                let Some(magic) = take_u32(&mut self.arrived) else { return Ok(Progress::Waits) };
                let version = Version::from_magic(magic)?;
                if version != Version::V1_0 {
                    return Ok(Progress::Advanced(State::KeyLength(version)));
                }
                send.extend(greeting());
                Ok(Progress::Advanced(State::First))
            }
            State::KeyLength(version) => {
                let Some(length) = take_u32(&mut self.arrived) else { return Ok(Progress::Waits) };
                if length > KEY_BYTES_MAX {
                    return Err(Refusal::KeyTooLong);
                }
                Ok(Progress::Advanced(State::Key(*version, length as usize)))
            }
            State::Key(version, length) => {
                if self.arrived.len() < *length {
                    return Ok(Progress::Waits);
                }
                let key: Vec<u8> = self.arrived.drain(..length).collect();
                let key = String::from_utf8(key).map_err(|_| Refusal::IncorrectKey)?;
                let admin = self.accounts.get(Accounts::ADMIN);
                if !admin.is_some_and(|admin| admin.matches(&key)) {
                    return Err(Refusal::IncorrectKey);
                }
                Ok(Progress::Advanced(State::Protocol(*version)))
            }
            State::Protocol(version) => {
                let Some(protocol) = take_u32(&mut self.arrived) else {
                    return Ok(Progress::Waits);
                };
                match protocol {
                    JSON_PROTOCOL => {}
                    PROTOBUF_PROTOCOL => return Err(Refusal::Protobuf),
                    other => return Err(Refusal::UnrecognizedProtocol(other.cast_signed())),
                }
                send.extend_from_slice(WELCOME);
                Ok(Progress::Done(*version, Accounts::ADMIN.to_owned()))
            }
            State::First => {
                let Some(fields) = message(&mut self.arrived)? else { return Ok(Progress::Waits) };
                let first = fields.first_authentication()?;
                let (scram, answer) =
                    ScramServer::start(&self.accounts, first, self.nonce, self.salt)?;
                send.extend(authentication(answer));
                Ok(Progress::Advanced(State::Final(scram)))
            }
            State::Final(scram) => {
                let Some(fields) = message(&mut self.arrived)? else { return Ok(Progress::Waits) };
                let (user, answer) = scram.finish(fields.authentication()?)?;
                send.extend(authentication(answer));
                Ok(Progress::Done(Version::V1_0, user))
            }
        }
    }
}

/// Takes the next JSON message off the bytes that have arrived; `None` if its end has not yet.
fn message(arrived: &mut Vec<u8>) -> Result<Option<Fields>, Refusal> {
    let window = &arrived[..arrived.len().min(MESSAGE_BYTES_MAX)];
    if window.len() == MESSAGE_BYTES_MAX && !window.contains(&0) {
        return Err(Refusal::MessageTooLong);
    }
    take(arrived).map(|message| Fields::parse(&message)).transpose()
}

/// How far a step led.
enum Progress {
    Waits,
    Advanced(State),
    Done(Version, String),
}

/// A client's message.
struct Fields(BTreeMap<String, Value>);

impl Fields {
    fn parse(message: &[u8]) -> Result<Fields, Refusal> {
        let Pairs(pairs) = serde_json::from_slice(message).map_err(|error| {
            let is_json = || serde_json::from_slice::<Value>(message).is_ok();
            if error.is_data() && is_json() { Refusal::NoObject } else { Refusal::InvalidJson }
        })?;
        let mut fields = BTreeMap::new();
        for (name, value) in pairs {
            if fields.insert(name, value).is_some() {
                return Err(Refusal::NoDatum);
            }
        }
        Ok(Fields(fields))
    }

    fn first_authentication(&self) -> Result<&str, Refusal> {
        let version = self.0.get("protocol_version").and_then(Value::as_f64);
        if version.ok_or(Refusal::NoProtocolVersion)? != 0.0 {
            return Err(Refusal::UnsupportedProtocolVersion);
        }
        let method = self.0.get("authentication_method").and_then(Value::as_str);
        if method.ok_or(Refusal::NoAuthenticationMethod)? != "SCRAM-SHA-256" {
            return Err(Refusal::UnsupportedAuthenticationMethod);
        }
        self.authentication()
    }

    fn authentication(&self) -> Result<&str, Refusal> {
        self.0.get("authentication").and_then(Value::as_str).ok_or(Refusal::NoAuthentication)
    }
}

/// An object's fields as they were written: one name may occur twice.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs;

            fn expecting(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// What the server says first: which protocols it speaks.
fn greeting() -> Vec<u8> {
    #[derive(Serialize)]
    struct Greeting {
        max_protocol_version: u32,
        min_protocol_version: u32,
        server_version: &'static str,
        success: bool,
    }
    encode(&Greeting {
        max_protocol_version: 0,
        min_protocol_version: 0,
        server_version: RELEASE,
        success: true,
    })
}

/// A step of the authentication that succeeded.
fn authentication(authentication: String) -> Vec<u8> {
    #[derive(Serialize)]
    struct Authentication {
        authentication: String,
        success: bool,
    }
    encode(&Authentication { authentication, success: true })
}
