//! Ed25519: the keys nodes and users sign with, and verification in two degrees of strictness.

use std::fmt;
use std::sync::Arc;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha512};

use super::base58::{Base58Error, from_base58_exact, to_base58};
use super::{Memo, NodeKey};

/// Why a text is no key or signature. Never says what the text was: it may be a private key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// Not base58.
    #[error(transparent)]
    Base58(#[from] Base58Error),
    /// A private key that is neither a seed nor a seed and its public key.
    #[error("SigningKey takes 32-byte seed or 64-byte string")]
    PrivateLength,
    /// A private key's second half is not the public key of its first.
    #[error("the public half of a private key does not belong to its seed")]
    PublicHalf,
    /// A public key that is not 32 bytes.
    #[error("a public key is 32 bytes in base58")]
    PublicLength,
    /// A signature that is not 64 bytes.
    #[error("a signature is 64 bytes in base58")]
    SignatureLength,
}

impl KeyError {
    /// The exception class with which BigchainDB 0.6.0 meets such a text.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Base58(_) | Self::PrivateLength | Self::PublicHalf => "ValueError",
            Self::PublicLength | Self::SignatureLength => "AssertionError",
        }
    }
}

/// A pair of keys; its private half is only shown by [`Keypair::private`].
#[derive(Clone)]
pub struct Keypair {
    signing: SigningKey,
    public: NodeKey,
    known_to: Option<Arc<Memo>>,
}

impl Keypair {
    /// Of a private key as configuration files spell it: base58 of the 32-byte seed, or of the seed
    /// and its public key.
    ///
    /// # Errors
    /// It is no base58, or has another length, or its halves do not belong together.
    pub fn from_private(base58: &str) -> Result<Self, KeyError> {
        if let Some(seed) = from_base58_exact::<32>(base58)? {
            return Ok(Self::from_seed(seed));
        }
        let Some(both) = from_base58_exact::<64>(base58)? else {
            return Err(KeyError::PrivateLength);
        };
        let signing = SigningKey::from_keypair_bytes(&both).map_err(|_| KeyError::PublicHalf)?;
        Ok(Self::from_seed(signing.to_bytes()))
    }

    /// Of a seed: 32 bytes of chance.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(&seed);
        let public = NodeKey::from(to_base58(signing.verifying_key().as_bytes()));
        Self { signing, public, known_to: None }
    }

    /// The public key: base58 of 32 bytes.
    pub fn public(&self) -> &NodeKey {
        &self.public
    }

    /// The public key's bytes.
    pub fn public_bytes(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// The private key: base58 of the seed.
    pub fn private(&self) -> String {
        to_base58(self.signing.as_bytes())
    }

    /// The same keys; whatever they sign, this memory knows to be well signed.
    #[must_use]
    pub fn known_to(self, memo: Arc<Memo>) -> Self {
        Self { known_to: Some(memo), ..self }
    }

    /// Signs; the same message always gets the same signature (RFC 8032).
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature = self.signing.sign(message).to_bytes();
        if let Some(memo) = &self.known_to {
            memo.note_signed(&self.public_bytes(), message, &signature);
        }
        signature
    }
}

impl fmt::Debug for Keypair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keypair({})", self.public)
    }
}

/// The bytes of a public key.
///
/// # Errors
/// It is no base58 or not 32 bytes. Whether they are a point of the curve is not asked.
pub fn public_key_bytes(base58: &str) -> Result<[u8; 32], KeyError> {
    from_base58_exact(base58)?.ok_or(KeyError::PublicLength)
}

/// The bytes of a signature.
///
/// # Errors
/// It is no base58 or not 64 bytes.
pub fn signature_bytes(base58: &str) -> Result<[u8; 64], KeyError> {
    from_base58_exact(base58)?.ok_or(KeyError::SignatureLength)
}

/// How much of a signature's form is checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Strictness {
    /// S below the group's order, key and R of large order: nobody can change a signature into
    /// another, or make one that fits several messages. Profile `default`.
    Strict,
    /// As the original verified (SUPERCOP's `ref`): S is reduced, a key of small order or with a
    /// spelling beyond the field's prime is welcome. Profile `v0.6.0`.
    Original,
}

/// Whether a signature on a message is this key's.
pub fn verify(
    public: &[u8; 32],
    message: &[u8],
    signature: &[u8; 64],
    strictness: Strictness,
) -> bool {
    let strict = strictness == Strictness::Strict;
    let (r, s) = signature.split_at(32);
    let (Ok(r), Ok(s)) = (<[u8; 32]>::try_from(r), <[u8; 32]>::try_from(s)) else { return false };
    let s = if strict {
        let Some(s) = Option::from(Scalar::from_canonical_bytes(s)) else { return false };
        s
    } else {
        Scalar::from_bytes_mod_order(s)
    };
    let Some(key) = CompressedEdwardsY(*public).decompress() else { return false };
    if strict && key.is_small_order() {
        return false;
    }
    let challenge = Sha512::new().chain_update(r).chain_update(public).chain_update(message);
    let challenge = Scalar::from_bytes_mod_order_wide(&challenge.finalize().into());
    let expected = EdwardsPoint::vartime_double_scalar_mul_basepoint(&challenge, &-key, &s);
    expected.compress().as_bytes() == &r && !(strict && expected.is_small_order())
}
