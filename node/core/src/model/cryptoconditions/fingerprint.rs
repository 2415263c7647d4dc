//! From a fulfillment to the condition it could open.

use sha2::{Digest as _, Sha256};

use super::binary::by_length;
use super::bytes::{Writer, width};
use super::{Condition, CryptoconditionError, Fulfillment, Subject, Threshold, Timeout};

/// The length of a key and a signature, in bytes.
const ED25519_LENGTH: u64 = 96;

impl Fulfillment {
    /// The condition it could open; signatures do not matter.
    ///
    /// # Errors
    /// A threshold has no parts or cannot be reached, or a part's condition cannot be written.
    pub fn condition(&self) -> Result<Condition, CryptoconditionError> {
        let (hash, max_fulfillment_length) = match self {
            Self::Preimage(bytes) | Self::Timeout(Timeout(bytes)) => {
                (sha256(bytes), bytes.len() as u64)
            }
            Self::Ed25519(leaf) => (leaf.public_key.into(), ED25519_LENGTH),
            Self::Threshold(threshold) | Self::Inverted(threshold) => threshold.fingerprint()?,
        };
        let (type_id, bitmask) = (self.type_id(), self.bitmask());
        Ok(Condition { type_id, bitmask, hash, max_fulfillment_length })
    }

    /// The text of the condition it could open.
    ///
    /// # Errors
    /// As of [`Fulfillment::condition`].
    pub fn condition_uri(&self) -> Result<String, CryptoconditionError> {
        self.condition()?.uri()
    }
}

impl Threshold {
    /// Hash and maximal length. Each part's condition is made once, so this takes time in proportion
    /// to the parts.
    fn fingerprint(&self) -> Result<(Box<[u8]>, u64), CryptoconditionError> {
        if self.parts.is_empty() {
            return Err(CryptoconditionError::NoParts);
        }
        let mut writer = Writer::new();
        writer.uint(self.threshold, 4)?.var_uint(self.parts.len() as u64)?;
        let mut items = Vec::with_capacity(self.parts.len());
        let mut sizes = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let made;
            let condition = match &part.subject {
                Subject::Condition(condition) => condition,
                Subject::Fulfillment(fulfillment) => {
                    made = fulfillment.condition()?;
                    &made
                }
            };
            let binary = condition.binary()?;
            let mut item = Writer::new();
            item.var_uint(part.weight)?.raw(&binary);
            items.push(item.finish());
            sizes.push(Size {
                weight: part.weight,
                condition: binary.len() as u64,
                fulfillment: fulfillment_length(condition.max_fulfillment_length),
            });
        }
        items.sort_by(|a, b| by_length(a, b));
        for item in items {
            writer.raw(&item);
        }
        Ok((sha256(&writer.finish()), max_length(self.threshold, sizes)?))
    }
}

/// A part, as far as lengths are concerned, in bytes.
struct Size {
    weight: u64,
    condition: u64,
    fulfillment: u64,
}

/// How long a payload may get: all parts left out, and as many shown instead as takes most. The
/// original's formula, which forgets a few bytes.
fn max_length(threshold: u64, mut sizes: Vec<Size>) -> Result<u64, CryptoconditionError> {
    let count = sizes.len() as u64;
    let weights: u64 = sizes
        .iter()
        .map(|size| if size.weight == 1 { 1 } else { 2 + width(size.weight) as u64 })
        .sum();
    let conditions: u64 = sizes.iter().map(|size| size.condition).sum();

    // worst[t]: the most bytes that showing parts adds until t is reached, if it can be. The writer
    // has refused thresholds above 255 by now.
    let threshold = usize::try_from(threshold).map_err(|_| CryptoconditionError::AboveByte)?;
    let mut worst = vec![None; threshold + 1];
    worst[0] = Some(0_i64);
    sizes.sort_by_key(|size| size.weight);
    for size in sizes.iter().rev() {
        let added = size.fulfillment.cast_signed() - size.condition.cast_signed();
        // From above: what is needed from the row before is not overwritten yet.
        for t in (1..=threshold).rev() {
            let left = usize::try_from(size.weight).map_or(0, |weight| t.saturating_sub(weight));
            let with = worst[left].map(|worst| worst + added);
            worst[t] = worst[t].max(with);
        }
    }
    let shown = worst[threshold].ok_or(CryptoconditionError::Insufficient)?;
    let fixed = 4 + 1 + width(count) as u64 + weights + conditions;
    Ok(fixed.saturating_add_signed(shown))
}

/// Type, length and payload.
fn fulfillment_length(payload: u64) -> u64 {
    let prefix = if payload > 127 { 1 + width(payload) as u64 } else { 1 };
    2 + prefix + payload
}

fn sha256(bytes: &[u8]) -> Box<[u8]> {
    Sha256::digest(bytes).as_slice().into()
}
