//! Signatures of nodes: what seals a block or a vote.
//!
//! A node signs the canonical text of the inner object, and writes the signature in base58 next to
//! it. Not here: how users sign ([`Transaction::sign`](super::Transaction::sign)).

use super::key::{public_key_bytes, signature_bytes};
use super::{Json, Keypair, NodeKey, NotAscii, Profile, Raised, SignatureCheck, to_base58};

/// This node's signature on a text.
///
/// # Errors
/// Under `v0.6.0`, if the text is not ASCII.
pub(super) fn seal(text: &str, node: &Keypair, profile: Profile) -> Result<Json, NotAscii> {
    Ok(to_base58(&node.sign(profile.signed_bytes(text)?)).into())
}

/// Whether this is the node's signature on a text.
///
/// # Errors
/// If key or signature are not even the text of one, or, under `v0.6.0`, the text is not ASCII.
pub(super) fn is_sealed(
    text: &str,
    signature: Option<&Json>,
    node: &NodeKey,
    profile: Profile,
    signatures: &dyn SignatureCheck,
) -> Result<bool, Raised> {
    let signature = signature.ok_or_else(|| Raised::new("KeyError", "'signature'"))?;
    let public = public_key_bytes(node.as_str())?;
    let message = profile.signed_bytes(text)?;
    let signature =
        signature.as_str().ok_or_else(|| Raised::new("TypeError", "no signature's text"))?;
    let signature = signature_bytes(signature)?;
    Ok(signatures.verify(&public, message, &signature, profile.strictness()))
}
