//! What members of a run use of the machines they are on, where the world can tell.
//!
//! Not here: who looks (`backends::real`, `sampler`). In virtual time nobody uses anything.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a member used of its machine, all its lives together.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Resources {
    /// A node's name, `store`, or `all` where nodes, store, clients and harness are one process.
    pub member: String,
    /// Processor time, user and system, of all processors together, in milliseconds.
    pub cpu_ms: u64,
    /// The most resident memory at one time, in KiB.
    pub rss_kib_max: u64,
    /// Written to disks, in bytes, as the kernel counts it for the member's first process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_bytes: Option<u64>,
    /// What its files take at the end, in bytes; none if it keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// Received over the network, in bytes; none if its network is not its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_bytes: Option<u64>,
    /// Sent over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_bytes: Option<u64>,
    /// The most files, sockets among them, that it had open when somebody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files_max: Option<u64>,
    /// What it had used from time to time, in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<Sample>,
}

/// What a member had used at a moment. Counts are since its first start; what is not known is absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// When, in microseconds of the run.
    pub at_us: u64,
    /// Processor time so far, in milliseconds.
    pub cpu_ms: u64,
    /// Resident memory now, in KiB.
    pub rss_kib: u64,
    /// Written to disks so far, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_bytes: Option<u64>,
    /// What its files take now, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// Received over the network so far, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_bytes: Option<u64>,
    /// Sent over it so far, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_bytes: Option<u64>,
    /// Files and sockets that it has open now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_files: Option<u64>,
}
