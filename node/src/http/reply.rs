//! How answers read: status codes, headers and bodies, in the style that the rules ask for.
//!
//! Under `default` every body is compact JSON, and whoever is refused hears why. The original had
//! three hands: Flask wrote pages of HTML and indented JSON, Flask-RESTful JSON of one line.

use bigchaindb_core::model::{Json, NodeKey, Transaction};
use bigchaindb_core::rules::Wording;
use bigchaindb_core::stages::Response;
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response as HttpResponse, StatusCode};

use super::layout::Layout;

/// What goes over the wire.
pub(crate) type Reply = HttpResponse<Full<Bytes>>;

/// Why a reply says no, for the log.
#[derive(Clone, Debug)]
pub(super) struct Reason(pub(super) String);

/// The reason that goes with a 404.
const NOT_FOUND: &str = "Not found";

/// The reason that goes with a 405.
const NOT_ALLOWED: &str = "The method is not allowed for the requested URL.";

/// When a client that was turned away may come back: queues drain within a second or so.
const RETRY_AFTER_S: HeaderValue = HeaderValue::from_static("1");

/// How answers read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    wording: Wording,
    /// Whether a script of a browser asks, for which Flask saved the line breaks.
    by_script: bool,
}

/// A body, before it has a status.
struct Body {
    kind: &'static str,
    text: String,
}

impl Style {
    /// The style of these words.
    pub fn of(wording: Wording) -> Self {
        Self { wording, by_script: false }
    }

    /// The same, for a request that a script of a browser sends, or one that somebody else does.
    pub(super) fn by_script(self, by_script: bool) -> Self {
        Self { by_script, ..self }
    }

    /// Whether it is the original's.
    pub(super) fn is_original(self) -> bool {
        self.wording == Wording::Original
    }

    /// A node's answer as status code and JSON text. What else goes into the headers follows from
    /// them.
    ///
    /// Source: BigchainDB 0.6 docs, "The HTTP Client-Server API"; errors say their reason.
    pub fn answer(self, response: Response) -> (u16, String) {
        let (status, Body { text, .. }, _) = self.body_of(response);
        (status.as_u16(), text)
    }

    /// The node's answer to a call.
    pub(super) fn of_response(self, response: Response) -> Reply {
        let (status, body, reason) = self.body_of(response);
        reply(status, body, reason)
    }

    fn body_of(self, response: Response) -> (StatusCode, Body, String) {
        let is_original = self.is_original();
        let found = |body| (StatusCode::OK, body, String::new());
        match response {
            Response::Accepted(transaction, _) if is_original => {
                found(self.item(document(&transaction, None)))
            }
            Response::Accepted(transaction, assignee) => {
                let body = self.item(document(&transaction, assignee.as_ref()));
                (StatusCode::CREATED, body, String::new())
            }
            Response::Found(transaction, assignee) => {
                found(self.item(document(&transaction, assignee.as_ref())))
            }
            Response::Status(status) => {
                found(self.item(format!("{{\"status\":\"{}\"}}", status.word())))
            }
            Response::NotFound => self.error(StatusCode::NOT_FOUND, NOT_FOUND),
            Response::Refused(reason) => {
                let told = if is_original { "Invalid transaction" } else { &reason };
                let (status, body, _) = self.error(StatusCode::BAD_REQUEST, told);
                (status, body, reason)
            }
            Response::Failed(reason) => {
                let body = self.item(message("Internal Server Error"));
                (StatusCode::INTERNAL_SERVER_ERROR, body, reason)
            }
            Response::Unavailable(reason) => self.error(StatusCode::SERVICE_UNAVAILABLE, &reason),
        }
    }

    /// An error: its status code and a reason the client can act on.
    pub(super) fn refusal(self, status: StatusCode, reason: &str) -> Reply {
        let (status, body, reason) = self.error(status, reason);
        reply(status, body, reason)
    }

    /// 400: the body is not JSON.
    pub(super) fn not_json(self, reason: &str) -> Reply {
        match self.wording {
            Wording::Documented => self.refusal(StatusCode::BAD_REQUEST, reason),
            Wording::Original => {
                let told = "The browser (or proxy) sent a request that this server could not \
                            understand.";
                reply(StatusCode::BAD_REQUEST, self.item(message(told)), reason.to_owned())
            }
        }
    }

    /// 404 for a path that leads nowhere.
    pub(super) fn no_such_path(self) -> Reply {
        match self.wording {
            Wording::Documented => self.refusal(StatusCode::NOT_FOUND, NOT_FOUND),
            Wording::Original => page(
                StatusCode::NOT_FOUND,
                "Not Found",
                "The requested URL was not found on the server.  If you entered the URL manually \
                 please check your spelling and try again.",
            ),
        }
    }

    /// 404 for a transaction that is not there.
    pub(super) fn not_found(self) -> Reply {
        self.of_response(Response::NotFound)
    }

    /// 405, and what would be allowed; `in_api` says that the path is below the API's.
    pub(super) fn not_allowed(self, allow: &'static str, in_api: bool) -> Reply {
        let status = StatusCode::METHOD_NOT_ALLOWED;
        let mut reply = match self.wording {
            Wording::Documented => self.refusal(status, NOT_ALLOWED),
            Wording::Original if in_api => {
                reply(status, self.item(message(NOT_ALLOWED)), String::new())
            }
            Wording::Original => page(status, "Method Not Allowed", NOT_ALLOWED),
        };
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        reply
    }

    /// 200 to OPTIONS.
    pub(super) fn options(self, allow: &'static str) -> Reply {
        let mut reply = HttpResponse::new(Full::default());
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
        if self.wording == Wording::Original {
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            reply.headers_mut().insert(CONTENT_TYPE, kind);
        }
        reply
    }

    /// 200 with what is to be read by people, too.
    pub(super) fn readable(self, document: String) -> Reply {
        reply(StatusCode::OK, self.indented(document), String::new())
    }

    fn error(self, status: StatusCode, reason: &str) -> (StatusCode, Body, String) {
        let code = Json::from(i64::from(status.as_u16()));
        let body = Json::object([("message", Json::from(reason)), ("status", code)]);
        (status, self.indented(body.to_string()), reason.to_owned())
    }

    /// What Flask-RESTful wrote.
    fn item(self, compact: String) -> Body {
        let text = match self.wording {
            Wording::Documented => compact,
            Wording::Original => Layout::Line.lay_out(compact) + "\n",
        };
        Body { kind: "application/json", text }
    }

    /// What Flask wrote.
    fn indented(self, compact: String) -> Body {
        let layout = match self.wording {
            Wording::Documented => Layout::Compact,
            Wording::Original if self.by_script => Layout::Line,
            Wording::Original => Layout::Page,
        };
        Body { kind: "application/json", text: layout.lay_out(compact) }
    }
}

/// The connection ends with this reply: what is left of the request is not wanted.
pub(super) fn last(mut reply: Reply) -> Reply {
    reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

/// A reply, complete; whoever is turned away hears when to come back.
fn reply(status: StatusCode, body: Body, reason: String) -> Reply {
    let mut reply = HttpResponse::new(Full::new(Bytes::from(body.text)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(body.kind));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        reply.headers_mut().insert(RETRY_AFTER, RETRY_AFTER_S);
    }
    if !reason.is_empty() {
        reply.extensions_mut().insert(Reason(reason));
    }
    reply
}

/// A page of the original's.
fn page(status: StatusCode, title: &str, text: &str) -> Reply {
    let text = format!(
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 3.2 Final//EN\">\n\
         <title>{} {title}</title>\n<h1>{title}</h1>\n<p>{text}</p>\n",
        status.as_u16()
    );
    reply(status, Body { kind: "text/html", text }, String::new())
}

fn message(text: &str) -> String {
    Json::object([("message", Json::from(text))]).to_string()
}

/// A transaction's text, with its assignee while it waits. The key sorts before all others of a
/// transaction, so it is put in front of the text instead of into a copy of the document.
fn document(transaction: &Transaction, assignee: Option<&NodeKey>) -> String {
    let text = transaction.document().to_string();
    let Some(assignee) = assignee else { return text };
    let rest = text.strip_prefix('{').expect("a transaction is an object");
    format!("{{\"assignee\":{},{rest}", Json::from(assignee.as_str()))
}
