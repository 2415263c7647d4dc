//! What clients post that is no transaction. A node has to say so, and go on.

use bigchaindb_core::model::{Json, Object};

use crate::plan::Shapeless;

/// The levels of what is too deep: a node's reader stops at 2048, its rules at 80.
const LEVELS: usize = 200;
/// The bytes of what is too large for anything but to be refused.
const BYTES: usize = 900_000;

/// The document. `filling` makes it different from others of its shape.
pub(super) fn document(shape: Shapeless, filling: String) -> Json {
    let number = || Json::from(7_i64);
    let text = |text: &str| Json::from(text);
    match shape {
        Shapeless::List => vec![text(&filling), Json::Null].into(),
        Shapeless::Empty => Object::new().into(),
        Shapeless::Numbers => {
            let names = ["conditions", "data", "fulfillments", "operation", "timestamp", "version"];
            let body = Json::object(names.map(|name| (name, number())));
            Json::object([("id", text(&filling)), ("transaction", body)])
        }
        Shapeless::Objects => {
            let none = || Json::from(Object::new());
            let names = ["conditions", "data", "fulfillments"];
            let mut body = Json::object(names.map(|name| (name, none())));
            if let Json::Object(fields) = &mut body {
                fields.insert("operation", text("TRANSFER"));
            }
            Json::object([("id", text(&filling)), ("transaction", body)])
        }
        Shapeless::Deep => {
            let deep = (0..LEVELS).fold(text(&filling), |inner, _| vec![inner].into());
            transfer(deep, &filling, text("cf:0:"))
        }
        Shapeless::Huge => {
            let text = filling.repeat(BYTES / filling.len().max(1));
            transfer(Json::object([("filling", text.into())]), &filling, Json::Null)
        }
        Shapeless::Garbled => transfer(Json::Null, &filling, text("cf:4:not a fulfillment")),
        Shapeless::Ownerless => {
            let fulfillment = Json::object([("owners_before", Vec::new().into())]);
            let body = Json::object([
                ("operation", text("CREATE")),
                ("fulfillments", vec![fulfillment].into()),
                ("data", Json::object([("payload", Json::Null)])),
            ]);
            Json::object([("id", text(&filling)), ("transaction", body)])
        }
    }
}

/// A TRANSFER of nothing by nobody.
fn transfer(payload: Json, filling: &str, fulfillment: Json) -> Json {
    let input = Json::object([("cid", Json::from(0_i64)), ("txid", filling.into())]);
    let fulfillment = Json::object([
        ("fid", Json::from(0_i64)),
        ("fulfillment", fulfillment),
        ("input", input),
        ("owners_before", Vec::new().into()),
    ]);
    let body = Json::object([
        ("conditions", Vec::new().into()),
        ("data", Json::object([("payload", payload), ("uuid", filling.into())])),
        ("fulfillments", vec![fulfillment].into()),
        ("operation", "TRANSFER".into()),
        ("timestamp", "1472688000".into()),
        ("version", Json::from(1_i64)),
    ]);
    Json::object([("id", filling.into()), ("transaction", body)])
}
