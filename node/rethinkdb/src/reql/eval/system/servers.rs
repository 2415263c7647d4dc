//! The tables `server_config` and `server_status`: the servers that this one is connected to, and itself.

use super::named;
use crate::cluster::ServerId;
use crate::reql::Server;
use crate::reql::datum::Datum;
use crate::reql::env::Env;

/// A server with the names of those that it is connected to.
struct Seen<'a> {
    server: &'a Server,
    others: Vec<&'a str>,
}

fn seen(env: &Env) -> Vec<Seen<'_>> {
    let Some(member) = &env.member else {
        return vec![Seen { server: &env.server, others: Vec::new() }];
    };
    let connected = member.connected();
    let seen = |server: &ServerId| {
        let is_other =
            |other: &&ServerId| *other != server && member.are_connected(*server, **other);
        let others = connected.iter().filter(is_other).map(|other| member.name_of(*other));
        Seen { server: member.identity_of(*server), others: others.collect() }
    };
    connected.iter().map(seen).collect()
}

pub(super) fn configs(env: &Env) -> Vec<Datum> {
    let config = |Seen { server, .. }: Seen<'_>| {
        named([
            ("cache_size_mb", "auto".into()),
            ("id", Datum::from(&*server.id)),
            ("name", Datum::from(&*server.name)),
            ("tags", vec!["default".into()].into()),
        ])
    };
    seen(env).into_iter().map(config).collect()
}

pub(super) fn statuses(env: &Env) -> Vec<Datum> {
    seen(env).into_iter().map(status).collect()
}

fn status(Seen { server, others }: Seen<'_>) -> Datum {
    let connected_to = others.into_iter().map(|name| (name.into(), true.into())).collect();
    let network = named([
        ("canonical_addresses", Datum::array(Vec::new())),
        ("connected_to", Datum::object(connected_to)),
        ("http_admin_port", "<no http admin>".into()),
        ("time_connected", Datum::utc(0.0)),
    ]);
    let process = named([
        ("cache_size_mb", "auto".into()),
        ("pid", f64::from(std::process::id()).into()),
        ("version", env!("CARGO_PKG_VERSION").into()),
    ]);
    named([
        ("id", Datum::from(&*server.id)),
        ("name", Datum::from(&*server.name)),
        ("network", network),
        ("process", process),
    ])
}
