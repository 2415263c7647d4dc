//! The thread that sends metrics to a StatsD server, by UDP.
//!
//! It takes out what there is once in a while and puts as many lines into a datagram as a network
//! carries whole. It never holds up the node: what cannot be sent is dropped and counted. While the
//! server's name means nothing, counters wait and timings are dropped.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::lines::Lines;
use super::process;
use super::table::Counter;
use crate::clock;

/// Bytes in a datagram at most: what an Ethernet frame carries, with room for tunnels.
const DATAGRAM_MAX: usize = 1432;

/// The server's name is looked up again this often: it may have moved.
const RESOLVE: Duration = Duration::from_secs(60);

/// How often metrics are sent.
pub const FLUSH: Duration = Duration::from_secs(1);

/// How long the last flush may take when the node stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// The thread. Dropping it ends it without a last flush.
#[derive(Debug)]
pub struct Emitter {
    stop: SyncSender<SyncSender<()>>,
}

impl Emitter {
    /// Sends what comes to `host:port`, every `flush`.
    ///
    /// # Errors
    /// If the process may have no further thread.
    pub fn start(lines: Lines, host: &str, port: u16, flush: Duration) -> io::Result<Self> {
        let (stop, stopped) = sync_channel::<SyncSender<()>>(1);
        let began = clock::monotonic();
        let mut sender = Sender { lines, way: Way::new(host, port), sent: 0 };
        let run = move || {
            loop {
                let stopping = stopped.recv_timeout(flush);
                process::measure(&sender.lines, clock::monotonic().saturating_sub(began));
                sender.flush(clock::monotonic());
                match stopping {
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                    Ok(done) => {
                        let _ = done.try_send(());
                        return;
                    }
                }
            }
        };
        thread::Builder::new().name("statsd".to_owned()).spawn(run)?;
        Ok(Self { stop })
    }

    /// Sends what is left, and ends; waits a moment for it, no longer.
    pub fn stop(self) {
        let (done, is_done) = sync_channel(1);
        if self.stop.try_send(done).is_ok() {
            let _ = is_done.recv_timeout(STOP_TIMEOUT);
        }
    }
}

/// The thread's end.
struct Sender {
    lines: Lines,
    way: Way,
    /// Lines sent by the flush before, to be told with the next.
    sent: usize,
}

/// The way to the server.
struct Way {
    host: String,
    port: u16,
    socket: Option<UdpSocket>,
    /// When the name is looked up again.
    resolve: Duration,
}

impl Sender {
    fn flush(&mut self, now: Duration) {
        if !self.way.is_open(now) {
            let dropped = self.lines.discard();
            return self.lines.count(Counter::StatsdDropped, dropped);
        }
        self.lines.count(Counter::StatsdSent, std::mem::take(&mut self.sent));
        let (mut sent, mut dropped) = (0, 0);
        let (mut datagram, mut held) = (String::with_capacity(DATAGRAM_MAX), 0);
        let way = &mut self.way;
        let mut send = |datagram: &mut String, held: &mut usize| {
            if *held > 0 {
                *(if way.send(datagram) { &mut sent } else { &mut dropped }) += *held;
            }
            datagram.clear();
            *held = 0;
        };
        self.lines.take(|line| {
            if datagram.len() + 1 + line.len() > DATAGRAM_MAX {
                send(&mut datagram, &mut held);
            }
            if held > 0 {
                datagram.push('\n');
            }
            datagram.push_str(line);
            held += 1;
        });
        send(&mut datagram, &mut held);
        self.sent = sent;
        self.lines.count(Counter::StatsdDropped, dropped);
    }
}

impl Way {
    fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, socket: None, resolve: Duration::ZERO }
    }

    /// Whether there is a way; looks for one if it is time.
    fn is_open(&mut self, now: Duration) -> bool {
        if self.socket.is_none() || self.resolve <= now {
            self.resolve = now + RESOLVE;
            // One that was found before serves until another is.
            self.socket = self.dial().ok().or(self.socket.take());
        }
        self.socket.is_some()
    }

    /// A socket to the server's first address, of the older kind if there is one, as the original's.
    fn dial(&self) -> io::Result<UdpSocket> {
        let addresses = (self.host.as_str(), self.port).to_socket_addrs()?;
        let address = addresses.min_by_key(SocketAddr::is_ipv6).ok_or(io::ErrorKind::NotFound)?;
        let from: SocketAddr = match address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(from)?;
        socket.connect(address)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }

    /// Sends a datagram, or not. Nobody there means that the name is looked up again.
    fn send(&mut self, datagram: &str) -> bool {
        let Some(socket) = &self.socket else { return false };
        match socket.send(datagram.as_bytes()) {
            Ok(_) => true,
            Err(error) => {
                if error.kind() != io::ErrorKind::WouldBlock {
                    self.resolve = Duration::ZERO;
                }
                false
            }
        }
    }
}
