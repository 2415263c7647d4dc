//! The other end of the line: a server that says what a test has it say.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::store::BoxFuture;
use bigchaindb::store::rethinkdb::{Client, Dial, Limits, Options, RethinkStore, Stream};
use bigchaindb_rethinkdb::wire::frame::{self, Header};
use bigchaindb_rethinkdb::wire::handshake::server::{ServerHandshake, ServerStep};
use bigchaindb_rethinkdb::wire::scram::server::{Accounts, Credentials};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;

/// How much fits into a line before its reader has to read: the client's first words, but few
/// answers, so that these come in pieces.
const LINE_BYTES: usize = 256;

/// Lines into nowhere, whose other ends a [`Listener`] has.
#[derive(Debug)]
pub(crate) struct Lines(mpsc::UnboundedSender<DuplexStream>);

/// Where clients arrive.
pub(crate) struct Listener(mpsc::UnboundedReceiver<DuplexStream>);

/// A client's line, handshake done.
pub(crate) struct Peer<S = DuplexStream> {
    line: S,
    arrived: Vec<u8>,
}

impl Dial for Lines {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Stream>>> {
        let (ours, theirs) = tokio::io::duplex(LINE_BYTES);
        let outcome = self.0.send(theirs).map_err(|_| io::ErrorKind::ConnectionRefused.into());
        Box::pin(async { outcome.map(|()| Box::new(ours) as Box<dyn Stream>) })
    }
}

pub(crate) fn lines() -> (Lines, Listener) {
    let (lines, arriving) = mpsc::unbounded_channel();
    (Lines(lines), Listener(arriving))
}

/// A store with one connection to a listener.
pub(crate) fn store() -> (RethinkStore, Listener) {
    store_with(Options::default())
}

pub(crate) fn store_with(options: Options) -> (RethinkStore, Listener) {
    let (lines, listener) = lines();
    let limits = Limits { connections: 1, ..Limits::default() };
    (RethinkStore::new(Client::new(lines, options, limits)), listener)
}

impl Listener {
    /// The next client, with its line as it is.
    pub(crate) async fn line(&mut self) -> DuplexStream {
        self.0.recv().await.unwrap()
    }

    /// The next client, as user `admin` without a password.
    pub(crate) async fn peer(&mut self) -> Peer {
        let line = self.line().await;
        Peer::welcome(line, "").await.unwrap()
    }

    /// Whether nobody has come.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.is_empty()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Lets a client in that knows the admin's password.
    pub(crate) async fn welcome(mut line: S, password: &str) -> Option<Self> {
        let mut accounts = Accounts::default();
        accounts.set(Accounts::ADMIN, Credentials::new(password, [1; _]));
        let mut handshake = ServerHandshake::new(Arc::new(accounts), [2; _], [3; _]);
        let mut bytes = [0; 100];
        loop {
            let length = line.read(&mut bytes).await.unwrap();
            assert!(length > 0, "the client went away");
            match handshake.receive(&bytes[..length]) {
                ServerStep::More(next, send) => {
                    line.write_all(&send).await.unwrap();
                    handshake = next;
                }
                ServerStep::Accepted(send, accepted) => {
                    line.write_all(&send).await.unwrap();
                    return Some(Self { line, arrived: accepted.rest });
                }
                ServerStep::Refused(send, _) => {
                    line.write_all(&send).await.unwrap();
                    return None;
                }
            }
        }
    }

    /// The next request: its token and its text.
    pub(crate) async fn request(&mut self) -> (u64, String) {
        loop {
            if let Some(header) = self.arrived.first_chunk() {
                let Header { token, length } = Header::decode(*header);
                let end = Header::BYTES + length as usize;
                if self.arrived.len() >= end {
                    let text = self.arrived[Header::BYTES..end].to_vec();
                    self.arrived.drain(..end);
                    return (token, String::from_utf8(text).unwrap());
                }
            }
            let mut bytes = [0; 100];
            let length = self.line.read(&mut bytes).await.unwrap();
            assert!(length > 0, "the client went away");
            self.arrived.extend(&bytes[..length]);
        }
    }

    /// The next request's token; the request has to have this text in it.
    pub(crate) async fn expect(&mut self, part: &str) -> u64 {
        let (token, text) = self.request().await;
        assert!(text.contains(part), "{text} instead of {part}");
        token
    }

    /// Whether no request comes within a while.
    pub(crate) async fn hears_nothing(&mut self) -> bool {
        tokio::time::timeout(Duration::from_secs(1), self.request()).await.is_err()
    }

    pub(crate) async fn respond(&mut self, token: u64, text: &str) {
        let frame = frame::encode(token, text.as_bytes()).unwrap();
        self.line.write_all(&frame).await.unwrap();
    }

    /// Responds to the next request, whatever it is.
    pub(crate) async fn respond_next(&mut self, text: &str) {
        let (token, _) = self.request().await;
        self.respond(token, text).await;
    }

    /// Bytes that are no frame.
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        self.line.write_all(bytes).await.unwrap();
    }
}
