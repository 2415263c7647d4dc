//! The server of the live page: a document, and what has happened since, as JSON.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bigchaindb::clock;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::Board;

/// Where the page is, unless told otherwise.
pub const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9980);

/// The document.
const PAGE: &str = include_str!("page.html");

/// When nobody can be let in, the next try comes after this long.
const PAUSE: Duration = Duration::from_millis(100);

/// Nothing from elsewhere, and nowhere else to.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
                      connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Serves the page to whoever asks, for as long as it is awaited.
pub async fn serve(listener: TcpListener, board: Board) {
    loop {
        // One that has gone again before it was let in is no trouble of ours.
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let board = board.clone();
        let service = service_fn(move |request| {
            let answer = answer(&board, &request);
            async move { Ok::<_, Infallible>(answer) }
        });
        tokio::spawn(async move {
            // However it ends, the page asks again.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(board: &Board, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    const HTML: &str = "text/html; charset=utf-8";
    const JSON: &str = "application/json";
    const TEXT: &str = "text/plain; charset=utf-8";
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/") => (StatusCode::OK, HTML, Bytes::from(PAGE)),
        (&Method::GET, "/panels") => (StatusCode::OK, JSON, board.panels().into()),
        (&Method::GET, "/news") => {
            let query = request.uri().query().unwrap_or_default();
            let from = query.strip_prefix("from=").and_then(|from| from.parse().ok());
            (StatusCode::OK, JSON, board.news(from.unwrap_or(0), clock::now().unix_ms).into())
        }
        (&Method::GET, _) => (StatusCode::NOT_FOUND, TEXT, "the page is at /\n".into()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, TEXT, "there is nothing to change here\n".into()),
    };
    let builder = Response::builder().status(status).header(CONTENT_TYPE, kind);
    let builder = builder.header(CACHE_CONTROL, "no-store").header(CONTENT_SECURITY_POLICY, POLICY);
    let builder = builder.header(X_CONTENT_TYPE_OPTIONS, "nosniff");
    builder.body(Full::new(body)).expect("these are headers")
}
