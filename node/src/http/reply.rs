//! How answers read: status codes, headers and JSON bodies.

use bigchaindb_core::model::{Json, NodeKey, Transaction};
use bigchaindb_core::stages::{Response, Status};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response as HttpResponse, StatusCode};

/// What goes over the wire.
pub(crate) type Reply = HttpResponse<Full<Bytes>>;

/// The reason that goes with a 404.
const NOT_FOUND: &str = "Not found";

/// When a client that was turned away may come back: queues drain within a second or so.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");

/// A node's answer as status code and JSON text. What else goes into the headers follows from them.
///
/// Source: BigchainDB 0.6 docs, "The HTTP Client-Server API"; errors say their reason.
pub fn answer(response: Response) -> (u16, String) {
    let (status, text) = match response {
        Response::Accepted(transaction, assignee) => {
            (StatusCode::CREATED, document(&transaction, assignee.as_ref()))
        }
        Response::Found(transaction, assignee) => {
            (StatusCode::OK, document(&transaction, assignee.as_ref()))
        }
        Response::Status(status) => {
            (StatusCode::OK, format!("{{\"status\":\"{}\"}}", word(status)))
        }
        Response::NotFound => error(StatusCode::NOT_FOUND, NOT_FOUND),
        Response::Refused(reason) => error(StatusCode::BAD_REQUEST, &reason),
        Response::Unavailable(reason) => error(StatusCode::SERVICE_UNAVAILABLE, &reason),
    };
    (status.as_u16(), text)
}

/// The node's answer to a call.
pub(crate) fn of(response: Response) -> Reply {
    let (status, text) = answer(response);
    let status = StatusCode::from_u16(status).expect("made of a status code");
    json(status, text)
}

/// 503: come back later.
pub(crate) fn unavailable(reason: &str) -> Reply {
    refusal(StatusCode::SERVICE_UNAVAILABLE, reason)
}

/// 404.
pub(crate) fn not_found() -> Reply {
    refusal(StatusCode::NOT_FOUND, NOT_FOUND)
}

/// 405, and what would be allowed.
pub(crate) fn not_allowed(allow: &'static str) -> Reply {
    let reason = "The method is not allowed for the requested URL.";
    let mut reply = refusal(StatusCode::METHOD_NOT_ALLOWED, reason);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    reply
}

/// 200 to OPTIONS.
pub(crate) fn options(allow: &'static str) -> Reply {
    let mut reply = HttpResponse::new(Full::default());
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    reply
}

/// An error: its status code and a reason the client can act on.
pub(crate) fn refusal(status: StatusCode, reason: &str) -> Reply {
    let (status, text) = error(status, reason);
    json(status, text)
}

fn error(status: StatusCode, reason: &str) -> (StatusCode, String) {
    let code = Json::from(i64::from(status.as_u16()));
    let body = Json::object([("message", Json::from(reason)), ("status", code)]);
    (status, body.to_string())
}

/// A JSON body, complete; whoever is turned away hears when to come back.
pub(crate) fn json(status: StatusCode, text: String) -> Reply {
    let mut reply = HttpResponse::new(Full::new(Bytes::from(text)));
    *reply.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, kind);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        reply.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_S);
    }
    reply
}

/// A transaction's text, with its assignee while it waits. The key sorts before all others of a
/// transaction, so it is put in front of the text instead of into a copy of the document.
fn document(transaction: &Transaction, assignee: Option<&NodeKey>) -> String {
    let text = transaction.document().to_string();
    let Some(assignee) = assignee else { return text };
    let rest = text.strip_prefix('{').expect("a transaction is an object");
    format!("{{\"assignee\":{},{rest}", Json::from(assignee.as_str()))
}

/// A status, as clients know it.
fn word(status: Status) -> &'static str {
    match status {
        Status::Valid => "valid",
        Status::Invalid => "invalid",
        Status::Undecided => "undecided",
        Status::Backlog => "backlog",
    }
}
