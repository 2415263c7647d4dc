//! Everything a judgement needs, for many transactions and outputs in a handful of questions.
//!
//! First: which blocks hold the transactions, which spend the outputs? Both by index, ids only.
//! Then the wanted parts of those blocks, each block read once, and the waiting transactions. What
//! was found in neither place may have moved from the backlog into a block meanwhile, so it is
//! looked for in blocks once more.

use std::collections::BTreeSet;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, Output, Transaction, TxId};
use bigchaindb_core::query::{Gathered, Needs, Spend};

use super::super::client::Client;
use super::super::rows;
use super::super::schema::{BIGCHAIN, BIGCHAIN_BY_SPENT_OUTPUT, BIGCHAIN_BY_TRANSACTION};
use super::super::term::{ARRAY, OBJECT, STRING};
use super::super::together::Answers;
use super::super::{Error, Term};
use super::shape::is_block;
use super::{KEYS_MAX, Lines, backlog, portions, table};

/// Transactions and outputs that several who ask want at most together; who wants so many alone does not wait for
/// others, nor do they for that.
pub(super) const TOGETHER_MAX: usize = 256;

/// Gathers for one who asks, perhaps with others.
pub(super) async fn gather(
    client: &Client,
    lines: &Lines,
    needs: &Needs,
) -> Result<Gathered, Error> {
    let weight = needs.transactions.len() + needs.outputs.len();
    if weight < TOGETHER_MAX
        && let Some(outcome) = lines.gathers.ask(needs.clone(), weight).await
    {
        return outcome;
    }
    gather_one(client, needs).await
}

/// Gathers for several at once; what each needs.
pub(super) async fn gather_all(client: Client, needs: Vec<Needs>) -> Answers<Gathered> {
    if let [needs] = &needs[..] {
        return Ok(vec![gather_one(&client, needs).await]);
    }
    let all = gather_one(&client, &all_of(&needs)).await?;
    Ok(needs.iter().map(|each| Ok(of(&all, each))).collect())
}

/// What several need together.
fn all_of(needs: &[Needs]) -> Needs {
    let transactions: BTreeSet<_> = needs.iter().flat_map(|each| &each.transactions).collect();
    let outputs: BTreeSet<_> = needs.iter().flat_map(|each| &each.outputs).collect();
    Needs {
        transactions: transactions.into_iter().cloned().collect(),
        outputs: outputs.into_iter().cloned().collect(),
    }
}

/// What somebody needs of what was found for many.
fn of(all: &Gathered, needs: &Needs) -> Gathered {
    let transactions: BTreeSet<_> = needs.transactions.iter().collect();
    let outputs: BTreeSet<_> = needs.outputs.iter().collect();
    let found = all.found.iter().filter(|(_, each)| transactions.contains(each.id()));
    let waiting = all.waiting.iter().filter(|row| transactions.contains(row.transaction.id()));
    let spends = all.spends.iter().filter(|spend| outputs.contains(&spend.output));
    Gathered {
        found: found.cloned().collect(),
        waiting: waiting.cloned().collect(),
        spends: spends.cloned().collect(),
    }
}

async fn gather_one(client: &Client, needs: &Needs) -> Result<Gathered, Error> {
    let Needs { transactions, outputs } = needs;
    let (holding, spending) =
        tokio::join!(blocks_holding(client, transactions), blocks_spending(client, outputs));
    let (mut holding, spending) = (holding?, spending?);
    holding.retain(|block| !spending.contains(block));
    // Whether a transaction spends one of many outputs takes the server longest to see: it is asked only of blocks
    // in which one does.
    let held = Needs { transactions: transactions.clone(), outputs: Vec::new() };
    let (found, spends, waiting) = tokio::join!(
        parts(client, &holding, &held),
        parts(client, &spending, needs),
        backlog::waiting(client, transactions)
    );
    let mut gathered = Gathered { waiting: waiting?, ..Gathered::default() };
    settle(&mut gathered, found?, &held);
    settle(&mut gathered, spends?, needs);
    let moved = missing(&gathered, transactions);
    let moved_to = blocks_holding(client, &moved).await?;
    let needs = Needs { transactions: moved, outputs: Vec::new() };
    let found = parts(client, &moved_to, &needs).await?;
    settle(&mut gathered, found, &needs);
    Ok(gathered)
}

/// A block and those of its transactions that may be wanted.
type Part = (BlockId, Vec<Arc<Transaction>>);

/// Notes where the transactions stand and who spends the outputs.
fn settle(gathered: &mut Gathered, parts: Vec<Part>, needs: &Needs) {
    let wanted: BTreeSet<_> = needs.transactions.iter().collect();
    let outputs: BTreeSet<_> = needs.outputs.iter().collect();
    for (block, transactions) in parts {
        for transaction in transactions {
            let spent = transaction.inputs().iter().filter(|input| outputs.contains(input));
            gathered.spends.extend(spent.map(|output| Spend {
                output: output.clone(),
                by: transaction.id().clone(),
                block: block.clone(),
            }));
            if wanted.contains(transaction.id()) {
                gathered.found.push((block.clone(), transaction));
            }
        }
    }
}

/// Those that were found nowhere.
fn missing(gathered: &Gathered, transactions: &[TxId]) -> Vec<TxId> {
    let found = gathered.found.iter().map(|(_, transaction)| transaction.id());
    let waiting = gathered.waiting.iter().map(|row| row.transaction.id());
    let found: BTreeSet<_> = found.chain(waiting).collect();
    transactions.iter().filter(|id| !found.contains(id)).cloned().collect()
}

/// The blocks that hold one of these transactions, as far as an index knows.
pub(super) async fn blocks_holding(
    client: &Client,
    ids: &[TxId],
) -> Result<BTreeSet<BlockId>, Error> {
    let mut blocks = BTreeSet::new();
    for ids in ids.chunks(KEYS_MAX) {
        let ids = ids.iter().map(|id| Term::from(id.as_str()));
        let term = ids_of(table(BIGCHAIN).get_all_by(BIGCHAIN_BY_TRANSACTION, ids));
        blocks.extend(client.read_values(&term, rows::block_id).await?);
    }
    Ok(blocks)
}

async fn blocks_spending(client: &Client, outputs: &[Output]) -> Result<BTreeSet<BlockId>, Error> {
    let mut blocks = BTreeSet::new();
    let (plain, odd): (Vec<_>, Vec<_>) = outputs.iter().partition(|each| each.oddity.is_none());
    for outputs in plain.chunks(KEYS_MAX) {
        let outputs = outputs.iter().map(|output| {
            Term::array([output.txid.as_str().into(), Json::Int(output.cid.into()).into()])
        });
        let term = ids_of(table(BIGCHAIN).get_all_by(BIGCHAIN_BY_SPENT_OUTPUT, outputs));
        blocks.extend(client.read_values(&term, rows::block_id).await?);
    }
    // An odd input may name any number, or nothing that is one. Only the original's rules let one
    // through.
    for output in odd {
        let from = Term::array([output.txid.as_str().into(), Term::minval()]);
        let to = Term::array([output.txid.as_str().into(), Term::maxval()]);
        let term = ids_of(table(BIGCHAIN).between_by(BIGCHAIN_BY_SPENT_OUTPUT, from, to));
        blocks.extend(client.read_values(&term, rows::block_id).await?);
    }
    Ok(blocks)
}

/// The ids of rows of `bigchain`. A row comes once for each of its entries in the index.
fn ids_of(rows: Term) -> Term {
    rows.map(Term::function([1], |[row]| row.at("id")))
}

async fn parts(
    client: &Client,
    blocks: &BTreeSet<BlockId>,
    needs: &Needs,
) -> Result<Vec<Part>, Error> {
    let mut parts = Vec::new();
    for blocks in portions(blocks.iter().map(BlockId::as_str)) {
        parts.extend(client.read_values(&parts_term(blocks, needs), part).await?);
    }
    Ok(parts)
}

fn part(mut row: Json) -> Option<Part> {
    let id = row.get("id")?.as_str()?.into();
    let Json::Array(found) = std::mem::replace(row.get_mut("found")?, Json::Null) else {
        return None;
    };
    let transactions = found.into_iter().filter_map(|document| {
        // The server has seen that it is one.
        Transaction::from_document(document).ok().map(Arc::new)
    });
    Some((id, transactions.collect()))
}

/// Of each of these blocks, the transactions that are wanted or spend a transaction whose output is
/// wanted.
fn parts_term(blocks: Vec<Term>, needs: &Needs) -> Term {
    let wanted = set(needs.transactions.iter().map(TxId::as_str));
    let spent = set(needs.outputs.iter().map(|output| output.txid.as_str()));
    let of_blocks = Term::function([1, 2], |[wanted, spent]| {
        let is_part = Term::function([5], |[each]| {
            let is_wanted = is_in(wanted, each.clone().at("id"));
            match (needs.transactions.is_empty(), needs.outputs.is_empty()) {
                (_, true) => is_wanted,
                (true, false) => spends(&each, spent),
                (false, false) => Term::any([is_wanted, spends(&each, spent)]),
            }
        });
        table(BIGCHAIN).get_all(blocks).filter(Term::function([3], |[row]| is_block(&row))).map(
            Term::function([4], |[row]| {
                let found = row.clone().at("block").at("transactions").filter(is_part);
                Term::object([("id", row.at("id")), ("found", found)])
            }),
        )
    });
    Term::apply(of_blocks, [wanted, spent])
}

/// Whether a transaction spends an output of one of these.
fn spends(transaction: &Term, spent: Term) -> Term {
    let fulfillments = || transaction.clone().at("transaction").at("fulfillments");
    let of_one = Term::function([6], |[fulfillment]| {
        let input = || fulfillment.clone().at("input");
        Term::all([
            fulfillment.clone().is(OBJECT),
            input().is(OBJECT),
            input().at("txid").is(STRING),
            is_in(spent, input().at("txid")),
        ])
    });
    Term::all([fulfillments().is(ARRAY), fulfillments().contains(of_one)])
}

/// Stands before every name in a set: `$reql_type$` alone would make it something else.
const NAME: &str = "=";

/// A set of texts: an object that has each for a name. In one of a thousand, a text is found ten
/// times as fast as in an array.
fn set<'a>(texts: impl Iterator<Item = &'a str>) -> Term {
    let names = texts.map(|text| (format!("{NAME}{text}").into(), Json::from(true)));
    Term::json(&Json::Object(names.collect()))
}

/// Whether a text is in a set.
fn is_in(set: Term, text: Term) -> Term {
    set.has_field(Term::from(NAME).plus(text))
}
