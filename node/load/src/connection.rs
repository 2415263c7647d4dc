//! One connection to a node: HTTP/1.1, one request at a time, kept open for the next.
//!
//! A request goes out in one write and is answered in one read, mostly: a generator that shares a machine with
//! what it loads must not be the busier of the two. Here: the wire. Not here: how many connections there are,
//! and who waits for one (`client`).
//!
//! Source: RFC 9112.

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;

use hyper::body::Bytes;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{Answer, Call};

/// The longest head of an answer.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// The most header fields of an answer.
const FIELDS_MAX: usize = 64;

/// The longest answer that is read; a transaction with its assignee is shorter than the largest one
/// a node accepts, give or take its spelling.
const ANSWER_BYTES_MAX: usize = 8 << 20;

/// So much is read at once: an answer of the usual length.
const READ_BYTES: usize = 4 << 10;

/// A connection that is open, as far as anybody knows.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// What was read and is not used up.
    read: Vec<u8>,
}

/// Why an exchange came to nothing.
#[derive(Debug)]
pub(crate) struct Broken {
    /// What went wrong.
    pub(crate) error: io::Error,
    /// Whether a part of an answer had come.
    pub(crate) answered: bool,
}

/// How long a body is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Length {
    Known(usize),
    Chunked,
    /// Until the other end closes.
    Open,
}

/// What the head of an answer says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Head {
    status: u16,
    bytes: usize,
    length: Length,
    keeps: bool,
}

/// A call as it goes over the wire; `host` is what it calls the node.
pub(crate) fn request(host: &str, call: &Call) -> Vec<u8> {
    let (mut text, body) = match call {
        Call::Post(body) => ("POST /api/v1/transactions/".to_owned(), Some(body)),
        Call::PostTo(path, body) => (format!("POST {path}"), Some(body)),
        Call::Get(path) => (format!("GET {path}"), None),
    };
    text.push_str(" HTTP/1.1\r\nhost: ");
    text.push_str(host);
    text.push_str("\r\n");
    match body {
        Some(body) => {
            text.push_str("content-type: application/json\r\ncontent-length: ");
            text.push_str(&body.len().to_string());
            text.push_str("\r\n\r\n");
            let mut bytes = text.into_bytes();
            bytes.extend_from_slice(body);
            bytes
        }
        None => {
            text.push_str("\r\n");
            text.into_bytes()
        }
    }
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::with_capacity(READ_BYTES) })
    }

    /// Whether it can be used again: nothing came while nobody asked, not even its end.
    ///
    /// The system is asked, as the runtime may not have heard of it yet.
    pub(crate) fn is_quiet(&self) -> bool {
        let silent = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
        let come = SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]);
        self.read.is_empty() && come.is_err_and(silent)
    }

    /// Sends a request and reads its answer; whether another one may follow.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<(Answer, bool), Broken> {
        let sent = self.stream.write_all(request).await;
        sent.map_err(|error| Broken { error, answered: false })?;
        let head = loop {
            match head(&self.read).map_err(|error| Broken { error, answered: true })? {
                // What comes before the answer is of no interest.
                Some(Head { status: 100..=199, bytes, .. }) => drop(self.read.drain(..bytes)),
                Some(head) => break head,
                None => self.more().await?,
            }
        };
        self.read.drain(..head.bytes);
        let body = match head.length {
            Length::Known(bytes) => self.known(bytes).await?,
            Length::Chunked => self.chunks().await?,
            Length::Open => self.rest().await?,
        };
        Ok((Answer { status: head.status, body }, head.keeps && head.length != Length::Open))
    }

    async fn known(&mut self, bytes: usize) -> Result<Bytes, Broken> {
        if bytes > ANSWER_BYTES_MAX {
            return Err(too_long());
        }
        while self.read.len() < bytes {
            self.more().await?;
        }
        let rest = self.read.split_off(bytes);
        Ok(std::mem::replace(&mut self.read, rest).into())
    }

    async fn chunks(&mut self) -> Result<Bytes, Broken> {
        let mut body = Vec::new();
        loop {
            let (start, size) = loop {
                let parsed = httparse::parse_chunk_size(&self.read);
                match parsed.map_err(|_| odd("a chunk has no size"))? {
                    httparse::Status::Complete(chunk) => break chunk,
                    httparse::Status::Partial if self.read.len() > HEAD_BYTES_MAX => {
                        return Err(too_long());
                    }
                    httparse::Status::Partial => self.more().await?,
                }
            };
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            if size > ANSWER_BYTES_MAX - body.len() {
                return Err(too_long());
            }
            // The chunk, and the end of its line; the last one is empty.
            let end = start + size + 2;
            while self.read.len() < end {
                self.more().await?;
            }
            body.extend_from_slice(&self.read[start..start + size]);
            if &self.read[end - 2..end] != b"\r\n" {
                return Err(odd("a chunk is longer than it says, or there are trailers"));
            }
            self.read.drain(..end);
            if size == 0 {
                return Ok(body.into());
            }
        }
    }

    async fn rest(&mut self) -> Result<Bytes, Broken> {
        loop {
            match self.more().await {
                Ok(()) if self.read.len() > ANSWER_BYTES_MAX => return Err(too_long()),
                Ok(()) => {}
                Err(Broken { error, .. }) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(std::mem::take(&mut self.read).into());
                }
                Err(broken) => return Err(broken),
            }
        }
    }

    /// Reads on.
    async fn more(&mut self) -> Result<(), Broken> {
        let answered = !self.read.is_empty();
        self.read.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.read).await {
            Ok(0) => Err(Broken { error: io::ErrorKind::UnexpectedEof.into(), answered }),
            Ok(_) => Ok(()),
            Err(error) => Err(Broken { error, answered }),
        }
    }
}

/// The head of an answer, if all of it is there.
fn head(read: &[u8]) -> io::Result<Option<Head>> {
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut fields);
    let parsed = response.parse(read).map_err(|error| invalid(&error.to_string()))?;
    let httparse::Status::Complete(bytes) = parsed else {
        if read.len() > HEAD_BYTES_MAX {
            return Err(invalid("the head of the answer does not end"));
        }
        return Ok(None);
    };
    let status = response.code.unwrap_or_default();
    let mut keeps = response.version == Some(1);
    let mut length = if matches!(status, 204 | 304) { Length::Known(0) } else { Length::Open };
    for field in &*response.headers {
        let value = str::from_utf8(field.value).unwrap_or_default().trim();
        if field.name.eq_ignore_ascii_case("content-length") {
            let number = value.parse().map_err(|_| invalid("`content-length` is no number"))?;
            length = Length::Known(number);
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                return Err(invalid("`transfer-encoding` is none that is known"));
            }
            length = Length::Chunked;
        } else if field.name.eq_ignore_ascii_case("connection") {
            keeps = !value.eq_ignore_ascii_case("close")
                && (keeps || value.eq_ignore_ascii_case("keep-alive"));
        }
    }
    Ok(Some(Head { status, bytes, length, keeps }))
}

fn too_long() -> Broken {
    odd("the answer is too long")
}

fn odd(why: &str) -> Broken {
    Broken { error: io::Error::new(io::ErrorKind::InvalidData, why.to_owned()), answered: true }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// What comes of an answer that is written in these pieces, before the other end closes.
    async fn answered(pieces: &'static [&'static str]) -> Result<(Answer, bool), String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            for piece in pieces {
                stream.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
            String::from_utf8(request[..read].to_vec()).unwrap()
        });
        let mut connection = Connection::open(address).await.unwrap();
        let call = Call::PostTo("/a".into(), "{}".into());
        let answer = connection.exchange(&request("n1", &call)).await;
        let expected = "POST /a HTTP/1.1\r\nhost: n1\r\ncontent-type: application/json\r\n\
                        content-length: 2\r\n\r\n{}";
        assert_eq!(serving.await.unwrap(), expected);
        answer.map_err(|broken| broken.error.to_string())
    }

    #[tokio::test]
    async fn answers_of_all_shapes_are_read() {
        for (pieces, status, body, keeps) in [
            (&["HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok"][..], 201, "ok", true),
            (&["HTTP/1.1 201 Cre", "ated\r\nContent-Length: 2\r\n\r\no", "k"], 201, "ok", true),
            (&["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n"], 204, "", true),
            (
                &["HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 0\r\n\r\n"],
                200,
                "",
                false,
            ),
            (&["HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx"], 200, "x", false),
            (&["HTTP/1.1 200 OK\r\n\r\nall ", "the rest"], 200, "all the rest", false),
            (
                &[
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc",
                    "\r\n1\r\nd\r\n0\r\n\r\n",
                ],
                200,
                "abcd",
                true,
            ),
        ] {
            let (answer, kept) = answered(pieces).await.unwrap();
            assert_eq!((answer.status, &answer.body[..], kept), (status, body.as_bytes(), keeps));
        }
    }

    #[tokio::test]
    async fn what_is_no_answer_is_refused() {
        for pieces in [
            &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no"][..],
            &["HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\no"],
            &["HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\no"],
            &["HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\no"],
            &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"],
            &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxyz\r\n"],
            &["SSH-2.0-OpenSSH_9.6\r\n"],
            &[],
        ] {
            assert!(answered(pieces).await.is_err(), "{pieces:?}");
        }
    }
}
