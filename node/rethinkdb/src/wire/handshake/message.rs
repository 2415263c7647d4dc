//! Messages of a handshake: texts that end with a zero byte.

use serde::Serialize;

/// Takes the first message, without its zero byte, off the bytes that have arrived; `None` if its end
/// has not yet.
pub(super) fn take(arrived: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = arrived.iter().position(|byte| *byte == 0)?;
    let rest = arrived.split_off(end + 1);
    let mut message = std::mem::replace(arrived, rest);
    message.pop();
    Some(message)
}

/// Takes a little-endian number off the bytes that have arrived; `None` if they are too few.
pub(super) fn take_u32(arrived: &mut Vec<u8>) -> Option<u32> {
    let number = *arrived.first_chunk::<4>()?;
    arrived.drain(..4);
    Some(u32::from_le_bytes(number))
}

/// A message of these fields.
pub(super) fn encode(fields: &impl Serialize) -> Vec<u8> {
    let mut message = serde_json::to_vec(fields).expect("fields of texts and numbers are JSON");
    message.push(0);
    message
}
