//! A node's configuration: environment over file over defaults, as BigchainDB 0.6 reads it.
//!
//! Here: the whole configuration as a document ([`Settings`], what `show-config` prints and
//! `configure` writes) and as a node needs it ([`NodeConfig`]). Where the parts come from is in
//! `sources`, what each may be in `schema`, what is read of the section `server` in `server`, where
//! metrics go in `statsd`. Not here: what a node does with it.
//!
//! Source: BigchainDB 0.6 docs, "Configuration Settings", "Configuring a BigchainDB Node".

mod schema;
mod server;
mod sources;
mod statsd;

use std::path::PathBuf;

use bigchaindb_core::model::{Json, Keypair, NodeKey};

pub use server::Server;
pub use sources::{Environment, Loaded, default_path, from_environment, load};
pub use statsd::Statsd;

/// A node's whole configuration, settings that nobody here knows included.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings(Json);

/// What a node reads out of its configuration.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// Where the HTTP API listens, `host:port`.
    pub bind: String,
    /// How it is served.
    pub server: Server,
    /// The database.
    pub database: Database,
    /// The keys the node signs with, if it has any.
    pub keypair: Option<Keypair>,
    /// The other members' public keys.
    pub keyring: Vec<NodeKey>,
    /// The name of the rules.
    pub consensus_plugin: String,
    /// Where clients reach the API, for `load` and the root page.
    pub api_endpoint: String,
    /// Where metrics go, if anywhere.
    pub statsd: Option<Statsd>,
}

/// How to reach the database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Database {
    /// Host.
    pub host: String,
    /// Port of the drivers.
    pub port: u16,
    /// Name of the database.
    pub name: String,
    /// The user; `admin` if none is named, as everywhere in RethinkDB.
    pub user: String,
    /// The password; empty if none is given.
    pub password: String,
    /// A file with the certificates to trust (PEM); with it, the connection is encrypted.
    pub tls: Option<PathBuf>,
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is there but cannot be read.
    #[error("cannot read the config file `{}`: {error}", path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// The file holds no JSON object.
    #[error("Failed to parse the JSON configuration from `{}`, {reason}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A setting's value is none for it.
    #[error("{place}: `{found}` is {expected}")]
    Value {
        /// The environment variable, or the file and the setting's path in it.
        place: String,
        /// What stands there.
        found: String,
        /// What it should be, after "is": "no whole number".
        expected: &'static str,
    },
}

impl Settings {
    /// The defaults of BigchainDB 0.6.0.
    pub fn defaults() -> Self {
        Self(schema::defaults())
    }

    /// The document.
    pub fn document(&self) -> &Json {
        &self.0
    }

    /// The document with the private key masked, as it may be shown.
    pub fn masked(&self) -> Json {
        let mut shown = self.0.clone();
        if let Some(private) = shown.get_mut("keypair").and_then(|pair| pair.get_mut("private"))
            && !private.is_null()
        {
            *private = Json::from(MASK);
        }
        shown
    }

    /// Sets a setting, from whatever can be turned into what it has to be.
    ///
    /// # Errors
    /// [`ConfigError::Value`] if the value cannot; nothing is changed.
    pub fn set(&mut self, path: &[&str], setting: Json) -> Result<(), ConfigError> {
        let found = setting.as_str().map_or_else(|| setting.to_string(), str::to_owned);
        let coerced = schema::coerce(schema::kind(path), setting);
        let coerced = coerced.map_err(|expected| value(path, &found, expected))?;
        schema::set(&mut self.0, path, coerced);
        Ok(())
    }

    /// A setting as a person reads it; empty if there is none.
    pub fn shown(&self, path: &[&str]) -> String {
        match self.at(path) {
            None | Some(Json::Null) => String::new(),
            Some(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        }
    }

    /// What a node reads out of it.
    ///
    /// # Errors
    /// [`ConfigError::Value`] where a setting is none that a node can work with.
    pub fn node(&self) -> Result<NodeConfig, ConfigError> {
        let keyring = self.at(&["keyring"]).and_then(Json::as_array).unwrap_or_default();
        let keyring = keyring.iter().map(|key| {
            let key = key.as_str().unwrap_or_default();
            let good = bigchaindb_core::model::public_key_bytes(key).is_ok();
            if good { Ok(key.into()) } else { Err(value(&["keyring"], key, "no public key")) }
        });
        Ok(NodeConfig {
            bind: self.text(&["server", "bind"]),
            server: self.server()?,
            database: self.database()?,
            keypair: self.keypair()?,
            keyring: keyring.collect::<Result<_, _>>()?,
            consensus_plugin: self.text(&["consensus_plugin"]),
            api_endpoint: self.text(&["api_endpoint"]),
            statsd: Statsd::read(self)?,
        })
    }

    /// How to reach the database.
    ///
    /// # Errors
    /// As [`node`](Self::node).
    pub fn database(&self) -> Result<Database, ConfigError> {
        let port = self.port(&["database", "port"], schema::DRIVER_PORT)?;
        let or = |found: String, default: &str| {
            if found.is_empty() { default.to_owned() } else { found }
        };
        let tls = self.text(&["database", "tls"]);
        Ok(Database {
            host: or(self.text(&["database", "host"]), "localhost"),
            port,
            name: or(self.text(&["database", "name"]), "bigchain"),
            user: or(self.text(&["database", "user"]), "admin"),
            password: self.text(&["database", "password"]),
            tls: (!tls.is_empty()).then(|| tls.into()),
        })
    }

    fn port(&self, path: &[&str], default: i64) -> Result<u16, ConfigError> {
        let port = self.at(path).and_then(Json::as_i64).unwrap_or(default);
        u16::try_from(port).map_err(|_| value(path, &port.to_string(), "no port (0 to 65535)"))
    }

    /// The keypair, if there is one; its two halves have to belong together.
    ///
    /// # Errors
    /// As [`node`](Self::node).
    pub fn keypair(&self) -> Result<Option<Keypair>, ConfigError> {
        let (private, public) =
            (self.text(&["keypair", "private"]), self.text(&["keypair", "public"]));
        if private.is_empty() {
            return Ok(None);
        }
        let path = ["keypair", "private"];
        // The key itself is nobody's business, not even in an error.
        let keypair = Keypair::from_private(&private)
            .map_err(|_| value(&path, MASK, "no private key (base58 of 32 bytes)"))?;
        if !public.is_empty() && public != keypair.public().as_str() {
            let path = ["keypair", "public"];
            return Err(value(&path, &public, "not the public key of `keypair.private`"));
        }
        Ok(Some(keypair))
    }

    fn at(&self, path: &[&str]) -> Option<&Json> {
        path.iter().try_fold(&self.0, |value, name| value.get(name))
    }

    /// A text; empty if there is none.
    fn text(&self, path: &[&str]) -> String {
        self.at(path).and_then(Json::as_str).unwrap_or_default().to_owned()
    }
}

/// What is shown instead of a private key: 45 of these, as the original did.
const MASK: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

fn value(path: &[&str], found: &str, expected: &'static str) -> ConfigError {
    ConfigError::Value { place: path.join("."), found: found.to_owned(), expected }
}
