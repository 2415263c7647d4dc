//! Fulfillments written as they are built, whether or not they reach what is asked for: whoever cheats
//! writes his bytes himself.
//!
//! Source: the package `cryptoconditions` 0.4.1, which BigchainDB 0.6 used. Not here: the honest way
//! ([`Fulfillment::uri`]).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bigchaindb_core::model::Raised;
use bigchaindb_core::model::cryptoconditions::{Fulfillment, Subject, Threshold};

/// Its text, `cf:…`, with all that is shown in it and nothing else.
///
/// # Errors
/// If a signature is missing, or a part is too long to be written.
pub(super) fn uri(fulfillment: &Fulfillment) -> Result<String, Raised> {
    let payload = URL_SAFE_NO_PAD.encode(payload(fulfillment)?);
    Ok(format!("cf:{:x}:{payload}", fulfillment.type_id()))
}

fn payload(fulfillment: &Fulfillment) -> Result<Vec<u8>, Raised> {
    match fulfillment {
        Fulfillment::Threshold(threshold) | Fulfillment::Inverted(threshold) => parts(threshold),
        simple => Ok(simple.payload()?),
    }
}

fn binary(fulfillment: &Fulfillment) -> Result<Vec<u8>, Raised> {
    let mut bytes = fulfillment.type_id().to_be_bytes().to_vec();
    octets(&payload(fulfillment)?, &mut bytes)?;
    Ok(bytes)
}

fn parts(threshold: &Threshold) -> Result<Vec<u8>, Raised> {
    let mut items = Vec::new();
    for part in &threshold.parts {
        let mut item = Vec::new();
        number(part.weight(), &mut item)?;
        let (shown, left_out) = match part.subject() {
            Subject::Fulfillment(fulfillment) => (binary(fulfillment)?, Vec::new()),
            Subject::Condition(condition) => (Vec::new(), condition.binary()?),
        };
        octets(&shown, &mut item)?;
        octets(&left_out, &mut item)?;
        items.push(item);
    }
    // Short ones first.
    items.sort_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
    let mut bytes = Vec::new();
    number(threshold.threshold, &mut bytes)?;
    number(items.len() as u64, &mut bytes)?;
    bytes.extend(items.concat());
    Ok(bytes)
}

/// A number below 256, with its length before it.
fn number(number: u64, out: &mut Vec<u8>) -> Result<(), Raised> {
    let byte = u8::try_from(number).map_err(|_| too_large())?;
    out.extend([1, byte]);
    Ok(())
}

/// Bytes with their length before them: in one byte below 128, else in one behind a mark.
fn octets(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Raised> {
    let length = u8::try_from(bytes.len()).map_err(|_| too_large())?;
    if length < 128 {
        out.push(length);
    } else {
        out.extend([0x81, length]);
    }
    out.extend(bytes);
    Ok(())
}

fn too_large() -> Raised {
    Raised::new("ValueError", "bytes must be in range(0, 256)")
}

#[cfg(test)]
mod tests {
    use bigchaindb_core::model::Keypair;

    use super::*;

    #[test]
    fn what_is_complete_is_written_as_the_honest_way_writes_it() {
        let keys = [1, 2].map(|seed| Keypair::from_seed([seed; 32]));
        let parts = keys.iter().map(|key| Fulfillment::ed25519(key.public_bytes()).into());
        let mut both = Fulfillment::threshold(2, parts.collect());
        keys.iter().for_each(|key| assert_eq!(both.sign(b"message", key), 1));
        assert_eq!(uri(&both).unwrap(), both.uri().unwrap());
        let nested = Fulfillment::threshold(1, vec![both.into()]);
        assert_eq!(uri(&nested).unwrap(), nested.uri().unwrap());
    }
}
