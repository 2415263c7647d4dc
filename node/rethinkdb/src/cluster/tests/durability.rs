//! Which writes are lost with whom.

use super::*;

/// Waits for an answer, which has to be good; the time is as it was before.
fn acknowledged(bench: &mut Bench, number: u64) {
    bench.after(1_500);
    assert_eq!(bench.answers[&number].1, Ok(()), "write {number}");
}

fn lost(bench: &Bench) -> Vec<(u64, bool)> {
    bench.lost.iter().map(|undone| (undone.what, undone.acknowledged)).collect()
}

/// One replica: writes so many milliseconds before the end, in this order, and which of them are lost.
const LONE: &str = "
    end    | writes                         | lost
    kill   | soft 10, soft 1                | 2
    kill   | soft 10, soft 3                |
    kill   | soft 10, hard 2                |
    kill   | soft 1.9, soft 1.8, hard 0.1   | 3 2 1
    kill   | soft 1.9, soft 1.8, hard 1     |
    kill   | soft 1, read 0.9               |
    stop   | soft 10, soft 0                |
    power  | soft 9000, soft 4000, soft 1   | 3 2
    power  | soft 4000, hard 1              |
    power  | soft 4000, read 1, soft 0.1    | 3
    power  | hard 0.1                       | 1
";

#[test]
fn a_lone_server_loses_what_its_disk_does_not_have() {
    for line in LONE.lines().map(str::trim).filter(|line| !line.is_empty()).skip(1) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [end, writes, expected] = cells.try_into().expect(line);
        let mut bench = Bench::new(1, 1, 1);
        let s1 = server("s1");
        for write in writes.split(", ") {
            let (kind, before) = write.split_once(' ').expect(line);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
            let before_us = (before.parse::<f64>().unwrap() * 1000.0) as u64;
            bench.until(10_000_000 - before_us);
            let kind = match kind {
                "soft" => SOFT,
                "hard" => WRITE,
                _ => MAJORITY,
            };
            bench.ask(s1, key("1"), kind);
        }
        bench.until(10_000_000);
        bench.harm(match end {
            "kill" => Harm::Kill(s1),
            "stop" => Harm::Stop(s1),
            _ => Harm::PowerLoss(s1),
        });
        bench.harm(Harm::Start(s1));
        bench.after(3_000_000);
        let lost: Vec<_> = bench.lost.iter().map(|undone| undone.what.to_string()).collect();
        assert_eq!(lost.join(" "), expected, "{line}");
    }
}

#[test]
fn acknowledged_alone_is_lost_with_the_one() {
    let mut bench = Bench::with(3, 1, 3, WriteAcks::Single, Timing::default());
    bench.until(1_000_000);
    let safe = bench.ask(server("s2"), key("1"), SOFT);
    acknowledged(&mut bench, safe);
    // Acknowledged at once, and on no other replica for another tenth of a millisecond.
    let lone = bench.ask(server("s2"), key("1"), SOFT);
    assert!(bench.answers[&lone].1.is_ok());
    bench.harm(Harm::Kill(server("s1")));
    bench.after(3_000_000);
    assert_eq!(lost(&bench), [(lone, true)]);
}

#[test]
fn a_majority_in_memory_survives_one_death_but_no_power_cut() {
    for (deaths, survives) in [(&["s1"][..], true), (&["s1", "s2", "s3"], false)] {
        let mut bench = Bench::new(3, 1, 3);
        bench.until(1_000_000);
        let write = bench.ask(server("s2"), key("1"), SOFT);
        acknowledged(&mut bench, write);
        for death in deaths {
            bench.harm(Harm::PowerLoss(server(death)));
        }
        bench.after(1_000_000);
        for death in deaths {
            bench.harm(Harm::Start(server(death)));
        }
        bench.after(10_000_000);
        let expected = if survives { vec![] } else { vec![(write, true)] };
        assert_eq!(lost(&bench), expected);
    }
}

#[test]
fn a_primary_that_is_cut_off_acknowledges_alone_what_is_lost_later() {
    let mut bench = Bench::with(3, 1, 3, WriteAcks::Single, Timing::default());
    bench.until(1_000_000);
    for other in ["s2", "s3"].map(server) {
        bench.harm(Harm::Cut(server("s1"), other));
        bench.harm(Harm::Cut(other, server("s1")));
    }
    bench.after(5_000_000);
    let alone = bench.ask(server("s1"), key("1"), WRITE);
    acknowledged(&mut bench, alone);
    // Seen by whoever reads there, with `single` only.
    let dirty = bench.ask(server("s1"), key("1"), SINGLE);
    assert!(bench.answers[&dirty].1.is_ok());
    let read = bench.ask(server("s1"), key("1"), MAJORITY);
    bench.after(20_000_000);
    assert_eq!(bench.answers[&read].1.clone().unwrap_err().failure, Failure::LostSecondaries);
    assert_eq!(lost(&bench), [(alone, true)]);
}

#[test]
fn a_write_without_an_answer_is_lost_or_done_depending_on_who_returns() {
    for (deposed, expected) in [(true, 1), (false, 0)] {
        let mut bench = Bench::new(3, 1, 3);
        bench.until(1_000_000);
        let others = ["s2", "s3"].map(server);
        for other in others {
            bench.harm(Harm::Cut(server("s1"), other));
            bench.harm(Harm::Cut(other, server("s1")));
        }
        if !deposed {
            bench.harm(Harm::Cut(others[0], others[1]));
        }
        let write = bench.ask(server("s1"), key("1"), WRITE);
        bench.after(30_000_000);
        let error = bench.answers[&write].1.clone().unwrap_err();
        assert_eq!((error.failure, error.indeterminate), (Failure::LostSecondaries, true));
        for one in bench.cluster.servers() {
            for other in bench.cluster.servers().filter(|other| *other != one) {
                bench.harm(Harm::Heal(one, other));
            }
        }
        bench.after(10_000_000);
        assert_eq!(bench.lost.len(), expected);
        assert!(bench.lost.iter().all(|undone| !undone.acknowledged));
    }
}

#[test]
fn an_outdated_read_does_not_see_what_its_replica_has_not() {
    let mut bench = Bench::with(3, 1, 3, WriteAcks::Majority, Timing::default());
    bench.until(1_000_000);
    bench.harm(Harm::Cut(server("s1"), server("s3")));
    let mut writes = Vec::new();
    for kind in [WRITE, SOFT, WRITE] {
        let write = bench.ask(server("s2"), key("1"), kind);
        acknowledged(&mut bench, write);
        writes.insert(0, write);
    }
    let unseen = |bench: &mut Bench, from: &str| {
        let read = bench.ask(server(from), key("1"), OUTDATED);
        bench.unseen[&read].clone()
    };
    assert_eq!(unseen(&mut bench, "s1"), NOTHING);
    assert_eq!(unseen(&mut bench, "s2"), NOTHING);
    assert_eq!(unseen(&mut bench, "s3"), writes);
    bench.harm(Harm::Heal(server("s1"), server("s3")));
    assert_eq!(unseen(&mut bench, "s3"), NOTHING);
}

const NOTHING: [u64; 0] = [];

#[test]
fn a_slow_link_holds_up_writes_that_need_it_and_no_others() {
    let mut bench = Bench::new(3, 1, 3);
    let primary = bench.cluster.primary(TABLE, 0).unwrap();
    let others: Vec<_> = bench.cluster.servers().filter(|one| *one != primary).collect();
    let hard = AccessKind::Write(Durability::Hard);
    let takes_us = |bench: &mut Bench| {
        let began_us = bench.now;
        let number = bench.ask(primary, Keys::These(vec![text_key("1")]), hard);
        bench.after(1_000_000);
        assert_eq!(bench.answers[&number].1, Ok(()));
        bench.answers[&number].0 - began_us
    };
    let usual_us = takes_us(&mut bench);
    bench.harm(Harm::Slow(others[0], 100));
    assert_eq!(takes_us(&mut bench), usual_us, "the other replica is enough");
    bench.harm(Harm::Slow(others[1], 100));
    let replicate_us = Timing::default().replicate_us;
    assert_eq!(takes_us(&mut bench), usual_us + 2 * 99 * replicate_us);
    bench.harm(Harm::Slow(others[0], 1));
    assert_eq!(takes_us(&mut bench), usual_us);
    bench.harm(Harm::Slow(primary, 10));
    assert_eq!(takes_us(&mut bench), usual_us + 2 * 9 * replicate_us, "all that it sends is slow");
}
