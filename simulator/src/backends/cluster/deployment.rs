//! The deployment that a scenario runs on: the folder of a run of `deploy`, and what it says of its machines.
//!
//! Of its configs only the public keys are read. Not here: how machines are reached (`machine`).

use std::path::{Path, PathBuf};

use bigchaindb_core::model::NodeKey;
use bigchaindb_deploy::configs;
use bigchaindb_deploy::error::DeployError;
use bigchaindb_deploy::inventory::{Host, Inventory, Role};
use bigchaindb_deploy::run::{Run, Step};
use bigchaindb_deploy::wish::Database;

use super::ClusterError;
use crate::plan::Plan;

/// Where a scenario is to run, and on what of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cluster {
    /// The folder of a run of `deploy`.
    pub folder: PathBuf,
    /// Whether a database that holds something is thrown away, and made again.
    pub fresh: bool,
}

/// A run of `deploy` whose federation stands.
#[derive(Debug)]
pub struct Deployment {
    folder: PathBuf,
    run: Run,
    inventory: Inventory,
}

impl Deployment {
    /// A deployment, to look at it while others may be at work on it.
    ///
    /// # Errors
    /// It is none, or its federation does not stand.
    pub fn look(folder: &Path) -> Result<Self, ClusterError> {
        Self::of(folder, Run::look)
    }

    /// A deployment, to work on it: nobody else can meanwhile, and nobody takes it away.
    ///
    /// # Errors
    /// It is none, its federation does not stand, or somebody else is at work on it.
    pub fn open(folder: &Path) -> Result<Self, ClusterError> {
        Self::of(folder, Run::open)
    }

    fn of(
        folder: &Path,
        how: fn(&Path, &str) -> Result<Run, DeployError>,
    ) -> Result<Self, ClusterError> {
        let missing = || {
            let message = format!("there is no deployment {}", folder.display());
            DeployError::wrong(
                message,
                "name the folder of one that `deploy up` has made, as in deployments/RUN",
            )
        };
        let whole = folder.canonicalize().map_err(|_| missing())?;
        let (root, id) = (whole.parent(), whole.file_name().and_then(|name| name.to_str()));
        let (Some(root), Some(id)) = (root, id) else { return Err(missing().into()) };
        let run = how(root, id)?;
        if run.state.step != Step::Ready {
            let message = format!("the federation of run `{id}` does not stand");
            let hint = match run.state.step {
                Step::Ending | Step::Gone => {
                    "it was taken away: `deploy up` makes another".to_owned()
                }
                _ => format!("`deploy up --run {id}` goes on with it"),
            };
            return Err(DeployError::wrong(message, hint).into());
        }
        let inventory = run.inventory()?;
        Ok(Self { folder: folder.to_owned(), run, inventory })
    }

    /// How its machines are reached.
    pub(super) fn inventory(&self) -> &Inventory {
        &self.inventory
    }

    /// The machines of nodes, by number.
    pub(super) fn nodes(&self) -> Vec<&Host> {
        self.inventory.of(Role::Node).collect()
    }

    /// The public keys of its nodes, by number.
    ///
    /// # Errors
    /// A config cannot be read.
    pub(super) fn keys(&self) -> Result<Vec<NodeKey>, ClusterError> {
        let keys = self.nodes().into_iter().map(|host| configs::public_key(&self.run, host));
        Ok(keys.collect::<Result<_, _>>()?)
    }

    /// What the database is.
    pub(super) fn database(&self) -> Database {
        self.inventory.federation.database.unwrap_or(Database::Rethinkdb)
    }

    /// Where a node finds its store; its index counts from 0.
    pub(super) fn store_of(&self, node: usize) -> &str {
        let nodes = self.nodes();
        match self.database() {
            Database::Embedded if node > 0 => nodes[0].address_from(nodes[node]),
            _ => "127.0.0.1",
        }
    }

    /// From where the store hears a node.
    pub(super) fn heard_from(&self, node: usize) -> &str {
        let nodes = self.nodes();
        match self.database() {
            Database::Embedded if node > 0 => nodes[node].address_from(nodes[0]),
            _ => "127.0.0.1",
        }
    }

    /// Whether the store hears each node, and us, from an address of its own.
    pub(super) fn tells_nodes_apart(&self) -> bool {
        self.database() == Database::Embedded && self.nodes().len() > 1
    }

    /// Where the store of a machine is reached by us, from the machine itself; none if there is none. That is not where
    /// the node on the same machine reaches it, so that the store can tell us from it.
    pub(super) fn server_on(&self, node: usize) -> Option<&str> {
        let nodes = self.nodes();
        match self.database() {
            Database::Embedded if node > 0 => None,
            // Where nobody else asks it, it listens to its own machine only.
            Database::Embedded if nodes.len() == 1 => Some("127.0.0.1"),
            _ => Some(&nodes[node].private),
        }
    }

    /// The plan of a run on these machines: its nodes have the keys that they have there.
    ///
    /// # Errors
    /// There are more or fewer of them, or their keys cannot be read.
    pub fn take(&self, mut plan: Plan) -> Result<Plan, ClusterError> {
        let keys = self.keys()?;
        self.has_as_many(&plan)?;
        for (node, key) in plan.nodes.iter_mut().zip(&keys) {
            node.key = Some(key.as_str().to_owned());
        }
        Ok(plan)
    }

    /// Whether there is a machine for each of a plan's nodes, and no other.
    pub(super) fn has_as_many(&self, plan: &Plan) -> Result<(), ClusterError> {
        let (planned, there) = (plan.nodes.len(), self.nodes().len());
        if planned == there {
            return Ok(());
        }
        let folder = self.folder.display().to_string();
        Err(ClusterError::Count { planned, there, folder })
    }

    /// Where it is, and what of, for people.
    pub fn described(&self) -> String {
        let database = match self.database() {
            Database::Rethinkdb => format!("RethinkDB {}", self.inventory.federation.rethinkdb),
            Database::Embedded => "the embedded database on the first".to_owned(),
        };
        let Inventory { run, provider, .. } = &self.inventory;
        format!("a machine each, of `{run}` ({provider}), with {database}")
    }
}
