//! Where the members of a run live: in containers, or as processes, with networks of their own or not.
//!
//! Whichever it is, each member has an address of its own, and all use the usual ports. Without namespaces
//! the addresses are loopback ones, of which a machine has millions: a port that a killed node has left
//! cannot be taken by some outgoing connection meanwhile.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use super::docker::{self, Images, Machines};
use super::links::changes_links;
use super::means::{Means, Namespaces, Programs, beside, cannot_enter, no_namespaces};
use super::processes::cgroups;
use super::processes::namespaces::{Network, free_prefix};
use super::program::Program;
use super::run_id::RunId;
use super::store::takes_disk;
use super::{ApartError, processes};
use crate::backends::Backend;
use crate::plan::{Engine, Fault, FaultKind, Plan, filled};

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

/// The number of this machine's address, and of the one by which a run claims loopback addresses.
const GATEWAY: u8 = 254;

/// How many nets of loopback addresses are tried.
const NETS: u16 = 60_000;

/// A member of a run: whoever has an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Member {
    /// A node of the federation.
    Node(usize),
    /// A server of the store, or all of them where they are one program.
    Server(usize),
}

impl Member {
    /// Its name.
    fn name(self) -> String {
        match self {
            Self::Node(node) => format!("n{}", node + 1),
            Self::Server(server) => format!("s{}", server + 1),
        }
    }

    /// Its name on this machine.
    pub(super) fn name_in(self, run: &RunId) -> String {
        format!("{run}-{}", self.name())
    }

    /// The last number of its address.
    fn number(self) -> u8 {
        let (first, index) = match self {
            Self::Node(node) => (FIRST_NODE, node),
            Self::Server(server) => (FIRST_SERVER, server),
        };
        let index = u8::try_from(index).ok();
        index.and_then(|index| first.checked_add(index)).expect("members are bounded")
    }
}

/// What a member runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Binary {
    /// `bigchaindb`: a node, or the embedded store.
    Node,
    /// `rethinkdb`.
    Rethinkdb,
}

/// Where the members of a run live.
pub(super) struct Ground {
    run: RunId,
    place: Place,
}

enum Place {
    /// Processes on loopback addresses of this machine.
    Loopback {
        programs: Programs,
        /// The middle two numbers of the addresses.
        net: [u8; 2],
        /// While it is open nobody else takes them.
        _claim: TcpListener,
    },
    /// Processes with a namespace each.
    Namespaces { programs: Programs, network: Network },
    /// Containers.
    Containers {
        machines: Machines,
        images: Images,
        /// What they see of this machine's files.
        folder: PathBuf,
        /// Whether this user may enter their networks.
        may_enter: bool,
    },
}

impl Ground {
    /// Takes what is to be had of what was asked for; programs see the folder. Some faults need
    /// networks that can be entered.
    pub(super) async fn take(
        plan: &Plan,
        means: &Means,
        run: &RunId,
        folder: &Path,
    ) -> Result<Self, ApartError> {
        if let (Some(fault), false) = (takes_disk(plan), rustix::process::geteuid().is_root()) {
            return Err(not_limited(fault, "only root may mount a disk".to_owned()));
        }
        let place = match plan.backend {
            Backend::Docker => Place::containers(plan, means, run, folder).await?,
            _ => Place::processes(plan, means, run)?,
        };
        Ok(Self { run: run.clone(), place })
    }

    /// The address of a member's machine.
    pub(super) fn address(&self, member: Member) -> IpAddr {
        let number = member.number();
        match &self.place {
            Place::Loopback { net, .. } => in_loopback(*net, number).into(),
            Place::Namespaces { network, .. } => network.address(number).into(),
            Place::Containers { machines, .. } => machines.address(number).into(),
        }
    }

    /// What a member is called on this machine.
    pub(super) fn name(&self, member: Member) -> String {
        member.name_in(&self.run)
    }

    /// The network namespace of a member, if it has one that can be entered.
    pub(super) fn namespace(&self, member: Member) -> Option<PathBuf> {
        match &self.place {
            Place::Loopback { .. } => None,
            Place::Namespaces { network, .. } => Some(network.namespace(&member.name())),
            Place::Containers { machines, may_enter, .. } => {
                let namespace = machines.namespace(&member.name()).filter(|_| *may_enter);
                namespace.map(Path::to_path_buf)
            }
        }
    }

    /// Where clients are, if that can be told from where nodes are.
    pub(super) fn clients(&self) -> Option<Ipv4Addr> {
        match &self.place {
            Place::Loopback { .. } => None,
            Place::Namespaces { network, .. } => Some(network.address(GATEWAY)),
            Place::Containers { machines, .. } => Some(machines.address(GATEWAY)),
        }
    }

    /// How to start a member's program: what it says is written into the log.
    ///
    /// # Errors
    /// If there is no such program.
    pub(super) fn program(
        &self,
        member: Member,
        binary: Binary,
        arguments: Vec<OsString>,
        log: PathBuf,
    ) -> Result<Program, ApartError> {
        let run = self.run.clone();
        Ok(match &self.place {
            Place::Loopback { programs, .. } | Place::Namespaces { programs, .. } => {
                let (path, namespace) = (programs.path(binary)?, self.namespace(member));
                let name = member.name_in(&run);
                let program = processes::Program { name, path, arguments, namespace, log, run };
                Program::Process(program)
            }
            Place::Containers { machines, images, folder, .. } => {
                let (engine, folder) = (machines.engine().clone(), folder.clone());
                let (machine, name) = machines.containers(&member.name());
                let image = images.of(binary).to_owned();
                let executable = binary.executable();
                let container = docker::Program {
                    engine,
                    image,
                    executable,
                    arguments,
                    machine,
                    name,
                    folder,
                    log,
                    run,
                };
                Program::Container(container)
            }
        })
    }
}

impl Ground {
    /// How to start a program that is none of ours, for a member: its words, with what they mention filled
    /// in. Where others live in containers it lives in the network of one, and else on this machine.
    ///
    /// # Errors
    /// If it cannot enter that network, or there is no program of ours that it mentions.
    pub(super) fn foreign(
        &self,
        member: Member,
        words: &[String],
        mut values: BTreeMap<&str, String>,
        log: PathBuf,
    ) -> Result<Program, ApartError> {
        let namespace = self.namespace(member);
        let ours = match &self.place {
            Place::Loopback { programs, .. } | Place::Namespaces { programs, .. } => {
                programs.path(Binary::Node)
            }
            Place::Containers { may_enter: true, .. } => beside(Binary::Node.executable()),
            Place::Containers { .. } => {
                let what = "an external member lives in the network of a container, and only root \
                            may enter that";
                return Err(ApartError::Refused(what.to_owned()));
            }
        };
        // It may not be needed.
        let mentioned = words.iter().any(|word| word.contains("{bigchaindb}"));
        if mentioned {
            values.insert("bigchaindb", ours?.display().to_string());
        }
        let mut words = words.iter().map(|word| filled(word, &values));
        let path = words.next().unwrap_or_default().into();
        let arguments = words.map(OsString::from).collect();
        let (name, run) = (member.name_in(&self.run), self.run.clone());
        Ok(Program::Process(processes::Program { name, path, arguments, namespace, log, run }))
    }
}

impl Binary {
    /// Its name, by which a shell finds it.
    pub(super) fn executable(self) -> &'static str {
        match self {
            Self::Node => "bigchaindb",
            Self::Rethinkdb => "rethinkdb",
        }
    }
}

impl Place {
    fn processes(plan: &Plan, means: &Means, run: &RunId) -> Result<Self, ApartError> {
        let held = plan
            .faults
            .iter()
            .find(|fault| matches!(fault.kind, FaultKind::SlowNode | FaultKind::OutOfMemory));
        if let (Some(fault), Some(why)) = (held, cgroups::missing()) {
            return Err(not_limited(fault, why));
        }
        let programs = Programs::find(means)?;
        let why_not = match means.namespaces {
            Namespaces::Never => Some("they were not wanted".to_owned()),
            Namespaces::IfPossible | Namespaces::Always => no_namespaces(),
        };
        match (why_not, enters(plan)) {
            (Some(why), Some(fault)) => Err(not_apart(fault, why)),
            (Some(why), None) if means.namespaces == Namespaces::Always => {
                Err(ApartError::NoNamespaces { why })
            }
            (Some(_), None) => {
                let (net, claim) = loopback()?;
                Ok(Self::Loopback { programs, net, _claim: claim })
            }
            (None, _) => {
                let network = Network::make(run, GATEWAY).map_err(ApartError::Network)?;
                for (member, number) in members(plan) {
                    network.add(&member, number).map_err(ApartError::Network)?;
                }
                Ok(Self::Namespaces { programs, network })
            }
        }
    }

    async fn containers(
        plan: &Plan,
        means: &Means,
        run: &RunId,
        folder: &Path,
    ) -> Result<Self, ApartError> {
        let why_not = cannot_enter();
        if let (Some(why), Some(fault)) = (&why_not, enters(plan)) {
            return Err(not_apart(fault, why.clone()));
        }
        let engine = docker::Engine::find().await.map_err(ApartError::NoEngine)?;
        let images = means.images.clone();
        images.check(&engine, plan.store.engine).await?;
        let prefix = free_prefix().map_err(ApartError::Network)?;
        let image = images.of(Binary::Node);
        let machines = Machines::make(&engine, run, prefix, GATEWAY, image, members(plan)).await;
        let machines = machines.map_err(ApartError::Network)?;
        let folder = folder.to_path_buf();
        Ok(Self::Containers { machines, images, folder, may_enter: why_not.is_none() })
    }
}

/// All who have an address: their names, and the last numbers of their addresses.
fn members(plan: &Plan) -> Vec<(String, u8)> {
    let servers = match plan.store.engine {
        // One program, however many servers it has.
        Engine::Embedded => 1,
        Engine::Rethinkdb => plan.store.servers as usize,
    };
    let nodes = (0..plan.nodes.len()).map(Member::Node);
    let all = nodes.chain((0..servers).map(Member::Server));
    all.map(|member| (member.name(), member.number())).collect()
}

/// The first fault for which somebody has to enter a member's network.
fn enters(plan: &Plan) -> Option<&Fault> {
    let enters = |fault: &&Fault| match fault.kind {
        FaultKind::Partition => true,
        FaultKind::StorePartition => plan.store.engine == Engine::Rethinkdb,
        // By their addresses members of one network can be told apart.
        FaultKind::FeedAbort => plan.backend != Backend::Docker,
        // A link begins on its node's own machine; without networks, that is this one.
        kind => plan.backend == Backend::Docker && changes_links(kind),
    };
    plan.faults.iter().find(enters)
}

fn not_limited(fault: &Fault, why: String) -> ApartError {
    ApartError::NotLimited { number: fault.number, name: fault.kind.nature().name, why }
}

fn not_apart(fault: &Fault, why: String) -> ApartError {
    ApartError::NotApart { number: fault.number, name: fault.kind.nature().name, why }
}

/// Loopback addresses that no other run has claimed: the search begins at this process' number.
fn loopback() -> io::Result<([u8; 2], TcpListener)> {
    let first = u16::try_from(std::process::id() % u32::from(NETS)).expect("fewer than 60,000");
    for step in 0..NETS {
        // The first net is everybody's: 127.0.0.1 is in it.
        let net = (1 + (u32::from(first) + u32::from(step)) % u32::from(NETS)).to_be_bytes();
        let net = [net[2], net[3]];
        let address = SocketAddr::from((in_loopback(net, GATEWAY), API_PORT));
        if let Ok(claim) = TcpListener::bind(address) {
            return Ok((net, claim));
        }
    }
    Err(io::Error::other("no loopback addresses are free"))
}

fn in_loopback([second, third]: [u8; 2], number: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, second, third, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_at_once_have_addresses_of_their_own() {
        let ((one, _claim), (other, _other_claim)) = (loopback().unwrap(), loopback().unwrap());
        assert_ne!(one, other);
        let first = in_loopback(one, Member::Node(0).number());
        assert!(first.is_loopback() && first != Ipv4Addr::LOCALHOST);
        assert_ne!(Member::Node(NODES_MAX - 1).number(), Member::Server(0).number());
    }
}
