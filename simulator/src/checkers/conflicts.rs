//! L3: of those in a conflict one wins.

use std::collections::BTreeMap;

use bigchaindb_core::model::TxId;
use bigchaindb_core::rules::Election;

use super::reference::Reference;
use super::{Checker, Findings, Moment};

/// Looks, at the end, who spent what several wanted.
pub(super) struct Conflicts {
    within_us: u64,
}

impl Conflicts {
    pub(super) fn new(within_us: u64) -> Self {
        Self { within_us }
    }
}

impl Checker for Conflicts {
    fn invariant(&self) -> &'static str {
        "L3"
    }

    fn statement(&self) -> &'static str {
        "Of the transactions that want the same output, one of them acknowledged, exactly one is VALID \
         at rest: not two, and not none."
    }

    fn observe(&mut self, _: &Moment<'_>) {}

    fn finish(&mut self, reference: &Reference) -> Findings {
        let mut findings = Findings::default();
        let surroundings = reference.surroundings();
        let mut wanted: BTreeMap<(TxId, i128), Vec<&TxId>> = BTreeMap::new();
        for (id, seen) in reference.transactions() {
            for input in &seen.document.inputs {
                let rivals = wanted.entry(reference.output(input)).or_default();
                if !rivals.contains(&id) {
                    rivals.push(id);
                }
            }
        }
        for ((txid, cid), rivals) in wanted {
            let acknowledged: Vec<_> =
                rivals.iter().filter_map(|id| surroundings.accepted().get_key_value(*id)).collect();
            let Some(last) = acknowledged.iter().map(|(_, accepted)| accepted.at_us).max() else {
                continue;
            };
            if rivals.len() < 2 || reference.blocks_of(&txid, Election::Valid).is_empty() {
                continue;
            }
            findings.looked();
            let is_valid = |id: &&&TxId| !reference.blocks_of(id, Election::Valid).is_empty();
            let winners: Vec<_> = rivals.iter().filter(is_valid).collect();
            // Who lost all to others, elsewhere, leaves this output to nobody.
            let open = acknowledged.iter().find(|(id, _)| reference.winner_over(id).is_none());
            let name = format!("output {cid} of {txid}");
            match (&winners[..], open) {
                ([_], _) | ([], None) => {}
                ([], Some((id, _))) => {
                    if surroundings.at_rest(last, self.within_us) {
                        let what = format!(
                            "{name} is wanted by {} transactions and none is VALID",
                            rivals.len()
                        );
                        findings.violated(surroundings.now_us(), what, Some(id), &[]);
                    } else {
                        findings.doubted(format!(
                            "nobody has {name}, and the log ends before all is at rest"
                        ));
                    }
                }
                (several, _) => {
                    let valid_at = |id: &TxId| reference.transaction(id)?.valid_at_us;
                    let at_us = several.iter().filter_map(|id| valid_at(id)).max().unwrap_or(0);
                    let what = format!("{} transactions that want {name} are VALID", several.len());
                    findings.violated(at_us, what, Some(several[0]), &[]);
                }
            }
        }
        findings
    }
}
