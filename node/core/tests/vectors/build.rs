//! The vectors' little language for conditions and fulfillments.

use bigchaindb_core::model::cryptoconditions::{
    Condition, CryptoconditionError, Fulfillment, Part, Subject,
};
use bigchaindb_core::model::{Json, Keypair, Profile, public_key_bytes};

use crate::outcome::{from_hex, raised};

/// Builds what is described; signs `message` where it says so.
pub(crate) fn build(
    description: &Json,
    message: &str,
    profile: Profile,
) -> Result<Fulfillment, CryptoconditionError> {
    let text = |field| description.get(field).and_then(Json::as_str).expect("a text");
    let kind = text("type");
    match kind {
        "preimage" => Ok(Fulfillment::preimage(from_hex(text("preimage_hex")))),
        "timeout" => Fulfillment::timeout(text("expire_time")),
        "ed25519" if description.get("sign") == Some(&Json::Bool(true)) => {
            let keypair = Keypair::from_private(text("private_key"))?;
            let mut signed = Fulfillment::ed25519(keypair.public_bytes());
            signed.sign(profile.signed_bytes(message)?, &keypair);
            Ok(signed)
        }
        "ed25519" => Ok(Fulfillment::ed25519(public_key_bytes(text("public_key"))?)),
        "threshold" | "inverted" => {
            let threshold = number(description, "threshold");
            let parts = description.get("subs").and_then(Json::as_array).expect("subs");
            let parts: Result<Vec<_>, _> =
                parts.iter().map(|description| part(description, message, profile)).collect();
            Ok(if kind == "inverted" {
                Fulfillment::inverted(threshold, parts?)
            } else {
                Fulfillment::threshold(threshold, parts?)
            })
        }
        _ => panic!("no such type: {kind}"),
    }
}

fn part(description: &Json, message: &str, profile: Profile) -> Result<Part, CryptoconditionError> {
    let subject = if let Some(shown) = description.get("fulfillment") {
        Subject::Fulfillment(build(shown, message, profile)?)
    } else if let Some(left_out) = description.get("condition") {
        Subject::Condition(build(left_out, message, profile)?.condition()?)
    } else {
        let uri = description.get("condition_uri").and_then(Json::as_str).expect("a part");
        Subject::Condition(Condition::parse(uri, profile)?)
    };
    Part::new(number(description, "weight"), subject)
}

fn number(description: &Json, field: &str) -> u64 {
    let number = description.get(field).and_then(Json::as_i64).expect("a number");
    u64::try_from(number).expect("no negative number")
}

/// What the original raised.
pub(crate) fn error(error: &CryptoconditionError) -> Json {
    raised(error.class(), text(error))
}

/// What the original raised, and where.
pub(crate) fn error_at(at: &str, error: &CryptoconditionError) -> Json {
    let mut raised = self::error(error);
    if let Json::Object(fields) = &mut raised {
        fields.insert("at", at.into());
    }
    raised
}

/// A value, or what the original raised.
pub(crate) fn value<T: Into<Json>>(result: Result<T, CryptoconditionError>) -> Json {
    result.map_or_else(|e| error(&e), Into::into)
}

/// Python's own texts are not compared.
fn text(error: &CryptoconditionError) -> Option<String> {
    use CryptoconditionError as E;
    let is_pythons =
        matches!(error, E::NotUtf8 | E::NotAscii(_) | E::NoNumber(_) | E::EmptyHash | E::Key(_));
    (!is_pythons).then(|| error.to_string())
}
