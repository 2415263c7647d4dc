//! What a method and a path mean.
//!
//! Every path answers with and without a slash at its end, without redirects. A body is read and
//! parsed here, on as many threads as there are; the node sees values only.

use bigchaindb_core::model::{Json, NodeKey, TxId};
use bigchaindb_core::stages::Call;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use hyper::{Method, Request, StatusCode};

use super::reply::{self, Reply};
use crate::shell::Inbox;

/// The largest body that is read. A thousand outputs fit; a block of a thousand such does not fit
/// the store, but nor does any client need it.
pub const BODY_BYTES_MAX: usize = 1 << 20;

/// Where the API is, below the node's address.
const API: &str = "/api/v1";

/// How long a transaction's id is; anything else cannot be one.
const ID_LENGTH: usize = 64;

/// The API of one node.
#[derive(Debug)]
pub struct Api {
    inbox: Inbox,
    /// The answer to `GET /`.
    about: String,
}

/// What a path leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Route<'a> {
    /// `/`
    About,
    /// `/api/v1/transactions`
    Transactions,
    /// `/api/v1/transactions/{id}`
    Transaction(&'a str),
    /// `/api/v1/transactions/{id}/status`
    Status(&'a str),
}

impl Api {
    /// The API of the node behind `inbox`. `address` is how clients reach it.
    pub fn new(inbox: Inbox, address: &str, key: &NodeKey, keyring: &[NodeKey]) -> Self {
        let keyring = keyring.iter().map(|key| Json::from(key.as_str())).collect::<Vec<_>>();
        let about = Json::object([
            ("api_endpoint", Json::from(format!("http://{address}{API}"))),
            ("keyring", Json::from(keyring)),
            ("public_key", Json::from(key.as_str())),
            ("software", Json::from("BigchainDB")),
            ("version", Json::from("0.6.0")),
        ]);
        Self { inbox, about: about.to_string() }
    }

    /// Answers a request; a paused node answers when it goes on.
    pub(super) async fn answer<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        let reply = self.route(request).await;
        self.inbox.gate().await;
        reply
    }

    async fn route<B>(&self, request: Request<B>) -> Reply
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        let (head, body) = request.into_parts();
        let Some(route) = route(head.uri.path()) else {
            return reply::not_found();
        };
        let reads = head.method == Method::GET || head.method == Method::HEAD;
        match route {
            _ if head.method == Method::OPTIONS => reply::options(allowed(route)),
            Route::About if reads => reply::json(StatusCode::OK, self.about.clone()),
            Route::Transactions if head.method == Method::POST => self.post(body).await,
            Route::Transaction(id) if reads => self.about_transaction(id, Call::Get).await,
            Route::Status(id) if reads => self.about_transaction(id, Call::Status).await,
            _ => reply::not_allowed(allowed(route)),
        }
    }

    /// `POST /api/v1/transactions/`, whatever the content type.
    async fn post<B>(&self, body: B) -> Reply
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        let bytes = match Limited::new(body, BODY_BYTES_MAX).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => {
                let reason = format!("a body may have {BODY_BYTES_MAX} bytes at most");
                return reply::refusal(StatusCode::PAYLOAD_TOO_LARGE, &reason);
            }
            Err(_) => return reply::refusal(StatusCode::BAD_REQUEST, "the body broke off"),
        };
        match Json::parse(&bytes) {
            Ok(document) => self.call(Call::Post(document)).await,
            Err(error) => {
                let reason = format!("the body is not JSON: {error}");
                reply::refusal(StatusCode::BAD_REQUEST, &reason)
            }
        }
    }

    async fn about_transaction(&self, id: &str, call: fn(TxId) -> Call) -> Reply {
        let is_id =
            id.len() == ID_LENGTH && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_id {
            return reply::not_found();
        }
        self.call(call(TxId::from(id))).await
    }

    async fn call(&self, call: Call) -> Reply {
        match self.inbox.ask(call).await {
            Ok(response) => reply::of(response),
            Err(busy) => reply::unavailable(&busy.to_string()),
        }
    }
}

/// Reads a path.
fn route(path: &str) -> Option<Route<'_>> {
    if path == "/" {
        return Some(Route::About);
    }
    let rest = path.strip_prefix(API)?.strip_prefix("/transactions")?;
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
        Route::About | Route::Transaction(_) | Route::Status(_) => "GET, HEAD, OPTIONS",
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
            ("/api/v1", None),
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
