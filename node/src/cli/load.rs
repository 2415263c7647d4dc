//! `bigchaindb load`: CREATEs for a node, to see what it can do.
//!
//! Here: what is asked for, and what is said of it. Not here: the threads of a process (`generators`), several
//! processes (`processes`).

mod generators;
mod processes;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use bigchaindb_core::model::{Json, Object};
use bigchaindb_load::blackhole::Blackhole;
use bigchaindb_load::creates::{Pace, Part, Tally};
use bigchaindb_load::slip::Slip;
use clap::Args;
use hyper::Uri;
use tokio::time::{Instant, MissedTickBehavior};

use super::failure::{Failure, Result};
use super::rethinkdb::Stop;
use super::source::Source;
use crate::exit::Exit;
use generators::{Order, Outcome};

pub(super) use processes::LoadProcess;

/// Write transactions to the backlog, to see how many a node takes.
///
/// CREATEs of new owners, posted to `api_endpoint` or to the nodes named. Without a rate every client
/// waits for its answer before it goes on; with one, requests go out on time whatever becomes of them,
/// and latencies count from the moment they were due. The first 200,000 are signed before the clock starts.
/// SIGINT ends it early. Several processes share the load like several threads; their counts and histograms are
/// added up, and one that dies ends all with code 4. The log tells once a second how far it is; at the end stdout has the tally, and how far
/// each process of the generator itself fell behind: if one request in a hundred went out more than 100 ms late, or
/// one more than a second, nothing is proved and the exit code is 4.
///
/// Source: BigchainDB 0.6 docs, "The BigchainDB Command Line Interface (CLI)".
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  bigchaindb load -m 8 -c 10000\n  \
    bigchaindb load --rate 500 -c 30000 --payload-bytes 200 --json\n  \
    bigchaindb load --rate 2000 -c 200000 --processes 4\n  \
    bigchaindb load --blackhole -m 64 -c 200000")]
pub(crate) struct Load {
    /// So many clients at once; without a number, one for each core. If left out, one for each thread that sends.
    #[arg(long, short, value_name = "N", num_args = 0..=1, default_missing_value = "0")]
    multiprocess: Option<usize>,
    /// So many transactions in all; 0 means without end.
    #[arg(long, short, value_name = "N", default_value_t = 0)]
    count: u64,
    /// So many transactions a second, whatever becomes of them.
    #[arg(long, value_name = "R", value_parser = rate, conflicts_with = "multiprocess")]
    rate: Option<f64>,
    /// The processes that send.
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=PROCESSES_MAX))]
    processes: u16,
    /// The threads of each process that send, each with connections of its own.
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

/// More processes than these are more than a machine has cores.
const PROCESSES_MAX: i64 = 256;

/// So many CREATEs are signed before the clock starts: they take some hundred megabytes.
const SIGNED_MAX: u64 = 200_000;

/// Where there is no end, nobody waits long for the beginning.
const SIGNED_ENDLESS: u64 = 20_000;

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
        let processes = usize::from(self.processes);
        let count = (self.count > 0).then_some(self.count);
        let order = Order {
            nodes: addresses,
            pace: self.pace()?,
            count,
            seed: self.seed.unwrap_or_else(|| u64::from_be_bytes(crate::entropy())),
            payload_bytes: self.payload_bytes as usize,
            signed: count.map_or(SIGNED_ENDLESS, |count| count.min(SIGNED_MAX)),
            threads: self.threads.into(),
            process: Part::WHOLE,
        };
        log::info!(target: "bigchaindb", "Signing {} transactions", order.signed);
        let (outcomes, took) = match processes {
            1 => here(&order, &mut stop).await?,
            _ => processes::run(&order, processes, &mut stop).await?,
        };
        self.conclude(&outcomes, took)
    }

    /// When requests go out; an error where somebody would have no client to send for.
    fn pace(&self) -> Result<Pace> {
        let senders = usize::from(self.processes) * usize::from(self.threads);
        let clients = match (self.rate, self.multiprocess) {
            (Some(rate), _) => return Ok(Pace::PerSecond(rate)),
            (None, None) => senders,
            (None, Some(0)) => generators::cores(),
            (None, Some(clients)) => clients,
        };
        if clients < senders {
            let message = format!("{clients} clients are too few for {senders} threads that send");
            let hint = format!("set `-m {senders}` or more, or fewer `--processes` or `--threads`");
            return Err(Failure::wrong(message, hint));
        }
        Ok(Pace::Clients(clients))
    }

    /// Prints the tally. The answer is no if anything was refused or stayed without an answer; it is the
    /// surroundings that failed if a process of the generator did not keep up.
    fn conclude(&self, outcomes: &[Outcome], took: Duration) -> Result<Exit> {
        let (mut tally, mut slip) = (Tally::default(), Slip::default());
        for outcome in outcomes {
            tally.add(&outcome.tally);
            slip.add(&outcome.slip);
        }
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
        let each = |Outcome { tally, slip }: &Outcome| {
            Json::object([
                ("sent", Json::from(tally.sent)),
                ("slip_ms_p99", ms(slip.quantile_us(0.99))),
                ("slip_ms_max", ms(slip.max_us())),
                ("late", slip.late().into()),
            ])
        };
        let each: Vec<_> = outcomes.iter().map(each).collect();
        let text = match self.json {
            true => {
                let facts = facts.into_iter().chain([("processes", Json::from(each))]);
                let facts = facts.map(|(name, value)| (Box::from(name), value));
                Json::from(facts.collect::<Object>()).to_string()
            }
            false => lines(&facts) + &of_each(outcomes),
        };
        let written = writeln!(io::stdout(), "{text}");
        written.map_err(|error| Failure::surroundings(&error, "is stdout closed?"))?;
        let of = outcomes.len();
        let mut late = outcomes.iter().enumerate().filter(|(_, outcome)| !outcome.slip.is_kept());
        if let Some((index, Outcome { slip, .. })) = late.next() {
            let who = match of {
                1 => "the generator".to_owned(),
                _ => processes::name(Part { index, of }),
            };
            log::warn!(
                target: "bigchaindb",
                "{who} could not keep up: {} of {} requests were late; nothing is proved",
                slip.late(),
                slip.requests()
            );
            return Ok(Exit::Surroundings);
        }
        let all = tally.turned_away + tally.refused + tally.unanswered + tally.unsent == 0;
        Ok(if all { Exit::Done } else { Exit::No })
    }
}

/// Sends all of it from this process.
async fn here(order: &Order, stop: &mut Stop) -> Result<(Vec<Outcome>, Duration)> {
    let stock = order.sign();
    match order.pace {
        Pace::Clients(1) => log::info!(target: "bigchaindb", "Starting 1 client"),
        Pace::Clients(clients) => log::info!(target: "bigchaindb", "Starting {clients} clients"),
        Pace::PerSecond(rate) => log::info!(target: "bigchaindb", "Starting {rate} a second"),
    }
    let began = Instant::now();
    let mut generators = order.start(&stock)?;
    let progress = generators.progress();
    tokio::select! {
        () = generators.done() => {}
        () = tell(progress) => {}
        () = stop.wanted() => {}
    }
    let took = began.elapsed();
    Ok((vec![generators.stop().await], took))
}

/// Tells how far it is, until it is dropped.
async fn tell(accepted: impl Fn() -> u64) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks.tick().await;
    let (mut before, mut began) = (0, Instant::now());
    loop {
        let at = ticks.tick().await;
        let now = accepted();
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

/// How far each of several processes fell behind.
fn of_each(outcomes: &[Outcome]) -> String {
    let of = outcomes.len();
    if of == 1 {
        return String::new();
    }
    let line = |(index, Outcome { tally, slip }): (usize, &Outcome)| {
        format!(
            "\n{}: {} sent, {} late, slip_ms_max {:.2}",
            processes::name(Part { index, of }),
            tally.sent,
            slip.late(),
            slip.max_us() as f64 / 1e3
        )
    };
    outcomes.iter().enumerate().map(line).collect()
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
