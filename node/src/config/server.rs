//! How the API is served, as far as a configuration says: the section `server`, which the original
//! handed to Gunicorn.
//!
//! What of Gunicorn's settings has a meaning here is listed here; any other is kept and warned about.

use std::time::Duration;

use bigchaindb_core::model::Json;

use super::{ConfigError, Settings, value};

/// How the API is served; what is not set is left to whoever serves.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Server {
    /// `server.workers`: worker threads.
    pub workers: Option<usize>,
    /// `server.threads`: requests under way for each worker.
    pub threads: Option<usize>,
    /// `server.worker_connections`: connections for each worker.
    pub worker_connections: Option<usize>,
    /// `server.backlog`: connections that wait until they are taken up.
    pub backlog: Option<usize>,
    /// `server.timeout`, in seconds: how long a request may take.
    pub timeout: Option<Duration>,
    /// `server.keepalive`, in seconds: how long a connection may be idle.
    pub keepalive: Option<Duration>,
    /// `server.graceful_timeout`, in seconds: how long requests may take once the node is to stop.
    pub graceful_timeout: Option<Duration>,
    /// `server.limit_request_line`: the longest request line, in bytes.
    pub limit_request_line: Option<usize>,
    /// `server.limit_request_fields`: the most header fields.
    pub limit_request_fields: Option<usize>,
}

impl Settings {
    /// The section `server`, but for its address.
    pub(super) fn server(&self) -> Result<Server, ConfigError> {
        let seconds =
            |name| Ok(self.count(name, 86_400)?.map(|count| Duration::from_secs(count as u64)));
        Ok(Server {
            workers: self.count("workers", 1024)?,
            threads: self.count("threads", 1024)?,
            worker_connections: self.count("worker_connections", 1_000_000)?,
            backlog: self.count("backlog", 65_535)?,
            timeout: seconds("timeout")?,
            keepalive: seconds("keepalive")?,
            graceful_timeout: seconds("graceful_timeout")?,
            limit_request_line: self.count("limit_request_line", 8190)?,
            limit_request_fields: self.count("limit_request_fields", 32_768)?,
        })
    }

    /// A number from 1 on, if it is set.
    fn count(&self, name: &str, most: usize) -> Result<Option<usize>, ConfigError> {
        let path = ["server", name];
        let Some(found) = self.at(&path).filter(|found| !found.is_null()) else { return Ok(None) };
        let count = Json::as_i64(found).and_then(|count| usize::try_from(count).ok());
        match count.filter(|count| (1..=most).contains(count)) {
            Some(count) => Ok(Some(count)),
            None => Err(value(&path, &found.to_string(), "no whole number in the allowed range")),
        }
    }
}
