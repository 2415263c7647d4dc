//! Where the members of a run live: their addresses, in networks of their own or not.
//!
//! Either way each member has an address of its own, and all use the usual ports. Without namespaces the
//! addresses are loopback ones, of which a machine has millions: a port that a killed node has left cannot
//! be taken by some outgoing connection meanwhile.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use super::ApartError;
use super::means::{Means, Namespaces, no_namespaces};
use super::processes::namespaces::Network;
use super::run_id::RunId;
use crate::plan::{Engine, Fault, FaultKind, Plan};

/// The port of a node's API.
pub(super) const API_PORT: u16 = 9984;

/// The port of a store's drivers; further servers of the embedded one take those that follow.
pub(super) const DRIVER_PORT: u16 = 28015;

/// The port on which RethinkDB's servers talk with each other.
pub(super) const CLUSTER_PORT: u16 = 29015;

/// The last number of the first node's address, and of the first server's.
const FIRST_NODE: u8 = 1;
const FIRST_SERVER: u8 = 190;

/// More nodes have no addresses.
pub(super) const NODES_MAX: usize = (FIRST_SERVER - FIRST_NODE) as usize;

/// The number by which a run claims its loopback addresses.
const CLAIM: u8 = 254;

/// How many nets of loopback addresses are tried.
const NETS: u16 = 60_000;

/// Where the members of a run live.
pub(super) enum Ground {
    /// Loopback addresses of this machine.
    Loopback {
        /// The middle two numbers of them.
        net: [u8; 2],
        /// While it is open nobody else takes them.
        _claim: TcpListener,
    },
    /// A namespace each.
    Apart(Network),
}

impl Ground {
    /// Takes what is to be had of what was asked for. Some faults need namespaces.
    pub(super) fn take(plan: &Plan, means: &Means, run: &RunId) -> Result<Self, ApartError> {
        let why_not = match means.namespaces {
            Namespaces::Never => Some("they were not wanted".to_owned()),
            Namespaces::IfPossible | Namespaces::Always => no_namespaces(),
        };
        let apart =
            |fault: &&Fault| matches!(fault.kind, FaultKind::Partition | FaultKind::FeedAbort);
        match (why_not, plan.faults.iter().find(apart)) {
            (Some(why), Some(Fault { number, kind, .. })) => {
                let name = kind.nature().name;
                Err(ApartError::NotApart { number: *number, name, why })
            }
            (Some(why), None) if means.namespaces == Namespaces::Always => {
                Err(ApartError::NoNamespaces { why })
            }
            (Some(_), None) => Ok(Self::loopback()?),
            (None, _) => {
                let network = Network::make(run).map_err(ApartError::Network)?;
                for node in 0..plan.nodes.len() {
                    let number = number(FIRST_NODE, node);
                    network.add(&node_name(node), number).map_err(ApartError::Network)?;
                }
                for server in 0..machines_of_store(plan) {
                    let number = number(FIRST_SERVER, server);
                    network.add(&server_name(server), number).map_err(ApartError::Network)?;
                }
                Ok(Self::Apart(network))
            }
        }
    }

    /// Addresses that no other run has claimed: the search begins at this process' number.
    fn loopback() -> io::Result<Self> {
        let first = u16::try_from(std::process::id() % u32::from(NETS)).expect("fewer than 60,000");
        for step in 0..NETS {
            // The first net is everybody's: 127.0.0.1 is in it.
            let net = (1 + (u32::from(first) + u32::from(step)) % u32::from(NETS)).to_be_bytes();
            let net = [net[2], net[3]];
            let address = SocketAddr::from((in_loopback(net, CLAIM), API_PORT));
            if let Ok(claim) = TcpListener::bind(address) {
                return Ok(Self::Loopback { net, _claim: claim });
            }
        }
        Err(io::Error::other("no loopback addresses are free"))
    }

    /// The address of a node's machine.
    pub(super) fn node(&self, node: usize) -> IpAddr {
        self.address(number(FIRST_NODE, node))
    }

    /// The address of a server's machine.
    pub(super) fn server(&self, server: usize) -> IpAddr {
        self.address(number(FIRST_SERVER, server))
    }

    fn address(&self, number: u8) -> IpAddr {
        match self {
            Self::Loopback { net, .. } => in_loopback(*net, number).into(),
            Self::Apart(network) => network.address(number).into(),
        }
    }

    /// The namespace of a node, if it has one.
    pub(super) fn namespace_of_node(&self, node: usize) -> Option<String> {
        self.namespace(&node_name(node))
    }

    /// The namespace of a server's machine, if it has one.
    pub(super) fn namespace_of_server(&self, server: usize) -> Option<String> {
        self.namespace(&server_name(server))
    }

    fn namespace(&self, member: &str) -> Option<String> {
        match self {
            Self::Loopback { .. } => None,
            Self::Apart(network) => Some(network.name(member)),
        }
    }

    /// Where clients are, if that can be told from where nodes are.
    pub(super) fn clients(&self) -> Option<Ipv4Addr> {
        match self {
            Self::Loopback { .. } => None,
            Self::Apart(network) => Some(network.gateway()),
        }
    }
}

/// On how many machines the store is: the embedded one is one process, however many servers it has.
fn machines_of_store(plan: &Plan) -> usize {
    match plan.store.engine {
        Engine::Embedded => 1,
        Engine::Rethinkdb => plan.store.servers as usize,
    }
}

fn in_loopback([second, third]: [u8; 2], number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, second, third, number)
}

fn number(first: u8, index: usize) -> u8 {
    u8::try_from(index)
        .ok()
        .and_then(|index| first.checked_add(index))
        .expect("members are bounded")
}

fn node_name(node: usize) -> String {
    format!("n{}", node + 1)
}

fn server_name(server: usize) -> String {
    format!("s{}", server + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_at_once_have_addresses_of_their_own() {
        let (one, other) = (Ground::loopback().unwrap(), Ground::loopback().unwrap());
        assert_ne!(one.node(0), other.node(0));
        assert!(one.node(0).is_loopback() && one.server(0).is_loopback());
        assert_ne!(one.node(NODES_MAX - 1), one.server(0));
        assert_ne!(one.node(0), IpAddr::from([127, 0, 0, 1]));
    }
}
