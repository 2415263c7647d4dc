//! Pages of blocks, transactions and votes.
//!
//! First the keys of the rows that are looked at, then those rows: so a row that is not what its
//! table is for uses up its place in the page, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, NodeKey, Transaction};
use bigchaindb_core::query::{BlockHead, BlocksOf, Page, Range, TransactionsOf, VoteRow};

use super::super::client::Client;
use super::super::rows;
use super::super::schema::{BIGCHAIN, BIGCHAIN_BY_OWNER, BIGCHAIN_BY_PAYLOAD, VOTES};
use super::super::{Error, Term};
use super::shape::is_block;
use super::{portions, table};

pub(super) async fn heads(
    client: &Client,
    blocks: &BlocksOf,
    range: &Range,
) -> Result<Page<BlockHead>, Error> {
    let keys = match blocks {
        BlocksOf::All => rows_of(client, BIGCHAIN, range).await?,
        BlocksOf::Ids(ids) => part(ids.iter().map(ToString::to_string).collect(), range),
        BlocksOf::Index(index, value) => indexed(client, index.name(), value, range).await?,
    };
    let mut found = Vec::new();
    for ids in portions(keys.found.iter().map(String::as_str)) {
        found.extend(client.read_values(&heads_term(ids), head).await?);
    }
    found.sort_by(|one: &BlockHead, other| one.id.cmp(&other.id));
    Ok(Page { found, next: keys.next })
}

pub(super) async fn transactions(
    client: &Client,
    wanted: &TransactionsOf,
    range: &Range,
) -> Result<Page<(BlockId, Arc<Transaction>)>, Error> {
    let keys = match wanted {
        TransactionsOf::PayloadUuid(uuid) => {
            indexed(client, BIGCHAIN_BY_PAYLOAD, uuid, range).await?
        }
        TransactionsOf::Owner(owner) => indexed(client, BIGCHAIN_BY_OWNER, owner, range).await?,
    };
    let mut blocks = Vec::new();
    for ids in portions(keys.found.iter().map(String::as_str)) {
        blocks.extend(client.read_values(&table(BIGCHAIN).get_all(ids), rows::block).await?);
    }
    blocks.sort_by(|one, other| one.id().cmp(other.id()));
    let of_block = blocks.iter().flat_map(|block| {
        let found = block.transactions().iter().filter(|one| wanted.has(one));
        found.map(|one| (block.id().clone(), one.clone()))
    });
    Ok(Page { found: of_block.collect(), next: keys.next })
}

pub(super) async fn votes_by(
    client: &Client,
    voter: &NodeKey,
    range: &Range,
) -> Result<Page<VoteRow>, Error> {
    let keys = rows_of(client, VOTES, range).await?;
    let mut found: Vec<VoteRow> = Vec::new();
    for keys in portions(keys.found.iter().map(String::as_str)) {
        found.extend(client.read_values(&votes_term(keys, voter), rows::vote).await?);
    }
    found.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(Page { found, next: keys.next })
}

/// The primary keys of a table that are texts.
async fn rows_of(
    client: &Client,
    name: &'static str,
    range: &Range,
) -> Result<Page<String>, Error> {
    let from = range.after.as_deref();
    let rows = match from {
        None => table(name).between("", Term::maxval()),
        Some(after) => table(name).behind(after),
    };
    let term = ids_of(rows.ordered_by("id").limit(range.rows()));
    Ok(page(client.read_values(&term, text).await?, range))
}

/// The ids of blocks that an index has under a value.
async fn indexed(
    client: &Client,
    index: &'static str,
    value: &str,
    range: &Range,
) -> Result<Page<String>, Error> {
    let term = ids_of(table(BIGCHAIN).get_all_by(index, [value.into()]));
    Ok(part(client.read_values(&term, text).await?.into_iter().collect(), range))
}

/// The page of these ids.
fn part(ids: BTreeSet<String>, range: &Range) -> Page<String> {
    let after = range.after.as_deref();
    let behind = ids.into_iter().filter(|id| after.is_none_or(|after| &**id > after));
    page(behind.take(range.rows()).collect(), range)
}

/// A page of these rows, which are all there are unless they are as many as may be looked at.
fn page(found: Vec<String>, range: &Range) -> Page<String> {
    let is_full = found.len() == range.rows();
    let next = found.last().filter(|_| is_full).map(|last| last.as_str().into());
    Page { found, next }
}

fn ids_of(rows: Term) -> Term {
    rows.map(Term::function([1], |[row]| row.at("id")))
}

fn text(id: Json) -> Option<String> {
    id.as_str().map(str::to_owned)
}

fn heads_term(ids: Vec<Term>) -> Term {
    table(BIGCHAIN).get_all(ids).filter(Term::function([1], |[row]| is_block(&row))).map(
        Term::function([2], |[row]| {
            let block = || row.clone().at("block");
            let first = block().at("transactions").at(0_u64).at("transaction").at("operation");
            Term::object([
                ("id", row.clone().at("id")),
                ("voters", block().at("voters")),
                ("timestamp", block().at("timestamp").or(Term::null())),
                ("genesis", first.eq("GENESIS").or(Term::from(false))),
            ])
        }),
    )
}

fn head(row: Json) -> Option<BlockHead> {
    let voters = row.get("voters")?.as_array()?.iter();
    Some(BlockHead {
        id: row.get("id")?.as_str()?.into(),
        voters: voters.filter_map(Json::as_str).map(NodeKey::from).collect(),
        timestamp: row.get("timestamp").and_then(Json::as_str).map(Arc::from),
        is_genesis: row.get("genesis") == Some(&Json::from(true)),
    })
}

fn votes_term(keys: Vec<Term>, voter: &NodeKey) -> Term {
    let theirs =
        Term::function([1], |[row]| row.at("node_pubkey").or(Term::null()).eq(voter.as_str()));
    table(VOTES).get_all(keys).filter(theirs)
}
