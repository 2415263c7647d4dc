//! What members of their own are made of: `--processes`, and the images of containers.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bigchaindb_simulator::backends::apart::{self, ApartError, Images, Means, Namespaces};
use bigchaindb_simulator::backends::{Backend, BackendError};
use bigchaindb_simulator::plan::Engine;
use bigchaindb_simulator::run::RunError;
use bigchaindb_simulator::scenario::{Asked, Scenario};
use clap::{Args, ValueEnum};

use crate::failure::{Failure, Result};

/// What a run by processes may use.
#[derive(Args, Debug)]
pub(crate) struct WithMeans {
    /// With `--backend local`: every node is a process of its own, and the store as well.
    #[arg(long)]
    processes: bool,
    /// The program of a node; without it, the one beside this program, or what `TESTBED_NODE_BINARY`
    /// names.
    #[arg(long, value_name = "PATH")]
    node_binary: Option<PathBuf>,
    /// Which program the store is, whatever the scenario says: our own, or RethinkDB, which has to be
    /// installed.
    #[arg(long, value_enum)]
    store: Option<Program>,
    /// Whether each process lives in a network namespace of its own, so that it can be cut off; that
    /// takes root.
    #[arg(long, value_enum, default_value_t = Wanted::IfPossible)]
    namespaces: Wanted,
    /// With `--backend docker`: the image of a node, of the embedded store and of machines; without it,
    /// what `TESTBED_NODE_IMAGE` names, or what `deploy/images/build` makes.
    #[arg(long, value_name = "IMAGE")]
    node_image: Option<String>,
    /// With `--backend docker` and `store = "rethinkdb"`: the image of RethinkDB; without it, what
    /// `TESTBED_RETHINKDB_IMAGE` names, or `rethinkdb:2.4.4-bookworm-slim`.
    #[arg(long, value_name = "IMAGE")]
    rethinkdb_image: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Program {
    /// Our own, which any machine has.
    Embedded,
    /// RethinkDB.
    Rethinkdb,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Wanted {
    /// If they can be made here; else plain processes.
    IfPossible,
    /// Yes; where they cannot be made there is no run.
    Always,
    /// No.
    Never,
}

impl WithMeans {
    /// What is asked for besides what the file says.
    pub(crate) fn asked(&self, backend: Option<Backend>) -> Result<Asked> {
        let store = self.store.map(|store| match store {
            Program::Embedded => Engine::Embedded,
            Program::Rethinkdb => Engine::Rethinkdb,
        });
        Ok(Asked { backend: self.backend(backend)?, store })
    }

    /// Whether what is asked for goes together with a scenario.
    pub(crate) fn check(&self, scenario: &Scenario) -> Result<()> {
        if self.store.is_none() {
            return Ok(());
        }
        let backend = scenario.backend();
        if matches!(backend, Backend::Sim | Backend::Local) {
            let message = format!("in `{backend}` the store is no program of its own");
            return Err(Failure::wrong(
                message,
                "leave `--store` out, or add `--backend processes`",
            ));
        }
        if scenario.matrix.is_some() {
            let message = "another store would change what the file's matrix says".to_owned();
            return Err(Failure::wrong(message, "leave `--store` out, or write it into the file"));
        }
        Ok(())
    }

    /// What of it belongs to the command that runs a plan again.
    pub(crate) fn words(&self) -> String {
        let name = self.store.and_then(|store| store.to_possible_value());
        name.map_or_else(String::new, |name| format!(" --store {}", name.get_name()))
    }

    /// The world that is asked for.
    fn backend(&self, asked: Option<Backend>) -> Result<Option<Backend>> {
        match (self.processes, asked) {
            (false, asked) => Ok(asked),
            (true, None | Some(Backend::Local | Backend::Processes)) => {
                Ok(Some(Backend::Processes))
            }
            (true, Some(other)) => {
                let message = format!("`--processes` and `--backend {other}` are two worlds");
                Err(Failure::wrong(message, "leave one of them out"))
            }
        }
    }

    /// The same, for the world itself.
    pub(crate) fn means(&self) -> Means {
        let namespaces = match self.namespaces {
            Wanted::IfPossible => Namespaces::IfPossible,
            Wanted::Always => Namespaces::Always,
            Wanted::Never => Namespaces::Never,
        };
        let usual = Images::default();
        let images = Images {
            node: self.node_image.clone().unwrap_or(usual.node),
            rethinkdb: self.rethinkdb_image.clone().unwrap_or(usual.rethinkdb),
        };
        Means { node_binary: self.node_binary.clone(), namespaces, images }
    }

    /// What whoever runs it should know.
    pub(crate) fn note(&self, backend: Backend) -> Option<String> {
        let why = self.plain(backend)?;
        Some(format!("plain processes, which cannot be cut off: {why}"))
    }

    /// What the report says of it.
    pub(crate) fn told(&self, backend: Backend) -> BTreeMap<String, String> {
        let members = match (backend, self.plain(backend)) {
            (Backend::Docker, _) => format!("a container each, of `{}`", self.means().images.node),
            (Backend::Processes, None) => "a process and a network namespace each".to_owned(),
            (Backend::Processes, Some(why)) => {
                format!("a process each, on loopback addresses: {why}")
            }
            _ => return BTreeMap::new(),
        };
        BTreeMap::from([("members".to_owned(), members)])
    }

    /// Why processes have no namespaces, if they have none.
    fn plain(&self, backend: Backend) -> Option<String> {
        if backend != Backend::Processes {
            return None;
        }
        match self.namespaces {
            Wanted::Never => Some("namespaces are not wanted".to_owned()),
            Wanted::IfPossible | Wanted::Always => apart::no_namespaces(),
        }
    }
}

/// A run that did not come about: the scenario's fault, or the surroundings'.
pub(crate) fn failed(error: &RunError) -> Failure {
    if let RunError::Backend { source: BackendError::Apart(cause), .. } = error {
        let failure = Failure::surroundings(error, cause.hint());
        let refused = cause.is_refusal() || matches!(cause, ApartError::NotApart { .. });
        return if refused { Failure::wrong(failure.message, failure.hint) } else { failure };
    }
    Failure::surroundings(error, "nothing was judged")
}
