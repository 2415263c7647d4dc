//! A database that came back from a storage snapshot, made fit for nodes again.
//!
//! A snapshot catches tables at slightly different moments. What may be torn is taken away: the
//! backlog, what stands behind the last decided block and is not decided itself, and votes on blocks
//! that are not there. Indexes are made anew. Places in the list that are missing are found from the
//! votes, where each names the block before. What was decided stays, whatever else is wrong with it.
//!
//! [`plan`] reads and changes nothing; [`repair`] makes the indexes anew first, and only then reads the
//! plan it carries out. Each step can be done twice: if it breaks off, running it again finishes it.
//!
//! Source: BigchainDB 0.6 docs, "Combining RethinkDB Replication with Storage Snapshots".

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use bigchaindb_core::model::{BlockId, Json, Position};
use bigchaindb_core::query::ListEntry;
use bigchaindb_core::rules::{ConsensusRules, Election, Federation, Order};
use serde::Serialize;

use super::chain::{self, Briefs, Previous, Walk, in_list};
use super::tables::{Scan, delete, has_rows};
use super::{AdminError, Progress};
use crate::store::rethinkdb::schema::{self, BACKLOG, BIGCHAIN, POSITIONS, VOTES};
use crate::store::rethinkdb::term::{Durability, ReadMode};
use crate::store::rethinkdb::{Client, Term, entry_document};

/// Blocks whose votes are read at once.
const PAGE: usize = 64;

/// What there is to be repaired.
#[derive(Clone, Default, PartialEq, Debug, Serialize)]
pub struct Plan {
    /// There is a backlog to be emptied.
    pub backlog: bool,
    /// The last decided block, which stays.
    pub last: String,
    /// Blocks to be deleted.
    pub blocks: Vec<String>,
    /// Votes to be deleted, by primary key.
    pub votes: Vec<serde_json::Value>,
    /// Places to be deleted.
    pub places: Vec<u64>,
    /// Places to be filled again, each with its block.
    pub lost: Vec<(u64, String)>,
    /// Places before the last decided block whose block nobody can tell.
    pub unknown: Vec<u64>,
    #[serde(skip)]
    entries: Vec<ListEntry>,
}

impl Plan {
    /// Whether nothing is to be changed, but for the indexes.
    pub fn is_empty(&self) -> bool {
        !self.backlog
            && self.blocks.is_empty()
            && self.votes.is_empty()
            && self.places.is_empty()
            && self.lost.is_empty()
    }
}

/// Says what [`repair`] would do.
///
/// # Errors
/// If the database does not answer, or there is no genesis block of this federation.
pub async fn plan(
    client: &Client,
    rules: &dyn ConsensusRules,
    federation: &Federation,
    progress: &dyn Progress,
) -> Result<Plan, AdminError> {
    progress.begin("reading the chain", None);
    let mut plan = Plan { backlog: has_rows(client, BACKLOG).await?, ..Plan::default() };
    let briefs = chain::briefs(client, &mut Vec::new()).await?;
    progress.advance(briefs.len() as u64);
    let mut list = match rules.order() {
        Order::List => chain::list(client, &mut Vec::new()).await?,
        Order::Votes => Vec::new(),
    };
    let mut dangling = Vec::new();
    let listed: BTreeSet<_> = list.iter().map(|entry| entry.block.clone()).collect();
    let is_there = |block: &BlockId| briefs.contains_key(block) || listed.contains(block);
    let odd = |row: super::tables::Row, is_vote| {
        if is_vote {
            dangling.push(row.key);
        }
    };
    let previous = chain::previous(client, rules, federation, is_there, odd).await?;
    let walk = match rules.order() {
        Order::Votes => chain::in_votes(&previous, &briefs),
        Order::List => {
            let begins = in_list(&list, &briefs, rules, federation).linked > 0;
            if !begins && let Some(genesis) = genesis(client, &briefs, rules, federation).await? {
                plan.entries.push(genesis);
            }
            plan.entries.extend(lost(&list, &plan.entries, &briefs, &previous));
            list.extend(plan.entries.iter().cloned());
            list.sort_by_key(|entry| entry.position);
            in_list(&list, &briefs, rules, federation)
        }
    };
    if walk.linked == 0 {
        return Err(AdminError::NoGenesis);
    }
    cut(client, rules, federation, &walk, &list, &mut plan, progress).await?;
    plan.votes.extend(dangling);
    Ok(plan)
}

/// Cuts off what is not decided behind the last decided block.
async fn cut(
    client: &Client,
    rules: &dyn ConsensusRules,
    federation: &Federation,
    walk: &Walk,
    list: &[ListEntry],
    plan: &mut Plan,
    progress: &dyn Progress,
) -> Result<(), AdminError> {
    progress.begin("elections", Some(walk.steps.len() as u64));
    let mut last = 0;
    let mut undecided = Vec::new();
    for (page, steps) in walk.steps.chunks(PAGE).enumerate() {
        let ids: Vec<_> = steps.iter().map(|step| step.block.clone()).collect();
        let votes = chain::votes(client, &ids).await?;
        for (number, step) in (page * PAGE..).zip(steps) {
            let rows = votes.get(&step.block).map(Vec::as_slice).unwrap_or_default();
            let election = rules.tally(&step.block, federation, rows);
            // What cannot be added up is no reason to delete anything.
            let is_undecided = election.is_ok_and(|tally| tally.election == Election::Undecided);
            let is_decided = number == 0 || !is_undecided;
            if is_decided && number < walk.linked {
                last = number;
                undecided.clear();
            } else if !is_decided {
                let keys: Vec<serde_json::Value> =
                    rows.iter().map(|row| (*row.key).into()).collect();
                undecided.push((step, keys));
            }
        }
        progress.advance(steps.len() as u64);
    }
    let end = &walk.steps[last];
    plan.last = end.block.to_string();
    for (step, keys) in undecided {
        plan.blocks.push(step.block.to_string());
        plan.votes.extend(keys);
    }
    if let Some(end) = end.place {
        plan.entries.retain(|entry| entry.position.0 <= end);
        plan.lost =
            plan.entries.iter().map(|one| (one.position.0, one.block.to_string())).collect();
        let there: BTreeSet<_> = list.iter().map(|entry| entry.position.0).collect();
        plan.places = there.iter().copied().filter(|place| *place > end).collect();
        plan.places.retain(|place| !plan.lost.iter().any(|(lost, _)| lost == place));
        plan.unknown = (0..end).filter(|place| !there.contains(place)).collect();
    }
    Ok(())
}

/// The entry of a genesis block that nothing in the list leads to; none if there are several.
async fn genesis(
    client: &Client,
    briefs: &Briefs,
    rules: &dyn ConsensusRules,
    federation: &Federation,
) -> Result<Option<ListEntry>, AdminError> {
    let ids: Vec<_> = chain::genesis_of(briefs).collect();
    let mut blocks = chain::blocks(client, &ids).await?;
    blocks.retain(|_, block| rules.check_genesis(block, federation).is_ok());
    Ok(match blocks.len() {
        1 => blocks.pop_first().map(|(block, genesis)| ListEntry {
            position: Position(0),
            block,
            genesis: Some(genesis),
        }),
        _ => None,
    })
}

/// Entries for places that nothing has: of blocks without a place, the one that is voted on as the
/// one behind the block before.
fn lost(
    list: &[ListEntry],
    begun: &[ListEntry],
    briefs: &Briefs,
    previous: &Previous,
) -> Vec<ListEntry> {
    let mut next: BTreeMap<&BlockId, Vec<&BlockId>> = BTreeMap::new();
    let mut homes: BTreeMap<u64, BlockId> =
        list.iter().chain(begun).map(|entry| (entry.position.0, entry.block.clone())).collect();
    let listed: BTreeSet<BlockId> = homes.values().cloned().collect();
    for (block, named) in previous {
        let most = named.iter().max_by_key(|(id, count)| (**count, std::cmp::Reverse(*id)));
        if let Some((before, _)) = most
            && briefs.contains_key(block)
            && !listed.contains(block)
        {
            next.entry(before).or_default().push(block);
        }
    }
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut before: Option<BlockId> = None;
    let end = homes.last_key_value().map_or(0, |(place, _)| *place);
    let mut place = 0;
    loop {
        let known = homes.get(&place).cloned();
        let block = known.or_else(|| match next.get(before.as_ref()?).map(Vec::as_slice) {
            Some([only]) if !seen.contains(*only) => Some((*only).clone()),
            _ => None,
        });
        if let Some(block) = &block {
            if let Entry::Vacant(home) = homes.entry(place) {
                home.insert(block.clone());
                let (position, block) = (Position(place), block.clone());
                found.push(ListEntry { position, block, genesis: None });
            }
            // A block that stands in the list again is not the one before the next.
            if seen.insert(block.clone()) {
                before = Some(block.clone());
            }
        } else if place >= end {
            return found;
        } else {
            // Behind a gap nobody knows which block comes next.
            before = None;
        }
        place += 1;
    }
}

/// Makes the indexes anew, then does what a new plan says; what that was.
///
/// # Errors
/// As [`plan`]. What was done stays.
pub async fn repair(
    client: &Client,
    rules: &dyn ConsensusRules,
    federation: &Federation,
    progress: &dyn Progress,
) -> Result<Plan, AdminError> {
    progress.begin("indexes", None);
    schema::init(client, schema::PATIENCE).await?;
    schema::rebuild_indexes(client, schema::PATIENCE).await?;
    let plan = plan(client, rules, federation, progress).await?;
    progress.begin("backlog", None);
    let mut backlog = Scan::new(client, BACKLOG);
    while let Some(rows) = backlog.next().await? {
        let keys: Vec<_> = rows.into_iter().map(|row| row.key).collect();
        progress.advance(keys.len() as u64);
        delete(client, BACKLOG, &keys).await?;
    }
    progress.begin("what is not decided", None);
    delete(client, VOTES, &plan.votes).await?;
    let blocks: Vec<_> = plan.blocks.iter().map(|id| id.as_str().into()).collect();
    delete(client, BIGCHAIN, &blocks).await?;
    let places: Vec<_> = plan.places.iter().map(|place| (*place).into()).collect();
    delete(client, POSITIONS, &places).await?;
    progress.begin("places", Some(plan.entries.len() as u64));
    for entry in &plan.entries {
        let row = Term::json(&entry_document(entry));
        let insert = Term::table(POSITIONS, ReadMode::Single).insert(row, Durability::Hard);
        let stats = client.value(&insert).await?;
        if let Some(reason) = stats.get("first_error").and_then(Json::as_str) {
            let (table, id) = (POSITIONS.to_owned(), entry.position.0.to_string());
            return Err(AdminError::Refused { table, id, reason: reason.to_owned() });
        }
        progress.advance(1);
    }
    Ok(plan)
}
