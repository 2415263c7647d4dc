//! What follows from the log by the rules: which blocks are VALID when, where each transaction is.
//!
//! Written apart from the node's own code (`bigchaindb_core::rules`), from the rules' text and the
//! documents' fields alone, so that one mistake is not made twice. Shared by all checkers: each
//! record goes in once, and what it changed comes out as [`News`]. Here: the state, and which records
//! change it. How rows do is in `rows`, the list of blocks in `list`, decisions in `elections`, what is known of
//! a document in `seen`, and what checkers ask in `asked`. Reading documents is in `documents`, adding votes
//! up in `tally`, what clients were told and which faults are in force in `surroundings`. Start at
//! [`Reference::observe`].

mod asked;
mod calm;
mod documents;
mod elections;
mod endings;
mod harms;
mod ledger;
mod list;
mod lives;
mod rows;
mod seen;
mod surroundings;
mod tally;
pub mod validator;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, NodeKey, SignatureCheck, Strictness, TxId};
use bigchaindb_core::rules::Election;

use crate::observe::{self, Act, Member, Observed, Record, Run, Table};

pub use documents::{BlockDocument, Input, TransactionDocument};
use harms::Harms;
pub use ledger::{Ledger, Made};
pub use lives::{Life, Lives};
pub use seen::{BlockSeen, GoodVote, News, TransactionSeen};
pub use surroundings::{Accepted, Surroundings};
pub use tally::Ballot;

/// The rules by which votes are added up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rules {
    /// Ours: the federation votes, whatever a block says; a decision is final.
    Default,
    /// Those of BigchainDB 0.6.0: a block's `voters` vote, and what is no good counts against it.
    Original,
    /// Those of members that live with some that run BigchainDB 0.6.0: as there, but that a block is
    /// decided only once no vote can change that.
    Mixed,
}

impl Rules {
    /// The rules of a profile.
    pub fn of_profile(name: &str) -> Self {
        match name {
            "v0.6.0" => Self::Original,
            "mixed" => Self::Mixed,
            _ => Self::Default,
        }
    }

    /// How strictly signatures are verified.
    pub fn strictness(self) -> Strictness {
        match self {
            Self::Default => Strictness::Strict,
            Self::Original | Self::Mixed => Strictness::Original,
        }
    }
}

/// An act, and when it was done.
type Timed = (u64, Act);

/// The state: see the module.
#[derive(Debug)]
pub struct Reference {
    run: Option<Run>,
    rules: Rules,
    /// Judge by these rules, whatever the run says.
    forced: Option<Rules>,
    /// What the run says, and of some members.
    rules_of_run: Rules,
    rules_of: BTreeMap<Arc<str>, Rules>,
    byzantine: BTreeSet<NodeKey>,
    federation: BTreeSet<NodeKey>,
    signatures: Arc<dyn SignatureCheck>,
    blocks: BTreeMap<BlockId, BlockSeen>,
    transactions: BTreeMap<TxId, TransactionSeen>,
    /// The transactions that spend an output of this one.
    spenders: BTreeMap<TxId, BTreeSet<TxId>>,
    /// Blocks that are geneses, as they were seen.
    geneses: Vec<BlockId>,
    /// The entries of the list that bring a genesis of this federation (profile `default`).
    beginnings: BTreeMap<u64, BlockId>,
    /// The place and the block with which the list begins; it does not begin twice.
    begins: Option<(u64, BlockId)>,
    /// Up to here the list is known without a gap.
    walked: u64,
    /// When each block was first listed where it counts.
    listed: BTreeMap<BlockId, u64>,
    harms: Harms,
    ledger: Ledger,
    ballot: Ballot,
    positions: BTreeMap<u64, BlockId>,
    surroundings: Surroundings,
    /// Every change of an election, in order.
    history: Vec<(u64, BlockId, Election)>,
    /// What Byzantine members did on purpose, by row.
    acts: BTreeMap<(Table, Arc<str>), Vec<Timed>>,
    /// Which rows the final dump has; empty if there is none.
    dumped: BTreeSet<(Table, Arc<str>)>,
    /// How many transactions wait.
    waiting: usize,
    now_us: u64,
    news: Vec<News>,
}

impl Reference {
    /// Before the first record.
    pub fn new(signatures: Arc<dyn SignatureCheck>) -> Self {
        Self {
            run: None,
            rules: Rules::Default,
            forced: None,
            rules_of_run: Rules::Default,
            rules_of: BTreeMap::new(),
            byzantine: BTreeSet::new(),
            federation: BTreeSet::new(),
            signatures,
            blocks: BTreeMap::new(),
            transactions: BTreeMap::new(),
            spenders: BTreeMap::new(),
            geneses: Vec::new(),
            beginnings: BTreeMap::new(),
            begins: None,
            walked: 0,
            listed: BTreeMap::new(),
            harms: Harms::default(),
            ledger: Ledger::default(),
            ballot: Ballot::default(),
            positions: BTreeMap::new(),
            surroundings: Surroundings::default(),
            history: Vec::new(),
            acts: BTreeMap::new(),
            dumped: BTreeSet::new(),
            waiting: 0,
            now_us: 0,
            news: Vec::new(),
        }
    }

    /// The same, by other rules than those of the run.
    pub fn by_rules(self, rules: Rules) -> Self {
        Self { rules, forced: Some(rules), ..self }
    }

    /// Takes a record in, and says what it changed.
    pub fn observe(&mut self, observed: &Observed) -> Vec<News> {
        self.now_us = observed.at_us;
        self.surroundings.observe(observed);
        match &observed.record {
            Record::Run(run) => self.begin(run),
            Record::Change(change) => self.change(change),
            Record::Final(last) => {
                if let Some(id) = observe::row_id(&last.row) {
                    self.dumped.insert((last.table, id));
                    self.put(last.table, &last.row, false);
                }
            }
            Record::End(_) => self.forget_what_was_lost(),
            Record::Act(act) => {
                let row = (act.table, Arc::clone(&act.key));
                self.acts.entry(row).or_default().push((observed.at_us, act.clone()));
            }
            Record::Operation(_)
            | Record::Fault(_)
            | Record::Decided(_)
            | Record::Node(_)
            | Record::Gauge(_)
            | Record::Owned(_)
            | Record::Stored(_)
            | Record::Counter(_) => {}
        }
        std::mem::take(&mut self.news)
    }

    fn begin(&mut self, run: &Run) {
        self.rules_of_run = Rules::of_profile(&run.rules);
        self.rules = self.forced.unwrap_or(self.rules_of_run);
        let own = |node: &Member| {
            Some((Arc::clone(&node.name), Rules::of_profile(node.rules.as_deref()?)))
        };
        self.rules_of = run.nodes.iter().filter_map(own).collect();
        self.federation = run.nodes.iter().map(|node| node.key.clone()).collect();
        let byzantine = run.nodes.iter().filter(|node| run.byzantine.contains(&node.name));
        self.byzantine = byzantine.map(|node| node.key.clone()).collect();
        self.run = Some(run.clone());
    }
}
