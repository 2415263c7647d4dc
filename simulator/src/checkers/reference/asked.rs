//! What checkers ask.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, NodeKey, SignatureCheck, TxId};
use bigchaindb_core::rules::Election;

use super::{
    Ballot, BlockSeen, Input, Ledger, Made, Reference, Rules, Surroundings, TransactionSeen,
};
use crate::observe::{Act, Member, Run, Table};

impl Reference {
    /// What is run, once the log has said so.
    pub fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// The Unix time in whole seconds at a moment of the run.
    pub fn unix_s(&self, at_us: u64) -> u64 {
        self.run.as_ref().map_or(at_us / 1_000_000, |run| run.unix_s(at_us))
    }

    /// The rules of the run.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// The rules by which a node is judged: its own, or else those of the run.
    pub fn rules_of(&self, name: &str) -> Rules {
        self.rules_of.get(name).copied().unwrap_or(self.rules_of_run)
    }

    /// Whether what a node says is to be held against what is here: votes are added up as it does.
    pub fn counts_as(&self, name: &str) -> bool {
        self.rules_of(name) == self.rules
    }

    /// Whether the node of this name is none of ours.
    pub fn is_external(&self, name: &str) -> bool {
        let mut members = self.run.iter().flat_map(|run| &run.nodes);
        members.any(|member| member.external && &*member.name == name)
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
