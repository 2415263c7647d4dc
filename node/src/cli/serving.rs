//! What a node may use of the machine: threads, requests and connections at once, open files.
//!
//! `server.workers` and `server.threads` were numbers of processes and of threads in each. Here a
//! worker is a thread, and workers times threads are the requests under way at once, as they were.

use std::num::NonZero;
use std::time::Duration;

use bigchaindb_core::stages::Settings;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};

use super::failure::{Failure, Result};
use crate::config::{NodeConfig, Server};
use crate::http::Service;

/// Files that are open besides connections of clients: the store, the connections to it, feeds.
const OTHER_FILES: u64 = 256;

/// How long a request waits for its turn if all places are taken: Gunicorn left it in the listener's
/// backlog.
const LINE_WAIT: Duration = Duration::from_secs(1);

/// The threads that the configuration asks for; as many as there are cores, if it does not.
pub(super) fn runtime(server: &Server) -> Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(workers) = server.workers {
        builder.worker_threads(workers);
        // It may be there already, in a program with commands of its own: then it stays as it is.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(workers).build_global();
    }
    builder.enable_all().build().map_err(|error| Failure::surroundings(&error, "try again"))
}

/// Transactions in a block at most where the database is a server: to find one of them by an index, RethinkDB 2.4.4
/// reads the whole row of its block, which took it 0.5 ms of processor time for 1000 transactions. One node and its
/// RethinkDB on two cores decided 1,076 CREATEs and 420 TRANSFERs a second in blocks of 1000, 1,450 and 633 in blocks
/// of 500, 1,727 and 854 in blocks of 250, 1,581 and 890 in blocks of 100; four nodes 378 and 262, 671 and 340, 875
/// and 407, 831 and 424 (`node/examples/throughput`).
const BLOCK_SIZE: usize = 250;

/// The bounds of a node's stages, with a database in itself or on a server.
pub(super) fn settings(server: &Server, embedded: bool) -> Settings {
    let mut settings = Settings::default();
    if !embedded {
        settings.block_size = BLOCK_SIZE;
    }
    if server.workers.is_none() && server.threads.is_none() {
        return settings;
    }
    // As the original took it, if one of them is not said.
    let usual = std::thread::available_parallelism().map_or(1, NonZero::get) * 2 + 1;
    let requests = server.workers.unwrap_or(usual) * server.threads.unwrap_or(usual);
    Settings { requests, ..settings }
}

/// How clients are served.
pub(super) fn service(config: &NodeConfig) -> Service {
    let (usual, server) = (Service::default(), &config.server);
    let connections = server.worker_connections.map_or(usual.connections, |connections| {
        connections.saturating_mul(server.workers.unwrap_or(1))
    });
    let request_timeout = server.timeout.unwrap_or(usual.request_timeout);
    Service {
        api_endpoint: Some(config.api_endpoint.clone()),
        connections: within_files(connections),
        backlog: server.backlog.unwrap_or(usual.backlog),
        body_timeout: usual.body_timeout.min(request_timeout),
        request_timeout,
        head_timeout: server.keepalive.unwrap_or(usual.head_timeout),
        drain_timeout: server.graceful_timeout.unwrap_or(usual.drain_timeout),
        line_bytes: server.limit_request_line.unwrap_or(usual.line_bytes),
        fields: server.limit_request_fields.unwrap_or(usual.fields),
        line_wait: LINE_WAIT,
        ..usual
    }
}

/// As many of these connections as there may be open files; their limit is raised first, as far as
/// it goes.
fn within_files(connections: usize) -> usize {
    let wanted = connections as u64 + OTHER_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current.filter(|current| *current < wanted) else { return connections };
    let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let limit = Rlimit { current: Some(raised), maximum };
    let files = setrlimit(Resource::Nofile, limit).map_or(current, |()| raised);
    if files >= wanted {
        return connections;
    }
    let fewer = files.saturating_sub(OTHER_FILES).max(1);
    log::warn!(
        target: "bigchaindb",
        "{fewer} connections at most, instead of {connections}: the limit of open files is {files} \
         (`ulimit -n`)"
    );
    usize::try_from(fewer).unwrap_or(connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_smaller_on_a_server() {
        let said = Server { workers: Some(3), threads: Some(2), ..Server::default() };
        for server in [Server::default(), said] {
            let (own, served) = (settings(&server, true), settings(&server, false));
            assert_eq!(own.block_size, Settings::default().block_size);
            assert_eq!(served, Settings { block_size: 250, ..own });
        }
    }
}
