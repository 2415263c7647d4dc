//! `testbed monitor`: Telegraf, InfluxDB and Grafana in containers, from one command.
//!
//! Here: the commands. Not here: how Compose is called (`compose`), which files there are
//! (`bigchaindb_monitoring::stack`).

mod compose;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bigchaindb_monitoring::stack::{self, PASSWORDS, PROJECT};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Output;
use compose::{Compose, Service};

/// Start Telegraf, InfluxDB and Grafana in containers, and stop them.
///
/// It takes Docker with Compose 2. Where there is none, `testbed dash` shows a federation by itself, and
/// `testbed relay` writes to any InfluxDB.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  testbed monitor up")]
pub(crate) struct Monitor {
    #[command(subcommand)]
    order: Order,
    /// The name under which Compose knows them all.
    #[arg(long, global = true, default_value = PROJECT, value_name = "NAME", value_parser = project)]
    project: String,
    #[command(flatten)]
    output: Output,
}

#[derive(Subcommand, Debug)]
enum Order {
    /// Start them, wait until they are well, and say where they are.
    Up(Up),
    /// Stop them and take them away. What was measured stays, unless it is to go, too.
    Down {
        /// What was measured goes, too.
        #[arg(long)]
        volumes: bool,
        /// Do not ask before it goes.
        #[arg(long, short)]
        yes: bool,
    },
    /// Say how they are. Exit code 1 if they are not all well.
    Status,
    /// Open Grafana in a browser, if there is one, and say where it is.
    Open,
}

/// Where they listen, and where their files are. What is not said here, the variables of
/// `monitoring/README.md` say.
#[derive(Args, Debug)]
struct Up {
    /// The folder for their files: configuration, pages, and passwords, which are made if they are not there.
    #[arg(long, default_value = "runs/monitoring")]
    folder: PathBuf,
    /// Where nodes send to. Nodes on other machines, or in containers, need an address that they reach.
    #[arg(long, value_name = "ADDRESS")]
    statsd: Option<SocketAddr>,
    /// Grafana's port on 127.0.0.1.
    #[arg(long, value_name = "PORT")]
    grafana_port: Option<u16>,
    /// InfluxDB's port on 127.0.0.1.
    #[arg(long, value_name = "PORT")]
    influxdb_port: Option<u16>,
}

/// What is where.
#[derive(Serialize)]
struct Places {
    grafana: String,
    influxdb: String,
    statsd: String,
}

/// How they are.
#[derive(Serialize)]
struct Status {
    is_well: bool,
    #[serde(flatten)]
    places: Places,
    services: Vec<Service>,
}

impl Monitor {
    pub(crate) fn run(&self) -> Result<Exit> {
        let compose = Compose { project: &self.project };
        compose.look()?;
        match &self.order {
            Order::Up(up) => self.up(&compose, up),
            Order::Down { volumes, yes } => {
                if *volumes && !yes {
                    self.ask()?;
                }
                compose.down(*volumes)?;
                let kept = if *volumes { "nothing is left of it" } else { "its volumes are kept" };
                self.output.line(format!("{} is down; {kept}", self.project));
                Ok(Exit::Done)
            }
            Order::Status => self.status(&compose),
            Order::Open => self.open(&compose),
        }
    }

    /// Asks whether what was measured may go.
    fn ask(&self) -> Result<()> {
        let what = format!("all that was measured goes, with the volumes of {}", self.project);
        let refused = || Failure::wrong(what.clone(), "add `--yes`, or leave `--volumes` out");
        if !io::stdin().is_terminal() {
            return Err(refused());
        }
        eprint!("{what}. Yes or no? ");
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map_err(|_| refused())?;
        if answer.trim().eq_ignore_ascii_case("yes") { Ok(()) } else { Err(refused()) }
    }

    fn up(&self, compose: &Compose, up: &Up) -> Result<Exit> {
        let cannot = |error: io::Error| {
            let hint = "name another folder with `--folder`";
            let failure = Failure::surroundings(&error, hint);
            let message = format!("cannot write to {}: {}", up.folder.display(), failure.message);
            Failure { message, ..failure }
        };
        stack::lay_out(&up.folder, bigchaindb::entropy).map_err(cannot)?;
        let folder = up.folder.canonicalize().map_err(cannot)?;
        compose.up(&folder, &up.variables())?;
        let places = places(compose);
        let [influxdb, grafana] = PASSWORDS.map(|name| secret(&folder, name));
        self.output
            .line(format!("Grafana: {}, to change things as admin: {grafana}", places.grafana));
        self.output.line(format!("InfluxDB: {}, as bigchaindb: {influxdb}", places.influxdb));
        self.output.line(format!("StatsD: {}", places.statsd));
        let address = places.influxdb.trim_start_matches("http://");
        self.output.line(format!(
            "a run: testbed run … --influxdb \"http://bigchaindb:$(cat {influxdb})@{address}/telegraf\""
        ));
        self.output.data(&places);
        Ok(Exit::Done)
    }

    fn status(&self, compose: &Compose) -> Result<Exit> {
        let services = compose.services()?;
        let is_well = services.len() == SERVICES && services.iter().all(Service::is_well);
        for service in &services {
            self.output.line(format!("{}: {}", service.name, service.words()));
        }
        if services.is_empty() {
            self.output.line(format!("{} is not up", self.project));
        }
        let places = places(compose);
        if is_well {
            self.output.line(format!("Grafana: {}", places.grafana));
            self.output.line(format!("StatsD: {}", places.statsd));
        }
        self.output.data(&Status { is_well, places, services });
        Ok(if is_well { Exit::Done } else { Exit::No })
    }

    fn open(&self, compose: &Compose) -> Result<Exit> {
        let places = places(compose);
        if places.grafana.is_empty() {
            let message = format!("{} is not up", self.project);
            let hint = "start it with `testbed monitor up`".to_owned();
            return Err(Failure { message, hint, exit: Exit::Surroundings });
        }
        self.output.line(format!("Grafana: {}", places.grafana));
        self.output.data(&places);
        let has_screen = cfg!(target_os = "macos")
            || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
        let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let mut command = Command::new(opener);
        command.arg(&places.grafana).stdout(Stdio::null()).stderr(Stdio::null());
        if !has_screen || !command.status().is_ok_and(|status| status.success()) {
            eprintln!("note: there is no browser to be opened from here");
        }
        Ok(Exit::Done)
    }
}

/// How many services `compose.yaml` has.
const SERVICES: usize = 3;

impl Up {
    /// What Compose is told beside the environment.
    fn variables(&self) -> BTreeMap<&str, String> {
        let statsd = self.statsd.into_iter().flat_map(|address| {
            [
                ("STATSD_ADDRESS", address.ip().to_string()),
                ("STATSD_PORT", address.port().to_string()),
            ]
        });
        let port = |name, port: Option<u16>| port.map(|port| (name, port.to_string()));
        let ports =
            [port("GRAFANA_PORT", self.grafana_port), port("INFLUXDB_PORT", self.influxdb_port)];
        statsd.chain(ports.into_iter().flatten()).collect()
    }
}

impl Service {
    fn is_well(&self) -> bool {
        self.state == "running" && self.health == "healthy"
    }

    fn words(&self) -> String {
        [&self.state, &self.health].map(String::as_str).join(" ").trim().to_owned()
    }
}

/// Where they are on this machine; empty for what is not there.
fn places(compose: &Compose) -> Places {
    let web = |service, port| {
        compose.address(service, port).map_or_else(String::new, |at| format!("http://{at}"))
    };
    Places {
        grafana: web("grafana", "3000"),
        influxdb: web("influxdb", "8086"),
        statsd: compose.address("telegraf", "8125/udp").unwrap_or_default(),
    }
}

fn secret(folder: &Path, name: &str) -> String {
    folder.join("secrets").join(name).display().to_string()
}

/// What Compose takes as a name.
fn project(name: &str) -> std::result::Result<String, String> {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let begins =
        name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if begins && name.bytes().all(fits) {
        return Ok(name.to_owned());
    }
    Err("lower case letters, digits, `-` and `_`, and a letter or digit first".to_owned())
}
