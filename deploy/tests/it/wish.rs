//! Wishes: what a file comes to, and what is said of a bad one.

use std::path::Path;

use bigchaindb_deploy::wish::Wish;

use crate::wish;

/// A bad file, and the line, message and hint it gets.
const REFUSED: &[(&str, &str)] = &[
    ("", "wish.toml: the wish has no `name` | add one, like `name = \"three\"`"),
    (
        "name = \"Three\"",
        "wish.toml:1: `Three` cannot be a name | up to 32 of a-z, 0-9 and -, a letter first",
    ),
    (
        "name = \"x\"\nnods = 1",
        "wish.toml:2: unknown key `nods` in the wish | did you mean `nodes`?",
    ),
    (
        "name = \"x\"\n[nodes]\ncount = 3\ninstance_type = \"m6i.large\"",
        "wish.toml:4: unknown key `instance_type` in `[nodes]` | did you mean `instance_types`?",
    ),
    (
        "name = \"x\"\n[nodes]\ncount = 65",
        "wish.toml:3: `count` is not a whole number from 1 to 64: 65 | write it without quotes, like 1",
    ),
    (
        "name = \"x\"\n[nodes]\ninstance_types = [\"large\"]",
        "wish.toml:3: `large` is no instance type | like \"m6i.large\"",
    ),
    ("name = \"x\"\n[nodes]\nregions = []", "wish.toml:3: the list is empty | name at least one"),
    (
        "name = \"x\"\n[nodes]\nregions = [\"eu-west-1\", \"eu-west-1\"]",
        "wish.toml:3: `eu-west-1` stands here twice | once is enough",
    ),
    (
        "name = \"x\"\n[federation]\nreplicas = 4",
        "wish.toml:3: 4 replicas do not fit on 3 nodes | at most 3: one on each",
    ),
    (
        "name = \"x\"\nttl = \"1min\"",
        "wish.toml:2: a cluster does not live 1min | from 10min to 14d; then its machines end by themselves",
    ),
    (
        "name = \"x\"\noperator = \"0.0.0.0/0\"",
        "wish.toml:2: `0.0.0.0/0` is not for the operator: wider than /16 is the world | write the address \
         you come from, like \"203.0.113.7/32\"",
    ),
    (
        "name = \"x\"\noperator = [\"203.0.113.7\"]",
        "wish.toml:2: `203.0.113.7` is not for the operator: it has no `/` | write the address you come from, like \
         \"203.0.113.7/32\"",
    ),
    (
        "name = \"x\"\nowner = \"a<b\"",
        "wish.toml:2: `a<b` cannot be an owner: tags take letters, digits, spaces and + - = . _ : / @ | a name or an \
         e-mail address, up to 128 characters",
    ),
    (
        "name = \"x\"\n[storage]\non = \"root\"\ngib = 3",
        "wish.toml:4: `gib` is of a volume, and there is none | say `on = \"volume\"`, or leave it out",
    ),
    (
        "name = \"x\"\n[storage]\non = \"volum\"",
        "wish.toml:3: `on` does not know `volum` | did you mean `volume`?",
    ),
];

#[test]
fn what_cannot_be_is_refused_with_its_line_and_a_hint() {
    for (text, told) in REFUSED {
        let refusal = Wish::parse("wish.toml", text).unwrap_err();
        assert_eq!(format!("{refusal} | {}", refusal.hint), *told, "{text}");
    }
}

#[test]
fn nodes_are_dealt_out_to_the_regions_in_turn() {
    let wish = wish(
        "name = \"x\"\n[nodes]\ncount = 5\nregions = [\"eu-central-1\", \"us-east-1\"]\n[monitoring]\n[load]\n\
         count = 2\nregion = \"eu-west-1\"",
    );
    let machines = wish.machines();
    let places: Vec<_> =
        machines.iter().map(|machine| format!("{} {}", machine.name, machine.region)).collect();
    assert_eq!(
        places,
        [
            "node1 eu-central-1",
            "node2 us-east-1",
            "node3 eu-central-1",
            "node4 us-east-1",
            "node5 eu-central-1",
            "monitor eu-central-1",
            "load1 eu-west-1",
            "load2 eu-west-1",
        ]
    );
    assert_eq!(wish.regions(), ["eu-central-1", "us-east-1", "eu-west-1"]);
}

/// Every file in `deploy/clusters` is one that can be meant, and is called as it calls itself.
#[test]
fn the_files_there_are_can_be_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("clusters");
    let mut read = 0;
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let wish =
            Wish::load(&path).unwrap_or_else(|refusal| panic!("{refusal}: {}", refusal.hint));
        assert_eq!(Some(wish.name.as_str()), path.file_stem().and_then(|stem| stem.to_str()));
        assert!(wish.text.starts_with("# "), "{} tells what it is for", path.display());
        read += 1;
    }
    assert!(read > 0);
}
