//! `keys.json`: keys, signatures, base58.

use bigchaindb_core::model::{
    Base58Error, Json, KeyError, Keypair, NotAscii, Profile, from_base58, public_key_bytes,
    signature_bytes, to_base58, verify,
};

use crate::outcome::{expected_error, to_hex};
use crate::{Case, Suite};

pub(crate) const SUITE: Suite = Suite {
    file: "keys.json",
    inputs: &[
        "private_key",
        "public_key",
        "message",
        "signature",
        "hex",
        "base58",
        "published_public_key",
    ],
    run,
};

fn run(case: Case<'_>, profile: Profile) -> Option<Json> {
    Some(match case.kind() {
        "keypair" => keypair(case),
        "bad_private_key" => match Keypair::from_private(case.text("private_key")) {
            Ok(_) => Json::object([("expected", true.into())]),
            Err(error) => key_error(error),
        },
        "bad_public_key" => match public_key_bytes(case.text("public_key")) {
            Ok(_) => Json::object([("expected", true.into())]),
            Err(error) => key_error(error),
        },
        "sign" => match profile.signed_bytes(case.text("message")) {
            Ok(message) => {
                let keypair = Keypair::from_private(case.text("private_key")).expect("a key");
                let signature = keypair.sign(message);
                Json::object([
                    ("signature", to_base58(&signature).into()),
                    ("signature_hex", to_hex(&signature).into()),
                ])
            }
            Err(error) => not_ascii(error),
        },
        "verify" => verify_text(case, profile),
        "base58" => {
            let bytes = from_base58(case.text("base58")).expect("base58");
            Json::object([
                ("hex", to_hex(&bytes).into()),
                ("base58", to_base58(&case.bytes("hex")).into()),
            ])
        }
        "base58_bad" => match from_base58(case.text("base58")) {
            Ok(bytes) => Json::object([("hex", to_hex(&bytes).into())]),
            Err(error @ (Base58Error::Character | Base58Error::TooLong)) => {
                expected_error("ValueError", Some(error.to_string()))
            }
        },
        _ => return None,
    })
}

fn keypair(case: Case<'_>) -> Json {
    let keypair = Keypair::from_private(case.text("private_key")).expect("a private key");
    let private = keypair.private();
    let mut fields = vec![
        ("private_key_canonical".into(), private.as_str().into()),
        ("public_hex".into(), to_hex(&keypair.public_bytes()).into()),
        ("public_key".into(), keypair.public().as_str().into()),
        ("seed_hex".into(), to_hex(&from_base58(&private).expect("base58")).into()),
    ];
    if let Some(published) = case.get("published_public_key").as_str() {
        let matches = published == keypair.public().as_str();
        fields.push(("published_matches".into(), matches.into()));
    }
    Json::Object(fields.into_iter().collect())
}

fn verify_text(case: Case<'_>, profile: Profile) -> Json {
    let public = public_key_bytes(case.text("public_key")).expect("a public key");
    let message = match profile.signed_bytes(case.text("message")) {
        Ok(message) => message,
        Err(error) => return not_ascii(error),
    };
    match signature_bytes(case.text("signature")) {
        Ok(signature) => {
            let good = verify(&public, message, &signature, profile.strictness());
            Json::object([("expected", good.into())])
        }
        Err(error) => key_error(error),
    }
}

fn key_error(error: KeyError) -> Json {
    // A failed assertion has no text.
    let text = (error.class() == "ValueError").then(|| error.to_string());
    expected_error(error.class(), text)
}

fn not_ascii(_: NotAscii) -> Json {
    expected_error("UnicodeEncodeError", None)
}
