//! The hash that names documents.

use sha3::{Digest, Keccak256};

/// Lower-case hex of the Keccak-256 of these bytes: 64 digits.
///
/// The documentation says SHA3-256. The original used the package `pysha3` 0.3, which is older than
/// the standard and pads as Keccak did; every existing id is made so.
///
/// ```
/// # use bigchaindb_core::model::keccak256_hex;
/// assert_eq!(
///     keccak256_hex(b""),
///     "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
/// );
/// ```
pub fn keccak256_hex(text: &[u8]) -> String {
    hex(&Keccak256::digest(text))
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}
