//! Where this program runs, as reports tell it.

use std::collections::BTreeMap;
use std::env::consts;
use std::thread;

/// Name and value, for people.
pub(crate) fn of_this() -> BTreeMap<String, String> {
    let entry = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    BTreeMap::from([
        entry("testbed", env!("CARGO_PKG_VERSION")),
        entry("system", &format!("{} on {}", consts::OS, consts::ARCH)),
        entry("cores", &cores().to_string()),
    ])
}

/// How many threads can work at once.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// How long processors have worked for this process, if the system tells.
///
/// Linux, `/proc/self/stat`: user and system time are fields 14 and 15, in hundredths of a second;
/// the second field is a name in brackets, which may hold anything.
pub(crate) fn processor_seconds() -> Option<f64> {
    const FIELDS_AFTER_NAME: usize = 11;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    let times = rest.split_whitespace().skip(FIELDS_AFTER_NAME).take(2);
    let hundredths: u32 = times.filter_map(|time| time.parse::<u32>().ok()).sum();
    Some(f64::from(hundredths) / 100.0)
}
