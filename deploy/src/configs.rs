//! The nodes' configs: a keypair for each, the keyring of all the others, and where each is reached.
//!
//! A config holds its node's private key: it is here, mode 600, and on its node, and nowhere else. Config 10 is
//! for node 10: both are found by name, never by a place in a list.
//!
//! Source: BigchainDB 0.6 docs, "Configuration Settings", "Deploy a Testing Cluster on AWS".

use std::fs;
use std::path::Path;

use bigchaindb_core::model::{Keypair, NodeKey};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{DeployError, Result};
use crate::inventory::{Host, Inventory, Role};
use crate::run::{Run, write};

/// The port of a node's API.
pub const API_PORT: u16 = 9984;

/// The port of the database's drivers.
pub const DRIVER_PORT: u16 = 28015;

/// The port of StatsD.
const STATSD_PORT: u16 = 8125;

/// Writes a config for every node of the inventory. Keys that are in a config already stay.
///
/// # Errors
/// The file of fixed keypairs is none, or too short; or a config cannot be written.
pub fn write_all(run: &Run, inventory: &Inventory) -> Result<()> {
    let fixed = match &run.wish.federation.keypairs {
        Some(file) => Some(fixed(Path::new(file))?),
        None => None,
    };
    let mut nodes = Vec::new();
    for host in inventory.of(Role::Node) {
        nodes.push((host, keypair(run, host, fixed.as_deref())?));
    }
    for (host, keypair) in &nodes {
        let others = nodes.iter().filter(|(other, _)| other.name != host.name);
        let keyring: Vec<_> = others.map(|(_, keys)| keys.public().as_str()).collect();
        let monitor = inventory.of(Role::Monitor).next().map(|monitor| monitor.address_from(host));
        let config = config(host, keypair, &keyring, monitor);
        write(&path(run, host), format!("{config:#}\n").as_bytes())?;
    }
    Ok(())
}

/// The public key of a node, as its config has it.
///
/// # Errors
/// There is no such config, or no keypair in it.
pub fn public_key(run: &Run, host: &Host) -> Result<NodeKey> {
    let path = path(run, host);
    let text = fs::read(&path).map_err(DeployError::file(&path))?;
    let keypair = kept(&text).ok_or_else(|| no_keypair(&path))?;
    Ok(keypair.public().clone())
}

fn no_keypair(path: &Path) -> DeployError {
    let message = format!("{} is no config with a keypair", path.display());
    DeployError::wrong(message, "take it away, and `deploy up` gives the node new keys")
}

/// What a node is told; all else is as a node has it by default.
fn config(host: &Host, keypair: &Keypair, keyring: &[&str], monitor: Option<&str>) -> Value {
    let mut config = json!({
        "keypair": { "public": keypair.public().as_str(), "private": keypair.private() },
        "keyring": keyring,
        "database": { "host": "localhost", "port": DRIVER_PORT, "name": "bigchain" },
        "server": { "bind": format!("0.0.0.0:{API_PORT}") },
        "api_endpoint": format!("http://{}:{API_PORT}/api/v1", host.public),
    });
    if let Some(monitor) = monitor {
        config["statsd"] = json!({ "host": monitor, "port": STATSD_PORT, "name": host.name });
    }
    config
}

/// Where a node's config is.
fn path(run: &Run, host: &Host) -> std::path::PathBuf {
    run.configs().join(format!("{}.json", host.name))
}

/// The keys in a node's config, if it is there; or the fixed ones of its number; or new ones.
fn keypair(run: &Run, host: &Host, fixed: Option<&[Keypair]>) -> Result<Keypair> {
    let path = path(run, host);
    if path.is_file() {
        let text = fs::read(&path).map_err(DeployError::file(&path))?;
        return kept(&text).ok_or_else(|| no_keypair(&path));
    }
    match fixed {
        None => {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).expect("the operating system has random bytes");
            Ok(Keypair::from_seed(seed))
        }
        Some(keypairs) => keypairs.get(host.number as usize - 1).cloned().ok_or_else(|| {
            let message =
                format!("there are {} keypairs, and none for {}", keypairs.len(), host.name);
            DeployError::wrong(message, "one for each node: add some, or leave `keypairs` out")
        }),
    }
}

fn kept(text: &[u8]) -> Option<Keypair> {
    let config: Value = serde_json::from_slice(text).ok()?;
    Keypair::from_private(config["keypair"]["private"].as_str()?).ok()
}

/// A keypair as files of fixed ones have it; what is public follows from what is private.
#[derive(Deserialize)]
struct Fixed {
    private: String,
    public: Option<String>,
}

fn fixed(path: &Path) -> Result<Vec<Keypair>> {
    let text = fs::read(path).map_err(DeployError::file(path))?;
    let wrong = |what: String| {
        let hint = "a list of {\"private\": …, \"public\": …}, one for each node";
        DeployError::wrong(format!("{}: {what}", path.display()), hint)
    };
    // Serde's messages quote what they find: a private key may be among it.
    let pairs: Vec<Fixed> =
        serde_json::from_slice(&text).map_err(|_| wrong("no list of keypairs".to_owned()))?;
    let pairs = pairs.into_iter().enumerate().map(|(index, pair)| {
        let keypair = Keypair::from_private(&pair.private)
            .map_err(|error| wrong(format!("keypair {}: {error}", index + 1)))?;
        match pair.public {
            Some(public) if public != keypair.public().as_str() => {
                Err(wrong(format!("keypair {}: its halves do not belong together", index + 1)))
            }
            _ => Ok(keypair),
        }
    });
    pairs.collect()
}
