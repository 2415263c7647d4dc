//! What a client sees of each event, and when: the table as it was measured, as data.
//!
//! Three servers, one shard, three replicas, s1 its configured primary; the client is on s2, where
//! nothing else is said. Times are milliseconds from the event.

use super::*;

/// The letters of the failures.
fn shown(outcome: &Result<(), OperationError>) -> String {
    let Err(error) = outcome else { return "ok".to_owned() };
    let letter = match error.failure {
        Failure::LostPrimary => "a",
        Failure::NoPrimary(_) => "b",
        Failure::NoQuorum => "c",
        Failure::HandingOver if error.write => "d",
        Failure::HandingOver => "d'",
        Failure::TwoPrimaries => "e",
        Failure::LostSecondaries if error.write => "f",
        Failure::LostSecondaries => "f'",
        Failure::NoReplica => "no replica",
        Failure::LostReplica => "lost replica",
        Failure::ServerDown => "refused",
        Failure::ServerDied => "reset",
    };
    format!("{letter}{}", if error.indeterminate { "?" } else { "" })
}

/// The moment of the event, long after the beginning.
const ORIGIN_US: u64 = 100_000_000;

/// What befalls servers, with its time in milliseconds from the event.
fn script(event: &str) -> Vec<(i64, Harm)> {
    let [s1, s2, s3] = ["s1", "s2", "s3"].map(server);
    match event {
        "primary killed" => vec![(0, Harm::Kill(s1))],
        "primary restarts" => vec![(-30_000, Harm::Kill(s1)), (0, Harm::Start(s1))],
        "primary hangs" => vec![(0, Harm::Pause(s1))],
        "primary cut off" => {
            let both = |one| [(0, Harm::Cut(s1, one)), (0, Harm::Cut(one, s1))];
            [s2, s3].into_iter().flat_map(both).collect()
        }
        "primary wakes up" => vec![(-30_000, Harm::Pause(s1)), (0, Harm::Resume(s1))],
        "primary hung for a moment" => vec![(-3_000, Harm::Pause(s1)), (0, Harm::Resume(s1))],
        "secondaries killed" => vec![(0, Harm::Kill(s2)), (0, Harm::Kill(s3))],
        "secondaries restarted" => vec![
            (-30_000, Harm::Kill(s2)),
            (-30_000, Harm::Kill(s3)),
            (0, Harm::Start(s2)),
            (0, Harm::Start(s3)),
        ],
        "own server dies" => vec![(0, Harm::Kill(s2))],
        other => panic!("no such event: {other}"),
    }
}

const TABLE_10_2: &str = "
    event                     | client | class    | asked   | answer       | at
    primary killed            | s2     | write    | -0.05   | a?           | 0
    primary killed            | s2     | write    | 1       | b            | 1
    primary killed            | s2     | write    | 1999    | b            | 1999
    primary killed            | s2     | write    | 2001    | c            | 2001
    primary killed            | s2     | write    | 2029    | c            | 2029
    primary killed            | s2     | write    | 2031    | ok           | 2031.9
    primary killed            | s2     | majority | -0.05   | a            | 0
    primary killed            | s2     | single   | 1000    | b            | 1000
    primary killed            | s2     | majority | 1000    | b            | 1000
    primary killed            | s2     | single   | 2010    | c            | 2010
    primary killed            | s2     | single   | 2031    | ok           | 2031
    primary killed            | s2     | majority | 2031    | ok           | 2031.9
    primary killed            | s2     | outdated | 1000    | ok           | 1000
    primary killed            | s2     | feed     | -1000   | ended        | 10
    primary killed            | s3     | feed     | 1000    | b            | 1000

    primary restarts          | s2     | write    | 500     | ok           | 500.9
    primary restarts          | s2     | write    | 601     | d            | 601
    primary restarts          | s2     | write    | 799     | d            | 799
    primary restarts          | s2     | write    | 801     | b            | 801
    primary restarts          | s2     | write    | 1199    | b            | 1199
    primary restarts          | s2     | write    | 1201    | c            | 1201
    primary restarts          | s2     | write    | 1261    | ok           | 1261.9
    primary restarts          | s2     | single   | 700     | ok           | 700
    primary restarts          | s2     | single   | 801     | b            | 801
    primary restarts          | s2     | single   | 1230    | c            | 1230
    primary restarts          | s2     | majority | 700     | d'           | 700
    primary restarts          | s3     | majority | 801     | b            | 801
    primary restarts          | s2     | majority | 1230    | c            | 1230
    primary restarts          | s2     | outdated | 805     | no replica   | 805
    primary restarts          | s2     | outdated | 900     | ok           | 900
    primary restarts          | s2     | feed     | -1000   | ended        | 810

    primary hangs             | s2     | write    | -0.05   | a?           | 15500
    primary hangs             | s2     | write    | 1000    | a?           | 15500
    primary hangs             | s2     | single   | 1000    | a            | 15500
    primary hangs             | s2     | majority | 1000    | a            | 15500
    primary hangs             | s2     | write    | 15501   | b            | 15501
    primary hangs             | s2     | write    | 16101   | c            | 16101
    primary hangs             | s2     | write    | 16131   | ok           | 16131.9
    primary hangs             | s2     | outdated | 5000    | ok           | 5000
    primary hangs             | s2     | feed     | -1000   | ended        | 15510
    primary hangs             | s1     | write    | 1000    | never        |

    primary cut off           | s2     | write    | 1000    | a?           | 15500
    primary cut off           | s2     | write    | 15600   | b            | 15600
    primary cut off           | s2     | write    | 16200   | ok           | 16200.9
    primary cut off           | s2     | feed     | -1000   | ended        | 15510
    primary cut off           | s1     | write    | 1000    | f?           | 15500
    primary cut off           | s1     | majority | 1000    | f'           | 15500
    primary cut off           | s1     | single   | 1000    | ok           | 1000
    primary cut off           | s1     | single   | 15501   | c            | 15501
    primary cut off           | s1     | write    | 17000   | c            | 17000
    primary cut off           | s1     | outdated | 17000   | ok           | 17000
    primary cut off           | s1     | feed     | -1000   | silent       |
    primary cut off           | s1     | feed     | 17000   | c            | 17000

    primary wakes up          | s2     | write    | 2       | e            | 2
    primary wakes up          | s2     | single   | 2       | e            | 2
    primary wakes up          | s2     | write    | 100     | ok           | 100.9
    primary wakes up          | s2     | write    | 291     | d            | 291
    primary wakes up          | s2     | write    | 491     | b            | 491
    primary wakes up          | s2     | write    | 891     | c            | 891
    primary wakes up          | s2     | write    | 951     | ok           | 951.9
    primary wakes up          | s2     | outdated | 495     | no replica   | 495
    primary wakes up          | s2     | feed     | -1000   | ended        | 500

    primary hung for a moment | s2     | write    | -1000   | ok           | 0.9
    primary hung for a moment | s2     | single   | -1000   | ok           | 0
    primary hung for a moment | s2     | write    | 300     | ok           | 300.9
    primary hung for a moment | s2     | feed     | -4000   | flows        |

    secondaries killed        | s1     | write    | -0.05   | f?           | 0
    secondaries killed        | s1     | majority | -0.05   | f'           | 0
    secondaries killed        | s1     | write    | 1       | c            | 1
    secondaries killed        | s1     | single   | 1       | c            | 1
    secondaries killed        | s1     | majority | 60000   | c            | 60000
    secondaries killed        | s1     | outdated | 60000   | ok           | 60000
    secondaries killed        | s1     | feed     | -1000   | silent       |
    secondaries killed        | s1     | feed     | 1000    | c            | 1000

    secondaries restarted     | s1     | write    | 199     | c            | 199
    secondaries restarted     | s1     | write    | 201     | ok           | 201.9
    secondaries restarted     | s1     | single   | 201     | ok           | 201

    own server dies           | s2     | write    | -0.05   | reset?       | 0
    own server dies           | s2     | single   | 1       | refused      | 1
    own server dies           | s2     | feed     | -1000   | gone         | 0
    own server dies           | s1     | write    | 1       | ok           | 1.9
";

#[test]
fn clients_see_what_was_measured() {
    for line in TABLE_10_2.lines().map(str::trim).filter(|line| !line.is_empty()).skip(1) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [event, client, class, asked, answer, at] = cells.try_into().expect(line);
        assert_eq!(seen(event, client, class, asked), (answer.to_owned(), at.to_owned()), "{line}");
    }
}

/// What a client sees, and when.
fn seen(event: &str, client: &str, class: &str, asked: &str) -> (String, String) {
    let kind = match class {
        "write" => WRITE,
        "single" => SINGLE,
        "majority" => MAJORITY,
        "outdated" => OUTDATED,
        "feed" => AccessKind::Follow,
        other => panic!("no such class: {other}"),
    };
    let from_event = |us: i64| ORIGIN_US.saturating_add_signed(us);
    let asked_us = from_event(us(asked));
    let mut bench = Bench::new(3, 1, 3);
    let harms: Vec<_> =
        script(event).into_iter().map(|(ms, harm)| (from_event(ms * 1000), harm)).collect();
    let (before, after) = harms.split_at(harms.partition_point(|(at, _)| *at <= asked_us));
    let harm = |bench: &mut Bench, harms: &[(u64, Harm)]| {
        for (at, harm) in harms {
            bench.until(*at);
            bench.harm(*harm);
        }
    };
    harm(&mut bench, before);
    bench.until(asked_us);
    let number = bench.ask(server(client), Keys::All, kind);
    harm(&mut bench, after);
    bench.until(2 * ORIGIN_US);
    let at = |moment: u64| {
        let tenths = (moment - ORIGIN_US) / 100;
        let fraction = if tenths.is_multiple_of(10) { "" } else { &format!(".{}", tenths % 10) };
        format!("{}{fraction}", tenths / 10)
    };
    let nothing = String::new();
    match (bench.ended.get(&number), bench.answers.get(&number)) {
        (Some((moment, false)), _) => ("ended".to_owned(), at(*moment)),
        (Some((moment, true)), _) => ("gone".to_owned(), at(*moment)),
        (None, None) => ("never".to_owned(), nothing),
        (None, Some((_, Ok(())))) if class == "feed" => {
            let flows = bench.flows.contains(&number);
            (if flows { "flows" } else { "silent" }.to_owned(), nothing)
        }
        (None, Some((moment, outcome))) => (shown(outcome), at(*moment)),
    }
}

fn us(ms: &str) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "some thousands of milliseconds")]
    let us = (ms.parse::<f64>().unwrap() * 1000.0).round() as i64;
    us
}

#[test]
fn the_texts_are_those_of_rethinkdb() {
    let range = KeyRange::between(&[number_key(2.0)]).remove(1);
    let text = |failure: Failure, write| {
        OperationError { failure, write, indeterminate: false }.to_string()
    };
    assert_eq!(
        text(Failure::NoPrimary(range), true),
        r#"Cannot perform write: primary replica for shard ["Nc000000000000000\x232", +inf) not available"#
    );
    assert_eq!(
        text(Failure::LostPrimary, false),
        "Cannot perform read: lost contact with primary replica"
    );
    assert_eq!(
        text(Failure::NoQuorum, false),
        "Cannot perform read: The primary replica isn't connected to a quorum of replicas. The \
         read was not performed, you can do an outdated read using `read_mode=\"outdated\"`."
    );
    assert_eq!(
        text(Failure::HandingOver, true),
        "Cannot perform write: The primary replica is currently changing from one replica to \
         another. The write was not performed. This error should go away in a couple of seconds."
    );
    assert_eq!(
        text(Failure::LostSecondaries, true),
        "Cannot perform write: The primary replica lost contact with the secondary replicas. The \
         write may or may not have been performed."
    );
}
