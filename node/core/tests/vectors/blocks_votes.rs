//! `blocks_votes.json`: making and validating blocks, votes, elections.

use std::sync::Arc;

use bigchaindb_core::model::{
    Block, Direct, Json, Keypair, NodeKey, Profile, Transaction, Vote, keccak256_hex,
};
use bigchaindb_core::query::VoteRow;
use bigchaindb_core::rules::{Election, InvalidBlock};

use crate::context::{self, Context, parsed};
use crate::outcome::{expected_error, raised};
use crate::{Case, Suite};

pub(crate) const SUITE: Suite = Suite {
    file: "blocks_votes.json",
    inputs: &[
        "node",
        "keyring",
        "timestamp",
        "uuid",
        "transactions_json",
        "context",
        "block_id",
        "previous_block_id",
        "decision",
        "block_voters",
        "voters",
        "votes_json",
        // The hash of a text that its Keccak-256, the id, pins already.
        "hashed_text_sha256",
        "block_json",
        "vote_json",
    ],
    run,
};

fn run(case: Case<'_>, profile: Profile) -> Option<Json> {
    Some(match case.kind() {
        "create_block" => create_block(case, profile),
        "genesis" => genesis(case),
        "validate_block" => validate_block(case, profile),
        "vote" => vote(case),
        "verify_vote" => verify_vote(case, profile),
        "election" => election(case, profile),
        _ => return None,
    })
}

fn create_block(case: Case<'_>, profile: Profile) -> Json {
    let (node, voters) = node_and_voters(case);
    let transactions = parsed(case, "transactions_json");
    let transactions = transactions.as_array().expect("a list").iter().cloned();
    let transactions = transactions
        .map(|one| Arc::new(Transaction::from_document(one).expect("a transaction")))
        .collect();
    match Block::create_as(profile, transactions, &node, &voters, timestamp(case)) {
        Err(error) => {
            // Python's own text differs from version to version.
            let text = (error.class() == "OperationError").then(|| error.to_string());
            expected_error(error.class(), text)
        }
        Ok(block) => made(case, &block),
    }
}

fn genesis(case: Case<'_>) -> Json {
    let (node, voters) = node_and_voters(case);
    let uuid = case.text("uuid");
    let block = Block::genesis(&node, &voters, timestamp(case), uuid).expect("a genesis block");
    assert!(block.is_genesis());
    made(case, &block)
}

fn made(case: Case<'_>, block: &Block) -> Json {
    let text = block.text().expect("a text");
    assert_eq!(keccak256_hex(text.as_bytes()), block.id().as_str());
    let again = Block::from_document(block.document().clone()).expect("a block is one");
    assert_eq!(again, *block);
    let mut fields = vec![
        ("id".into(), block.id().as_str().into()),
        ("block_json".into(), context::spelled(case, "block_json", block.document())),
    ];
    if !case.get("signature").is_null() {
        let signature = block.document().get("signature").expect("it is signed");
        fields.push(("signature".into(), signature.clone()));
    }
    Json::Object(fields.into_iter().collect())
}

fn validate_block(case: Case<'_>, profile: Profile) -> Json {
    let context = Context::of(case, profile);
    let block = Block::from_document(parsed(case, "block_json"));
    let verdict = |result: Result<(), Json>| match result {
        Ok(()) => Json::from("ok"),
        Err(error) => error,
    };
    let refused = |error: &InvalidBlock| raised(error.class(), None);
    let alone = match &block {
        Ok(block) => context.rules.check_block(block, &context.federation).map_err(|e| refused(&e)),
        Err(error) => Err(raised(error.class(), None)),
    };
    let whole = alone.clone().and_then(|()| {
        let block = block.as_ref().expect("was checked");
        let at = block.timestamp().unwrap_or_default();
        let at = if profile == Profile::Original { context.now } else { at };
        block.transactions().iter().try_for_each(|transaction| {
            context.judge(transaction, at).map_err(|error| raised(error.class(), None))
        })
    });
    let is_valid = whole.is_ok();
    Json::object([
        ("consensus_rules", verdict(alone)),
        ("validate_block", verdict(whole)),
        ("is_valid_block", is_valid.into()),
    ])
}

fn vote(case: Case<'_>) -> Json {
    let node = Keypair::from_private(node(case, "private")).expect("a key");
    let (block, previous) = (case.text("block_id").into(), case.text("previous_block_id").into());
    let valid = case.get("decision") == &Json::Bool(true);
    match Vote::create(&node, &block, &previous, valid, timestamp(case)) {
        Err(error) => expected_error(error.class(), None),
        Ok(vote) => {
            let document = vote.document();
            let inner = document.get("vote").expect("a vote");
            let signature = document.get("signature").expect("a signature").clone();
            Json::object([
                ("vote_json", context::spelled(case, "vote_json", document)),
                ("signed_text", inner.canonical().expect("a text").into()),
                ("signature", signature),
            ])
        }
    }
}

fn verify_vote(case: Case<'_>, profile: Profile) -> Json {
    let vote = Vote::from_document(parsed(case, "vote_json")).expect("a vote");
    let voters = case.get("block_voters").as_array().expect("a list");
    if !voters.iter().any(|voter| voter.as_str() == Some(vote.voter().as_str())) {
        return Json::object([("expected", false.into())]);
    }
    let answer = match profile {
        Profile::Default => Ok(vote.is_signed(profile, &Direct)),
        Profile::Original => vote.verify(profile, &Direct),
    };
    match answer {
        Ok(answer) => Json::object([("expected", answer.into())]),
        Err(error) => expected_error(error.class, None),
    }
}

fn election(case: Case<'_>, profile: Profile) -> Json {
    let block = Block::from_document(parsed(case, "block_json")).expect("a block");
    let votes = parsed(case, "votes_json");
    let rows: Vec<VoteRow> = votes
        .as_array()
        .expect("a list")
        .iter()
        .map(|document| context::vote_row(document, profile))
        .collect();
    let voters = context::voters(&block);
    match context::rules(profile).tally(block.id(), &voters, &rows) {
        Ok(tally) => Json::object([("expected", name(tally.election).into())]),
        Err(error) => expected_error(error.class(), Some(error.to_string())),
    }
}

fn name(election: Election) -> &'static str {
    match election {
        Election::Valid => "valid",
        Election::Invalid => "invalid",
        Election::Undecided => "undecided",
    }
}

fn node_and_voters(case: Case<'_>) -> (Keypair, Vec<NodeKey>) {
    let node = Keypair::from_private(node(case, "private")).expect("a key");
    let keyring = case.get("keyring").as_array().expect("a list");
    let mut voters: Vec<_> = keyring.iter().filter_map(Json::as_str).map(NodeKey::from).collect();
    voters.push(node.public().clone());
    (node, voters)
}

fn node<'a>(case: Case<'a>, half: &str) -> &'a str {
    case.get("node").get(half).and_then(Json::as_str).expect("a node has keys")
}

fn timestamp(case: Case<'_>) -> u64 {
    case.text("timestamp").parse().expect("Unix seconds")
}
