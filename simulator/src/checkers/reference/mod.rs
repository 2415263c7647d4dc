//! What follows from the log by the rules: which blocks are VALID when, where each transaction is.
//!
//! Written apart from the node's own code (`bigchaindb_core::rules`), from the rules' text and the
//! documents' fields alone, so that one mistake is not made twice. Shared by all checkers: each
//! record goes in once, and what it changed comes out as [`News`]. Here: the state and how records
//! change it. Reading documents is in `documents`, adding votes up in `tally`, what clients were
//! told and which faults are in force in `surroundings`. Start at [`Reference::observe`].

mod calm;
mod documents;
mod endings;
mod harms;
mod ledger;
mod lives;
mod surroundings;
mod tally;
pub mod validator;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, NodeKey, SignatureCheck, Strictness, TxId};
use bigchaindb_core::rules::Election;

use crate::observe::{self, Act, Change, Member, Observed, Record, Run, Table};

pub use documents::{BlockDocument, Input, TransactionDocument};
use harms::Harms;
pub use ledger::{Ledger, Made};
pub use lives::{Life, Lives};
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

/// Something that a record changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// A block is there that was not.
    Block(BlockId),
    /// A good vote is there: well-signed, by a voter. Others are not news.
    Vote(GoodVote),
    /// A block's election has another outcome than before.
    Elected {
        /// The block.
        block: BlockId,
        /// What it was.
        was: Election,
        /// What it is.
        is: Election,
    },
    /// The list of blocks has an entry more.
    Listed {
        /// The entry's key.
        position: u64,
    },
    /// A transaction is, or is no longer, where it was: backlog or blocks.
    Moved(TxId),
}

/// A good vote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GoodVote {
    /// The row's key.
    pub key: Arc<str>,
    /// Who votes.
    pub voter: NodeKey,
    /// On which block.
    pub block: BlockId,
    /// Which block it names as the one before.
    pub previous: BlockId,
    /// Is the block valid?
    pub valid: bool,
    /// When, by the voter's clock, Unix seconds; none if it does not say so.
    pub timestamp: Option<u64>,
}

/// A block that was seen.
#[derive(Clone, Debug)]
pub struct BlockSeen {
    /// What it says.
    pub document: BlockDocument,
    /// When it was first seen.
    pub seen_at_us: u64,
    /// Whether it is there; a row can be deleted or lost.
    pub present: bool,
    /// Whether its author is who it says, as id and signature prove (others than `default`: taken for
    /// granted).
    pub sealed: bool,
    /// Why it is invalid without an election, if it is (profile `default`).
    pub malformed: Option<String>,
    /// How it is decided.
    pub election: Election,
    /// Since when.
    pub elected_at_us: u64,
    /// When it was first listed.
    pub listed_at_us: Option<u64>,
}

/// A transaction that was seen.
#[derive(Clone, Debug, Default)]
pub struct TransactionSeen {
    /// What it says, as first seen.
    pub document: TransactionDocument,
    /// Whether it waits in the backlog.
    pub waiting: bool,
    /// The blocks that hold it.
    pub blocks: BTreeSet<BlockId>,
    /// When it was first seen in a block.
    pub in_block_at_us: Option<u64>,
    /// When a block that holds it was first VALID.
    pub valid_at_us: Option<u64>,
    /// Its first row in the backlog.
    pub row: Option<Arc<Json>>,
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
        self.rules = self.forced.unwrap_or_else(|| Rules::of_profile(&run.rules));
        self.federation = run.nodes.iter().map(|node| node.key.clone()).collect();
        let byzantine = run.nodes.iter().filter(|node| run.byzantine.contains(&node.name));
        self.byzantine = byzantine.map(|node| node.key.clone()).collect();
        self.run = Some(run.clone());
    }

    fn change(&mut self, change: &Change) {
        if self.change_harmed(change) {
            return;
        }
        if let Some(row) = change.new.as_ref().filter(|_| !self.byzantine.is_empty()) {
            self.harms.see(change.table, row);
        }
        match (&change.new, &change.old) {
            (Some(row), old) => self.put(change.table, row, old.is_some()),
            (None, Some(old)) => self.remove(change.table, &old.id),
            (None, None) => {}
        }
    }

    /// A row is there. `changed`: another stood under its key.
    fn put(&mut self, table: Table, row: &Arc<Json>, changed: bool) {
        match table {
            Table::Backlog => self.put_waiting(row),
            Table::Bigchain => self.put_block(row, changed),
            Table::Votes => self.put_vote(row, changed),
            Table::Positions => self.put_position(row),
        }
    }

    fn put_waiting(&mut self, row: &Arc<Json>) {
        let Some(id) = row.get("id").and_then(Json::as_str).map(TxId::from) else { return };
        let seen = self.seen(&TransactionDocument::read(row));
        seen.row.get_or_insert_with(|| Arc::clone(row));
        if !std::mem::replace(&mut seen.waiting, true) {
            self.waiting += 1;
            self.surroundings.weigh(self.waiting);
        }
        self.news.push(News::Moved(id));
    }

    fn seen(&mut self, document: &TransactionDocument) -> &mut TransactionSeen {
        let Self { transactions, spenders, .. } = self;
        transactions.entry(document.id.clone()).or_insert_with(|| {
            for input in &document.inputs {
                spenders.entry(input.txid.clone()).or_default().insert(document.id.clone());
            }
            TransactionSeen { document: document.clone(), ..TransactionSeen::default() }
        })
    }

    fn put_block(&mut self, row: &Arc<Json>, changed: bool) {
        let Some(document) = BlockDocument::read(row) else { return };
        let id = document.id.clone();
        let known = self.blocks.get(&id).is_some_and(|block| block.present);
        if known && !changed {
            return;
        }
        let (sealed, malformed) = match self.rules {
            Rules::Default => {
                let seal = document.seal(self.rules.strictness(), &*self.signatures);
                // Of a row that is not the block, the block cannot be blamed.
                let is_block = seal.id.is_none();
                let malformed = is_block.then(|| document.malformation(&self.federation));
                (seal.is_sound(), malformed.flatten())
            }
            Rules::Mixed => (true, document.strange_voters(&self.federation)),
            Rules::Original => (true, None),
        };
        let now_us = self.now_us;
        for transaction in &document.transactions {
            let seen = self.seen(transaction);
            seen.blocks.insert(id.clone());
            seen.in_block_at_us.get_or_insert(now_us);
            self.news.push(News::Moved(transaction.id.clone()));
        }
        let before = self.blocks.get(&id);
        let listed_at_us = before.map_or_else(
            || self.listed.contains_key(&id).then_some(self.now_us),
            |block| block.listed_at_us,
        );
        let is_genesis = document.is_genesis;
        let seen = BlockSeen {
            document,
            seen_at_us: before.map_or(self.now_us, |block| block.seen_at_us),
            present: true,
            malformed,
            sealed,
            election: before.map_or(Election::Undecided, |block| block.election),
            elected_at_us: before.map_or(self.now_us, |block| block.elected_at_us),
            listed_at_us,
        };
        self.blocks.insert(id.clone(), seen);
        if is_genesis && !self.geneses.contains(&id) {
            self.geneses.push(id.clone());
        }
        self.news.push(News::Block(id.clone()));
        self.elect(&id);
        if is_genesis {
            self.elect_geneses();
        }
    }

    fn put_vote(&mut self, row: &Json, changed: bool) {
        let Some(key) = observe::row_id(row) else { return };
        if self.ballot.has(&key) && !changed {
            return;
        }
        let vote = documents::read_vote(row, &key)
            .filter(|vote| self.rules != Rules::Default || self.federation.contains(&vote.voter));
        let signed = vote.as_ref().is_some_and(|vote| {
            documents::is_vote_signed(row, vote, self.rules.strictness(), &*self.signatures)
        });
        if let (Some(vote), true) = (&vote, signed) {
            self.news.push(News::Vote(vote.clone()));
        }
        for block in self.ballot.put(key, vote, signed) {
            self.elect(&block);
        }
    }

    fn put_position(&mut self, row: &Json) {
        let Some(position) = row.get("id").and_then(documents::read_position) else { return };
        // What names no block stands for one that nobody has.
        let block = BlockId::from(row.get("block").and_then(Json::as_str).unwrap_or(""));
        if self.positions.insert(position, block.clone()).is_none() {
            self.news.push(News::Listed { position });
        }
        if self.rules == Rules::Default {
            if self.brings_genesis(row, &block) {
                self.beginnings.insert(position, block.clone());
            }
            let by_act = self.acts_on(Table::Positions, &position.to_string().into());
            if by_act.is_empty() && self.is_counted(position) {
                self.note_listed(&block);
            }
            self.walk();
        } else {
            self.note_listed(&block);
        }
        self.elect_geneses();
    }

    /// Follows the list as far as it is known without a gap.
    fn walk(&mut self) {
        while let Some(block) = self.positions.get(&self.walked).cloned() {
            if self.begins.is_none() && self.beginnings.contains_key(&self.walked) {
                self.begins = Some((self.walked, block.clone()));
            }
            if self.begins.is_some() {
                self.note_listed(&block);
            }
            self.walked += 1;
        }
    }

    /// Whether an entry brings a genesis block that this federation can begin with.
    fn brings_genesis(&self, row: &Json, named: &BlockId) -> bool {
        let brought = row.get("genesis").map(|genesis| Arc::new(genesis.clone()));
        let brought = brought.and_then(|genesis| BlockDocument::read(&genesis));
        brought.is_some_and(|block| {
            block.id == *named && block.can_begin(&self.federation, &*self.signatures)
        })
    }

    /// Whether what stands at this place counts: under `default` the list begins with a genesis.
    pub fn is_counted(&self, position: u64) -> bool {
        let begins = self.begins.as_ref();
        self.rules != Rules::Default || begins.is_some_and(|(first, _)| position >= *first)
    }

    /// From now on the block has a place.
    fn note_listed(&mut self, id: &BlockId) {
        self.listed.entry(id.clone()).or_insert(self.now_us);
        if let Some(seen) = self.blocks.get_mut(id) {
            seen.listed_at_us.get_or_insert(self.now_us);
        }
    }

    /// A row is gone.
    fn remove(&mut self, table: Table, id: &Arc<str>) {
        match table {
            Table::Backlog => {
                let id = TxId::from(&**id);
                if let Some(seen) = self.transactions.get_mut(&id) {
                    if std::mem::replace(&mut seen.waiting, false) {
                        self.waiting -= 1;
                        self.surroundings.weigh(self.waiting);
                    }
                    self.news.push(News::Moved(id));
                }
            }
            Table::Bigchain => {
                let id = BlockId::from(&**id);
                let Some(block) = self.blocks.get_mut(&id) else { return };
                block.present = false;
                for transaction in &block.document.transactions {
                    if let Some(seen) = self.transactions.get_mut(&transaction.id) {
                        seen.blocks.remove(&id);
                        self.news.push(News::Moved(transaction.id.clone()));
                    }
                }
                self.elect(&id);
            }
            Table::Votes => {
                for block in self.ballot.remove(id) {
                    self.elect(&block);
                }
            }
            Table::Positions => {
                if let Ok(position) = id.parse() {
                    self.positions.remove(&position);
                }
            }
        }
    }

    /// What was seen and is not in the final dump was lost on the way, and no feed said so.
    fn forget_what_was_lost(&mut self) {
        if self.dumped.is_empty() {
            return;
        }
        let blocks = self.blocks.values().filter(|block| block.present);
        let blocks = blocks.map(|block| (Table::Bigchain, block.document.id.as_str().into()));
        let votes = self.ballot.keys().map(|key| (Table::Votes, Arc::clone(key)));
        let lost = blocks.chain(votes).filter(|row| !self.dumped.contains(row));
        let lost: Vec<_> = lost.filter(|(table, id)| !self.is_harmed(*table, id)).collect();
        for (table, id) in lost {
            self.remove(table, &id);
        }
    }

    /// Brings the VALID history up to date.
    fn account(&mut self, id: &BlockId, was: Election, is: Election) {
        let mut ledger = std::mem::take(&mut self.ledger);
        let block = &self.blocks[id].document;
        if is == Election::Valid {
            ledger.add(block, |input| self.output(input));
        } else if was == Election::Valid {
            ledger.take_out(block, |input| self.output(input));
        }
        self.ledger = ledger;
    }

    /// Whether the chain begins with this block. Under `default` the first entry of the list that brings a
    /// genesis of this federation says so. Elsewhere it is the first genesis of the list, or, as long as
    /// none is listed, the first that was seen.
    pub fn begins_with(&self, id: &BlockId) -> bool {
        if self.rules == Rules::Default {
            return self.beginning() == Some(id);
        }
        if !self.geneses.contains(id) {
            return false;
        }
        let listed = self.positions.values().find(|block| self.geneses.contains(block));
        listed.or(self.geneses.first()) == Some(id)
    }

    /// The block that the list begins with, as far as that is known (profile `default`).
    pub fn beginning(&self) -> Option<&BlockId> {
        self.begins.as_ref().map(|(_, block)| block)
    }

    /// Whether a block begins a chain, so that nobody votes on it: under `default` the one that the list
    /// begins with, elsewhere every genesis.
    pub fn is_first(&self, id: &BlockId) -> bool {
        match self.rules {
            Rules::Default if self.begins.is_some() => self.begins_with(id),
            // As long as no list is seen, it may be any.
            _ => self.blocks.get(id).is_some_and(|block| block.document.is_genesis),
        }
    }

    /// One genesis has no effect on others, but of several only one begins the chain.
    fn elect_geneses(&mut self) {
        if self.geneses.len() > 1 || self.rules == Rules::Default {
            for id in self.geneses.clone() {
                self.elect(&id);
            }
        }
    }

    /// Adds the votes on a block up again.
    fn elect(&mut self, id: &BlockId) {
        let Some(block) = self.blocks.get(id) else { return };
        let is = match self.rules {
            _ if !block.present => Election::Undecided,
            Rules::Default | Rules::Mixed if self.begins_with(id) => Election::Valid,
            Rules::Default => match self.ballot.count(id, &self.federation) {
                Election::Valid => Election::Valid,
                // Who knows yet whether it is the one that the list begins with?
                _ if block.document.is_genesis && self.begins.is_none() => Election::Undecided,
                _ if block.malformed.is_some() => Election::Invalid,
                by_votes => by_votes,
            },
            Rules::Mixed if block.malformed.is_some() => Election::Invalid,
            Rules::Mixed => self.ballot.count_for_ever(id, &block.document.voters),
            Rules::Original => self.ballot.count_as_original(id, &block.document.voters),
        };
        let block = self.blocks.get_mut(id).expect("found above");
        let was = std::mem::replace(&mut block.election, is);
        if was == is {
            return;
        }
        block.elected_at_us = self.now_us;
        self.account(id, was, is);
        let block = &self.blocks[id];
        if is == Election::Valid {
            for transaction in &block.document.transactions {
                if let Some(seen) = self.transactions.get_mut(&transaction.id) {
                    seen.valid_at_us.get_or_insert(self.now_us);
                }
            }
        }
        self.history.push((self.now_us, id.clone(), is));
        self.news.push(News::Elected { block: id.clone(), was, is });
    }
}

/// What checkers ask.
impl Reference {
    /// What is run, once the log has said so.
    pub fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// The rules of the run.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// The keys of all nodes.
    pub fn federation(&self) -> &BTreeSet<NodeKey> {
        &self.federation
    }

    /// Whether this node acts against the rules on purpose.
    pub fn is_byzantine(&self, key: &NodeKey) -> bool {
        self.byzantine.contains(key)
    }

    /// Whether the node of this name acts against the rules on purpose.
    pub fn is_byzantine_name(&self, name: &str) -> bool {
        // A second node with the key of one has its name, and more.
        let name = name.strip_suffix("-twin").unwrap_or(name);
        self.run.iter().any(|run| run.byzantine.iter().any(|one| &**one == name))
    }

    /// What Byzantine members did on purpose to a row, each with its time.
    pub fn acts_on(&self, table: Table, key: &Arc<str>) -> &[(u64, Act)] {
        self.acts.get(&(table, Arc::clone(key))).map_or(&[], Vec::as_slice)
    }

    /// Whether anybody did anything on purpose.
    pub fn has_acts(&self) -> bool {
        !self.acts.is_empty()
    }

    /// The rows of `votes`, and how they add up.
    pub fn ballot(&self) -> &Ballot {
        &self.ballot
    }

    /// What the VALID blocks hold. Under v0.6.0 genesis is never VALID, and yet the chain begins
    /// there: see [`Reference::history_of`].
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// A transaction of the history that is built on: in a VALID block, or in genesis.
    pub fn history_of(&self, id: &TxId) -> Option<Cow<'_, Made>> {
        if let Some(made) = self.ledger.made(id) {
            return Some(Cow::Borrowed(made));
        }
        let blocks = self.geneses.iter().filter_map(|genesis| self.blocks.get(genesis));
        let mut held = blocks.filter(|_| self.rules == Rules::Original);
        held.find_map(|block| Made::in_block(&block.document, id)).map(Cow::Owned)
    }

    /// All transactions that were seen to spend an output, wherever they are.
    pub fn spenders_of(&self, output: &(TxId, i128)) -> Vec<&TxId> {
        let named = self.spenders.get(&output.0).into_iter().flatten();
        let spends = |id: &&TxId| {
            self.transactions[*id].document.inputs.iter().any(|input| self.output(input) == *output)
        };
        named.filter(spends).collect()
    }

    /// Who verifies signatures.
    pub fn signatures(&self) -> &dyn SignatureCheck {
        &*self.signatures
    }

    /// A node's name, or its key if it is no member.
    pub fn name<'a>(&'a self, key: &'a NodeKey) -> &'a str {
        let members = self.run.iter().flat_map(|run| &run.nodes);
        let member = members.into_iter().find(|member: &&Member| member.key == *key);
        member.map_or(key.as_str(), |member| &member.name)
    }

    /// A block that was seen.
    pub fn block(&self, id: &BlockId) -> Option<&BlockSeen> {
        self.blocks.get(id)
    }

    /// All blocks that were seen, by id.
    pub fn blocks(&self) -> impl Iterator<Item = (&BlockId, &BlockSeen)> {
        self.blocks.iter()
    }

    /// A transaction that was seen.
    pub fn transaction(&self, id: &TxId) -> Option<&TransactionSeen> {
        self.transactions.get(id)
    }

    /// All transactions that were seen, by id.
    pub fn transactions(&self) -> impl Iterator<Item = (&TxId, &TransactionSeen)> {
        self.transactions.iter()
    }

    /// The list of blocks, as it is known; repeats and gaps included.
    pub fn positions(&self) -> &BTreeMap<u64, BlockId> {
        &self.positions
    }

    /// When each block was first listed where it counts: after the genesis that the list begins with. A
    /// place beyond a gap that somebody left on purpose counts once the gap is filled.
    pub fn listed(&self) -> &BTreeMap<BlockId, u64> {
        &self.listed
    }

    /// How many acts against the rules there were.
    pub fn acts(&self) -> u64 {
        self.acts.values().map(|acts| acts.len() as u64).sum()
    }

    /// What clients were told, and what harmed the federation.
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// Every change of an election, in order: when, which block, what it is since.
    pub fn history(&self) -> &[(u64, BlockId, Election)] {
        &self.history
    }

    /// What is wrong with ids and signature of a block and its transactions; empty if nothing.
    pub fn forgeries(&self, block: &BlockSeen) -> Vec<String> {
        block.document.forgeries(self.rules.strictness(), &*self.signatures)
    }

    /// The blocks that hold a transaction and are decided so.
    pub fn blocks_of(&self, id: &TxId, election: Election) -> Vec<&BlockId> {
        let blocks = self.transactions.get(id).into_iter().flat_map(|seen| &seen.blocks);
        blocks.filter(|block| self.blocks[*block].election == election).collect()
    }

    /// The output that an input means, whatever it is called: a number from the end is the number
    /// from the beginning.
    pub fn output(&self, input: &Input) -> (TxId, i128) {
        let outputs = self.transactions.get(&input.txid).map(|seen| seen.document.outputs);
        let cid = match outputs {
            Some(outputs) if input.cid < 0 => input.cid + outputs as i128,
            _ => input.cid,
        };
        (input.txid.clone(), cid)
    }
}
