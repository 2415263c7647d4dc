//! A whole chain, judged again from its tables.
//!
//! Every block and vote is read once, in the chain's order, sixteen blocks at a time, and looked at on
//! all cores (`examine`); then the blocks are judged one after the other, each from what was decided
//! before it (`judge`, with the chain so far in `shelf`). The order is the list's; where voters have an
//! order each, it is that in which their votes name one another's blocks. Nothing is changed.
//!
//! In memory are the ids of all blocks and about fifty bytes for each transaction and input; the
//! documents of the chain so far are in a temporary file.

mod examine;
mod judge;
mod shelf;

use std::collections::BTreeSet;
use std::sync::Arc;

use bigchaindb_core::model::BlockId;
use bigchaindb_core::query::ListEntry;
use bigchaindb_core::rules::{ConsensusRules, Federation, Order};
use serde::Serialize;

use super::chain::{self, Step, Walk};
use super::tables::shown;
use super::{AdminError, Finding, Progress};
use crate::store::rethinkdb::Client;
use crate::store::rethinkdb::schema::{self, POSITIONS, RESTORING, VOTES};
use examine::examine;
use judge::Judge;

/// Blocks that are read and looked at together: some megabytes each.
const PAGE: usize = 16;

/// What a chain was found to be.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Debug)]
pub struct Verified {
    /// Blocks, genesis among them.
    pub blocks: u64,
    /// Of those, decided valid; genesis is.
    pub valid: u64,
    /// Of those, decided invalid.
    pub invalid: u64,
    /// Of those, not decided.
    pub undecided: u64,
    /// Of those, without a place in the chain.
    pub unlisted: u64,
    /// Transactions in blocks, as often as they stand there.
    pub transactions: u64,
    /// Votes on these blocks.
    pub votes: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Judges a whole chain again.
///
/// # Errors
/// If the database does not answer, or there is no room for a temporary file. What is wrong with the
/// chain is no error, but a finding.
pub async fn verify(
    client: &Client,
    rules: &Arc<dyn ConsensusRules>,
    federation: &Federation,
    progress: &dyn Progress,
) -> Result<Verified, AdminError> {
    let mut verified = Verified::default();
    let findings = &mut verified.findings;
    if schema::tables(client).await?.iter().any(|name| name == RESTORING) {
        let what = "the restore of an archive was begun and not finished";
        findings.push(Finding::new(RESTORING, "", what));
    }
    progress.begin("reading the order", None);
    let walk = order(client, &**rules, federation, findings).await?;
    progress.advance(walk.steps.len() as u64);
    if walk.linked == 0 {
        let what = "there is no genesis block of this federation; check the keyring";
        findings.push(Finding::new(POSITIONS, "", what));
    }
    progress.begin("blocks", Some(walk.steps.len() as u64));
    let mut judge = Judge::new(rules.clone(), federation.clone(), walk.linked)?;
    let mut pages = walk.steps.chunks(PAGE);
    let mut next = match pages.next() {
        Some(page) => Some(read(client, page).await?),
        None => None,
    };
    while let Some(page) = next.take() {
        let steps = page.0.len();
        let (rules, federation) = (rules.clone(), federation.clone());
        let looking = tokio::task::spawn_blocking(move || examine(page, &*rules, &federation));
        if let Some(page) = pages.next() {
            next = Some(read(client, page).await?);
        }
        let examined = looking.await.expect("looking at blocks does not panic");
        for block in examined {
            judge.judge(block, &mut verified)?;
        }
        progress.advance(steps as u64);
    }
    Ok(verified)
}

/// The blocks of a page, and all votes on them.
pub(super) type PageOf = (Vec<Step>, chain::Blocks, chain::Votes);

async fn read(client: &Client, page: &[Step]) -> Result<PageOf, AdminError> {
    let ids: Vec<BlockId> = page.iter().map(|step| step.block.clone()).collect();
    let (blocks, votes) = tokio::join!(chain::blocks(client, &ids), chain::votes(client, &ids));
    Ok((page.to_vec(), blocks?, votes?))
}

/// The order of blocks. What is wrong with it, and votes that are on none of them, are findings.
async fn order(
    client: &Client,
    rules: &dyn ConsensusRules,
    federation: &Federation,
    findings: &mut Vec<Finding>,
) -> Result<Walk, AdminError> {
    let briefs = chain::briefs(client, findings).await?;
    let list = match rules.order() {
        Order::List => chain::list(client, findings).await?,
        Order::Votes => Vec::new(),
    };
    let listed: BTreeSet<_> = list.iter().map(|entry| &entry.block).collect();
    let is_there = |block: &BlockId| briefs.contains_key(block) || listed.contains(block);
    let odd = |row: super::tables::Row, is_vote| {
        let what = if is_vote { "its block is not there" } else { "it is no vote" };
        findings.push(Finding::new(VOTES, shown(&row.key), what));
    };
    let previous = chain::previous(client, rules, federation, is_there, odd).await?;
    Ok(match rules.order() {
        Order::Votes => chain::in_votes(&previous, &briefs),
        Order::List => {
            let walk = chain::in_list(&list, &briefs, rules, federation);
            check_list(&list, &walk, findings);
            walk
        }
    })
}

/// Every place has a block, from 0 on, and the first one begins the chain.
fn check_list(list: &[ListEntry], walk: &Walk, findings: &mut Vec<Finding>) {
    let begins = walk.steps.first().and_then(|step| step.place);
    let mut expected = 0;
    for entry in list {
        let place = entry.position.0;
        let mut find = |at: u64, what: String| {
            findings.push(Finding::new(POSITIONS, at.to_string(), what).at(Some(at)));
        };
        match place.checked_sub(expected) {
            Some(1) => find(expected, "nothing has this place".to_owned()),
            Some(missing @ 2..) => {
                let what = format!("nothing has the {missing} places from this one on");
                find(expected, what);
            }
            _ => {}
        }
        if begins.is_none_or(|begins| place < begins) {
            find(place, format!("block {} stands before genesis", entry.block));
        }
        expected = place.saturating_add(1);
    }
}
