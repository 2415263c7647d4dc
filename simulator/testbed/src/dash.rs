//! `testbed dash`: a live page of a federation, where there is no Grafana; and the same page beside a run.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread;

use bigchaindb_monitoring::dash::{self, Board};
use bigchaindb_monitoring::relay::{INTERVAL, Sink};
use clap::Args;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;
use crate::relay;

/// Show a federation live on a page, from what its nodes tell StatsD, until Ctrl-C.
///
/// The page takes nothing from elsewhere, and looks back a quarter of an hour. A run shows itself:
/// `testbed run … --dash`.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed dash --listen 127.0.0.1:8125")]
pub(crate) struct Dash {
    /// Where nodes send to: their `statsd.host` and `statsd.port`.
    #[arg(long, default_value = "127.0.0.1:8125", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where the page is. Whoever reaches it may look.
    #[arg(long, default_value_t = dash::ADDRESS, value_name = "ADDRESS")]
    page: SocketAddr,
    /// A database that is told as well: http://user:password@host:port/database.
    #[arg(long, value_name = "URL")]
    influxdb: Option<String>,
    #[command(flatten)]
    output: Output,
}

impl Dash {
    pub(crate) fn run(&self) -> Result<Exit> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::surroundings(&error, "try again"))?;
        runtime.block_on(async {
            let (board, address) = open(self.page)?;
            let mut sinks = vec![Sink::Board(board)];
            if let Some(target) = &self.influxdb {
                sinks.push(relay::influxdb(target)?);
            }
            self.output.line(format!("page: http://{address}/"));
            relay::serve(self.listen, INTERVAL, sinks, self.output).await
        })
    }
}

/// Serves a page on a thread of its own for as long as this process lives: what it shows, and where it is.
pub(crate) fn open(address: SocketAddr) -> Result<(Board, SocketAddr)> {
    let failed = |error: io::Error| {
        let failure = Failure::surroundings(&error, "name another address for the page");
        Failure { message: format!("no page at {address}: {}", failure.message), ..failure }
    };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let board = Board::default();
    let shown = board.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(failed)?;
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        dash::serve(listener, shown).await;
        Ok::<_, io::Error>(())
    };
    let thread = thread::Builder::new().name("dash".to_owned());
    // Nobody waits for it: it ends with the process.
    thread.spawn(move || runtime.block_on(serve)).map_err(failed)?;
    Ok((board, address))
}
