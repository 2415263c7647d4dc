//! What a metric costs where it arises: nanoseconds per event.
//!
//! ```console
//! $ cargo run --release -p bigchaindb --example metrics
//! ```

use std::hint::black_box;
use std::time::Duration;

use bigchaindb::clock;
use bigchaindb::metrics::{Counter, Gauge, Metrics, Names, Rate, Timer};

/// Events of a turn; fewer than the timings that may wait.
const EVENTS: u32 = 50_000;

/// Turns; the quickest counts.
const TURNS: usize = 200;

type Event<'a> = &'a dyn Fn(&Metrics, u32);

fn main() {
    let one_in_a_hundred = Rate::nearest(0.01).map_or(Rate::ALL, |(rate, _)| rate);
    let took = Duration::from_micros(1234);
    let events: [(&str, Option<Rate>, Event<'_>); 5] = [
        ("a counter", Some(Rate::ALL), &|m, _| m.count(Counter::TxWritten, 1)),
        ("a gauge", Some(Rate::ALL), &|m, at| m.set(Gauge::QueueApi, at as usize)),
        ("a timing", Some(Rate::ALL), &|m, _| m.time(Timer::TxWrite, took)),
        ("a timing, sampled at 0.01", Some(one_in_a_hundred), &|m, _| m.time(Timer::TxWrite, took)),
        ("a timing that goes nowhere", None, &|m, _| m.time(Timer::TxWrite, took)),
    ];
    for (name, rate, event) in events {
        let ns = rate.map_or_else(
            || quickest(&Metrics::default(), event, || ()),
            |rate| {
                let (metrics, mut lines) = Metrics::new(Names::new("n", "vm"), rate);
                quickest(&metrics, event, || {
                    lines.take(|line| {
                        black_box(line);
                    });
                })
            },
        );
        println!("{name:<28} {ns:>6.1} ns");
    }
}

/// Nanoseconds per event; `between` turns there is time for the other end.
fn quickest(metrics: &Metrics, event: Event<'_>, mut between: impl FnMut()) -> f64 {
    let mut best = Duration::MAX;
    for _ in 0..TURNS {
        let began = clock::monotonic();
        for at in 0..EVENTS {
            event(black_box(metrics), black_box(at));
        }
        best = best.min(clock::monotonic() - began);
        between();
    }
    best.as_nanos() as f64 / f64::from(EVENTS)
}
