//! RethinkDB: a program for each server, joined into a cluster.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use bigchaindb::store::rethinkdb::{Client, Term};
use bigchaindb_core::model::Json;

use super::super::ApartError;
use super::super::ground::{Binary, CLUSTER_PORT, DRIVER_PORT, Ground, Member};
use super::super::program::Program;
use crate::plan::{Plan, Store as Planned};

/// Where nobody listens. RethinkDB 2.4.4 strikes an address from a peer's list if a connection to it is reset
/// before the peer has said who it is, as happens when that is killed; it dies if none is left ("Guarantee
/// failed: [peer.ips().size() > 0]"). One that only refuses stays.
///
/// Source: RethinkDB 2.4.4, `auto_reconnect.cc`, `cluster.cc`; seen in runs of `store-storm`.
const NOBODYS_PORT: u16 = CLUSTER_PORT - 1;

/// How its servers are started, and where they listen.
pub(super) fn programs(
    plan: &Plan,
    ground: &Ground,
    folder: &Path,
) -> Result<(Vec<Program>, Vec<SocketAddr>), ApartError> {
    let (mut programs, mut servers) = (Vec::new(), Vec::new());
    let all = plan.store.servers as usize;
    for server in 0..all {
        let member = Member::Server(server);
        let (name, ip) = (Planned::server_name(server), ground.address(member));
        let address = ip.to_string();
        let mut arguments: Vec<OsString> = vec!["--directory".into(), folder.join(&name).into()];
        for argument in [
            "--bind",
            &address,
            "--canonical-address",
            &address,
            "--canonical-address",
            &format!("{address}:{NOBODYS_PORT}"),
            "--driver-port",
            &DRIVER_PORT.to_string(),
            "--cluster-port",
            &CLUSTER_PORT.to_string(),
            "--server-name",
            &name,
            "--no-http-admin",
            "--no-update-check",
        ] {
            arguments.push(argument.into());
        }
        for other in (0..all).filter(|other| *other != server) {
            let other = ground.address(Member::Server(other));
            arguments.extend(["--join".into(), format!("{other}:{CLUSTER_PORT}").into()]);
        }
        let log = folder.join(format!("{name}.log"));
        programs.push(ground.program(member, Binary::Rethinkdb, arguments, log)?);
        servers.push(SocketAddr::new(ip, DRIVER_PORT));
    }
    Ok((programs, servers))
}

/// Whether a server sees so many servers, itself included.
pub(super) async fn sees(server: &Client, all: usize) -> bool {
    let there = Term::database("rethinkdb").table_of("server_status").count();
    let there = server.read_value(&there).await;
    there.is_ok_and(|there| there == Json::from(all as u64))
}
