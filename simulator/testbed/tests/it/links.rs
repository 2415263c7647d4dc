//! What passes between processes is late, lost and torn as a scenario has it, and is seen to be so.

use std::fs;

use crate::apart::{passes, without_namespaces};
use crate::{outcome, testbed};

/// Everything that can be wrong with a link, and nothing that takes networks.
const LINKS: &str = r#"
name = "links"
backends = ["processes"]

[federation]
nodes = 5

[links]
default = { latency = "5ms", jitter = "20%" }

[[load]]
at = "500ms"
for = "11s"
arrivals = { rate = "10/s" }
mix = { create = 0.6, transfer = 0.3, conflict = 0.07, duplicate = 0.03 }

[[fault]]
do = "slow-link"
at = "1s"
for = "2s"
target = "n1"
factor = 10
jitter = "20ms"

[[fault]]
do = "lossy-link"
at = "2s"
for = "3s"
target = "n2"
share = 0.1

[[fault]]
do = "narrow-link"
at = "3s"
for = "2s"
target = "n3"
rate = "50kB/s"

[[fault]]
do = "lost-answers"
at = "4s"
for = "3s"
target = "n4"
share = 0.1
manner = "silence"

[[fault]]
do = "lost-answers"
at = "5s"
for = "3s"
target = "n5"
share = 0.1
manner = "reset"

[[fault]]
do = "feed-lag"
at = "6s"
for = "2s"
target = "n1"
by = "500ms"

[[fault]]
do = "feed-repeat"
at = "7s"
for = "2s"
target = "n2"
share = 0.5

[[fault]]
do = "store-slow"
at = "9s"
for = "2s"
factor = 5
"#;

/// What packet filters and the store see of a node that has a link is the node itself.
const APART: &str = r#"
[[fault]]
do = "partition"
at = "10s"
for = "1s"
from = "n3"
to = "both"

[[fault]]
do = "feed-abort"
at = "11s"
target = "n4"
"#;

#[test]
fn links_are_slow_and_lossy_and_narrow_and_break() {
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), LINKS, &["--namespaces", "never"], 8);
}

#[test]
fn members_with_links_can_be_cut_off_as_well() {
    if without_namespaces() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    passes(folder.path(), &format!("{LINKS}{APART}"), &["--namespaces", "always"], 10);
}

#[test]
fn what_a_world_cannot_do_to_links_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scenario.toml");
    let refused = |backend: &str, fault: &str, why: &str| {
        fs::write(&file, format!("name = \"x\"\n[[fault]]\n{fault}\n")).unwrap();
        let out = folder.path().join("out");
        let arguments =
            ["run", file.to_str().unwrap(), "--backend", backend, "--out", out.to_str().unwrap()];
        let (_, said, code) = outcome(&mut testbed(&arguments));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(why), "{said}");
    };
    refused("sim", "do = \"narrow-link\"", "`sim` cannot do the fault `narrow-link`");
    refused("local", "do = \"lossy-link\"", "`local` cannot do the fault `lossy-link`");
    let shard = "do = \"feed-lag\"\nshard = 1";
    refused("processes", shard, "`processes` cannot do the fault `feed-lag` that way");
    refused("sim", "do = \"narrow-link\"\nrate = \"3kB\"", "write 1kB/s or more");
}
