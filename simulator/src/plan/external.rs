//! A member of the federation that is no node of ours: any program that speaks the same tables.
//!
//! Here: what a plan says of it, and which words of its commands the harness fills in. Not here: how a
//! file says it (`scenario::external`), who starts it (`backends::apart`), what it is held to
//! (`checkers`, by its profile).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::FaultKind;

/// A member that is no node of ours.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct External {
    /// The rules by which it is judged: `v0.6.0`, …
    pub profile: String,
    /// Its public key, in base58, if it has a keypair of its own; else it is given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What its config file calls its rules.
    pub consensus_plugin: String,
    /// Where its API is, if somebody else starts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<SocketAddr>,
    /// Else how it is started: a program and its arguments, which stays in the foreground.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<String>,
    /// How it is told to stop; if by no command, by a signal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

/// The words that commands may have in braces, and what each stands for.
pub const PLACEHOLDERS: [(&str, &str); 11] = [
    ("bigchaindb", "the program of our own nodes"),
    ("config", "its config file"),
    ("name", "its name"),
    ("host", "the address its API has to listen on"),
    ("port", "and the port"),
    ("database_host", "the address of its server of the store"),
    ("database_port", "and the port"),
    ("database_name", "the name of the database"),
    ("public_key", "its public key"),
    ("keyring", "the public keys of all others, with colons between them"),
    ("data", "a folder of its own"),
];

impl External {
    /// Whether the harness starts it, so that faults can reach it.
    pub fn is_started(&self) -> bool {
        self.address.is_none()
    }

    /// Whether a fault can meet it: nobody reaches into a foreign program, to its clock, to a point of its
    /// work or into its memory.
    pub fn can_be_met_by(&self, kind: FaultKind) -> bool {
        let inside = matches!(
            kind,
            FaultKind::Crash
                | FaultKind::ClockSkew
                | FaultKind::ClockDrift
                | FaultKind::ClockJump
                | FaultKind::ClockStop
                | FaultKind::OutOfMemory
        );
        self.is_started() && !inside
    }
}

/// A word of a command with its placeholders filled in.
pub fn filled(word: &str, values: &BTreeMap<&str, String>) -> String {
    let mut filled = word.to_owned();
    for (name, _) in PLACEHOLDERS {
        if let Some(value) = values.get(name) {
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
    }
    filled
}

/// The rules by which a federation as a whole is judged, if these are its members': those they have in
/// common, or else those of members that live with others.
pub(super) fn common_rules<'a>(mut members: impl Iterator<Item = &'a str>) -> &'a str {
    let first = members.next().unwrap_or("default");
    if members.all(|other| other == first) { first } else { "mixed" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_filled_in_wherever_they_stand() {
        let values =
            BTreeMap::from([("host", "127.0.0.1".to_owned()), ("port", "9984".to_owned())]);
        assert_eq!(filled("--bind={host}:{port}", &values), "--bind=127.0.0.1:9984");
        assert_eq!(filled("{config}", &values), "{config}");
    }

    #[test]
    fn a_federation_is_judged_by_what_its_members_have_in_common() {
        for (members, rules) in [
            (&[][..], "default"),
            (&["v0.6.0", "v0.6.0"], "v0.6.0"),
            (&["mixed", "v0.6.0"], "mixed"),
            (&["v0.6.0", "mixed", "v0.6.0"], "mixed"),
        ] {
            assert_eq!(common_rules(members.iter().copied()), rules, "{members:?}");
        }
    }
}
