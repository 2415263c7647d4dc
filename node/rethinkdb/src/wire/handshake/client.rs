//! The client's side of the handshakes.

use serde::{Deserialize, Serialize};

use super::message::{encode, take};
use super::{JSON_PROTOCOL, Version, WELCOME};
use crate::wire::scram::NONCE_BYTES;
use crate::wire::scram::client::{ScramClient, ScramClientError, ScramProof};

/// The longest message that is read from a server that has not proven itself yet. Those of RethinkDB
/// have a few hundred bytes.
pub const MESSAGE_BYTES_MAX: usize = 4096;

/// What can go wrong on the way in.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The server refuses, with its number and its words.
    #[error("{message}")]
    Refused {
        /// RethinkDB's number; none from a server that answered in plain text.
        code: Option<u32>,
        /// RethinkDB's words.
        message: String,
    },
    /// The server does not speak the client's version of the protocol.
    #[error("the server speaks protocol versions {min} to {max}, not 0")]
    ProtocolVersion {
        /// The lowest it speaks.
        min: u64,
        /// The highest it speaks.
        max: u64,
    },
    /// The authentication failed, through the server's fault.
    #[error(transparent)]
    Scram(#[from] ScramClientError),
    /// More than [`MESSAGE_BYTES_MAX`] without an end.
    #[error("the server's message is longer than {MESSAGE_BYTES_MAX} bytes")]
    TooLong,
    /// No message of a RethinkDB server.
    #[error("the server does not answer as RethinkDB does: `{0}`")]
    Malformed(String),
}

impl HandshakeError {
    /// Whether user name or password are wrong, so that trying again cannot help.
    ///
    /// Source: RethinkDB manual, "Writing RethinkDB drivers": codes 10 to 20.
    pub fn is_authentication(&self) -> bool {
        match self {
            HandshakeError::Refused { code: Some(code), .. } => (10..=20).contains(code),
            HandshakeError::Refused { code: None, message } => {
                message == "Incorrect authorization key."
            }
            HandshakeError::Scram(_) => true,
            _ => false,
        }
    }
}

/// The client's side of a handshake that goes on.
pub struct ClientHandshake {
    arrived: Vec<u8>,
    state: State,
}

/// What comes next from the server.
enum State {
    Greeting(ScramClient),
    First(ScramClient, String),
    Final(ScramProof, String),
    Welcome(Version),
}

/// What follows from the bytes that arrived.
pub enum ClientStep {
    /// Send this, perhaps nothing, then read on.
    More(ClientHandshake, Vec<u8>),
    /// Queries may be sent.
    Done(Connected),
}

/// A server that let the client in, and proved that it knows the password too.
#[derive(PartialEq, Eq, Debug)]
pub struct Connected {
    /// The protocol that is spoken.
    pub version: Version,
    /// The server's release, as `2.4.4`; only said in [`Version::V1_0`].
    pub server_version: Option<String>,
    /// What the server sent after the handshake; nothing, if it behaves.
    pub rest: Vec<u8>,
}

impl ClientHandshake {
    /// A handshake in [`Version::V1_0`], and the bytes to send first. The random bytes must never have
    /// been used before.
    pub fn new(user: &str, password: &str, nonce: [u8; NONCE_BYTES]) -> (ClientHandshake, Vec<u8>) {
        #[derive(Serialize)]
        struct First {
            protocol_version: u32,
            authentication_method: &'static str,
            authentication: String,
        }
        let scram = ScramClient::new(user, password, nonce);
        let mut send = Version::V1_0.magic().to_le_bytes().to_vec();
        // The first message does not depend on the greeting: sent at once, it saves a round trip.
        send.extend(encode(&First {
            protocol_version: 0,
            authentication_method: "SCRAM-SHA-256",
            authentication: scram.first_message(),
        }));
        (ClientHandshake { arrived: Vec::new(), state: State::Greeting(scram) }, send)
    }

    /// A handshake in an older version, and the bytes to send first; `None` for [`Version::V1_0`], or
    /// if the key is longer than a length can say.
    pub fn with_key(version: Version, key: &str) -> Option<(ClientHandshake, Vec<u8>)> {
        if version == Version::V1_0 {
            return None;
        }
        let mut send = version.magic().to_le_bytes().to_vec();
        send.extend_from_slice(&u32::try_from(key.len()).ok()?.to_le_bytes());
        send.extend_from_slice(key.as_bytes());
        send.extend_from_slice(&JSON_PROTOCOL.to_le_bytes());
        Some((ClientHandshake { arrived: Vec::new(), state: State::Welcome(version) }, send))
    }

    /// Goes on with the bytes that arrived.
    ///
    /// # Errors
    /// If the server refuses or does not behave; the line is of no use any more.
    pub fn receive(mut self, bytes: &[u8]) -> Result<ClientStep, HandshakeError> {
        self.arrived.extend_from_slice(bytes);
        let mut send = Vec::new();
        loop {
            let Some(message) = take(&mut self.arrived) else {
                return if self.arrived.len() > MESSAGE_BYTES_MAX {
                    Err(HandshakeError::TooLong)
                } else {
                    Ok(ClientStep::More(self, send))
                };
            };
            if message.len() > MESSAGE_BYTES_MAX {
                return Err(HandshakeError::TooLong);
            }
            self.state = match self.state {
                State::Greeting(scram) => {
                    let greeting: Greeting = parse(&message)?;
                    let (min, max) = (greeting.min_protocol_version, greeting.max_protocol_version);
                    if !(min..=max).contains(&0) {
                        return Err(HandshakeError::ProtocolVersion { min, max });
                    }
                    State::First(scram, greeting.server_version)
                }
                State::First(scram, server_version) => {
                    let answer: Authentication = parse(&message)?;
                    let (authentication, proof) = scram.prove(&answer.authentication)?;
                    send.extend(encode(&Authentication { authentication }));
                    State::Final(proof, server_version)
                }
                State::Final(proof, server_version) => {
                    let answer: Authentication = parse(&message)?;
                    proof.verify(&answer.authentication)?;
                    return Ok(ClientStep::Done(Connected {
                        version: Version::V1_0,
                        server_version: Some(server_version),
                        rest: self.arrived,
                    }));
                }
                State::Welcome(version) => {
                    if WELCOME.strip_suffix(b"\0") != Some(&message) {
                        return Err(plain(&message));
                    }
                    return Ok(ClientStep::Done(Connected {
                        version,
                        server_version: None,
                        rest: self.arrived,
                    }));
                }
            };
        }
    }
}

#[derive(Deserialize)]
struct Greeting {
    min_protocol_version: u64,
    max_protocol_version: u64,
    server_version: String,
}

#[derive(Serialize, Deserialize)]
struct Authentication {
    authentication: String,
}

/// A message of a server that goes on; an error, if it refuses or says anything else.
fn parse<'a, T: Deserialize<'a>>(message: &'a [u8]) -> Result<T, HandshakeError> {
    #[derive(Deserialize)]
    struct Outcome {
        success: bool,
        error: Option<String>,
        error_code: Option<u32>,
    }
    let malformed = |_| plain(message);
    let outcome: Outcome = serde_json::from_slice(message).map_err(malformed)?;
    match outcome {
        Outcome { success: true, .. } => serde_json::from_slice(message).map_err(malformed),
        Outcome { error: Some(message), error_code: code, .. } => {
            Err(HandshakeError::Refused { code, message })
        }
        _ => Err(plain(message)),
    }
}

/// A message in plain text: a refusal, if it says so.
fn plain(message: &[u8]) -> HandshakeError {
    let text = String::from_utf8_lossy(message);
    match text.strip_prefix("ERROR: ") {
        Some(text) => HandshakeError::Refused { code: None, message: text.trim_end().to_owned() },
        None => HandshakeError::Malformed(text.into_owned()),
    }
}
