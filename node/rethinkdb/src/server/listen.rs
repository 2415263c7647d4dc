//! The listener: connections are accepted until the server shuts down.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Shared;
use super::cluster::Gated;
use super::connection;

/// How long to wait when the system has no more sockets for us: some client may have left by then.
const PAUSE: Duration = Duration::from_millis(100);

/// Connections that wait until they are taken up: all those of a federation, when its server is started again.
/// Whoever finds no place tries again a second later, or is reset.
const BACKLOG: i32 = 4096;

/// Listens on an address (port 0: any free one).
pub(super) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    // Bound with what the standard library takes for enough, 128.
    SockRef::from(&listener).listen(BACKLOG)?;
    Ok(listener)
}

/// Accepts connections until the server shuts down, and then waits for them to end. Dropped, it ends
/// them at once.
pub(super) async fn listen(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut closing: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
            _ = closing.wait_for(|closing| *closing) => break,
        };
        match accepted {
            // Beyond the limit: closed by being dropped.
            Ok(_) if connections.len() >= shared.limits.connections => {}
            Ok((stream, peer)) => {
                connections.spawn(welcome(stream, peer, shared.clone(), closing.clone()));
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn welcome(
    stream: TcpStream,
    peer: SocketAddr,
    shared: Arc<Shared>,
    closing: watch::Receiver<bool>,
) {
    let _counted = Counted::new(&shared);
    // Answers are small and awaited: they must not wait for more to be sent with them. A peer that
    // vanished without a word is found out by the keepalive, feeds having nothing to send it.
    let socket = SockRef::from(&stream);
    if stream.set_nodelay(true).is_ok() && socket.set_keepalive(true).is_ok() {
        match shared.member.as_ref().filter(|_| shared.is_gated) {
            None => connection::serve(stream, peer, shared.clone(), closing).await,
            Some(member) => {
                let stream = Gated::new(stream, member);
                connection::serve(stream, peer, shared.clone(), closing).await;
            }
        }
    }
}

/// A connection as it is counted.
struct Counted<'a>(&'a Shared);

impl<'a> Counted<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.connections.fetch_add(1, Ordering::Relaxed);
        Counted(shared)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
