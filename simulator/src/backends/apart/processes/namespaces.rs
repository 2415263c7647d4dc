//! Network namespaces of a run: one for each member, and one for the bridge between them.
//!
//! The bridge lives in a namespace too, so that all of a network goes with its namespaces: this machine
//! itself has one interface of each run, the other end of which is there. Names begin with the run's.
//! Here: making them, the rules that cut members off, and looking through a member's eyes. Not here: which
//! fault cuts what (`cuts`), that all of it goes (`reaper`).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use rustix::fd::AsFd as _;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::super::run_id::RunId;

/// Where `ip` keeps the names of namespaces.
const NAMES: &str = "/run/netns";

/// The namespace of the bridge, behind the run's name.
const HUB: &str = "hub";

/// How many networks there are to choose from: 198.18.0.0/15, which is for tests of networks.
///
/// Source: RFC 2544.
const NETWORKS: u16 = 512;

/// The namespaces of a run.
#[derive(Debug)]
pub(in super::super) struct Network {
    run: RunId,
    /// The first three numbers of its addresses.
    prefix: [u8; 3],
}

impl Network {
    /// Makes the bridge, and this machine's way to it, with an address that ends in `gateway`.
    ///
    /// # Errors
    /// If `ip` does not do it.
    pub(in super::super) fn make(run: &RunId, gateway: u8) -> io::Result<Self> {
        let network = Self { run: run.clone(), prefix: free_prefix()? };
        let (hub, mine) = (network.name(HUB), network.address(gateway));
        ip(&format!("netns add {hub}"))?;
        ip(&format!("-n {hub} link add bridge type bridge"))?;
        ip(&format!("-n {hub} link set bridge up"))?;
        ip(&format!("link add {run} type veth peer name harness netns {hub}"))?;
        ip(&format!("-n {hub} link set harness master bridge up"))?;
        ip(&format!("addr add {mine}/24 dev {run}"))?;
        ip(&format!("link set {run} up"))?;
        Ok(network)
    }

    /// Gives a member a namespace, with an address of its own.
    ///
    /// # Errors
    /// If `ip` does not do it.
    pub(in super::super) fn add(&self, member: &str, number: u8) -> io::Result<()> {
        let (hub, name, address) = (self.name(HUB), self.name(member), self.address(number));
        ip(&format!("netns add {name}"))?;
        ip(&format!("-n {hub} link add {member} type veth peer name eth0 netns {name}"))?;
        ip(&format!("-n {hub} link set {member} master bridge up"))?;
        ip(&format!("-n {name} addr add {address}/24 dev eth0"))?;
        ip(&format!("-n {name} link set eth0 up"))?;
        ip(&format!("-n {name} link set lo up"))
    }

    fn name(&self, member: &str) -> String {
        format!("{}-{member}", self.run)
    }

    /// The namespace of a member.
    pub(in super::super) fn namespace(&self, member: &str) -> PathBuf {
        Path::new(NAMES).join(self.name(member))
    }

    /// An address in this network.
    pub(in super::super) fn address(&self, number: u8) -> Ipv4Addr {
        let [first, second, third] = self.prefix;
        Ipv4Addr::new(first, second, third, number)
    }
}

/// The first three numbers of a network's addresses that no other run has taken: the search begins at this
/// process' number.
///
/// # Errors
/// If all are taken, or nobody can say.
pub(in super::super) fn free_prefix() -> io::Result<[u8; 3]> {
    let routes = fs::read_to_string("/proc/net/route")?;
    let taken: BTreeSet<_> = routes.lines().filter_map(destination).collect();
    let first = u16::try_from(std::process::id() % u32::from(NETWORKS)).expect("fewer than 512");
    let prefix = |number: u16| {
        let [second, third] = number.to_be_bytes();
        [198, 18 + second, third]
    };
    let mut prefixes = (0..NETWORKS).map(|step| prefix((first + step) % NETWORKS));
    let is_free = |prefix: &[u8; 3]| !taken.contains(prefix);
    prefixes.find(is_free).ok_or_else(|| io::Error::other("all of 198.18.0.0/15 is taken"))
}

/// Where a route leads, in a line of Linux' table: the second column, an address whose bytes are in the
/// order in which this machine keeps them.
fn destination(line: &str) -> Option<[u8; 3]> {
    let address = u32::from_str_radix(line.split_whitespace().nth(1)?, 16).ok()?;
    let [first, second, third, _] = address.to_ne_bytes();
    Some([first, second, third])
}

/// The names of all namespaces on this machine.
pub(in super::super) fn all() -> Vec<String> {
    let entries = fs::read_dir(NAMES).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Takes a namespace away, with its interfaces and rules.
///
/// # Errors
/// If it stays.
pub(in super::super) fn remove(name: &str) -> io::Result<()> {
    ip(&format!("netns del {name}"))
}

/// As `nsenter` is told into which network namespace it goes.
pub(in super::super) fn net(namespace: &Path) -> OsString {
    let mut option = OsString::from("--net=");
    option.push(namespace);
    option
}

/// Has a namespace's packet filter do something: `rules` are in its own words.
///
/// # Errors
/// If it refuses.
pub(in super::super) fn filter(namespace: &Path, rules: &str) -> io::Result<()> {
    let mut command = Command::new("nsenter");
    command.arg(net(namespace)).args(["nft", "-f", "-"]);
    done(command, rules)
}

/// What a function comes to in a namespace: what it makes there, as a socket, stays there.
///
/// # Errors
/// If there is no such namespace.
pub(in super::super) fn within<T: Send>(
    namespace: Option<&Path>,
    look: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    let Some(namespace) = namespace else { return look() };
    let namespace = File::open(namespace)?;
    // A thread of its own, which ends in there.
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            let kind = Some(LinkNameSpaceType::Network);
            move_into_link_name_space(namespace.as_fd(), kind)?;
            look()
        });
        inside.join().unwrap_or_else(|_| Err(io::Error::other("it panicked")))
    })
}

fn ip(arguments: &str) -> io::Result<()> {
    let mut command = Command::new("ip");
    command.args(arguments.split(' '));
    done(command, "")
}

/// Runs a command that reads `input`; an error says what it was, and what it said.
fn done(mut command: Command, input: &str) -> io::Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut pipe = child.stdin.take().expect("it was asked for");
    // Whoever ends without reading has something to say.
    let _ = pipe.write_all(input.as_bytes());
    drop(pipe);
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?}: {}", said.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_says_which_network_is_taken() {
        let line = "tb1-2\t0A1312C6\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0";
        assert_eq!(
            destination(line),
            Some([198, 18, 19]),
            "on a machine that keeps the last first"
        );
        assert_eq!(destination("Iface\tDestination\tGateway"), None);
        assert!(free_prefix().is_ok_and(|[first, second, _]| first == 198 && second >= 18));
    }
}
