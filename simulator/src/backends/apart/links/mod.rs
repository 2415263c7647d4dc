//! Links: what passes between clients and nodes, and between nodes and their store, through our hands.
//!
//! A link is a proxy in this process. A node's way to its store begins and ends on the node's own machine:
//! the proxy listens there, where the node takes it for its store, and it is there that it opens its own
//! connection to the store. So to the store, to packet filters and to whoever looks for a node's feeds, all
//! comes from the node as it would without it. (Rules that redirect packets would do as well where there are
//! network namespaces, and nowhere else.) Clients reach nodes by a proxy beside them.
//!
//! There are links only if a scenario has something to say about them. Here: who connects to whom, and the
//! probes ([`Link::ping`]). Parts: how late a message is (`way`), what a message is (`pieces`), a connection's
//! two sockets (`proxy`), moments (`alarm`). Not here: which fault changes what (`links::harms`).

mod alarm;
pub(super) mod harms;
mod pieces;
mod proxy;
mod way;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

pub(super) use way::{Shown, Wrong};

use super::ground::{API_PORT, DRIVER_PORT, Ground, Member};
use super::processes::namespaces::within;
use super::store::Store;
use crate::backends::Backend;
use crate::faults::Whom;
use crate::plan::{FaultKind, Links as Planned, Plan};
use alarm::Alarm;
use proxy::{Passage, reset};
use way::Way;

/// The number of the store and that of clients, in the keys of chance about messages: as in virtual time.
const STORE: u32 = u32::MAX;
const CLIENTS: u32 = u32::MAX - 1;

/// When no connection can be taken, the next try comes after this long.
const PAUSE: Duration = Duration::from_millis(20);

/// Connections that wait until they are taken up: at least as many as a node or a server lets wait.
const BACKLOG: i32 = 4096;

/// How many bytes a probe's message has.
const PING_BYTES: usize = 64;

/// The links of a run.
#[derive(Debug)]
pub(super) struct Links {
    /// From each node to its store.
    of_nodes: Vec<Link>,
    /// From clients to each node.
    of_clients: Vec<Link>,
}

/// A link. It is gone when this is dropped, with all its connections.
#[derive(Debug)]
pub(super) struct Link {
    /// Where whoever uses it connects to.
    door: SocketAddr,
    passage: Passage,
    listening: JoinHandle<()>,
}

/// Where a link leads.
struct Target {
    to: SocketAddr,
    /// From which address, and where that is.
    from: Option<IpAddr>,
    namespace: Option<PathBuf>,
}

/// Whether a fault changes what passes on links.
pub(super) fn changes_links(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::SlowLink
            | FaultKind::LossyLink
            | FaultKind::NarrowLink
            | FaultKind::LostAnswers
            | FaultKind::FeedLag
            | FaultKind::FeedRepeat
            | FaultKind::StoreSlow
    )
}

impl Links {
    /// Makes them, if the plan has something to say about them.
    ///
    /// # Errors
    /// If a socket cannot be had.
    pub(super) fn make(plan: &Plan, ground: &Ground, store: &Store) -> io::Result<Option<Self>> {
        let faults = plan.faults.iter().any(|fault| changes_links(fault.kind));
        if plan.links == Planned::default() && !faults {
            return Ok(None);
        }
        let alarm = Alarm::start()?;
        let (mut of_nodes, mut of_clients) = (Vec::new(), Vec::new());
        for index in 0..plan.nodes.len() {
            let number = u32::try_from(index).expect("a federation has some hundred nodes");
            let way =
                |from, to| Arc::new(Way::new(plan.seed, index as u64, (from, to), plan.links));
            let passage = |other, is_reql| Passage {
                there: way(
                    if is_reql { number } else { other },
                    if is_reql { other } else { number },
                ),
                back: way(
                    if is_reql { other } else { number },
                    if is_reql { number } else { other },
                ),
                is_reql,
                is_probe: false,
                alarm: alarm.clone(),
            };
            let member = Member::Node(index);
            let (namespace, address) = (ground.namespace(member), ground.address(member));
            if namespace.is_none() && plan.backend == Backend::Docker {
                let why = "a link begins on its node's own machine, and only root may enter that";
                return Err(io::Error::other(why));
            }
            // A node that has a network of its own has a loopback interface, too.
            let door = match namespace {
                Some(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
                None => address,
            };
            let door = SocketAddr::new(door, DRIVER_PORT);
            let target = Target { to: store.server_of(index), from: Some(address), namespace };
            of_nodes.push(Link::open(door, target, passage(STORE, true))?);
            let usual = SocketAddr::new(address, API_PORT);
            let elsewhere =
                plan.nodes[index].external.as_ref().and_then(|external| external.address);
            let target = Target { to: elsewhere.unwrap_or(usual), from: None, namespace: None };
            let door = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            of_clients.push(Link::open(door, target, passage(CLIENTS, false))?);
        }
        Ok(Some(Self { of_nodes, of_clients }))
    }

    /// Where a node finds its store.
    pub(super) fn store_of(&self, node: usize) -> SocketAddr {
        self.of_nodes[node].door
    }

    /// Where clients find the nodes.
    pub(super) fn nodes(&self) -> Vec<SocketAddr> {
        self.of_clients.iter().map(|link| link.door).collect()
    }

    /// The links that a fault changes which meets this node, or this server of so many.
    fn met(&self, kind: FaultKind, member: usize, servers: usize) -> Vec<&Link> {
        let nodes = self.of_nodes.iter().enumerate();
        let is_met = |node: usize| match kind.nature().whom {
            Whom::Nodes => node == member,
            Whom::Servers | Whom::Store => node % servers == member,
        };
        nodes.filter(|(node, _)| is_met(*node)).map(|(_, link)| link).collect()
    }
}

impl Link {
    fn open(door: SocketAddr, target: Target, passage: Passage) -> io::Result<Self> {
        let listener = within(target.namespace.as_deref(), || {
            let listener = std::net::TcpListener::bind(door)?;
            // Bound with what the standard library takes for enough, 128.
            SockRef::from(&listener).listen(BACKLOG)?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        })?;
        let door = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let listening = tokio::spawn(listen(listener, Arc::new(target), passage.clone()));
        Ok(Self { door, passage, listening })
    }

    /// Both directions.
    fn ways(&self) -> [&Way; 2] {
        [&self.passage.there, &self.passage.back]
    }

    /// How often what is wrong with what comes back has shown.
    fn shown(&self) -> [watch::Receiver<Shown>; 2] {
        self.ways().map(Way::shown)
    }

    fn probe(&self) -> Probe {
        Probe(Passage { is_probe: true, is_reql: false, ..self.passage.clone() })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Takes connections and leads them to where they are to go. Dropped, it ends them.
async fn listen(listener: TcpListener, target: Arc<Target>, passage: Passage) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
        };
        match accepted {
            Ok((socket, _)) => {
                let (target, passage) = (target.clone(), passage.clone());
                connections.spawn(async move {
                    match target.connect().await {
                        Ok(other) => passage.connect(socket, other).await,
                        Err(_) => reset(socket),
                    }
                });
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

impl Target {
    async fn connect(&self) -> io::Result<TcpStream> {
        let socket = within(self.namespace.as_deref(), || {
            let socket = TcpSocket::new_v4()?;
            if let Some(from) = self.from {
                socket.bind(SocketAddr::new(from, 0))?;
            }
            Ok(socket)
        })?;
        socket.connect(self.to).await
    }
}

/// Looks how a link is, by what passes through it from the harness to itself.
#[derive(Clone, Debug)]
pub(super) struct Probe(Passage);

impl Probe {
    /// How long a message takes forth and back by what is wrong with the link now: it cannot be faster.
    pub(super) fn least(&self) -> Duration {
        self.0.there.probe() + self.0.back.probe()
    }

    /// How long one does take.
    ///
    /// # Errors
    /// If a socket cannot be had.
    pub(super) async fn ping(&self) -> io::Result<Duration> {
        self.transfer(PING_BYTES).await
    }

    /// How long it takes until so many bytes have come forth and back.
    ///
    /// # Errors
    /// If a socket cannot be had.
    pub(super) async fn transfer(&self, bytes: usize) -> io::Result<Duration> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (door, echo) = (TcpListener::bind(any).await?, TcpListener::bind(any).await?);
        let (mut one, mut other) = (TcpStream::connect(door.local_addr()?).await?, None);
        let (inside, outside) =
            (door.accept().await?.0, TcpStream::connect(echo.local_addr()?).await?);
        let echoing = other.insert(echo.accept().await?.0);
        one.set_nodelay(true)?;
        echoing.set_nodelay(true)?;
        let exchange = async {
            let began = Instant::now();
            let (mut reads, mut writes) = one.split();
            let (sent, mut heard) = (vec![b'x'; bytes], vec![0; bytes]);
            tokio::try_join!(writes.write_all(&sent), reads.read_exact(&mut heard))?;
            Ok(began.elapsed())
        };
        let returns = async {
            let (mut reads, mut writes) = echoing.split();
            tokio::io::copy(&mut reads, &mut writes).await
        };
        let never = io::Error::other("the probe broke");
        tokio::select! {
            took = exchange => took,
            _ = returns => Err(never),
            () = self.0.connect(inside, outside) => Err(io::Error::other("the link broke")),
        }
    }
}
