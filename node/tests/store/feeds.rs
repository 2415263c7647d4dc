//! What every store tells of changes.

use bigchaindb::store::FeedStream;
use bigchaindb_core::query::{BacklogRow, Change, Feed};

use crate::backends::{databases, servers};
use crate::language::{entry_words, json, query, standing_words, vote_words, waiting_words};

/// Changes, and which feed tells what of each; `-` tells of nothing.
const CHANGES: &str = "
    wait a n1        | backlog  | +a~n1
    wait a n2        | -
    reassign a n1 n2 | backlog  | a~n1>a~n2
    reassign a n1 n2 | -
    wait b n1        | backlog  | +b~n1
    delete z         | -
    delete a         | backlog  | -a~n2
    block X@5=a,c    | blocks   | X
    block X@6=a      | -
    block Y@5=       | blocks   | Y
    vote k1 X n1 yes | votes    | k1:X:n1:yes
    vote k1 X n1 no  | -
    vote k2 Y n2 no  | votes    | k2:Y:n2:no
    claim 0 X        | list     | 0=X(genesis X)
    claim 0 Y        | -
    claim 7 Y        | list     | 7=Y
    wait c n3        | backlog  | +c~n3
    restore block X@6=a        | blocks | ~X@5=a,c
    restore block X@6=a        | -
    restore block X@5=a,c      | blocks | ~X@6=a
    restore vote k1 X n1 no    | votes  | ~k1:X:n1:yes
    restore vote k3 X n1 yes   | votes  | k3:X:n1:yes
    restore entry 7 X          | list   | ~7=Y
    restore entry 0 X          | -
    restore entry 0 Y          | list   | ~0=X(genesis X)
";

/// One of each, opened.
struct Feeds([(&'static str, FeedStream); 4]);

impl Feeds {
    async fn open(store: &dyn bigchaindb::store::Store) -> Self {
        let feeds = [
            ("backlog", Feed::Backlog),
            ("blocks", Feed::Blocks),
            ("votes", Feed::Votes),
            ("list", Feed::Positions),
        ];
        let mut open = Vec::new();
        for (name, feed) in feeds {
            open.push((name, store.open(feed).await.unwrap()));
        }
        Self(open.try_into().unwrap())
    }

    async fn next(&mut self, name: &str) -> String {
        let (_, feed) = self.0.iter_mut().find(|(other, _)| *other == name).unwrap();
        change_words(&feed.next().await.unwrap())
    }
}

fn change_words(change: &Change) -> String {
    match change {
        Change::Backlog { old, new } => {
            let words = |row: &Option<BacklogRow>| row.as_ref().map(waiting_words);
            match (words(old), words(new)) {
                (None, Some(new)) => format!("+{new}"),
                (Some(old), None) => format!("-{old}"),
                (old, new) => format!("{}>{}", old.unwrap_or_default(), new.unwrap_or_default()),
            }
        }
        Change::Block(id) => id.to_string(),
        Change::Vote(row) => vote_words(row),
        Change::Position(entry) => entry_words(entry),
        Change::Harmed { row, deleted } => {
            format!("{}{}", if *deleted { "-" } else { "~" }, standing_words(row))
        }
    }
}

#[tokio::test]
async fn every_change_is_told_once() {
    for database in databases().await {
        let mut feeds = Feeds::open(&*database.store).await;
        for line in CHANGES.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let [done, told @ ..] = &line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            database.store.query(query(done)).await.unwrap();
            // What tells of nothing is noticed by the next line.
            if let [feed, expected] = told {
                assert_eq!(feeds.next(feed).await, *expected, "{done}, on {}", database.name);
            }
        }
        database.finish().await;
    }
}

#[tokio::test]
async fn odd_rows_are_not_told_of() {
    for database in servers().await {
        let mut feeds = Feeds::open(&*database.store).await;
        let odd = [
            ("backlog", r#"{"id":"x"}"#),
            ("bigchain", r#"{"id":"x","block":7}"#),
            (
                "bigchain",
                r#"{"id":"y","block":{"node_pubkey":"n","voters":[],"transactions":[7]}}"#,
            ),
            ("votes", r#"{"id":"x","vote":7}"#),
            ("positions", r#"{"id":1.5,"block":"X"}"#),
        ];
        for (table, document) in odd {
            database.write(table, &json(document)).await;
        }
        for (done, feed, told) in [
            ("wait a n1", "backlog", "+a~n1"),
            ("block X@5=a", "blocks", "X"),
            ("vote k1 X n1 yes", "votes", "k1:X:n1:yes"),
            ("claim 1 X", "list", "1=X"),
        ] {
            database.store.query(query(done)).await.unwrap();
            assert_eq!(feeds.next(feed).await, told);
        }
        database.finish().await;
    }
}

#[tokio::test]
async fn a_feed_ends_with_its_table() {
    for database in servers().await {
        let Feeds(feeds) = Feeds::open(&*database.store).await;
        database.finish().await;
        for (name, mut feed) in feeds {
            assert!(feed.next().await.is_none(), "{name}");
        }
    }
}

/// Deletions, which no node ever asks for.
#[tokio::test]
async fn what_stands_for_ever_is_told_of_when_it_is_deleted() {
    for database in servers().await {
        for line in ["block X@5=a,c", "vote k1 X n1 yes", "claim 7 X"] {
            database.store.query(query(line)).await.unwrap();
        }
        database.write("bigchain", &json(r#"{"id":"x","block":7}"#)).await;
        let mut feeds = Feeds::open(&*database.store).await;
        for table in ["bigchain", "votes", "positions"] {
            database.delete_all(table).await;
        }
        for (feed, told) in [("blocks", "-X@5=a,c"), ("votes", "-k1:X:n1:yes"), ("list", "-7=X")] {
            assert_eq!(feeds.next(feed).await, told, "on {}", database.name);
        }
        database.finish().await;
    }
}
