//! What faults change about links, and how that is seen.

use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::{Links, Probe, Shown, Wrong};
use crate::plan::{Fault, FaultKind, How};

/// What a probe of a narrow link sends takes this long there, and what it took at least.
const TRANSFER: Duration = Duration::from_millis(250);
const TRANSFER_LEAST: Duration = Duration::from_millis(200);
/// A link that is as before takes less than this.
const TRANSFER_MOST: Duration = Duration::from_millis(150);

/// What shows no more does not do so for this long.
const STILL: Duration = Duration::from_millis(100);

/// By what it is known how a link is.
#[derive(Debug)]
pub(in super::super) enum Sign {
    /// A message takes less than this forth and back.
    Quick(Probe, Duration),
    /// So many bytes do not take their time.
    Wide(Probe, usize),
    /// What was wrong shows no more: the count of it does not grow. It was this once.
    Still(FaultKind, [watch::Receiver<Shown>; 2], u64),
}

impl Links {
    /// A fault changes a node's link, or those of a server; by which signs it is known.
    pub(in super::super) fn harm(&self, fault: &Fault, member: usize, servers: usize) -> Vec<Sign> {
        let met = self.met(fault.kind, member, servers);
        let signs = met.into_iter().map(|link| {
            let (shown, probe) = (link.shown(), link.probe());
            let before = count(fault.kind, &shown);
            for way in link.ways() {
                way.change(|wrong| begin(wrong, fault));
            }
            match fault.how {
                How::Narrow { rate_bytes } => Sign::Wide(probe, bytes(rate_bytes)),
                How::Slow { .. } if fault.kind == FaultKind::SlowLink => {
                    let least = probe.least();
                    Sign::Quick(probe, least)
                }
                _ => Sign::Still(fault.kind, shown, before),
            }
        });
        signs.collect()
    }

    /// The links are as before.
    pub(in super::super) fn mend(&self, fault: &Fault, member: usize, servers: usize) -> Vec<Sign> {
        let met = self.met(fault.kind, member, servers);
        let signs = met.into_iter().map(|link| {
            let (shown, probe) = (link.shown(), link.probe());
            let slow = probe.least();
            for way in link.ways() {
                way.change(|wrong| end(wrong, fault.kind));
            }
            match fault.how {
                How::Narrow { rate_bytes } => Sign::Wide(probe, bytes(rate_bytes)),
                How::Slow { .. } if fault.kind == FaultKind::SlowLink => Sign::Quick(probe, slow),
                _ => {
                    let now = count(fault.kind, &shown);
                    Sign::Still(fault.kind, shown, now)
                }
            }
        });
        signs.collect()
    }
}

impl Sign {
    /// Whether it is missing, as long as somebody looks.
    pub(in super::super) async fn is_missing(&self) -> bool {
        match self {
            Self::Quick(probe, least) => probe.ping().await.is_ok_and(|took| took >= *least),
            Self::Wide(probe, bytes) => {
                let took = probe.transfer(*bytes).await;
                took.is_ok_and(|took| took >= probe.least() + TRANSFER_LEAST)
            }
            Self::Still(kind, shown, before) => count(*kind, shown) > *before,
        }
    }

    /// Waits until what is wrong has shown once more.
    pub(in super::super) async fn shows(self) {
        let Self::Still(kind, mut shown, before) = self else { return pending().await };
        while count(kind, &shown) <= before {
            let [there, back] = &mut shown;
            let changed = tokio::select! {
                changed = there.changed() => changed,
                changed = back.changed() => changed,
            };
            if changed.is_err() {
                // The link is gone, and shows nothing any more.
                return pending().await;
            }
        }
    }

    /// Whether it is there.
    pub(in super::super) async fn is_there(&self) -> bool {
        match self {
            Self::Quick(probe, slow) => probe.ping().await.is_ok_and(|took| took < *slow),
            Self::Wide(probe, bytes) => {
                let took = probe.transfer(*bytes).await;
                took.is_ok_and(|took| took < probe.least() + TRANSFER_MOST)
            }
            Self::Still(kind, shown, _) => {
                let before = count(*kind, shown);
                sleep(STILL).await;
                count(*kind, shown) == before
            }
        }
    }
}

/// What a probe of a narrow link sends.
fn bytes(rate: u32) -> usize {
    let ms = u64::try_from(TRANSFER.as_millis()).unwrap_or(u64::MAX);
    usize::try_from((u64::from(rate) * ms / 1000).max(1)).unwrap_or(usize::MAX)
}

fn begin(wrong: &mut Wrong, fault: &Fault) {
    match (fault.kind, fault.how) {
        (FaultKind::SlowLink, How::Slow { factor, jitter_us }) => {
            wrong.slow = Some((factor, jitter_us));
        }
        (FaultKind::StoreSlow, How::Slow { factor, .. }) => wrong.answers = Some(factor),
        (_, How::Leaky { share }) => wrong.leaky = Some(share),
        (_, How::Narrow { rate_bytes }) => wrong.narrow = Some(rate_bytes),
        (_, How::Lossy { share, loss }) => wrong.lossy = Some((share, loss)),
        (_, How::Late { table, most_us, .. }) => wrong.late = Some((table, most_us)),
        (_, How::Twice { share }) => wrong.twice = Some(share),
        _ => {}
    }
}

fn end(wrong: &mut Wrong, kind: FaultKind) {
    match kind {
        FaultKind::SlowLink => wrong.slow = None,
        FaultKind::StoreSlow => wrong.answers = None,
        FaultKind::LossyLink => wrong.leaky = None,
        FaultKind::NarrowLink => wrong.narrow = None,
        FaultKind::LostAnswers => wrong.lossy = None,
        FaultKind::FeedLag => wrong.late = None,
        FaultKind::FeedRepeat => wrong.twice = None,
        _ => {}
    }
}

/// How often a kind of fault has shown, in either direction.
fn count(kind: FaultKind, shown: &[watch::Receiver<Shown>; 2]) -> u64 {
    let of = |shown: &watch::Receiver<Shown>| {
        let shown = *shown.borrow();
        match kind {
            FaultKind::StoreSlow => shown.slowed,
            FaultKind::LossyLink => shown.resent,
            FaultKind::LostAnswers => shown.lost,
            FaultKind::FeedLag => shown.late,
            FaultKind::FeedRepeat => shown.twice,
            _ => 0,
        }
    };
    shown.iter().map(of).sum()
}
