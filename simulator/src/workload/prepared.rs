//! CREATEs that are signed before the clock starts, so that in real time no client waits for a signature.
//!
//! What spends an output cannot be signed before: the id of a CREATE is in the answer to it.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use bigchaindb_core::model::Json;

use super::documents::Clients;
use crate::plan::{Action, Operation, Plan};

/// Prepared documents together have no more payload than this; beyond it they are signed when they are due.
const PAYLOAD_BYTES_MAX: u64 = 256 << 20;

/// Documents count as so much besides their payload.
const FRAME_BYTES: u64 = 2_000;

/// Documents, by the operation that posts them.
#[derive(Clone, Debug, Default)]
pub struct Prepared(BTreeMap<u32, Arc<Json>>);

impl Prepared {
    /// Signs the CREATEs of a plan on all cores; the run's clock is to stand at 0 at this Unix time, or a little
    /// later.
    pub fn sign(plan: &Arc<Plan>, started_unix_ms: u64) -> Self {
        let mut left = PAYLOAD_BYTES_MAX;
        let creates =
            plan.operations.iter().filter(|one| matches!(one.action, Action::Create { .. }));
        let fits = |operation: &&Operation| {
            let Action::Create { payload_bytes } = operation.action else { return false };
            let rest = left.checked_sub(u64::from(payload_bytes) + FRAME_BYTES);
            left = rest.unwrap_or(left);
            rest.is_some()
        };
        let creates: Vec<_> = creates.take_while(fits).collect();
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let share = creates.len().div_ceil(cores).max(1);
        let sign = |mine: &[&Operation]| -> Vec<_> {
            let clients = Clients::new(plan.clone(), started_unix_ms);
            let write = |operation: &&Operation| {
                // One that cannot be signed says so when it is due.
                let written = clients.write(operation, &|_| None).ok()?;
                Some((operation.number, written.document))
            };
            mine.iter().filter_map(write).collect()
        };
        let sign = &sign;
        Self(thread::scope(|scope| {
            let parts: Vec<_> =
                creates.chunks(share).map(|mine| scope.spawn(move || sign(mine))).collect();
            let signed = |part: thread::ScopedJoinHandle<'_, Vec<_>>| {
                part.join().expect("nobody panics while signing")
            };
            parts.into_iter().flat_map(signed).collect()
        }))
    }

    /// The document of an operation, if it was signed before.
    pub(super) fn get(&self, operation: u32) -> Option<Arc<Json>> {
        self.0.get(&operation).cloned()
    }
}
