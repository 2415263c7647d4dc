//! The settings: keys, keyring, who can reach the API, who can read the file.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use bigchaindb_core::model::{Json, public_key_bytes};

use super::Check;
use crate::config::Settings;

/// Addresses that mean every one that a machine has.
const EVERYWHERE: [&str; 4] = ["0.0.0.0", "[::]", "::", ""];

/// Looks at settings, and at the file they came from, if they did.
pub fn check_settings(settings: &Settings, file: Option<&Path>) -> Vec<Check> {
    let mut checks = vec![keypair(settings), keyring(settings), members(settings), bind(settings)];
    checks.extend(file.map(readers));
    checks
}

fn keypair(settings: &Settings) -> Check {
    let (name, path) = ("keypair", ["keypair", "public"]);
    // A keyring that is wrong is told of elsewhere.
    match settings.keypair() {
        Ok(Some(keypair)) => Check::ok(name, format!("this node is {}", keypair.public())),
        Ok(None) => {
            let found = match settings.shown(&path) {
                public if public.is_empty() => "there is none".to_owned(),
                public => format!("the private key of {public} is missing"),
            };
            Check::problem(name, found, "run `bigchaindb configure`")
        }
        Err(error) => {
            Check::problem(name, error.to_string(), "put in both keys of one pair, or neither")
        }
    }
}

/// The keyring's entries, as they stand there.
fn entries(settings: &Settings) -> Vec<&Json> {
    let keyring = settings.document().get("keyring").and_then(Json::as_array);
    keyring.unwrap_or_default().iter().collect()
}

fn keyring(settings: &Settings) -> Check {
    let (name, entries) = ("keyring", entries(settings));
    let own = own(settings);
    let mut known = BTreeSet::new();
    for entry in &entries {
        let key = entry.as_str().unwrap_or_default();
        if public_key_bytes(key).is_err() {
            return Check::problem(name, format!("{entry} is no public key"), "correct it");
        }
        if own.as_deref() == Some(key) {
            let advice = "take it out: the keyring holds the other members";
            return Check::problem(name, format!("it holds this node's own key, {key}"), advice);
        }
        if !known.insert(key) {
            return Check::problem(name, format!("it holds {key} twice"), "take one out");
        }
    }
    Check::ok(name, format!("{} other members", entries.len()))
}

fn own(settings: &Settings) -> Option<String> {
    match settings.keypair() {
        Ok(Some(keypair)) => Some(keypair.public().to_string()),
        _ => Some(settings.shown(&["keypair", "public"])).filter(|key| !key.is_empty()),
    }
}

fn members(settings: &Settings) -> Check {
    let keys = entries(settings).into_iter().filter_map(Json::as_str).map(str::to_owned);
    let members = keys.chain(own(settings)).collect::<BTreeSet<_>>().len();
    let (name, found) = ("members", format!("{members} with this node"));
    if members.is_multiple_of(2) {
        let advice =
            "a tie counts against a block: an odd number bears as many failures with one less";
        return Check::warning(name, found, advice);
    }
    Check::ok(name, found)
}

fn bind(settings: &Settings) -> Check {
    let (name, bind) = ("API address", settings.shown(&["server", "bind"]));
    let host = bind.rsplit_once(':').map_or(&*bind, |(host, _)| host);
    if EVERYWHERE.contains(&host) {
        let advice =
            "let only a firewall's or a proxy's clients reach it, or bind it to one address";
        return Check::warning(name, format!("`{bind}` is open to the world"), advice);
    }
    Check::ok(name, format!("`{bind}`"))
}

/// The private key is nobody else's business.
fn readers(file: &Path) -> Check {
    let (name, shown) = ("config file", file.display());
    let mode = match std::fs::metadata(file) {
        Ok(metadata) => metadata.permissions().mode() & 0o777,
        Err(error) => {
            let found = format!("`{shown}` cannot be asked: {error}");
            return Check::warning(name, found, "is it still there?");
        }
    };
    let advice = format!("it holds the private key: `chmod 600 {shown}`");
    let found = |who: &str| format!("`{shown}` can be read by {who} (mode {mode:o})");
    match mode {
        mode if mode & 0o004 != 0 => Check::problem(name, found("everybody"), advice),
        mode if mode & 0o040 != 0 => Check::warning(name, found("its group"), advice),
        _ => Check::ok(name, found("its owner only")),
    }
}
