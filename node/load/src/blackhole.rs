//! A target that accepts everything at once: what a generator can do at best.
//!
//! It reads requests and answers each with 201 and a few bytes, and keeps nothing. How fast a generator loads
//! it is the generator's own ceiling on this machine; whatever a node is said to do has to stay below that. It
//! is no HTTP server: it reads `content-length` and believes it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;

/// What everybody is told.
const ANSWER: &[u8] =
    b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// The longest request that it reads; whoever sends more is cut off.
const REQUEST_BYTES_MAX: usize = 4 << 20;

/// Connections that may wait to be taken up: all that a generator opens at once, as one that finds no place tries
/// again a second later.
const BACKLOG: u32 = 4_096;

/// So much is read at once.
const READ_BYTES: usize = 16 << 10;

/// A running one, in a thread of its own. Dropping it ends it.
#[derive(Debug)]
pub struct Blackhole {
    address: SocketAddr,
    _ends: oneshot::Sender<()>,
}

impl Blackhole {
    /// Starts one at a free port of this machine.
    ///
    /// # Errors
    /// If there is none, or no thread.
    pub fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let listener = {
            let _entered = runtime.enter();
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
            socket.listen(BACKLOG)?
        };
        let address = listener.local_addr()?;
        let (ends, end) = oneshot::channel();
        let swallow = async move {
            tokio::select! {
                // It is dropped, never sent.
                _ = end => {}
                () = accept(listener) => {}
            }
        };
        thread::Builder::new().name("blackhole".into()).spawn(move || runtime.block_on(swallow))?;
        Ok(Self { address, _ends: ends })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn accept(listener: TcpListener) {
    loop {
        // Who finds no file descriptor left will not find one by waiting: its clients hold them.
        let Ok((stream, _)) = listener.accept().await else { return };
        tokio::spawn(async move {
            // How a connection ends makes no difference.
            let _ = swallow(stream).await;
        });
    }
}

async fn swallow(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut read = Vec::with_capacity(READ_BYTES);
    loop {
        while let Some(bytes) = whole(&read) {
            read.drain(..bytes);
            stream.write_all(ANSWER).await?;
        }
        if read.len() > REQUEST_BYTES_MAX || stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
}

/// How long the first request is, if all of it is there.
fn whole(read: &[u8]) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    const LENGTH: &[u8] = b"content-length:";
    let head = read.windows(END.len()).position(|four| four == END)?;
    let mut lines = read[..head].split(|byte| *byte == b'\n');
    let value = lines.find_map(|line| {
        let (name, value) = line.split_at_checked(LENGTH.len())?;
        name.eq_ignore_ascii_case(LENGTH).then_some(value)
    });
    let length = value.and_then(|value| str::from_utf8(value).ok()?.trim().parse().ok());
    let bytes = head + END.len() + length.unwrap_or(0usize);
    (bytes <= read.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_whole_when_its_body_is_there() {
        let post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(whole(post), Some(post.len()));
        assert_eq!((whole(&post[..post.len() - 1]), whole(b"GET / HTTP/1.1\r\n")), (None, None));
        assert_eq!(whole(b"GET / HTTP/1.1\r\n\r\nGET"), Some(18));
    }
}
