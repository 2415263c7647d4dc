//! The scenario file: who is in the federation, what clients do, what goes wrong, what has to hold.
//!
//! TOML, read strictly: an unknown key, an impossible value, a fault that the chosen world cannot do
//! is refused with its line and a hint. Everything has a default. Here: the file as data, a part per
//! section. Not here: the choices that a seed makes out of it (`plan`). Start at [`Scenario::load`].

mod arrivals;
mod byzantine;
mod edit;
mod expect;
mod external;
mod fault;
mod federation;
mod load;
mod matrix;
mod planned;
mod spelling;
mod swarm;
mod target;
mod wish;
pub mod write;

use std::path::Path;

pub use arrivals::{Arrivals, Spread};
/// A scenario that cannot be read, or cannot be carried out.
pub use bigchaindb_strict::Refusal as ScenarioError;
pub use bigchaindb_strict::units::Rate;
pub use byzantine::ByzantineEntry;
pub use external::ExternalEntry;
pub use fault::{Course, FaultEntry, When};
pub use federation::Federation;
pub use load::{Kind, Load, Mix, Readable};
pub use matrix::{Axis, Cell, Matrix};
pub use planned::Planned;
pub use swarm::{Row, Swarm};
pub use target::Target;
pub use wish::Wish;

pub(crate) use bigchaindb_strict::Source;
pub(crate) use fault::{FAULTS_MAX, usual_target};
pub(crate) use federation::usual_store;
pub(crate) use target::minority;
pub(crate) use wish::FACTOR_MAX;

use crate::backends::Backend;
use crate::faults::Nature;
use crate::plan::{Bounds, Costs, Engine, Expect, FaultKind, Links, LogDetail, Store};
use bigchaindb_strict::{Entry, Section};

/// The seed of a scenario that names none.
pub const DEFAULT_SEED: u64 = 1;

/// A scenario, read and found possible.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The file, as it was named.
    pub file: String,
    /// The file's text, to be kept with the run.
    pub text: String,
    /// The comment that opens the file: what is told here. May be empty.
    pub story: String,
    /// Its name.
    pub name: String,
    /// The seed it is run with if nobody asks for another.
    pub seed: u64,
    /// The worlds that can carry it out; the first is the one it is run in if nobody asks for another.
    pub backends: Vec<Backend>,
    /// How long the whole run lasts, in microseconds; `None`: until everything has settled.
    pub duration_us: Option<u64>,
    /// Who is in it.
    pub federation: Federation,
    /// What clients do.
    pub loads: Vec<Load>,
    /// What goes wrong, as written.
    pub faults: Vec<FaultEntry>,
    /// Who acts against the rules on purpose.
    pub byzantine: Vec<ByzantineEntry>,
    /// What goes wrong by chance.
    pub swarm: Option<Swarm>,
    /// What of the plan the file itself says.
    pub planned: Planned,
    /// From here on nobody loads and nothing is broken, in microseconds, even if all is over before.
    pub quiet_from_us: u64,
    /// How long messages take.
    pub links: Links,
    /// How long work takes, where time is virtual.
    pub costs: Costs,
    /// What has to come true.
    pub expect: Expect,
    /// How much of the observation log is kept.
    pub log: LogDetail,
    /// What the digest of a run of its own seed is to be.
    pub digest: Option<String>,
    /// What is swept over, if this is many scenarios in one.
    pub matrix: Option<Matrix>,
    /// What whoever runs it should know: parts of the file that change nothing yet.
    pub notes: Vec<String>,
}

/// What is asked for besides what a file says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Asked {
    /// Another world than the file's first.
    pub backend: Option<Backend>,
    /// Another program as the store.
    pub store: Option<Engine>,
}

impl From<Option<Backend>> for Asked {
    fn from(backend: Option<Backend>) -> Self {
        Self { backend, store: None }
    }
}

impl Scenario {
    /// Reads a file, and takes what is asked for over what it says.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn load(path: &Path, asked: impl Into<Asked>) -> Result<Self, ScenarioError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ScenarioError {
            file: file.clone(),
            line: None,
            message: format!("cannot be read: {error}"),
            hint: "`testbed list` names the scenarios there are".to_owned(),
        })?;
        Self::parse(&file, &text, asked)
    }

    /// Reads a scenario's text; `file` is what it is called in errors.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(file: &str, text: &str, asked: impl Into<Asked>) -> Result<Self, ScenarioError> {
        let Asked { backend, store } = asked.into();
        let source = Source { file, text };
        let document = source.document()?;
        let mut top = Section::new(source, "the scenario", None, document.as_table());

        let name = top.require("name", "\"a first federation\"")?.text()?.to_owned();
        let seed = top.take("seed").map_or(Ok(DEFAULT_SEED), |entry| entry.seed())?;
        let log = match top.take("log") {
            Some(entry) if entry.one_of(&["whole", "thinned"])? == "thinned" => LogDetail::Thinned,
            _ => LogDetail::Whole,
        };
        let duration = top.take("duration");
        let duration_us = duration.as_ref().map(Entry::positive_duration).transpose()?;
        let links = federation::read_links(&mut top)?;
        let mut federation = federation::read(&mut top, &links)?;
        if let Some(engine) = store {
            federation.store.engine = engine;
        }
        let loads = load::read(&mut top)?;
        let swarm = swarm::read_swarm(&mut top, &federation)?;
        let planned = planned::read(&mut top, &federation)?;
        let faults = match planned.faults {
            Some(_) => Vec::new(),
            None => fault::read(&mut top, &federation)?,
        };
        let byzantine = match planned.byzantine {
            Some(_) => Vec::new(),
            None => byzantine::read(&mut top, &federation)?,
        };
        let quiet_from = top.take("quiet_from");
        let quiet_from_us = quiet_from.map_or(Ok(0), |entry| entry.duration())?;
        let costs = federation::read_costs(&mut top)?;
        let (expect, digest) = expect::read(&mut top)?;
        let backends = read_backends(&mut top)?;
        let matrix = matrix::read(&mut top)?;
        top.finish()?;

        let story = story(text);
        let mut scenario = Self {
            file: file.to_owned(),
            text: text.to_owned(),
            story,
            name,
            seed,
            backends: Vec::new(),
            duration_us,
            federation,
            loads,
            faults,
            byzantine,
            swarm,
            planned,
            quiet_from_us,
            links,
            costs,
            expect,
            log,
            digest,
            matrix: None,
            notes: Vec::new(),
        };
        scenario.backends = scenario.choose(backends, backend)?;
        let line = duration.and_then(|entry| entry.line);
        scenario.check_duration(line)?;
        scenario.notes.extend(scenario.note_about_store());
        scenario.notes.extend(scenario.note_about_swarm());
        scenario.notes.extend(scenario.federation.external.iter().filter_map(ExternalEntry::note));
        if let Some(matrix) = &matrix {
            matrix.cells(&scenario)?;
        }
        scenario.matrix = matrix;
        Ok(scenario)
    }

    /// The same with one field changed, named by its dotted path as in `[matrix]`, to a value as TOML
    /// spells it.
    ///
    /// # Errors
    /// If there can be no such field, or it cannot have this value.
    pub fn with(&self, field: &str, value: &str) -> Result<Self, ScenarioError> {
        let text = edit::with(&self.text, field, value).map_err(|reason| {
            let message = format!("`{field}` names nothing: {reason}");
            self.error(None, message, "write the path of a field with dots, like federation.nodes")
        })?;
        Self::parse(&self.file, &text, Some(self.backend()))
    }

    /// What such a field has, if it is written in the file: a text without its quotes.
    pub fn value(&self, field: &str) -> Option<String> {
        edit::value(&self.text, field)
    }

    /// The world it is run in.
    pub fn backend(&self) -> Backend {
        self.backends[0]
    }

    /// An error at a line of this scenario.
    pub(crate) fn error(
        &self,
        line: Option<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> ScenarioError {
        Source { file: &self.file, text: &self.text }.error(line, message, hint)
    }

    /// Which worlds it can run in: those the file lists, or else all that can do its faults; the
    /// one asked for first.
    fn choose(
        &self,
        listed: Option<Vec<Backend>>,
        asked: Option<Backend>,
    ) -> Result<Vec<Backend>, ScenarioError> {
        let mut backends = listed.clone().unwrap_or_else(|| {
            let can = |backend: &Backend| self.refusal(*backend).is_none();
            Backend::ALL.into_iter().filter(can).collect()
        });
        if let Some(asked) = asked {
            backends.retain(|backend| *backend != asked);
            backends.insert(0, asked);
        }
        match backends.iter().find_map(|backend| self.refusal(*backend)) {
            Some(refusal) => Err(refusal),
            None => Ok(backends),
        }
    }

    /// Why a world cannot carry this out.
    fn refusal(&self, backend: Backend) -> Option<ScenarioError> {
        let planned = self.planned.faults.as_ref().is_some_and(|faults| !faults.is_empty());
        if planned && backend != Backend::Sim {
            let message = format!("the backend `{backend}` takes no faults with a `number`");
            return Some(self.error(None, message, "run it in sim, or leave the numbers out"));
        }
        let members = self.planned.byzantine.as_ref().is_some_and(|members| !members.is_empty());
        if (members || !self.byzantine.is_empty()) && backend != Backend::Sim {
            let line = self.byzantine.first().and_then(|entry| entry.line);
            let message = format!("the backend `{backend}` has no Byzantine members");
            return Some(self.error(line, message, "run it in sim, or take the entry out"));
        }
        if let Some(ExternalEntry { name, line, .. }) = self.federation.external.first()
            && !matches!(backend, Backend::Processes | Backend::Docker)
        {
            let message = format!(
                "the backend `{backend}` has no external members like `{name}`: they are programs of \
                 their own on this machine"
            );
            return Some(self.error(
                *line,
                message,
                "run it in processes or docker, or take them out",
            ));
        }
        if matches!(backend, Backend::Processes | Backend::Docker | Backend::Cluster)
            && (!self.federation.quirks.is_empty() || self.federation.bounds != Bounds::default())
        {
            let message = format!(
                "the backend `{backend}` has neither quirks nor bounds: they are no settings of a node's"
            );
            return Some(self.error(None, message, "run it in sim or local, or leave them out"));
        }
        let rules = &self.federation.rules;
        if backend == Backend::Cluster && rules != "default" {
            let message = format!("the backend `{backend}` has nodes that do not follow `{rules}`");
            return Some(self.error(None, message, "run it elsewhere, or leave `rules` out"));
        }
        let entry = self
            .faults
            .iter()
            .find(|entry| !entry.is_possible_in(backend, &self.federation.store))?;
        let nature = entry.kind.nature();
        let can = nature
            .backends
            .iter()
            .filter(|backend| entry.is_possible_in(**backend, &self.federation.store));
        let can: Vec<_> = can.map(|backend| backend.name()).collect();
        let so = if nature.backends.contains(&backend) { " that way" } else { "" };
        let message = format!("the backend `{backend}` cannot do the fault `{}`{so}", nature.name);
        let why = match (nature.kind, self.federation.store.engine) {
            (FaultKind::PowerLoss, Engine::Rethinkdb) if backend != Backend::Sim => {
                "a process that is killed loses nothing that the system has from it; "
            }
            _ => "",
        };
        let hint = format!("{why}run it in {}, or take the fault out", can.join(" or "));
        Some(self.error(entry.line, message, hint))
    }

    /// What the chosen world makes of the store.
    fn note_about_store(&self) -> Option<String> {
        let Store { servers, shards, replicas, .. } = self.federation.store;
        let has = match self.backend() {
            Backend::Local => "local keeps all tables in one store that does not fail",
            Backend::Cluster => "a cluster has the store that it was deployed with",
            _ => return None,
        };
        let alone = (servers, shards, replicas) == (1, 1, 1);
        (!alone).then(|| {
            format!("{servers} servers, {shards} shards and {replicas} replicas are noted in the plan; {has}")
        })
    }

    /// Which kinds of its swarm the chosen world cannot do to such a store.
    fn note_about_swarm(&self) -> Option<String> {
        let (backend, store) = (self.backend(), &self.federation.store);
        let natures = self.swarm.iter().flat_map(|swarm| &swarm.kinds).map(|kind| kind.nature());
        let left_out = |nature: &&Nature| !nature.is_within_reach(backend, store);
        let names: Vec<_> = natures.filter(left_out).map(|nature| nature.name).collect();
        (!names.is_empty()).then(|| {
            format!("the backend `{backend}` leaves out of the swarm: {}", names.join(", "))
        })
    }

    fn check_duration(&self, line: Option<usize>) -> Result<(), ScenarioError> {
        let Some(duration) = self.duration_us else { return Ok(()) };
        let end = self.loads.iter().map(|load| load.until_us).max().unwrap_or(0);
        let fault_end = self.faults.iter().map(FaultEntry::last_moment_us).max().unwrap_or(0);
        let ends = |entry: &ByzantineEntry| entry.at_us + entry.lasts_us.unwrap_or(0);
        let byzantine_end = self.byzantine.iter().map(ends).max().unwrap_or(0);
        let swarm_end = self.swarm.as_ref().map_or(0, |swarm| swarm.until_us);
        let planned_end = self.planned.last_moment_us().max(self.quiet_from_us);
        let ends = [end, fault_end, byzantine_end, swarm_end, planned_end];
        let least = ends.into_iter().max().unwrap_or(0) + self.expect.decided_after_heal_us;
        if duration >= least {
            return Ok(());
        }
        let needed = least.div_ceil(1_000_000);
        let message = "`duration` leaves no time to settle after load and faults";
        let hint = format!("make it \"{needed}s\" or more, or leave it out");
        Err(self.error(line, message, hint))
    }
}

fn read_backends(top: &mut Section<'_>) -> Result<Option<Vec<Backend>>, ScenarioError> {
    let mut entries: Vec<Entry<'_>> = top.take("backend").into_iter().collect();
    entries.extend(top.take("backends").iter().flat_map(Entry::list));
    if entries.is_empty() {
        return Ok(None);
    }
    let names = Backend::ALL.map(Backend::name);
    let mut backends = Vec::new();
    for entry in &entries {
        let name = entry.one_of(&names)?;
        let backend = Backend::ALL.into_iter().find(|backend| backend.name() == name);
        backends.extend(backend.filter(|backend| !backends.contains(backend)));
    }
    Ok(Some(backends))
}

/// The first block of comment lines, as one text.
fn story(text: &str) -> String {
    let lines = text.lines().map(str::trim_start).skip_while(|line| line.is_empty());
    let comment = lines.map_while(|line| line.strip_prefix('#'));
    comment.map(str::trim).collect::<Vec<_>>().join("\n").trim().to_owned()
}
