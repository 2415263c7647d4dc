//! The hearsay stage: the order of blocks where there is no list, in the order this node hears of
//! them.
//!
//! It stands in for `order` in a federation with members that know no list: what this node voted on
//! comes first, as its votes tell; then what it has not voted on, by timestamp; then whatever the feed
//! brings. So its next vote names the block it voted on before, as the original's does. Here, too:
//! finding genesis, or making it where there is no block at all; of several nodes that start at once
//! one does, because they claim it in the list's first place. Not here: the list (`order`).
//!
//! Source: BigchainDB 0.6.0, `pipelines/vote.py`; docs, "The Block Model", "The Vote Model".

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::context::{Context, Notice, Stage};
use super::order::genesis_of;
use super::{Report, Ticket};
use crate::model::{Block, BlockId, Position, uuid};
use crate::query::{Answer, Change, Feed, ListEntry, Query, StoreError, VoteRow};
use crate::rules::Quirk;

/// Genesis is looked for among so many of the oldest blocks: blocks of one second come in any order.
const OLDEST: usize = 100;

#[derive(Clone, Default, Debug)]
pub(super) struct HearsayStage {
    /// This start's chance, for the uuid of a genesis transaction.
    entropy: [u8; 32],
    step: Step,
    /// What the feed brought while the chain was being read.
    heard: Vec<BlockId>,
    /// The chain was read once.
    read: bool,
    /// When to read again what could not be read.
    retry: Option<Duration>,
}

/// How far reading the chain has come.
#[derive(Clone, Default, Debug)]
enum Step {
    /// It was not begun, or did not work.
    #[default]
    Unread,
    /// The list's first place, to see whether a node like this one has begun the chain.
    Claimed(Ticket),
    /// It has; its block is being written, in case it did not get that far.
    Writing(Ticket, Arc<Block>),
    /// All blocks' ids, by age.
    Blocks(Ticket, Option<Arc<Block>>),
    /// The oldest blocks, to see which is genesis.
    Oldest(Ticket, Vec<BlockId>),
    /// There is no block: the list's first place is being claimed for a new one.
    Founding(Ticket),
    /// This node's votes on them, page by page.
    Votes(Ticket, History),
    /// All is known; the feed tells the rest.
    Following,
}

/// The chain as far as it was read.
#[derive(Clone, Debug)]
struct History {
    genesis: Arc<Block>,
    /// By age.
    blocks: Vec<BlockId>,
    /// The votes on so many of them were asked for.
    asked: usize,
    own: Vec<Own>,
}

/// A vote of this node's own.
#[derive(Clone, Debug)]
struct Own {
    timestamp: u64,
    block: BlockId,
    previous: BlockId,
}

impl Stage for HearsayStage {
    fn answered(&mut self, cx: &mut Context, ticket: Ticket, answer: Result<Answer, StoreError>) {
        let (Step::Claimed(asked)
        | Step::Writing(asked, _)
        | Step::Blocks(asked, _)
        | Step::Oldest(asked, _)
        | Step::Founding(asked)
        | Step::Votes(asked, _)) = &self.step
        else {
            return;
        };
        if *asked != ticket {
            return;
        }
        let step = std::mem::take(&mut self.step);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.retry = Some(cx.retry("reading the chain", &error)),
        };
        match step {
            Step::Claimed(_) => self.on_claimed(cx, answer.into_positions().pop()),
            Step::Writing(_, genesis) => self.read_blocks(cx, Some(genesis)),
            Step::Blocks(_, genesis) => self.on_blocks(cx, genesis, answer.into_block_ids()),
            Step::Oldest(_, blocks) => self.on_oldest(cx, blocks, &answer.into_blocks()),
            // Whoever was first.
            Step::Founding(_) => match genesis_of(cx, &answer.into_claimed()) {
                Some(genesis) => self.write(cx, genesis),
                None => self.retry = Some(cx.now.monotonic + cx.config.settings.store_retry),
            },
            Step::Votes(_, history) => self.on_votes(cx, history, &answer.into_votes()),
            Step::Unread | Step::Following => {}
        }
    }

    fn noticed(&mut self, cx: &mut Context, notice: &Notice) {
        match notice {
            Notice::Started(entropy) => self.entropy = *entropy,
            Notice::FeedOpened(Feed::Blocks) => self.read(cx),
            Notice::Changed(Change::Block(block)) if matches!(self.step, Step::Following) => {
                self.hear(cx, std::iter::once(block.clone()));
            }
            Notice::Changed(Change::Block(block)) => self.heard.push(block.clone()),
            _ => {}
        }
    }

    fn tick(&mut self, cx: &mut Context) {
        if self.retry.take_if(|at| *at <= cx.now.monotonic).is_some() {
            self.read(cx);
        }
    }

    fn due(&self) -> Option<Duration> {
        self.retry
    }
}

impl HearsayStage {
    /// Reads the chain from the beginning: at every start, and after the feed broke.
    fn read(&mut self, cx: &mut Context) {
        if cx.ledger.has_genesis() {
            return self.read_blocks(cx, None);
        }
        self.step = Step::Claimed(cx.ask(Query::Positions { from: Position(0), limit: 1 }));
    }

    fn on_claimed(&mut self, cx: &mut Context, entry: Option<ListEntry>) {
        match entry.and_then(|entry| genesis_of(cx, &entry)) {
            Some(genesis) => self.write(cx, genesis),
            None => self.read_blocks(cx, None),
        }
    }

    fn write(&mut self, cx: &mut Context, genesis: Arc<Block>) {
        let ticket = cx.ask(Query::InsertBlock { block: genesis.clone() });
        self.step = Step::Writing(ticket, genesis);
    }

    fn read_blocks(&mut self, cx: &mut Context, genesis: Option<Arc<Block>>) {
        let limit = cx.config.settings.chain;
        self.step = Step::Blocks(cx.ask(Query::UnlistedBlocks { limit }), genesis);
    }

    fn on_blocks(&mut self, cx: &mut Context, genesis: Option<Arc<Block>>, blocks: Vec<BlockId>) {
        if cx.ledger.has_genesis() {
            // The feed was broken: what is new comes behind what is known.
            return self.follow(cx, blocks);
        }
        if let Some(genesis) = genesis {
            let history = History { genesis, blocks, asked: 0, own: Vec::new() };
            return self.ask_votes(cx, history);
        }
        if blocks.is_empty() {
            return self.found(cx);
        }
        let ids = blocks.iter().take(OLDEST).cloned().collect();
        self.step = Step::Oldest(cx.ask(Query::Blocks { ids }), blocks);
    }

    /// There is no block at all: this node makes the first one.
    fn found(&mut self, cx: &mut Context) {
        let voters = cx.config.federation.voters();
        let uuid = uuid(&self.entropy);
        match Block::genesis(&cx.config.keypair, voters, cx.timestamp(), &uuid) {
            Ok(block) if cx.has(Quirk::GenesisUnclaimed) => self.write(cx, Arc::new(block)),
            Ok(block) => {
                let (position, id) = (Position(0), block.id().clone());
                let entry = ListEntry { position, block: id, genesis: Some(Arc::new(block)) };
                self.step = Step::Founding(cx.ask(Query::Claim { entry }));
            }
            Err(error) => cx.report(Report::Trouble(format!("no genesis block: {error}"))),
        }
    }

    fn on_oldest(&mut self, cx: &mut Context, blocks: Vec<BlockId>, oldest: &[Arc<Block>]) {
        let (rules, federation) = (cx.rules, &cx.config.federation);
        let begins = |id: &BlockId| {
            let block = oldest.iter().find(|block| block.id() == id)?;
            rules.check_genesis(block, federation).is_ok().then(|| block.clone())
        };
        match blocks.iter().take(OLDEST).find_map(begins) {
            Some(genesis) => {
                let history = History { genesis, blocks, asked: 0, own: Vec::new() };
                self.ask_votes(cx, history);
            }
            None => {
                let missing = "none of the oldest blocks is a genesis block of this federation; \
                               check the keyring";
                let refused = StoreError::Refused(missing.to_owned());
                self.retry = Some(cx.retry("reading the chain", &refused));
            }
        }
    }

    /// Asks for the votes on the next page of blocks; when there is none, the order is clear.
    fn ask_votes(&mut self, cx: &mut Context, mut history: History) {
        let rest = history.blocks.iter().skip(history.asked);
        let page: Vec<_> = rest.take(cx.config.settings.votes_page).cloned().collect();
        if page.is_empty() {
            let History { genesis, blocks, own, .. } = history;
            let order = in_order(genesis.id(), &own, blocks);
            list(cx, std::iter::once(genesis.id().clone()), Some(&genesis));
            self.follow(cx, order);
            return cx.notify(Notice::ListRead);
        }
        history.asked += page.len();
        self.step = Step::Votes(cx.ask(Query::Votes { blocks: page }), history);
    }

    fn on_votes(&mut self, cx: &mut Context, mut history: History, votes: &[VoteRow]) {
        let me = cx.config.federation.me();
        let mine = votes.iter().filter(|row| row.vote.voter() == me);
        history.own.extend(mine.map(|row| Own {
            timestamp: row.vote.timestamp().and_then(|text| text.parse().ok()).unwrap_or_default(),
            block: row.vote.block().clone(),
            previous: row.vote.previous().clone(),
        }));
        self.ask_votes(cx, history);
    }

    fn follow(&mut self, cx: &mut Context, blocks: Vec<BlockId>) {
        let heard = std::mem::take(&mut self.heard);
        self.hear(cx, blocks.into_iter().chain(heard));
        self.step = Step::Following;
        self.read = true;
    }

    /// Takes in blocks; of those that came after the chain was read once, it says so.
    fn hear(&mut self, cx: &mut Context, blocks: impl Iterator<Item = BlockId>) {
        for block in list(cx, blocks, None) {
            if self.read {
                cx.report(Report::Listed { block });
            }
        }
    }
}

/// Puts blocks behind those that are known, each once; those that are new.
fn list(
    cx: &mut Context,
    blocks: impl Iterator<Item = BlockId>,
    genesis: Option<&Arc<Block>>,
) -> Vec<BlockId> {
    let mut news = Vec::new();
    for block in blocks {
        if cx.ledger.position(&block).is_none() {
            let end = cx.ledger.end();
            news.extend(cx.ledger.learn(end, block, genesis.cloned()).listed);
        }
    }
    if !news.is_empty() {
        cx.notify(Notice::Listed);
    }
    news
}

/// All blocks but genesis: first those that this node voted on, in the order of its votes, then the others
/// as they are. Each vote names the one before, which is all that counts if it leads to all of them; where
/// it does not, by their times. Those alone will not do: a clock that is put right goes back.
fn in_order(genesis: &BlockId, own: &[Own], blocks: Vec<BlockId>) -> Vec<BlockId> {
    let next: BTreeMap<_, _> = own.iter().map(|vote| (&vote.previous, &vote.block)).collect();
    let (mut walked, mut at) = (BTreeMap::new(), genesis);
    while let Some(block) = next.get(at)
        && !walked.contains_key(block)
    {
        walked.insert(*block, walked.len());
        at = block;
    }
    let mut voted: Vec<_> = own.iter().collect();
    let leads_to_all = own.iter().all(|vote| walked.contains_key(&vote.block));
    let time = |vote: &Own| if leads_to_all { 0 } else { vote.timestamp };
    voted.sort_by_key(|vote| (time(vote), walked.get(&vote.block)));
    let known: BTreeSet<_> = own.iter().map(|vote| &vote.block).collect();
    let others = blocks.into_iter().filter(|block| block != genesis && !known.contains(block));
    voted.into_iter().map(|vote| vote.block.clone()).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORDERS: &str = "
        votes (second:previous>block)  | blocks  | order
                                       | g a b   | a b
        1:g>b 2:b>a                    | g a b c | b a c
        1:g>c 1:c>a 1:a>b              | g a b c | c a b
        9:g>b 2:b>a                    | g a b c | b a c
        2:a>b                          | g a b c | b a c
        9:a>b 2:b>c                    | g a b c | c b a
        1:g>a 1:a>g                    | g a     | a g
    ";

    #[test]
    fn what_was_voted_on_comes_first_as_the_votes_tell() {
        for line in ORDERS.lines().map(str::trim).filter(|line| !line.is_empty()).skip(1) {
            let columns: Vec<_> = line.split('|').map(str::trim).collect();
            let [votes, blocks, order] = columns[..] else { panic!("{line}") };
            let own = votes.split_whitespace().map(|vote| {
                let (second, link) = vote.split_once(':').unwrap();
                let (previous, block) = link.split_once('>').unwrap();
                let timestamp = second.parse().unwrap();
                Own { timestamp, block: block.into(), previous: previous.into() }
            });
            let own: Vec<_> = own.collect();
            let blocks = blocks.split_whitespace().map(BlockId::from).collect();
            let found = in_order(&"g".into(), &own, blocks);
            let found: Vec<_> = found.iter().map(BlockId::as_str).collect();
            assert_eq!(found.join(" "), order, "{line}");
        }
    }
}
