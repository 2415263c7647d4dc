//! Crypto-conditions: what guards an output, and what opens it.
//!
//! A [`Condition`] (`cc:…`) says which kind of [`Fulfillment`] (`cf:…`) opens an output, and a hash of
//! its public parts. Five kinds: a preimage that hashes to it (hash-lock), an Ed25519 signature, a time
//! that has not come yet, so many of several parts (m-of-n, with weights), and the opposite of that.
//! Parts nest, so escrow and the like are built of these five.
//!
//! Here: the kinds, and how they are built and signed. A file each for the text forms (`uri`), the
//! binary forms (`bytes`, `binary`), the dict that is stored as a condition's `details` (`dict`), the
//! way from a fulfillment to its condition (`fingerprint`), and whether a fulfillment opens its
//! condition (`validate`). Not here: which condition a fulfillment has to open (`rules`). Start at
//! [`Fulfillment::parse`] and [`Fulfillment::validate`].
//!
//! This is the draft that the Python package `cryptoconditions` 0.4.1 implements, with two types of
//! BigchainDB's own (98, 99). Bytes are its bytes, its limits included: a number above 255 cannot be
//! written, so large parts cannot be nested. What was read leniently there is read exactly under the
//! profile `default`: one fulfillment has one spelling. Two limits are ours: [`MAX_NESTING`] and
//! [`MAX_PARTS`].

mod binary;
mod bytes;
mod condition;
mod dict;
mod error;
mod fingerprint;
mod uri;
mod validate;

pub use condition::Condition;
pub use error::CryptoconditionError;
pub use validate::Circumstances;

use crate::model::Keypair;

/// How deep thresholds nest. With thresholds of 1 and more each level adds ten bytes to a length that
/// has to stay below 256, so nobody could write 26 levels; the original would stop at about 200.
pub const MAX_NESTING: usize = 64;

/// How many parts a fulfillment has in all, at all levels. 255 parts is as many as the original can
/// write at one level; this many signatures take about 50 ms to verify.
pub const MAX_PARTS: usize = 1024;

/// What opens an output, or could: signatures may be missing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fulfillment {
    /// Type 0: whoever shows bytes with the right hash.
    Preimage(Box<[u8]>),
    /// Type 4: whoever signs with a key.
    Ed25519(Ed25519),
    /// Type 99: up to a time, and in the second it names.
    Timeout(Timeout),
    /// Type 2: whoever fulfills enough of several parts.
    Threshold(Threshold),
    /// Type 98: if enough of several parts can *not* be fulfilled. Meant for timeouts: from a time on.
    Inverted(Threshold),
}

/// A public key and perhaps its signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ed25519 {
    /// Whose.
    pub public_key: [u8; 32],
    /// On the message that is to be validated.
    pub signature: Option<[u8; 64]>,
}

/// The text of a time: Unix seconds, `1472731200` or `1472731200.5`. One that was read from a
/// fulfillment may hold anything, and then opens nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timeout(pub(super) Box<[u8]>);

/// So many of these parts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Threshold {
    /// The sum of weights that is enough.
    pub threshold: u64,
    /// In the order they were added.
    pub parts: Vec<Part>,
}

/// A part of a threshold, with what it counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    weight: u64,
    subject: Subject,
}

/// What a part is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// Shown: it may or may not be valid.
    Fulfillment(Fulfillment),
    /// Left out: only its condition is there.
    Condition(Condition),
}

impl Part {
    /// A part and its weight.
    ///
    /// # Errors
    /// The weight is zero.
    pub fn new(weight: u64, subject: Subject) -> Result<Self, CryptoconditionError> {
        if weight == 0 {
            Err(CryptoconditionError::Weight(0))
        } else {
            Ok(Self { weight, subject })
        }
    }

    /// What it counts, at least 1.
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// What it is.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    fn bitmask(&self) -> u64 {
        match &self.subject {
            Subject::Fulfillment(fulfillment) => fulfillment.bitmask(),
            Subject::Condition(condition) => condition.bitmask,
        }
    }
}

impl From<Fulfillment> for Part {
    /// With weight 1.
    fn from(fulfillment: Fulfillment) -> Self {
        Self { weight: 1, subject: Subject::Fulfillment(fulfillment) }
    }
}

impl From<Condition> for Part {
    /// With weight 1.
    fn from(condition: Condition) -> Self {
        Self { weight: 1, subject: Subject::Condition(condition) }
    }
}

impl Timeout {
    /// Up to this time, and in the second it names: ten digits, perhaps a fraction.
    ///
    /// # Errors
    /// The text says no such time.
    pub fn new(unix_seconds: &str) -> Result<Self, CryptoconditionError> {
        if validate::is_unix_time(unix_seconds) {
            Ok(Self(unix_seconds.as_bytes().into()))
        } else {
            Err(CryptoconditionError::ExpireTime(unix_seconds.into()))
        }
    }
}

impl Fulfillment {
    /// Whoever shows these bytes. A hash-lock; [`Self::condition`] does not tell them.
    pub fn preimage(preimage: impl Into<Box<[u8]>>) -> Self {
        Self::Preimage(preimage.into())
    }

    /// Whoever signs with this key; not signed yet.
    pub fn ed25519(public_key: [u8; 32]) -> Self {
        Self::Ed25519(Ed25519 { public_key, signature: None })
    }

    /// Up to this time, and in the second it names.
    ///
    /// # Errors
    /// As of [`Timeout::new`].
    pub fn timeout(unix_seconds: &str) -> Result<Self, CryptoconditionError> {
        Timeout::new(unix_seconds).map(Self::Timeout)
    }

    /// Whoever fulfills parts that together weigh `threshold`.
    pub fn threshold(threshold: u64, parts: Vec<Part>) -> Self {
        Self::Threshold(Threshold { threshold, parts })
    }

    /// If parts that together weigh `threshold` can not be fulfilled.
    pub fn inverted(threshold: u64, parts: Vec<Part>) -> Self {
        Self::Inverted(Threshold { threshold, parts })
    }

    /// Signs with this key wherever the key is asked for; says how often that was.
    pub fn sign(&mut self, message: &[u8], keypair: &Keypair) -> usize {
        match self {
            Self::Preimage(_) | Self::Timeout(_) => 0,
            Self::Ed25519(leaf) => {
                if leaf.public_key != keypair.public_bytes() {
                    return 0;
                }
                leaf.signature = Some(keypair.sign(message));
                1
            }
            Self::Threshold(threshold) | Self::Inverted(threshold) => {
                let parts = threshold.parts.iter_mut();
                parts
                    .map(|part| match &mut part.subject {
                        Subject::Fulfillment(fulfillment) => fulfillment.sign(message, keypair),
                        Subject::Condition(_) => 0,
                    })
                    .sum()
            }
        }
    }

    /// The first place in the tree, depth first, where this key is asked for.
    pub fn find_key(&self, public_key: &[u8; 32]) -> Option<&Ed25519> {
        match self {
            Self::Preimage(_) | Self::Timeout(_) => None,
            Self::Ed25519(leaf) => (leaf.public_key == *public_key).then_some(leaf),
            Self::Threshold(threshold) | Self::Inverted(threshold) => {
                threshold.shown().find_map(|(_, part)| part.find_key(public_key))
            }
        }
    }

    /// All places in the tree, depth first, where this key is asked for; the original's
    /// `get_subcondition_from_vk`.
    pub fn subconditions_of(&self, public_key: &[u8; 32]) -> Vec<&Self> {
        match self {
            Self::Preimage(_) | Self::Timeout(_) => Vec::new(),
            Self::Ed25519(leaf) if leaf.public_key == *public_key => vec![self],
            Self::Ed25519(_) => Vec::new(),
            Self::Threshold(threshold) | Self::Inverted(threshold) => {
                threshold.shown().flat_map(|(_, part)| part.subconditions_of(public_key)).collect()
            }
        }
    }

    /// Whether whoever sees it learns a secret: a preimage is somewhere in it.
    pub fn tells_secret(&self) -> bool {
        match self {
            Self::Preimage(_) => true,
            Self::Ed25519(_) | Self::Timeout(_) => false,
            Self::Threshold(threshold) | Self::Inverted(threshold) => {
                threshold.shown().any(|(_, part)| part.tells_secret())
            }
        }
    }

    /// Whether it may be valid at one time and not at another.
    pub fn depends_on_time(&self) -> bool {
        match self {
            Self::Preimage(_) | Self::Ed25519(_) => false,
            Self::Timeout(_) => true,
            Self::Threshold(threshold) | Self::Inverted(threshold) => {
                threshold.shown().any(|(_, part)| part.depends_on_time())
            }
        }
    }

    /// The last seconds in which its timeouts are open, in Unix seconds; of those that say a time.
    pub fn expiries(&self) -> Vec<u64> {
        match self {
            Self::Preimage(_) | Self::Ed25519(_) => Vec::new(),
            Self::Timeout(timeout) => timeout.last_second().into_iter().collect(),
            Self::Threshold(threshold) | Self::Inverted(threshold) => {
                threshold.shown().flat_map(|(_, part)| part.expiries()).collect()
            }
        }
    }

    /// The type's number.
    pub fn type_id(&self) -> u16 {
        match self {
            Self::Preimage(_) => type_id::PREIMAGE,
            Self::Ed25519(_) => type_id::ED25519,
            Self::Timeout(_) => type_id::TIMEOUT,
            Self::Threshold(_) => type_id::THRESHOLD,
            Self::Inverted(_) => type_id::INVERTED,
        }
    }

    /// The features that whoever validates has to know: those of the type and of all parts.
    pub fn bitmask(&self) -> u64 {
        match self {
            Self::Preimage(_) => 0x03,
            Self::Ed25519(_) => 0x20,
            Self::Timeout(_) => 0x09,
            Self::Threshold(threshold) | Self::Inverted(threshold) => {
                threshold.parts.iter().fold(0x09, |mask, part| mask | part.bitmask())
            }
        }
    }
}

impl Threshold {
    /// The parts that are fulfillments, with their weights.
    fn shown(&self) -> impl Iterator<Item = (u64, &Fulfillment)> {
        self.parts.iter().filter_map(|part| match &part.subject {
            Subject::Fulfillment(fulfillment) => Some((part.weight, fulfillment)),
            Subject::Condition(_) => None,
        })
    }
}

/// The types' numbers.
mod type_id {
    pub(super) const PREIMAGE: u16 = 0;
    pub(super) const THRESHOLD: u16 = 2;
    pub(super) const ED25519: u16 = 4;
    pub(super) const INVERTED: u16 = 98;
    pub(super) const TIMEOUT: u16 = 99;

    pub(super) const ALL: [u16; 5] = [PREIMAGE, THRESHOLD, ED25519, INVERTED, TIMEOUT];
}

/// Counts levels and parts while a fulfillment is read.
struct Budget {
    levels: usize,
    parts: usize,
}

impl Budget {
    fn new() -> Self {
        Self { levels: MAX_NESTING, parts: MAX_PARTS }
    }

    /// Reads a part, one level below.
    fn below<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CryptoconditionError>,
    ) -> Result<T, CryptoconditionError> {
        self.parts = self.parts.checked_sub(1).ok_or(CryptoconditionError::TooManyParts)?;
        self.levels = self.levels.checked_sub(1).ok_or(CryptoconditionError::TooDeep)?;
        let part = read(self)?;
        self.levels += 1;
        Ok(part)
    }
}
