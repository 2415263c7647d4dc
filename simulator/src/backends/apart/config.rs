//! A member's config file, in the original's format: whoever is a member can read it.
//!
//! Source: BigchainDB 0.6 docs, "Configuration Settings".

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use bigchaindb_core::model::{Json, Keypair, NodeKey, Object};

use crate::plan::Plan;

/// The name of the database.
pub(super) const DATABASE: &str = "bigchain";

/// What is in a member's config file.
#[derive(Clone)]
pub(super) struct Config {
    /// Where it is.
    pub(super) path: PathBuf,
    pub(super) address: SocketAddr,
    /// Its server of the store.
    pub(super) server: SocketAddr,
    pub(super) key: NodeKey,
    /// None, if it has a keypair of its own.
    keypair: Option<Keypair>,
    /// The keys of the others.
    pub(super) keyring: Vec<NodeKey>,
    plugin: String,
    /// Where its metrics go, under its name; else to nobody.
    statsd: Option<(SocketAddr, String)>,
    /// The original does not start without a host.
    needs_statsd: bool,
}

impl Config {
    /// The config of a member, which will be a file of this folder.
    pub(super) fn of(
        plan: &Plan,
        node: usize,
        folder: &Path,
        address: SocketAddr,
        server: SocketAddr,
    ) -> Self {
        let member = &plan.nodes[node];
        let external = member.external.as_ref();
        let own_key = external.is_some_and(|external| external.key.is_some());
        let keypair = (!own_key).then(|| Keypair::from_seed(plan.node_key_seed(node)));
        let others = (0..plan.nodes.len()).filter(|other| *other != node);
        Self {
            path: folder.join(format!("{}.json", member.name)),
            address,
            server,
            key: plan.node_key(node),
            keypair,
            keyring: others.map(|other| plan.node_key(other)).collect(),
            plugin: external.map_or(&plan.rules, |one| &one.consensus_plugin).clone(),
            statsd: None,
            needs_statsd: external.is_some(),
        }
    }

    /// Its metrics go there, all of them.
    pub(super) fn metered(self, statsd: Option<SocketAddr>, name: &str) -> Self {
        Self { statsd: statsd.map(|address| (address, name.to_owned())), ..self }
    }

    /// That of an operator who makes the database by a command line of ours, by these rules, with the key
    /// of a member.
    pub(super) fn of_operator(self, folder: &Path, rules: &str) -> Self {
        Self { path: folder.join("database.json"), plugin: rules.to_owned(), ..self }
    }

    /// Whether the private key is known.
    pub(super) fn can_sign(&self) -> bool {
        self.keypair.is_some()
    }

    /// Writes the file. It is there as a whole or not at all, and only its owner can read it: the private
    /// key is in it.
    pub(super) fn write(&self) -> io::Result<()> {
        let part = self.path.with_extension("part");
        let _ = fs::remove_file(&part);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
        writeln!(file, "{}", self.document())?;
        fs::rename(part, &self.path)
    }

    fn document(&self) -> Json {
        let Self { address, server, key, keypair, keyring, plugin, .. } = self;
        let statsd = match &self.statsd {
            Some((statsd, name)) => object([
                ("host", statsd.ip().to_string().into()),
                ("port", i64::from(statsd.port()).into()),
                ("rate", Json::Float(1.0)),
                ("name", name.as_str().into()),
            ]),
            None if self.needs_statsd => object([("host", "localhost".into())]),
            None => object([("host", "".into())]),
        };
        let private = keypair.as_ref().map_or(Json::Null, |keypair| keypair.private().into());
        let database = [
            ("host", server.ip().to_string().into()),
            ("port", i64::from(server.port()).into()),
            ("name", DATABASE.into()),
        ];
        object([
            ("server", object([("bind", address.to_string().into())])),
            ("database", object(database)),
            ("keypair", object([("public", key.as_str().into()), ("private", private)])),
            ("keyring", Json::Array(keyring.iter().map(|key| key.as_str().into()).collect())),
            ("api_endpoint", format!("http://{address}/api/v1").into()),
            ("consensus_plugin", plugin.as_str().into()),
            ("statsd", statsd),
        ])
    }
}

fn object<const N: usize>(fields: [(&'static str, Json); N]) -> Json {
    let mut object = Object::new();
    for (name, value) in fields {
        object.insert(name, value);
    }
    object.into()
}
