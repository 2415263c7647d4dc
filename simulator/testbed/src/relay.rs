//! `testbed relay`: StatsD in, InfluxDB or a file out, where there is no Telegraf.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bigchaindb_monitoring::relay::{Influxdb, Relay as Server, Sink};
use clap::Args;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;

/// Take StatsD's datagrams of nodes, and write what Telegraf would write, until Ctrl-C.
///
/// Points are those that Telegraf makes with `monitoring/telegraf.conf`. While InfluxDB does not answer
/// they wait, 200,000 at most.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed relay --influxdb http://127.0.0.1:8086/telegraf")]
pub(crate) struct Relay {
    /// Where nodes send to: their `statsd.host` and `statsd.port`.
    #[arg(long, default_value = "127.0.0.1:8125", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The database: http://user:password@host:port/database. It has to be there.
    #[arg(long, value_name = "URL", required_unless_present = "file", conflicts_with = "file")]
    influxdb: Option<String>,
    /// A file instead, for lines of InfluxDB's protocol.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// How often points are made, in milliseconds.
    #[arg(long, default_value_t = 1000, value_name = "MS")]
    #[arg(value_parser = clap::value_parser!(u64).range(10..=60_000))]
    every: u64,
    #[command(flatten)]
    output: Output,
}

/// A database, if that is what is named.
pub(crate) fn influxdb(target: &str) -> Result<Sink> {
    let influxdb = Influxdb::at(target).map_err(|error| {
        Failure::wrong(error.to_string(), "as in http://127.0.0.1:8086/telegraf")
    })?;
    Ok(Sink::Influxdb(Box::new(influxdb)))
}

/// Takes datagrams until Ctrl-C, and hands on what they come to.
pub(crate) async fn serve(
    listen: SocketAddr,
    every: Duration,
    sinks: Vec<Sink>,
    output: Output,
) -> Result<Exit> {
    let relay = Server::bind(listen, every).await;
    let taken = "is there another relay, or Telegraf? `--listen` names another address";
    let relay = relay.map_err(|error| Failure::surroundings(&error, taken))?;
    let address = relay.address().unwrap_or(listen);
    output.line(format!("StatsD: {address}, until Ctrl-C"));
    let stop = async {
        // If nobody can stop it by a signal, nobody does.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let heard = relay.run(sinks, stop, |trouble| eprintln!("warning: {trouble}")).await;
    let (datagrams, malformed) = (heard.datagrams, heard.malformed);
    output.line(format!("{datagrams} datagrams, {malformed} lines not understood"));
    output.data(&Line { datagrams, lines: heard.lines, malformed, points_lost: heard.lost });
    Ok(Exit::Done)
}

/// What came in.
#[derive(Serialize)]
struct Line {
    datagrams: u64,
    lines: u64,
    malformed: u64,
    points_lost: u64,
}

impl Relay {
    pub(crate) fn run(&self) -> Result<Exit> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::surroundings(&error, "try again"))?;
        runtime.block_on(self.serve())
    }

    async fn serve(&self) -> Result<Exit> {
        let sinks = vec![self.sink()?];
        serve(self.listen, Duration::from_millis(self.every), sinks, self.output).await
    }

    fn sink(&self) -> Result<Sink> {
        match (&self.influxdb, &self.file) {
            (Some(target), _) => influxdb(target),
            (None, path) => {
                let path = path.clone().unwrap_or_default();
                let sink = Sink::file(&path);
                sink.map_err(|error| {
                    let message = format!("cannot write to {}: {error}", path.display());
                    Failure::wrong(message, "name a file that can be written to")
                })
            }
        }
    }
}
