//! L8: work is bounded.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::reference::{Reference, Rules};
use super::{Checker, Findings, Moment};
use crate::observe::{Call, Gauge, Kind, Record};

/// Compares how much nodes asked of the store with how much there was to do.
#[derive(Default)]
pub(super) struct BoundedWork {
    /// How many questions each node has asked, and how many reads it had been asked for by then.
    questions: BTreeMap<Arc<str>, (u64, u64)>,
    /// How often clients have asked each node where something stands.
    reads: BTreeMap<Arc<str>, u64>,
}

/// How many questions a node may ask.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    /// For each transaction that is posted.
    transaction: u64,
    /// For each block: it is read, judged and voted on.
    block: u64,
    /// For each block and so many members: the votes on it come in one by one, and are read again while
    /// there are more.
    members: u64,
    /// For each time that a client asks it where something stands.
    read: u64,
    /// For each second that it runs, whatever happens: it looks after things from time to time.
    second: u64,
    /// For each row that a member writes or harms against the rules: it has to be read, judged and voted
    /// on as well.
    act: u64,
    /// For each start and each fault: there is much to be read again.
    disturbance: u64,
}

/// What a node may ask, by rules: half as much again as in the smoke scenarios. The test
/// `work_is_as_bounded_as_it_was` holds the measure.
fn allowance(rules: Rules) -> Allowance {
    match rules {
        Rules::Default => Allowance {
            transaction: 3,
            block: 2,
            members: 8,
            read: 2,
            second: 2,
            act: 2,
            disturbance: 40,
        },
        Rules::Original | Rules::Mixed => Allowance {
            transaction: 6,
            block: 4,
            members: 4,
            read: 4,
            second: 4,
            act: 4,
            disturbance: 80,
        },
    }
}

impl Checker for BoundedWork {
    fn invariant(&self) -> &'static str {
        "L8"
    }

    fn statement(&self) -> &'static str {
        "A node asks a bounded number of questions of its store for each transaction that is posted, \
         each block (more where there are many members), each look at a transaction, each second that \
         passes, each act against the rules, and each start and fault."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        match &moment.observed.record {
            Record::Gauge(Gauge { node, questions, .. }) => {
                let reads = self.reads.get(node).copied().unwrap_or(0);
                self.questions.insert(Arc::clone(node), (*questions, reads));
            }
            Record::Operation(operation)
                if operation.call != Call::Post && operation.kind == Kind::Invoke =>
            {
                *self.reads.entry(Arc::clone(&operation.node)).or_default() += 1;
            }
            _ => {}
        }
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        let mut findings = Findings::default();
        let surroundings = reference.surroundings();
        let decided =
            reference.transactions().filter(|(_, seen)| seen.valid_at_us.is_some()).count();
        // A transaction that was refused, lost or is still waiting is work as well.
        let work = (decided as u64).max(surroundings.sent());
        let allowance = allowance(reference.rules());
        let disturbances = 1 + surroundings.faults().count() as u64;
        let members = reference.federation().len() as u64;
        // Nobody votes on the first one.
        let blocks = reference.blocks().count().saturating_sub(1) as u64;
        let allowed = allowance.transaction * work
            + (allowance.block + members / allowance.members) * blocks
            + allowance.act * reference.acts()
            + allowance.second * (surroundings.now_us() / 1_000_000)
            + allowance.disturbance * disturbances;
        for (node, (questions, reads)) in &self.questions {
            if reference.is_byzantine_name(node) {
                continue;
            }
            findings.looked();
            let allowed = allowed + allowance.read * reads;
            if *questions > allowed {
                let what = format!(
                    "{node} asked {questions} questions for {work} transactions, allowed are {allowed}"
                );
                findings.violated(surroundings.now_us(), what, None, &[]);
            }
        }
        findings
    }
}
