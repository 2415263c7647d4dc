//! What is left of runs: nothing, wherever an earlier try has died; and what is nobody's business stays.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use bigchaindb_deploy::run::{Run, Step, rfc3339};
use serde_json::Value;

use crate::fake::{Fake, Kill, Thing};
use crate::{NOW_S, asked, wish};

const TWO_REGIONS: &str = "name = \"x\"\n[nodes]\nregions = [\"eu-central-1\", \"us-east-1\"]\n";

/// The command, with a cloud that is the fake.
fn deploy(fake: &Fake, root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deploy"));
    command.env("AWS_ENDPOINT_URL", &fake.endpoint);
    command.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
    command.arg("--deployments").arg(root).args(["--pause", "0ms"]).args(arguments);
    command
}

fn text(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// A run in two regions, as a crash in the middle of its making may leave it.
fn left_by_a_crash(fake: &Fake, root: &Path) -> String {
    let mut run = Run::create(root, wish(TWO_REGIONS), asked("aws")).unwrap();
    run.begin(Step::Making).unwrap();
    let id = run.state.id.clone();
    for region in ["eu-central-1", "us-east-1"] {
        fake.stands(region, &id, &run.expires_at());
    }
    // In the same account: somebody else's run, and a free address and a volume of nobody's.
    fake.stands("us-east-1", "theirs", &run.expires_at());
    let mut world = fake.world();
    for id in ["eipalloc-free", "vol-theirs-too"] {
        let thing = Thing { state: "available".to_owned(), ..Thing::default() };
        world.things.insert(("us-east-1".to_owned(), id.to_owned()), thing);
    }
    id
}

/// What bears the run's id and could still cost something.
fn left<'w>(world: &'w crate::fake::World, run: &str) -> Vec<&'w str> {
    let over = |state: &str| ["terminated", "cancelled"].contains(&state);
    let left = world.things.iter().filter(|(_, thing)| {
        thing.tags.get("testbed-run").is_some_and(|of| of == run) && !over(&thing.state)
    });
    left.map(|((_, id), _)| id.as_str()).collect()
}

#[test]
fn nothing_is_left_and_what_is_others_stays() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::start();
    let id = left_by_a_crash(&fake, folder.path());
    let theirs = |fake: &Fake| left(&fake.world(), "theirs").len();
    let before = theirs(&fake);
    assert!(!left(&fake.world(), &id).is_empty());
    let output = deploy(&fake, folder.path(), &["down", &id, "--yes"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains(&format!("nothing is left of `{id}`")), "{}", text(&output));
    assert_eq!(left(&fake.world(), &id), Vec::<&str>::new());
    assert_eq!(theirs(&fake), before);
    assert!(fake.world().ids().contains(&"eipalloc-free"));
    assert!(fake.world().ids().contains(&"vol-theirs-too"));
    // It met what AWS refuses, and was told so.
    let calls = fake.world().calls.join("\n");
    assert!(calls.contains("RequestLimitExceeded"), "{calls}");
    // What was taken away was written down before.
    let state: Value =
        serde_json::from_slice(&fs::read(folder.path().join(&id).join("run.json")).unwrap())
            .unwrap();
    let named = state["provider_notes"]["ending"].as_array().unwrap().len();
    assert_eq!(named, 2 * 11, "{state:#}");
    // A second time there is nothing to do.
    let calls = fake.world().calls.len();
    let output = deploy(&fake, folder.path(), &["down", &id, "--yes"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let more = fake.world().calls[calls..].join("\n");
    assert!(!more.contains("Delete") && !more.contains("Terminate"), "{more}");
}

/// The command is killed at every call that takes something away, and at every tenth that only looks: before the
/// call is carried out, and after, with the answer lost. Whenever that is, the next `down` finds everything.
#[test]
fn down_goes_on_wherever_it_was_killed() {
    for (look, every, least) in [(false, 1, 20), (true, 10, 4)] {
        for before in [true, false] {
            let killed =
                (0..).step_by(every).take_while(|nth| is_killed(look, *nth, before)).count();
            assert!(killed >= least, "{killed} calls, look: {look}, before: {before}");
        }
    }
}

/// Whether `down` was killed at this call, or had ended before; either way nothing is left once it is called again.
fn is_killed(look: bool, nth: usize, before: bool) -> bool {
    let (folder, fake) = (tempfile::tempdir().unwrap(), Fake::start());
    let id = left_by_a_crash(&fake, folder.path());
    let mut world = fake.world();
    let mut child = deploy(&fake, folder.path(), &["down", &id, "--yes"]);
    let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    world.kill = Some(Kill { pid: child.id(), look, nth, before });
    drop(world);
    let status = child.wait().unwrap();
    let when = format!("killed at call {nth}, look: {look}, before: {before}");
    assert!(status.success() || status.signal() == Some(9), "{when}, and by nothing else");
    fake.world().kill = None;
    let output = deploy(&fake, folder.path(), &["down", &id, "--yes"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{when}: {}", text(&output));
    assert_eq!(left(&fake.world(), &id), Vec::<&str>::new(), "{when}");
    !status.success()
}

/// A week later: only what is over, and ours by its tags, goes.
#[test]
fn after_a_week_only_what_is_over_and_ours_is_reaped() {
    let folder = tempfile::tempdir().unwrap();
    let fake = Fake::start();
    let hour = 3_600;
    let now_s = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    fake.stands("eu-central-1", "old", &rfc3339(now_s - 7 * 24 * hour));
    fake.stands("us-east-1", "old", &rfc3339(now_s - 7 * 24 * hour));
    fake.stands("eu-central-1", "young", &rfc3339(now_s + hour));
    // Of one that was prolonged, a part still says the old time: nothing of it goes.
    fake.stands("eu-central-1", "prolonged", &rfc3339(now_s + hour));
    let mut world = fake.world();
    let prolonged =
        world.things.get_mut(&("eu-central-1".to_owned(), "vol-prolonged1".to_owned())).unwrap();
    prolonged.tags.insert("testbed-expires-at".to_owned(), rfc3339(now_s - hour));
    for (id, tags) in [
        ("eipalloc-free", vec![]),
        ("vol-dated", vec![("testbed-expires-at", rfc3339(NOW_S - hour))]),
        (
            "vol-odd",
            vec![("testbed-run", "odd".to_owned()), ("testbed-expires-at", "soon".to_owned())],
        ),
    ] {
        let tags = tags.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let thing = Thing { tags, state: "available".to_owned(), ..Thing::default() };
        world.things.insert(("us-east-1".to_owned(), id.to_owned()), thing);
    }
    drop(world);
    let counted = |run: &str| left(&fake.world(), run).len();
    let (young, prolonged) = (counted("young"), counted("prolonged"));

    let output = deploy(&fake, folder.path(), &["reap", "--dry-run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).starts_with("old was to end at "), "{}", text(&output));
    assert!(counted("old") > 0);

    let output = deploy(&fake, folder.path(), &["reap", "--yes"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert_eq!(left(&fake.world(), "old"), Vec::<&str>::new());
    assert_eq!((counted("young"), counted("prolonged")), (young, prolonged));
    for stays in ["eipalloc-free", "vol-dated", "vol-odd"] {
        assert!(fake.world().ids().contains(&stays), "{stays}");
    }
}
