//! One suite for both forms of the storage: in memory, and on disk, opened anew for each line.

use bigchaindb_rethinkdb::{Durability, Engine};

use crate::language::{query, words};

const STEPS: &str = "
    # The backlog: insert-if-absent, compare-and-set, oldest first.
    wait c n1               | inserted
    wait c n2               | unchanged
    wait a n1               | inserted
    wait b n1               | inserted
    wait d n2               | inserted
    backlog n1 9            | a~n1 b~n1 c~n1
    backlog n1 2            | a~n1 b~n1
    backlog n3 9            |
    backlog * 9             | a~n1 b~n1 d~n2 c~n1
    reassign c n2 n3        | unchanged
    reassign c n1 n1        | unchanged
    reassign z n1 n2        | unchanged
    reassign c n1 n3        | changed
    backlog n1 9            | a~n1 b~n1
    backlog n3 9            | c~n3
    delete z                | unchanged
    delete b z b            | changed
    backlog * 9             | a~n1 d~n2 c~n3
    wait b n2               | inserted

    # Blocks: where a transaction stands, who spends what.
    block X@20=a,c,a        | inserted
    block X@21=b            | unchanged
    block Y@19=d,e          | inserted
    block Z@19=             | inserted
    block W@=f              | inserted
    known X Q Y             | X Y
    blocks Y Q X            | X@20=a,c,a Y@19=d,e
    gather a                | X:a X:a a~n1
    gather e h              | Y:e
    gather a/0              | a/0>X:c a/0>Y:d a/0>Y:e
    gather b/1 b/0          | b/1>Y:e
    gather c/0              | c/0>W:f c/0>W:f
    block V@30=g,h          | inserted
    gather a/0              | a/0>X:c a/0>Y:d a/0>Y:e
    gather a/0!             | a/0!>V:g a/0!>V:h
    gather a b c d/0        | X:a X:a X:c a~n1 b~n2 c~n3 d/0>V:g

    # The list: a claim holds, what is listed is no longer unlisted.
    unlisted 9              | W Y Z X V
    unlisted 2              | W Y
    claim 1 Y               | 1=Y
    claim 1 X               | 1=Y
    unlisted 9              | W Z X V
    claim 0 G               | 0=G(genesis G)
    claim 2 Q               | 2=Q
    claim 3 Y               | 3=Y
    block Q@5=b             | inserted
    unlisted 9              | W Z X V
    positions 0 2           | 0=G(genesis G) 1=Y
    positions 2 9           | 2=Q 3=Y
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
";

fn steps() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = STEPS.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once('|').unwrap()).map(|(asked, said)| (asked.trim(), said.trim()))
}

#[test]
fn in_memory() {
    for durability in [Durability::Soft, Durability::Hard] {
        let mut engine = Engine::in_memory();
        for (asked, expected) in steps() {
            let answer = engine.apply(&query(asked), durability).unwrap();
            assert_eq!(words(&answer), expected, "{asked}");
        }
    }
}

#[test]
fn on_disk_opened_anew_for_each_step() {
    let folder = tempfile::tempdir().unwrap();
    for (asked, expected) in steps() {
        let mut engine = Engine::open(&folder.path().join("data")).unwrap();
        let answer = engine.apply(&query(asked), Durability::Hard).unwrap();
        assert_eq!(words(&answer), expected, "{asked}");
    }
}

#[test]
fn as_one_batch() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Engine::open(&folder.path().join("data")).unwrap();
    for mut engine in [Engine::in_memory(), disk] {
        let (asked, expected): (Vec<_>, Vec<_>) = steps().unzip();
        let queries: Vec<_> = asked.iter().map(|asked| query(asked)).collect();
        let answers = engine.apply_all(&queries, Durability::Hard);
        let answers: Vec<_> = answers.into_iter().map(|answer| words(&answer.unwrap())).collect();
        for ((asked, expected), answer) in asked.iter().zip(expected).zip(&answers) {
            assert_eq!(answer, expected, "{asked}");
        }
    }
}
