//! What every store answers: the closed list of queries, line by line.

use bigchaindb_core::query::{Query, StoreError};

use crate::backends::{Database, databases, servers};
use crate::language::{json, query, words};

const STEPS: &str = "
    # The backlog: insert-if-absent, compare-and-set, oldest first.
    wait c n1               | inserted
    wait c n2               | unchanged
    wait a n1               | inserted
    wait b n1               | inserted
    wait d n2               | inserted
    backlog n1 9            | a~n1 b~n1 c~n1
    backlog n1 2            | a~n1 b~n1
    backlog n1 0            |
    backlog n3 9            |
    backlog * 9             | a~n1 b~n1 d~n2 c~n1
    reassign c n2 n3        | unchanged
    reassign c n1 n1        | unchanged
    reassign z n1 n2        | unchanged
    reassign c n1 n3        | changed
    backlog n1 9            | a~n1 b~n1
    backlog n3 9            | c~n3
    delete z                | unchanged
    delete                  | unchanged
    delete b z b            | changed
    backlog * 9             | a~n1 d~n2 c~n3
    wait b n2               | inserted

    # Blocks: where a transaction stands, who spends what.
    block X@20=a,c,a        | inserted
    block X@21=b            | unchanged
    block Y@19=d,e          | inserted
    block Z@19=             | inserted
    block W@18=f            | inserted
    known X Q Y             | X Y
    known                   |
    blocks Y Q X            | X@20=a,c,a Y@19=d,e
    blocks                  |
    gather                  |
    gather a                | X:a X:a a~n1
    gather e h              | Y:e
    gather a/0              | a/0>X:c a/0>Y:d a/0>Y:e
    gather b/1 b/0          | b/1>Y:e
    gather c/0              | c/0>W:f c/0>W:f
    block V@30=g,h          | inserted
    gather a/0              | a/0>X:c a/0>Y:d a/0>Y:e
    gather a/0!             | a/0!>V:g a/0!>V:h
    gather a b c d/0        | X:a X:a X:c a~n1 b~n2 c~n3 d/0>V:g
    gather $reql_type$      |
    gather \0 \0/0        |

    # The list: a claim holds, what is listed is no longer unlisted.
    unlisted 9              | W Y Z X V
    unlisted 2              | W Y
    unlisted 0              |
    claim 1 Y               | 1=Y
    claim 1 X               | 1=Y
    unlisted 9              | W Z X V
    claim 0 G               | 0=G(genesis G)
    claim 0 H               | 0=G(genesis G)
    claim 2 Q               | 2=Q
    claim 3 Y               | 3=Y
    block Q@5=b             | inserted
    unlisted 9              | W Z X V
    positions 0 2           | 0=G(genesis G) 1=Y
    positions 2 9           | 2=Q 3=Y
    positions 2 0           |
    positions 300 9         |
    claim 256 X             | 256=X
    positions 3 9           | 3=Y 256=X

    # Votes: one row per key, whoever comes first.
    vote k1 X n1 yes        | k1:X:n1:yes
    vote k1 X n1 no         | k1:X:n1:yes
    vote k2 X n1 no         | k2:X:n1:no
    vote k3 X n2 yes        | k3:X:n2:yes
    vote k4 Y n2 yes        | k4:Y:n2:yes
    votes X                 | k1:X:n1:yes k2:X:n1:no k3:X:n2:yes
    votes Q Y               | k4:Y:n2:yes
    votes                   |

    # Pages: of what is looked at; where there may be more, after which row.
    own n1 X Y Q            | k1:X:n1:yes k2:X:n1:no
    own n3 X                |
    own n1                  |
    by n1 - 9               | k1:X:n1:yes k2:X:n1:no
    by n1 - 1               | k1:X:n1:yes k1…
    by n1 k1 2              | k2:X:n1:no k3…
    by n1 k3 2              |
    by n2 k3 0              | k4:Y:n2:yes k4…
    heads * - 9             | Q@5:n1,n2 V@30!:n1,n2 W@18:n1,n2 X@20:n1,n2 Y@19:n1,n2 Z@19:n1,n2
    heads * - 2             | Q@5:n1,n2 V@30!:n1,n2 V…
    heads * V 2             | W@18:n1,n2 X@20:n1,n2 X…
    heads * Z 2             |
    heads X,W,N - 9         | W@18:n1,n2 X@20:n1,n2
    heads X,W - 1           | W@18:n1,n2 W…
    heads X,W W 1           | X@20:n1,n2 X…
    heads transaction_id=a - 9     | X@20:n1,n2
    heads transaction_id=z - 9     |
    heads payload_uuid=ua - 9      | X@20:n1,n2
    heads payload_uuid=\0 - 9      |
    heads block_timestamp=19 - 9   | Y@19:n1,n2 Z@19:n1,n2
    heads block_timestamp=19 Y 9   | Z@19:n1,n2
    with uuid=ua - 9        | X:a X:a
    with uuid=z - 9         |
    with owner=k1 - 9       | W:f Y:e
    with owner=k2 - 9       | W:f
    with owner=k2 W 9       |
    with owner=k3 - 9       |
    # What stood is written over whatever is there.
    restore block X@20=a,c,a    | unchanged
    restore block X@21=b        | changed
    blocks X                    | X@21=b
    restore block N@5=a         | inserted
    restore vote k1 X n1 yes    | unchanged
    restore vote k1 X n1 no     | changed
    restore vote k9 X n2 yes    | inserted
    votes X                     | k1:X:n1:no k2:X:n1:no k3:X:n2:yes k9:X:n2:yes
    restore entry 0 G           | unchanged
    restore entry 1 X           | changed
    restore entry 9 N           | inserted
    positions 0 9               | 0=G(genesis G) 1=X 2=Q 3=Y 9=N 256=X
";

/// Table, and a document that is odd in it.
const ODD: &str = r#"
    backlog   | {"id":"a"}
    backlog   | {"id":"b","transaction":null,"assignee":"n1"}
    backlog   | {"id":"c","transaction":{"timestamp":"1"},"assignee":5}
    backlog   | {"id":"d","transaction":{"timestamp":"1"}}
    backlog   | {"id":5,"transaction":{"timestamp":"1"},"assignee":"n1"}
    backlog   | {"id":["a",1],"transaction":{"timestamp":"1"},"assignee":"n1"}
    bigchain  | {"id":"A"}
    bigchain  | {"id":"B","block":7}
    bigchain  | {"id":"C","block":{"timestamp":5,"transactions":[{"id":"a"}],"voters":[],"node_pubkey":"n"}}
    bigchain  | {"id":"D","block":{"timestamp":"1","transactions":{"id":"a"},"voters":[],"node_pubkey":"n"}}
    bigchain  | {"id":"E","block":{"timestamp":"1","transactions":[null,5],"voters":[],"node_pubkey":"n"}}
    bigchain  | {"id":"F","block":{"timestamp":"1","transactions":[{"id":"a","transaction":{"fulfillments":[{"input":{"txid":"a","cid":0}}]}}],"voters":[5],"node_pubkey":"n"}}
    bigchain  | {"id":"G","block":{"timestamp":"1","transactions":[{"id":"a","transaction":{"fulfillments":[{"input":{"txid":"a","cid":0}}]}},[]],"voters":[],"node_pubkey":"n"}}
    bigchain  | {"id":true,"block":{"transactions":[],"voters":[],"node_pubkey":"n"}}
    bigchain  | {"id":"H","block":{"timestamp":"9","voters":[],"node_pubkey":"n","transactions":[
                  {"id":"d","transaction":{"fulfillments":[7,null,[[]],{"input":7},{"input":{"txid":7,"cid":0}},{"input":{"txid":"a"}},{"input":{"txid":"b","cid":{}}},{"input":{"txid":"a","cid":0}}]}},
                  {"id":"e","transaction":{"fulfillments":7}},
                  {"id":"f","transaction":{}}]}}
    votes     | {"id":"k1"}
    votes     | {"id":"k2","node_pubkey":"n1","vote":{"voting_for_block":"X"}}
    votes     | {"id":"k3","node_pubkey":5,"vote":{"voting_for_block":"X","previous_block":"p","is_block_valid":true}}
    votes     | {"id":7,"node_pubkey":"n1","vote":{"voting_for_block":"X","previous_block":"p","is_block_valid":true}}
    positions | {"id":2}
    positions | {"id":3,"block":["X"],"genesis":5}
    positions | {"id":1.5,"block":"X"}
    positions | {"id":-1,"block":"X"}
    positions | {"id":"1","block":"X"}
    positions | {"id":4.0,"block":"X"}
    positions | {"id":9007199254740994,"block":"X"}
"#;

/// What is said then. Only H is a block, though an odd one.
const SAID: &str = "
    backlog * 9             |
    backlog n1 9            |
    gather b c              |
    wait a n1               | unchanged
    reassign c n1 n2        | unchanged
    blocks A B C D E F G    |
    known A B C D E F G H   | H
    unlisted 9              | H
    heads * - 99            | H@9:
    heads * B 2             | D…
    heads A,H - 9           | H@9:
    heads transaction_id=d - 9     | H@9:
    heads payload_uuid=ud - 9      |
    with uuid=ua - 99       |
    with owner=k1 - 99      |
    own n1 X                |
    by n1 - 9               |
    by n1 - 3               | k3…
    block B@1=a             | unchanged
    votes X                 |
    vote k2 X n1 yes        | k2:::no
    claim 2 Y               | 2=
    positions 0 9           | 2= 3= 4=X
    positions 0 2           | 2= 3=
    gather a/0              | a/0>H:d
    delete a b c d          | changed
    wait a n1               | inserted
    backlog * 9             | a~n1
    block Y@1=a             | inserted
    unlisted 9              | Y H
";

fn lines(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once('|').unwrap()).map(|(asked, said)| (asked.trim(), said.trim()))
}

async fn check(database: &Database, asked: &str, said: &str) {
    let answer = database.store.query(query(asked)).await.unwrap();
    assert_eq!(words(&answer), said, "{asked}, on {}", database.name);
}

#[tokio::test]
async fn every_query() {
    for database in databases().await {
        for (asked, said) in lines(STEPS) {
            check(&database, asked, said).await;
        }
        database.finish().await;
    }
}

#[tokio::test]
async fn odd_rows_are_not_told_of() {
    for database in servers().await {
        // A document may go on in the next line.
        let odd = ODD.replace("\n                  ", " ");
        for (table, document) in odd.lines().filter_map(|line| line.split_once('|')) {
            database.write(table.trim(), &json(document)).await;
        }
        for (asked, said) in lines(SAID) {
            check(&database, asked, said).await;
        }
        database.finish().await;
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused_or_not_there() {
    for database in databases().await {
        let long = "k".repeat(128);
        let ids = |ids: [&str; 3]| ids.map(Into::into).to_vec();
        check(&database, "wait a n1", "inserted").await;
        for key in [long.as_str(), "k\0"] {
            let outcome = database.store.query(query(&format!("vote {key} X n1 yes"))).await;
            assert!(matches!(outcome, Err(StoreError::Refused(_))), "{outcome:?}");
            let gone = Query::KnownBlocks { ids: vec![key.into()] };
            assert_eq!(words(&database.store.query(gone).await.unwrap()), "");
            check(&database, &format!("reassign {key} n1 n2"), "unchanged").await;
        }
        let ids = ids([&long, "k\0", "a"].map(|id| id));
        let deleted = Query::DeleteBacklog { transactions: ids };
        assert_eq!(words(&database.store.query(deleted).await.unwrap()), "changed");
        database.finish().await;
    }
}
