//! Frames as they arrive, and whether the client is still there.

use std::future;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::wire::frame::Header;

/// How much is read at a time.
const READ_BYTES: usize = 16 * 1024;

/// How much is read ahead of what is answered: only whoever reads notices that the client has left.
const READ_AHEAD_BYTES: usize = 64 * 1024;

/// The way from a client.
pub(super) struct Frames<R> {
    line: R,
    /// What has arrived, of which the first so many bytes are done with.
    arrived: Vec<u8>,
    done: usize,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// A line of which this was read already.
    pub(super) fn new(line: R, arrived: Vec<u8>) -> Self {
        Frames { line, arrived, done: 0 }
    }

    /// The header of the next frame.
    ///
    /// # Errors
    /// If the client is gone.
    pub(super) async fn header(&mut self) -> io::Result<Header> {
        loop {
            if let Some(header) = self.arrived[self.done..].first_chunk() {
                self.done += Header::BYTES;
                return Ok(Header::decode(*header));
            }
            self.read_more().await?;
        }
    }

    /// The text of the frame whose header was read.
    ///
    /// # Errors
    /// If the client is gone.
    pub(super) async fn text(&mut self, length: u32) -> io::Result<Vec<u8>> {
        let length = length as usize;
        let here = length.min(self.arrived.len() - self.done);
        let mut text = self.arrived[self.done..][..here].to_vec();
        self.done += here;
        if here < length {
            // It grows as bytes arrive: a length alone costs nothing.
            let rest = (length - here) as u64;
            (&mut self.line).take(rest).read_to_end(&mut text).await?;
        }
        if text.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(text) }
    }

    /// Reads so many bytes, or all there are, to nowhere.
    pub(super) async fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let here = self.arrived.len() - self.done;
        let here = usize::try_from(bytes).map_or(here, |bytes| bytes.min(here));
        self.done += here;
        let mut rest = (&mut self.line).take(bytes - here as u64);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map(drop)
    }

    /// Returns when the client is gone; can be dropped before without any harm. Does not see further
    /// ahead than [`READ_AHEAD_BYTES`].
    pub(super) async fn left(&mut self) {
        while self.arrived.len() - self.done < READ_AHEAD_BYTES {
            if self.read_more().await.is_err() {
                return;
            }
        }
        future::pending().await
    }

    async fn read_more(&mut self) -> io::Result<()> {
        self.arrived.drain(..std::mem::take(&mut self.done));
        self.arrived.reserve(READ_BYTES);
        match self.line.read_buf(&mut self.arrived).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
