//! The wish: a file that says what machines are wanted, and what federation on them.
//!
//! TOML, read strictly: an unknown key or an impossible value is refused with its line and a hint. Everything
//! but the name has a default. Here: the file as data. Not here: what it comes to with a provider
//! (`provider`). Start at [`Wish::load`]; the files are in `deploy/clusters`.

mod machine;
mod sections;

use std::path::Path;

use bigchaindb_strict::{Refusal, Section, Source};

use crate::error::DeployError;
pub use machine::Machine;
pub use sections::{Clients, Database, Federation, Monitoring, Nodes, Storage, StorageKind};

/// How long a run may live if nobody says.
const TTL: &str = "4h";

/// A run lives at least so long: less is over before it stands.
const TTL_MIN_S: u64 = 600;

/// And at most so long: what is to stay longer is no testing cluster.
const TTL_MAX_S: u64 = 14 * 24 * 3600;

/// A cluster somebody wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// The file's text, to be kept with the run.
    pub text: String,
    /// Its name; runs are named after it.
    pub name: String,
    /// How long it may live, in seconds; then its machines end by themselves.
    pub ttl_s: u64,
    /// Who answers for it: a tag on everything. None: the command line has to say.
    pub owner: Option<String>,
    /// From where SSH and the API may be reached, as blocks of addresses (`203.0.113.7/32`). Empty: the command
    /// line has to say.
    pub operator: Vec<String>,
    /// The machines of the nodes.
    pub nodes: Nodes,
    /// Where RethinkDB's data go.
    pub storage: Storage,
    /// What the federation is to be.
    pub federation: Federation,
    /// The monitoring server, if there is to be one.
    pub monitoring: Option<Monitoring>,
    /// Machines with clients, if there are to be any.
    pub load: Option<Clients>,
}

impl Wish {
    /// Reads a file.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, Refusal> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Refusal {
            file: file.clone(),
            line: None,
            message: format!("cannot be read: {error}"),
            hint: "there are some in deploy/clusters".to_owned(),
        })?;
        Self::parse(&file, &text)
    }

    /// Reads a wish's text; `file` is what it is called in errors.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Self, Refusal> {
        let source = Source { file, text };
        let document = source.document()?;
        let mut top = Section::new(source, "the wish", None, document.as_table());
        let name = sections::name(&top.require("name", "\"three\"")?)?;
        let ttl_s = match top.take("ttl") {
            Some(entry) => sections::ttl(&entry)?,
            None => bigchaindb_strict::units::duration(TTL).map_or(TTL_MIN_S, |us| us / 1_000_000),
        };
        let owner = top.take("owner").map(|entry| sections::owner(&entry)).transpose()?;
        let operator = top.take("operator").map_or(Ok(Vec::new()), |entry| {
            entry.list().iter().map(sections::operator_block).collect()
        })?;
        let nodes = Nodes::read(&mut top)?;
        let wish = Self {
            text: text.to_owned(),
            name,
            ttl_s,
            owner,
            operator,
            storage: Storage::read(&mut top)?,
            federation: Federation::read(&mut top, nodes.count)?,
            monitoring: Monitoring::read(&mut top, &nodes)?,
            load: Clients::read(&mut top, &nodes)?,
            nodes,
        };
        top.finish()?;
        Ok(wish)
    }

    /// Refuses an owner or an operator from the command line that a file could not name either.
    ///
    /// # Errors
    /// The first that cannot be.
    pub fn check_asked(owner: &str, operator: &[String]) -> Result<(), DeployError> {
        if let Some(why) = sections::not_an_owner(owner) {
            let message = format!("`{owner}` cannot be an owner: {why}");
            return Err(DeployError::wrong(message, sections::OWNER_HINT));
        }
        for block in operator {
            if let Some(why) = sections::not_an_operator(block) {
                let message = format!("`{block}` is not for the operator: {why}");
                return Err(DeployError::wrong(message, sections::OPERATOR_HINT));
            }
        }
        Ok(())
    }

    /// Every region in it, each once, in the file's order.
    pub fn regions(&self) -> Vec<&str> {
        let mut regions: Vec<&str> = Vec::new();
        for machine in self.machines() {
            if !regions.contains(&machine.region) {
                regions.push(machine.region);
            }
        }
        regions
    }
}
