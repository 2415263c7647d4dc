//! S13: everything belongs to somebody, once.

use std::collections::{BTreeMap, BTreeSet};

use bigchaindb_core::model::{Json, TxId};

use super::reference::{News, Reference};
use super::{Checker, Findings, Moment};
use crate::observe::{Owned, Record};

/// A node may take so long to hear of what has changed.
const HEARD_WITHIN_US: u64 = 2_000_000;

/// Compares what nodes say somebody owns with the VALID history, and counts what is left of each asset.
#[derive(Default)]
pub(super) struct Ownership {
    findings: Findings,
    /// When a transaction was last on the move.
    moved: BTreeMap<TxId, u64>,
}

impl Checker for Ownership {
    fn invariant(&self) -> &'static str {
        "S13"
    }

    fn statement(&self) -> &'static str {
        "A node says of a key that it owns the unspent outputs of the VALID history that ask for it, and \
         no others; and each asset has exactly one unspent output."
    }

    fn observe(&mut self, moment: &Moment<'_>) {
        let at_us = moment.observed.at_us;
        for news in moment.news {
            match news {
                News::Moved(id) => drop(self.moved.insert(id.clone(), at_us)),
                News::Elected { block, .. } => {
                    let block = moment.reference.block(block).into_iter();
                    for transaction in block.flat_map(|block| &block.document.transactions) {
                        self.moved.insert(transaction.id.clone(), at_us);
                    }
                }
                _ => {}
            }
        }
        if let Record::Owned(owned) = &moment.observed.record
            && !moment.reference.is_byzantine_name(&owned.node)
        {
            self.compare(at_us, owned, moment.reference);
        }
    }

    fn violations(&self) -> u64 {
        self.findings.count()
    }

    fn finish(&mut self, reference: &Reference) -> Findings {
        self.count_assets(reference);
        std::mem::take(&mut self.findings)
    }
}

impl Ownership {
    fn compare(&mut self, at_us: u64, owned: &Owned, reference: &Reference) {
        self.findings.looked();
        let (node, owner) = (&owned.node, &owned.owner);
        let answer = match &owned.outputs {
            Ok(answer) => answer,
            Err(error) => {
                let what = format!("{node} cannot say what {owner} owns: {error}");
                return self.findings.violated(at_us, what, None, &[]);
            }
        };
        let mut said: BTreeSet<(TxId, i128)> = BTreeSet::new();
        for output in answer {
            if !said.insert((output.txid.clone(), output.cid.into())) {
                let what = format!(
                    "{node} says twice that {owner} owns output {} of {}",
                    output.cid, output.txid
                );
                self.findings.violated(at_us, what, Some(&output.txid), &[]);
            }
        }
        let mut owns: BTreeSet<(TxId, i128)> = BTreeSet::new();
        for (id, made) in reference.ledger().all() {
            for (cid, output) in made.outputs().into_iter().enumerate() {
                let output_id = (id.clone(), cid as i128);
                let is_spent = reference.ledger().spenders(&output_id).next().is_some();
                if !is_spent && asks_for(output, owner) {
                    owns.insert(output_id);
                }
            }
        }
        for output in said.symmetric_difference(&owns) {
            if self.is_moving(at_us, output, reference) {
                continue;
            }
            let (txid, cid) = output;
            let what = if said.contains(output) {
                format!("{node} says {owner} owns output {cid} of {txid}, which is not so")
            } else {
                format!("{node} does not say that {owner} owns output {cid} of {txid}")
            };
            self.findings.violated(at_us, what, Some(txid), &[]);
        }
    }

    /// Whether it is not settled, or only just, whose an output is.
    fn is_moving(&self, at_us: u64, output: &(TxId, i128), reference: &Reference) -> bool {
        let rivals = reference.spenders_of(output);
        let recent = |id: &TxId| {
            self.moved.get(id).is_some_and(|moved_us| at_us <= moved_us + HEARD_WITHIN_US)
        };
        let undecided = |id: &&TxId| {
            !reference.blocks_of(id, bigchaindb_core::rules::Election::Undecided).is_empty()
        };
        recent(&output.0) || rivals.iter().any(|rival| recent(rival) || undecided(rival))
    }

    fn count_assets(&mut self, reference: &Reference) {
        let ledger = reference.ledger();
        let mut origins: BTreeMap<(TxId, i128), Option<TxId>> = BTreeMap::new();
        let mut unspent: BTreeMap<TxId, u64> = BTreeMap::new();
        for (id, made) in ledger.all() {
            let is_origin = reference
                .transaction(id)
                .is_some_and(|seen| matches!(&*seen.document.operation, "CREATE" | "GENESIS"));
            if is_origin {
                unspent.entry(id.clone()).or_default();
            }
            for cid in 0..made.outputs().len() {
                let output = (id.clone(), cid as i128);
                let spent = ledger.spenders(&output).next().is_some();
                match origin(reference, &output, &mut origins) {
                    Some(_) if spent => {}
                    Some(asset) => *unspent.entry(asset).or_default() += 1,
                    None => {
                        let at_us = reference.transaction(id).and_then(|seen| seen.valid_at_us);
                        let what = format!("output {cid} of {id} is made of nothing");
                        self.findings.violated(at_us.unwrap_or(0), what, Some(id), &[]);
                    }
                }
            }
        }
        for (asset, count) in unspent {
            self.findings.looked();
            if count != 1 {
                let at_us = reference.surroundings().now_us();
                let what = format!("asset {asset} has {count} unspent outputs");
                self.findings.violated(at_us, what, Some(&asset), &[]);
            }
        }
    }
}

/// The CREATE that an output comes from, over as many transfers as there were.
fn origin(
    reference: &Reference,
    output: &(TxId, i128),
    known: &mut BTreeMap<(TxId, i128), Option<TxId>>,
) -> Option<TxId> {
    let mut way = Vec::new();
    let mut at = output.clone();
    let found = loop {
        if let Some(found) = known.get(&at) {
            break found.clone();
        }
        // A circle has no beginning.
        if way.contains(&at) {
            break None;
        }
        way.push(at.clone());
        let Some(seen) = reference.transaction(&at.0) else { break None };
        if matches!(&*seen.document.operation, "CREATE" | "GENESIS") {
            break Some(at.0);
        }
        // What a transfer makes of its nth input is its nth output.
        let Some(input) = usize::try_from(at.1).ok().and_then(|cid| seen.document.inputs.get(cid))
        else {
            break None;
        };
        at = reference.output(input);
        if reference.history_of(&at.0).is_none() {
            break None;
        }
    };
    known.extend(way.into_iter().map(|step| (step, found.clone())));
    found
}

/// Whether an output is this key's: it is named, and the condition asks for it somewhere.
fn asks_for(output: &Json, owner: &str) -> bool {
    let named = output
        .get("owners_after")
        .and_then(Json::as_array)
        .is_some_and(|owners| owners.iter().any(|one| one.as_str() == Some(owner)));
    let mut places: Vec<&Json> =
        output.get("condition").and_then(|guard| guard.get("details")).into_iter().collect();
    while let Some(place) = places.pop().filter(|_| named) {
        if place.get("public_key").and_then(Json::as_str) == Some(owner) {
            return true;
        }
        places.extend(place.get("subfulfillments").and_then(Json::as_array).unwrap_or(&[]));
    }
    false
}
