//! How runs are found in InfluxDB, and the faults in them: points of their own, each from its beginning to its end.
//!
//! They are no metrics and come by no StatsD. Both have a text in words, and an end.

/// The measurement that holds runs, a point for each.
pub const RUNS: &str = "run";

/// The measurement that holds what was done to federations.
pub const FAULTS: &str = "fault";

/// The tag that says in which run.
pub const RUN: &str = "run";

/// The tag that says which kind of fault.
pub const KIND: &str = "kind";

/// The tag that says whom a fault meets.
pub const NODE: &str = "node";

/// The field that says it in words.
pub const TEXT: &str = "text";

/// The field that says until when it held, in milliseconds since 1970: of what still holds, until when it was seen to.
/// The same point is written again as long as that grows.
pub const END: &str = "end_time";
