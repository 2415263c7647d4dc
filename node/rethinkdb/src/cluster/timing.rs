//! How long each thing takes: every delay of a cluster, by name.
//!
//! The defaults were measured on RethinkDB 2.4.4 with three servers on one machine, where nothing else
//! is said. A scenario sets what it wants to be otherwise.

use serde::{Deserialize, Serialize};

/// Delays, in microseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// Silence on a connection, until both ends take it for lost. RethinkDB's heartbeat has 10 s for
    /// its nominal time; 15.5 s were seen.
    pub silence_us: u64,
    /// From a primary's death, which resets its connections, until another holds its office.
    pub election_us: u64,
    /// The same, if the loss was noticed by silence.
    pub election_after_silence_us: u64,
    /// From the start of the server that a shard without a primary waited for, until the shard takes
    /// reads and writes again.
    pub restart_us: u64,
    /// How long a new primary refuses, until its replicas have joined it.
    pub joining_us: u64,
    /// From the start of a shard's configured primary, until it begins to take over again.
    pub take_over_after_start_us: u64,
    /// The same, if it never stopped but was out of sight: it hung, or its links were cut.
    pub take_over_us: u64,
    /// How long a primary that hands over still reads, and refuses to write.
    pub hand_over_us: u64,
    /// How long there is no primary then.
    pub vacancy_us: u64,
    /// How long the one that took over refuses.
    pub taken_over_joining_us: u64,
    /// How long a table has no primaries after its shards were cut anew.
    pub reshard_us: u64,
    /// From the first contact with its primary, until a replica follows it again.
    pub catch_up_us: u64,
    /// From a reconfiguration, until new replicas have all rows. Not measured: it depends on how many
    /// there are.
    pub backfill_us: u64,
    /// From the healing of a link whose loss had been noticed, until servers connect again. Not
    /// measured: RethinkDB tries again after growing pauses of 50 ms to 15 s.
    pub reconnect_us: u64,
    /// How long two servers seem to be primary, when one comes back that was replaced meanwhile.
    pub two_primaries_us: u64,
    /// From the loss of its primary, until a feed's client hears of it.
    pub abort_us: u64,
    /// How long outdated reads find no replica, when primaries change.
    pub blip_us: u64,
    /// How long a write takes from the primary to a replica, and the acknowledgement back.
    pub replicate_us: u64,
    /// How long a server needs to bring something to disk that somebody waits for.
    pub sync_us: u64,
    /// Nobody waiting, when a write is with the operating system at the latest: a killed server loses
    /// what is younger.
    pub flush_us: u64,
    /// Nobody waiting, when a write is on the platter at the latest: a power cut loses what is
    /// younger. Not measured: the pace at which Linux writes back.
    pub write_back_us: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            silence_us: 15_500_000,
            election_us: 2_000_000,
            election_after_silence_us: 600_000,
            restart_us: 2_100_000,
            joining_us: 30_000,
            take_over_after_start_us: 600_000,
            take_over_us: 290_000,
            hand_over_us: 200_000,
            vacancy_us: 400_000,
            taken_over_joining_us: 60_000,
            reshard_us: 200_000,
            catch_up_us: 200_000,
            backfill_us: 500_000,
            reconnect_us: 500_000,
            two_primaries_us: 5_000,
            abort_us: 10_000,
            blip_us: 10_000,
            replicate_us: 100,
            sync_us: 700,
            flush_us: 2_000,
            write_back_us: 5_000_000,
        }
    }
}
