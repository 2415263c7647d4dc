//! The closed list of queries, in ReQL.
//!
//! Every read is a majority read, every write is hard: what is answered is on the disks of a
//! majority. Here: which query is answered where, inserting, and asking for many keys at once. A
//! file for each kind of row; `gather` asks for many facts at once, `pages` for long answers; `shape` tests, on the server,
//! whether a row is what its table is for.

mod backlog;
mod blocks;
mod gather;
mod list;
mod pages;
pub(super) mod shape;
mod votes;

use std::time::Duration;

use bigchaindb_core::model::{Json, TxId};
use bigchaindb_core::query::{Answer, Gathered, Needs, Query, Standing, Write};

use super::client::Client;
use super::rows::{self, is_same};
use super::term::{Durability, ReadMode};
use super::together::{Bounds, Together};
use super::{Error, Term};

/// Keys in one question: the text of a question stays below a hundred kilobytes.
const KEYS_MAX: usize = 1000;

/// How often an insert is tried whose outcome is not known. That it may have been done is no
/// danger as long as nobody takes the row away: then its own row is in the way.
const INSERT_ATTEMPTS: usize = 3;

/// The time between two of them.
const INSERT_PAUSE: Duration = Duration::from_millis(100);

/// Where questions wait for each other that clients make a node ask, each about one transaction: alone they cost a
/// server several times as much.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    inserts: Together<String, Inserted>,
    gathers: Together<Needs, Gathered>,
}

/// How long a question waits for others that are under way. Longer than an answer takes when all is well: while they
/// wait, questions gather, and the more go as one the less each costs.
const WAIT: Duration = Duration::from_millis(200);

impl Lines {
    pub(super) fn new(client: &Client) -> Self {
        let patience = client.query_timeout();
        let bounds = |weight_max| Bounds { weight_max, wait: WAIT, patience };
        let (inserting, gathering) = (client.clone(), client.clone());
        Self {
            inserts: Together::new(bounds(backlog::INSERT_BYTES_MAX), move |documents| {
                backlog::insert_all(inserting.clone(), documents)
            }),
            gathers: Together::new(bounds(gather::TOGETHER_MAX), move |needs| {
                gather::gather_all(gathering.clone(), needs)
            }),
        }
    }
}

/// Answers a query.
///
/// # Errors
/// [`Error`]; its kinds say whether a write may have been done.
pub(super) async fn answer(client: &Client, lines: &Lines, query: &Query) -> Result<Answer, Error> {
    match query {
        Query::InsertBacklog { transaction, assignee } => {
            backlog::insert(client, lines, transaction, assignee).await
        }
        Query::Reassign { transaction, from, to } => {
            backlog::reassign(client, transaction, from, to).await
        }
        Query::DeleteBacklog { transactions } => backlog::delete(client, transactions).await,
        Query::Backlog { assignee, limit } => {
            backlog::oldest(client, assignee.as_ref(), *limit).await
        }
        Query::Gather(needs) => gather::gather(client, lines, needs).await.map(Answer::Gathered),
        Query::InsertBlock { block } => blocks::insert(client, block).await,
        Query::Blocks { ids } => blocks::whole(client, ids).await.map(Answer::Blocks),
        Query::KnownBlocks { ids } => blocks::known(client, ids).await.map(Answer::BlockIds),
        Query::UnlistedBlocks { limit } => {
            list::unlisted(client, *limit).await.map(Answer::BlockIds)
        }
        Query::InsertVote { vote } => votes::insert(client, vote).await.map(Answer::VoteWritten),
        Query::Votes { blocks } => votes::on(client, blocks).await.map(Answer::Votes),
        Query::Positions { from, limit } => {
            list::from(client, *from, *limit).await.map(Answer::Positions)
        }
        Query::Claim { entry } => list::claim(client, entry).await.map(Answer::Claimed),
        Query::Heads { blocks, range } => {
            pages::heads(client, blocks, range).await.map(Answer::Heads)
        }
        Query::Transactions { transactions, range } => {
            pages::transactions(client, transactions, range).await.map(Answer::Transactions)
        }
        Query::VotesOn { voter, blocks } => {
            votes::of(client, voter, blocks).await.map(Answer::Votes)
        }
        Query::VotesBy { voter, range } => {
            pages::votes_by(client, voter, range).await.map(Answer::VotesBy)
        }
        Query::PutBack(row) => put_back(client, row).await,
    }
}

/// A table, read by majority.
fn table(name: &'static str) -> Term {
    Term::table(name, ReadMode::Majority)
}

/// Whether a text can be a primary key; the server fails a question for one that cannot. What
/// cannot be a key is not there.
fn can_be_key(text: &str) -> bool {
    text.len() <= KEY_BYTES_MAX && !text.contains('\0')
}

/// The longest primary key that is a text.
const KEY_BYTES_MAX: usize = 127;

/// The keys in portions, as terms; those that cannot be keys are left out.
fn portions<'a>(keys: impl Iterator<Item = &'a str>) -> Vec<Vec<Term>> {
    let keys: Vec<Term> = keys.filter(|key| can_be_key(key)).map(Term::from).collect();
    keys.chunks(KEYS_MAX).map(<[Term]>::to_vec).collect()
}

/// Writes a row over whatever has its key. To do that twice does no harm.
async fn put_back(client: &Client, row: &Standing) -> Result<Answer, Error> {
    let document = match row {
        Standing::Block(block) => block.document().clone(),
        Standing::Vote(vote) => rows::vote_document(vote),
        Standing::Entry(entry) => rows::entry_document(entry),
    };
    let stats = client.read_value(&put_back_term(row.table(), &document)).await?;
    for (name, write) in [("inserted", Write::Inserted), ("replaced", Write::Changed)] {
        if counter(&stats, name)? == 1 {
            return Ok(Answer::Written(write));
        }
    }
    if counter(&stats, "unchanged")? == 1 {
        return Ok(Answer::Written(Write::Unchanged));
    }
    Err(refused(stats.get("first_error").and_then(Json::as_str).unwrap_or_default()))
}

fn put_back_term(name: &'static str, document: &Json) -> Term {
    Term::table(name, ReadMode::Single).put(Term::json(document), Durability::Hard)
}

/// What an insert met.
enum Inserted {
    /// Nothing: the row is the one that was sent.
    New,
    /// A row with that key.
    Taken,
}

impl From<Inserted> for Answer {
    fn from(inserted: Inserted) -> Self {
        Answer::Written(match inserted {
            Inserted::New => Write::Inserted,
            Inserted::Taken => Write::Unchanged,
        })
    }
}

/// Inserts a document unless its key is taken, for ever. If the outcome of an attempt is not known it is
/// tried again; then a row that is the document sent is taken for ours.
async fn insert(
    client: &Client,
    name: &'static str,
    key: impl Into<Term>,
    document: &Json,
) -> Result<Inserted, Error> {
    insert_of(client, name, key, document, None).await
}

/// The same, perhaps for a row of `backlog`, which others take away when its transaction is decided: it is
/// not tried again once a block has the transaction, or it would come back. Such a row goes with others the first
/// time, and alone when it is tried again.
async fn insert_of(
    client: &Client,
    name: &'static str,
    key: impl Into<Term>,
    document: &Json,
    waiting: Option<(&Lines, &TxId)>,
) -> Result<Inserted, Error> {
    let (text, key) = (document.to_string(), key.into());
    let mut unsure = None;
    for attempt in 1.. {
        let together = match waiting {
            Some((lines, _)) if attempt == 1 => lines.inserts.ask(text.clone(), text.len()).await,
            _ => None,
        };
        let outcome = match together {
            Some(outcome) => outcome,
            None => insert_one(client, name, &text).await,
        };
        match outcome {
            Ok(Inserted::Taken) if unsure.is_some() => {
                let row = client.read_value(&table(name).get(key)).await?;
                let ours = is_same(document, &row);
                return Ok(if ours { Inserted::New } else { Inserted::Taken });
            }
            Ok(inserted) => return Ok(inserted),
            Err(error) if !error.is_indeterminate() => return Err(unsure.unwrap_or(error)),
            Err(error) if attempt == INSERT_ATTEMPTS => return Err(error),
            Err(error) => {
                tokio::time::sleep(INSERT_PAUSE).await;
                if let Some((_, id)) = waiting
                    // Whoever cannot find out does not know any more than before.
                    && backlog::may_be_done(client, id).await.unwrap_or(true)
                {
                    return Err(error);
                }
                unsure = Some(error);
            }
        }
    }
    unreachable!("the last attempt returns")
}

async fn insert_one(client: &Client, name: &'static str, text: &str) -> Result<Inserted, Error> {
    let table = Term::table(name, ReadMode::Single);
    let stats = client.value(&table.insert(Term::json_text(text), Durability::Hard)).await?;
    if counter(&stats, "inserted")? == 1 {
        return Ok(Inserted::New);
    }
    not_inserted(stats.get("first_error").and_then(Json::as_str).unwrap_or_default())
}

/// What the server says of a row that it did not insert.
fn not_inserted(message: &str) -> Result<Inserted, Error> {
    match message.starts_with("Duplicate primary key") {
        true => Ok(Inserted::Taken),
        false => Err(refused(message)),
    }
}

/// A row was not written, and the server says why.
fn refused(message: &str) -> Error {
    let kind = bigchaindb_rethinkdb::reql::ErrorKind::OpFailed;
    Error::Query { kind, message: message.to_owned() }
}

/// One of the numbers of a write's statistics. A row that failed makes the whole write fail.
fn counter(stats: &Json, name: &str) -> Result<i64, Error> {
    let number = stats.get(name).and_then(Json::as_i64);
    number.ok_or_else(|| Error::unexpected("the statistics of a write"))
}
