//! The line under a connection: the handshake, and a task for each direction.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bigchaindb_rethinkdb::wire::frame::Header;
use bigchaindb_rethinkdb::wire::handshake::client::{ClientHandshake, ClientStep};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::Error;
use super::{Connection, Inner, Options, Password, Shared};

/// Frames that are written together, so that small ones share a packet.
const FRAMES_AT_ONCE: usize = 64;

/// How much is read from the line at once.
pub(super) const READ_BYTES: usize = 64 * 1024;

/// The largest response that is taken. The server sends about a megabyte at a time, or one row.
const RESPONSE_BYTES_MAX: u32 = 256 * 1024 * 1024;

/// Lets the server know who we are, and makes sure that it is who it should be; what it sent
/// beyond that.
pub(super) async fn shake_hands<S>(stream: &mut S, options: &Options) -> Result<Vec<u8>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Password(password) = &options.password;
    let (mut handshake, mut send) = ClientHandshake::new(&options.user, password, crate::entropy());
    let mut bytes = [0; 1024];
    loop {
        stream.write_all(&send).await.map_err(Error::Connect)?;
        stream.flush().await.map_err(Error::Connect)?;
        let length = stream.read(&mut bytes).await.map_err(Error::Connect)?;
        if length == 0 {
            return Err(Error::Connect(io::ErrorKind::UnexpectedEof.into()));
        }
        (handshake, send) = match handshake.receive(&bytes[..length])? {
            ClientStep::More(handshake, send) => (handshake, send),
            ClientStep::Done(connected) => return Ok(connected.rest),
        };
    }
}

/// Hands every response to who waits for it, until there are no more.
pub(super) async fn read<R: AsyncRead + Unpin>(shared: Arc<Shared>, mut line: R) {
    let reason = loop {
        let (token, text) = match read_frame(&shared, &mut line).await {
            Ok(frame) => frame,
            Err(error) => break error.to_string(),
        };
        let mut state = shared.state();
        // A token that nobody knows is somebody's who is gone; it does no harm.
        let Some(queue) = state.waiting.get_mut(&token) else { continue };
        let waiting = queue.pop_front();
        if queue.is_empty() {
            state.waiting.remove(&token);
        }
        drop(state);
        if let Some(reply) = waiting.and_then(|waiting| waiting.reply) {
            // Whoever asked may have given up.
            let _ = reply.send(text);
        }
    };
    shared.end(&reason);
}

async fn read_frame<R: AsyncRead + Unpin>(
    shared: &Shared,
    line: &mut R,
) -> io::Result<(u64, Vec<u8>)> {
    let mut header = [0; Header::BYTES];
    line.read_exact(&mut header).await?;
    let Header { token, length } = Header::decode(header);
    if length > RESPONSE_BYTES_MAX {
        let text = format!("a response of {length} bytes, of at most {RESPONSE_BYTES_MAX}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    // Memory follows what really comes; and a long response is no silence.
    let mut text = Vec::new();
    let mut rest = line.take(u64::from(length));
    while rest.limit() > 0 {
        text.reserve(READ_BYTES);
        if rest.read_buf(&mut text).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        shared.received.fetch_add(1, Ordering::Relaxed);
    }
    Ok((token, text))
}

/// Writes frames until nobody can send any.
pub(super) async fn write<W: AsyncWrite + Unpin>(
    shared: Arc<Shared>,
    mut queue: mpsc::UnboundedReceiver<Vec<u8>>,
    mut line: W,
) {
    let mut frames = Vec::new();
    while queue.recv_many(&mut frames, FRAMES_AT_ONCE).await > 0 {
        let bytes = frames.concat();
        frames.clear();
        let written = async {
            line.write_all(&bytes).await?;
            line.flush().await
        };
        if let Err(error) = written.await {
            return shared.end(&error.to_string());
        }
    }
}

/// Asks a quiet line whether it lives, again and again. If it does not, the question's time-out
/// ends the connection.
pub(super) async fn keep_alive(connection: Weak<Inner>, interval: Duration) {
    let mut seen = 0;
    loop {
        tokio::time::sleep(interval).await;
        let Some(inner) = connection.upgrade() else { return };
        let received = inner.shared.received.load(Ordering::Relaxed);
        if std::mem::replace(&mut seen, received) == received {
            let limit = inner.options.query_timeout;
            // Its own outcome says nothing that its side effect does not.
            let _ = timeout(limit * 2, Connection(inner).ping()).await;
        }
    }
}
