//! The worlds that can carry out a plan.
//!
//! Here: their names, and which is which. Each world has a folder: start a federation, load it, harm
//! it, mend it, let it settle, collect. All write the same observation log, so whoever judges need not
//! know which it was.

pub mod apart;
pub mod cluster;
pub mod local;

pub mod sim;

mod real;
mod segments;
mod told;
mod used;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bigchaindb_core::model::Memo;
use bigchaindb_core::rules::UnknownRules;
use serde::{Deserialize, Serialize};

use crate::coverage::Coverage;
use crate::measure::{Generator, Resources};
use crate::observe::Log;
use crate::plan::Plan;
use crate::record::RunDirectory;
use apart::Means;

/// A world that carries out plans.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// A discrete-event kernel in virtual time, all in one thread: same seed, same bytes.
    Sim,
    /// Nodes in one process on real sockets, in real time.
    Local,
    /// Every node a process of its own, and the store as well, in real time.
    Processes,
    /// Every node in containers of its own, and the store as well, in real time.
    Docker,
    /// Nodes on machines of their own, which `deploy` has made, in real time.
    Cluster,
}

impl Backend {
    /// All there are.
    pub const ALL: [Self; 5] =
        [Self::Sim, Self::Local, Self::Processes, Self::Docker, Self::Cluster];

    /// Its name in scenarios and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Local => "local",
            Self::Processes => "processes",
            Self::Docker => "docker",
            Self::Cluster => "cluster",
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a world cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// There are no such rules.
    #[error(transparent)]
    Rules(#[from] UnknownRules),
    /// The world `local` has its own reasons.
    #[error(transparent)]
    Local(#[from] local::LocalError),
    /// So have the worlds with members apart.
    #[error(transparent)]
    Apart(#[from] apart::ApartError),
    /// So has the world on machines of their own.
    #[error(transparent)]
    Cluster(#[from] cluster::ClusterError),
    /// It keeps what it needs in files.
    #[error("members apart need a folder for their files")]
    NoFolder,
}

/// What came of it besides the log.
#[derive(Clone, Debug, Default)]
pub struct Carried {
    /// What faults have met, as far as that world can tell.
    pub coverage: Coverage,
    /// What each member has used of the machine, for people: only where members are processes.
    pub used: BTreeMap<String, String>,
    /// The same in figures, where time is real.
    pub resources: Vec<Resources>,
    /// How well the load kept to its plan, where time is real.
    pub generator: Option<Generator>,
    /// How often nodes have asked their store, where that is not in the log.
    pub questions: Option<u64>,
}

/// Carries out a plan in its world and writes what happens into `log`; what else came of it. Nodes that keep data keep it in `directory`, or in memory if there is none.
/// Programs and machines are looked for as `means` say.
/// Where all nodes are in one thread they share what one of them has verified, in `signatures`.
///
/// # Errors
/// If the world cannot be set up. What goes wrong later is in the log.
pub fn carry_out(
    plan: &Arc<Plan>,
    directory: Option<&RunDirectory>,
    means: &Means,
    signatures: &Arc<Memo>,
    log: &mut Log,
) -> Result<Carried, BackendError> {
    let mut carried = Carried::default();
    match plan.backend {
        Backend::Sim => carried.coverage = sim::carry_out(plan, signatures, log)?,
        Backend::Local => carried = local::carry_out(plan, directory, means, log)?,
        Backend::Processes | Backend::Docker => {
            let directory = directory.ok_or(BackendError::NoFolder)?;
            carried = apart::carry_out(plan, directory, means, log)?;
        }
        Backend::Cluster => {
            let directory = directory.ok_or(BackendError::NoFolder)?;
            carried = cluster::carry_out(plan, directory, means, log)?;
        }
    }
    carried.coverage.see(log.records());
    Ok(carried)
}
