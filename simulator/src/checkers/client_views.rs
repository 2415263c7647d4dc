//! S12: what clients were told stays true.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bigchaindb_core::model::TxId;

use super::reference::Reference;
use super::{Checker, Findings, Moment};
use crate::observe::{Call, Kind, Operation, Record};

/// Compares what clients read with what they had been told before they asked.
#[derive(Default)]
pub(super) struct ClientViews {
    findings: Findings,
    /// When each question was asked: (operation, call, node). Of several alike the first is answered
    /// first, for all that can be told.
    asked: BTreeMap<(u64, Call, Arc<str>), VecDeque<u64>>,
    /// When a client was first told that a transaction is valid, and by whom.
    valid: BTreeMap<TxId, (u64, Arc<str>)>,
    /// The first body that a client read.
    bodies: BTreeMap<TxId, Arc<str>>,
}

impl Checker for ClientViews {
    fn invariant(&self) -> &'static str {
        "S12"
    }

    fn statement(&self) -> &'static str {
        "Whoever asks after an answer was read is not told less: `valid` is final, what was \
         acknowledged is found (unless it lost a conflict or ran out of time), and its body is the same."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let Record::Operation(operation) = &moment.observed.record else { return };
        if operation.call == Call::Post {
            return;
        }
        let question = (operation.number, operation.call, Arc::clone(&operation.node));
        if operation.kind == Kind::Invoke {
            self.asked.entry(question).or_default().push_back(moment.observed.at_us);
            return;
        }
        let asked_us = self.asked.get_mut(&question).and_then(VecDeque::pop_front);
        if let (Some(asked_us), Kind::Ok, Some(id)) = (asked_us, operation.kind, &operation.tx) {
            self.answered(moment, asked_us, operation, id);
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, _: &Reference) -> Findings {
        std::mem::take(&mut self.findings)
    }
}

impl ClientViews {
    fn answered(&mut self, moment: &Moment<'_>, asked_us: u64, operation: &Operation, id: &TxId) {
        let Moment { observed, reference, .. } = *moment;
        // What a Byzantine member says binds nobody.
        if reference.is_byzantine_name(&operation.node) {
            return;
        }
        if reference.was_hidden(id, asked_us) {
            // Somebody has taken away what it would have to read.
            return;
        }
        self.findings.looked();
        let at_us = observed.at_us;
        let node = &operation.node;
        let says = operation.value.as_deref().unwrap_or("nothing");
        let found = operation.http != Some(404);
        if let Some((valid_us, teller)) = self.valid.get(id)
            && *valid_us < asked_us
            && (!found || (operation.call == Call::Status && says != "valid"))
        {
            let what = format!("{node} says {id} is {says}; {teller} had said valid before");
            return self.findings.violated(at_us, what, Some(id), &[]);
        }
        let acknowledged = reference.surroundings().accepted().get(id);
        if let Some(accepted) = acknowledged
            && !found
            && accepted.at_us < asked_us
            && !reference.may_be_gone(id, at_us)
        {
            let what =
                format!("{node} does not find {id}, which {} had acknowledged", accepted.node);
            return self.findings.violated(at_us, what, Some(id), &[]);
        }
        if !found {
            return;
        }
        if operation.call == Call::Status && says == "valid" {
            self.valid.entry(id.clone()).or_insert_with(|| (at_us, Arc::clone(node)));
        }
        if operation.call == Call::Get
            && let Some(body) = &operation.value
        {
            let first = self.bodies.entry(id.clone()).or_insert_with(|| Arc::clone(body));
            if first != body {
                let what = format!("{node} shows another body of {id} than was read before");
                self.findings.violated(at_us, what, Some(id), &[]);
            }
        }
    }
}
