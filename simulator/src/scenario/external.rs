//! `[[federation.external]]`: members that are no nodes of ours.
//!
//! Here: the keys of an entry, and who can live with whom. Not here: what the plan makes of it
//! (`plan::external`), who starts it (`backends::apart`). Start at [`read`].

use std::net::SocketAddr;

use bigchaindb_core::model::public_key_bytes;

use super::{Federation, Scenario, ScenarioError};
use crate::faults::Whom;
use crate::plan::{External, FaultKind, PLACEHOLDERS};
use bigchaindb_strict::{Entry, Section, closest};

/// The rules' profiles that members have.
pub(super) const PROFILES: [&str; 3] = ["default", "mixed", "v0.6.0"];

/// The original, which names its rules as the documentation did, and has no others.
const ORIGINAL: (&str, &str) = ("v0.6.0", "default");

/// A longer name is none; files and lines of the report have it in them.
const NAME_MAX: usize = 32;

/// Words that mean something else where members are named, or files that are there already.
const TAKEN: [&str; 6] = ["one", "all", "minority", "both", "store", "database"];

/// A member that is no node of ours, by name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExternalEntry {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub external: External,
    /// The line that it begins on.
    pub line: Option<usize>,
}

impl ExternalEntry {
    /// What whoever runs it should know: that somebody has to start it.
    pub(super) fn note(&self) -> Option<String> {
        let address = self.external.address?;
        Some(format!(
            "`{}` is started by somebody else: once `data/{}.json` is in the run's folder, it has to \
             answer at {address}",
            self.name, self.name
        ))
    }
}

/// Takes the entries of a federation.
pub(super) fn read(section: &mut Section<'_>) -> Result<Vec<ExternalEntry>, ScenarioError> {
    let Some(entry) = section.take("external") else { return Ok(Vec::new()) };
    let mut members: Vec<ExternalEntry> = Vec::new();
    for mut section in entry.sections()? {
        section.rename("`[[federation.external]]`".to_owned());
        let name = section.require("name", "\"python1\"")?;
        if members.iter().any(|other| name.text().is_ok_and(|name| name == other.name)) {
            let message = format!("there are two members `{}`", name.text()?);
            return Err(name.error(message, "give each a name of its own"));
        }
        members.push(read_one(section, &name)?);
    }
    Ok(members)
}

fn read_one(mut section: Section<'_>, named: &Entry<'_>) -> Result<ExternalEntry, ScenarioError> {
    let name = read_name(named)?;
    let profile =
        section.take("profile").map_or(Ok(ORIGINAL.0), |entry| entry.one_of(&PROFILES))?;
    let usual_plugin = if profile == ORIGINAL.0 { ORIGINAL.1 } else { profile };
    let plugin = section.take("consensus_plugin").map_or(Ok(usual_plugin), |entry| entry.text())?;
    let key = section.take("key").map(|entry| read_key(&entry)).transpose()?;
    let address = section.take("address").map(|entry| read_address(&entry)).transpose()?;
    let start = section.take("start").map(|entry| read_command(&entry)).transpose()?;
    let stop = section.take("stop").map(|entry| read_command(&entry)).transpose()?;
    let line = section.line();
    section.finish()?;
    if address.is_some() && (start.is_some() || stop.is_some()) {
        let message = format!("`{name}` has an `address`, so somebody else starts and stops it");
        return Err(named.error(message, "leave `address` out, or `start` and `stop`"));
    }
    if address.is_none() && start.is_none() {
        let message = format!("nobody knows how `{name}` comes to run");
        let hint = "say how it is started, like `start = \"bigchaindb -c {config} start\"`, or at which \
                    `address` it will be";
        return Err(named.error(message, hint));
    }
    let external = External {
        profile: profile.to_owned(),
        key,
        consensus_plugin: plugin.to_owned(),
        address,
        start: start.unwrap_or_default(),
        stop: stop.unwrap_or_default(),
    };
    Ok(ExternalEntry { name, external, line })
}

/// A name that is neither one of our own members' nor of a server's, and can be that of a file.
fn read_name(entry: &Entry<'_>) -> Result<String, ScenarioError> {
    let name = entry.text()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_ours = name.strip_prefix(['n', 's']).is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_name = !name.is_empty() && name.len() <= NAME_MAX && name.bytes().all(is_plain);
    if is_ours || TAKEN.contains(&name) || !is_name {
        let why = if is_name { "means something else" } else { "is no name for a member" };
        let hint = "write letters, digits and dashes, like \"python1\"; `n1` and `s1` are ours";
        return Err(entry.error(format!("`{name}` {why}"), hint));
    }
    Ok(name.to_owned())
}

fn read_key(entry: &Entry<'_>) -> Result<String, ScenarioError> {
    let key = entry.text()?;
    public_key_bytes(key).map_err(|error| {
        let hint = "write what `bigchaindb export-my-pubkey` prints, or leave it out: then the config \
                    file has a keypair in it";
        entry.error(format!("`{key}` is no public key: {error}"), hint)
    })?;
    Ok(key.to_owned())
}

fn read_address(entry: &Entry<'_>) -> Result<SocketAddr, ScenarioError> {
    let address = entry.text()?;
    address.parse().map_err(|_| {
        let hint = "write numbers, like \"192.0.2.7:9984\"";
        entry.error(format!("`{address}` is no address and port"), hint)
    })
}

/// A command: a list of words, or a text with blanks between them.
fn read_command(entry: &Entry<'_>) -> Result<Vec<String>, ScenarioError> {
    let mut words = Vec::new();
    for word in entry.list() {
        words.push(word.text()?.to_owned());
    }
    if let ([text], true) = (&words[..], entry.text().is_ok()) {
        words = text.split_whitespace().map(str::to_owned).collect();
    }
    if words.is_empty() {
        return Err(entry.error("the command is empty".to_owned(), "name a program"));
    }
    for word in &words {
        check_word(entry, word)?;
    }
    Ok(words)
}

/// Whether all that stands in braces is something that can be filled in.
fn check_word(entry: &Entry<'_>, word: &str) -> Result<(), ScenarioError> {
    let names: Vec<_> = PLACEHOLDERS.iter().map(|(name, _)| *name).collect();
    for rest in word.split('{').skip(1) {
        let name = rest.split('}').next().unwrap_or_default();
        if !names.contains(&name) {
            let message = format!("nobody knows what `{{{name}}}` stands for");
            return Err(entry.error(message, closest(name, &names, "there are")));
        }
    }
    Ok(())
}

impl Federation {
    /// What the member at an index is, if it is no node of ours.
    pub fn external(&self, index: usize) -> Option<&External> {
        let place = index.checked_sub(self.nodes as usize)?;
        self.external.get(place).map(|entry| &entry.external)
    }

    /// Those whom a kind of fault can meet, by index.
    pub(crate) fn able(&self, kind: FaultKind) -> Vec<usize> {
        let whom = kind.nature().whom;
        let can_meet = |index: &usize| match self.external(*index) {
            Some(external) if whom == Whom::Nodes => external.can_be_met_by(kind),
            _ => true,
        };
        (0..whom.count(self) as usize).filter(can_meet).collect()
    }
}

impl Scenario {
    /// Whether all members understand each other: `default` reads votes by their keys and blocks from a
    /// list, which others do not write.
    ///
    /// # Errors
    /// If there are members by `default`, and others.
    pub(crate) fn check_rules(&self) -> Result<(), ScenarioError> {
        let Federation { nodes, rules, external, .. } = &self.federation;
        let is_default = |profile: &str| profile == "default";
        let first = external.first().map(|entry| &*entry.external.profile);
        let all = is_default(if *nodes > 0 { rules } else { first.unwrap_or(rules) });
        let other = external.iter().find(|entry| is_default(&entry.external.profile) != all);
        let Some(ExternalEntry { name, external, line }) = other else { return Ok(()) };
        let message = format!(
            "`{name}` goes by `{}`, and members that go by {} cannot read what it writes",
            external.profile,
            if all { "`default`" } else { "other rules" }
        );
        Err(self.error(
            *line,
            message,
            "set `federation.rules` to \"mixed\", and no `profile` to \"default\"",
        ))
    }
}
