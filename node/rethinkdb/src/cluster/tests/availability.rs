//! Quorums: who still answers when some replicas do not.

use super::*;

fn kinds(bench: &mut Bench, from: &str, keys: &Keys) -> String {
    let asked = [WRITE, SINGLE, MAJORITY, OUTDATED, AccessKind::Follow]
        .map(|kind| bench.ask(server(from), keys.clone(), kind));
    bench.after(5_000);
    let shown = asked.map(|number| if bench.answers[&number].1.is_ok() { "ok" } else { "-" });
    shown.join(" ")
}

const QUORUMS: &str = "
    servers | replicas | down  | client | write single majority outdated feed
    3       | 3        |       | s3     | ok ok ok ok ok
    3       | 3        | s3    | s1     | ok ok ok ok ok
    3       | 3        | s1    | s2     | ok ok ok ok ok
    3       | 3        | s2 s3 | s1     | - - - ok -
    3       | 3        | s1 s2 | s3     | - - - ok -
    3       | 1        | s2    | s3     | ok ok ok ok ok
    3       | 1        | s1    | s2     | - - - - -
    2       | 2        | s2    | s1     | - - - ok -
    5       | 5        | s1 s2 | s5     | ok ok ok ok ok
    5       | 5        | s1 s2 s3 | s5  | - - - ok -
    4       | 3        | s4    | s2     | ok ok ok ok ok
";

#[test]
fn a_majority_of_the_replicas_answers_and_fewer_do_not() {
    for line in QUORUMS.lines().map(str::trim).filter(|line| !line.is_empty()).skip(1) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [servers, replicas, down, client, expected] = cells.try_into().expect(line);
        let mut bench = Bench::new(servers.parse().unwrap(), 1, replicas.parse().unwrap());
        bench.until(1_000_000);
        for name in down.split_whitespace() {
            bench.harm(Harm::Kill(server(name)));
        }
        bench.after(60_000_000);
        assert_eq!(kinds(&mut bench, client, &Keys::All), expected, "{line}");
        // Whatever was down, all is well some time after it has come back.
        for name in down.split_whitespace() {
            bench.harm(Harm::Start(server(name)));
        }
        bench.after(10_000_000);
        assert_eq!(kinds(&mut bench, client, &Keys::All), "ok ok ok ok ok", "{line}");
        let status = bench.cluster.table_status(TABLE).unwrap();
        assert_eq!(status.ready, Readiness::Finished, "{line}");
        assert_eq!(status.shards[0].primary_replicas, ["s1"], "{line}");
    }
}

#[test]
fn a_lone_replica_is_back_two_seconds_after_its_start() {
    let mut bench = Bench::new(1, 1, 1);
    bench.until(1_000_000);
    bench.harm(Harm::Stop(server("s1")));
    let refused = bench.ask(server("s1"), key("1"), WRITE);
    assert_eq!(bench.answers[&refused].1.as_ref().unwrap_err().failure, Failure::ServerDown);
    bench.after(1_000_000);
    bench.harm(Harm::Start(server("s1")));
    let asked = |bench: &mut Bench, kind| {
        let number = bench.ask(server("s1"), key("1"), kind);
        bench.answers.get(&number).map(|(_, outcome)| outcome.clone())
    };
    bench.after(2_060_000);
    assert!(matches!(
        asked(&mut bench, SINGLE),
        Some(Err(OperationError { failure: Failure::NoPrimary(_), .. }))
    ));
    bench.after(41_000);
    assert_eq!(asked(&mut bench, SINGLE), Some(Ok(())));
}

#[test]
fn a_scan_needs_every_shard_and_a_get_only_its_own() {
    // Two shards with one replica each: s1 has the lower keys, s2 the upper ones.
    let mut bench = Bench::new(3, 2, 1);
    bench.until(1_000_000);
    bench.harm(Harm::Kill(server("s2")));
    bench.after(1_000_000);
    assert_eq!(kinds(&mut bench, "s3", &key("1")), "ok ok ok ok ok");
    assert_eq!(kinds(&mut bench, "s3", &key("f")), "- - - - -");
    assert_eq!(kinds(&mut bench, "s3", &Keys::All), "- - - - -");
    let between =
        |from, to| Keys::Between(KeyRange { from: text_key(from), to: Some(text_key(to)) });
    assert_eq!(kinds(&mut bench, "s3", &between("0", "6")), "ok ok ok ok ok");
    assert_eq!(kinds(&mut bench, "s3", &between("6", "f")), "- - - - -");
    assert_eq!(kinds(&mut bench, "s3", &between("9", "f")), "- - - - -");
    let scan = bench.ask(server("s3"), Keys::All, WRITE);
    let (_, outcome) = &bench.answers[&scan];
    // Nothing was sent anywhere: definitely not done.
    assert!(!outcome.as_ref().unwrap_err().indeterminate);
    assert_eq!(bench.done, [1, 16], "only the writes of lower keys were done");
}

#[test]
fn a_write_that_reaches_some_shards_only_is_indeterminate() {
    // s1 has the lower keys with s3 and s4, s2 the upper ones with s5 and s6.
    let range = KeyRange::between(&split_points_for_uuids(2));
    let replicas = [["s1", "s3", "s4"], ["s2", "s5", "s6"]];
    let layout = range
        .into_iter()
        .zip(replicas)
        .map(|(range, replicas)| ShardLayout { range, replicas: replicas.map(server).to_vec() });
    let mut bench = Bench::new(6, 1, 1);
    bench.until(1_000_000);
    bench.reconfigure(layout.collect()).unwrap();
    bench.after(10_000_000);
    bench.harm(Harm::Kill(server("s5")));
    bench.harm(Harm::Kill(server("s6")));
    let number = bench.ask(server("s1"), Keys::All, WRITE);
    bench.after(10_000);
    let error = bench.answers[&number].1.clone().unwrap_err();
    assert_eq!((error.failure, error.indeterminate), (Failure::NoQuorum, true));
    assert_eq!(bench.done, [number], "the lower keys were written");
}

#[test]
fn who_sees_each_other_through_a_third_one_only_does_not_fail_over() {
    // s1 and s2 see s3, not each other; s1 keeps its majority with s3.
    let mut bench = Bench::new(3, 1, 3);
    bench.until(1_000_000);
    bench.harm(Harm::Cut(server("s1"), server("s2")));
    bench.harm(Harm::Cut(server("s2"), server("s1")));
    bench.after(60_000_000);
    assert_eq!(kinds(&mut bench, "s3", &Keys::All), "ok ok ok ok ok");
    assert_eq!(kinds(&mut bench, "s2", &Keys::All), "- - - ok -");
    assert_eq!(bench.cluster.term(TABLE, 0), Some(1));
    bench.harm(Harm::Heal(server("s1"), server("s2")));
    bench.harm(Harm::Heal(server("s2"), server("s1")));
    bench.after(1_000_000);
    assert_eq!(kinds(&mut bench, "s2", &Keys::All), "ok ok ok ok ok");
}

#[test]
fn what_is_heard_one_way_is_done_and_its_answer_lost() {
    let mut bench = Bench::new(3, 1, 3);
    bench.until(1_000_000);
    bench.harm(Harm::Cut(server("s1"), server("s2")));
    let number = bench.ask(server("s2"), key("1"), WRITE);
    bench.after(1_000_000);
    assert_eq!((bench.done.as_slice(), bench.answers.len()), ([number].as_slice(), 0));
    bench.after(20_000_000);
    let error = bench.answers[&number].1.clone().unwrap_err();
    assert_eq!((error.failure, error.indeterminate), (Failure::LostPrimary, true));
    assert_eq!(bench.lost, [], "it was done");
}

#[test]
fn a_feed_does_not_hear_through_a_cut_until_it_is_healed() {
    let mut bench = Bench::new(3, 1, 3);
    bench.until(1_000_000);
    let feed = bench.ask(server("s2"), Keys::All, AccessKind::Follow);
    let hears = |bench: &Bench| bench.cluster.hears(feed, TABLE, &text_key("1"));
    assert!(hears(&bench));
    bench.harm(Harm::Cut(server("s1"), server("s2")));
    assert!(!hears(&bench));
    bench.after(3_000_000);
    bench.harm(Harm::Heal(server("s1"), server("s2")));
    assert!(hears(&bench));
    assert_eq!((bench.flows.as_slice(), bench.ended.len()), ([feed].as_slice(), 0));
}

#[test]
fn the_status_shows_what_is_left() {
    let mut bench = Bench::new(3, 1, 3);
    bench.until(1_000_000);
    bench.harm(Harm::Kill(server("s2")));
    bench.harm(Harm::Kill(server("s3")));
    bench.after(1_000_000);
    let status = bench.cluster.table_status(TABLE).unwrap();
    assert_eq!(
        status.document().canonical().unwrap(),
        r#"{"raft_leader":null,"shards":[{"primary_replicas":["s1"],"replicas":["#.to_owned()
            + r#"{"server":"s1","state":"waiting_for_quorum"},"#
            + r#"{"server":"s2","state":"disconnected"},"#
            + r#"{"server":"s3","state":"disconnected"}]}],"status":{"all_replicas_ready":false,"#
            + r#""ready_for_outdated_reads":true,"ready_for_reads":false,"ready_for_writes":false}}"#
    );
    assert!(!bench.cluster.is_connected(server("s1"), server("s2")));
}
