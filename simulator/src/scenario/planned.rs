//! `[[operation]]`, and `[[fault]]` and `[[byzantine]]` with a `number`: parts of a plan, choices made.
//!
//! A failing run that was made small is kept as an ordinary scenario, and such a scenario has to make
//! the very same plan again. So whatever has a number is taken as it stands: draws have numbers as
//! their keys, and what is left keeps its own. Such files come from `testbed shrink` (`write`), and
//! can be changed by hand like any other. Here: reading them, and what has to fit. Not here: their
//! spelling (`spelling`), loads and faults from which a seed has yet to choose (`load`, `fault`).

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::{Federation, ScenarioError, spelling};
use crate::plan::{Byzantine, Fault, Operation};
use bigchaindb_strict::Section;

/// What the file says of the plan itself.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Planned {
    /// Every operation, by number; `None` if loads say what clients do.
    pub operations: Option<Vec<Operation>>,
    /// Every fault, by number; `None` if a seed has to choose.
    pub faults: Option<Vec<Fault>>,
    /// Every Byzantine member, by number; `None` if a seed has to choose.
    pub byzantine: Option<Vec<Byzantine>>,
}

impl Planned {
    /// When the last of it is over.
    pub(super) fn last_moment_us(&self) -> u64 {
        let operations = self.operations.iter().flatten().map(|operation| operation.at_us);
        let faults = self.faults.iter().flatten().map(|fault| fault.until_us);
        let members = self.byzantine.iter().flatten().map(|member| member.until_us);
        operations.chain(faults).chain(members).max().unwrap_or(0)
    }
}

pub(super) fn read(
    top: &mut Section<'_>,
    federation: &Federation,
) -> Result<Planned, ScenarioError> {
    let operations = read_operations(top, federation)?;
    let faults = read_numbered(top, "fault", |fault: &Fault| fault.number)?;
    if let Some(faults) = &faults {
        for (section, fault) in faults {
            check_fault(section, fault, federation)?;
        }
        if let Some(swarm) = top.take("swarm") {
            let message = "faults with a `number` and `[swarm]` do not go together".to_owned();
            return Err(swarm.error(message, "leave the numbers out, or the swarm"));
        }
    }
    let byzantine = read_numbered(top, "byzantine", |member: &Byzantine| member.number)?;
    for (section, member) in byzantine.iter().flatten() {
        check_member(section, "node", member.node, federation.members())?;
    }
    let (faults, byzantine) = (faults.map(without_sections), byzantine.map(without_sections));
    Ok(Planned { operations, faults, byzantine })
}

fn read_operations(
    top: &mut Section<'_>,
    federation: &Federation,
) -> Result<Option<Vec<Operation>>, ScenarioError> {
    let Some(entry) = top.take("operation") else { return Ok(None) };
    if top.take("load").is_some() {
        let message = "`[[operation]]` and `[[load]]` do not go together".to_owned();
        return Err(entry.error(message, "say what clients do in one of these ways"));
    }
    let operations = read_numbered(top, "operation", |operation: &Operation| operation.number)?;
    let operations = operations.unwrap_or_default();
    let mut earlier = BTreeSet::new();
    for (section, operation) in &operations {
        let Operation { number, node, .. } = operation;
        check_member(section, "node", *node, federation.members())?;
        let mut on = operation.action.depends_on();
        if let Some(on) = on.find(|on| !earlier.contains(on)) {
            let message =
                format!("operation {number} builds on operation {on}, which is not before it");
            return Err(section.error(message, "name the number of an operation with a lower one"));
        }
        if let Some(of) =
            operation.follows.map(|follows| follows.of).filter(|of| !earlier.contains(of))
        {
            let message =
                format!("operation {number} follows operation {of}, which is not before it");
            return Err(section.error(message, "name the number of an operation with a lower one"));
        }
        earlier.insert(*number);
    }
    Ok(Some(without_sections(operations)))
}

/// The tables of a list, if they have numbers: all of them, or none.
fn read_numbered<'a, T: DeserializeOwned + Serialize>(
    top: &mut Section<'a>,
    key: &'static str,
    number: impl Fn(&T) -> u32,
) -> Result<Option<Vec<(Section<'a>, T)>>, ScenarioError> {
    let Some(entry) = top.take(key) else { return Ok(None) };
    let sections = entry.sections()?;
    if key != "operation" && !sections.iter().any(|section| section.has("number")) {
        return Ok(None);
    }
    let mut all = Vec::new();
    for section in sections {
        let read: T = read_one(&section)?;
        all.push((section, read));
    }
    all.sort_by_key(|(_, one)| number(one));
    for pair in all.windows(2) {
        if let [(_, one), (section, other)] = pair
            && number(one) == number(other)
        {
            let message = format!("there are two with the number {}", number(one));
            return Err(section.error(message, "number them differently"));
        }
    }
    Ok(Some(all))
}

fn read_one<T: DeserializeOwned + Serialize>(section: &Section<'_>) -> Result<T, ScenarioError> {
    let wrong = |message: String| {
        let hint = "a table with a `number` says everything; see `scenarios/README.md`";
        section.error(message, hint)
    };
    if !section.has("number") {
        return Err(wrong("some have a `number` and this one has none".to_owned()));
    }
    let fields = spelling::read(section.table()).map_err(wrong)?;
    let read: T = serde_json::from_value(Json::Object(fields.clone()))
        .map_err(|error| wrong(in_words(&error.to_string())))?;
    let Ok(Json::Object(known)) = serde_json::to_value(&read) else {
        unreachable!("parts of a plan are objects")
    };
    match fields.keys().find(|key| !known.contains_key(*key)) {
        Some(key) => Err(wrong(format!("`{}` says nothing here", spelling::short(key)))),
        None => Ok(read),
    }
}

/// An error of serde's, with the keys as they stand in the file.
fn in_words(error: &str) -> String {
    let parts = error.split('`').enumerate();
    let short =
        parts.map(|(index, part)| if index % 2 == 1 { spelling::short(part) } else { part });
    short.collect::<Vec<_>>().join("`")
}

fn check_fault(
    section: &Section<'_>,
    fault: &Fault,
    federation: &Federation,
) -> Result<(), ScenarioError> {
    for node in &fault.nodes {
        check_member(section, "node", *node, federation.members())?;
    }
    for server in &fault.servers {
        check_member(section, "server", *server, federation.store.servers)?;
    }
    if fault.until_us < fault.at_us {
        let message = format!("fault {} is over before it begins", fault.number);
        return Err(section.error(message, "let `until` be `at` or later"));
    }
    Ok(())
}

fn check_member(
    section: &Section<'_>,
    what: &str,
    index: usize,
    count: u32,
) -> Result<(), ScenarioError> {
    if index < count as usize {
        return Ok(());
    }
    let message = format!("there is no {what} {}: there are {count}", index + 1);
    Err(section.error(message, "name another one, or let there be more"))
}

fn without_sections<T>(all: Vec<(Section<'_>, T)>) -> Vec<T> {
    all.into_iter().map(|(_, one)| one).collect()
}
