//! Who is cut off from whom: a fault as rules of members' packet filters.
//!
//! A rule drops what passes between two members, by the port of whoever serves: drivers of the store, a
//! node's own API, or other servers of RethinkDB. It drops UDP as well as TCP, so that each direction can
//! be probed by itself. Not here: the probe (`ways`). Start at [`Cut::of_node`].

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync;
use tokio::task::spawn_blocking;

use super::ground::{API_PORT, CLUSTER_PORT, Ground, Member};
use super::processes::namespaces::filter;
use super::store::Store;
use super::ways::{End, Way, probe};
use crate::plan::{Direction, Fault, How, OtherSide};

/// The cut of a member by a fault.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    /// The name of its rules.
    table: String,
    /// The member's namespace, where they are.
    namespace: PathBuf,
    /// The ways from the member and to it that the fault is about, and whether it cuts them.
    ways: Vec<(Way, bool)>,
}

impl Cut {
    /// The cut of a node that a partition is; none on a ground where nobody can be cut off.
    pub(super) fn of_node(
        fault: &Fault,
        node: usize,
        ground: &Ground,
        store: &Store,
    ) -> Option<Self> {
        let How::Cut { to, direction } = fault.how else { return None };
        let member = Member::Node(node);
        let (address, namespace) = (ground.address(member), ground.namespace(member)?);
        let end = |port| End { address, port, namespace: Some(namespace.clone()) };
        let mut ways = Vec::new();
        if to != OtherSide::Clients {
            let (server, address) = store.machine_of(node);
            let other = End {
                address: address.ip(),
                port: Some(address.port()),
                namespace: ground.namespace(Member::Server(server)),
            };
            ways.extend(both_ways(&end(None), &other, direction));
        }
        if to != OtherSide::Store {
            let address = ground.clients()?.into();
            let other = End { address, port: None, namespace: None };
            ways.extend(both_ways(&end(Some(API_PORT)), &other, direction));
        }
        Some(Self { table: table_of(fault), namespace, ways })
    }

    /// The cuts of servers that a partition between them is; none on a ground where nobody can be cut
    /// off. Either server may have called the other.
    pub(super) fn between_servers(
        fault: &Fault,
        ground: &Ground,
        servers: usize,
    ) -> Option<Vec<Self>> {
        let How::Apart { form, direction } = fault.how else { return None };
        let mut cuts: Vec<Self> = Vec::new();
        for (one, other) in form.apart(&fault.servers, servers) {
            let namespace = ground.namespace(Member::Server(one))?;
            let end = |server, port| {
                let member = Member::Server(server);
                let (address, namespace) = (ground.address(member), ground.namespace(member));
                End { address, port, namespace }
            };
            let port = Some(CLUSTER_PORT);
            let calls = both_ways(&end(one, None), &end(other, port), direction);
            let is_called = both_ways(&end(one, port), &end(other, None), direction);
            let ways = calls.into_iter().chain(is_called);
            match cuts.iter_mut().find(|cut| cut.namespace == namespace) {
                Some(cut) => cut.ways.extend(ways),
                None => {
                    cuts.push(Self { table: table_of(fault), namespace, ways: ways.collect() });
                }
            }
        }
        Some(cuts)
    }

    /// The rules, in the words of `nft`.
    fn rules(&self) -> String {
        let chain = |hook: &str, address: &str, far: &dyn Fn(&Way) -> Option<IpAddr>| {
            let lost = self.ways.iter().filter(|(_, is_cut)| *is_cut);
            let rules = lost.filter_map(|(way, _)| Some(drop_rule(address, far(way)?, way)));
            let rules = rules.collect::<Vec<_>>().join(" ");
            let head = format!("type filter hook {hook} priority 0; policy accept;");
            format!("chain {hook} {{ {head} {rules} }}\n")
        };
        let is_here = |end: &End| end.namespace.as_ref() == Some(&self.namespace);
        let out = chain("output", "daddr", &|way| is_here(&way.from).then_some(way.to.address));
        let into = chain("input", "saddr", &|way| is_here(&way.to).then_some(way.from.address));
        format!("table inet {} {{\n{out}{into}}}\n", self.table)
    }

    fn loses(&self, way: &Way) -> bool {
        self.ways.iter().any(|(one, is_cut)| *is_cut && one == way)
    }
}

fn table_of(fault: &Fault) -> String {
    format!("fault_{}", fault.number)
}

/// The ways from a member to another one and back, and which of them a direction cuts.
fn both_ways(member: &End, other: &End, direction: Direction) -> [(Way, bool); 2] {
    let out = Way { from: member.clone(), to: other.clone() };
    let into = Way { from: other.clone(), to: member.clone() };
    [(out, direction != Direction::In), (into, direction != Direction::Out)]
}

/// A rule that drops what goes to (`daddr`) or comes from (`saddr`) the far end of a way. The port is
/// that of whoever serves: the destination's, or the source's.
fn drop_rule(address: &str, far: IpAddr, way: &Way) -> String {
    let (which, port) = match (way.from.port, way.to.port) {
        (Some(port), _) => ("sport", port),
        (None, port) => ("dport", port.unwrap_or(0)),
    };
    format!("ip {address} {far} meta l4proto {{ tcp, udp }} th {which} {port} drop;")
}

/// All that is cut at the moment: several faults may cut the same way.
#[derive(Clone, Default)]
pub(super) struct Cuts {
    held: Arc<Mutex<Vec<Cut>>>,
    /// One probe at a time: they are sent from the very ports.
    probing: Arc<sync::Mutex<()>>,
}

impl Cuts {
    /// Cuts.
    ///
    /// # Errors
    /// If the packet filter refuses.
    pub(super) fn apply(&self, cut: &Cut) -> io::Result<()> {
        filter(&cut.namespace, &cut.rules())?;
        lock(&self.held).push(cut.clone());
        Ok(())
    }

    /// Takes the rules of a cut away.
    ///
    /// # Errors
    /// If the packet filter refuses.
    pub(super) fn lift(&self, cut: &Cut) -> io::Result<()> {
        filter(&cut.namespace, &format!("delete table inet {}\n", cut.table))?;
        self.forget(cut);
        Ok(())
    }

    /// Whether anything is cut.
    pub(super) fn are_any(&self) -> bool {
        !lock(&self.held).is_empty()
    }

    fn forget(&self, cut: &Cut) {
        let is_it = |held: &Cut| (&held.namespace, &held.table) == (&cut.namespace, &cut.table);
        lock(&self.held).retain(|held| !is_it(held));
    }

    fn lose(&self, way: &Way) -> bool {
        lock(&self.held).iter().any(|held| held.loses(way))
    }

    /// Whether what these cuts lose is lost, and the rest arrives but for what others cut.
    pub(super) async fn are_seen(&self, cuts: &[Cut], silence: Duration) -> bool {
        self.are(cuts, silence, |way| cuts.iter().any(|cut| cut.loses(way))).await
    }

    /// Whether all that they lost arrives again, but for what others cut.
    pub(super) async fn are_lifted(&self, cuts: &[Cut], patience: Duration) -> bool {
        self.are(cuts, patience, |_| false).await
    }

    /// All ways at once, so that a short fault can be seen as well.
    async fn are(&self, cuts: &[Cut], patience: Duration, is_lost: impl Fn(&Way) -> bool) -> bool {
        let ways = cuts.iter().flat_map(|cut| &cut.ways).map(|(way, _)| way.clone());
        let ways: Vec<Way> = ways.collect();
        let one_by_one = self.probing.lock().await;
        let asked = ways.clone();
        let arrived = spawn_blocking(move || probe(&asked, patience)).await;
        drop(one_by_one);
        let Ok(Ok(arrived)) = arrived else { return false };
        let arrives = |way: &Way| !is_lost(way) && !self.lose(way);
        ways.iter().zip(arrived).all(|(way, arrived)| arrives(way) == arrived)
    }
}

fn lock(held: &Mutex<Vec<Cut>>) -> MutexGuard<'_, Vec<Cut>> {
    held.lock().expect("nobody panics while cutting")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(last: u8, port: Option<u16>) -> End {
        End { address: [198, 18, 0, last].into(), port, namespace: Some(last.to_string().into()) }
    }

    fn cut(member: &End, other: &End, direction: Direction) -> Cut {
        let (table, namespace) = ("fault_3".to_owned(), member.namespace.clone().unwrap());
        Cut { table, namespace, ways: both_ways(member, other, direction).into() }
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
        let (to_store, of_clients) =
            ((end(1, None), end(190, Some(28015))), (end(1, Some(9984)), end(254, None)));
        for (direction, (member, other), out, into) in [
            (
                Direction::Both,
                &to_store,
                "daddr=198.18.0.190 dport=28015",
                "saddr=198.18.0.190 sport=28015",
            ),
            (Direction::Out, &to_store, "daddr=198.18.0.190 dport=28015", ""),
            (Direction::In, &of_clients, "", "saddr=198.18.0.254 dport=9984"),
            (Direction::Out, &of_clients, "daddr=198.18.0.254 sport=9984", ""),
        ] {
            let rule = |what: &str| if what.is_empty() { String::new() } else { drop(what) };
            let (out, into) = (hook("output", &rule(out)), hook("input", &rule(into)));
            let expected = format!("table inet fault_3 {{\n{out}{into}}}\n");
            assert_eq!(cut(member, other, direction).rules(), expected, "{direction:?}");
        }
    }

    #[test]
    fn a_way_that_two_cuts_lose_is_lost_until_both_are_lifted() {
        let (one, other) = (end(190, None), end(191, Some(29015)));
        let cuts = Cuts::default();
        let from_one = cut(&one, &other, Direction::Out);
        let from_other = cut(&other, &one, Direction::In);
        let (way, back) =
            (Way { from: one.clone(), to: other.clone() }, Way { from: other, to: one });
        for cut in [&from_one, &from_other] {
            lock(&cuts.held).push(cut.clone());
        }
        assert!(cuts.lose(&way) && !cuts.lose(&back));
        cuts.forget(&from_one);
        assert!(cuts.lose(&way));
        cuts.forget(&from_other);
        assert!(!cuts.lose(&way));
    }
}
