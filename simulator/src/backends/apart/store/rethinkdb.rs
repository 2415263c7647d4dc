//! RethinkDB: a process for each server, joined into a cluster.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use super::super::ApartError;
use super::super::ground::{CLUSTER_PORT, DRIVER_PORT, Ground};
use super::super::means;
use super::super::processes::Program;
use super::super::run_id::RunId;
use crate::plan::{Plan, Store as Planned};

/// How its servers are started, and where they listen.
pub(super) fn programs(
    plan: &Plan,
    ground: &Ground,
    folder: &Path,
    run: &RunId,
) -> Result<(Vec<Program>, Vec<SocketAddr>), ApartError> {
    let path = means::rethinkdb()?;
    let (mut programs, mut servers) = (Vec::new(), Vec::new());
    for server in 0..plan.store.servers as usize {
        let (name, address) = (Planned::server_name(server), ground.server(server).to_string());
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
            let first = ground.server(0);
            arguments.extend(["--join".into(), format!("{first}:{CLUSTER_PORT}").into()]);
        }
        programs.push(Program {
            path: path.clone(),
            arguments,
            namespace: ground.namespace_of_server(server),
            log: folder.join(format!("{name}.log")),
            run: run.clone(),
        });
        servers.push(SocketAddr::new(ground.server(server), DRIVER_PORT));
    }
    Ok((programs, servers))
}
