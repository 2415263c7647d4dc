//! A real InfluxDB server, started for a test: the program `influxd`.
//!
//! Where it is not installed tests of it fail, unless `TESTBED_WITHOUT` names `influxdb` (`without`).

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

use crate::without::without;

/// A server with a database `telegraf`, until it is dropped.
pub(crate) struct Server {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Server {
    /// Starts one; none if tests of it are to be left out here.
    pub(crate) fn start() -> Option<Self> {
        let version = Command::new("influxd").arg("version").output();
        let lacks = version.err().map(|error| format!("`apt-get install influxdb`: {error}"));
        if without("influxdb", lacks) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (port, rpc) = (free_port(), free_port());
        let path = |name: &str| folder.path().join(name).display().to_string();
        let (meta, data, wal) = (path("meta"), path("data"), path("wal"));
        let config = format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc}\"\n\
             [meta]\ndir = \"{meta}\"\n[data]\ndir = \"{data}\"\nwal-dir = \"{wal}\"\n\
             [http]\nbind-address = \"127.0.0.1:{port}\"\nlog-enabled = false\n"
        );
        fs::write(path("influxdb.conf"), config).unwrap();
        let child = Command::new("influxd")
            .args(["-config", &path("influxdb.conf")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, port, _folder: folder };
        let answers = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!((0..1000).any(|_| answers() || (sleep(Duration::from_millis(20)), false).1));
        server.ask("POST", "/query?q=CREATE%20DATABASE%20telegraf", "*/*");
        Some(server)
    }

    /// The database, as `--influxdb` takes it.
    pub(crate) fn target(&self) -> String {
        format!("http://127.0.0.1:{}/telegraf", self.port)
    }

    /// What a query comes to, as CSV.
    pub(crate) fn query(&self, query: &str) -> String {
        let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.ask("GET", &format!("/query?db=telegraf&q={query}"), "application/csv")
    }

    /// Forgets everything.
    #[allow(dead_code, reason = "not every test asks for it")]
    pub(crate) fn empty(&self) {
        self.ask("POST", "/query?q=DROP%20DATABASE%20telegraf", "*/*");
        self.ask("POST", "/query?q=CREATE%20DATABASE%20telegraf", "*/*");
    }

    pub(crate) fn ask(&self, method: &str, path: &str, accept: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let host = format!("127.0.0.1:{}", self.port);
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: {host}\r\nAccept: {accept}\r\n\
             Content-Length: 0\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{path}: {answer}");
        body.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody listens at. None of those that the system gives to whoever connects somewhere: one of so
/// many clients could have it by the time that a server wants it.
pub(crate) fn free_port() -> u16 {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(101);
    loop {
        let tried = TRIED.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(12_000 + first.wrapping_add(tried) % 20_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
