//! Who is cut off from whom: a fault as rules of a node's packet filter, and how it is seen.
//!
//! A rule drops what passes between a node and the other end, by the port of whoever serves: drivers of
//! the store, or the node's own API. It drops UDP as well as TCP, so that each direction can be probed by
//! itself: a datagram is sent each way, from the very ends that are cut. Start at [`Cut::new`].

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::ground::{API_PORT, Ground, Member};
use super::processes::namespaces::{filter, within};
use super::store::Store;
use crate::plan::{Direction, Fault, How, OtherSide};

/// The cut of a node by a fault.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    /// The name of its rules.
    table: String,
    /// The node's namespace, where they are.
    namespace: PathBuf,
    direction: Direction,
    links: Vec<Link>,
}

/// What is cut: a way from a node's end to another.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Link {
    node: End,
    other: End,
    /// Whether it is the node that serves, at its port; else the other is.
    is_served_by_node: bool,
}

/// An end of it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct End {
    address: IpAddr,
    port: Option<u16>,
    namespace: Option<PathBuf>,
}

impl Cut {
    /// The cut that a partition is; none on a ground where nobody can be cut off.
    pub(super) fn new(fault: &Fault, node: usize, ground: &Ground, store: &Store) -> Option<Self> {
        let How::Cut { to, direction } = fault.how else { return None };
        let namespace = ground.namespace(Member::Node(node))?;
        let end = |port| End {
            address: ground.address(Member::Node(node)),
            port,
            namespace: Some(namespace.clone()),
        };
        let mut links = Vec::new();
        if to != OtherSide::Clients {
            let (server, address) = store.machine_of(node);
            let other = End {
                address: address.ip(),
                port: Some(address.port()),
                namespace: ground.namespace(Member::Server(server)),
            };
            links.push(Link { node: end(None), other, is_served_by_node: false });
        }
        if to != OtherSide::Store {
            let address = ground.clients()?.into();
            let other = End { address, port: None, namespace: None };
            links.push(Link { node: end(Some(API_PORT)), other, is_served_by_node: true });
        }
        let table = format!("fault_{}", fault.number);
        Some(Self { table, namespace, direction, links })
    }

    /// Cuts.
    ///
    /// # Errors
    /// If the packet filter refuses.
    pub(super) fn apply(&self) -> io::Result<()> {
        filter(&self.namespace, &self.rules())
    }

    /// Takes the rules away.
    ///
    /// # Errors
    /// If the packet filter refuses.
    pub(super) fn lift(&self) -> io::Result<()> {
        filter(&self.namespace, &format!("delete table inet {}\n", self.table))
    }

    /// The rules, in the words of `nft`.
    fn rules(&self) -> String {
        let chain = |hook: &str, is_cut: bool, rule: &dyn Fn(&Link) -> String| {
            let rules: Vec<_> = match is_cut {
                true => self.links.iter().map(rule).collect(),
                false => Vec::new(),
            };
            let head = format!("type filter hook {hook} priority 0; policy accept;");
            format!("chain {hook} {{ {head} {} }}\n", rules.join(" "))
        };
        let goes_out = |link: &Link| drop_rule("daddr", link, !link.is_served_by_node);
        let comes_in = |link: &Link| drop_rule("saddr", link, link.is_served_by_node);
        let out = chain("output", self.direction != Direction::In, &goes_out);
        let into = chain("input", self.direction != Direction::Out, &comes_in);
        format!("table inet {} {{\n{out}{into}}}\n", self.table)
    }

    /// Whether what is to be lost is lost, and the rest arrives.
    pub(super) async fn is_seen(&self, silence: Duration) -> bool {
        let (out, into) = (self.direction == Direction::In, self.direction == Direction::Out);
        self.arrives(out, into, silence).await
    }

    /// Whether all arrives again, in both directions.
    pub(super) async fn is_lifted(&self, patience: Duration) -> bool {
        self.arrives(true, true, patience).await
    }

    /// Whether a datagram of the node's arrives at the other end, and one from there at the node, just as
    /// it should.
    async fn arrives(&self, out: bool, into: bool, patience: Duration) -> bool {
        for link in self.links.clone() {
            let seen = spawn_blocking(move || link.probe(patience)).await;
            if !seen.is_ok_and(|seen| seen.is_ok_and(|seen| seen == (out, into))) {
                return false;
            }
        }
        true
    }
}

/// A rule that drops what goes to (`daddr`) or comes from (`saddr`) the other end of a link. The port is
/// that of whoever serves: the destination's, or the source's.
fn drop_rule(address: &str, link: &Link, to_port: bool) -> String {
    let served = if link.is_served_by_node { &link.node } else { &link.other };
    let (port, which) = (served.port.unwrap_or(0), if to_port { "dport" } else { "sport" });
    let other = link.other.address;
    format!("ip {address} {other} meta l4proto {{ tcp, udp }} th {which} {port} drop;")
}

impl Link {
    /// Whether a datagram from the node arrives at the other end, and one from there at the node.
    fn probe(&self, patience: Duration) -> io::Result<(bool, bool)> {
        let (node, other) = (self.node.socket()?, self.other.socket()?);
        let out = passes(&node, &other, patience)?;
        Ok((out, passes(&other, &node, patience)?))
    }
}

impl End {
    /// A socket there, at its port.
    fn socket(&self) -> io::Result<UdpSocket> {
        let address = SocketAddr::new(self.address, self.port.unwrap_or(0));
        within(self.namespace.as_deref(), || UdpSocket::bind(address))
    }
}

fn passes(from: &UdpSocket, to: &UdpSocket, patience: Duration) -> io::Result<bool> {
    const WORD: &[u8] = b"do you hear me";
    to.set_read_timeout(Some(patience))?;
    // The filter's answer to whoever sends what it drops is that it may not.
    if from.send_to(WORD, to.local_addr()?).is_err() {
        return Ok(false);
    }
    let mut heard = [0; WORD.len()];
    Ok(to.recv(&mut heard).is_ok_and(|length| &heard[..length] == WORD))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(direction: Direction, is_served_by_node: bool) -> String {
        let end = |last, port| End { address: [198, 18, 0, last].into(), port, namespace: None };
        let link = match is_served_by_node {
            false => Link { node: end(1, None), other: end(190, Some(28015)), is_served_by_node },
            true => Link { node: end(1, Some(9984)), other: end(254, None), is_served_by_node },
        };
        let (table, namespace) = ("fault_3".to_owned(), PathBuf::new());
        Cut { table, namespace, direction, links: vec![link] }.rules()
    }

    #[test]
    fn rules_name_the_port_of_whoever_serves() {
        let hook = |hook: &str, rule: &str| {
            format!(
                "chain {hook} {{ type filter hook {hook} priority 0; policy accept; {rule} }}\n"
            )
        };
        let drop = |what: &str| {
            let (address, port) = what.split_once(' ').unwrap();
            format!("ip {address} meta l4proto {{ tcp, udp }} th {port} drop;").replace('=', " ")
        };
        for (direction, by_node, out, into) in [
            (
                Direction::Both,
                false,
                "daddr=198.18.0.190 dport=28015",
                "saddr=198.18.0.190 sport=28015",
            ),
            (Direction::Out, false, "daddr=198.18.0.190 dport=28015", ""),
            (Direction::In, true, "", "saddr=198.18.0.254 dport=9984"),
            (Direction::Out, true, "daddr=198.18.0.254 sport=9984", ""),
        ] {
            let rule = |what: &str| if what.is_empty() { String::new() } else { drop(what) };
            let (out, into) = (hook("output", &rule(out)), hook("input", &rule(into)));
            let expected = format!("table inet fault_3 {{\n{out}{into}}}\n");
            assert_eq!(cut(direction, by_node), expected, "{direction:?}");
        }
    }
}
