//! A condition by itself: what is written into a transaction's output.

use super::bytes::{Reader, Writer};
use super::{CryptoconditionError, type_id};
use crate::model::Profile;

/// The longest fulfillment that [`Condition::validate`] lets a condition ask for, in bytes.
const MAX_FULFILLMENT_LENGTH: u64 = 65_535;

/// The features that exist.
const KNOWN_FEATURES: u64 = 0x3f;

/// What guards an output.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Condition {
    /// The type's number, known or not.
    pub type_id: u16,
    /// The features that whoever validates has to know.
    pub bitmask: u64,
    /// Empty in a condition that nothing can open.
    pub(super) hash: Box<[u8]>,
    /// How long a fulfillment may get, in bytes. Nobody holds it to that.
    pub max_fulfillment_length: u64,
}

impl Condition {
    /// The hash of what a fulfillment has to show; of an Ed25519 condition, the key itself.
    ///
    /// # Errors
    /// It has none.
    pub fn hash(&self) -> Result<&[u8], CryptoconditionError> {
        if self.hash.is_empty() { Err(CryptoconditionError::EmptyHash) } else { Ok(&self.hash) }
    }

    /// Whether anyone could make sense of it: the type is known, and so are the features; the
    /// fulfillment is not too long. BigchainDB 0.6.0 never asks.
    ///
    /// # Errors
    /// What is wrong.
    pub fn validate(&self) -> Result<(), CryptoconditionError> {
        if !type_id::ALL.contains(&self.type_id) {
            return Err(CryptoconditionError::Type(self.type_id.into()));
        }
        if self.bitmask > u32::MAX.into() {
            return Err(CryptoconditionError::BitmaskTooLarge);
        }
        if self.bitmask & !KNOWN_FEATURES != 0 {
            return Err(CryptoconditionError::UnknownFeatures);
        }
        if self.max_fulfillment_length > MAX_FULFILLMENT_LENGTH {
            return Err(CryptoconditionError::MaxLengthTooLarge);
        }
        Ok(())
    }

    /// Its bytes, as they stand inside a threshold.
    ///
    /// # Errors
    /// It has no hash, or a number in it is above 255.
    pub fn binary(&self) -> Result<Vec<u8>, CryptoconditionError> {
        let mut writer = Writer::new();
        writer
            .uint(self.type_id.into(), 2)?
            .var_uint(self.bitmask)?
            .octets(self.hash()?)?
            .var_uint(self.max_fulfillment_length)?;
        Ok(writer.finish())
    }

    /// Reads its bytes.
    ///
    /// # Errors
    /// They end too early, or hold a number that is too long; under `default`, also if they could
    /// be spelled otherwise.
    pub fn from_binary(bytes: &[u8], profile: Profile) -> Result<Self, CryptoconditionError> {
        let mut reader = Reader::new(bytes, profile == Profile::Default);
        let condition = Self::read(&mut reader)?;
        reader.end()?;
        Ok(condition)
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, CryptoconditionError> {
        Ok(Self {
            type_id: reader.uint16()?,
            bitmask: reader.var_uint()?,
            hash: reader.octets()?.into(),
            max_fulfillment_length: reader.var_uint()?,
        })
    }
}
