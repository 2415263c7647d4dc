//! The handshakes: what a driver and a server say to each other before the first query.
//!
//! Three are spoken. [`Version::V1_0`] greets in JSON texts, each ended by a zero byte, and proves the
//! password by [`scram`](super::scram); [`Version::V0_4`] and [`Version::V0_3`] send it as it is. Each
//! side is a state machine that is fed whatever bytes arrive, in pieces of any size: [`client`],
//! [`server`]. Not here: how long to wait for the other side.
//!
//! Source: RethinkDB manual, "Writing RethinkDB drivers"; failures as observed on RethinkDB 2.4.4.

pub mod client;
mod message;
mod refusal;
pub mod server;

pub use refusal::Refusal;

/// The number that says that queries and responses are JSON, in the handshakes before V1_0.
pub const JSON_PROTOCOL: u32 = 0x7e69_70c7;

/// The number that says that they are Protocol Buffers, which no server reads any more.
const PROTOBUF_PROTOCOL: u32 = 0x271f_fc41;

/// What a server says to a client that it lets in, before V1_0.
const WELCOME: &[u8] = b"SUCCESS\0";

/// A version of the protocol that servers still speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    /// Without users; queries are answered one at a time.
    V0_3,
    /// Without users.
    V0_4,
    /// With users, since RethinkDB 2.3.
    V1_0,
}

impl Version {
    /// The number with which a client opens, little-endian.
    pub fn magic(self) -> u32 {
        match self {
            Version::V0_3 => 0x5f75_e83e,
            Version::V0_4 => 0x400c_2d20,
            Version::V1_0 => 0x34c2_bdc3,
        }
    }

    fn from_magic(magic: u32) -> Result<Version, Refusal> {
        const V0_1: u32 = 0x3f61_ba36;
        const V0_2: u32 = 0x7230_81e1;
        match magic {
            V0_1 | V0_2 => Err(Refusal::Protobuf),
            _ => [Version::V0_3, Version::V0_4, Version::V1_0]
                .into_iter()
                .find(|version| version.magic() == magic)
                .ok_or(Refusal::UnsupportedVersion),
        }
    }
}
