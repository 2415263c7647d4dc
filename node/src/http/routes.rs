//! What a method and a path mean.
//!
//! Every path answers with and without a slash at its end, without redirects. A body is read and
//! parsed here, on as many threads as there are; the node sees values only. What clients may rely on is
//! told in `openapi.json`.

use bigchaindb_core::model::{Json, NodeKey, TxId};
use bigchaindb_core::stages::Call;
use hyper::body::{Body, Bytes};
use hyper::{HeaderMap, Method, Request, StatusCode};

use super::body::{Bodies, Unread};
use super::reply::{self, Reason, Reply, Style};
use super::troubles::Troubles;
use super::{Service, request_id};
use crate::clock;
use crate::metrics::labels::{self, Endpoint};
use crate::metrics::{Counter, Metrics, Timing};
use crate::shell::{Inbox, Setup};

/// Where the API is, below the node's address.
const API: &str = "/api/v1";

/// The answer to `GET /api/v1/`.
const DESCRIPTION: &str = include_str!("openapi.json");

/// How long a transaction's id is; anything else cannot be one.
const ID_LENGTH: usize = 64;

/// The API of one node.
pub(crate) struct Api {
    inbox: Inbox,
    style: Style,
    service: Service,
    bodies: Bodies,
    source: std::sync::Arc<dyn crate::clock::Source>,
    troubles: Troubles,
    /// The answer to `GET /`.
    about: String,
    metrics: Metrics,
}

/// What a path leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Route<'a> {
    /// `/`
    About,
    /// `/api/v1`; the original had nothing there.
    Description,
    /// `/api/v1/transactions`
    Transactions,
    /// `/api/v1/transactions/{id}`
    Transaction(&'a str),
    /// `/api/v1/transactions/{id}/status`
    Status(&'a str),
}

/// A body as it comes in.
pub(super) trait Incoming:
    Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
{
}

impl<B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>> Incoming for B {}

impl Route<'_> {
    /// What it is called in metrics.
    fn endpoint(self) -> Endpoint {
        match self {
            Self::About => Endpoint::Root,
            Self::Description => Endpoint::Description,
            Self::Transactions => Endpoint::Transactions,
            Self::Transaction(_) => Endpoint::Transaction,
            Self::Status(_) => Endpoint::Status,
        }
    }
}

impl Api {
    /// The API of the node behind `inbox`. `address` is how clients reach it, unless `setup` says
    /// otherwise.
    pub(crate) fn new(inbox: Inbox, setup: &Setup, address: &str) -> Self {
        let service = setup.service.clone();
        let endpoint = service.api_endpoint.clone();
        let endpoint = endpoint.unwrap_or_else(|| format!("http://{address}{API}"));
        let federation = &setup.config.federation;
        let keyring: Vec<_> =
            federation.others().iter().map(|key| Json::from(key.as_str())).collect();
        let about = Json::object([
            ("api_endpoint", Json::from(endpoint)),
            ("keyring", Json::from(keyring)),
            ("public_key", Json::from(NodeKey::as_str(federation.me()))),
            ("software", Json::from("BigchainDB")),
            ("version", Json::from("0.6.0")),
        ]);
        Self {
            inbox,
            style: Style::of(setup.rules.clients().wording()),
            bodies: Bodies::new(service.body_bytes, service.bodies_bytes, service.body_timeout),
            service,
            source: setup.source.clone(),
            troubles: Troubles::new(setup.on_report.clone()),
            about: about.to_string(),
            metrics: setup.metrics.clone(),
        }
    }

    /// Answers a request; a paused node answers when it goes on.
    pub(super) async fn answer(&self, request: Request<impl Incoming>) -> Reply {
        let method = labels::Method::of(request.method());
        let endpoint = route(request.uri().path()).map_or(Endpoint::Other, Route::endpoint);
        let began = clock::monotonic();
        let id = request_id::of(request.headers(), &*self.source);
        let style = self.style.by_script(is_by_script(request.headers()));
        let line = format!("{} {}", request.method(), request.uri().path());
        let timeout = self.service.request_timeout;
        let mut reply = match tokio::time::timeout(timeout, self.route(request, style)).await {
            Ok(reply) => reply,
            Err(_) => {
                let reason = format!("no answer within {} ms", timeout.as_millis());
                style.refusal(StatusCode::SERVICE_UNAVAILABLE, &reason)
            }
        };
        if reply.status().is_server_error() || reply.status() == StatusCode::REQUEST_TIMEOUT {
            self.troubles.tell(self.source.now().monotonic, || {
                let reason = reply.extensions().get::<Reason>().map_or("", |Reason(reason)| reason);
                let id = id.to_str().unwrap_or_default();
                format!("request {id}: {line}: {}: {reason}", reply.status().as_u16())
            });
        }
        reply.headers_mut().insert(request_id::FIELD, id);
        self.inbox.gate().await;
        let took = clock::monotonic() - began;
        self.metrics.time(Timing::Http(endpoint, method, reply.status().as_u16()), took);
        if (endpoint, method) == (Endpoint::Transactions, labels::Method::Post) {
            self.count(reply.status());
        }
        reply
    }

    /// Counts a POST, if it was judged.
    fn count(&self, status: StatusCode) {
        if status.is_success() || status == StatusCode::BAD_REQUEST {
            self.metrics.count(Counter::TxReceived, 1);
            self.metrics.count(Counter::TxRejected, usize::from(!status.is_success()));
        }
    }

    async fn route(&self, request: Request<impl Incoming>, style: Style) -> Reply {
        let (head, body) = request.into_parts();
        let line_bytes = head.uri.path_and_query().map_or(0, |path| path.as_str().len());
        if line_bytes > self.service.line_bytes {
            let reason = format!("a path may have {} bytes at most", self.service.line_bytes);
            return reply::last(style.refusal(StatusCode::URI_TOO_LONG, &reason));
        }
        let found = route(head.uri.path())
            .filter(|route| !style.is_original() || *route != Route::Description);
        let Some(route) = found else { return style.no_such_path() };
        let reads = head.method == Method::GET || head.method == Method::HEAD;
        match route {
            _ if head.method == Method::OPTIONS => style.options(allowed(route)),
            Route::About if reads => style.readable(self.about.clone()),
            Route::Description if reads => style.readable(DESCRIPTION.to_owned()),
            Route::Transactions if head.method == Method::POST => self.post(body, style).await,
            Route::Transaction(id) if reads => self.about_transaction(id, Call::Get, style).await,
            Route::Status(id) if reads => self.about_transaction(id, Call::Status, style).await,
            _ => style.not_allowed(allowed(route), route != Route::About),
        }
    }

    /// `POST /api/v1/transactions/`, whatever the content type.
    async fn post(&self, body: impl Incoming, style: Style) -> Reply {
        let text = match self.bodies.read(body).await {
            Ok(text) => text,
            Err(unread) => {
                let status = match unread {
                    Unread::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
                    Unread::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
                    Unread::BrokenOff => StatusCode::BAD_REQUEST,
                    Unread::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
                };
                return reply::last(style.refusal(status, &unread.to_string()));
            }
        };
        match Json::parse(&text.bytes) {
            Ok(document) => self.call(Call::Post(document), style).await,
            Err(error) => style.not_json(&format!("the body is not JSON: {error}")),
        }
    }

    async fn about_transaction(&self, id: &str, call: fn(TxId) -> Call, style: Style) -> Reply {
        let is_id =
            id.len() == ID_LENGTH && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        // The original asked its database for whatever stands there.
        if !is_id && !style.is_original() {
            return style.not_found();
        }
        self.call(call(TxId::from(id)), style).await
    }

    async fn call(&self, call: Call, style: Style) -> Reply {
        match self.inbox.ask(call).await {
            Ok(response) => style.of_response(response),
            Err(busy) => style.refusal(StatusCode::SERVICE_UNAVAILABLE, &busy.to_string()),
        }
    }
}

/// Whether a script of a browser says so.
fn is_by_script(fields: &HeaderMap) -> bool {
    let library = fields.get("x-requested-with");
    library.is_some_and(|library| library.as_bytes().eq_ignore_ascii_case(b"xmlhttprequest"))
}

/// Reads a path.
fn route(path: &str) -> Option<Route<'_>> {
    if path == "/" {
        return Some(Route::About);
    }
    let rest = path.strip_prefix(API)?;
    if rest.is_empty() || rest == "/" {
        return Some(Route::Description);
    }
    let rest = rest.strip_prefix("/transactions")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.is_empty() {
        return Some(Route::Transactions);
    }
    let mut parts = rest.strip_prefix('/')?.split('/');
    match (parts.next()?, parts.next(), parts.next()) {
        ("", _, _) => None,
        (id, None, None) => Some(Route::Transaction(id)),
        (id, Some("status"), None) => Some(Route::Status(id)),
        _ => None,
    }
}

/// The methods of a path.
fn allowed(route: Route<'_>) -> &'static str {
    match route {
        Route::Transactions => "POST, OPTIONS",
        Route::About | Route::Description | Route::Transaction(_) | Route::Status(_) => {
            "GET, HEAD, OPTIONS"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_somewhere_with_and_without_a_slash() {
        let cases = [
            ("/", Some(Route::About)),
            ("", None),
            ("//", None),
            ("/api/v1", Some(Route::Description)),
            ("/api/v1/", Some(Route::Description)),
            ("/api/v1//", None),
            ("/api/v1x", None),
            ("/api/v1/transactions", Some(Route::Transactions)),
            ("/api/v1/transactions/", Some(Route::Transactions)),
            ("/api/v1/transactions//", None),
            ("/api/v1/transactionsx", None),
            ("/api/v1/transactions/ab", Some(Route::Transaction("ab"))),
            ("/api/v1/transactions/ab/", Some(Route::Transaction("ab"))),
            ("/api/v1/transactions/ab//", None),
            ("/api/v1/transactions/ab/status", Some(Route::Status("ab"))),
            ("/api/v1/transactions/ab/status/", Some(Route::Status("ab"))),
            ("/api/v1/transactions/ab/status/x", None),
            ("/api/v1/transactions//status", None),
            ("/api/v2/transactions/ab", None),
        ];
        for (path, wanted) in cases {
            assert_eq!(route(path), wanted, "{path}");
        }
    }
}
