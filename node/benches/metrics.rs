//! What metrics cost: whoever counts, levels or times something, and the thread that makes lines of it.
//!
//! METRICS.md says what that comes to for a transaction.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bigchaindb::metrics::labels::{Endpoint, Method};
use bigchaindb::metrics::{Counter, Gauge, Lines, Metrics, Names, Rate, Timer, Timing};
use criterion::{Criterion, criterion_group, criterion_main};

/// So many timings wait at most while their lines are not made: fewer than there is room for.
const WAITING: u64 = 1 << 15;

fn metrics(rate: f64) -> (Metrics, Lines) {
    let (rate, _) = Rate::nearest(rate).expect("a rate");
    Metrics::new(Names::new("n1", "host"), rate)
}

/// An event, as the stages of a node meet it.
fn events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("event");
    let (on, _lines) = metrics(0.01);
    let off = Metrics::default();
    group.bench_function("counter", |b| b.iter(|| black_box(&on).count(Counter::TxWritten, 1)));
    group.bench_function("gauge", |b| b.iter(|| black_box(&on).set(Gauge::BacklogMine, 7)));
    group.bench_function("counter, off", |b| {
        b.iter(|| black_box(&off).count(Counter::TxWritten, 1));
    });
    for (name, timing) in [
        ("timing", Timing::from(Timer::VoteLatency)),
        ("timing, one in 100", Timing::from(Timer::TxWrite)),
        ("timing with labels, one in 100", Timing::Http(Endpoint::Transactions, Method::Post, 201)),
    ] {
        let (on, mut lines) = metrics(0.01);
        let event = || black_box(&on).time(black_box(timing), Duration::from_micros(250));
        group.bench_function(name, |b| {
            b.iter_custom(|times| {
                timed(times, || lines.take(|_| {}), || (0..WAITING).for_each(|_| event()))
            });
        });
    }
    group.finish();
}

/// A line, as the thread that sends them makes it. Not on anybody's way.
fn lines(criterion: &mut Criterion) {
    let (on, mut lines) = metrics(1.0);
    let fill =
        || (0..WAITING).for_each(|_| on.time(Timer::VoteLatency, Duration::from_micros(250)));
    let mut make = || {
        lines.take(|line| {
            black_box(line);
        });
    };
    criterion.bench_function("line", |b| b.iter_custom(|times| timed(times, fill, &mut make)));
}

/// How long it takes to do something so many times, of which a batch does [`WAITING`]; what comes before each
/// batch does not count.
fn timed(times: u64, mut before: impl FnMut(), mut batch: impl FnMut()) -> Duration {
    let batches = times.div_ceil(WAITING);
    let mut took = Duration::ZERO;
    for _ in 0..batches {
        before();
        let began = now();
        batch();
        took += began.elapsed();
    }
    took.mul_f64(times as f64 / (batches * WAITING) as f64)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark takes the time")]
fn now() -> Instant {
    Instant::now()
}

criterion_group!(benches, events, lines);
criterion_main!(benches);
