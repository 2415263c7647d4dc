//! RethinkDB: a program for each server, joined into a cluster.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use super::super::ApartError;
use super::super::ground::{Binary, CLUSTER_PORT, DRIVER_PORT, Ground, Member};
use super::super::program::Program;
use crate::plan::{Plan, Store as Planned};

/// How its servers are started, and where they listen.
pub(super) fn programs(
    plan: &Plan,
    ground: &Ground,
    folder: &Path,
) -> Result<(Vec<Program>, Vec<SocketAddr>), ApartError> {
    let (mut programs, mut servers) = (Vec::new(), Vec::new());
    for server in 0..plan.store.servers as usize {
        let member = Member::Server(server);
        let (name, ip) = (Planned::server_name(server), ground.address(member));
        let address = ip.to_string();
        let mut arguments: Vec<OsString> = vec!["--directory".into(), folder.join(&name).into()];
        for argument in [
            "--bind",
            &address,
            "--canonical-address",
            &address,
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
        if server > 0 {
            let first = ground.address(Member::Server(0));
            arguments.extend(["--join".into(), format!("{first}:{CLUSTER_PORT}").into()]);
        }
        let log = folder.join(format!("{name}.log"));
        programs.push(ground.program(member, Binary::Rethinkdb, arguments, log)?);
        servers.push(SocketAddr::new(ip, DRIVER_PORT));
    }
    Ok((programs, servers))
}
