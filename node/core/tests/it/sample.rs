//! A small federation and what it signs, for the tests of the rules.

use std::sync::Arc;

use bigchaindb_core::model::{
    Block, BlockId, Draft, Json, Keypair, NodeKey, Output, Profile, Transaction, TxId, Vote,
};
use bigchaindb_core::query::VoteRow;
use bigchaindb_core::rules::{
    self, Case, ConsensusRules, Election, Facts, Federation, InvalidTransaction, Placed, Spent,
};

/// When everything here happens, in Unix seconds.
pub(crate) const NOW: u64 = 1_472_731_200;

/// The rules of a profile.
pub(crate) fn rules(profile: Profile) -> Arc<dyn ConsensusRules> {
    rules::by_name(profile.name()).unwrap()
}

/// The keys of a member, from 0 on; of a user, from 100 on.
pub(crate) fn keypair(number: u8) -> Keypair {
    Keypair::from_seed([number; 32])
}

/// The first members, as the first of them sees them.
pub(crate) fn federation(members: u8) -> Federation {
    let keyring = (1..members).map(|number| keypair(number).public().clone()).collect();
    Federation::new(keypair(0).public().clone(), keyring)
}

pub(crate) fn owner(number: u8) -> String {
    keypair(number).public().to_string()
}

/// A signed CREATE of the first member's, to a user.
pub(crate) fn create(uuid: &str, payload: Json) -> Arc<Transaction> {
    let node = keypair(0);
    let draft = Draft { payload, ..Draft::create(node.public(), vec![owner(100)], uuid, NOW) };
    let unsigned = draft.transaction().unwrap();
    Arc::new(unsigned.sign(&[&node], Profile::Default, &|_| None).unwrap())
}

/// What a TRANSFER from the first user to the second says, of the first outputs of these.
pub(crate) fn transfer_draft(previous: &[Arc<Transaction>], uuid: &str) -> Draft {
    let inputs = previous.iter().map(|transaction| first_output(transaction)).collect();
    Draft::transfer(vec![owner(100)], vec![owner(101)], inputs, uuid, NOW)
}

/// The same, signed.
pub(crate) fn transfer(previous: &[Arc<Transaction>], uuid: &str) -> Arc<Transaction> {
    sign(&transfer_draft(previous, uuid).transaction().unwrap(), previous)
}

/// Signs as the first user.
pub(crate) fn sign(unsigned: &Transaction, previous: &[Arc<Transaction>]) -> Arc<Transaction> {
    let find = |id: &TxId| previous.iter().find(|one| one.id() == id).cloned();
    Arc::new(unsigned.sign(&[&keypair(100)], Profile::Default, &find).unwrap())
}

pub(crate) fn first_output(transaction: &Transaction) -> Output {
    Output { txid: transaction.id().clone(), cid: 0, oddity: None }
}

/// A block that is only named.
pub(crate) fn named_block(name: &str) -> BlockId {
    BlockId::from(name)
}

/// Facts in which these transactions stand in a block decided so.
pub(crate) fn place(facts: &mut Facts, transaction: &Arc<Transaction>, election: Election) {
    let block = named_block(&format!("block of {}", transaction.id()));
    let placed = Placed { transaction: transaction.clone(), block: block.clone(), election };
    facts.found.entry(transaction.id().clone()).or_default().push(placed);
    for input in transaction.inputs() {
        let by = transaction.id().clone();
        let spent = Spent { by, block: block.clone(), election };
        facts.spends.entry(input.clone()).or_default().push(spent);
    }
}

/// Looks at a transaction and judges it, in a federation of four.
pub(crate) fn verdict(
    profile: Profile,
    transaction: &Transaction,
    facts: &Facts,
    at: u64,
) -> Result<(), InvalidTransaction> {
    let rules = rules(profile);
    let checked = rules.check(transaction);
    rules.judge(Case { transaction, checked: &checked, facts, at, federation: &federation(4) })
}

/// A block of the first of four members.
pub(crate) fn block(transactions: Vec<Arc<Transaction>>) -> Block {
    Block::create(transactions, &keypair(0), federation(4).voters(), NOW).unwrap()
}

/// A member's vote, in the row where it belongs.
pub(crate) fn vote_row(
    block: &BlockId,
    member: u8,
    previous: &BlockId,
    valid: bool,
    number: u32,
) -> VoteRow {
    let node = keypair(member);
    let vote = Vote::create(&node, block, previous, valid, NOW).unwrap();
    let voter: &NodeKey = node.public();
    VoteRow { key: Vote::key(block, voter, number), vote: Arc::new(vote) }
}

/// The rows of a table in a string: cells between `|`, a comment behind `#`; the first row is its
/// head.
pub(crate) fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = table.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let lines = lines.filter(|line| !line.is_empty()).skip(1);
    lines.map(|line| line.split('|').map(str::trim).collect())
}
