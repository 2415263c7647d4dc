//! Questions about waiting transactions.

use std::collections::BTreeSet;
use std::sync::Arc;

use bigchaindb_core::model::{Json, NodeKey, Transaction, TxId};
use bigchaindb_core::query::{Answer, BacklogRow, Write};

use super::super::client::Client;
use super::super::rows;
use super::super::schema::{BACKLOG, BACKLOG_BY_ASSIGNEE, BACKLOG_BY_TIMESTAMP};
use super::super::term::{Durability, ReadMode};
use super::super::together::Answers;
use super::super::{Error, Term};
use super::gather::blocks_holding;
use super::shape::is_waiting;
use super::{Inserted, Lines, can_be_key, counter, portions, refused, table};

/// How long the documents of one insert are together at most, in bytes of JSON; a longer one goes alone.
pub(super) const INSERT_BYTES_MAX: usize = 256 << 10;

/// Puts a transaction into the backlog. An attempt that may have been done is made again only if no block
/// has the transaction: its row is gone once it is decided, and would come back.
pub(super) async fn insert(
    client: &Client,
    lines: &Lines,
    transaction: &Arc<Transaction>,
    assignee: &NodeKey,
) -> Result<Answer, Error> {
    let row = BacklogRow { transaction: transaction.clone(), assignee: assignee.clone() };
    let (document, id) = (rows::waiting_document(&row), transaction.id());
    let waiting = Some((lines, id));
    super::insert_of(client, BACKLOG, id.as_str(), &document, waiting).await.map(Answer::from)
}

/// Inserts rows, each a text.
pub(super) async fn insert_all(client: Client, documents: Vec<String>) -> Answers<Inserted> {
    if let [document] = &documents[..] {
        return Ok(vec![super::insert_one(&client, BACKLOG, document).await]);
    }
    let of_one = |error: Json| match error.as_str() {
        None => Ok(Inserted::New),
        Some(message) => super::not_inserted(message),
    };
    match client.value(&insert_all_term(&documents)).await? {
        Json::Array(errors) if errors.len() == documents.len() => {
            Ok(errors.into_iter().map(of_one).collect())
        }
        _ => Err(Error::unexpected("what came of each insert")),
    }
}

/// Inserts rows; the error of each, or null.
fn insert_all_term(documents: &[String]) -> Term {
    let documents = Term::array(documents.iter().map(|text| Term::json_text(text)));
    let error = Term::function([1], |[change]| change.at("error").or(Term::null()));
    Term::table(BACKLOG, ReadMode::Single)
        .insert_telling(documents, Durability::Hard)
        .at("changes")
        .map(error)
}

/// Whether a block has a transaction, so that its row may have been here and gone.
pub(super) async fn may_be_done(client: &Client, id: &TxId) -> Result<bool, Error> {
    Ok(!blocks_holding(client, std::slice::from_ref(id)).await?.is_empty())
}

pub(super) async fn reassign(
    client: &Client,
    transaction: &TxId,
    from: &NodeKey,
    to: &NodeKey,
) -> Result<Answer, Error> {
    if !can_be_key(transaction.as_str()) {
        return Ok(Answer::Written(Write::Unchanged));
    }
    let stats = client.value(&reassign_term(transaction, from, to)).await?;
    if counter(&stats, "errors")? > 0 {
        return Err(refused(stats.get("first_error").and_then(Json::as_str).unwrap_or_default()));
    }
    written(counter(&stats, "replaced")?)
}

fn reassign_term(transaction: &TxId, from: &NodeKey, to: &NodeKey) -> Term {
    let change = Term::function([1], |[row]| {
        let theirs = row.clone().at("assignee").eq(from.as_str());
        let assigned = Term::object([("assignee", to.as_str().into())]);
        Term::branch(Term::all([is_waiting(&row), theirs]), assigned, Term::object([]))
    });
    Term::table(BACKLOG, ReadMode::Single)
        .get(transaction.as_str())
        .update(change, Durability::Hard)
}

pub(super) async fn delete(client: &Client, transactions: &[TxId]) -> Result<Answer, Error> {
    let ids: BTreeSet<_> = transactions.iter().map(TxId::as_str).collect();
    let mut deleted = 0;
    for ids in portions(ids.into_iter()) {
        let term = Term::table(BACKLOG, ReadMode::Single).get_all(ids).delete(Durability::Hard);
        let stats = match client.value(&term).await {
            Ok(stats) => stats,
            // Something was done already, so this is no plain refusal.
            Err(error) if deleted > 0 => return Err(Error::Lost(error.whole())),
            Err(error) => return Err(error),
        };
        deleted += counter(&stats, "deleted")?;
    }
    written(deleted)
}

fn written(rows: i64) -> Result<Answer, Error> {
    Ok(Answer::Written(if rows > 0 { Write::Changed } else { Write::Unchanged }))
}

pub(super) async fn oldest(
    client: &Client,
    assignee: Option<&NodeKey>,
    limit: usize,
) -> Result<Answer, Error> {
    let term = oldest_term(assignee, limit);
    Ok(Answer::Backlog(client.read_values(&term, rows::waiting).await?))
}

fn oldest_term(assignee: Option<&NodeKey>, limit: usize) -> Term {
    let ordered = match assignee {
        Some(node) => {
            let from = Term::array([node.as_str().into(), Term::minval()]);
            let to = Term::array([node.as_str().into(), Term::maxval()]);
            let theirs = table(BACKLOG).between_by(BACKLOG_BY_ASSIGNEE, from, to);
            theirs.ordered_by(BACKLOG_BY_ASSIGNEE)
        }
        None => table(BACKLOG).ordered_by(BACKLOG_BY_TIMESTAMP),
    };
    ordered.filter(Term::function([1], |[row]| is_waiting(&row))).limit(limit)
}

/// Those of these transactions that wait.
pub(super) async fn waiting(client: &Client, ids: &[TxId]) -> Result<Vec<BacklogRow>, Error> {
    let mut found = Vec::new();
    for ids in portions(ids.iter().map(TxId::as_str)) {
        found.extend(client.read_values(&table(BACKLOG).get_all(ids), rows::waiting).await?);
    }
    Ok(found)
}
