//! Shards and replicas move.

use super::*;

fn lies(bench: &Bench) -> Vec<ShardLayout> {
    bench.cluster.layout(TABLE).unwrap().to_vec()
}

fn is_ok(bench: &mut Bench, kind: AccessKind) -> bool {
    let number = bench.ask(server("s3"), Keys::All, kind);
    bench.after(5_000);
    bench.answers[&number].1.is_ok()
}

#[test]
fn new_shards_end_feeds_and_are_back_after_a_moment() {
    let mut bench = Bench::new(3, 1, 3);
    bench.until(1_000_000);
    let feed = bench.ask(server("s2"), Keys::All, AccessKind::Follow);
    let write = bench.ask(server("s2"), Keys::All, WRITE);
    bench.reconfigure(layout(3, 2, 3)).unwrap();
    let at = bench.now;
    let error = bench.answers[&write].1.clone().unwrap_err();
    assert_eq!((error.failure, error.indeterminate), (Failure::LostPrimary, true));
    bench.after(100_000);
    assert_eq!(bench.ended[&feed], (at + Timing::default().abort_us, false));
    assert!(!is_ok(&mut bench, WRITE));
    bench.after(100_000);
    assert!(is_ok(&mut bench, WRITE));
    assert_eq!(bench.lost, [], "replicas agree before shards are cut anew");
    let primaries = [0, 1].map(|shard| bench.cluster.primary(TABLE, shard).unwrap());
    assert_eq!(primaries, ["s1", "s2"].map(server));
}

#[test]
fn what_is_still_moving_can_be_moved_again() {
    let mut bench = Bench::new(3, 1, 1);
    bench.until(1_000_000);
    bench.reconfigure(layout(3, 2, 1)).unwrap();
    assert!(!is_ok(&mut bench, WRITE), "the new primaries are not there yet");
    bench.reconfigure(layout(3, 2, 3)).unwrap();
    bench.after(10_000_000);
    assert_eq!(bench.cluster.table_status(TABLE).unwrap().ready, Readiness::Finished);
    assert!(is_ok(&mut bench, WRITE));
    assert_eq!(bench.lost, []);
}

#[test]
fn another_primary_takes_over_and_ends_feeds() {
    let mut bench = Bench::new(3, 1, 3);
    bench.until(1_000_000);
    let feed = bench.ask(server("s2"), Keys::All, AccessKind::Follow);
    let mut layout = lies(&bench);
    layout[0].replicas = ["s2", "s3", "s1"].map(server).to_vec();
    bench.reconfigure(layout).unwrap();
    bench.after(100_000);
    assert!(!is_ok(&mut bench, WRITE));
    assert!(is_ok(&mut bench, SINGLE));
    bench.after(1_000_000);
    assert!(is_ok(&mut bench, WRITE));
    assert_eq!(bench.cluster.primary(TABLE, 0), Some(server("s2")));
    assert!(bench.ended.contains_key(&feed));
}

#[test]
fn other_replicas_disturb_nobody_and_are_complete_before_they_count() {
    let mut bench = Bench::new(5, 1, 3);
    bench.until(1_000_000);
    let feed = bench.ask(server("s2"), Keys::All, AccessKind::Follow);
    let write = bench.ask(server("s3"), Keys::All, WRITE);
    bench.after(5_000);
    let mut layout = lies(&bench);
    layout[0].replicas = ["s1", "s4", "s5"].map(server).to_vec();
    bench.reconfigure(layout).unwrap();
    assert_eq!(bench.cluster.table_status(TABLE).unwrap().ready, Readiness::Writes);
    bench.after(1_000_000);
    assert_eq!(bench.cluster.table_status(TABLE).unwrap().ready, Readiness::Finished);
    assert!(bench.answers[&write].1.is_ok() && bench.ended.is_empty(), "feed {feed} is open");
    // The old replicas are not needed any more; the new ones have everything.
    for name in ["s1", "s2"] {
        bench.harm(Harm::PowerLoss(server(name)));
    }
    bench.after(10_000_000);
    assert!(is_ok(&mut bench, WRITE));
    assert_eq!(bench.lost, []);
}

#[test]
fn a_primary_that_is_replica_no_more_hands_over_and_goes() {
    let mut bench = Bench::new(4, 1, 3);
    bench.until(1_000_000);
    let mut layout = lies(&bench);
    layout[0].replicas = ["s2", "s3", "s4"].map(server).to_vec();
    bench.reconfigure(layout).unwrap();
    bench.after(10_000_000);
    assert_eq!(bench.cluster.primary(TABLE, 0), Some(server("s2")));
    let status = bench.cluster.table_status(TABLE).unwrap();
    assert_eq!(status.ready, Readiness::Finished);
    bench.harm(Harm::Kill(server("s1")));
    bench.harm(Harm::Kill(server("s4")));
    assert!(is_ok(&mut bench, WRITE), "s2 and s3 are a majority of three");
}

#[test]
fn without_a_majority_nothing_moves() {
    let mut bench = Bench::new(3, 1, 3);
    bench.until(1_000_000);
    bench.harm(Harm::Kill(server("s2")));
    bench.harm(Harm::Kill(server("s3")));
    let before = lies(&bench);
    let refused = bench.reconfigure(layout(3, 2, 3)).unwrap_err();
    assert!(refused.to_string().starts_with(
        "The server(s) hosting table `test.f` are currently unreachable. The table was not \
         reconfigured. If you do not expect the server(s) to recover, you can use \
         `emergency_repair`"
    ));
    assert_eq!(lies(&bench), before);
}

#[test]
fn what_is_on_its_way_to_a_primary_that_goes_is_lost_with_it() {
    let mut bench = Bench::new(3, 1, 3);
    bench.until(1_000_000);
    bench.harm(Harm::Cut(server("s2"), server("s1")));
    let write = bench.ask(server("s2"), Keys::All, WRITE);
    let mut layout = lies(&bench);
    layout[0].replicas = ["s3", "s1", "s2"].map(server).to_vec();
    bench.reconfigure(layout).unwrap();
    bench.after(Timing::default().hand_over_us + 1);
    let error = bench.answers[&write].1.clone().unwrap_err();
    assert_eq!((error.failure, error.indeterminate), (Failure::LostPrimary, true));
}

#[test]
fn a_dropped_table_ends_its_feeds() {
    let mut bench = Bench::new(3, 1, 3);
    bench.until(1_000_000);
    let feed = bench.ask(server("s2"), Keys::All, AccessKind::Follow);
    let now = bench.now;
    let mut effects = Vec::new();
    bench.cluster.drop_table(now, TABLE, &mut effects);
    bench.until(now + 1_000_000);
    assert!(bench.ended.contains_key(&feed));
    assert_eq!(bench.cluster.next_us(), None);
}

#[test]
fn a_table_that_is_made_later_is_ready_at_once() {
    let mut bench = Bench::new(3, 1, 3);
    let later = TableSpec {
        db: "test".into(),
        name: "later".into(),
        acks: WriteAcks::Majority,
        layout: layout(3, 1, 3),
    };
    bench.cluster.create_table(1_000_000, TABLE + 1, later, &mut Vec::new());
    assert!(bench.cluster.is_reachable(TABLE + 1));
    let status = bench.cluster.table_status(TABLE + 1).unwrap();
    assert_eq!(status.ready, Readiness::Finished);
}
