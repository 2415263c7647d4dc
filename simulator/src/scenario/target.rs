//! Whom a fault meets, as a scenario says it: nodes of the federation, or servers of its store.

use super::{Federation, ScenarioError};
use crate::faults::{Nature, Whom};
use crate::plan::{External, Store};
use bigchaindb_strict::Entry;

/// Whom a fault meets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// One node or server, another each time.
    One,
    /// As many as the others can do without, others each time.
    Minority,
    /// All of them.
    All,
    /// These, by index, ascending.
    Named(Vec<usize>),
}

/// How many of so many may be lost at once, so that more than half stay.
pub(crate) fn minority(members: u32) -> u32 {
    members.saturating_sub(1) / 2
}

pub(super) fn read_target(
    entry: &Entry<'_>,
    nature: &Nature,
    federation: &Federation,
) -> Result<Target, ScenarioError> {
    let members = Members::of(nature, federation);
    let mut named = Vec::new();
    let entries = entry.list();
    for entry in &entries {
        let name = entry.text()?;
        match (name, entries.len()) {
            ("one", 1) => return Ok(Target::One),
            // Where it takes no node, all can be met at once.
            ("all", 1) if nature.whom == Whom::Servers || !nature.takes_node => {
                return Ok(Target::All);
            }
            ("minority", 1) if minority(members.count()) > 0 => return Ok(Target::Minority),
            ("minority", 1) => {
                let Members { what, key, .. } = members;
                let message = format!("{} {what}s have no minority to lose", members.count());
                return Err(entry.error(message, format!("set `{key}` to 3 or more")));
            }
            _ => match members.names.iter().position(|known| known == name) {
                Some(member) if !federation.able(nature.kind).contains(&member) => {
                    return Err(cannot_be_met(entry, name, nature, federation.external(member)));
                }
                Some(member) => named.push(member),
                None => return Err(members.no_such(entry, name, nature)),
            },
        }
    }
    if named.is_empty() {
        let message = format!("fault `{}` {} nobody", nature.name, nature.verb);
        return Err(entry.error(message, format!("name one of {}", members.names.join(", "))));
    }
    named.sort_unstable();
    named.dedup();
    Ok(Target::Named(named))
}

/// A fault cannot meet an external member.
fn cannot_be_met(
    entry: &Entry<'_>,
    name: &str,
    nature: &Nature,
    external: Option<&External>,
) -> ScenarioError {
    let fault = nature.name;
    if external.is_some_and(External::is_started) {
        let message =
            format!("the fault `{fault}` reaches into a program, and `{name}` is none of ours");
        return entry.error(
            message,
            "name one of ours; `kill`, `pause` and `partition` meet it from outside",
        );
    }
    let message = format!("the fault `{fault}` cannot reach `{name}`, which somebody else starts");
    entry.error(message, "say how it is started, with `start` instead of `address`")
}

/// Those of whom a fault meets some.
struct Members {
    what: &'static str,
    /// The key that says how many there are.
    key: &'static str,
    names: Vec<String>,
    most: u32,
}

impl Members {
    fn of(nature: &Nature, federation: &Federation) -> Self {
        match nature.whom {
            Whom::Nodes => Self {
                what: "node",
                key: "federation.nodes",
                names: federation.node_names(),
                most: Federation::NODES_MAX,
            },
            Whom::Servers | Whom::Store => Self {
                what: "server",
                key: "federation.rethinkdb.servers",
                names: (0..federation.store.servers as usize).map(Store::server_name).collect(),
                most: Store::SERVERS_MAX,
            },
        }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.names.len()).expect("they are few")
    }

    fn no_such(&self, entry: &Entry<'_>, name: &str, nature: &Nature) -> ScenarioError {
        let Nature { name: fault, verb, .. } = nature;
        let Self { what, key, names, most } = self;
        let count = match names.len() {
            1 => format!("there is 1 {what}"),
            count => format!("there are {count} {what}s"),
        };
        let message = format!("fault `{fault}` {verb} `{name}`, but {count}");
        let number = name.strip_prefix(&what[..1]).and_then(|number| number.parse().ok());
        let names = names.join(", ");
        let hint = match number {
            Some(number) if (1..=*most).contains(&number) => {
                format!("set `{key}` to {number} or more, or name one of {names}")
            }
            _ => format!("name \"one\", \"minority\", or one of {names}"),
        };
        entry.error(message, hint)
    }
}
