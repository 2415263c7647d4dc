//! What a Byzantine member has at hand: its key, all that stands in the store, chance, and ways to forge.

use std::sync::Arc;

use bigchaindb_core::model::{
    Block, BlockId, Json, Keypair, NodeKey, Position, Transaction, Vote, keccak256_hex, to_base58,
};
use bigchaindb_core::query::{Gathered, ListEntry, Needs, Query, VoteRow};
use bigchaindb_core::stages::Config;

use super::Done;
use super::purse::Purse;
use crate::backends::sim::store::SimStore;
use crate::backends::sim::store::raw::{RawWrite, What};
use crate::chance::{Domain, Draw, draw, draw_bytes};
use crate::observe::{Table, row_id};
use crate::plan::Act;
use crate::workload::documents;

/// What becomes of the core's question.
pub(in crate::backends::sim) enum Instead {
    /// It is asked.
    Asked,
    /// It is asked so much later.
    Late(u64),
    /// Another one is asked.
    Other(Query),
    /// It is not asked; the core will think that the answer was lost.
    Lost,
}

/// What a member has at hand while it does one act.
pub(super) struct Hand<'a> {
    pub(super) act: Act,
    pub(super) keypair: &'a Keypair,
    pub(super) config: &'a Config,
    /// Its clock.
    pub(super) unix_s: u64,
    pub(super) purse: &'a mut Purse,
    store: &'a mut SimStore,
    chance: Chance,
    done: Done,
}

/// The chance of one act on one occasion.
pub(super) struct Chance {
    seed: u64,
    /// Which act, of which member.
    number: u64,
    /// The next draw, of [`DRAWS`] per occasion.
    next: u64,
}

/// So many draws are kept apart for one act on one occasion; a block of more than a thousand transactions
/// takes the most.
const DRAWS: u64 = 1 << 20;

impl Chance {
    pub(super) fn new(seed: u64, number: u64, occasion: u64) -> Self {
        Self { seed, number, next: occasion * DRAWS }
    }
}

impl<'a> Hand<'a> {
    pub(super) fn new(
        act: Act,
        chance: Chance,
        config: &'a Config,
        unix_s: u64,
        store: &'a mut SimStore,
        purse: &'a mut Purse,
    ) -> Self {
        let (instead, acts) = (Instead::Asked, Vec::new());
        let done = Done { instead, queries: Vec::new(), writes: Vec::new(), acts };
        let keypair = &config.keypair;
        Self { act, keypair, config, unix_s, purse, store, chance, done }
    }

    pub(super) fn done(self) -> Done {
        self.done
    }

    // Chance.

    pub(super) fn draw(&mut self) -> Draw {
        let Chance { seed, number, next } = &mut self.chance;
        *next += 1;
        draw(*seed, Domain::ByzantineAct, *number, *next)
    }

    pub(super) fn bytes(&mut self) -> [u8; 32] {
        let Chance { seed, number, next } = &mut self.chance;
        *next += 1;
        draw_bytes(*seed, Domain::ByzantineAct, *number, *next)
    }

    pub(super) fn pick<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        if list.is_empty() { None } else { Some(self.draw().pick(list).clone()) }
    }

    /// An id that nothing has.
    pub(super) fn hex(&mut self) -> String {
        self.bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(super) fn uuid(&mut self) -> String {
        documents::uuid(self.bytes())
    }

    /// Somebody who is no member.
    pub(super) fn stranger(&mut self) -> Keypair {
        Keypair::from_seed(self.bytes())
    }

    // Who is who.

    pub(super) fn me(&self) -> &'a NodeKey {
        self.config.federation.me()
    }

    pub(super) fn voters(&self) -> &'a [NodeKey] {
        self.config.federation.voters()
    }

    pub(super) fn others(&self) -> &'a [NodeKey] {
        self.config.federation.others()
    }

    // What it does.

    pub(super) fn ask(&mut self, query: Query) {
        self.done.queries.push(query);
    }

    pub(super) fn write(&mut self, table: Table, what: What) {
        self.done.writes.push(RawWrite { table, what });
    }

    pub(super) fn instead(&mut self, instead: Instead) {
        self.done.instead = instead;
    }

    /// Lets it be known: which row it wrote, or did not write.
    pub(super) fn tell(&mut self, table: Table, key: impl ToString) {
        self.done.acts.push((self.act, table, key.to_string()));
    }

    /// Inserts a row as it is.
    pub(super) fn insert(&mut self, table: Table, row: Json) {
        let key = row_id(&row).unwrap_or_else(|| "?".into());
        self.tell(table, key);
        self.write(table, What::Insert(row));
    }

    pub(super) fn insert_vote(&mut self, key: Arc<str>, vote: Vote) {
        self.tell(Table::Votes, &key);
        self.ask(Query::InsertVote { vote: VoteRow { key, vote: Arc::new(vote) } });
    }

    /// Writes a block and claims the next place for it.
    pub(super) fn submit(&mut self, block: Block) {
        let id = block.id().clone();
        self.insert_block(block);
        let position = self.end_of_list();
        self.ask(Query::Claim { entry: ListEntry { position, block: id, genesis: None } });
    }

    pub(super) fn insert_block(&mut self, block: Block) {
        self.tell(Table::Bigchain, block.id());
        self.ask(Query::InsertBlock { block: Arc::new(block) });
    }

    pub(super) fn claim(&mut self, entry: ListEntry) {
        self.tell(Table::Positions, entry.position.0);
        self.ask(Query::Claim { entry });
    }

    // What it sees.

    pub(super) fn list(&mut self) -> Vec<ListEntry> {
        let all = Query::Positions { from: Position(0), limit: usize::MAX };
        self.store.peek(&all).into_positions()
    }

    /// The first free place of the list.
    pub(super) fn end_of_list(&mut self) -> Position {
        self.list().last().map_or(Position(0), |last| last.position.next())
    }

    pub(super) fn block(&mut self, id: &BlockId) -> Option<Arc<Block>> {
        let query = Query::Blocks { ids: vec![id.clone()] };
        self.store.peek(&query).into_blocks().into_iter().next()
    }

    pub(super) fn waiting(&mut self) -> Vec<Arc<Transaction>> {
        let query = Query::Backlog { assignee: None, limit: usize::MAX };
        self.store.peek(&query).into_backlog().into_iter().map(|row| row.transaction).collect()
    }

    pub(super) fn gather(&mut self, needs: Needs) -> Gathered {
        self.store.peek(&Query::Gather(needs)).into_gathered()
    }

    pub(super) fn rows(&self, table: Table) -> Vec<Arc<Json>> {
        self.store.rows_of(table).into_iter().map(|row| row.row).collect()
    }

    // Forging.

    /// A block of these, made by this member for all voters.
    pub(super) fn block_of(&self, transactions: Vec<Arc<Transaction>>) -> Option<Block> {
        Block::create(transactions, self.keypair, self.voters(), self.unix_s).ok()
    }

    /// A member's block with something changed, named and signed as it should be.
    pub(super) fn resealed(&self, block: &Block, change: impl FnOnce(&mut Json)) -> Option<Block> {
        let mut document = block.document().clone();
        change(document.get_mut("block")?);
        let changed = Block::from_document(document).ok()?;
        let text = changed.text().ok()?;
        let mut document = changed.document().clone();
        *document.get_mut("id")? = keccak256_hex(text.as_bytes()).into();
        *document.get_mut("signature")? = to_base58(&self.keypair.sign(text.as_bytes())).into();
        Block::from_document(document).ok()
    }

    /// A vote that says it is by one member, signed by this one.
    pub(super) fn vote_as(
        &mut self,
        voter: &NodeKey,
        block: &BlockId,
        valid: bool,
    ) -> Option<Vote> {
        let previous = self.some_previous(block);
        let vote = Vote::create(self.keypair, block, &previous, valid, self.unix_s).ok()?;
        let mut document = vote.document().clone();
        *document.get_mut("node_pubkey")? = voter.as_str().into();
        Vote::from_document(document).ok()
    }

    /// Some block, but for this one.
    pub(super) fn some_previous(&mut self, but: &BlockId) -> BlockId {
        let listed: Vec<_> = self.list().into_iter().map(|entry| entry.block).collect();
        let others: Vec<_> = listed.into_iter().filter(|id| id != but).collect();
        match self.pick(&others) {
            Some(id) => id,
            None => self.hex().into(),
        }
    }
}
