//! What a node hears is written down, and comes to the same when it is told again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bigchaindb::federation::{Common, LocalFederation};
use bigchaindb::record::{Difference, Ending, Recorder, ReplayError, Replayed, Writing, replay};
use bigchaindb_core::model::{Direct, Keypair, NodeKey, SignatureCheck, Transaction};
use bigchaindb_core::rules;

use crate::program::{Serving, embedded};
use crate::support::{ANYWHERE, Clients, MOMENT, PATIENCE, common, create, transfer};

const NODES: usize = 3;

fn keypairs() -> Vec<Keypair> {
    (1..=3).map(|seed| Keypair::from_seed([seed; 32])).collect()
}

fn file(folder: &Path, node: usize) -> PathBuf {
    folder.join(format!("n{}.jsonl", node + 1))
}

fn again(file: &Path) -> Result<Replayed, ReplayError> {
    let keypairs = keypairs();
    let keys = move |key: &NodeKey| keypairs.iter().find(|pair| pair.public() == key).cloned();
    replay(file, keys, &(Arc::new(Direct) as Arc<dyn SignatureCheck>))
}

/// Three nodes that have made, passed on and refused something; the second was killed in between.
/// What they heard is in the folder.
async fn recorded(folder: &Path, profile: &str) {
    let files = (0..NODES).map(|node| Recorder::start(&file(folder, node)).unwrap());
    let (records, writings): (Vec<_>, Vec<Writing>) = files.unzip();
    let rules = rules::by_name(profile).unwrap();
    let common = Common { rules, records, ..common() };
    let store = Arc::new(bigchaindb::store::EmbeddedStore::in_memory());
    let keypairs = keypairs();
    let started = LocalFederation::start(store, &common, &keypairs, &[ANYWHERE; NODES]);
    let mut federation = started.await.unwrap();
    drop(common);
    let clients = Clients::new(&federation.addresses());
    let [alice, bob] = [20, 21].map(|seed| Keypair::from_seed([seed; 32]));
    let made = posted(&clients, 0, create(&alice, "made")).await;
    clients.until_status(0, &made, "valid").await;
    assert!(clients.post(2, "[\"no transaction\"]").await.0 >= 400);
    federation.kill(1).await.unwrap();
    // Perhaps it has to wait for the one that is gone.
    let waits = posted(&clients, 2, create(&alice, "made by two")).await;
    federation.restart(1).await.unwrap();
    clients.until_status(1, &waits, "valid").await;
    let (_, document) = clients.get(1, &format!("/api/v1/transactions/{made}")).await;
    let moved = transfer(&Transaction::from_document(document).unwrap(), &alice, &bob);
    let moved = posted(&clients, 1, moved.document().to_string()).await;
    clients.until_status(1, &moved, "valid").await;
    federation.stop().await.unwrap();
    for writing in writings {
        writing.finish().unwrap();
    }
}

/// The id of what was posted and accepted.
async fn posted(clients: &Clients, node: usize, text: String) -> String {
    let (status, body) = clients.post(node, text).await;
    assert!([200, 201].contains(&status), "{status} {body}");
    body.get("id").unwrap().as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_hears_the_same_does_the_same() {
    for profile in ["default", "mixed", "v0.6.0"] {
        let folder = tempfile::tempdir().unwrap();
        recorded(folder.path(), profile).await;
        for node in 0..NODES {
            let file = file(folder.path(), node);
            let replayed = again(&file).unwrap();
            assert_eq!(replayed.difference, None, "{profile}");
            assert!(replayed.inputs > 20 && replayed.outputs > 20, "{profile}: {replayed:?}");
            let lives = if node == 1 { 2 } else { 1 };
            assert_eq!(replayed.lives.len(), lives, "{profile}: {replayed:?}");
            let text = std::fs::read_to_string(file).unwrap();
            for keypair in keypairs() {
                assert!(!text.contains(&keypair.private()), "{profile}: a private key");
            }
        }
    }
}

/// Which text is put in which one's place, the first time it is there; what the record then says came of
/// it, and what comes of it now. `INSERT` is the ticket of a question, `PREPARE` that of work.
const CHANGES: &str = r#"
    ["answer",INSERT,"written","inserted"] | ["answer",INSERT,"written","unchanged"] | Accepted     | Accepted
    ["answer",INSERT,"written","inserted"] | ["answer",INSERT,"block-ids",[]]        | Accepted     | the core fell over: a query was answered by another kind
    "heard":["opened","backlog"]           | "heard":["woken"]                       | Query        | Wake
    ["worked",PREPARE,"                    | ["worked",PREPARE,"0                    | an outcome   | Prepared(Ok
    ["worked",PREPARE,"                    | ["worked",6,"                           | an outcome   | no such work was wanted
    Respond { id: RequestId(0)             | Respond { id: RequestId(1)              | RequestId(1) | RequestId(0)
"#;

/// The ticket of the first effect of a kind.
fn ticket<'a>(text: &'a str, before: &str, behind: &str) -> &'a str {
    let end = text.find(behind).unwrap_or_else(|| panic!("{behind} is not there"));
    let start = text[..end].rfind(before).unwrap() + before.len();
    text[start..end].trim_end_matches(')')
}

/// The line, from 1, that this text stands in first.
fn line_of(text: &str, part: &str) -> Option<(u64, usize)> {
    let at = text.find(part)?;
    Some((text[..at].matches('\n').count() as u64 + 1, at))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_was_changed_is_found_out_at_the_first_difference() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path(), "default").await;
    let whole = std::fs::read_to_string(file(folder.path(), 0)).unwrap();
    let changed = folder.path().join("changed.jsonl");
    let changes = CHANGES
        .replace("INSERT", ticket(&whole, "ticket: Ticket(", ", query: InsertBacklog"))
        .replace("PREPARE", ticket(&whole, "ticket: Ticket(", ", work: Prepare"));
    for row in changes.trim().lines() {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [from, to, recorded, now] = cells[..] else { panic!("{row}") };
        let (line, at) = line_of(&whole, from).unwrap_or_else(|| panic!("{from} is not there"));
        let text = format!("{}{to}{}", &whole[..at], &whole[at + from.len()..]);
        std::fs::write(&changed, text).unwrap();
        let replayed = again(&changed).unwrap();
        let found = replayed.difference.unwrap_or_else(|| panic!("{row}: no difference"));
        let Difference { expected, actual, .. } = &found;
        assert!(expected.as_ref().unwrap().contains(recorded), "{row}: {found:?}");
        assert!(actual.as_ref().unwrap().contains(now), "{row}: {found:?}");
        // What came of an input stands in the line behind it.
        let is_input = whole[..at].rsplit('\n').next().unwrap_or_default().starts_with('{');
        assert_eq!(found.line, if is_input { line } else { line - 1 }, "{row}");
        // Every input before it stands in two lines, behind the line of the life.
        assert_eq!((found.life, found.line), (1, 2 * replayed.inputs + 2), "{row}");
        assert_eq!(found.input, replayed.inputs + 1, "{row}");
    }
    // Nothing says which input matters when: votes that all say something else are found out later.
    std::fs::write(&changed, whole.replace("is_block_valid\":true", "is_block_valid\":false"))
        .unwrap();
    assert!(again(&changed).unwrap().difference.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_cut_off_is_replayed_up_to_there() {
    let folder = tempfile::tempdir().unwrap();
    recorded(folder.path(), "default").await;
    let whole = std::fs::read(file(folder.path(), 0)).unwrap();
    let cut = folder.path().join("cut.jsonl");
    let lines: Vec<_> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let (head, next) = (lines[..41].concat(), lines[41]);
    for (text, inputs, end) in [
        (head.clone(), 20, Ending::Whole),
        // In the middle of an input, of what came of it, and between the two.
        ([&head, &next[..next.len() / 2]].concat(), 20, Ending::Torn),
        ([&head, next, &lines[42][..1]].concat(), 20, Ending::Torn),
        ([&head, next].concat(), 20, Ending::Unanswered { fell: None }),
        ([&head, &next[..next.len() - 1]].concat(), 20, Ending::Unanswered { fell: None }),
        (lines[0][..9].to_vec(), 0, Ending::Whole),
    ] {
        std::fs::write(&cut, &text).unwrap();
        let replayed = again(&cut).unwrap();
        let lives = if inputs == 0 { vec![] } else { vec![end] };
        assert_eq!((replayed.lives, replayed.inputs, replayed.difference), (lives, inputs, None));
    }
    // A torn line with something behind it that is no new life is a fault of the file.
    std::fs::write(&cut, [&head, &next[..30], b"\n", lines[42]].concat()).unwrap();
    let error = again(&cut).unwrap_err();
    assert!(error.to_string().ends_with("cut.jsonl:42: no line of a record"), "{error}");
    // As is a line that is missing, or there twice.
    for lines in [[head.as_slice(), lines[42]].concat(), [&head, next, next].concat()] {
        std::fs::write(&cut, lines).unwrap();
        assert!(again(&cut).unwrap_err().to_string().contains("cut.jsonl:4"));
    }
    let missing = again(&folder.path().join("missing")).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read "), "{missing}");
    let version = String::from_utf8(whole).unwrap().replacen("\"version\":1", "\"version\":2", 1);
    std::fs::write(&cut, version).unwrap();
    assert!(again(&cut).unwrap_err().to_string().contains("cut.jsonl:1"));
}

#[test]
fn who_does_not_know_the_nodes_keys_is_told_whose() {
    let folder = tempfile::tempdir().unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = file(folder.path(), 0);
    let mut command = embedded(home.path());
    command.arg("--record").arg(&file);
    assert_eq!(Serving::start(command).stop(), 0);
    let error = replay(&file, |_| None, &(Arc::new(Direct) as Arc<dyn SignatureCheck>));
    let expected = format!("the keys of {} are not known", keypairs()[0].public());
    assert_eq!(error.unwrap_err().to_string(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_and_started_again_lives_twice() {
    let home = tempfile::tempdir().unwrap();
    let file = file(home.path(), 0);
    let start = || {
        let mut command = embedded(home.path());
        command.arg("--record").arg(&file);
        Serving::start(command)
    };
    let alice = Keypair::from_seed([20; 32]);
    let node = start();
    Clients::new(&[node.api()]).create(0, &alice, "once").await;
    // Killed, while it is busy.
    let clients = Clients::new(&[node.api()]);
    let post = bigchaindb_load::client::Call::Post(create(&alice, "in vain").into());
    let posting = tokio::spawn(async move { clients.call(0, post, PATIENCE).await });
    tokio::time::sleep(MOMENT).await;
    drop(node);
    let _lost_or_not = posting.await.unwrap();
    // As if the last line was torn.
    let text = std::fs::read(&file).unwrap();
    std::fs::write(&file, &text[..text.len() - 2]).unwrap();
    let node = start();
    Clients::new(&[node.api()]).create(0, &alice, "twice").await;
    assert_eq!(node.stop(), 0);
    let replayed = again(&file).unwrap();
    assert_eq!(replayed.difference, None);
    assert_eq!(replayed.lives, [Ending::Torn, Ending::Whole]);
}

#[test]
fn a_record_that_cannot_be_written_is_told_before_the_node_starts() {
    let home = tempfile::tempdir().unwrap();
    let mut command = embedded(home.path());
    command.args(["--record", "no/such/folder/n1.jsonl"]);
    let (code, _, said) = crate::program::output(command, "");
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("error: cannot write the record no/such/folder/n1.jsonl"), "{said}");
    assert!(said.contains(" hint: `--record` names a file in a folder that is there"), "{said}");
}
