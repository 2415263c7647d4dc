//! Servers, the links between them, and the connections that run over the links.
//!
//! A link is what a fault cuts; a connection is what two servers believe. When a process dies, its
//! peers hear of it at once: their connections are reset. When a process hangs or a link swallows
//! what is sent, they hear nothing, and take the connection for lost only after a while. Not here:
//! what follows from a lost connection (`shard`, `flight`, `follow`).

use std::collections::BTreeSet;

use super::Timing;

/// A server of a cluster, by its place in the list of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ServerId(pub u16);

impl ServerId {
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What a server's process does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Process {
    /// It runs.
    Up,
    /// It is there and stands still.
    Paused,
    /// It is gone.
    Down,
}

pub(super) struct Server {
    pub(super) name: String,
    pub(super) process: Process,
    /// When it was last started.
    pub(super) started_us: u64,
    /// How often it was started: what was said to an earlier process reaches nobody.
    pub(super) life: u32,
    /// How many times as long as usual replication to and from it takes.
    pub(super) slowness: u32,
}

/// What two servers believe of each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Connection {
    /// They talk.
    Open(Session),
    /// Something is swallowed, at least one way. They believe in it until then.
    Silent(Session, u64),
    /// They know that they are apart. Not tried again before then.
    Closed { again_us: u64 },
}

/// One connection between two processes, from its beginning to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Session {
    number: u64,
    pub(super) since_us: u64,
    /// The processes, by the lower server first.
    lives: (u32, u32),
}

pub(super) struct Network {
    pub(super) servers: Vec<Server>,
    cuts: BTreeSet<(ServerId, ServerId)>,
    connections: Vec<Connection>,
    sessions: u64,
    silence_us: u64,
    reconnect_us: u64,
}

impl Network {
    /// All servers are up, and connected for long.
    pub(super) fn new(names: Vec<String>, timing: &Timing) -> Self {
        let servers: Vec<_> = names
            .into_iter()
            .map(|name| Server { name, process: Process::Up, started_us: 0, life: 1, slowness: 1 })
            .collect();
        let session = Session { number: 0, since_us: 0, lives: (1, 1) };
        Self {
            connections: vec![Connection::Open(session); servers.len() * servers.len()],
            servers,
            cuts: BTreeSet::new(),
            sessions: 0,
            silence_us: timing.silence_us,
            reconnect_us: timing.reconnect_us,
        }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = ServerId> + use<> {
        (0..u16::try_from(self.servers.len()).expect("servers are few")).map(ServerId)
    }

    pub(super) fn server(&self, server: ServerId) -> &Server {
        &self.servers[server.index()]
    }

    pub(super) fn is_running(&self, server: ServerId) -> bool {
        self.server(server).process == Process::Up
    }

    pub(super) fn is_down(&self, server: ServerId) -> bool {
        self.server(server).process == Process::Down
    }

    pub(super) fn start(&mut self, server: ServerId, now: u64) {
        let server = &mut self.servers[server.index()];
        server.process = Process::Up;
        server.started_us = now;
        server.life += 1;
    }

    pub(super) fn set(&mut self, server: ServerId, process: Process) {
        self.servers[server.index()].process = process;
    }

    /// Nothing that one sends reaches the other any more.
    pub(super) fn cut(&mut self, from: ServerId, to: ServerId) {
        self.cuts.insert((from, to));
    }

    pub(super) fn slow(&mut self, server: ServerId, factor: u32) {
        self.servers[server.index()].slowness = factor.max(1);
    }

    pub(super) fn heal(&mut self, from: ServerId, to: ServerId, now: u64) {
        self.cuts.remove(&(from, to));
        let again_us = now + self.reconnect_us;
        let connection = &mut self.connections[place(self.servers.len(), from, to)];
        if matches!(connection, Connection::Closed { .. }) {
            *connection = Connection::Closed { again_us };
        }
    }

    /// Brings what servers believe in line with what is the case.
    pub(super) fn settle(&mut self, now: u64) {
        for low in self.ids() {
            for high in self.ids().filter(|high| *high > low) {
                let connection = self.settled(low, high, now);
                self.connections[place(self.servers.len(), low, high)] = connection;
            }
        }
    }

    fn settled(&mut self, low: ServerId, high: ServerId, now: u64) -> Connection {
        let (one, other) = (self.server(low), self.server(high));
        let lives = (one.life, other.life);
        let cut = self.is_cut(low, high) || self.is_cut(high, low);
        let running = self.is_running(low) && self.is_running(high);
        let down = self.is_down(low) || self.is_down(high);
        let closed = Connection::Closed { again_us: now };
        match self.connections[place(self.servers.len(), low, high)] {
            Connection::Silent(_, until_us) if until_us <= now => closed,
            // The end of a process is told, unless a cut swallows that too.
            Connection::Open(session) | Connection::Silent(session, _)
                if !cut && (down || session.lives != lives) =>
            {
                if down {
                    closed
                } else {
                    self.open(lives, now)
                }
            }
            Connection::Open(session) if cut || !running || session.lives != lives => {
                Connection::Silent(session, now + self.silence_us)
            }
            Connection::Silent(session, _) if !cut && running => Connection::Open(session),
            Connection::Closed { again_us } if !cut && running && again_us <= now => {
                self.open(lives, now)
            }
            unchanged => unchanged,
        }
    }

    fn open(&mut self, lives: (u32, u32), now: u64) -> Connection {
        self.sessions += 1;
        Connection::Open(Session { number: self.sessions, since_us: now, lives })
    }

    /// When what servers believe changes next, if nothing happens.
    pub(super) fn next_us(&self, now: u64) -> Option<u64> {
        let pairs = self.ids().flat_map(|low| {
            self.ids().filter(move |high| *high > low).map(move |high| (low, high))
        });
        let moments = pairs.filter_map(|(low, high)| {
            match self.connections[place(self.servers.len(), low, high)] {
                Connection::Silent(_, until_us) => Some(until_us),
                Connection::Closed { again_us } if again_us > now => Some(again_us),
                _ => None,
            }
        });
        moments.min()
    }

    /// Whether what one sends to the other is swallowed.
    pub(super) fn is_cut(&self, from: ServerId, to: ServerId) -> bool {
        self.cuts.contains(&(from, to))
    }

    /// The connection that two servers believe in. With itself every process has one.
    pub(super) fn session(&self, one: ServerId, other: ServerId) -> Option<Session> {
        if one == other {
            return self.own_session(one);
        }
        match self.connections[place(self.servers.len(), one, other)] {
            Connection::Open(session) | Connection::Silent(session, _) => Some(session),
            Connection::Closed { .. } => None,
        }
    }

    /// The connection of two servers that talk.
    pub(super) fn open_session(&self, one: ServerId, other: ServerId) -> Option<Session> {
        if one == other {
            return self.own_session(one).filter(|_| self.is_running(one));
        }
        match self.connections[place(self.servers.len(), one, other)] {
            Connection::Open(session) => Some(session),
            _ => None,
        }
    }

    fn own_session(&self, server: ServerId) -> Option<Session> {
        let Server { process, started_us, life, .. } = *self.server(server);
        let session = Session { number: 0, since_us: started_us, lives: (life, life) };
        (process != Process::Down).then_some(session)
    }

    /// Whether what one sends reaches the other now.
    pub(super) fn flows(&self, from: ServerId, to: ServerId) -> bool {
        let running = self.is_running(from) && self.is_running(to);
        running && !self.is_cut(from, to) && self.session(from, to).is_some()
    }
}

fn place(servers: usize, one: ServerId, other: ServerId) -> usize {
    let (low, high) = (one.min(other), one.max(other));
    low.index() * servers + high.index()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ServerId = ServerId(0);
    const B: ServerId = ServerId(1);

    fn network() -> Network {
        let timing = Timing { silence_us: 100, reconnect_us: 10, ..Timing::default() };
        Network::new(vec!["a".to_owned(), "b".to_owned()], &timing)
    }

    #[test]
    fn a_death_is_heard_of_at_once_and_a_hang_after_a_while() {
        let mut network = network();
        network.set(B, Process::Paused);
        network.settle(5);
        assert!(network.session(A, B).is_some() && network.open_session(A, B).is_none());
        assert_eq!(network.next_us(5), Some(105));
        network.settle(105);
        assert_eq!(network.session(A, B), None);
        network.set(B, Process::Up);
        network.settle(110);
        assert!(network.open_session(A, B).is_some());
        network.set(B, Process::Down);
        network.settle(120);
        assert_eq!(network.session(A, B), None);
    }

    #[test]
    fn a_connection_outlives_a_short_hang_but_no_process() {
        let mut network = network();
        let session = network.session(A, B);
        network.set(B, Process::Paused);
        network.settle(5);
        network.set(B, Process::Up);
        network.settle(50);
        assert_eq!(network.open_session(A, B), session);
        network.set(B, Process::Down);
        network.start(B, 60);
        network.settle(60);
        assert!(network.open_session(A, B).is_some_and(|new| Some(new) != session));
    }

    #[test]
    fn a_cut_swallows_the_news_of_a_death() {
        let mut network = network();
        network.cut(B, A);
        network.set(B, Process::Down);
        network.settle(5);
        assert!(network.session(A, B).is_some());
        network.settle(105);
        assert_eq!(network.session(A, B), None);
        network.start(B, 110);
        network.heal(B, A, 120);
        network.settle(120);
        assert_eq!(network.session(A, B), None);
        assert_eq!(network.next_us(120), Some(130));
        network.settle(130);
        assert!(network.open_session(A, B).is_some());
    }

    #[test]
    fn one_way_is_enough_to_be_heard_but_not_to_stay_connected() {
        let mut network = network();
        network.cut(B, A);
        network.settle(5);
        assert!(network.flows(A, B) && !network.flows(B, A));
        network.settle(105);
        assert!(!network.flows(A, B));
    }
}
