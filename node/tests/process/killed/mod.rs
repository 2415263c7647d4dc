//! The embedded server on disk, killed in the middle of its work again and again: what it had
//! acknowledged is there when it starts the next time, and nothing is there by half.
//!
//! Writers change documents over connections of their own, softly and durably, one by one and many at
//! once; somebody makes and drops a table and an index beside them, and somebody reads. SIGKILL ends
//! the process at a random moment, and what the next one finds on the same folder is held to what was
//! asked and acknowledged: the laws are in `history`.
//!
//! `BIGCHAINDB_TEST_KILLS` says how often, `BIGCHAINDB_TEST_SEED` by which chance.

mod admin;
mod history;
mod reader;
mod soft;
mod tables;
mod writer;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use history::{Clock, History};

use crate::chance::Chance;
use crate::program::{Process, now};

/// How often the server is killed unless the environment says otherwise.
const KILLS: u64 = 12;

/// The seed unless the environment says otherwise.
const SEED: u64 = 20_161_123;

/// Writers, each with a connection and documents of its own.
const WRITERS: usize = 6;

/// It is killed once so many requests were acknowledged, at most, and a little later.
const ACKNOWLEDGED_MAX: u64 = 1000;
const LATER_MAX_US: u64 = 15_000;

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}

#[test]
fn what_was_acknowledged_survives_sigkill() {
    let kills = number("BIGCHAINDB_TEST_KILLS", KILLS);
    let seed = number("BIGCHAINDB_TEST_SEED", SEED);
    println!("seed {seed}, {kills} kills");
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let mut process = Process::start(folder.path());
    tables::make(&mut process.connect());
    let mut histories: Vec<_> = (0..WRITERS).map(|_| History::default()).collect();
    let (mut restarts, mut oldest_lost) = (Vec::new(), Duration::ZERO);
    let (mut hard, mut soft, mut lost) = (0, 0, 0);
    for round in 0..kills {
        let mut admin = History::default();
        let mut chance = Chance::new(seed, round);
        let killed = load_and_kill(&mut process, &mut histories, &mut admin, &clock, &mut chance);
        process = Process::start(folder.path());
        restarts.push(process.started_in);
        let mut client = process.connect();
        let found = tables::read(&mut client);
        let of = |writer: usize| histories[writer].survived(&writer::prefix(writer), &found);
        let survived: Vec<_> = (0..WRITERS).map(of).collect();
        let documents: usize = survived.iter().map(|survived| survived.state.len()).sum();
        assert_eq!(found.len(), documents, "there are documents that nobody wrote");
        history::check_order(&histories, &survived, &admin);
        admin::check(&mut client, &admin, &found);
        for (history, survived) in histories.iter_mut().zip(survived) {
            let tally = history.tally(&survived, killed);
            (hard, soft, lost) = (hard + tally.hard, soft + tally.soft, lost + tally.lost);
            oldest_lost = oldest_lost.max(tally.oldest_lost);
            history.begin_anew(survived);
        }
    }
    assert!(hard > 0 && soft > 0, "{hard} hard writes, {soft} soft ones");
    println!("{hard} hard writes were acknowledged, and all are there");
    println!(
        "{soft} soft writes were acknowledged; {lost} are lost, the oldest {oldest_lost:?} old"
    );
    restarts.sort_unstable();
    let tenths = (0..=10).map(|tenth| restarts[(restarts.len() - 1) * tenth / 10]);
    println!("from start to first answer, in tenths: {:?}", tenths.collect::<Vec<_>>());
}

/// Lets everybody do their work, and ends the process in the middle of it; when that was.
fn load_and_kill(
    process: &mut Process,
    histories: &mut [History],
    admin: &mut History,
    clock: &Clock,
    chance: &mut Chance,
) -> Instant {
    let acknowledged = AtomicU64::new(0);
    let kill_at = chance.below(ACKNOWLEDGED_MAX) + 1;
    let killer = thread::current();
    let tell = &|| {
        if acknowledged.fetch_add(1, Ordering::Relaxed) + 1 >= kill_at {
            killer.unpark();
        }
    };
    thread::scope(|scope| {
        for (number, history) in histories.iter_mut().enumerate() {
            let (client, mut chance) = (process.connect(), Chance::new(chance.next(), 0));
            scope.spawn(move || {
                writer::write(client, number, history, clock, &mut chance, tell);
            });
        }
        let client = process.connect();
        scope.spawn(|| admin::administer(client, admin, clock));
        let (client, mut reader_chance) = (process.connect(), Chance::new(chance.next(), 0));
        scope.spawn(move || reader::read(client, WRITERS, &mut reader_chance));
        while acknowledged.load(Ordering::Relaxed) < kill_at {
            // A writer that failed tells nothing more.
            thread::park_timeout(Duration::from_secs(1));
            assert!(process.lives(), "it ended by itself");
        }
        // Wherever in a flush that may be.
        thread::sleep(Duration::from_micros(chance.below(LATER_MAX_US)));
        let killed = now();
        process.kill();
        killed
    })
}
