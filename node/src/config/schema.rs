//! The settings there are, what each may be, and what it is if nobody says.

use bigchaindb_core::model::{Json, Object};

/// RethinkDB's port for drivers.
pub(super) const DRIVER_PORT: i64 = 28015;

/// What a setting's value is turned into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Text,
    /// A whole number.
    Integer,
    Number,
    /// A list of texts; in an environment variable, with `:` between them.
    List,
    /// Nobody here knows the setting: it is kept as it is.
    Unknown,
}

/// Every setting of BigchainDB 0.6.0, and behind the line ours.
const SETTINGS: &[(&[&str], Kind)] = &[
    (&["server", "bind"], Kind::Text),
    (&["server", "workers"], Kind::Integer),
    (&["server", "threads"], Kind::Integer),
    (&["database", "host"], Kind::Text),
    (&["database", "port"], Kind::Integer),
    (&["database", "name"], Kind::Text),
    (&["keypair", "public"], Kind::Text),
    (&["keypair", "private"], Kind::Text),
    (&["keyring"], Kind::List),
    (&["statsd", "host"], Kind::Text),
    (&["statsd", "port"], Kind::Integer),
    (&["statsd", "rate"], Kind::Number),
    (&["api_endpoint"], Kind::Text),
    (&["consensus_plugin"], Kind::Text),
    // Gunicorn's, as far as they have a meaning here; absent unless they are set.
    (&["server", "timeout"], Kind::Integer),
    (&["server", "keepalive"], Kind::Integer),
    (&["server", "graceful_timeout"], Kind::Integer),
    (&["server", "worker_connections"], Kind::Integer),
    (&["server", "backlog"], Kind::Integer),
    (&["server", "limit_request_line"], Kind::Integer),
    (&["server", "limit_request_fields"], Kind::Integer),
    // Ours; absent unless they are set.
    (&["database", "user"], Kind::Text),
    (&["database", "password"], Kind::Text),
    (&["database", "tls"], Kind::Text),
    (&["statsd", "name"], Kind::Text),
];

/// What a setting may be.
pub(super) fn kind(path: &[&str]) -> Kind {
    let known = SETTINGS.iter().find(|(setting, _)| *setting == path);
    known.map_or(Kind::Unknown, |(_, kind)| *kind)
}

/// The paths of all settings that are known.
pub(super) fn paths() -> impl Iterator<Item = &'static [&'static str]> {
    SETTINGS.iter().map(|(path, _)| *path)
}

/// Source: BigchainDB 0.6.0, `bigchaindb/__init__.py`.
pub(super) fn defaults() -> Json {
    let mut defaults = Json::Object(Object::new());
    let values: [(&[&str], Json); 14] = [
        (&["server", "bind"], "localhost:9984".into()),
        (&["server", "workers"], Json::Null),
        (&["server", "threads"], Json::Null),
        (&["database", "host"], "localhost".into()),
        (&["database", "port"], DRIVER_PORT.into()),
        (&["database", "name"], "bigchain".into()),
        (&["keypair", "public"], Json::Null),
        (&["keypair", "private"], Json::Null),
        (&["keyring"], Json::Array(vec![])),
        (&["statsd", "host"], "localhost".into()),
        (&["statsd", "port"], Json::from(8125_i64)),
        (&["statsd", "rate"], Json::Float(0.01)),
        (&["api_endpoint"], "http://localhost:9984/api/v1".into()),
        (&["consensus_plugin"], "default".into()),
    ];
    for (path, value) in values {
        set(&mut defaults, path, value);
    }
    defaults
}

/// Sets what is at a path; makes the objects on the way.
pub(super) fn set(document: &mut Json, path: &[&str], value: Json) {
    let Some((name, inner)) = path.split_first() else { return *document = value };
    if document.as_object().is_none() {
        *document = Json::Object(Object::new());
    }
    if document.get(name).is_none()
        && let Json::Object(fields) = document
    {
        fields.insert(*name, Json::Null);
    }
    let field = document.get_mut(name).expect("it was made above if it was not there");
    set(field, inner, value);
}

/// Turns a value into what the setting has to be; a null stays one.
///
/// # Errors
/// What it should have been, after "is".
pub(super) fn coerce(kind: Kind, value: Json) -> Result<Json, &'static str> {
    match (kind, value) {
        (Kind::Unknown, value) | (_, value @ Json::Null) => Ok(value),
        (Kind::Text, value @ Json::String(_)) => Ok(value),
        (Kind::Text, value @ (Json::Int(_) | Json::Float(_))) => Ok(value.to_string().into()),
        (Kind::Text, _) => Err("no text"),
        (Kind::Integer, value @ Json::Int(_)) => Ok(value),
        // As the original: 28015.9 is 28015.
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and ports are checked")]
        (Kind::Integer, Json::Float(float)) => Ok(Json::from(float as i64)),
        (Kind::Integer, Json::String(text)) => {
            text.trim().parse::<i64>().map(Json::from).map_err(|_| "no whole number")
        }
        (Kind::Integer, _) => Err("no whole number"),
        (Kind::Number, value @ Json::Float(_)) => Ok(value),
        (Kind::Number, Json::Int(int)) => Ok(Json::Float(int as f64)),
        (Kind::Number, Json::String(text)) => {
            let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            number.map(Json::Float).ok_or("no number")
        }
        (Kind::Number, _) => Err("no number"),
        (Kind::List, Json::String(text)) => {
            Ok(Json::Array(text.split(':').map(Json::from).collect()))
        }
        (Kind::List, value @ Json::Array(_)) => Ok(value),
        (Kind::List, _) => Err("no list"),
    }
}
