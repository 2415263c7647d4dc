//! Values that come up again and again, each kept once and known by a number.
//!
//! So a state of an exploration is a handful of numbers, and what a node makes of an event is worked
//! out once, however many interleavings lead there.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// Values, each once. Two are the same if their `{:?}` is, and what they belong to: a number of the
/// caller's.
#[derive(Debug)]
pub(super) struct Pool<T> {
    values: Vec<Arc<T>>,
    numbers: BTreeMap<[u8; 32], u32>,
}

impl<T: Debug> Pool<T> {
    pub(super) fn new() -> Self {
        Self { values: Vec::new(), numbers: BTreeMap::new() }
    }

    /// The number of this value.
    pub(super) fn number(&mut self, owner: usize, value: T) -> u32 {
        let digest = Sha256::digest(format!("{owner} {value:?}")).into();
        let Self { values, numbers } = self;
        *numbers.entry(digest).or_insert_with(|| {
            values.push(Arc::new(value));
            u32::try_from(values.len() - 1).expect("so many values do not fit into memory")
        })
    }

    /// The value of this number.
    pub(super) fn get(&self, number: u32) -> &Arc<T> {
        &self.values[number as usize]
    }

    /// A digest of the value of this number, the same in every exploration.
    pub(super) fn digest(&self, number: u32) -> String {
        let digest = Sha256::digest(format!("{:?}", self.get(number)));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}
