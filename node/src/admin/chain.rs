//! A chain as its tables tell it: which blocks there are, in which order, who voted what.
//!
//! Not here: whether any of it is right (`verify`), what to do about it (`repair`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::{Block, BlockId, Direct, Json, Profile, Vote};
use bigchaindb_core::query::{ListEntry, VoteRow};
use bigchaindb_core::rules::{ConsensusRules, Federation, Order};
use bigchaindb_rethinkdb::{Row as StoredRow, Shape, list_entry};
use rayon::prelude::*;
use serde::Deserialize;
use tokio::task::JoinSet;

use super::tables::{Row, Scan, rows_of, shown};
use super::{AdminError, Finding};
use crate::store::rethinkdb::schema::{BIGCHAIN, POSITIONS, VOTES, VOTES_BY_BLOCK_AND_VOTER};
use crate::store::rethinkdb::term::ReadMode;
use crate::store::rethinkdb::{Client, Error, Term, is_block};

/// What is known of a block without reading it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brief {
    /// Unix seconds; 0 if it says nothing like that.
    timestamp: u64,
    /// Its first transaction is a GENESIS.
    is_genesis: bool,
}

/// All blocks, briefly.
pub(super) type Briefs = BTreeMap<BlockId, Brief>;

#[derive(Deserialize)]
struct BriefRow {
    is_block: bool,
    timestamp: Option<serde_json::Value>,
    operation: Option<serde_json::Value>,
}

/// Reads which blocks there are. Rows that are none are findings.
pub(super) async fn briefs(
    client: &Client,
    findings: &mut Vec<Finding>,
) -> Result<Briefs, AdminError> {
    let brief = Term::function([1], |[row]| {
        let block = || row.clone().at("block");
        let first = block().at("transactions").at(0);
        let or_null = |of: Term| Term::branch(is_block(&row), of.or(Term::null()), Term::null());
        Term::object([
            ("id", row.clone().at("id")),
            ("is_block", is_block(&row)),
            ("timestamp", or_null(block().at("timestamp"))),
            ("operation", or_null(first.at("transaction").at("operation"))),
        ])
    });
    let (mut scan, mut briefs) = (Scan::mapped(client, BIGCHAIN, brief), Briefs::new());
    while let Some(rows) = scan.next().await? {
        for row in rows {
            let unreadable = || AdminError::Unreadable { table: BIGCHAIN.to_owned() };
            let told: BriefRow = serde_json::from_str(&row.text).map_err(|_| unreadable())?;
            let id = shown(&row.key);
            if !told.is_block {
                findings.push(Finding::new(BIGCHAIN, id, "it is no block"));
                continue;
            }
            let timestamp = told.timestamp.as_ref().and_then(|text| text.as_str()?.parse().ok());
            let operation = told.operation.as_ref().and_then(serde_json::Value::as_str);
            let is_genesis = operation == Some("GENESIS");
            let timestamp = timestamp.unwrap_or_default();
            briefs.insert(id.into(), Brief { timestamp, is_genesis });
        }
    }
    Ok(briefs)
}

/// Reads the list of blocks, ascending. Rows that are no places are findings.
pub(super) async fn list(
    client: &Client,
    findings: &mut Vec<Finding>,
) -> Result<Vec<ListEntry>, AdminError> {
    let (mut scan, mut list) = (Scan::new(client, POSITIONS), Vec::new());
    while let Some(rows) = scan.next().await? {
        for row in rows {
            match Json::parse(row.text.as_bytes()).ok().and_then(entry) {
                Some(entry) => list.push(entry),
                None => {
                    let what = "it is no place: a place is a whole number from 0 on";
                    findings.push(Finding::new(POSITIONS, shown(&row.key), what));
                }
            }
        }
    }
    list.sort_by_key(|entry| entry.position);
    Ok(list)
}

fn entry(document: Json) -> Option<ListEntry> {
    list_entry(&StoredRow::new(Shape::Plain, document))
}

/// A block in its order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Step {
    /// Its place in the list, if it has one.
    pub(super) place: Option<u64>,
    pub(super) block: BlockId,
}

/// All blocks in order: the chain, then those that stand nowhere in it.
#[derive(Clone, Default, Debug)]
pub(super) struct Walk {
    /// Genesis first; empty if there is none.
    pub(super) steps: Vec<Step>,
    /// So many of them are linked to genesis.
    pub(super) linked: usize,
}

/// The order that a list gives. A block that stands in it twice counts at its first place; what
/// stands before genesis is nobody's.
pub(super) fn in_list(
    list: &[ListEntry],
    briefs: &Briefs,
    rules: &dyn ConsensusRules,
    federation: &Federation,
) -> Walk {
    let begins = |entry: &&ListEntry| {
        let genesis = entry.genesis.as_ref().filter(|block| *block.id() == entry.block);
        genesis.is_some_and(|block| rules.check_genesis(block, federation).is_ok())
    };
    let genesis = list.iter().find(begins).map(|entry| entry.position);
    let (mut steps, mut known) = (Vec::new(), BTreeSet::new());
    for entry in list.iter().filter(|entry| genesis.is_some_and(|from| entry.position >= from)) {
        if known.insert(&entry.block) {
            steps.push(Step { place: Some(entry.position.0), block: entry.block.clone() });
        }
    }
    let linked = steps.len();
    steps.extend(others(briefs, |block| known.contains(block)));
    Walk { steps, linked }
}

/// The blocks that may be genesis, the oldest first.
pub(super) fn genesis_of(briefs: &Briefs) -> impl Iterator<Item = BlockId> {
    let mut all: Vec<_> = briefs.iter().filter(|(_, brief)| brief.is_genesis).collect();
    all.sort_by_key(|(id, brief)| (brief.timestamp, *id));
    all.into_iter().map(|(id, _)| id.clone())
}

/// The order that votes tell: each names the block that its voter voted on before.
pub(super) fn in_votes(previous: &Previous, briefs: &Briefs) -> Walk {
    let mut next: BTreeMap<&BlockId, BTreeSet<(u64, &BlockId)>> = BTreeMap::new();
    for (block, named) in previous {
        // That which most name, of several the first.
        let most = named.iter().max_by_key(|(id, count)| (**count, std::cmp::Reverse(*id)));
        if let (Some((before, _)), Some(brief)) = (most, briefs.get(block)) {
            next.entry(before).or_default().insert((brief.timestamp, block));
        }
    }
    let genesis = genesis_of(briefs).next();
    let (mut steps, mut known) = (Vec::new(), BTreeSet::new());
    let mut open: BTreeSet<(u64, &BlockId)> = genesis.iter().map(|id| (0, id)).collect();
    while let Some((_, block)) = open.pop_first() {
        if known.insert(block) {
            steps.push(Step { place: None, block: block.clone() });
            open.extend(next.get(block).into_iter().flatten());
        }
    }
    let linked = steps.len();
    steps.extend(others(briefs, |block| known.contains(block)));
    Walk { steps, linked }
}

/// Blocks that are not known, oldest first.
fn others(briefs: &Briefs, is_known: impl Fn(&BlockId) -> bool) -> Vec<Step> {
    let mut others: Vec<_> = briefs.iter().filter(|(block, _)| !is_known(block)).collect();
    others.sort_by_key(|(id, brief)| (brief.timestamp, *id));
    others.into_iter().map(|(block, _)| Step { place: None, block: block.clone() }).collect()
}

/// Which blocks are named as the one before a block, and by how many members' votes.
pub(super) type Previous = BTreeMap<BlockId, BTreeMap<BlockId, u64>>;

/// Reads all votes; which block members name before which. Rows that are no votes, and votes on
/// blocks that are not there, are told to `odd`: each with whether it is a vote.
pub(super) async fn previous(
    client: &Client,
    rules: &dyn ConsensusRules,
    federation: &Federation,
    is_there: impl Fn(&BlockId) -> bool,
    mut odd: impl FnMut(Row, bool),
) -> Result<Previous, AdminError> {
    let profile = profile(rules);
    let read = |row: Row| {
        let document = Json::parse(row.text.as_bytes()).ok();
        let vote = document.and_then(|document| Vote::from_document(document).ok());
        let counts = vote.as_ref().is_some_and(|vote| {
            federation.contains(vote.voter()) && vote.is_signed(profile, &Direct)
        });
        (row, vote, counts)
    };
    let (mut scan, mut previous) = (Scan::new(client, VOTES), Previous::new());
    while let Some(rows) = scan.next().await? {
        let votes: Vec<_> = rows.into_par_iter().map(read).collect();
        for (row, vote, counts) in votes {
            match vote {
                None => odd(row, false),
                Some(vote) if !is_there(vote.block()) => odd(row, true),
                Some(vote) if counts => {
                    let named = previous.entry(vote.block().clone()).or_default();
                    *named.entry(vote.previous().clone()).or_default() += 1;
                }
                Some(_) => {}
            }
        }
    }
    Ok(previous)
}

/// How votes are signed under these rules.
pub(super) fn profile(rules: &dyn ConsensusRules) -> Profile {
    match rules.order() {
        Order::List => Profile::Default,
        Order::Votes => Profile::Original,
    }
}

/// Blocks by id.
pub(super) type Blocks = BTreeMap<BlockId, Arc<Block>>;

/// Votes by the block that they are on.
pub(super) type Votes = BTreeMap<BlockId, Vec<VoteRow>>;

/// These blocks, those that are there.
pub(super) async fn blocks(client: &Client, ids: &[BlockId]) -> Result<Blocks, AdminError> {
    let keys: Vec<_> = ids.iter().map(|id| id.as_str().into()).collect();
    let rows = rows_of(client, BIGCHAIN, &keys).await?;
    let read = |row: &Row| {
        let block = Block::from_document(Json::parse(row.text.as_bytes()).ok()?).ok()?;
        Some((block.id().clone(), Arc::new(block)))
    };
    Ok(rows.par_iter().filter_map(read).collect())
}

/// All votes on these blocks. The original's index finds them, so that a chain of the original can
/// be looked at without changing anything.
pub(super) async fn votes(client: &Client, ids: &[BlockId]) -> Result<Votes, AdminError> {
    let mut reads = JoinSet::new();
    for id in ids {
        let (client, id) = (client.clone(), id.clone());
        reads.spawn(async move {
            let name = || Term::from(id.as_str());
            let (from, to) = ([name(), Term::minval()], [name(), Term::maxval()]);
            let votes = Term::table(VOTES, ReadMode::Majority).between_by(
                VOTES_BY_BLOCK_AND_VOTER,
                Term::array(from),
                Term::array(to),
            );
            let rows = client.read_values(&votes, vote_row).await?;
            Ok::<_, Error>((id, rows))
        });
    }
    let mut votes = BTreeMap::new();
    while let Some(read) = reads.join_next().await {
        let (id, rows) = read.expect("a read does not panic")?;
        votes.insert(id, rows);
    }
    Ok(votes)
}

fn vote_row(document: Json) -> Option<VoteRow> {
    let key = document.get("id")?.as_str()?.into();
    let vote = Arc::new(Vote::from_document(document).ok()?);
    Some(VoteRow { key, vote })
}
