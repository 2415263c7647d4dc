//! Where points go: InfluxDB, a file, the live page.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use super::point::Point;
use crate::dash::Board;

/// A server that does not answer within this time is asked again with the next points.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// So many points wait for a server that takes none; of more the oldest are given up.
const WAITING_MAX: usize = 200_000;

/// So many go at once.
const BATCH: usize = 5_000;

/// Takes points.
#[derive(Debug)]
pub enum Sink {
    /// Appends lines to a file.
    File(File),
    /// Writes to a database.
    Influxdb(Box<Influxdb>),
    /// Shows them on the live page.
    Board(Board),
}

/// A database of an InfluxDB server, by its HTTP API.
///
/// Source: InfluxDB 1.8 documentation, "InfluxDB API reference".
#[derive(Debug)]
pub struct Influxdb {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
    authorization: Option<String>,
    waiting: VecDeque<String>,
    lost: u64,
}

/// Something that names no database.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` names no database: it goes like http://[user:password@]host:8086/database")]
pub struct BadTarget(String);

impl Sink {
    /// A file, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub fn file(path: &Path) -> io::Result<Self> {
        OpenOptions::new().create(true).append(true).open(path).map(Self::File)
    }

    /// Takes points. What InfluxDB does not take now waits for the next time.
    ///
    /// # Errors
    /// If they are not where they should be, yet.
    pub async fn tell(&mut self, points: &[Point]) -> io::Result<()> {
        match self {
            Self::File(file) => {
                let lines: String = points.iter().map(|point| format!("{point}\n")).collect();
                file.write_all(lines.as_bytes())
            }
            Self::Influxdb(influxdb) => influxdb.tell(points).await,
            Self::Board(board) => {
                board.see(points);
                Ok(())
            }
        }
    }

    /// The same, of several.
    ///
    /// # Errors
    /// If they are not with one of them, yet; the others have them.
    pub async fn tell_all(sinks: &mut [Self], points: Vec<Point>) -> io::Result<()> {
        let mut told = Ok(());
        for sink in sinks {
            told = told.and(sink.tell(&points).await);
        }
        told
    }

    /// How many points were given up.
    pub fn lost(&self) -> u64 {
        match self {
            Self::File(_) | Self::Board(_) => 0,
            Self::Influxdb(influxdb) => influxdb.lost,
        }
    }
}

impl Influxdb {
    /// The database that an address names: `http://user:password@host:8086/database`.
    ///
    /// # Errors
    /// If it names none.
    pub fn at(target: &str) -> Result<Self, BadTarget> {
        let bad = || BadTarget(target.to_owned());
        let uri: Uri = target.parse().map_err(|_| bad())?;
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http"));
        let authority = authority.ok_or_else(bad)?.as_str();
        let (credentials, host) = match authority.rsplit_once('@') {
            Some((credentials, host)) => (Some(credentials), host),
            None => (None, authority),
        };
        let database = uri.path().trim_matches('/');
        if database.is_empty() || database.contains('/') {
            return Err(bad());
        }
        let write = format!("http://{host}/write?db={database}&precision=ns");
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            uri: write.parse().map_err(|_| bad())?,
            authorization: credentials.map(|text| format!("Basic {}", STANDARD.encode(text))),
            waiting: VecDeque::new(),
            lost: 0,
        })
    }

    async fn tell(&mut self, points: &[Point]) -> io::Result<()> {
        self.waiting.extend(points.iter().map(ToString::to_string));
        let too_many = self.waiting.len().saturating_sub(WAITING_MAX);
        self.waiting.drain(..too_many);
        self.lost += too_many as u64;
        while !self.waiting.is_empty() {
            let batch: Vec<_> = self.waiting.iter().take(BATCH).map(String::as_str).collect();
            let (count, lines) = (batch.len(), batch.join("\n"));
            match self.write(lines).await {
                Ok(()) => {}
                // What is wrong stays wrong.
                Err(Refusal::Points(why)) => {
                    self.lost += count as u64;
                    self.waiting.drain(..count);
                    return Err(io::Error::other(why));
                }
                Err(Refusal::Now(why)) => return Err(io::Error::other(why)),
            }
            self.waiting.drain(..count);
        }
        Ok(())
    }

    async fn write(&self, lines: String) -> Result<(), Refusal> {
        let host = self.uri.authority().map_or("", |authority| authority.as_str());
        let mut request = Request::builder().method(Method::POST).uri(self.uri.clone());
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(Full::from(lines)).map_err(|e| Refusal::Now(e.to_string()))?;
        let asked = async {
            let answer = self.client.request(request).await.map_err(|e| format!("{host}: {e}"))?;
            let status = answer.status();
            let body = answer.into_body().collect().await.map_err(|e| format!("{host}: {e}"))?;
            Ok((status, String::from_utf8_lossy(&body.to_bytes()).trim().to_owned()))
        };
        let seconds = ANSWER_WITHIN.as_secs();
        let silent = |_| Err(format!("{host} has not answered within {seconds} s"));
        match timeout(ANSWER_WITHIN, asked).await.unwrap_or_else(silent) {
            Ok((status, _)) if status.is_success() => Ok(()),
            Ok((status, said)) if status.as_u16() == 400 => {
                Err(Refusal::Points(format!("{host} does not take points: {status}: {said}")))
            }
            Ok((status, said)) => Err(Refusal::Now(format!("{host}: {status}: {said}"))),
            Err(why) => Err(Refusal::Now(why)),
        }
    }
}

/// Why points were not taken.
enum Refusal {
    /// They are wrong.
    Points(String),
    /// Something else is.
    Now(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_database() {
        let influxdb = Influxdb::at("http://me:secret@127.0.0.1:8086/telegraf").unwrap();
        assert_eq!(influxdb.uri, "http://127.0.0.1:8086/write?db=telegraf&precision=ns");
        // RFC 7617.
        assert_eq!(influxdb.authorization.as_deref(), Some("Basic bWU6c2VjcmV0"));
        for bad in ["", "localhost:8086", "http://localhost:8086", "https://a/b", "http://a/b/c"] {
            assert!(Influxdb::at(bad).is_err_and(|error| error.to_string().contains("http://")));
        }
    }
}
