//! The client's side: two messages to send, one signature to check.

use std::fmt::Write as _;

use base64::Engine as _;
use hmac::Mac;

use super::{
    BASE64, Key, NONCE_BYTES, SaltedPassword, attributes, auth_message, hmac, prepared, stored_key,
    xor,
};

/// How often a server may have a password hashed: about a second's work, so that no server can keep
/// its clients busy for long. RethinkDB's own number is 4096.
pub const ITERATIONS_MAX: u32 = 2_000_000;

/// What can go wrong with a server's messages.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScramClientError {
    /// A message is not what RFC 5802 says.
    #[error("the server's authentication message makes no sense: `{0}`")]
    Malformed(String),
    /// The answer does not go on from the client's nonce: it belongs to another exchange.
    #[error("the server answered with a nonce that does not extend ours")]
    Nonce,
    /// More than [`ITERATIONS_MAX`].
    #[error(
        "the server asks for {0} iterations of the password's hash; at most {ITERATIONS_MAX} are done"
    )]
    Iterations(u32),
    /// The server does not know the password either.
    #[error("the server could not prove that it knows the password")]
    Signature,
}

/// A client that has sent nothing yet, or only its first message.
pub struct ScramClient {
    password: String,
    nonce: String,
    first_bare: String,
}

/// A client that has sent its proof and waits for the server's.
pub struct ScramProof {
    server_key: Key,
    auth_message: String,
}

impl ScramClient {
    /// A client with a name and a password, and random bytes that it never used before.
    pub fn new(user: &str, password: &str, nonce: [u8; NONCE_BYTES]) -> ScramClient {
        ScramClient::with_nonce(user, password, BASE64.encode(nonce))
    }

    fn with_nonce(user: &str, password: &str, nonce: String) -> ScramClient {
        let user = prepared(user).replace('=', "=3D").replace(',', "=2C");
        ScramClient {
            password: prepared(password).into_owned(),
            first_bare: format!("n={user},r={nonce}"),
            nonce,
        }
    }

    /// The first message: who is there.
    pub fn first_message(&self) -> String {
        format!("n,,{}", self.first_bare)
    }

    /// The second message, the proof, from the server's answer to the first.
    ///
    /// # Errors
    /// If the answer is malformed, belongs to another exchange, or asks for too much work.
    pub fn prove(self, server_first: &str) -> Result<(String, ScramProof), ScramClientError> {
        let malformed = || ScramClientError::Malformed(server_first.to_owned());
        let answer = attributes(server_first).ok_or_else(malformed)?;
        let of = |name: u8| answer.get(&name).copied().ok_or_else(malformed);
        if answer.contains_key(&b'm') {
            return Err(malformed()); // an extension that has to be understood
        }
        let nonce = of(b'r')?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(ScramClientError::Nonce);
        }
        let salt = BASE64.decode(of(b's')?).map_err(|_| malformed())?;
        let iterations: u32 = of(b'i')?.parse().map_err(|_| malformed())?;
        match iterations {
            0 => return Err(malformed()),
            1..=ITERATIONS_MAX => {}
            _ => return Err(ScramClientError::Iterations(iterations)),
        }

        let salted = SaltedPassword::derive(&self.password, &salt, iterations);
        let client_key = salted.client_key();
        let mut message = format!("c=biws,r={nonce}");
        let auth_message = auth_message(&self.first_bare, server_first, &message);
        let signature = hmac(&stored_key(&client_key), auth_message.as_bytes());
        let proof = xor(&client_key, &signature.finalize().into_bytes().into());
        write!(message, ",p={}", BASE64.encode(proof))
            .expect("a string takes whatever it is given");
        Ok((message, ScramProof { server_key: salted.server_key(), auth_message }))
    }
}

impl ScramProof {
    /// Checks the server's last message: only who knows the password can sign the exchange.
    ///
    /// # Errors
    /// If the message is malformed or the signature is another.
    pub fn verify(self, server_final: &str) -> Result<(), ScramClientError> {
        let malformed = || ScramClientError::Malformed(server_final.to_owned());
        let answer = attributes(server_final).ok_or_else(malformed)?;
        let signature = answer.get(&b'v').ok_or_else(malformed)?;
        let signature = BASE64.decode(signature).map_err(|_| malformed())?;
        hmac(&self.server_key, self.auth_message.as_bytes())
            .verify_slice(&signature)
            .map_err(|_| ScramClientError::Signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677, section 3.
    const SERVER_FIRST: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
        s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    fn client() -> ScramClient {
        ScramClient::with_nonce("user", "pencil", "rOprNGfwEbeRWgbNEkqO".to_owned())
    }

    #[test]
    fn the_exchange_of_rfc_7677() {
        assert_eq!(client().first_message(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let (message, proof) = client().prove(SERVER_FIRST).unwrap();
        assert_eq!(
            message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(proof.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
    }

    #[test]
    fn a_name_may_hold_what_separates_attributes() {
        let client = ScramClient::with_nonce("a=b,c", "", "x".to_owned());
        assert_eq!(client.first_message(), "n,,n=a=3Db=2Cc,r=x");
    }

    #[test]
    fn a_server_is_held_to_the_rules() {
        const N: &str = "rOprNGfwEbeRWgbNEkqO";
        for (answer, error) in [
            ("", None),
            ("e=other-error", None),
            (&format!("r={N}x,s=W22ZaJ0SNY7soEsUEjb6gQ=="), None),
            (&format!("r={N}x,s=W22Z*,i=1"), None),
            (&format!("r={N}x,s=W22Z,i=0"), None),
            (&format!("r={N}x,s=W22Z,i=-1"), None),
            (&format!("r={N}x,s=W22Z,i=99999999999"), None),
            (&format!("r={N}x,r={N}x,s=W22Z,i=1"), None),
            (&format!("m=must,r={N}x,s=W22Z,i=1"), None),
            (&format!("r={N}x,s=W22Z,i=2000001"), Some(ScramClientError::Iterations(2_000_001))),
            (&format!("r={N},s=W22Z,i=1"), Some(ScramClientError::Nonce)),
            (&format!("r=x{N},s=W22Z,i=1"), Some(ScramClientError::Nonce)),
        ] {
            let error = error.unwrap_or(ScramClientError::Malformed(answer.to_owned()));
            assert_eq!(client().prove(answer).map(|_| ()), Err(error), "{answer}");
        }
        for answer in ["v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G8=", "v=6rri", "v="] {
            let (_, proof) = client().prove(SERVER_FIRST).unwrap();
            assert_eq!(proof.verify(answer), Err(ScramClientError::Signature), "{answer}");
        }
        let (_, proof) = client().prove(SERVER_FIRST).unwrap();
        assert!(matches!(proof.verify("w=6rri"), Err(ScramClientError::Malformed(_))));
    }
}
