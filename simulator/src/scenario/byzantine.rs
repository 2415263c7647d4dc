//! `[[byzantine]]`: members that act against the rules on purpose.

use super::{Federation, ScenarioError, Target, minority};
use crate::plan::Act;
use bigchaindb_strict::{Entry, Section, closest};

/// A Byzantine member as the file tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ByzantineEntry {
    /// Who.
    pub node: Target,
    /// What it does.
    pub acts: Vec<Act>,
    /// From when on, in microseconds.
    pub at_us: u64,
    /// For how long; `None` means for as long as there is load.
    pub lasts_us: Option<u64>,
    /// Which share of its occasions it uses, in parts per million.
    pub share: u32,
    /// The line that it begins on.
    pub line: Option<usize>,
}

/// Every act that leaves alone what others have written.
const INSERT_ONLY: &str = "insert-only";
/// Every act there is.
const ALL: &str = "all";

pub(super) fn read(
    top: &mut Section<'_>,
    federation: &Federation,
) -> Result<Vec<ByzantineEntry>, ScenarioError> {
    let Some(entry) = top.take("byzantine") else { return Ok(Vec::new()) };
    entry.sections()?.into_iter().map(|section| read_one(section, federation)).collect()
}

fn read_one(
    mut section: Section<'_>,
    federation: &Federation,
) -> Result<ByzantineEntry, ScenarioError> {
    let node = match section.take("node") {
        Some(entry) => read_node(&entry, federation)?,
        None => Target::One,
    };
    let acts = read_acts(&section.require("acts", "[\"votes-invalid\"]")?)?;
    let at_us = section.take("at").map_or(Ok(0), |entry| entry.duration())?;
    let lasts_us = section.take("for").map(|entry| entry.positive_duration()).transpose()?;
    let share = section.take("p").map_or(Ok(1_000_000), |entry| entry.share())?;
    let line = section.line();
    section.finish()?;
    Ok(ByzantineEntry { node, acts, at_us, lasts_us, share, line })
}

fn read_node(entry: &Entry<'_>, federation: &Federation) -> Result<Target, ScenarioError> {
    let names = federation.node_names();
    let entries = entry.list();
    let mut named = Vec::new();
    for entry in &entries {
        let name = entry.text()?;
        match (name, entries.len()) {
            ("one", 1) => return Ok(Target::One),
            ("minority", 1) if minority(federation.members()) > 0 => return Ok(Target::Minority),
            ("minority", 1) => {
                let message = format!("{} nodes have no minority to lose", federation.members());
                return Err(entry.error(message, "set `federation.nodes` to 3 or more"));
            }
            _ => match names.iter().position(|known| known == name) {
                Some(node) => named.push(node),
                None => {
                    let message = format!("there is no node `{name}`");
                    let hint = format!(
                        "name \"one\", \"minority\", or one of {}; or set `federation.nodes` higher",
                        names.join(", ")
                    );
                    return Err(entry.error(message, hint));
                }
            },
        }
    }
    if named.is_empty() {
        let hint = format!("name one of {}", names.join(", "));
        return Err(entry.error("nobody is Byzantine here".to_owned(), hint));
    }
    named.sort_unstable();
    named.dedup();
    Ok(Target::Named(named))
}

fn read_acts(entry: &Entry<'_>) -> Result<Vec<Act>, ScenarioError> {
    let mut acts = Vec::new();
    for entry in entry.list() {
        match entry.text()? {
            ALL => acts.extend(Act::ALL),
            INSERT_ONLY => acts.extend(Act::ALL.iter().filter(|act| act.only_inserts())),
            name => acts.push(Act::by_name(name).ok_or_else(|| no_such(&entry, name))?),
        }
    }
    if acts.is_empty() {
        let hint = "name some, like [\"votes-invalid\"], or say \"insert-only\" or \"all\"";
        return Err(entry.error("`acts` names no act".to_owned(), hint));
    }
    acts.sort_unstable();
    acts.dedup();
    Ok(acts)
}

fn no_such(entry: &Entry<'_>, name: &str) -> ScenarioError {
    let mut names: Vec<_> = Act::ALL.iter().map(|act| act.name()).collect();
    names.extend([INSERT_ONLY, ALL]);
    entry.error(format!("there is no act `{name}`"), closest(name, &names, "there are"))
}
