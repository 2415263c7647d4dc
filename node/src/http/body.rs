//! Reading a body: no further than it may be long, no longer than it may take, and no more of all of
//! them at once than fits.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many times the longest body is read and thrown away before the connection is cut, so that
/// whoever sent too much is still listening when it is told.
const DISCARDED_TIMES: u64 = 8;

/// The bounds of bodies.
#[derive(Debug)]
pub(super) struct Bodies {
    bytes_max: usize,
    timeout: Duration,
    /// A permit for each byte that may still be held.
    room: Arc<Semaphore>,
}

/// A body, and the room it takes until it is dropped.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) bytes: Vec<u8>,
    room: Option<OwnedSemaphorePermit>,
}

/// Why there is no body.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Unread {
    /// 413.
    #[error("a body may have {0} bytes at most")]
    TooLong(usize),
    /// 408.
    #[error("the body was not there within {} ms", .0.as_millis())]
    TooSlow(Duration),
    /// 400.
    #[error("the body broke off")]
    BrokenOff,
    /// 503.
    #[error("too many large requests are under way")]
    NoRoom,
}

impl Bodies {
    pub(super) fn new(bytes_max: usize, all_bytes_max: usize, timeout: Duration) -> Self {
        Self { bytes_max, timeout, room: Arc::new(Semaphore::new(all_bytes_max)) }
    }

    /// Reads a body to its end.
    pub(super) async fn read<B>(&self, body: B) -> Result<Text, Unread>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let body = std::pin::pin!(body);
        let read = tokio::time::timeout(self.timeout, self.read_all(body)).await;
        read.unwrap_or(Err(Unread::TooSlow(self.timeout)))
    }

    async fn read_all<B>(&self, mut body: Pin<&mut B>) -> Result<Text, Unread>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let mut text = Text { bytes: Vec::new(), room: None };
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Unread::BrokenOff)?;
            let Ok(data) = frame.into_data() else { continue };
            if text.bytes.len() + data.len() > self.bytes_max {
                drop(text);
                return Err(self.discard(body, data.len() as u64).await);
            }
            text.push(&data, &self.room)?;
        }
        Ok(text)
    }

    /// Throws the rest away, up to a point.
    async fn discard<B>(&self, mut body: Pin<&mut B>, mut seen: u64) -> Unread
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let most = self.bytes_max as u64 * DISCARDED_TIMES;
        while seen <= most
            && let Some(Ok(frame)) = body.frame().await
        {
            seen += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Unread::TooLong(self.bytes_max)
    }
}

impl Text {
    fn push(&mut self, data: &Bytes, room: &Arc<Semaphore>) -> Result<(), Unread> {
        let length = u32::try_from(data.len()).map_err(|_| Unread::NoRoom)?;
        let taken = room.clone().try_acquire_many_owned(length).map_err(|_| Unread::NoRoom)?;
        match &mut self.room {
            Some(room) => room.merge(taken),
            room => *room = Some(taken),
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}
