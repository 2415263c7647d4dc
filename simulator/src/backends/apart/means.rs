//! What a machine has to offer: the programs that a run needs, and whether members can have networks of
//! their own.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bigchaindb_monitoring::dash::Board;

use super::super::cluster::Cluster;
use super::ApartError;
use super::docker::Images;
use super::ground::Binary;
use crate::live::Live;

/// The variable that names the node's program, if it is not beside this one.
pub const NODE_BINARY: &str = "TESTBED_NODE_BINARY";

/// Whether each member gets a network namespace of its own, so that it can be cut off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Namespaces {
    /// If this machine and this user can make them.
    #[default]
    IfPossible,
    /// Yes; where they cannot be made there is no run.
    Always,
    /// No.
    Never,
}

/// What a run in real time may use. Where nothing is said it looks for it itself.
#[derive(Clone, Debug, Default)]
pub struct Means {
    /// The program `bigchaindb`.
    pub node_binary: Option<PathBuf>,
    /// Networks.
    pub namespaces: Namespaces,
    /// What containers are made of.
    pub images: Images,
    /// The database of InfluxDB that metrics go to, if any: `http://host:port/database`.
    pub influxdb: Option<String>,
    /// The live page that shows them, if any.
    pub board: Option<Board>,
    /// Who looks at the run while it goes, if anybody does.
    pub live: Option<Live>,
    /// The machines of a run in the world `cluster`.
    pub cluster: Option<Cluster>,
}

/// The programs of a run.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    /// `bigchaindb`.
    node: PathBuf,
}

impl Programs {
    pub(super) fn find(means: &Means) -> Result<Self, ApartError> {
        let named = means.node_binary.clone();
        let named = named.or_else(|| env::var_os(NODE_BINARY).map(PathBuf::from));
        let node = match named {
            Some(path) if path.is_file() => path,
            Some(path) => return Err(missing("bigchaindb", vec![path])),
            None => beside("bigchaindb")?,
        };
        Ok(Self { node })
    }

    /// Where a program is.
    pub(super) fn path(&self, binary: Binary) -> Result<PathBuf, ApartError> {
        match binary {
            Binary::Node => Ok(self.node.clone()),
            Binary::Rethinkdb => in_path("rethinkdb").ok_or(ApartError::NoRethinkdb),
        }
    }
}

/// The program `testbed`, which watches over a run.
pub(in super::super) fn watcher() -> Result<PathBuf, ApartError> {
    beside("testbed")
}

/// A program of this project: beside the running one, which may be a test and lie a folder deeper.
pub(super) fn beside(name: &'static str) -> Result<PathBuf, ApartError> {
    let this = env::current_exe().map_err(ApartError::Start)?;
    let folders = this.ancestors().skip(1).take(2);
    let places: Vec<_> = folders.map(|folder| folder.join(name)).collect();
    match places.iter().find(|place| place.is_file()) {
        Some(place) => Ok(place.clone()),
        None => Err(missing(name, places)),
    }
}

fn missing(program: &'static str, places: Vec<PathBuf>) -> ApartError {
    let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
    ApartError::NoProgram { program, places: places.join(" and ") }
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|place| place.is_file())
}

/// Why members cannot have network namespaces here; none if they can.
pub fn no_namespaces() -> Option<String> {
    let why = cannot_enter().or_else(|| missing_package("ip", "iproute2"));
    if why.is_some() {
        return why;
    }
    let tried = Command::new("ip").args(["netns", "list"]).stdout(Stdio::null()).status();
    match tried {
        Ok(status) if status.success() => None,
        _ => Some("`ip netns` does not work here".to_owned()),
    }
}

/// Why nobody can enter a network namespace here and cut it off; none if that can be done.
pub(super) fn cannot_enter() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root may enter network namespaces".to_owned());
    }
    missing_package("nsenter", "util-linux").or_else(|| missing_package("nft", "nftables"))
}

fn missing_package(program: &str, package: &str) -> Option<String> {
    let is_there = in_path(program).is_some() || Path::new("/usr/sbin").join(program).is_file();
    (!is_there).then(|| format!("the program `{program}` is missing (`apt-get install {package}`)"))
}
