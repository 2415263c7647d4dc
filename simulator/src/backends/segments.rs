//! What it costs that segments of a message are lost, as TCP has it: nothing but time.
//!
//! A segment that is lost is sent again after a while, and after twice that if it is lost again. What came
//! behind it waits, as a stream is read in its order. Here: by how much that makes a message late. Not
//! here: how long a message takes if nothing is lost (`plan::Links`).

use crate::chance::{Domain, draw, pair};

/// After how long a segment without an acknowledgement is sent again.
///
/// Source: `TCP_RTO_MIN` of Linux, 200 ms. That several segments behind it would tell of the loss sooner
/// is left out: messages of nodes are short.
const RETRANSMIT_US: u64 = 200_000;

/// A segment gets through after so many attempts at the latest: later than anybody waits for an answer.
const ATTEMPTS_MAX: u64 = 6;

/// What a segment carries: an Ethernet frame without the headers of IP and TCP, and a time stamp.
const SEGMENT_BYTES: usize = 1448;

/// More segments of one message are as good as this many.
const SEGMENTS_MAX: usize = 1 << 12;

/// How much later a message of so many bytes arrives, if this share of segments is lost, in parts per
/// million. The ends are numbers of the backend's choice, `message` counts the messages from one to
/// the other.
pub(super) fn late_us(
    seed: u64,
    (from, to): (u32, u32),
    message: u64,
    bytes: usize,
    share: u32,
) -> u64 {
    let segments = bytes.div_ceil(SEGMENT_BYTES).clamp(1, SEGMENTS_MAX) as u64;
    let late = |segment: u64| {
        let is_lost = |attempt: &u64| {
            let counter = message << 16 | segment << 4 | attempt;
            draw(seed, Domain::LostSegment, pair(from, to), counter).happens(share)
        };
        (0..ATTEMPTS_MAX).take_while(is_lost).map(|attempt| RETRANSMIT_US << attempt).sum()
    };
    // They are under way at the same time.
    (0..segments).map(late).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_segment_is_sent_again_ever_later() {
        let late = |message, bytes, share| late_us(3, (1, 2), message, bytes, share);
        assert_eq!(late(1, 100_000, 0), 0);
        assert_eq!(late(1, 1, 1_000_000), 200_000 * 63, "lost as often as can be");
        let waits: Vec<_> = (0..1000).map(|message| late(message, 100, 250_000)).collect();
        let count = |wait: u64| waits.iter().filter(|one| **one == wait).count();
        assert_eq!(waits, (0..1000).map(|message| late(message, 100, 250_000)).collect::<Vec<_>>());
        assert!((700..800).contains(&count(0)), "{}", count(0));
        assert!((150..225).contains(&count(200_000)), "{}", count(200_000));
        assert!((25..75).contains(&count(600_000)), "{}", count(600_000));
        // Of ten segments, one or another is lost more often.
        let long = (0..1000).filter(|message| late(*message, 14_480, 250_000) > 0).count();
        assert!((920..970).contains(&long), "{long}");
    }
}
