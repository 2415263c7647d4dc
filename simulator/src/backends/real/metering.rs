//! The metrics of a run in real time: a relay that its nodes send to, and that writes to InfluxDB.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use bigchaindb_monitoring::relay::{self, Heard, Influxdb, Relay, Sink};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A relay that runs beside a run.
pub(in super::super) struct Metering {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    relaying: JoinHandle<Heard>,
    troubles: Arc<Mutex<Vec<String>>>,
}

impl Metering {
    /// Listens at some port of this address, if a database is named.
    ///
    /// # Errors
    /// If nobody can listen there, or what is named is no database.
    pub(in super::super) async fn start(
        database: Option<&str>,
        address: IpAddr,
    ) -> io::Result<Option<Self>> {
        let Some(database) = database else { return Ok(None) };
        let sink = Sink::Influxdb(Box::new(Influxdb::at(database).map_err(io::Error::other)?));
        let relay = Relay::bind(SocketAddr::new(address, 0), relay::INTERVAL).await?;
        let address = relay.address()?;
        let (stop, stopped) = oneshot::channel();
        let troubles = Arc::new(Mutex::new(Vec::new()));
        let told = troubles.clone();
        let relaying = tokio::spawn(async move {
            let complain = move |trouble| {
                told.lock().unwrap_or_else(PoisonError::into_inner).push(trouble);
            };
            relay.run(sink, async { drop(stopped.await) }, complain).await
        });
        Ok(Some(Self { address, stop, relaying, troubles }))
    }

    /// Where nodes send to.
    pub(in super::super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it; what came of it, for people.
    pub(in super::super) async fn finish(self) -> String {
        drop(self.stop);
        let heard = self.relaying.await.unwrap_or_default();
        let troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
        let Heard { datagrams, lines, malformed, lost } = heard;
        let mut said = format!("{lines} lines in {datagrams} datagrams of nodes");
        if malformed + lost > 0 {
            said.push_str(&format!(", {malformed} not understood, {lost} points lost"));
        }
        if let Some(trouble) = troubles.last() {
            said.push_str(&format!("; {trouble}"));
        }
        said
    }
}
