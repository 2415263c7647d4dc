//! The metrics of a run in real time: a relay that its nodes send to, and what the federation does, told while
//! it goes.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bigchaindb_monitoring::relay::{self, Heard, Influxdb, Relay, Sink};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::super::apart::Means;
use super::Recorder;
use crate::monitor::Monitor;

/// What is new in the log is told this often.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// A relay that runs beside a run, and whoever tells of the federation.
pub(in super::super) struct Metering {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    relaying: JoinHandle<Heard>,
    means: Means,
    troubles: Troubles,
}

/// Tells what the federation does, as the log has it.
pub(in super::super) struct Watch {
    stop: oneshot::Sender<()>,
    watching: JoinHandle<()>,
}

/// What went wrong with points last, for people.
#[derive(Clone, Default)]
struct Troubles(Arc<Mutex<Option<String>>>);

impl Metering {
    /// Listens at some port of this address, if anybody is named who wants metrics.
    ///
    /// # Errors
    /// If nobody can listen there, or what is named is no database.
    pub(in super::super) async fn start(
        means: &Means,
        address: IpAddr,
    ) -> io::Result<Option<Self>> {
        let sinks = sinks(means)?;
        if sinks.is_empty() {
            return Ok(None);
        }
        let relay = Relay::bind(SocketAddr::new(address, 0), relay::INTERVAL).await?;
        let address = relay.address()?;
        let (stop, stopped) = oneshot::channel();
        let troubles = Troubles::default();
        let told = troubles.clone();
        let relaying = tokio::spawn(async move {
            let complain = move |trouble| told.add(trouble);
            relay.run(sinks, async { drop(stopped.await) }, complain).await
        });
        Ok(Some(Self { address, stop, relaying, means: means.clone(), troubles }))
    }

    /// Where nodes send to.
    pub(in super::super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Tells what the federation does in the run of this name from now on; its clock stood at 0 then.
    ///
    /// # Errors
    /// If what is named is no database.
    pub(in super::super) fn watch(
        &self,
        name: &str,
        started_unix_ms: u64,
        recorder: &Recorder,
    ) -> io::Result<Watch> {
        let mut sinks = sinks(&self.means)?;
        let mut monitor = Monitor::new(name, started_unix_ms.saturating_mul(1_000_000));
        let (recorder, troubles) = (recorder.clone(), self.troubles.clone());
        let (stop, mut stopped) = oneshot::channel();
        let watching = tokio::spawn(async move {
            let mut ticks = interval(TOLD_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (mut place, mut is_last) = (0, false);
            while !is_last {
                tokio::select! {
                    _ = &mut stopped => is_last = true,
                    _ = ticks.tick() => {}
                }
                recorder.read_on(&mut place, |observed| monitor.see(observed));
                let now_us = recorder.now_us();
                // The rest of it, too.
                let points = if is_last { monitor.finish(now_us) } else { monitor.until(now_us) };
                if let Err(error) = Sink::tell_all(&mut sinks, points).await {
                    troubles.add(error.to_string());
                }
            }
        });
        Ok(Watch { stop, watching })
    }

    /// Ends it; what came of it, for people.
    pub(in super::super) async fn finish(self) -> String {
        drop(self.stop);
        let heard = self.relaying.await.unwrap_or_default();
        let Heard { datagrams, lines, malformed, lost } = heard;
        let mut said = format!("{lines} lines in {datagrams} datagrams of nodes");
        if malformed + lost > 0 {
            said.push_str(&format!(", {malformed} not understood, {lost} points lost"));
        }
        if let Some(trouble) = self.troubles.last() {
            said.push_str(&format!("; {trouble}"));
        }
        said
    }
}

impl Watch {
    /// Tells the rest of what was written down.
    pub(in super::super) async fn finish(self) {
        drop(self.stop);
        // One that has panicked has told what it could.
        let _ = self.watching.await;
    }
}

impl Troubles {
    fn add(&self, trouble: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble);
    }

    fn last(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where points go.
fn sinks(means: &Means) -> io::Result<Vec<Sink>> {
    let mut sinks = Vec::new();
    if let Some(database) = &means.influxdb {
        let influxdb = Influxdb::at(database).map_err(io::Error::other)?;
        sinks.push(Sink::Influxdb(Box::new(influxdb)));
    }
    sinks.extend(means.board.clone().map(Sink::Board));
    Ok(sinks)
}
