//! Laws: whatever happens, in whatever order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    Harm(u8, u16, u16),
    Ask(u16, u8, u8),
    Reconfigure(u16, usize, usize),
}

fn acts() -> impl Strategy<Value = Vec<(u64, Act)>> {
    // Times at all scales: a write's way, an election, a silence.
    let wait = prop_oneof![0..400u64, 0..5_000u64, 0..1_000_000u64, 0..20_000_000u64];
    let act = prop_oneof![
        3 => (0..8u8, any::<u16>(), any::<u16>()).prop_map(|(kind, a, b)| Act::Harm(kind, a, b)),
        5 => (any::<u16>(), 0..5u8, 0..3u8).prop_map(|(server, kind, keys)| {
            Act::Ask(server, kind, keys)
        }),
        1 => (any::<u16>(), 1..3usize, 1..6usize).prop_map(|(first, shards, replicas)| {
            Act::Reconfigure(first, shards, replicas)
        }),
    ];
    prop::collection::vec((wait, act), 1..60)
}

/// What has to stay true of a bench, and what has been seen so far.
#[derive(Default)]
struct Watch {
    /// The only primary of each term of each shard's life.
    primaries: BTreeMap<(u32, usize, u64), ServerId>,
    /// The term in which each write was done.
    terms: BTreeMap<u64, Vec<(u32, usize, u64)>>,
    seen: usize,
}

impl Watch {
    /// Looks at what was done since the last time: writes are done by one primary in each term.
    fn look(&mut self, bench: &Bench) -> Result<(), TestCaseError> {
        let performed = bench.performed[self.seen..].iter();
        for &(number, cut, shard, term, primary) in performed {
            let only = *self.primaries.entry((cut, shard, term)).or_insert(primary);
            prop_assert_eq!(only, primary, "two primaries in term {}", term);
            self.terms.entry(number).or_default().push((cut, shard, term));
        }
        self.seen = bench.performed.len();
        Ok(())
    }

    /// Nobody writes in an earlier term once there is a later one.
    fn terms_ascend(&self, bench: &Bench) -> Result<(), TestCaseError> {
        let mut latest = BTreeMap::new();
        for &(_, cut, shard, term, _) in &bench.performed {
            let before = latest.insert((cut, shard), term).unwrap_or(0);
            prop_assert!(before <= term, "term {} after {}", term, before);
        }
        Ok(())
    }
}

fn harm(bench: &mut Bench, kind: u8, one: u16, other: u16, servers: u16) {
    let (one, other) = (ServerId(one % servers), ServerId(other % servers));
    bench.harm(match kind {
        0 => Harm::Kill(one),
        1 => Harm::PowerLoss(one),
        2 => Harm::Stop(one),
        3 => Harm::Start(one),
        4 => Harm::Pause(one),
        5 => Harm::Resume(one),
        6 if one != other => Harm::Cut(one, other),
        _ if one != other => Harm::Heal(one, other),
        _ => Harm::Start(one),
    });
}

fn mend(bench: &mut Bench, servers: u16) {
    for one in (0..servers).map(ServerId) {
        bench.harm(Harm::Resume(one));
        bench.harm(Harm::Start(one));
        for other in (0..servers).map(ServerId).filter(|other| *other != one) {
            bench.harm(Harm::Heal(one, other));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn what_a_majority_has_on_disk_is_never_lost(
        servers in 1..6u16,
        shards in 1..3usize,
        replicas in 1..6usize,
        soft in any::<bool>(),
        acts in acts(),
    ) {
        let replicas = replicas.min(usize::from(servers));
        let mut bench = Bench::new(servers, shards, replicas);
        let mut watch = Watch::default();
        for (wait, act) in &acts {
            bench.after(*wait);
            match act {
                Act::Harm(kind, one, other) => harm(&mut bench, *kind, *one, *other, servers),
                Act::Ask(from, kind, keys) => {
                    let kind = match kind {
                        0 if soft => SOFT,
                        0 | 1 => WRITE,
                        2 => SINGLE,
                        3 => MAJORITY,
                        _ => AccessKind::Follow,
                    };
                    let keys = match keys {
                        0 => Keys::All,
                        1 => key("1"),
                        _ => key("f"),
                    };
                    bench.ask(ServerId(from % servers), keys, kind);
                }
                Act::Reconfigure(first, shards, replicas) => {
                    let order: Vec<_> =
                        (0..servers).map(|n| ServerId((first % servers + n) % servers)).collect();
                    let replicas = (*replicas).min(order.len());
                    let points = split_points_for_uuids(*shards);
                    let layout = lay_out(&points, replicas, &order, &[], &[]).unwrap();
                    // Refused without a majority, which is as it has to be.
                    let _refused = bench.reconfigure(layout);
                }
            }
            watch.look(&bench)?;
        }
        // All that is broken is mended: everybody gets an answer, and all is as before.
        mend(&mut bench, servers);
        bench.after(60_000_000);
        watch.look(&bench)?;
        watch.terms_ascend(&bench)?;
        let status = bench.cluster.table_status(TABLE).unwrap();
        prop_assert_eq!(status.ready, Readiness::Finished, "{:?}", status);
        prop_assert!(bench.cluster.flights.is_empty(), "somebody waits for ever");
        let last = bench.ask(ServerId(0), Keys::All, MAJORITY);
        bench.after(10_000);
        prop_assert_eq!(&bench.answers[&last].1, &Ok(()));

        // What was acknowledged, and what a majority read has shown, is there.
        let lost: BTreeSet<_> = bench.lost.iter().map(|undone| undone.what).collect();
        for (number, (at, outcome)) in &bench.answers {
            let operation = &bench.operations[number];
            match operation.accesses[0].kind {
                AccessKind::Write(Durability::Hard) if outcome.is_ok() => {
                    prop_assert!(!lost.contains(number), "write {} is lost", number);
                }
                AccessKind::Read(ReadMode::Majority) if outcome.is_ok() => {
                    for (seen, lost_us) in &bench.seen[number] {
                        let later = lost_us.borrow().is_some_and(|lost_us| lost_us > *at);
                        prop_assert!(!later, "read {} has seen write {}", number, seen);
                    }
                }
                _ => {}
            }
        }
        let acknowledged = |undone: &&Undone<u64>| undone.acknowledged;
        prop_assert!(soft || bench.lost.iter().find(acknowledged).is_none());
    }

    #[test]
    fn the_same_events_have_the_same_answers(servers in 1..5u16, acts in acts()) {
        let run = || {
            let replicas = usize::from(servers).min(3);
            let mut bench = Bench::new(servers, 2, replicas);
            for (wait, act) in &acts {
                bench.after(*wait);
                match act {
                    Act::Harm(kind, one, other) => harm(&mut bench, *kind, *one, *other, servers),
                    Act::Ask(from, ..) => {
                        bench.ask(ServerId(from % servers), Keys::All, WRITE);
                    }
                    Act::Reconfigure(..) => {}
                }
            }
            bench.after(60_000_000);
            (bench.answers, bench.lost)
        };
        prop_assert_eq!(run(), run());
    }

    /// Looking at the cluster more often than it asks for changes nothing.
    #[test]
    fn ticks_change_nothing(servers in 1..5u16, acts in acts(), extra in 1..2_000u64) {
        // Most of what happens by itself happens soon.
        const EXTRA_MAX: usize = 30;
        let run = |extra: Option<u64>| {
            let replicas = usize::from(servers).min(3);
            let mut bench = Bench::new(servers, 1, replicas);
            for (wait, act) in &acts {
                let until = bench.now + (*wait).min(2_000_000);
                for extra in extra.into_iter().cycle().take(EXTRA_MAX) {
                    bench.until((bench.now + extra).min(until));
                }
                bench.until(until);
                match act {
                    Act::Harm(kind, one, other) => harm(&mut bench, *kind, *one, *other, servers),
                    Act::Ask(from, kind, _) => {
                        let kinds = [SOFT, WRITE, SINGLE, MAJORITY, AccessKind::Follow];
                        let kind = kinds[usize::from(*kind)];
                        bench.ask(ServerId(from % servers), key("1"), kind);
                    }
                    Act::Reconfigure(..) => {}
                }
            }
            bench.after(60_000_000);
            (bench.answers, bench.lost)
        };
        prop_assert_eq!(run(None), run(Some(extra)));
    }
}
