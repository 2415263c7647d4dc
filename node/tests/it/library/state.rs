//! `state.json`: what BigchainDB 0.6.0 answered about given databases, and what we answer.
//!
//! Each database is written into an embedded store (and, if `RETHINKDB_URL` is set, on that server),
//! and asked through [`Bigchain`]. Under `v0.6.0` the answer has to be the original's; under `default`
//! it has to be the same unless `default.json` lists it, and that list has to be complete and needed.
//! `VECTORS_DIR` names another directory of the same format.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb::bigchain::{Bigchain, Error};
use bigchaindb::store::Store;
use bigchaindb_core::model::{
    Block, BlockId, Json, Keypair, NodeKey, Object, Output, Transaction, Vote,
};
use bigchaindb_core::query::{Query, VoteRow};
use bigchaindb_core::rules::{self, Election};

use crate::databases::databases;
use crate::differences::{Differences, vectors};
use crate::outcome;

const FILE: &str = "state.json";

/// Exceptions whose texts are the original's own; those of Python itself are not compared.
const TOLD: [&str; 5] = [
    "CyclicBlockchainError",
    "DoubleSpend",
    "Exception",
    "ImproperVoteError",
    "MultipleVotesError",
];

#[tokio::test]
async fn every_state_reads_as_it_did() {
    let dir = vectors(concat!(env!("CARGO_MANIFEST_DIR"), "/core/vectors"));
    let file = Json::parse(&std::fs::read(dir.join(FILE)).unwrap()).unwrap();
    let mut differences = Differences::read(&dir.join(Differences::FILE));
    let mut failures = Vec::new();
    let mut ran = 0;
    for (name, context) in file.get("contexts").unwrap().as_object().unwrap().iter() {
        let cases = file.get("cases").unwrap().as_array().unwrap().iter();
        let cases: Vec<_> = cases.filter(|case| text(case, "context") == name).collect();
        for profile in ["v0.6.0", "default"] {
            for database in databases().await {
                write(&*database.store, context, profile).await;
                let library = library(database.store.clone(), context, profile);
                for case in &cases {
                    let got = Object::from_iter([("expected".into(), ask(&library, case).await)]);
                    let expected = case.get("expected").unwrap();
                    let expected = Object::from_iter([("expected".into(), alike(case, expected))]);
                    let difference = outcome::difference(&got.into(), &expected.into());
                    let name = text(case, "name");
                    let outcome = match profile {
                        "default" => differences.check(FILE, name, difference),
                        _ if difference.is_empty() => Ok(()),
                        _ => Err(format!("{} instead of {case}", Json::from(difference))),
                    };
                    let told = |why| format!("{name}, {profile}, {}: {why}", database.name);
                    failures.extend(outcome.err().map(told));
                    ran += 1;
                }
                database.finish().await;
            }
        }
    }
    failures.extend(differences.unneeded(|file| file == FILE));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(ran > 0);
}

/// Writes the tables of a context. Votes of the original stand under random keys; ours would stand
/// under keys of ours.
async fn write(store: &dyn Store, context: &Json, profile: &str) {
    let table = |name| context.get("tables").unwrap().get(name).unwrap().as_array().unwrap();
    for document in table("bigchain") {
        let block = Arc::new(Block::from_document(document.clone()).unwrap());
        store.query(Query::InsertBlock { block }).await.unwrap();
    }
    for document in table("backlog") {
        let mut document = document.as_object().unwrap().clone();
        let assignee = document.remove("assignee").unwrap().as_str().unwrap().into();
        let transaction = Arc::new(Transaction::from_document(document.into()).unwrap());
        store.query(Query::InsertBacklog { transaction, assignee }).await.unwrap();
    }
    let mut numbers: BTreeMap<_, u32> = BTreeMap::new();
    for (at, document) in table("votes").iter().enumerate() {
        let vote = Arc::new(Vote::from_document(document.clone()).unwrap());
        let number = numbers.entry((vote.block().clone(), vote.voter().clone())).or_default();
        let key = match profile {
            "default" => Vote::key(vote.block(), vote.voter(), *number),
            _ => format!("vote {at:05}").into(),
        };
        *number += 1;
        store.query(Query::InsertVote { vote: VoteRow { key, vote } }).await.unwrap();
    }
}

/// The library as the node of a context has it.
fn library(store: Arc<dyn Store>, context: &Json, profile: &str) -> Bigchain {
    let node = context.get("node").unwrap();
    let keypair = Keypair::from_private(text(node, "private")).unwrap();
    let keyring = context.get("keyring").unwrap().as_array().unwrap().iter();
    let keyring = keyring.map(|key| NodeKey::from(key.as_str().unwrap())).collect();
    let now = text(context, "now").parse().unwrap();
    let rules = rules::by_name(profile).unwrap();
    Bigchain::new(store, keypair, keyring, rules).with_clock(move || now)
}

async fn ask(library: &Bigchain, case: &Json) -> Json {
    match answer(library, case).await {
        Ok(answer) => alike(case, &answer),
        Err(error) => {
            let told = match &error {
                Error::Raised(raised) => raised.text.clone(),
                other => other.to_string(),
            };
            let told = TOLD.contains(&error.class()).then_some(told);
            alike(case, &outcome::raised(error.class(), told))
        }
    }
}

async fn answer(library: &Bigchain, case: &Json) -> Result<Json, Error> {
    let args = case.get("args").unwrap().as_array().unwrap();
    let arg = || args[0].as_str().unwrap();
    let word = |election| Json::from(rules::Status::from(election).word());
    Ok(match text(case, "kind") {
        "get_status" => {
            library.get_status(&arg().into()).await?.map_or(Json::Null, |it| it.word().into())
        }
        "get_transaction_id" => id_of(library.get_transaction(&arg().into()).await?),
        "get_blocks_status_containing_tx" => {
            let blocks = library.get_blocks_status_containing_tx(&arg().into()).await?;
            let named = |blocks: BTreeMap<BlockId, Election>| {
                let fields =
                    blocks.into_iter().map(|(id, status)| (id.as_str().into(), word(status)));
                Json::Object(fields.collect())
            };
            blocks.map_or(Json::Null, named)
        }
        "get_owned_ids" => {
            let owned = library.get_owned_ids(arg()).await?.into_iter().map(|output| {
                let txid = Json::from(output.txid.as_str());
                Json::object([("txid", txid), ("cid", output.cid.into())])
            });
            owned.collect::<Vec<_>>().into()
        }
        "get_spent_id" => id_of(library.get_spent(&Output::of_input(&args[0])).await?),
        "get_tx_by_payload_uuid_ids" => {
            let found = library.get_tx_by_payload_uuid(arg()).await?;
            found.iter().map(|one| one.id().as_str().into()).collect::<Vec<Json>>().into()
        }
        "get_unvoted_block_ids" => {
            let blocks = library.get_unvoted_blocks().await?;
            blocks.iter().map(|block| block.id().as_str().into()).collect::<Vec<Json>>().into()
        }
        "get_last_voted_block_id" => {
            let block = library.get_last_voted_block().await?;
            block.map_or(Json::Null, |block| block.id().as_str().into())
        }
        "has_previous_vote" => {
            library.has_previous_vote(&*block(library, arg()).await?).await?.into()
        }
        "block_election_status" => {
            word(library.block_election_status(&*block(library, arg()).await?).await?)
        }
        kind => panic!("kind `{kind}` is not known"),
    })
}

fn id_of(transaction: Option<Arc<Transaction>>) -> Json {
    transaction.map_or(Json::Null, |transaction| transaction.id().as_str().into())
}

async fn block(library: &Bigchain, id: &str) -> Result<Arc<Block>, Error> {
    Ok(library.get_block(&id.into()).await?.unwrap())
}

/// The same for all orders that the database does not promise: of a list of outputs or of equal
/// transactions, and of the blocks that an error names.
fn alike(case: &Json, answer: &Json) -> Json {
    match answer {
        Json::Array(items) if text(case, "kind") != "get_unvoted_block_ids" => {
            let mut items = items.clone();
            items.sort_by_key(ToString::to_string);
            items.into()
        }
        Json::Object(fields) => Json::Object(
            fields.iter().map(|(name, value)| (name.into(), alike(case, value))).collect(),
        ),
        Json::String(text) => match text.split_once(" multiple valid blocks: ") {
            Some((before, blocks)) => {
                let mut blocks: Vec<_> = blocks.trim_matches(['[', ']']).split(", ").collect();
                blocks.sort_unstable();
                format!("{before} multiple valid blocks: [{}]", blocks.join(", ")).into()
            }
            None => answer.clone(),
        },
        _ => answer.clone(),
    }
}

fn text<'a>(value: &'a Json, field: &str) -> &'a str {
    value.get(field).unwrap().as_str().unwrap()
}
