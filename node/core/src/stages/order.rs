//! The order stage: every block gets its place in the federation's one list of blocks.
//!
//! Here: reading the list and following it, genesis, and giving places: to this node's own blocks
//! at once, to blocks that somebody else wrote and left without a place after a while. A place is
//! claimed by insert-if-absent; on conflict the next one is tried, until the walk meets the block
//! itself. Nothing is ever skipped. Not here: what the blocks say (`vote`), the table (the store).
//!
//! Source: ARCHITECTURE.md, "The default rules", rule 3; genesis: rule 2.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::context::{Context, Notice, Stage};
use super::{Report, Ticket};
use crate::model::{Block, BlockId, uuid};
use crate::query::{Answer, Change, Feed, ListEntry, Query, StoreError};
use crate::rules::{InvalidBlock, Quirk};

#[derive(Clone, Default, Debug)]
pub(super) struct OrderStage {
    /// This start's chance, for the uuid of a genesis transaction.
    entropy: [u8; 32],
    /// The question that reads the list on from its known end.
    reading: Option<Ticket>,
    /// The list has grown since that was asked.
    grown: bool,
    /// The list was read to its end once.
    read: bool,
    genesis: Option<Genesis>,
    /// The question for blocks that have no place.
    looking: Option<Ticket>,
    /// Blocks without a place, and when this node takes care of them.
    homeless: BTreeMap<BlockId, Duration>,
    /// Blocks whose turn to get a place comes next.
    wanted: VecDeque<BlockId>,
    placing: Option<Placing>,
    /// When to ask again what the store did not answer.
    retry: Option<Duration>,
}

/// Making sure that genesis is in the list and in `bigchain`.
#[derive(Clone, Debug)]
struct Genesis {
    block: Arc<Block>,
    step: GenesisStep,
    /// The question under way.
    ticket: Option<Ticket>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum GenesisStep {
    /// No entry begins a chain: this node claims the next place.
    Claim,
    /// The chain's first place is taken: is the block there?
    Look,
    /// It is not: whoever claimed the place stopped too early.
    Write,
    Done,
}

/// The block that is being given a place.
#[derive(Clone, Debug)]
struct Placing {
    block: BlockId,
    /// A majority read has returned it; what remains is the claim.
    known: bool,
    /// The question under way.
    ticket: Option<Ticket>,
}

impl Stage for OrderStage {
    fn answered(&mut self, cx: &mut Context, ticket: Ticket, answer: Result<Answer, StoreError>) {
        if self.reading == Some(ticket) {
            self.reading = None;
            self.on_list(cx, answer);
        } else if self.looking == Some(ticket) {
            self.looking = None;
            match answer {
                Ok(answer) => self.note_homeless(cx, answer.into_block_ids()),
                Err(error) => self.retry = Some(cx.retry("reading blocks without a place", &error)),
            }
        } else if self.placing.as_ref().is_some_and(|placing| placing.ticket == Some(ticket)) {
            self.on_place(cx, answer);
        } else if self.genesis.as_ref().is_some_and(|genesis| genesis.ticket == Some(ticket)) {
            self.on_genesis(cx, answer);
        }
    }

    fn noticed(&mut self, cx: &mut Context, notice: &Notice) {
        match notice {
            Notice::Started(entropy) => self.entropy = *entropy,
            Notice::FeedOpened(Feed::Positions) => self.read_list(cx),
            Notice::FeedOpened(Feed::Blocks) => self.look(cx),
            Notice::Changed(Change::Position(entry)) if cx.has(Quirk::FeedsBelieved) => {
                self.learn(cx, entry);
            }
            // What a feed tells can be lost yet, with the store's server that told it: ask.
            Notice::Changed(Change::Position(_)) => {
                self.grown = self.reading.is_some();
                self.read_list(cx);
            }
            Notice::Changed(Change::Block(block)) | Notice::Met(block) => {
                self.note_homeless(cx, vec![block.clone()]);
            }
            Notice::Written(block) => self.want(cx, block.clone()),
            _ => {}
        }
    }

    fn tick(&mut self, cx: &mut Context) {
        let now = cx.now.monotonic;
        let orphans = self.homeless.extract_if(.., |_, adopt| *adopt <= now);
        self.wanted.extend(orphans.map(|(block, _)| block));
        if self.retry.is_some_and(|at| at <= now) {
            self.retry = None;
            self.read_list(cx);
            self.look(cx);
            if self.genesis.as_ref().is_some_and(|genesis| genesis.ticket.is_none()) {
                self.settle_genesis(cx);
            }
        }
        self.place(cx);
    }

    fn due(&self) -> Option<Duration> {
        self.homeless.values().copied().chain(self.retry).min()
    }
}

impl OrderStage {
    /// Reads the list on from where this node knows it.
    fn read_list(&mut self, cx: &mut Context) {
        if self.reading.is_none() {
            let limit = cx.config.settings.page;
            self.reading = Some(cx.ask(Query::Positions { from: cx.ledger.end(), limit }));
        }
    }

    fn on_list(&mut self, cx: &mut Context, answer: Result<Answer, StoreError>) {
        let entries = match answer {
            Ok(answer) => answer.into_positions(),
            Err(error) => return self.retry = Some(cx.retry("reading the list of blocks", &error)),
        };
        for entry in &entries {
            self.take_in(cx, entry);
        }
        if std::mem::take(&mut self.grown) || entries.len() >= cx.config.settings.page {
            self.read_list(cx);
        } else if !cx.ledger.has_genesis() {
            self.make_genesis(cx);
        } else if !self.read {
            self.read = true;
            cx.notify(Notice::ListRead);
            self.place(cx);
        }
    }

    /// Takes in an entry that the store has answered with by itself: what is before it is to be read.
    fn learn(&mut self, cx: &mut Context, entry: &ListEntry) {
        self.take_in(cx, entry);
        if cx.ledger.has_gap() {
            self.read_list(cx);
        }
    }

    /// Takes in an entry. A gap before one that was read with all others is really there, until
    /// somebody's block fills it: to read again would tell nothing.
    fn take_in(&mut self, cx: &mut Context, entry: &ListEntry) {
        let genesis = genesis_of(cx, entry);
        let learned = cx.ledger.learn(entry.position, entry.block.clone(), genesis);
        for block in &learned.listed {
            self.homeless.remove(block);
            if self.read {
                cx.report(Report::Listed { block: block.clone() });
            }
        }
        if !learned.listed.is_empty() {
            cx.notify(Notice::Listed);
        }
        let begun = learned.genesis.is_some();
        if let Some(block) = learned.genesis {
            self.genesis = Some(Genesis { block, step: GenesisStep::Look, ticket: None });
            self.settle_genesis(cx);
        }
        // An answer may be quicker than the one to this node's own claim, which then nobody waits
        // for any more: the list begins here, and what follows is to be read.
        if begun {
            self.read_list(cx);
        }
    }

    /// Nothing in the list begins a chain: its next place shall be for a genesis block of this
    /// node's.
    fn make_genesis(&mut self, cx: &mut Context) {
        let uuid = uuid(&self.entropy);
        let voters = cx.config.federation.voters();
        match Block::genesis(&cx.config.keypair, voters, cx.timestamp(), &uuid) {
            Ok(block) => {
                let (block, step) = (Arc::new(block), GenesisStep::Claim);
                if cx.has(Quirk::GenesisUnclaimed) {
                    cx.ask(Query::InsertBlock { block: block.clone() });
                }
                self.genesis = Some(Genesis { block, step, ticket: None });
                self.settle_genesis(cx);
            }
            Err(error) => cx.report(Report::Trouble(format!("no genesis block: {error}"))),
        }
    }

    /// Asks the next question about genesis.
    fn settle_genesis(&mut self, cx: &mut Context) {
        let Some(genesis) = &mut self.genesis else { return };
        let block = genesis.block.clone();
        let id = block.id().clone();
        genesis.ticket = match genesis.step {
            GenesisStep::Claim => Some(cx.ask(Query::Claim {
                entry: ListEntry { position: cx.ledger.end(), block: id, genesis: Some(block) },
            })),
            GenesisStep::Look => Some(cx.ask(Query::KnownBlocks { ids: vec![id] })),
            GenesisStep::Write => Some(cx.ask(Query::InsertBlock { block })),
            GenesisStep::Done => None,
        };
    }

    fn on_genesis(&mut self, cx: &mut Context, answer: Result<Answer, StoreError>) {
        let Some(genesis) = &mut self.genesis else { return };
        genesis.ticket = None;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.retry = Some(cx.retry("making sure of genesis", &error)),
        };
        genesis.step = match genesis.step {
            // Whoever has the place: the entry says which block to look for. If it begins no chain,
            // the next place serves.
            GenesisStep::Claim => {
                self.learn(cx, &answer.into_claimed());
                if !cx.ledger.has_genesis() {
                    self.read_list(cx);
                }
                return;
            }
            GenesisStep::Look if answer.into_block_ids().is_empty() => GenesisStep::Write,
            GenesisStep::Look | GenesisStep::Write | GenesisStep::Done => GenesisStep::Done,
        };
        self.settle_genesis(cx);
    }

    /// Asks which blocks have no place; the feed tells of those written later.
    fn look(&mut self, cx: &mut Context) {
        if self.looking.is_none() {
            let limit = cx.config.settings.page;
            self.looking = Some(cx.ask(Query::UnlistedBlocks { limit }));
        }
    }

    fn note_homeless(&mut self, cx: &mut Context, blocks: Vec<BlockId>) {
        let adopt = cx.now.monotonic + cx.config.settings.adopt;
        for block in blocks {
            if cx.ledger.position(&block).is_none() {
                self.homeless.entry(block).or_insert(adopt);
            }
        }
    }

    fn want(&mut self, cx: &mut Context, block: BlockId) {
        self.wanted.push_back(block);
        self.place(cx);
    }

    /// Does the next step of giving blocks their places, one block after the other.
    fn place(&mut self, cx: &mut Context) {
        if !self.read {
            return;
        }
        loop {
            let Some(placing) = &mut self.placing else {
                let Some(block) = self.wanted.pop_front() else { return };
                let known = cx.has(Quirk::PlacedUnread);
                self.placing = Some(Placing { block, known, ticket: None });
                continue;
            };
            if placing.ticket.is_some() || self.retry.is_some() {
                return;
            }
            if cx.ledger.position(&placing.block).is_some() {
                self.placing = None;
                continue;
            }
            let query = if placing.known {
                let (position, block) = (cx.ledger.end(), placing.block.clone());
                Query::Claim { entry: ListEntry { position, block, genesis: None } }
            } else {
                Query::KnownBlocks { ids: vec![placing.block.clone()] }
            };
            placing.ticket = Some(cx.ask(query));
        }
    }

    fn on_place(&mut self, cx: &mut Context, answer: Result<Answer, StoreError>) {
        let Some(placing) = &mut self.placing else { return };
        placing.ticket = None;
        match answer {
            Ok(Answer::Claimed(entry)) => self.learn(cx, &entry),
            Ok(answer) => {
                placing.known = !answer.into_block_ids().is_empty();
                if !placing.known {
                    // It was never written, or the write was lost: there is nothing to place.
                    cx.notify(Notice::Lost(placing.block.clone()));
                    self.placing = None;
                }
            }
            Err(error) => self.retry = Some(cx.retry("giving a block its place", &error)),
        }
        self.place(cx);
    }
}

/// The genesis block that an entry brings, if this federation can begin with it and has not begun.
pub(super) fn genesis_of(cx: &mut Context, entry: &ListEntry) -> Option<Arc<Block>> {
    let block = entry.genesis.as_ref().filter(|_| !cx.ledger.has_genesis())?;
    let named = if *block.id() == entry.block { Ok(()) } else { Err(InvalidBlock::Genesis) };
    match named.and_then(|()| cx.rules.check_genesis(block, &cx.config.federation)) {
        Ok(()) => Some(block.clone()),
        Err(reason) => {
            let place = entry.position.0;
            let refused = format!(
                "place {place} of the list begins no chain of this federation ({reason}); \
                 if it should, check the keyring"
            );
            cx.report(Report::Trouble(refused));
            None
        }
    }
}
