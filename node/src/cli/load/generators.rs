//! The generators of one process: threads that send, each with connections of its own.

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use bigchaindb_load::client::Client;
use bigchaindb_load::corpus::{Corpus, Stock};
use bigchaindb_load::creates::{Creates, Pace, Part, Tally};
use bigchaindb_load::engine;
use bigchaindb_load::slip::Slip;
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use super::super::failure::{Failure, Result};

/// No request may take longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What a process is to send.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) nodes: Vec<SocketAddr>,
    pub(super) pace: Pace,
    /// How many requests there are in all, those of other processes included; `None` means without end.
    pub(super) count: Option<u64>,
    pub(super) seed: u64,
    pub(super) payload_bytes: usize,
    /// The first so many are signed before the clock starts.
    pub(super) signed: u64,
    pub(super) threads: usize,
    /// Which process it is.
    pub(super) process: Part,
}

/// What came of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) tally: Tally,
    pub(super) slip: Slip,
}

impl Order {
    /// Signs what this process sends; takes a while.
    pub(super) fn sign(&self) -> Arc<Stock> {
        let cores = cores() / self.process.of;
        let corpus = Corpus::new(self.seed, self.payload_bytes);
        Arc::new(Stock::sign(corpus, self.process, self.signed, cores))
    }

    /// Begins to send.
    pub(super) fn start(&self, stock: &Arc<Stock>) -> Result<Generators> {
        let (enough, is_enough) = watch::channel(false);
        let mut generators = Generators { tallies: Vec::new(), ends: Vec::new(), enough };
        let began = Instant::now();
        for index in 0..self.threads {
            let part = self.process.part(Part { index, of: self.threads });
            let creates =
                Creates::new(stock.clone(), self.pace, self.nodes.len(), self.count, part);
            generators.tallies.push(creates.tally());
            let generator = Generator { creates, nodes: self.nodes.clone(), began };
            let started = generator.start(is_enough.clone());
            let end = started.map_err(|error| Failure::surroundings(&error, "see `ulimit`"))?;
            generators.ends.push(end);
        }
        Ok(generators)
    }
}

/// How many cores there are.
pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// All that send in this process.
pub(super) struct Generators {
    tallies: Vec<Arc<Mutex<Tally>>>,
    ends: Vec<End>,
    enough: watch::Sender<bool>,
}

impl Generators {
    /// Tells how many were accepted so far.
    pub(super) fn progress(&self) -> impl Fn() -> u64 + use<> {
        let tallies = self.tallies.clone();
        let accepted = |tally: &Arc<Mutex<Tally>>| locked(tally).accepted;
        move || tallies.iter().map(accepted).sum()
    }

    /// Waits until all has been sent.
    pub(super) async fn done(&mut self) {
        for end in &mut self.ends {
            end.slip().await;
        }
    }

    /// Stops whatever still sends.
    pub(super) async fn stop(mut self) -> Outcome {
        self.enough.send_replace(true);
        let mut outcome = Outcome::default();
        for end in &mut self.ends {
            if let Some(slip) = end.slip().await {
                outcome.slip.add(&slip);
            }
        }
        self.tallies.iter().for_each(|tally| outcome.tally.add(&locked(tally)));
        outcome
    }
}

fn locked(tally: &Mutex<Tally>) -> MutexGuard<'_, Tally> {
    tally.lock().expect("nobody panics with the tally")
}

/// A part of the load, in a thread of its own.
struct Generator {
    creates: Creates,
    nodes: Vec<SocketAddr>,
    began: Instant,
}

/// How a generator's thread says that it is done: with its slip, if it was not stopped before.
struct End {
    told: oneshot::Receiver<Option<Slip>>,
    slip: Option<Option<Slip>>,
}

impl Generator {
    fn start(mut self, mut is_enough: watch::Receiver<bool>) -> io::Result<End> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (tell, told) = oneshot::channel();
        let load = move || {
            let slip = runtime.block_on(async {
                let client = Client::new(&self.nodes);
                tokio::select! {
                    slip = engine::run(&mut self.creates, &client, self.began, TIMEOUT) => Some(slip),
                    // Whoever would say so is gone only with the whole program.
                    _ = is_enough.wait_for(|enough| *enough) => None,
                }
            });
            // Nobody waits any more if the program ends.
            let _ = tell.send(slip);
        };
        thread::Builder::new().name("load".into()).spawn(load)?;
        Ok(End { told, slip: None })
    }
}

impl End {
    /// Waits until it is done.
    async fn slip(&mut self) -> Option<Slip> {
        if self.slip.is_none() {
            // One that has panicked has nothing to tell.
            self.slip = Some((&mut self.told).await.ok().flatten());
        }
        self.slip.clone().flatten()
    }
}
