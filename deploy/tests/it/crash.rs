//! `up` after a crash, with the real Terraform against moto: killed between the making of a thing and the writing down
//! of it, with its state lost, torn or behind. Nothing is left, and nothing is there twice.

use std::fs;

use crate::moto::Moto;

/// A machine with an address of its own and a volume.
const ONE: &str = "name = \"one\"\nowner = \"me\"\noperator = \"203.0.113.7/32\"\n[nodes]\ncount = 1\n\
                   elastic_addresses = true\n";

/// All that a run of it is, each once; a volume for the system, a volume for the data.
const ALL: [&str; 6] = ["address", "instance", "key pair", "security group", "volume", "volume"];

const UP: [&str; 4] = ["up", "--run", "one-1", "--machines-only"];

/// Lists by tag lag behind what is made.
const LAGGING: &[(&str, &str)] = &[("LAG", "2")];

/// A run that has begun and has not called Terraform yet.
fn begun(moto: &Moto) {
    let wish = moto.wish(ONE);
    let up = ["up", &wish, "--run", "one-1", "--machines-only"];
    assert!(moto.killed("ImportKeyPair", "group", &up), "it is killed at its first call");
}

fn goes(moto: &Moto) {
    let (code, told) = moto.deploy(&["down", "one-1", "--yes"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(moto.kinds("one-1"), Vec::<String>::new());
}

/// Killed at the first call of a kind that changes something, and gone on with; killed at the next kind; and so on.
#[test]
fn up_goes_on_wherever_it_was_killed() {
    let Some(moto) = Moto::start(LAGGING) else { return };
    begun(&moto);
    for action in [
        "CreateSecurityGroup",
        "RevokeSecurityGroup",
        "AuthorizeSecurityGroup",
        "RunInstances",
        "AllocateAddress",
        "AssociateAddress",
    ] {
        assert!(moto.killed(action, "group", &UP), "{action}");
    }
    let (code, told) = moto.deploy(&UP);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("Terraform does not know of address"), "{told}");
    assert_eq!(moto.kinds("one-1"), ALL);
    let (code, told) = moto.deploy(&["plan", "--run", "one-1"]);
    assert_eq!(code, Some(0), "{told}");
    goes(&moto);
}

/// Killed when the machine has just been made: the next says what it has found, and makes it once.
#[test]
fn what_was_made_and_not_written_down_is_found() {
    let Some(moto) = Moto::start(LAGGING) else { return };
    begun(&moto);
    assert!(moto.killed("RunInstances", "group", &UP));
    assert_eq!(moto.machines("one-1"), 1, "it is there, and Terraform does not know");
    // After two looks, lists have it.
    for _ in 0..2 {
        moto.deploy(&["status", "one-1"]);
    }
    let (code, told) = moto.deploy(&["plan", "--run", "one-1"]);
    assert!(code == Some(1) && told.contains("Terraform does not know of instance i-"), "{told}");
    let (code, told) = moto.deploy(&UP);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("Terraform does not know of instance i-"), "{told}");
    assert_eq!(moto.kinds("one-1"), ALL);
    goes(&moto);
}

/// Killed at each kind of thing, `down` leaves nothing.
#[test]
fn down_leaves_nothing_of_what_was_not_written_down() {
    let Some(moto) = Moto::start(LAGGING) else { return };
    for action in ["CreateSecurityGroup", "RunInstances", "AllocateAddress", "AssociateAddress"] {
        let wish = moto.wish(ONE);
        let run = format!("one-{}", action.to_lowercase());
        let up = ["up", &wish, "--run", &run, "--machines-only"];
        assert!(moto.killed(action, "group", &up), "{action}");
        assert_ne!(moto.kinds(&run), Vec::<String>::new(), "{action}");
        let (code, told) = moto.deploy(&["down", &run, "--yes"]);
        assert_eq!(code, Some(0), "{action}: {told}");
        assert!(told.contains("security group sg-"), "it says what goes: {told}");
        assert_eq!(moto.kinds(&run), Vec::<String>::new(), "{action}");
    }
}

/// Killed alone, Terraform goes on, writes down what it makes, and keeps everybody else out as long as it does.
#[test]
fn terraform_outlives_who_called_it_and_tells() {
    let Some(moto) = Moto::start(LAGGING) else { return };
    begun(&moto);
    assert!(moto.killed("RunInstances", "one", &UP));
    let (code, told) = loop {
        let (code, told) = moto.deploy(&UP);
        if !told.contains("somebody else is at work") {
            break (code, told);
        }
        assert!(code == Some(2) && told.contains("Terraform"), "{told}");
    };
    assert_eq!(code, Some(0), "{told}");
    assert!(!told.contains("does not know of instance"), "it was written down: {told}");
    assert_eq!(moto.kinds("one-1"), ALL);
    goes(&moto);
}

/// What stands stays as it is, whatever becomes of Terraform's files.
#[test]
fn a_state_that_is_lost_or_torn_is_put_back() {
    let Some(moto) = Moto::start(LAGGING) else { return };
    let wish = moto.wish(ONE);
    let (code, told) = moto.deploy(&["up", &wish, "--run", "one-1", "--machines-only"]);
    assert_eq!(code, Some(0), "{told}");
    let stands = moto.things("one-1");
    let folder = moto.runs().join("one-1/terraform");
    let state = folder.join("terraform.tfstate");
    let whole = fs::read(&state).unwrap();
    // As if killed: who holds the lock, and half of a provider.
    fs::write(folder.join(".terraform.tfstate.lock.info"), "{}").unwrap();
    fs::remove_dir_all(folder.join(".terraform/providers")).unwrap();
    for (worse, says) in [(whole.len() / 2, "cannot be read"), (0, "is lost")] {
        fs::write(&state, &whole[..worse]).unwrap();
        let (code, told) = moto.deploy(&UP);
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains(says) && told.contains("takes its place"), "{told}");
        assert!(!told.contains("does not know"), "{told}");
        assert_eq!(moto.things("one-1"), stands);
    }
    // With neither, a machine that may hold data is not touched.
    fs::remove_file(&state).unwrap();
    fs::remove_file(folder.join("kept.tfstate")).unwrap();
    let (code, told) = moto.deploy(&UP);
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("node1 (i-") && told.contains("may hold data"), "{told}");
    assert_eq!(moto.things("one-1"), stands);
    goes(&moto);
}

/// A quota that is used up is named, with what to do; what was made before goes.
#[test]
fn a_quota_that_is_used_up_is_named() {
    for (action, code, quota) in [
        ("RunInstances", "VcpuLimitExceeded", "L-1216C47A"),
        ("AllocateAddress", "AddressLimitExceeded", "L-0263D0A3"),
    ] {
        let used_up = format!("{action}={code}");
        let Some(moto) = Moto::start(&[("QUOTAS", &used_up)]) else { return };
        let wish = moto.wish(ONE);
        let (exit, told) = moto.deploy(&["up", &wish, "--run", "one-1", "--machines-only"]);
        assert_eq!(exit, Some(4), "{told}");
        assert!(told.contains(&format!("in eu-central-1 is used up ({code})")), "{told}");
        assert!(told.contains(quota) && told.contains("or ask for more"), "{told}");
        goes(&moto);
    }
}
