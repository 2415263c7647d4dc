//! The database of a node on a RethinkDB server: its tables and what their rows are found by.
//!
//! Here: the original's database, exactly, and beside it what is ours: the table `positions` and a
//! few indexes, so that no question costs more the longer the chain is. A node of the original
//! does not notice them. What is there already is left as it is. Not here: genesis, which the order
//! stage makes.
//!
//! Source: BigchainDB 0.6.0, `db/utils.py`, `commands/bigchain.py`.

use std::time::Duration;

use bigchaindb_core::model::Json;
use bigchaindb_rethinkdb::reql::ErrorKind;
use tokio::time::Instant;

use super::client::Client;
use super::term::{ARRAY, OBJECT, ReadMode, STRING};
use super::{Error, Term};

pub(crate) const BACKLOG: &str = "backlog";
pub(crate) const BIGCHAIN: &str = "bigchain";
pub(crate) const VOTES: &str = "votes";
pub(crate) const POSITIONS: &str = "positions";

/// There while an archive is being restored: a row with its id.
pub(crate) const RESTORING: &str = "restoring";

pub(super) const BACKLOG_BY_TIMESTAMP: &str = "transaction_timestamp";
pub(super) const BACKLOG_BY_ASSIGNEE: &str = "assignee__transaction_timestamp";
pub(super) const BIGCHAIN_BY_TIMESTAMP: &str = "block_timestamp";
pub(super) const BIGCHAIN_BY_TRANSACTION: &str = "transaction_id";
pub(super) const BIGCHAIN_BY_SPENT_OUTPUT: &str = "spends";
pub(super) const BIGCHAIN_BY_PAYLOAD: &str = "payload_uuid";
pub(super) const BIGCHAIN_BY_OWNER: &str = "owners";
pub(crate) const VOTES_BY_BLOCK_AND_VOTER: &str = "block_and_voter";
pub(super) const VOTES_BY_BLOCK: &str = "voting_for_block";
pub(super) const POSITIONS_BY_BLOCK: &str = "block";

/// The tables, in the order in which the original makes its own; the last is ours.
pub const TABLES: [&str; 4] = [BIGCHAIN, BACKLOG, VOTES, POSITIONS];

/// An index of a table.
struct Index {
    table: &'static str,
    name: &'static str,
    /// Whether a row has an entry for each element of the function's value.
    multi: bool,
    /// What it takes out of a row.
    value: fn(Term) -> Term,
}

const INDEXES: [Index; 10] = [
    // The original's.
    Index {
        table: BIGCHAIN,
        name: BIGCHAIN_BY_TIMESTAMP,
        multi: false,
        value: |row| path(row, &["block", "timestamp"]),
    },
    Index {
        table: BIGCHAIN,
        name: BIGCHAIN_BY_TRANSACTION,
        multi: true,
        value: |row| path(row, &["block", "transactions", "id"]),
    },
    Index {
        table: BIGCHAIN,
        name: BIGCHAIN_BY_PAYLOAD,
        multi: true,
        value: |row| path(row, &["block", "transactions", "transaction", "data", "uuid"]),
    },
    Index {
        table: BACKLOG,
        name: BACKLOG_BY_TIMESTAMP,
        multi: false,
        value: |row| path(row, &["transaction", "timestamp"]),
    },
    Index {
        table: BACKLOG,
        name: BACKLOG_BY_ASSIGNEE,
        multi: false,
        value: |row| {
            let timestamp = path(row.clone(), &["transaction", "timestamp"]);
            Term::array([row.at("assignee"), timestamp])
        },
    },
    Index {
        table: VOTES,
        name: VOTES_BY_BLOCK_AND_VOTER,
        multi: false,
        value: |row| {
            let block = path(row.clone(), &["vote", "voting_for_block"]);
            Term::array([block, row.at("node_pubkey")])
        },
    },
    // Ours.
    Index { table: BIGCHAIN, name: BIGCHAIN_BY_SPENT_OUTPUT, multi: true, value: spent_outputs },
    Index { table: BIGCHAIN, name: BIGCHAIN_BY_OWNER, multi: true, value: owners },
    Index {
        table: VOTES,
        name: VOTES_BY_BLOCK,
        multi: false,
        value: |row| path(row, &["vote", "voting_for_block"]),
    },
    Index {
        table: POSITIONS,
        name: POSITIONS_BY_BLOCK,
        multi: false,
        value: |row| row.at("block"),
    },
];

/// A field of a field of …
fn path(row: Term, names: &[&str]) -> Term {
    names.iter().fold(row, |value, name| value.at(*name))
}

/// `[txid, cid]` of every input of a block's transactions. Nothing in one transaction can keep the
/// others out of the index.
fn spent_outputs(row: Term) -> Term {
    of_each_transaction(row, "fulfillments", |fulfillment| {
        let input = || fulfillment.clone().at("input");
        let is_input = Term::all([
            fulfillment.clone().is(OBJECT),
            input().is(OBJECT),
            input().at("txid").is(STRING),
        ]);
        // An entry with null in it is no entry.
        let output = Term::array([input().at("txid"), input().at("cid").or(Term::null())]);
        Term::branch(is_input, Term::array([output]), Term::array([]))
    })
}

/// Every key that owns an output of a block's transactions.
fn owners(row: Term) -> Term {
    of_each_transaction(row, "conditions", |condition| {
        let owners = || condition.clone().at("owners_after");
        let has_owners = Term::all([condition.clone().is(OBJECT), owners().is(ARRAY)]);
        Term::branch(has_owners, owners(), Term::array([]))
    })
}

/// What `of_each` makes of each element of a list that each of a block's transactions has.
fn of_each_transaction(row: Term, list: &'static str, of_each: fn(Term) -> Term) -> Term {
    let block = || row.clone().at("block");
    let has_transactions = Term::all([block().is(OBJECT), block().at("transactions").is(ARRAY)]);
    let of_transaction = Term::function([2], |[transaction]| {
        let body = || transaction.clone().at("transaction");
        let has_list = Term::all([
            transaction.clone().is(OBJECT),
            body().is(OBJECT),
            body().at(list).is(ARRAY),
        ]);
        let elements = body().at(list).concat_map(Term::function([3], |[each]| of_each(each)));
        Term::branch(has_list, elements, Term::array([]))
    });
    let elements = block().at("transactions").concat_map(of_transaction);
    Term::branch(has_transactions, elements, Term::array([]))
}

/// What was missing, and has been made.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Created {
    /// The database itself.
    pub database: bool,
    /// Tables.
    pub tables: Vec<&'static str>,
    /// Indexes, each with its table.
    pub indexes: Vec<(&'static str, &'static str)>,
}

/// How long new tables and indexes may take to be ready. A server that has just started needs a few
/// seconds, an index over a long chain up to a minute.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How often an index that is being built is looked after.
const POLL: Duration = Duration::from_millis(100);

/// How long the server is asked to wait for its tables at once, in seconds: less than a query may
/// take.
const WAIT_S: u64 = 2;

/// Makes what a node needs of its database and is not there, and waits until it can be used.
///
/// # Errors
/// [`Error`]; what was made stays. [`Error::TimedOut`] if indexes are not built, or tables not
/// ready, within `patience`.
pub async fn init(client: &Client, patience: Duration) -> Result<Created, Error> {
    let deadline = Instant::now() + patience;
    let database = || Term::database(client.database());
    let mut created = Created::default();
    if !names(client, &Term::db_list()).await?.contains(client.database()) {
        created.database = make(client, &Term::db_create(client.database())).await?;
    }
    let tables = names(client, &database().table_list()).await?;
    for name in TABLES {
        if !tables.contains(name) && make(client, &database().table_create(name)).await? {
            created.tables.push(name);
        }
    }
    wait(client, deadline).await?;
    for name in TABLES {
        let indexes = names(client, &table(name).index_list()).await?;
        for index in INDEXES.iter().filter(|index| index.table == name) {
            if !indexes.contains(index.name) && make(client, &index.create()).await? {
                created.indexes.push((name, index.name));
            }
        }
    }
    wait_for_indexes(client, deadline, patience).await?;
    Ok(created)
}

/// Drops every index that a node needs, makes it anew, and waits until all can be used.
///
/// # Errors
/// As [`init`], which makes what is missing after that.
pub(crate) async fn rebuild_indexes(client: &Client, patience: Duration) -> Result<(), Error> {
    for index in &INDEXES {
        if names(client, &table(index.table).index_list()).await?.contains(index.name) {
            client.value(&table(index.table).index_drop(index.name)).await?;
        }
        make(client, &index.create()).await?;
    }
    wait_for_indexes(client, Instant::now() + patience, patience).await
}

/// Indexes that a node needs and that are not there or not ready, as `table.index`.
pub(crate) async fn unusable_indexes(client: &Client) -> Result<Vec<String>, Error> {
    let mut unusable = Vec::new();
    for index in &INDEXES {
        let status = client.read_value(&table(index.table).index_status()).await?;
        let all = status.as_array().ok_or_else(|| Error::unexpected("the state of indexes"))?;
        let is_ready = |one: &Json| {
            one.get("index").and_then(Json::as_str) == Some(index.name)
                && one.get("ready") == Some(&Json::Bool(true))
        };
        if !all.iter().any(is_ready) {
            unusable.push(format!("{}.{}", index.table, index.name));
        }
    }
    Ok(unusable)
}

async fn wait_for_indexes(
    client: &Client,
    deadline: Instant,
    patience: Duration,
) -> Result<(), Error> {
    for name in TABLES {
        while !has_all_indexes(client, name).await? {
            in_time(deadline, patience)?;
            tokio::time::sleep(POLL).await;
        }
    }
    Ok(())
}

/// The names of the database's tables; none if there is no database.
///
/// # Errors
/// [`Error`].
pub async fn tables(client: &Client) -> Result<Vec<String>, Error> {
    if !names(client, &Term::db_list()).await?.contains(client.database()) {
        return Ok(Vec::new());
    }
    let Names(tables) = names(client, &Term::database(client.database()).table_list()).await?;
    Ok(tables)
}

/// Makes a table unless it is there, and waits until it can be used.
pub(crate) async fn make_table(
    client: &Client,
    name: &str,
    patience: Duration,
) -> Result<(), Error> {
    make(client, &Term::database(client.database()).table_create(name)).await?;
    wait(client, Instant::now() + patience).await
}

/// Drops the database, with all that is in it.
///
/// # Errors
/// [`Error`], for one if there is no such database.
pub async fn drop_database(client: &Client) -> Result<(), Error> {
    client.value(&Term::db_drop(client.database())).await.map(drop)
}

/// Splits each table into so many shards; its replicas stay as many as they are. What the server
/// refuses, by table.
///
/// # Errors
/// [`Error`] if the server cannot be asked.
pub async fn set_shards(client: &Client, shards: u64) -> Result<Vec<(&'static str, Error)>, Error> {
    reconfigure(client, |now| Layout { shards, ..now }).await
}

/// Keeps each table on so many servers; its shards stay as many as they are. What the server
/// refuses, by table.
///
/// # Errors
/// [`Error`] if the server cannot be asked.
pub async fn set_replicas(
    client: &Client,
    replicas: u64,
) -> Result<Vec<(&'static str, Error)>, Error> {
    reconfigure(client, |now| Layout { replicas, ..now }).await
}

/// Keeps each table on so many servers that have the tag `original`, and so many copies that nobody asks, and that have no
/// vote, on servers with the tag `backup`. Its shards stay as many as they are. What the server refuses, by table.
///
/// # Errors
/// [`Error`] if the server cannot be asked.
///
/// Source: BigchainDB 0.6 docs, "Combining RethinkDB Replication with Storage Snapshots".
pub async fn set_backups(
    client: &Client,
    replicas: u64,
    backups: u64,
) -> Result<Vec<(&'static str, Error)>, Error> {
    reconfigure(client, |now| Layout { replicas, backups, ..now }).await
}

/// The tag of servers whose replicas vote, where there are others.
const ORIGINAL: &str = "original";

/// The tag of servers that only keep a copy.
const BACKUP: &str = "backup";

/// How a table is spread over servers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Layout {
    shards: u64,
    /// Those that vote.
    replicas: u64,
    /// Those that do not.
    backups: u64,
}

async fn reconfigure(
    client: &Client,
    change: impl Fn(Layout) -> Layout,
) -> Result<Vec<(&'static str, Error)>, Error> {
    let mut refused = Vec::new();
    for name in TABLES {
        let config = client.read_value(&table(name).config()).await?;
        let now = layout(&config).ok_or_else(|| Error::unexpected("a table's configuration"))?;
        let Layout { shards, replicas, backups } = change(now);
        // Every server has the tag `default`, one for backups too: only by other tags can they be told apart.
        let term = match (now.backups, backups) {
            (0, 0) => table(name).reconfigure(shards, replicas),
            _ => table(name).reconfigure_by_tags(shards, (ORIGINAL, replicas), (BACKUP, backups)),
        };
        match client.value(&term).await {
            Ok(_) => {}
            Err(error @ Error::Query { .. }) => refused.push((name, error)),
            Err(error) => return Err(error),
        }
    }
    Ok(refused)
}

fn layout(config: &Json) -> Option<Layout> {
    let shards = config.get("shards")?.as_array()?;
    let of = |kind| Some(shards.first()?.get(kind)?.as_array()?.len() as u64);
    let (replicas, backups) = (of("replicas")?, of("nonvoting_replicas")?);
    Some(Layout {
        shards: shards.len() as u64,
        replicas: replicas.saturating_sub(backups),
        backups,
    })
}

impl Index {
    fn create(&self) -> Term {
        let function = Term::function([1], |[row]| (self.value)(row));
        table(self.table).index_create(self.name, function, self.multi)
    }
}

fn table(name: &str) -> Term {
    Term::table(name, ReadMode::Single)
}

/// The names in a list.
async fn names(client: &Client, list: &Term) -> Result<Names, Error> {
    let list = client.read_value(list).await?;
    let names = list.as_array().ok_or_else(|| Error::unexpected("a list of names"))?;
    Ok(Names(names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()))
}

struct Names(Vec<String>);

impl Names {
    fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|each| each == name)
    }
}

/// Makes something, unless another node just did; whether it was this one.
async fn make(client: &Client, term: &Term) -> Result<bool, Error> {
    match client.value(term).await {
        Ok(_) => Ok(true),
        Err(Error::Query { kind: ErrorKind::OpFailed, message })
            if message.contains("already exists") =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Waits until the tables can be read and written.
async fn wait(client: &Client, deadline: Instant) -> Result<(), Error> {
    let wait = Term::database(client.database()).wait(WAIT_S);
    loop {
        match client.read_value(&wait).await {
            Err(Error::Query { kind: ErrorKind::OpFailed, .. }) if Instant::now() < deadline => {}
            outcome => return outcome.map(drop),
        }
    }
}

async fn has_all_indexes(client: &Client, name: &str) -> Result<bool, Error> {
    let status = client.read_value(&table(name).index_status()).await?;
    let indexes = status.as_array().ok_or_else(|| Error::unexpected("the state of indexes"))?;
    Ok(indexes.iter().all(|index| index.get("ready") == Some(&Json::Bool(true))))
}

fn in_time(deadline: Instant, patience: Duration) -> Result<(), Error> {
    if Instant::now() < deadline {
        Ok(())
    } else {
        Err(Error::TimedOut { ms: patience.as_millis() })
    }
}
