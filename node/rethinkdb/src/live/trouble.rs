//! What is wrong with a cluster's servers and links, by somebody's wish, and how it is mended.

use std::collections::BTreeMap;

use tokio::sync::watch;

use super::{Member, Presence, State, TableId};
use crate::cluster::{Effect, Harm, Process, ServerId};
use crate::feeds::Change;

/// Something that is wrong until it is mended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// A server's process has ended. Mended, it starts again.
    Down(ServerId, Ending),
    /// A server's process stands still. Mended, it goes on.
    Paused(ServerId),
    /// Servers do not hear others. Mended, what they say gets through again.
    Partition {
        /// These,
        of: Vec<ServerId>,
        /// and those.
        from: Vec<ServerId>,
        /// Only what these say is swallowed; those are still heard.
        oneway: bool,
    },
    /// What a server sends to others, and they to it, takes so many times as long. Mended, as usual.
    Slow(ServerId, u32),
    /// A server's disk is full: what it is primary for cannot be written. Mended, there is room again.
    Full(ServerId),
}

/// How a process ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// It is killed: what it had not handed to the operating system is lost.
    Killed,
    /// Its machine loses its power: what was not on the platter is lost.
    PowerLost,
    /// In an orderly way: nothing is lost.
    Stopped,
}

/// Why trouble cannot begin.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoTrouble {
    /// A server that is down cannot be killed or paused.
    #[error("Server `{0}` is down.")]
    IsDown(String),
    /// It stands still already.
    #[error("Server `{0}` is paused.")]
    IsPaused(String),
    /// Nobody would be left to ask.
    #[error("Server `{0}` is the last one that runs: no other could be asked to start it again.")]
    IsLast(String),
    /// A name is taken.
    #[error("There is trouble with the id `{0}` already.")]
    Taken(String),
}

/// What is wrong now, by name.
#[derive(Default)]
pub(super) struct InEffect {
    troubles: BTreeMap<String, Trouble>,
    /// How many troubles cut each link.
    cuts: BTreeMap<(ServerId, ServerId), u32>,
    /// How many writes full disks have refused, by the name of the trouble.
    refused: BTreeMap<String, u64>,
    /// Whether somebody can be asked even if no server runs.
    has_door: bool,
}

/// The links that a partition cuts, from the one that speaks to the one that does not hear.
fn links(of: &[ServerId], from: &[ServerId], oneway: bool) -> Vec<(ServerId, ServerId)> {
    let pairs = || of.iter().flat_map(|one| from.iter().map(|other| (*one, *other)));
    let back = pairs().filter(|_| !oneway).map(|(one, other)| (other, one));
    pairs().chain(back).collect()
}

impl Member {
    /// What is wrong now, by name.
    pub fn troubles(&self) -> BTreeMap<String, Trouble> {
        self.live.lock().troubles.troubles.clone()
    }

    /// How many writes the trouble of this name has refused.
    pub fn refused(&self, name: &str) -> u64 {
        self.live.lock().troubles.refused.get(name).copied().unwrap_or(0)
    }

    /// From now on somebody can be asked even if no server runs.
    pub(crate) fn has_door(&self) {
        self.live.lock().troubles.has_door = true;
    }

    /// Lets trouble begin, under a name of its own.
    ///
    /// # Errors
    /// If it cannot begin.
    pub fn harm(&self, name: &str, trouble: Trouble) -> Result<(), NoTrouble> {
        self.live.act(|state, now, effects| {
            state.check(name, &trouble)?;
            for harm in state.begin(&trouble) {
                state.cluster.harm(now, harm, effects);
            }
            state.troubles.troubles.insert(name.to_owned(), trouble);
            state.show(&self.live.presences);
            Ok(())
        })
    }

    /// Mends what is wrong under a name; nothing happens if nothing is.
    pub fn mend(&self, name: &str) {
        self.live.act(|state, now, effects| {
            state.mend(now, name, effects);
            state.show(&self.live.presences);
        });
    }
}

impl State {
    fn name(&self, server: ServerId) -> String {
        self.cluster.name(server).to_owned()
    }

    fn check(&self, name: &str, trouble: &Trouble) -> Result<(), NoTrouble> {
        if self.troubles.troubles.contains_key(name) {
            return Err(NoTrouble::Taken(name.to_owned()));
        }
        let (Trouble::Down(server, _) | Trouble::Paused(server)) = *trouble else { return Ok(()) };
        match (self.cluster.process(server), trouble) {
            (Process::Down, _) => return Err(NoTrouble::IsDown(self.name(server))),
            (Process::Paused, Trouble::Paused(_)) => {
                return Err(NoTrouble::IsPaused(self.name(server)));
            }
            _ => {}
        }
        let runs = |other: &ServerId| self.cluster.process(*other) == Process::Up;
        let is_alone = !self.cluster.servers().filter(runs).any(|other| other != server);
        if self.troubles.has_door || !is_alone {
            return Ok(());
        }
        Err(NoTrouble::IsLast(self.name(server)))
    }

    /// What trouble does to the cluster.
    fn begin(&mut self, trouble: &Trouble) -> Vec<Harm> {
        match trouble {
            Trouble::Down(server, ending) => {
                // A process that is gone does not stand still.
                self.troubles.troubles.retain(|_, other| *other != Trouble::Paused(*server));
                vec![match ending {
                    Ending::Killed => Harm::Kill(*server),
                    Ending::PowerLost => Harm::PowerLoss(*server),
                    Ending::Stopped => Harm::Stop(*server),
                }]
            }
            Trouble::Paused(server) => vec![Harm::Pause(*server)],
            Trouble::Slow(server, factor) => vec![Harm::Slow(*server, *factor)],
            Trouble::Full(_) => Vec::new(),
            Trouble::Partition { of, from, oneway } => {
                let cut = |link: &(ServerId, ServerId)| {
                    let cuts = self.troubles.cuts.entry(*link).or_default();
                    *cuts += 1;
                    *cuts == 1
                };
                let links = links(of, from, *oneway).into_iter().filter(cut);
                links.map(|(one, other)| Harm::Cut(one, other)).collect()
            }
        }
    }

    fn mend(&mut self, now: u64, name: &str, effects: &mut Vec<Effect<Change>>) {
        let Some(trouble) = self.troubles.troubles.remove(name) else { return };
        self.troubles.refused.remove(name);
        let harms = match trouble {
            Trouble::Down(server, _) => vec![Harm::Start(server)],
            Trouble::Paused(server) => vec![Harm::Resume(server)],
            Trouble::Slow(server, _) => vec![Harm::Slow(server, 1)],
            Trouble::Full(_) => Vec::new(),
            Trouble::Partition { of, from, oneway } => {
                let healed = |link: &(ServerId, ServerId)| {
                    let cuts = self.troubles.cuts.entry(*link).or_default();
                    *cuts = cuts.saturating_sub(1);
                    *cuts == 0
                };
                let links = links(&of, &from, oneway).into_iter().filter(healed);
                links.map(|(one, other)| Harm::Heal(one, other)).collect()
            }
        };
        for harm in harms {
            self.cluster.harm(now, harm, effects);
        }
    }

    /// The server that has no room for one of these rows, if there is one; it is remembered.
    pub(super) fn without_room(&mut self, table: TableId, keys: &[Vec<u8>]) -> Option<String> {
        if !self.troubles.troubles.values().any(|trouble| matches!(trouble, Trouble::Full(_))) {
            return None;
        }
        let table = *self.tables.get(&table)?;
        let primary =
            |key: &Vec<u8>| self.cluster.primary(table, self.cluster.shard_of(table, key)?);
        let primaries: Vec<_> = keys.iter().filter_map(primary).collect();
        let is_met = |trouble: &Trouble| matches!(trouble, Trouble::Full(server) if primaries.contains(server));
        let (name, trouble) = self.troubles.troubles.iter().find(|(_, one)| is_met(one))?;
        let &Trouble::Full(server) = trouble else { return None };
        *self.troubles.refused.entry(name.clone()).or_default() += 1;
        Some(self.name(server))
    }

    /// Shows the sockets of each server what its process does now. They are to know before anybody is
    /// answered: who is connected to a server that died hears nothing any more.
    fn show(&self, presences: &[watch::Sender<Presence>]) {
        for (server, shown) in self.cluster.servers().zip(presences) {
            let process = self.cluster.process(server);
            shown.send_if_modified(|presence| {
                let ended = process == Process::Down && presence.process != Process::Down;
                let new = Presence { process, ends: presence.ends + u32::from(ended) };
                std::mem::replace(presence, new) != new
            });
        }
    }
}
