//! A way from one member's end to another's, and whether a datagram takes it.
//!
//! A probe sends from the very ends that may be cut: from a member's address and port, in its namespace.
//! Start at [`probe`].

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use bigchaindb::clock;

use super::processes::namespaces::within;

/// From an end to another; one of them serves, at its port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Way {
    pub(super) from: End,
    pub(super) to: End,
}

/// An end of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct End {
    pub(super) address: IpAddr,
    pub(super) port: Option<u16>,
    pub(super) namespace: Option<PathBuf>,
}

impl End {
    /// A socket there, at its port.
    fn socket(&self) -> io::Result<UdpSocket> {
        let address = SocketAddr::new(self.address, self.port.unwrap_or(0));
        within(self.namespace.as_deref(), || UdpSocket::bind(address))
    }
}

/// On which ways a datagram arrives, all sent at once, within this time.
///
/// # Errors
/// If an end cannot be used.
pub(super) fn probe(ways: &[Way], patience: Duration) -> io::Result<Vec<bool>> {
    let mut sockets: BTreeMap<&End, UdpSocket> = BTreeMap::new();
    for end in ways.iter().flat_map(|way| [&way.from, &way.to]) {
        if !sockets.contains_key(end) {
            sockets.insert(end, end.socket()?);
        }
    }
    for (number, way) in ways.iter().enumerate() {
        let word = (number as u64).to_be_bytes();
        // The filter's answer to whoever sends what it drops is that it may not: then it does not arrive.
        let _ = sockets[&way.from].send_to(&word, sockets[&way.to].local_addr()?);
    }
    let until = clock::monotonic() + patience;
    let mut arrived = vec![false; ways.len()];
    for (number, way) in ways.iter().enumerate() {
        // What comes by other ways to the same end is heard on the way.
        while !arrived[number]
            && let Some(heard) = hear(&sockets[&way.to], until)?
        {
            if ways.get(heard).is_some_and(|other| other.to == way.to) {
                arrived[heard] = true;
            }
        }
    }
    Ok(arrived)
}

/// The number of a way by which something comes, until then; what is there already is heard in any case.
fn hear(socket: &UdpSocket, until: Duration) -> io::Result<Option<usize>> {
    let left = until.saturating_sub(clock::monotonic());
    socket.set_nonblocking(left.is_zero())?;
    if !left.is_zero() {
        socket.set_read_timeout(Some(left))?;
    }
    let mut word = [0; size_of::<u64>()];
    match socket.recv(&mut word) {
        Ok(_) => Ok(usize::try_from(u64::from_be_bytes(word)).ok()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_arrives_at_its_own_end_only() {
        let end =
            |last: u8, port| End { address: [127, 77, 0, last].into(), port, namespace: None };
        let (server, one, other) = (end(1, Some(29015)), end(2, None), end(3, None));
        let way = |from: &End, to: &End| Way { from: from.clone(), to: to.clone() };
        let nowhere = End { address: [198, 18, 0, 1].into(), port: None, namespace: None };
        let ways = [way(&one, &server), way(&server, &one), way(&other, &server)];
        let patience = Duration::from_millis(500);
        assert_eq!(probe(&ways, patience).unwrap(), [true; 3]);
        assert!(probe(&[way(&one, &nowhere)], patience).is_err(), "it is no end of this machine");
    }
}
