//! Frames: a token, a length, and a JSON text, for queries and responses alike.

/// The largest query that is read, in bytes.
///
/// Source: observed on RethinkDB 2.4.4.
pub const QUERY_BYTES_MAX: u32 = 128 * 1024 * 1024 - 1;

/// What stands before every query and every response.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Chosen by the client for a query, and repeated in every response to it.
    pub token: u64,
    /// How many bytes of JSON follow.
    pub length: u32,
}

impl Header {
    /// How many bytes a header takes.
    pub const BYTES: usize = 12;

    /// As it is sent: both numbers little-endian.
    pub fn encode(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.token.to_le_bytes());
        bytes[8..].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    /// As it was received.
    pub fn decode(bytes: [u8; Self::BYTES]) -> Header {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = bytes;
        Header {
            token: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            length: u32::from_le_bytes([i, j, k, l]),
        }
    }
}

/// A whole frame.
///
/// # Errors
/// [`TooLong`] if the length of `json` does not fit its field.
pub fn encode(token: u64, json: &[u8]) -> Result<Vec<u8>, TooLong> {
    let length = u32::try_from(json.len()).map_err(|_| TooLong { bytes: json.len() })?;
    let mut frame = Vec::with_capacity(Header::BYTES + json.len());
    frame.extend_from_slice(&Header { token, length }.encode());
    frame.extend_from_slice(json);
    Ok(frame)
}

/// A text that fits into no frame. It reads as RethinkDB reports a response of that size.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Response size ({bytes}) greater than maximum ({}).", u32::MAX - 1)]
pub struct TooLong {
    /// The text's length.
    pub bytes: usize,
}

/// What is said to a query larger than [`QUERY_BYTES_MAX`].
pub fn query_too_large(bytes: u32) -> String {
    format!("Query size ({bytes}) greater than maximum ({QUERY_BYTES_MAX}).")
}

/// What is said to a query for more of a token that has nothing more, or was never used.
pub fn token_not_in_cache(token: u64) -> String {
    format!("Token {} not in stream cache.", token.cast_signed())
}

/// What is said to a query whose token is still in use.
pub fn duplicate_token(token: u64) -> String {
    format!("ERROR: duplicate token {}", token.cast_signed())
}
