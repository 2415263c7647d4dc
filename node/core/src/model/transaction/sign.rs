//! Signing a transaction, as its clients and nodes do.
//!
//! What has to be signed is read from `details` of the condition that guards the input. Under
//! `default` its structure is kept: every key signs wherever it is asked for, and what cannot be
//! fulfilled is left out. The original took a threshold apart and put the signatures of
//! `owners_before` side by side, so it could sign n of n and little else.

use std::sync::Arc;

use super::super::cryptoconditions::{Condition, Ed25519, Fulfillment, Part, Subject, Threshold};
use super::super::raised::{element, item};
use super::super::{Json, Keypair, Profile, Raised, TxId};
use super::draft::signature_of;
use super::{Texts, Transaction};

/// Why a transaction cannot be signed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignError {
    /// The private key of an owner is not there.
    #[error("Public key {0} is not a pair to any of the private keys")]
    NoPrivateKey(String),
    /// An owner has no place in the condition.
    #[error("Public key {0} cannot be found in the fulfillment")]
    NotAsked(String),
    /// With these keys the condition is not fulfilled. Profile `default`.
    #[error("these private keys do not fulfill the condition")]
    NotEnough,
    /// The document does not say what has to be signed, or it cannot be written.
    #[error(transparent)]
    Raised(#[from] Raised),
}

impl SignError {
    /// The class of exception that stands for it in BigchainDB 0.6.0.
    pub fn class(&self) -> &'static str {
        match self {
            Self::NoPrivateKey(_) | Self::NotAsked(_) | Self::NotEnough => {
                "KeypairMismatchException"
            }
            Self::Raised(raised) => raised.class,
        }
    }
}

impl From<SignError> for Raised {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Raised(raised) => raised,
            other => Self::new(other.class(), other.to_string()),
        }
    }
}

impl Transaction {
    /// The same, signed with these keys. `previous` finds the transactions whose outputs are spent.
    ///
    /// # Errors
    /// If a key is missing, an input's transaction is not found, or its condition has no `details`
    /// to sign by.
    pub fn sign(
        &self,
        keys: &[&Keypair],
        profile: Profile,
        previous: &dyn Fn(&TxId) -> Option<Arc<Transaction>>,
    ) -> Result<Self, SignError> {
        let texts = Texts::of(self)?;
        let mut document = self.document.clone();
        for (fid, fulfillment) in self.fulfillments().iter().enumerate() {
            let message = texts.message(fid)?;
            let owners = item(fulfillment, "owners_before")?;
            let guard = guard(fulfillment, owners, previous)?;
            let signed = match profile {
                Profile::Default => sign(guard, &message, owners, keys)?,
                Profile::Original => sign_original(guard, &message, owners, keys)?,
            };
            let uri = signed.uri().map_err(Raised::from)?;
            let body =
                document.get_mut("transaction").and_then(|body| body.get_mut("fulfillments"));
            if let Some(Json::Array(list)) = body
                && let Json::Object(fields) = &mut list[fid]
            {
                fields.insert("fulfillment", uri.into());
            }
        }
        Ok(Self { document, ..self.clone() })
    }
}

/// What has to be fulfilled: the input's condition, or the first owner's signature.
fn guard(
    fulfillment: &Json,
    owners: &Json,
    previous: &dyn Fn(&TxId) -> Option<Arc<Transaction>>,
) -> Result<Fulfillment, Raised> {
    let input = item(fulfillment, "input")?;
    if !input.is_truthy() {
        return signature_of(first(owners)?);
    }
    let txid = item(input, "txid")?.as_str().unwrap_or_default().into();
    let previous =
        previous(&txid).ok_or_else(|| Raised::new("TypeError", "there is no such transaction"))?;
    let conditions = previous.sorted_conditions()?;
    let condition = element(&conditions, item(input, "cid")?)?;
    let details = item(item(condition, "condition")?, "details")?;
    Ok(Fulfillment::from_dict(details)?)
}

fn first(owners: &Json) -> Result<&str, Raised> {
    let first = element(owners, &Json::Int(0))?;
    first.as_str().ok_or_else(|| Raised::new("TypeError", "a key has to be a string"))
}

/// Signs with every key wherever it is asked for, and leaves out what is not fulfilled then.
fn sign(
    mut guard: Fulfillment,
    message: &str,
    owners: &Json,
    keys: &[&Keypair],
) -> Result<Fulfillment, SignError> {
    for key in keys {
        guard.sign(message.as_bytes(), key);
    }
    shown(guard)?.map_err(|_| {
        let owners = owners.as_array().unwrap_or_default().iter().filter_map(Json::as_str);
        let is_missing = |owner: &&str| keys.iter().all(|key| key.public().as_str() != *owner);
        let missing = owners.filter(is_missing).map(str::to_owned).next();
        missing.map_or(SignError::NotEnough, SignError::NoPrivateKey)
    })
}

/// The fulfillment with only those parts shown that are complete; or its condition, if those do not
/// reach what is wanted.
fn shown(fulfillment: Fulfillment) -> Result<Result<Fulfillment, Condition>, Raised> {
    Ok(match fulfillment {
        Fulfillment::Ed25519(Ed25519 { signature: None, .. }) => Err(fulfillment.condition()?),
        Fulfillment::Threshold(threshold) => {
            let condition = Fulfillment::Threshold(threshold.clone()).condition()?;
            let wanted = threshold.threshold;
            let threshold = shown_parts(threshold)?;
            let weight = |part: &Part| match part.subject() {
                Subject::Fulfillment(_) => part.weight(),
                Subject::Condition(_) => 0,
            };
            let reached = threshold.parts.iter().map(weight).fold(0, u64::saturating_add);
            if reached >= wanted { Ok(Fulfillment::Threshold(threshold)) } else { Err(condition) }
        }
        other => Ok(other),
    })
}

fn shown_parts(threshold: Threshold) -> Result<Threshold, Raised> {
    let mut parts = Vec::with_capacity(threshold.parts.len());
    for part in threshold.parts {
        let weight = part.weight();
        let subject = match part.subject().clone() {
            Subject::Fulfillment(fulfillment) => match shown(fulfillment)? {
                Ok(fulfillment) => Subject::Fulfillment(fulfillment),
                Err(condition) => Subject::Condition(condition),
            },
            condition => condition,
        };
        parts.push(Part::new(weight, subject)?);
    }
    Ok(Threshold { parts, ..threshold })
}

/// Signs as the original did.
fn sign_original(
    guard: Fulfillment,
    message: &str,
    owners: &Json,
    keys: &[&Keypair],
) -> Result<Fulfillment, SignError> {
    let signed_by = |owner: &str| {
        let key = keys.iter().find(|key| key.public().as_str() == owner);
        let key = key.ok_or_else(|| SignError::NoPrivateKey(owner.into()))?;
        let message = Profile::Original.signed_bytes(message).map_err(Raised::from)?;
        let mut signature = Fulfillment::ed25519(key.public_bytes());
        signature.sign(message, key);
        Ok::<_, SignError>(signature)
    };
    match guard {
        // The key becomes that of the signer, whatever the condition says.
        Fulfillment::Ed25519(_) => signed_by(first(owners)?),
        Fulfillment::Threshold(threshold) => {
            let threshold = signed_parts(threshold, owners, signed_by)?;
            Ok(Fulfillment::Threshold(threshold))
        }
        Fulfillment::Inverted(threshold) => {
            Ok(Fulfillment::Inverted(signed_parts(threshold, owners, signed_by)?))
        }
        as_it_is => Ok(as_it_is),
    }
}

/// Only the owners' signatures are left, each with weight 1.
fn signed_parts(
    threshold: Threshold,
    owners: &Json,
    signed_by: impl Fn(&str) -> Result<Fulfillment, SignError>,
) -> Result<Threshold, SignError> {
    let wanted = threshold.threshold;
    let asked = Fulfillment::Threshold(threshold);
    let mut parts = Vec::new();
    for owner in super::super::raised::items(owners)? {
        let owner = owner.as_str().unwrap_or_default();
        let key = super::super::public_key_bytes(owner).ok();
        if key.and_then(|key| asked.find_key(&key)).is_none() {
            return Err(SignError::NotAsked(owner.into()));
        }
        parts.push(Part::from(signed_by(owner)?));
    }
    Ok(Threshold { threshold: wanted, parts })
}
