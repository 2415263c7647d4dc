//! The HTTP client–server API, over HTTP/1.1.
//!
//! Here: connections, their number and their end. What a path means is in `routes`, how an
//! answer reads in `reply`. Not here: what the answer is (`bigchaindb_core::stages`).
//!
//! Source: BigchainDB 0.6 docs, "The HTTP Client-Server API".

mod reply;
mod routes;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use reply::answer;
pub use routes::{Api, BODY_BYTES_MAX};

/// Connections that a node keeps open; further ones wait in the listener's backlog. More than the
/// requests that are taken at once, so that whoever is turned away is told so.
const CONNECTIONS_MAX: usize = 8192;

/// How long a client may take over the head of a request, so that idle ones cannot hold a place.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Pause after a failed `accept` (no file descriptors left, say), so that it does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Serves until `stopping` turns true or goes away; then requests under way are answered and their
/// connections closed. Dropping the future closes everything at once.
pub(crate) async fn serve(listener: TcpListener, api: Api, mut stopping: watch::Receiver<bool>) {
    let api = Arc::new(api);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let place = places.clone().acquire_owned().await.expect("never closed");
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = raised(&mut stopping) => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_RETRY).await;
            continue;
        };
        let (api, stopping) = (api.clone(), stopping.clone());
        connections.spawn(async move {
            converse(stream, api, stopping).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// One connection, from its first request to its last.
async fn converse(stream: TcpStream, api: Arc<Api>, mut stopping: watch::Receiver<bool>) {
    // Without it small answers would wait for the client's acknowledgements; failing is harmless.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let api = api.clone();
        async move { Ok::<_, Infallible>(api.answer(request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
    );
    // How a connection ends (by us, by the client, broken) makes no difference to the node.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = raised(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

/// Waits until a flag is raised, or nobody is left to raise it.
async fn raised(flag: &mut watch::Receiver<bool>) {
    let _ = flag.wait_for(|raised| *raised).await;
}
