//! StatsD in, points for InfluxDB out: the part of Telegraf that a federation needs.
//!
//! A datagram's lines are read (`statsd`), named by templates (`templates`), gathered for an interval
//! (`interval`), and told as points ([`Point`]) to InfluxDB or a file ([`Sink`]). Points are those that Telegraf makes with
//! this project's `telegraf.conf`. Start at [`Relay`].

mod interval;
mod point;
mod sink;
mod statsd;
mod templates;

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::net::UdpSocket;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout_at};

pub use interval::Interval;
pub use point::{Point, Value};
pub use sink::{BadTarget, Influxdb, Sink};
pub use statsd::{Event, Line, Malformed, Sample, Worth};
pub(crate) use templates::Meaning;
pub use templates::{BadTemplates, Templates};

/// How long datagrams are gathered, unless told otherwise.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// After the end, what had come before it is read for so long at most.
const LAST_WITHIN: Duration = Duration::from_millis(50);

/// The largest datagram there is.
const DATAGRAM_MAX: usize = 65_536;

/// What the relay says of itself, under the name that Telegraf uses.
pub(crate) const OWN: &str = "internal_statsd";

/// What came in so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Heard {
    /// Datagrams.
    pub datagrams: u64,
    /// Their lines.
    pub lines: u64,
    /// Those of them that nobody can read.
    pub malformed: u64,
    /// Points that no sink took, and that were given up.
    pub lost: u64,
}

/// Takes datagrams on a socket.
#[derive(Debug)]
pub struct Relay {
    socket: UdpSocket,
    interval: Interval,
    every: Duration,
    heard: Heard,
    /// Of which moment the last points were, in nanoseconds since 1970.
    told_ns: u64,
}

impl Relay {
    /// Listens.
    ///
    /// # Errors
    /// If the address is taken, or not this machine's.
    pub async fn bind(address: SocketAddr, every: Duration) -> io::Result<Self> {
        let (socket, heard) = (UdpSocket::bind(address).await?, Heard::default());
        Ok(Self { socket, interval: Interval::new(Templates::ours()), every, heard, told_ns: 0 })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Hands on what comes in to all of these, until `stop` comes; what came in. `complain` is told once of each kind of
    /// trouble in a row.
    pub async fn run(
        mut self,
        mut sinks: Vec<Sink>,
        stop: impl Future<Output = ()>,
        mut complain: impl FnMut(String),
    ) -> Heard {
        let mut ticks = interval_at(Instant::now() + self.every, self.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut datagram = vec![0; DATAGRAM_MAX];
        let mut stop = std::pin::pin!(stop);
        let mut in_trouble = false;
        loop {
            tokio::select! {
                () = &mut stop => break,
                received = self.socket.recv_from(&mut datagram) => match received {
                    Ok((length, from)) => self.hear(&datagram[..length], from, &mut complain),
                    Err(error) => complain(format!("cannot receive: {error}")),
                },
                _ = ticks.tick() => self.tell(&mut sinks, &mut in_trouble, &mut complain).await,
            }
        }
        // What had come before the end counts, though nobody has read it yet.
        let until = Instant::now() + LAST_WITHIN;
        while let Ok(Ok((length, from))) =
            timeout_at(until, self.socket.recv_from(&mut datagram)).await
        {
            self.hear(&datagram[..length], from, &mut complain);
        }
        self.tell(&mut sinks, &mut in_trouble, &mut complain).await;
        self.heard
    }

    fn hear(&mut self, datagram: &[u8], from: SocketAddr, complain: &mut impl FnMut(String)) {
        self.heard.datagrams += 1;
        let text = String::from_utf8_lossy(datagram);
        for line in text.lines().filter(|line| !line.is_empty()) {
            self.heard.lines += 1;
            match Line::read(line) {
                Ok(line) => self.interval.add(line, from.ip(), now_ns()),
                Err(malformed) => {
                    if self.heard.malformed == 0 {
                        complain(format!("{from} sends what is no StatsD: {malformed}"));
                    }
                    self.heard.malformed += 1;
                }
            }
        }
    }

    async fn tell(
        &mut self,
        sinks: &mut [Sink],
        in_trouble: &mut bool,
        complain: &mut impl FnMut(String),
    ) {
        self.told_ns = moment(now_ns(), self.every, self.told_ns);
        let mut points = self.interval.take(self.told_ns);
        points.push(self.heard.point(self.told_ns));
        let told = Sink::tell_all(sinks, points).await;
        self.heard.lost = sinks.iter().map(Sink::lost).sum();
        match told {
            Ok(()) => *in_trouble = false,
            Err(error) if *in_trouble => drop(error),
            Err(error) => {
                *in_trouble = true;
                complain(error.to_string());
            }
        }
    }
}

impl Heard {
    /// What the relay says of itself.
    pub fn point(&self, at_ns: u64) -> Point {
        let Self { datagrams, lines, malformed, lost } = *self;
        let mut point = Point::new(OWN, at_ns);
        for (field, count) in [
            ("udp_packets_received", datagrams),
            ("lines_received", lines),
            ("parse_errors", malformed),
            ("points_dropped", lost),
        ] {
            point.set(field, Value::Whole(i64::try_from(count).unwrap_or(i64::MAX)));
        }
        point
    }
}

#[expect(clippy::disallowed_methods, reason = "points are of the time at which they come in")]
fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// Of which moment points are that are told now, after others were told of `told_ns`: of the last whole
/// interval, but never of that one again. A database would take them for corrections, and forget the others.
fn moment(now_ns: u64, every: Duration, told_ns: u64) -> u64 {
    let every_ns = u64::try_from(every.as_nanos()).unwrap_or(u64::MAX).max(1);
    // A clock that was set back does not make points of times to come for long.
    let next_ns = told_ns.saturating_add(every_ns).min(now_ns.saturating_add(every_ns));
    (now_ns - now_ns % every_ns).max(next_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn no_moment_is_told_of_twice() {
        for (now_ns, told_ns, expected_ns) in [
            (10 * S + 5, 0, 10 * S),
            (11 * S + 3, 10 * S, 11 * S),
            // The last points of a run, soon after the ones before.
            (11 * S + 9, 11 * S, 12 * S),
            // Nobody told anything for a while.
            (20 * S + 1, 12 * S, 20 * S),
            // The clock was set back by an hour.
            (5 * S, 3_605 * S, 6 * S),
        ] {
            assert_eq!(moment(now_ns, INTERVAL, told_ns), expected_ns, "{now_ns} {told_ns}");
        }
    }
}
