//! Our own store: one program, whatever number of servers it has.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;

use super::super::ApartError;
use super::super::ground::{Binary, DRIVER_PORT, Ground, Member};
use super::super::program::Program;
use crate::plan::Plan;

/// The port of its door, at which nothing of what goes wrong between servers is felt.
const DOOR_PORT: u16 = DRIVER_PORT - 1;

/// How it is started, and where its servers listen; where its door is, if several servers have one.
pub(super) type Embedded = (Vec<Program>, Vec<SocketAddr>, Option<SocketAddr>);

/// How it is started with its data on a disk, and where its servers listen.
pub(super) fn programs(
    plan: &Plan,
    ground: &Ground,
    folder: &Path,
    disk: &Path,
) -> Result<Embedded, ApartError> {
    let member = Member::Server(0);
    let (address, count) = (ground.address(member), plan.store.servers);
    let mut arguments: Vec<OsString> =
        vec!["rethinkdb".into(), "--directory".into(), disk.join("store").into()];
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
    if count > 1 {
        arguments.extend(["--door".into(), DOOR_PORT.to_string().into()]);
    }
    let program = ground.program(member, Binary::Node, arguments, folder.join("store.log"))?;
    let ports = DRIVER_PORT..;
    let servers = ports.take(count as usize).map(|port| SocketAddr::new(address, port));
    let door = (count > 1).then(|| SocketAddr::new(address, DOOR_PORT));
    Ok((vec![program], servers.collect(), door))
}
