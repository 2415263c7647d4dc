//! Where metrics go: the settings `statsd.*`.

use std::fs;

use bigchaindb_core::model::Json;

use super::{ConfigError, Settings, value};
use crate::metrics::{Names, Rate};

/// The port of StatsD servers.
const PORT: i64 = 8125;

/// What is sampled if nobody says: one in a hundred, as in the original.
const RATE: f64 = 0.01;

/// Where metrics go, and under which names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statsd {
    /// The server's host.
    pub host: String,
    /// Its port, of UDP.
    pub port: u16,
    /// What of the frequent timings is sent.
    pub rate: Rate,
    /// Whose they are.
    pub names: Names,
    /// What its reader should hear of.
    pub warnings: Vec<String>,
}

impl Statsd {
    /// Reads it; none if no host is named.
    pub(super) fn read(settings: &Settings) -> Result<Option<Self>, ConfigError> {
        let mut warnings = Vec::new();
        let host = settings.text(&["statsd", "host"]);
        let host = match bare(&host) {
            "" => return Ok(None),
            bare if bare == host => host,
            bare => {
                warnings.push(format!("statsd.host: `{host}` is no host, but `{bare}` is"));
                bare.to_owned()
            }
        };
        let port = settings.port(&["statsd", "port"], PORT)?;
        let path = ["statsd", "rate"];
        let wanted = match settings.at(&path) {
            Some(Json::Float(rate)) => *rate,
            _ => RATE,
        };
        let (rate, rounded) = Rate::nearest(wanted)
            .ok_or_else(|| value(&path, &wanted.to_string(), "no rate (more than 0, at most 1)"))?;
        if rounded {
            let one_in = rate.one_in();
            warnings.push(format!("statsd.rate: {wanted} is sent as {rate}, one in {one_in}"));
        }
        let machine = hostname();
        let name = settings.text(&["statsd", "name"]);
        let names = Names::new(if name.is_empty() { &machine } else { &name }, &machine);
        Ok(Some(Self { host, port, rate, names, warnings }))
    }
}

/// A host out of a URL: the documentation's example is `http://monitor…`, which never worked.
fn bare(host: &str) -> &str {
    let rest = host.split_once("://").map_or(host, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

/// What the machine is called.
fn hostname() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}
