//! One HTTP exchange over a connection of its own, to the byte.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bigchaindb_core::model::Json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) fields: Vec<(&'a str, &'a str)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: &'a str, path: &'a str) -> Self {
        Self { method, path, fields: Vec::new(), body: None }
    }

    pub(crate) fn post(body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", "/api/v1/transactions/").with_body(body)
    }

    pub(crate) fn with_body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    pub(crate) fn with_field(mut self, name: &'a str, value: &'a str) -> Self {
        self.fields.push((name, value));
        self
    }

    /// As it goes over the wire.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nhost: n1\r\n", self.method, self.path);
        if let Some(body) = &self.body {
            text += &format!("content-length: {}\r\n", body.len());
        }
        for (name, value) in &self.fields {
            text += &format!("{name}: {value}\r\n");
        }
        let mut bytes = (text + "connection: close\r\n\r\n").into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// Sends it and reads the whole answer.
    pub(crate) async fn send(&self, to: SocketAddr) -> Reply {
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.write_all(&self.bytes()).await.unwrap();
        Reply::read(&mut stream).await.unwrap_or_else(|| panic!("no answer to {self:?}"))
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// By lower-case name.
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Reply {
    /// Reads until the server closes; nothing, if it does so without an answer.
    pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Self> {
        let mut bytes = Vec::new();
        // A connection that is reset after its answer has told all the same.
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let field = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        };
        Some(Self { status, fields: lines.filter_map(field).collect(), body: body.to_owned() })
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    pub(crate) fn json(&self) -> Json {
        Json::parse(self.body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The reason that an error says.
    pub(crate) fn message(&self) -> String {
        let body = self.json();
        body.get("message").and_then(Json::as_str).unwrap_or_default().to_owned()
    }
}
