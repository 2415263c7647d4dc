//! `bigchaindb load`: CREATEs for a node, to see what it can do.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bigchaindb_core::model::Json;
use bigchaindb_load::blackhole::Blackhole;
use bigchaindb_load::client::Client;
use bigchaindb_load::corpus::{Corpus, Stock};
use bigchaindb_load::creates::{Creates, Pace, Part, Tally};
use bigchaindb_load::engine;
use bigchaindb_load::slip::Slip;
use clap::Args;
use hyper::Uri;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior};

use super::failure::{Failure, Result};
use super::rethinkdb::Stop;
use super::source::Source;
use crate::exit::Exit;

/// Write transactions to the backlog, to see how many a node takes.
///
/// CREATEs of new owners, posted to `api_endpoint` or to the nodes named. Without a rate every client
/// waits for its answer before it goes on; with one, requests go out on time whatever becomes of them,
/// and latencies count from the moment they were due. The first 200,000 are signed before the clock starts.
/// SIGINT ends it early. The log tells once a second how far it is; at the end stdout has the tally, and how far
/// the generator itself fell behind: if one request in a hundred went out more than 100 ms late, or one more
/// than a second, nothing is proved and the exit code is 4.
///
/// Source: BigchainDB 0.6 docs, "The BigchainDB Command Line Interface (CLI)".
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  bigchaindb load -m 8 -c 10000\n  \
    bigchaindb load --rate 500 -c 30000 --payload-bytes 200 --json\n  \
    bigchaindb load --blackhole -m 64 -c 200000")]
pub(crate) struct Load {
    /// So many clients at once; without a number, one for each core.
    #[arg(long, short, value_name = "N", num_args = 0..=1, default_missing_value = "0",
          default_value_t = 1)]
    multiprocess: usize,
    /// So many transactions in all; 0 means without end.
    #[arg(long, short, value_name = "N", default_value_t = 0)]
    count: u64,
    /// So many transactions a second, whatever becomes of them.
    #[arg(long, value_name = "R", value_parser = rate, conflicts_with = "multiprocess")]
    rate: Option<f64>,
    /// The threads that send, each with connections of its own.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=THREADS_MAX))]
    threads: u16,
    /// Load nothing but a target of our own that accepts everything at once: what the generator can do here.
    #[arg(long, conflicts_with = "node")]
    blackhole: bool,
    /// The bytes of each payload; 0 means no payload.
    #[arg(long, value_name = "N", default_value_t = 0,
          value_parser = clap::value_parser!(u32).range(..=PAYLOAD_BYTES_MAX))]
    payload_bytes: u32,
    /// A node's API, like `http://localhost:9984/api/v1`; several share the load.
    #[arg(long, value_name = "URL")]
    node: Vec<String>,
    /// What the transactions are made from: equal seeds give equal owners.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Print the tally as JSON.
    #[arg(long)]
    json: bool,
}

/// A node reads no larger body.
const PAYLOAD_BYTES_MAX: i64 = 1 << 20;

/// More threads than these are more than a machine has cores.
const THREADS_MAX: i64 = 256;

/// So many CREATEs are signed before the clock starts: they take some hundred megabytes.
const SIGNED_MAX: u64 = 200_000;

/// Where there is no end, nobody waits long for the beginning.
const SIGNED_ENDLESS: u64 = 20_000;

/// No request may take longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How often the log tells how far it is.
const TICK: Duration = Duration::from_secs(1);

impl Load {
    pub(crate) async fn run(&self, source: &Source) -> Result<Exit> {
        let mut stop = Stop::new()?;
        let blackhole = self.blackhole.then(Blackhole::start).transpose();
        let blackhole = blackhole.map_err(|error| Failure::surroundings(&error, "see `ulimit`"))?;
        let mut nodes = self.node.clone();
        if nodes.is_empty() && blackhole.is_none() {
            nodes.push(source.settings()?.shown(&["api_endpoint"]));
        }
        let mut addresses: Vec<_> = blackhole.iter().map(Blackhole::address).collect();
        for node in &nodes {
            addresses.push(address(node).await?);
        }
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let clients = if self.multiprocess == 0 { cores } else { self.multiprocess };
        let pace = self.rate.map_or(Pace::Clients(clients), Pace::PerSecond);
        let seed = self.seed.unwrap_or_else(|| u64::from_be_bytes(crate::entropy()));
        let corpus = Corpus::new(seed, self.payload_bytes as usize);
        let count = (self.count > 0).then_some(self.count);
        let signed = count.map_or(SIGNED_ENDLESS, |count| count.min(SIGNED_MAX));
        log::info!(target: "bigchaindb", "Signing {signed} transactions");
        let stock = Arc::new(Stock::sign(corpus, signed, cores));
        match pace {
            Pace::Clients(1) => log::info!(target: "bigchaindb", "Starting 1 client"),
            Pace::Clients(clients) => {
                log::info!(target: "bigchaindb", "Starting {clients} clients")
            }
            Pace::PerSecond(rate) => log::info!(target: "bigchaindb", "Starting {rate} a second"),
        }
        let began = Instant::now();
        let (enough, is_enough) = watch::channel(false);
        let (mut tallies, mut ends) = (Vec::new(), Vec::new());
        for index in 0..usize::from(self.threads) {
            let part = Part { index, of: self.threads.into() };
            let creates = Creates::new(stock.clone(), pace, addresses.len(), count, part);
            tallies.push(creates.tally());
            let generator = Generator { creates, addresses: addresses.clone(), began };
            let started = generator.start(is_enough.clone());
            ends.push(started.map_err(|error| Failure::surroundings(&error, "see `ulimit`"))?);
        }
        tokio::select! {
            () = until_all(&mut ends) => {}
            () = tell(&tallies) => {}
            () = stop.wanted() => {}
        }
        let took = began.elapsed();
        enough.send_replace(true);
        let mut slip = Slip::default();
        for end in &mut ends {
            if let Some(slips) = end.slip().await {
                slip.add(&slips);
            }
        }
        self.conclude(&sum(&tallies), took, &slip)
    }

    /// Prints the tally. The answer is no if anything was refused or stayed without an answer; it is the
    /// surroundings that failed if the generator did not keep up.
    fn conclude(&self, tally: &Tally, took: Duration, slip: &Slip) -> Result<Exit> {
        if let Some(trouble) = &tally.first_trouble {
            log::warn!(target: "bigchaindb", "not all were accepted; the first trouble: {trouble}");
        }
        let ms = |us: u64| Json::Float(us as f64 / 1e3);
        let latency = &tally.latency_us;
        let facts = [
            ("sent", Json::from(tally.sent)),
            ("accepted", tally.accepted.into()),
            ("turned_away", tally.turned_away.into()),
            ("refused", tally.refused.into()),
            ("unanswered", tally.unanswered.into()),
            ("unsent", tally.unsent.into()),
            ("seconds", Json::Float(took.as_secs_f64())),
            ("accepted_per_second", Json::Float(tally.accepted as f64 / took.as_secs_f64())),
            ("latency_ms_p50", ms(latency.value_at_quantile(0.5))),
            ("latency_ms_p99", ms(latency.value_at_quantile(0.99))),
            ("latency_ms_max", ms(latency.max())),
            // How far the generator itself fell behind: if that is much, nothing is proved.
            ("slip_ms_p50", ms(slip.quantile_us(0.5))),
            ("slip_ms_p99", ms(slip.quantile_us(0.99))),
            ("slip_ms_max", ms(slip.max_us())),
            ("late", slip.late().into()),
        ];
        let text = match self.json {
            true => Json::object(facts).to_string(),
            false => lines(&facts),
        };
        let written = writeln!(io::stdout(), "{text}");
        written.map_err(|error| Failure::surroundings(&error, "is stdout closed?"))?;
        if !slip.is_kept() {
            log::warn!(
                target: "bigchaindb",
                "the generator could not keep up: {} of {} requests were late; nothing is proved",
                slip.late(),
                slip.requests()
            );
            return Ok(Exit::Surroundings);
        }
        let all = tally.turned_away + tally.refused + tally.unanswered + tally.unsent == 0;
        Ok(if all { Exit::Done } else { Exit::No })
    }
}

/// A part of the load, in a thread of its own.
struct Generator {
    creates: Creates,
    addresses: Vec<SocketAddr>,
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
                let client = Client::new(&self.addresses);
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

async fn until_all(ends: &mut [End]) {
    for end in ends {
        end.slip().await;
    }
}

fn sum(tallies: &[Arc<Mutex<Tally>>]) -> Tally {
    let mut sum = Tally::default();
    for tally in tallies {
        sum.add(&tally.lock().expect("nobody panics with the tally"));
    }
    sum
}

/// Tells how far it is, until it is dropped.
async fn tell(tallies: &[Arc<Mutex<Tally>>]) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks.tick().await;
    let (mut before, mut began) = (0, Instant::now());
    loop {
        let at = ticks.tick().await;
        let now = sum(tallies).accepted;
        let speed = (now - before) as f64 / (at - began).as_secs_f64();
        log::info!(
            target: "logstats.base",
            "transactions: {now}, transactions.speed: {speed:.1}"
        );
        (before, began) = (now, at);
    }
}

fn lines(facts: &[(&str, Json)]) -> String {
    let line = |(name, value): &(&str, Json)| {
        let value = match value {
            Json::Float(number) => format!("{number:.2}"),
            other => other.to_string(),
        };
        format!("{name:<20} {value:>12}")
    };
    facts.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn rate(text: &str) -> std::result::Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| *rate > 0.0 && rate.is_finite());
    rate.ok_or_else(|| "a number above 0".to_owned())
}

/// The address of a node's API.
async fn address(url: &str) -> Result<SocketAddr> {
    let wrong = || {
        let message = format!("`{url}` is no address of a node's API");
        Failure::no(message, "it should look like `http://localhost:9984/api/v1`").of_usage()
    };
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let at_home = matches!(uri.path().trim_end_matches('/'), "" | "/api/v1");
    let host = uri.host().filter(|_| at_home && uri.scheme_str() == Some("http"));
    let host = host.ok_or_else(wrong)?;
    let name = format!("{host}:{}", uri.port_u16().unwrap_or(80));
    crate::address::of(&name).await.map_err(|error| {
        let error = io::Error::new(error.kind(), format!("`{url}`: {error}"));
        Failure::surroundings(&error, "is the name right? see `api_endpoint`")
    })
}
