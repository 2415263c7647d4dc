//! What a machine has to offer: the programs that a run needs, and whether members can have networks of
//! their own.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ApartError;

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

/// What a run by processes may use. Where nothing is said it looks for it itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Means {
    /// The program `bigchaindb`.
    pub node_binary: Option<PathBuf>,
    /// Networks.
    pub namespaces: Namespaces,
}

/// The programs of a run.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    /// `bigchaindb`.
    pub(super) node: PathBuf,
    /// `testbed`, which watches over the run.
    pub(super) watcher: PathBuf,
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
        Ok(Self { node, watcher: beside("testbed")? })
    }
}

/// The program `rethinkdb`, if it is installed.
pub(super) fn rethinkdb() -> Result<PathBuf, ApartError> {
    in_path("rethinkdb").ok_or(ApartError::NoRethinkdb)
}

/// A program of this project: beside the running one, which may be a test and lie a folder deeper.
fn beside(name: &'static str) -> Result<PathBuf, ApartError> {
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
    if !rustix::process::geteuid().is_root() {
        return Some("only root may make network namespaces".to_owned());
    }
    for program in ["ip", "nft"] {
        let missing = in_path(program).is_none() && !Path::new("/usr/sbin").join(program).is_file();
        if missing {
            let packages = "`apt-get install iproute2 nftables`";
            return Some(format!("the program `{program}` is missing ({packages})"));
        }
    }
    let tried = Command::new("ip").args(["netns", "list"]).stdout(Stdio::null()).status();
    match tried {
        Ok(status) if status.success() => None,
        _ => Some("`ip netns` does not work here".to_owned()),
    }
}
