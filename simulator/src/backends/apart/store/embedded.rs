//! Our own store: one process, whatever number of servers it has.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use super::super::ground::{DRIVER_PORT, Ground};
use super::super::means::Programs;
use super::super::processes::Program;
use super::super::run_id::RunId;
use crate::plan::Plan;

/// How it is started, and where its servers listen.
pub(super) fn programs(
    plan: &Plan,
    ground: &Ground,
    folder: &Path,
    programs: &Programs,
    run: &RunId,
) -> (Vec<Program>, Vec<SocketAddr>) {
    let (address, count) = (ground.server(0), plan.store.servers);
    let mut arguments: Vec<OsString> =
        vec!["rethinkdb".into(), "--directory".into(), folder.join("store").into()];
    // Several servers get numbers.
    let name = if count == 1 { "s1" } else { "s" };
    for argument in [
        "--bind",
        &address.to_string(),
        "--driver-port",
        &DRIVER_PORT.to_string(),
        "--servers",
        &count.to_string(),
        "--server-name",
        name,
    ] {
        arguments.push(argument.into());
    }
    let program = Program {
        path: programs.node.clone(),
        arguments,
        namespace: ground.namespace_of_server(0),
        log: folder.join("store.log"),
        run: run.clone(),
    };
    let ports = DRIVER_PORT..;
    let servers = ports.take(count as usize).map(|port| SocketAddr::new(address, port));
    (vec![program], servers.collect())
}
