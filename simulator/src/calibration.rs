//! How fast a machine is: four short measurements, kept with every run in real time.
//!
//! Figures of two machines say nothing about two programs. So each run in real time first measures what
//! its machine does of the work that nodes are made of: signatures verified, bytes hashed, writes forced
//! to its disk, round trips over loopback; a tenth of a second each, one core. Whoever compares runs
//! compares these first. Not here: what the federation itself did (`measure`), comparing (`compare`).
//! Start at [`Calibration::measure`].

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use bigchaindb::clock;
use bigchaindb_core::model::{Keypair, Strictness, keccak256_hex, verify};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Each measurement stops once it has taken this long; a disk that takes longer for one write is
/// waited for once.
const EACH: Duration = Duration::from_millis(100);
/// What is written and forced to the disk at a time: a page.
const PAGE: [u8; 4096] = [0x5a; 4096];
/// About as long as the text of a small transaction.
const DOCUMENT: [u8; 1024] = [0x20; 1024];
/// A neighbour on loopback that is silent for so long is gone.
const SILENCE: Duration = Duration::from_secs(1);

/// Two measurements of one processor are seldom further apart than this, in per cent of the slower.
const WORK_PERCENT: u64 = 20;
/// Disks and networks of one machine are less steady: their figures may be apart by this factor.
const WAIT_FACTOR: u64 = 3;

/// What one core, the disk and loopback do in a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// Ed25519 signatures verified, strictly, as nodes do it.
    pub verifications_per_s: u64,
    /// Bytes hashed (Keccak-256), in texts of a kilobyte.
    pub hashed_bytes_per_s: u64,
    /// Writes of a page of 4 KiB, each forced to the disk of the run's folder; none if that failed.
    pub synced_writes_per_s: Option<u64>,
    /// Bytes sent over loopback and sent back, one after the other; none if that failed.
    pub round_trips_per_s: Option<u64>,
}

impl Calibration {
    /// Measures this machine, and the disk that a folder lies on. Takes about 0.4 s.
    pub fn measure(folder: &Path) -> Self {
        let keys = Keypair::from_seed([7; 32]);
        let (public, signature) = (keys.public_bytes(), keys.sign(&DOCUMENT));
        let verified = per_second(|| {
            let is_good = verify(&public, &DOCUMENT, &signature, Strictness::Strict);
            if is_good { Ok(1) } else { Err(io::Error::other("a good signature is refused")) }
        });
        let hashed = per_second(|| {
            std::hint::black_box(keccak256_hex(std::hint::black_box(&DOCUMENT)));
            Ok(DOCUMENT.len() as u64)
        });
        Self {
            verifications_per_s: verified.unwrap_or(0),
            hashed_bytes_per_s: hashed.unwrap_or(0),
            synced_writes_per_s: synced(folder).ok(),
            round_trips_per_s: round_trips().ok(),
        }
    }

    /// What is so different that it is another machine, or one that was busy otherwise: a sentence each.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let work = |one: u64, other: u64| {
            let (low, high) = (one.min(other), one.max(other));
            high.saturating_mul(100) > low.saturating_mul(100 + WORK_PERCENT)
        };
        let wait =
            |one: u64, other: u64| one.max(other) > one.min(other).saturating_mul(WAIT_FACTOR);
        let mut said = Vec::new();
        let mut say = |what: &str,
                       one: Option<u64>,
                       other: Option<u64>,
                       is_far: &dyn Fn(u64, u64) -> bool| {
            if let (Some(one), Some(other)) = (one, other)
                && is_far(one, other)
            {
                said.push(format!("{what} a second: {one} and {other}"));
            }
        };
        let (verified, hashed) = (Some(self.verifications_per_s), Some(self.hashed_bytes_per_s));
        say("signatures verified", verified, Some(other.verifications_per_s), &work);
        say("bytes hashed", hashed, Some(other.hashed_bytes_per_s), &work);
        say(
            "writes forced to the disk",
            self.synced_writes_per_s,
            other.synced_writes_per_s,
            &wait,
        );
        say("round trips over loopback", self.round_trips_per_s, other.round_trips_per_s, &wait);
        said
    }

    /// The middle one of each figure over several runs; none if there are none.
    pub fn typical(all: &[Self]) -> Option<Self> {
        let middle = |mut figures: Vec<u64>| {
            figures.sort_unstable();
            figures.get(figures.len() / 2).copied()
        };
        Some(Self {
            verifications_per_s: middle(all.iter().map(|one| one.verifications_per_s).collect())?,
            hashed_bytes_per_s: middle(all.iter().map(|one| one.hashed_bytes_per_s).collect())?,
            synced_writes_per_s: middle(
                all.iter().filter_map(|one| one.synced_writes_per_s).collect(),
            ),
            round_trips_per_s: middle(all.iter().filter_map(|one| one.round_trips_per_s).collect()),
        })
    }
}

/// How much of something is done in a second. Each call does some of it, and says how much.
fn per_second(mut some: impl FnMut() -> io::Result<u64>) -> io::Result<u64> {
    let began = clock::monotonic();
    let mut done: u64 = 0;
    loop {
        done += some()?;
        let took = clock::monotonic().saturating_sub(began);
        if took >= EACH {
            let per_s = u128::from(done) * 1_000_000 / took.as_micros().max(1);
            return Ok(u64::try_from(per_s).unwrap_or(u64::MAX));
        }
    }
}

/// Forces one page after the other to the disk, over and over the same place; nothing is left of it.
fn synced(folder: &Path) -> io::Result<u64> {
    let path = folder.join("calibration");
    let mut file = File::create(&path)?;
    let measured = per_second(|| {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&PAGE)?;
        file.sync_data()?;
        Ok(1)
    });
    drop(file);
    std::fs::remove_file(&path)?;
    measured
}

/// A neighbour sends back what it is sent.
fn round_trips() -> io::Result<u64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut here = TcpStream::connect_timeout(&listener.local_addr()?, SILENCE)?;
    let (mut there, _) = listener.accept()?;
    for end in [&here, &there] {
        end.set_nodelay(true)?;
        end.set_read_timeout(Some(SILENCE))?;
    }
    // It ends when this end is dropped, or has been silent for too long.
    let neighbour = thread::spawn(move || {
        let mut byte = [0];
        while there.read_exact(&mut byte).is_ok() && there.write_all(&byte).is_ok() {}
    });
    let mut byte = [1];
    let measured = per_second(|| {
        here.write_all(&byte)?;
        here.read_exact(&mut byte)?;
        Ok(1)
    });
    drop(here);
    let _ = neighbour.join();
    measured
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Calibration = Calibration {
        verifications_per_s: 10_000,
        hashed_bytes_per_s: 400_000_000,
        synced_writes_per_s: Some(500),
        round_trips_per_s: Some(20_000),
    };

    #[test]
    fn a_machine_is_measured_and_nothing_is_left_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let found = Calibration::measure(folder.path());
        assert!(found.verifications_per_s > 0 && found.hashed_bytes_per_s > 0, "{found:?}");
        assert!(
            found.synced_writes_per_s > Some(0) && found.round_trips_per_s > Some(0),
            "{found:?}"
        );
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        // What cannot be measured is unknown, and the rest is there.
        let without = Calibration::measure(&folder.path().join("missing"));
        assert_eq!(without.synced_writes_per_s, None);
        assert!(without.verifications_per_s > 0);
    }

    #[test]
    fn other_machines_are_told_apart_and_the_same_one_is_not() {
        let as_is = Calibration {
            verifications_per_s: 8_500,
            synced_writes_per_s: Some(1_400),
            round_trips_per_s: None,
            ..ONE
        };
        assert_eq!(ONE.differences(&as_is), Vec::<String>::new());
        let slower = Calibration {
            verifications_per_s: 8_000,
            hashed_bytes_per_s: 500_000_000,
            synced_writes_per_s: Some(100),
            round_trips_per_s: Some(70_000),
        };
        let said = ONE.differences(&slower);
        assert_eq!(said.len(), 4, "{said:?}");
        assert_eq!(said[0], "signatures verified a second: 10000 and 8000");
    }

    #[test]
    fn of_several_the_middle_counts() {
        let with = |verifications_per_s| Calibration { verifications_per_s, ..ONE };
        let typical = Calibration::typical(&[with(9_000), with(1), with(10_000)]);
        assert_eq!(typical.map(|one| one.verifications_per_s), Some(9_000));
        assert_eq!(Calibration::typical(&[]), None);
    }
}
