//! The server's side: what it knows of its users, two messages to answer.

use std::collections::BTreeMap;

use base64::Engine as _;
use hmac::Mac;
use subtle::ConstantTimeEq;

use super::{
    BASE64, Key, NONCE_BYTES, SALT_BYTES, SaltedPassword, attributes, auth_message, hmac, prepared,
    stored_key, xor,
};

/// How often RethinkDB hashes a password that was set.
pub const ITERATIONS: u32 = 4096;

/// Why a client is not let in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScramFailure {
    /// The message is not what RFC 5802 says.
    #[error("Invalid encoding")]
    InvalidEncoding,
    /// The message holds an extension that has to be understood.
    #[error("Extensions not supported")]
    Extensions,
    /// The proof is not this password's.
    #[error("Wrong password")]
    WrongPassword,
    /// The client wants the exchange bound to the channel it runs over.
    #[error("Channel binding is not supported")]
    ChannelBinding,
    /// Nobody has this name.
    #[error("Unknown user")]
    UnknownUser,
    /// The name is spelled wrongly.
    #[error("Invalid username encoding")]
    InvalidUsername,
    /// There is no name.
    #[error("Empty username")]
    EmptyUsername,
    /// The proof belongs to another exchange.
    #[error("Other error")]
    Other,
}

impl ScramFailure {
    /// RethinkDB's number for it.
    pub fn code(self) -> u32 {
        match self {
            ScramFailure::InvalidEncoding => 10,
            ScramFailure::Extensions => 11,
            ScramFailure::WrongPassword => 12,
            ScramFailure::ChannelBinding => 15,
            ScramFailure::UnknownUser => 17,
            ScramFailure::InvalidUsername | ScramFailure::EmptyUsername => 18,
            ScramFailure::Other => 20,
        }
    }
}

/// What a server keeps of a password: enough to check a proof, not enough to make one.
#[derive(Clone)]
pub struct Credentials {
    salt: [u8; SALT_BYTES],
    iterations: u32,
    /// RFC 5802 has clients bring a password into one spelling before they hash it, but the official
    /// drivers do not; so where the two differ there are the keys of both.
    spellings: Vec<Keys>,
}

#[derive(Clone)]
struct Keys {
    stored: Key,
    server: Key,
}

impl Credentials {
    /// Of a password, with random bytes that were never used before. As in RethinkDB, an empty password
    /// is hashed once, any other [`ITERATIONS`] times.
    pub fn new(password: &str, salt: [u8; SALT_BYTES]) -> Credentials {
        Credentials::hashed(password, salt, if password.is_empty() { 1 } else { ITERATIONS })
    }

    fn hashed(password: &str, salt: [u8; SALT_BYTES], iterations: u32) -> Credentials {
        let prepared = prepared(password);
        let mut spellings = vec![Keys::derive(&prepared, &salt, iterations)];
        if prepared != password {
            spellings.push(Keys::derive(password, &salt, iterations));
        }
        Credentials { salt, iterations, spellings }
    }

    /// Whether this is the password, for clients that send it as it is.
    pub fn matches(&self, password: &str) -> bool {
        let stored = Keys::derive(password, &self.salt, self.iterations).stored;
        self.spellings.iter().any(|keys| keys.stored.ct_eq(&stored).into())
    }

    /// The keys with which a proof was made.
    fn check(&self, proof: &Key, auth_message: &str) -> Result<&Keys, ScramFailure> {
        self.spellings
            .iter()
            .find(|keys| {
                let signature = hmac(&keys.stored, auth_message.as_bytes()).finalize().into_bytes();
                let client_key = xor(proof, &signature.into());
                stored_key(&client_key).ct_eq(&keys.stored).into()
            })
            .ok_or(ScramFailure::WrongPassword)
    }
}

impl Keys {
    fn derive(password: &str, salt: &[u8], iterations: u32) -> Keys {
        let salted = SaltedPassword::derive(password, salt, iterations);
        Keys { stored: stored_key(&salted.client_key()), server: salted.server_key() }
    }
}

/// The users of a server.
#[derive(Clone, Default)]
pub struct Accounts(BTreeMap<String, Credentials>);

impl Accounts {
    /// The user that every server has.
    pub const ADMIN: &str = "admin";

    /// Adds a user, or gives one another password.
    pub fn set(&mut self, user: &str, credentials: Credentials) {
        self.0.insert(prepared(user).into_owned(), credentials);
    }

    /// What is known of a user.
    pub fn get(&self, user: &str) -> Option<&Credentials> {
        self.0.get(&*prepared(user))
    }
}

/// A server that has answered a client's first message.
pub struct ScramServer {
    user: String,
    /// None if nobody has this name. The client only hears so at the end.
    credentials: Option<Credentials>,
    nonce: String,
    client_first_bare: String,
    server_first: String,
}

impl ScramServer {
    /// Takes a client's first message, and gives the answer to send. Both kinds of random bytes must
    /// never have been used before; the salt is only shown to a user that does not exist.
    ///
    /// # Errors
    /// If the message is malformed or wants what is not supported.
    pub fn start(
        accounts: &Accounts,
        client_first: &str,
        nonce: [u8; NONCE_BYTES],
        stranger_salt: [u8; SALT_BYTES],
    ) -> Result<(ScramServer, String), ScramFailure> {
        ScramServer::with_nonce(accounts, client_first, &BASE64.encode(nonce), stranger_salt)
    }

    fn with_nonce(
        accounts: &Accounts,
        client_first: &str,
        nonce: &str,
        stranger_salt: [u8; SALT_BYTES],
    ) -> Result<(ScramServer, String), ScramFailure> {
        let rest = client_first.strip_prefix("n,").ok_or(ScramFailure::ChannelBinding)?;
        let (_authorization, bare) = rest.split_once(',').ok_or(ScramFailure::InvalidEncoding)?;
        let mut user = None;
        let mut client_nonce = None;
        for (name, value) in attributes(bare).ok_or(ScramFailure::InvalidEncoding)? {
            match name {
                b'n' => user = Some(user_name(value)?),
                b'r' => client_nonce = Some(value),
                b'm' => return Err(ScramFailure::Extensions),
                _ => return Err(ScramFailure::InvalidEncoding),
            }
        }
        let (Some(user), Some(client_nonce)) = (user, client_nonce) else {
            return Err(ScramFailure::InvalidEncoding);
        };

        let credentials = accounts.get(&user).cloned();
        let (salt, iterations) = match &credentials {
            Some(known) => (known.salt, known.iterations),
            None => (stranger_salt, ITERATIONS),
        };
        let nonce = format!("{client_nonce}{nonce}");
        let server_first = format!("r={nonce},s={},i={iterations}", BASE64.encode(salt));
        let server = ScramServer {
            user,
            credentials,
            nonce,
            client_first_bare: bare.to_owned(),
            server_first: server_first.clone(),
        };
        Ok((server, server_first))
    }

    /// Takes the client's second message, the proof, and gives the user's name and the server's own
    /// proof to send.
    ///
    /// # Errors
    /// If the proof is wrong, malformed, or nobody has this name.
    pub fn finish(&self, client_final: &str) -> Result<(String, String), ScramFailure> {
        let credentials = self.credentials.as_ref().ok_or(ScramFailure::UnknownUser)?;
        let bare = client_final.split_once(",p=").map_or(client_final, |(bare, _)| bare);
        let auth_message = auth_message(&self.client_first_bare, &self.server_first, bare);
        let mut nonce = None;
        let mut bound = None;
        let mut proven = None;
        for (name, value) in attributes(client_final).ok_or(ScramFailure::InvalidEncoding)? {
            match name {
                b'c' if value == "biws" => bound = Some(()),
                b'p' => {
                    let proof = BASE64.decode(value).map_err(|_| ScramFailure::WrongPassword)?;
                    let proof = proof.try_into().map_err(|_| ScramFailure::WrongPassword)?;
                    proven = Some(credentials.check(&proof, &auth_message)?);
                }
                b'r' if value == self.nonce => nonce = Some(()),
                b'r' => return Err(ScramFailure::Other),
                b'm' => return Err(ScramFailure::Extensions),
                _ => return Err(ScramFailure::InvalidEncoding),
            }
        }
        let (Some(()), Some(()), Some(keys)) = (bound, nonce, proven) else {
            return Err(ScramFailure::InvalidEncoding);
        };
        let signature = hmac(&keys.server, auth_message.as_bytes()).finalize().into_bytes();
        Ok((self.user.clone(), format!("v={}", BASE64.encode(signature))))
    }
}

/// A user's name as it is spelled in a message: `=2C` is a comma, `=3D` an equals sign.
fn user_name(spelled: &str) -> Result<String, ScramFailure> {
    let mut pieces = spelled.split('=');
    let mut name = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (letter, rest) = if let Some(rest) = piece.strip_prefix("2C") {
            (',', rest)
        } else if let Some(rest) = piece.strip_prefix("3D") {
            ('=', rest)
        } else {
            return Err(ScramFailure::InvalidUsername);
        };
        name.push(letter);
        name.push_str(rest);
    }
    if name.is_empty() { Err(ScramFailure::EmptyUsername) } else { Ok(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::scram::client::ScramClient;

    const SALT: [u8; SALT_BYTES] = [7; SALT_BYTES];

    fn accounts(users: &[(&str, &str)]) -> Accounts {
        let mut accounts = Accounts::default();
        for (user, password) in users {
            accounts.set(user, Credentials::new(password, SALT));
        }
        accounts
    }

    #[test]
    fn the_exchange_of_rfc_7677() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap().try_into().unwrap();
        let mut accounts = Accounts::default();
        accounts.set("user", Credentials::hashed("pencil", salt, 4096));
        let (server, answer) = ScramServer::with_nonce(
            &accounts,
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
            SALT,
        )
        .unwrap();
        assert_eq!(
            answer,
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let proof = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(
            server.finish(proof),
            Ok(("user".to_owned(), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_owned()))
        );
    }

    /// Both sides against each other: who is let in.
    #[test]
    fn client_and_server() {
        let accounts = accounts(&[("admin", ""), ("a=b,c", "se,cr=et"), ("ann", "I\u{ad}X Ⅸ")]);
        for (user, password, expected) in [
            ("admin", "", Ok(())),
            ("admin", "x", Err(ScramFailure::WrongPassword)),
            ("a=b,c", "se,cr=et", Ok(())),
            ("a=b,c", "", Err(ScramFailure::WrongPassword)),
            ("ann", "IX IX", Ok(())), // the same after SASLprep
            ("ann", "I\u{ad}X Ⅸ", Ok(())),
            ("ann", "IX Ⅸx", Err(ScramFailure::WrongPassword)),
            ("bob", "", Err(ScramFailure::UnknownUser)),
        ] {
            let client = ScramClient::new(user, password, [1; NONCE_BYTES]);
            let first = client.first_message();
            let (server, answer) = ScramServer::start(&accounts, &first, [2; 18], SALT).unwrap();
            let (message, proof) = client.prove(&answer).unwrap();
            let result = server.finish(&message).map(|(name, signature)| {
                assert_eq!(name, user);
                proof.verify(&signature).unwrap();
            });
            assert_eq!(result, expected, "{user} {password}");
        }
    }

    /// A client that hashes its password as it was typed, as the official drivers do.
    #[test]
    fn a_password_as_it_was_typed() {
        let typed = "I\u{ad}X";
        let accounts = accounts(&[("ann", typed)]);
        let (server, _) = ScramServer::with_nonce(&accounts, "n,,n=ann,r=x", "y", SALT).unwrap();
        let salted = SaltedPassword::derive(typed, &SALT, ITERATIONS);
        let text = auth_message("n=ann,r=x", &server.server_first, "c=biws,r=xy");
        let stored = stored_key(&salted.client_key());
        let signature = hmac(&stored, text.as_bytes()).finalize().into_bytes().into();
        let proof = BASE64.encode(xor(&salted.client_key(), &signature));
        assert!(server.finish(&format!("c=biws,r=xy,p={proof}")).is_ok());
        assert!(accounts.get("ann").unwrap().matches(typed));
        assert!(accounts.get("ann").unwrap().matches("IX"));
        assert!(!accounts.get("ann").unwrap().matches("IY"));
    }

    #[test]
    fn a_user_that_does_not_exist_looks_like_one() {
        let (_, answer) =
            ScramServer::with_nonce(&accounts(&[]), "n,,n=bob,r=x", "y", SALT).unwrap();
        assert_eq!(answer, format!("r=xy,s={},i=4096", BASE64.encode(SALT)));
    }

    #[test]
    fn messages_that_are_refused() {
        use ScramFailure::{
            ChannelBinding, EmptyUsername, Extensions, InvalidEncoding, InvalidUsername, Other,
            WrongPassword,
        };
        let accounts = accounts(&[("admin", "")]);
        let start = |first| ScramServer::with_nonce(&accounts, first, "y", SALT);
        for (first, failure) in [
            ("", ChannelBinding),
            ("y,,n=admin,r=x", ChannelBinding),
            ("p=tls-unique,,n=admin,r=x", ChannelBinding),
            ("n,n=admin", InvalidEncoding),
            ("n,,", InvalidEncoding),
            ("n,,n=admin", InvalidEncoding),
            ("n,,r=x", InvalidEncoding),
            ("n,,n=admin,r=x,", InvalidEncoding),
            ("n,,n=admin,n=admin,r=x", InvalidEncoding),
            ("n,,n=admin,r=x,z=1", InvalidEncoding),
            ("n,,name=admin,r=x", InvalidEncoding),
            ("n,,nadmin,r=x", InvalidEncoding),
            ("n,,m=1,n=admin,r=x", Extensions),
            ("n,,n=,r=x", EmptyUsername),
            ("n,,n=a=,r=x", InvalidUsername),
            ("n,,n=a=2,r=x", InvalidUsername),
            ("n,,n=a=2c,r=x", InvalidUsername),
            ("n,,n=a=41,r=x", InvalidUsername),
        ] {
            assert_eq!(start(first).map(|_| ()), Err(failure), "{first}");
        }
        let proof = BASE64.encode([1; 32]);
        for (message, failure) in [
            ("", InvalidEncoding),
            ("c=biws,r=xy", InvalidEncoding),
            ("c=biwx,r=xy", InvalidEncoding),
            ("c=biws,r=xz", Other),
            ("c=biws,m=1,r=xy", Extensions),
            ("c=biws,r=xy,p=", WrongPassword),
            ("c=biws,r=xy,p=*", WrongPassword),
            (&format!("c=biws,r=xy,p={proof}"), WrongPassword),
            (&format!("c=biws,r=xz,p={proof}"), WrongPassword), // the proof is looked at first
            (&format!("c=biws,r=xy,a=1,p={proof}"), InvalidEncoding),
        ] {
            let (server, _) = start("n,,n=admin,r=x").unwrap();
            assert_eq!(server.finish(message), Err(failure), "{message}");
        }
    }
}
