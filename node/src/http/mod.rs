//! The HTTP client–server API, over HTTP/1.1.
//!
//! Here: connections, their number and their end. Bounds and waits are named in `service`; what a
//! path means is in `routes`, how an answer reads in `reply`. Not here: what the answer is
//! (`bigchaindb_core::stages`).
//!
//! Source: BigchainDB 0.6 docs, "The HTTP Client-Server API".

mod service;

mod routes;

mod body;
mod layout;
mod reply;
mod request_id;
mod troubles;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

pub use reply::Style;
pub(crate) use routes::Api;
pub use service::Service;

/// The longest head of a request: as many fields of the usual length as are allowed.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Pause after a failed `accept` (no file descriptors left, say), so that it does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Listens on an address (port 0: any free one).
///
/// # Errors
/// If it cannot be bound.
pub(crate) async fn listen(address: SocketAddr, service: &Service) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    // Bound with what the standard library takes for enough, 128.
    let backlog = i32::try_from(service.backlog).unwrap_or(i32::MAX);
    SockRef::from(&listener).listen(backlog)?;
    Ok(listener)
}

/// Serves until `stopping` turns true or goes away; then requests under way are answered and their
/// connections closed. Dropping the future closes everything at once.
pub(crate) async fn serve(
    listener: TcpListener,
    api: Api,
    service: Service,
    mut stopping: watch::Receiver<bool>,
) {
    let api = Arc::new(api);
    let places = Arc::new(Semaphore::new(service.connections));
    let service = Arc::new(service);
    let mut connections = JoinSet::new();
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await.expect("never closed");
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            biased;
            () = raised(&mut stopping) => break,
            next = next => next,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_RETRY).await;
            continue;
        };
        let (api, service, stopping) = (api.clone(), service.clone(), stopping.clone());
        connections.spawn(async move {
            converse(stream, api, &service, stopping).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// One connection, from its first request to its last.
async fn converse(
    stream: TcpStream,
    api: Arc<Api>,
    bounds: &Service,
    mut stopping: watch::Receiver<bool>,
) {
    // Without it small answers would wait for the client's acknowledgements; failing is harmless.
    let _ = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(bounds.write_timeout));
    let service = service_fn(move |request| {
        let api = api.clone();
        async move { Ok::<_, Infallible>(api.answer(request).await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head_timeout)
            .max_headers(bounds.fields)
            .max_header_size(HEAD_BYTES_MAX)
            .max_buf_size(2 * HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(Box::pin(stream)), service)
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
