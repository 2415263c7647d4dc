//! What the machine lacks, and what is therefore left out.
//!
//! `TESTBED_WITHOUT` is a list with commas. A test that needs what it names does nothing; one that needs what the
//! machine lacks, and the list does not name, fails.

/// Names what this machine cannot do, and what is not to be tested on it.
const WITHOUT: &str = "TESTBED_WITHOUT";

/// Whether tests of something are to be left out here, which this machine lacks for a reason; fails if it
/// lacks it and they should not.
pub(crate) fn without(what: &str, lacks: Option<String>) -> bool {
    let left_out = std::env::var(WITHOUT).unwrap_or_default();
    if left_out.split(',').any(|left_out| left_out == what) {
        eprintln!("left out: {WITHOUT} says so");
        return true;
    }
    if let Some(why) = lacks {
        panic!("{why}; `{WITHOUT}={what}` leaves this test out");
    }
    false
}
