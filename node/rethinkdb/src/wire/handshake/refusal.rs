//! Why a server refuses a handshake, in RethinkDB's words.

use serde::Serialize;

use super::message::encode;
use crate::wire::scram::server::ScramFailure;

/// Why a server refuses a handshake.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The client's first number is no version's.
    #[error(
        "Received an unsupported protocol version. This port is for RethinkDB queries. Does your \
         client driver version not match the server?"
    )]
    UnsupportedVersion,
    /// The client would speak in Protocol Buffers.
    #[error("The PROTOBUF client protocol is no longer supported")]
    Protobuf,
    /// The authorization key is longer than anybody's.
    #[error("Client provided an authorization key that is too long.")]
    KeyTooLong,
    /// The authorization key is not the administrator's password.
    #[error("Incorrect authorization key.")]
    IncorrectKey,
    /// The client would speak in something else, of this number.
    #[error("Unrecognized protocol specified: '{0}'")]
    UnrecognizedProtocol(i32),
    /// Field `protocol_version` is missing or no number.
    #[error("Expected a number for `protocol_version`.")]
    NoProtocolVersion,
    /// Field `protocol_version` is not 0.
    #[error("Unsupported `protocol_version`.")]
    UnsupportedProtocolVersion,
    /// Field `authentication_method` is missing or no string.
    #[error("Expected a string for `authentication_method`.")]
    NoAuthenticationMethod,
    /// Field `authentication_method` is not `SCRAM-SHA-256`.
    #[error("Unsupported `authentication_method`.")]
    UnsupportedAuthenticationMethod,
    /// Field `authentication` is missing or no string.
    #[error("Expected a string for `authentication`.")]
    NoAuthentication,
    /// The message is longer than [`MESSAGE_BYTES_MAX`](super::server::MESSAGE_BYTES_MAX).
    #[error("Limited read buffer size.")]
    MessageTooLong,
    /// The message is no JSON.
    #[error("Invalid JSON object.")]
    InvalidJson,
    /// The message is JSON, but no value of ReQL.
    #[error("Failed to convert JSON to datum.")]
    NoDatum,
    /// The message is JSON, but no object. The client is not told: RethinkDB just hangs up.
    #[error("the message is no JSON object")]
    NoObject,
    /// The authentication failed.
    #[error(transparent)]
    Authentication(#[from] ScramFailure),
}

impl Refusal {
    /// RethinkDB's number for it; none for what can only happen before [`Version::V1_0`](super::Version::V1_0) is spoken.
    pub fn code(self) -> Option<u32> {
        match self {
            Refusal::UnsupportedVersion
            | Refusal::Protobuf
            | Refusal::KeyTooLong
            | Refusal::IncorrectKey
            | Refusal::UnrecognizedProtocol(_)
            | Refusal::NoObject => None,
            Refusal::NoProtocolVersion => Some(1),
            Refusal::UnsupportedProtocolVersion => Some(2),
            Refusal::NoAuthenticationMethod => Some(3),
            Refusal::UnsupportedAuthenticationMethod => Some(4),
            Refusal::NoAuthentication => Some(5),
            Refusal::MessageTooLong => Some(7),
            Refusal::InvalidJson => Some(8),
            Refusal::NoDatum => Some(9),
            Refusal::Authentication(failure) => Some(failure.code()),
        }
    }

    /// The message that says so, the last one of the handshake.
    pub(super) fn message(self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Message {
            error: String,
            error_code: u32,
            success: bool,
        }
        match self.code() {
            Some(error_code) => {
                encode(&Message { error: self.to_string(), error_code, success: false })
            }
            None if self == Refusal::NoObject => Vec::new(),
            None => format!("ERROR: {self}\n\0").into_bytes(),
        }
    }
}
