//! Who voted how in which second, and how many blocks were decided invalid in it.
//!
//! Here: counting, while the log is made or from a log that is there. Not here: what votes add up to
//! (`checkers::reference`). Start at [`Voting`].

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json};
use bigchaindb_core::rules::Election;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Measures;
use crate::checkers::reference::Reference;
use crate::observe::{Change, Observed, Record, Table};

/// What nodes said of blocks over time. Each list has an entry for each of [`Measures::seconds`].
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Votes {
    /// Blocks whose election became invalid in that second.
    pub blocks_invalid: Vec<u64>,
    /// The voters, in the order of the federation.
    pub nodes: Vec<NodeVotes>,
}

/// A node's votes.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize, JsonSchema)]
pub struct NodeVotes {
    /// The node, by name.
    pub node: String,
    /// How many of its votes say that a block is valid.
    pub valid: u64,
    /// How many say that one is not.
    pub invalid: u64,
    /// Its votes that became visible in that second, of either kind.
    pub seconds: Vec<u64>,
}

/// Counts votes as they become visible in the table. A vote that is changed or deleted later was cast.
#[derive(Clone, Debug, Default)]
pub struct Voting {
    began_us: Option<u64>,
    /// The federation's names by key, and their order.
    names: BTreeMap<Arc<str>, (usize, Arc<str>)>,
    cast: BTreeMap<Arc<str>, Cast>,
}

#[derive(Clone, Debug, Default)]
struct Cast {
    valid: u64,
    invalid: u64,
    seconds: BTreeMap<u64, u64>,
}

impl Voting {
    /// Takes a record in.
    pub fn observe(&mut self, observed: &Observed) {
        let began_us = *self.began_us.get_or_insert(observed.at_us);
        match &observed.record {
            Record::Run(run) => {
                let members = run.nodes.iter().enumerate();
                self.names = members
                    .map(|(place, node)| (node.key.as_str().into(), (place, node.name.clone())))
                    .collect();
            }
            Record::Change(Change { table: Table::Votes, old: None, new: Some(row) }) => {
                self.vote(observed.at_us.saturating_sub(began_us) / 1_000_000, row);
            }
            _ => {}
        }
    }

    /// A row that is no vote at all is nobody's.
    fn vote(&mut self, second: u64, row: &Json) {
        let Some(voter) = row.get("node_pubkey").and_then(Json::as_str) else { return };
        let says = row.get("vote").and_then(|vote| vote.get("is_block_valid"));
        let Some(valid) = says.and_then(Json::as_bool) else { return };
        if !self.cast.contains_key(voter) {
            self.cast.insert(voter.into(), Cast::default());
        }
        let Some(cast) = self.cast.get_mut(voter) else { return };
        *(if valid { &mut cast.valid } else { &mut cast.invalid }) += 1;
        *cast.seconds.entry(second).or_default() += 1;
    }

    /// What it all comes to, over the time that `measures` are about.
    pub fn finish(self, measures: &Measures, reference: &Reference) -> Votes {
        let stretch_s = measures.stretch_s.max(1);
        let length = measures.seconds.len();
        let place = |second: u64| {
            let place = usize::try_from(second / stretch_s).unwrap_or(usize::MAX);
            place.min(length.saturating_sub(1))
        };
        let spread = |seconds: &BTreeMap<u64, u64>| {
            let mut spread = vec![0; length];
            for (second, votes) in seconds {
                if let Some(entry) = spread.get_mut(place(*second)) {
                    *entry += votes;
                }
            }
            spread
        };
        let mut blocks_invalid = vec![0; length];
        let mut elections: BTreeMap<&BlockId, Election> = BTreeMap::new();
        for (at_us, block, is) in reference.history() {
            let was = elections.insert(block, *is);
            if *is == Election::Invalid && was != Some(Election::Invalid) {
                let second = at_us.saturating_sub(self.began_us.unwrap_or(0)) / 1_000_000;
                if let Some(entry) = blocks_invalid.get_mut(place(second)) {
                    *entry += 1;
                }
            }
        }
        // Who never voted has a line too; strangers' votes count for nobody.
        let mut nodes: Vec<_> = self.names.iter().collect();
        nodes.sort_by_key(|(_, (place, _))| *place);
        let none = Cast::default();
        let of_node = |(key, (_, name)): (&Arc<str>, &(usize, Arc<str>))| {
            let cast = self.cast.get(key).unwrap_or(&none);
            let (valid, invalid) = (cast.valid, cast.invalid);
            NodeVotes { node: name.to_string(), valid, invalid, seconds: spread(&cast.seconds) }
        };
        Votes { blocks_invalid, nodes: nodes.into_iter().map(of_node).collect() }
    }
}

#[cfg(test)]
mod tests {
    use bigchaindb_core::model::Memo;

    use super::*;
    use crate::measure::Second;
    use crate::observe::{Member, Run};

    fn federation() -> Record {
        let member = |name: &str| Member::ours(name, format!("key of {name}").as_str().into());
        Record::Run(Run {
            scenario: "by hand".into(),
            seed: 1,
            backend: "sim".into(),
            rules: "default".into(),
            quirks: Vec::new(),
            byzantine: Vec::new(),
            // Not in the order of their keys.
            nodes: ["n2", "n1", "n3"].map(member).to_vec(),
            started_unix_ms: 0,
            thinned: false,
        })
    }

    fn row(voter: &str, says: &str) -> Arc<Json> {
        let text = format!(
            r#"{{"id": "1", "node_pubkey": "key of {voter}", "vote": {{"is_block_valid": {says}}}}}"#
        );
        Arc::new(Json::parse(text.as_bytes()).expect("a row"))
    }

    #[test]
    fn votes_are_counted_by_voter_second_and_word() {
        let inserted =
            |voter, says| Record::Change(Change::of(Table::Votes, None, Some(&row(voter, says))));
        let (old, new) = (row("n1", "true"), row("n1", "false"));
        let records = [
            (5_000_000, federation()),
            (5_400_000, inserted("n1", "true")),
            (6_000_000, inserted("n1", "false")),
            (6_999_999, inserted("n2", "true")),
            (8_100_000, inserted("n1", "true")),
            // A stranger's, one that says nothing, one that was cast before.
            (8_200_000, inserted("nobody", "true")),
            (8_300_000, inserted("n2", "null")),
            (8_400_000, Record::Change(Change::of(Table::Votes, Some(&old), Some(&new)))),
        ];
        let count = |stretch_s: u64, length: u64| {
            let mut voting = Voting::default();
            for (at_us, record) in records.clone() {
                voting.observe(&Observed { at_us, record });
            }
            let second = |place| Second { second: place * stretch_s, ..Second::default() };
            let seconds = (0..length).map(second).collect();
            let measures = Measures { stretch_s, seconds, ..Measures::default() };
            voting.finish(&measures, &Reference::new(Arc::new(Memo::new(1))))
        };
        let node = |node: &str, valid, invalid, seconds: &[u64]| NodeVotes {
            node: node.into(),
            valid,
            invalid,
            seconds: seconds.to_vec(),
        };
        let by_second = count(1, 4);
        assert_eq!(
            by_second.nodes,
            [
                node("n2", 1, 0, &[0, 1, 0, 0]),
                node("n1", 2, 1, &[1, 1, 0, 1]),
                node("n3", 0, 0, &[0, 0, 0, 0]),
            ]
        );
        assert_eq!(by_second.blocks_invalid, [0, 0, 0, 0]);
        // What comes after the last stretch belongs to it.
        assert_eq!(count(2, 1).nodes[1].seconds, [3]);
        assert!(count(1, 0).nodes[1].seconds.is_empty());
    }
}
