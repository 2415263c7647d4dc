//! What members of their own are made of: `--processes`, the images of containers, machines that are there.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bigchaindb::clock;
use bigchaindb_monitoring::dash::Board;
use bigchaindb_monitoring::relay::{Influxdb, Sink};
use bigchaindb_simulator::backends::apart::{self, ApartError, Images, Means, Namespaces};
use bigchaindb_simulator::backends::cluster::{Cluster, ClusterError, Deployment};
use bigchaindb_simulator::backends::{Backend, BackendError};
use bigchaindb_simulator::plan::{Engine, Plan};
use bigchaindb_simulator::record::{Results, RunDirectory};
use bigchaindb_simulator::run::RunError;
use bigchaindb_simulator::scenario::{Asked, Scenario};
use bigchaindb_simulator::{monitor, observe};
use clap::{Args, ValueEnum};

use crate::dash;
use crate::exit::Exit;
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
    /// A database of InfluxDB, as http://user:password@host:port/database: what nodes count and time,
    /// what the federation does and which faults hold goes there while they run. A run in virtual time
    /// is shown as if it had just ended.
    #[arg(long, value_name = "URL", value_parser = database)]
    influxdb: Option<String>,
    /// A page that shows the run while it goes, here or at another address.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "127.0.0.1:9980")]
    dash: Option<SocketAddr>,
    /// With `--backend docker` and `store = "rethinkdb"`: the image of RethinkDB; without it, what
    /// `TESTBED_RETHINKDB_IMAGE` names, or `rethinkdb:2.4.4-bookworm-slim`.
    #[arg(long, value_name = "IMAGE")]
    rethinkdb_image: Option<String>,
    /// Run it on machines that `deploy up` has made: the folder of that run, as in deployments/RUN. This is
    /// `--backend cluster`.
    #[arg(long, value_name = "DIR")]
    cluster: Option<PathBuf>,
    /// With `--cluster`: throw away all that its database holds, and make another.
    #[arg(long, requires = "cluster")]
    fresh: bool,
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
        if scenario.matrix.is_some() && (self.influxdb.is_some() || self.dash.is_some()) {
            let message = "the runs of a matrix are too many to look at".to_owned();
            return Err(Failure::wrong(message, "leave `--influxdb` and `--dash` out"));
        }
        if self.dash.is_some() && scenario.backend() == Backend::Sim {
            let message = "a run in virtual time is over before anybody has looked".to_owned();
            let hint =
                "add `--backend local`; `--influxdb` shows it afterwards, its report as well";
            return Err(Failure::wrong(message, hint));
        }
        let backend = scenario.backend();
        if backend == Backend::Cluster {
            self.check_cluster(scenario)?;
        }
        if self.store.is_none() {
            return Ok(());
        }
        if backend == Backend::Cluster {
            let message = "a cluster has the store that it was deployed with".to_owned();
            return Err(Failure::wrong(message, "leave `--store` out"));
        }
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

    fn check_cluster(&self, scenario: &Scenario) -> Result<()> {
        if self.cluster.is_none() {
            let nowhere = ClusterError::Nowhere;
            return Err(Failure::wrong(nowhere.to_string(), nowhere.hint()));
        }
        if scenario.matrix.is_some() {
            let message =
                "each run of a matrix takes a federation that has decided nothing yet".to_owned();
            return Err(Failure::wrong(message, "run it elsewhere, or take `[matrix]` out"));
        }
        Ok(())
    }

    /// The plan with what is known of the machines that it is for.
    pub(crate) fn place(&self, plan: Plan) -> Result<Plan> {
        let Some(folder) = self.cluster.as_ref().filter(|_| plan.backend == Backend::Cluster)
        else {
            return Ok(plan);
        };
        let placed = Deployment::look(folder).and_then(|deployment| deployment.take(plan));
        placed.map_err(|error| of_cluster(&error))
    }

    /// What of it belongs to the command that runs a plan again.
    pub(crate) fn words(&self) -> String {
        let name = self.store.and_then(|store| store.to_possible_value());
        let store = name.map_or_else(String::new, |name| format!(" --store {}", name.get_name()));
        let cluster = self.cluster.as_ref();
        // What the run has left is in its database.
        let on = cluster.map(|folder| format!(" --cluster {} --fresh", folder.display()));
        store + &on.unwrap_or_default()
    }

    /// The world that is asked for.
    fn backend(&self, asked: Option<Backend>) -> Result<Option<Backend>> {
        match (self.processes, asked) {
            (false, None) if self.cluster.is_some() => Ok(Some(Backend::Cluster)),
            (_, asked)
                if self.cluster.is_some()
                    && (self.processes || asked != Some(Backend::Cluster)) =>
            {
                let other = asked.map_or("processes", Backend::name);
                let message = format!("`--cluster` and `{other}` are two worlds");
                Err(Failure::wrong(message, "leave one of them out"))
            }
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
        Means {
            node_binary: self.node_binary.clone(),
            namespaces,
            images,
            influxdb: self.influxdb.clone(),
            board: None,
            live: None,
            cluster: self.cluster.clone().map(|folder| Cluster { folder, fresh: self.fresh }),
        }
    }

    /// Opens the page, if one is asked for; where it is.
    pub(crate) fn open(&self) -> Result<Option<(Board, SocketAddr)>> {
        self.dash.map(dash::open).transpose()
    }

    /// What whoever runs it should know.
    pub(crate) fn note(&self, backend: Backend) -> Option<String> {
        let why = self.plain(backend)?;
        Some(format!("plain processes, which cannot be cut off: {why}"))
    }

    /// What the report says of it.
    pub(crate) fn told(&self, backend: Backend) -> BTreeMap<String, String> {
        let members = match (backend, self.plain(backend)) {
            (Backend::Cluster, _) => {
                let deployment = self.cluster.as_deref().and_then(|at| Deployment::look(at).ok());
                return deployment.map_or_else(BTreeMap::new, |deployment| {
                    BTreeMap::from([("members".to_owned(), deployment.described())])
                });
            }
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
    if let RunError::Backend { source: BackendError::Cluster(cause), .. } = error {
        return of_cluster(cause);
    }
    Failure::surroundings(error, "nothing was judged")
}

/// A deployment that is not as it should be.
pub(crate) fn of_cluster(error: &ClusterError) -> Failure {
    let failure = Failure::surroundings(error, error.hint());
    if error.is_refusal() { Failure { exit: Exit::Wrong, ..failure } } else { failure }
}

/// Whether something names a database.
fn database(target: &str) -> std::result::Result<String, String> {
    Influxdb::at(target).map(|_| target.to_owned()).map_err(|error| error.to_string())
}

impl WithMeans {
    /// Shows what a run in virtual time did to whoever looks at the database, if one is named, as if it had
    /// just ended. Others have shown it while they ran.
    pub(crate) fn show(&self, results: &Results, path: &Path) -> Result<()> {
        let is_virtual = results.backend == Backend::Sim.name();
        let Some(database) = self.influxdb.as_ref().filter(|_| is_virtual) else { return Ok(()) };
        let failed = |error: &dyn std::error::Error| {
            let error = Failure::surroundings(error, "the run itself is in its folder");
            Failure { message: format!("cannot write to {database}: {}", error.message), ..error }
        };
        let directory = RunDirectory::open(path);
        let records = observe::read(&directory.observations()).map_err(|error| failed(&error))?;
        let now_ns = clock::now().unix_ms.saturating_mul(1_000_000);
        let began_ns = now_ns.saturating_sub(results.duration_us * 1_000);
        let points = monitor::points(&directory.name(), began_ns, &records);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let told = runtime.map(|runtime| {
            runtime.block_on(async {
                let influxdb = Influxdb::at(database).map_err(std::io::Error::other)?;
                Sink::Influxdb(Box::new(influxdb)).tell(&points).await
            })
        });
        told.and_then(|told| told).map_err(|error| failed(&error))
    }
}
