//! Bounds and waits of the nodes, where a scenario wants them other than they are.

use std::collections::BTreeMap;
use std::time::Duration;

use bigchaindb_core::stages::Settings;
use serde::{Deserialize, Serialize};

/// Bounds and waits by the names they have in [`Settings`]; a wait in microseconds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bounds(pub BTreeMap<String, u64>);

/// One of them.
pub(crate) enum Bound {
    /// So many.
    Count(fn(&mut Settings) -> &mut usize),
    /// So long.
    Wait(fn(&mut Settings) -> &mut Duration),
}

/// Those that a scenario can set.
pub(crate) const BOUNDS: [(&str, Bound); 18] = [
    ("block_size", Bound::Count(|all| &mut all.block_size)),
    ("block_wait", Bound::Wait(|all| &mut all.block_wait)),
    ("unfinished", Bound::Count(|all| &mut all.unfinished)),
    ("waiting", Bound::Count(|all| &mut all.waiting)),
    ("retry", Bound::Wait(|all| &mut all.retry)),
    ("retry_most", Bound::Wait(|all| &mut all.retry_most)),
    ("falls", Bound::Count(|all| &mut all.falls)),
    ("reassign", Bound::Wait(|all| &mut all.reassign)),
    ("watched", Bound::Count(|all| &mut all.watched)),
    ("adopt", Bound::Wait(|all| &mut all.adopt)),
    ("missing", Bound::Wait(|all| &mut all.missing)),
    ("undecided", Bound::Wait(|all| &mut all.undecided)),
    ("feed_gap", Bound::Wait(|all| &mut all.feed_gap)),
    ("store_retry", Bound::Wait(|all| &mut all.store_retry)),
    ("poll", Bound::Wait(|all| &mut all.poll)),
    ("requests", Bound::Count(|all| &mut all.requests)),
    ("remembered", Bound::Count(|all| &mut all.remembered)),
    ("clock_tolerance", Bound::Wait(|all| &mut all.clock_tolerance)),
];

impl Bounds {
    /// What nodes keep to; names that are none are left out.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        for (name, bound) in &BOUNDS {
            let Some(&value) = self.0.get(*name) else { continue };
            match bound {
                Bound::Count(of) => {
                    *of(&mut settings) = usize::try_from(value).unwrap_or(usize::MAX);
                }
                Bound::Wait(of) => *of(&mut settings) = Duration::from_micros(value),
            }
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_sets_what_it_names() {
        let of = |name: &str, value| {
            format!("{:?}", Bounds(BTreeMap::from([(name.to_owned(), value)])).settings())
        };
        for (name, bound) in &BOUNDS {
            let shown = match bound {
                Bound::Count(_) => format!("{name}: 7777,"),
                Bound::Wait(_) => format!("{name}: 7.777ms"),
            };
            assert!(of(name, 7777).contains(&shown), "{name}");
        }
    }
}
