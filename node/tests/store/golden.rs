//! Every query's exact text, and what is made of the server's answers.

use bigchaindb::store::Store;
use bigchaindb_core::query::StoreError;

use crate::language::{query, words};
use crate::peer::store;

/// A query in words; then, in turns, what is sent and what comes back; then the answer in words.
const CONVERSATIONS: &str = include_str!("golden.txt");

#[tokio::test]
async fn queries_and_answers() {
    let conversations = CONVERSATIONS.split("\n\n").filter(|one| !one.starts_with('#'));
    let mut failed = Vec::new();
    for conversation in conversations.map(str::trim).filter(|one| !one.is_empty()) {
        let happened = Box::pin(converse(conversation)).await;
        if happened != conversation {
            failed.push(happened);
        }
    }
    assert!(failed.is_empty(), "this happened instead:\n\n{}", failed.join("\n\n"));
}

/// Has the conversation, with the answers that are written there; what happened.
async fn converse(conversation: &str) -> String {
    let (store, mut listener) = store();
    let asked = conversation.lines().next().unwrap();
    let mut answers = conversation.lines().filter_map(|line| line.strip_prefix("< "));
    let mut happened = vec![asked.to_owned()];
    let answering = async {
        let mut peer = listener.peer().await;
        loop {
            let (token, text) = peer.request().await;
            happened.push(format!("> {text}"));
            if text == "[3]" {
                continue;
            }
            let answer = answers.next().unwrap_or(r#"{"t":16,"r":["Nobody knows."],"b":[]}"#);
            happened.push(format!("< {answer}"));
            peer.respond(token, answer).await;
        }
    };
    let outcome = tokio::select! {
        outcome = store.query(query(asked)) => outcome,
        () = answering => unreachable!(),
    };
    happened.push(match outcome {
        Ok(answer) => format!("= {}", words(&answer)).trim_end().to_owned(),
        Err(StoreError::Refused(text)) => format!("= refused: {text}"),
        Err(StoreError::Indeterminate(text)) => format!("= indeterminate: {text}"),
    });
    happened.join("\n")
}
