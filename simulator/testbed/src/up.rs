//! `testbed up`: a federation to play with, until it is told to stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use bigchaindb::federation::{Common, LocalFederation, OpenFederationError};
use bigchaindb::shell::QUERY_TIMEOUT;
use bigchaindb_core::rules;
use bigchaindb_core::stages::Settings;
use clap::Args;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;

/// Start a federation on this machine and serve its HTTP API until Ctrl-C.
///
/// Keys and data stay in the folder: the next `up` goes on where this one stopped, however it
/// stopped.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed up --nodes 4 --data runs/up")]
pub(crate) struct Up {
    /// How many nodes.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    nodes: u16,
    /// The folder that keeps keys and data.
    #[arg(long, default_value = "runs/up")]
    data: PathBuf,
    /// The first node's port; the others follow. 0 takes any that are free.
    #[arg(long, default_value_t = 9984)]
    port: u16,
    /// Tell what the nodes report.
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Serialize)]
struct Node {
    name: String,
    api: String,
}

impl Up {
    pub(crate) fn run(&self) -> Result<Exit> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::surroundings(&error, "try again"))?;
        runtime.block_on(self.serve())
    }

    async fn serve(&self) -> Result<Exit> {
        let addresses = self.addresses()?;
        let verbose = self.verbose;
        let common = Common {
            rules: rules::by_name("default").expect("the default rules are always there"),
            settings: Settings::default(),
            query_timeout: QUERY_TIMEOUT,
            on_report: Arc::new(move |node, report| {
                if verbose {
                    eprintln!("n{}: {report:?}", node + 1);
                }
            }),
            metrics: Vec::new(),
            records: Vec::new(),
        };
        let federation = LocalFederation::open(&self.data, &common, &addresses).await;
        let federation = federation.map_err(|error| self.cannot_start(&error))?;
        let nodes: Vec<_> = (1..)
            .zip(federation.addresses())
            .map(|(number, address)| Node {
                name: format!("n{number}"),
                api: format!("http://{address}/api/v1/"),
            })
            .collect();
        for node in &nodes {
            self.output.line(format!("{}: {}", node.name, node.api));
        }
        self.output.data(&nodes);
        eprintln!("keys and data: {}; stop with Ctrl-C", self.data.display());
        let stopped = tokio::signal::ctrl_c().await;
        stopped.map_err(|error| Failure::surroundings(&error, "stop it by its process id"))?;
        federation.stop().await.map_err(|error| {
            Failure::surroundings(&error, "a node broke its promises: please report it")
        })?;
        Ok(Exit::Done)
    }

    fn addresses(&self) -> Result<Vec<SocketAddr>> {
        let address = |index: u16| {
            let port = if self.port == 0 { Some(0) } else { self.port.checked_add(index) };
            port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        };
        (0..self.nodes).map(address).collect::<Option<_>>().ok_or_else(|| {
            let message = format!("there are no {} ports from {} on", self.nodes, self.port);
            Failure::wrong(message, "choose a lower `--port`")
        })
    }

    fn cannot_start(&self, error: &OpenFederationError) -> Failure {
        let hint = match error {
            OpenFederationError::Keys(_) => {
                format!(
                    "choose another `--data` than {}, or its number of nodes",
                    self.data.display()
                )
            }
            OpenFederationError::Store(_) => "is another `up` using this folder?".to_owned(),
            OpenFederationError::Start(_) => {
                "is the port taken? `--port 0` takes any that is free".to_owned()
            }
        };
        Failure::surroundings(error, hint)
    }
}
