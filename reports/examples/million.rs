//! How long the report of a million transactions takes, and how large it gets.
//!
//! The run is made up: seven nodes, 4,000 seconds at about 250 operations a second, a fault every
//! three minutes, a violation with a long life line. Only the report is timed: from `results.json` on
//! disk to every file next to it.
//!
//! ```text
//! cargo run --release -p bigchaindb-reports --example million [FOLDER]
//! ```
//!
//! The files stay in `FOLDER`, if one is named. Exit code 1 if it took more than 5 s or the page is
//! larger than 3 MB.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use bigchaindb_simulator::record::{Results, RunDirectory};
use serde_json::{Value, json};

const SECONDS: u64 = 4_000;
const OPERATIONS: u64 = 1_000_000;
const NODES: u64 = 7;
const LIMIT_S: f64 = 5.0;
const LIMIT_BYTES: u64 = 3_000_000;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let folder = match std::env::args_os().nth(1) {
        Some(folder) => PathBuf::from(folder),
        None => std::env::temp_dir().join(format!("million-{}", std::process::id())),
    };
    let is_kept = std::env::args_os().nth(1).is_some();
    let results: Results = serde_json::from_value(made_up())?;
    RunDirectory::create(&folder)?.write_results(&results)?;

    #[expect(clippy::disallowed_methods, reason = "what is timed is this machine")]
    let began = Instant::now();
    let page = bigchaindb_reports::write(&folder)?;
    let took_s = began.elapsed().as_secs_f64();
    let bytes = std::fs::metadata(&page)?.len();

    println!("transactions: {}", results.measures.counts.transactions);
    println!("took: {took_s:.2} s (at most {LIMIT_S} s)");
    println!("page: {:.2} MB (at most {:.0} MB)", bytes as f64 / 1e6, LIMIT_BYTES as f64 / 1e6);
    if is_kept {
        println!("see: {}", page.display());
    } else {
        std::fs::remove_dir_all(&folder)?;
    }
    let is_well = took_s <= LIMIT_S && bytes <= LIMIT_BYTES;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A number that looks like chance and is always the same.
fn noise(of: u64, below: u64) -> u64 {
    (of.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % below
}

fn percentiles(count: u64, p50_us: u64) -> Value {
    json!({
        "count": count, "censored": 0, "min_us": p50_us / 3, "p50_us": p50_us,
        "p95_us": p50_us * 2, "p99_us": p50_us * 3, "p99_7_us": p50_us * 4, "max_us": p50_us * 6,
    })
}

fn made_up() -> Value {
    let hurt = |second: u64| second % 180 > 170;
    let seconds: Vec<_> = (0..SECONDS)
        .map(|second| {
            let requested = 200 + noise(second, 101);
            let decided = if hurt(second) { requested / 5 } else { requested };
            let p50_us = if hurt(second) { 2_000_000 } else { 180_000 } + noise(second, 40_000);
            json!({
                "second": second, "requested": requested, "sent": requested,
                "accepted": requested - noise(second, 3), "decided": decided,
                "decided_latency": percentiles(decided, p50_us),
                "backlog": if hurt(second) { 900 } else { 40 } + noise(second + 1, 30),
                "undecided_blocks": noise(second + 2, 4),
            })
        })
        .collect();
    let faults: Vec<_> = (1..SECONDS / 180 + 1)
        .map(|number| {
            let at_us = (number * 180 - 10) * 1_000_000;
            json!({
                "number": number, "kind": "partition", "target": format!("n{}", number % NODES + 1),
                "planned_us": at_us, "applied_us": at_us + 3_000, "verified_us": at_us + 9_000,
                "healed_us": at_us + 10_000_000,
            })
        })
        .collect();
    let life: Vec<_> = (0..400)
        .map(|event: u64| {
            let node = format!("n{}", event % NODES + 1);
            let place = match event % 3 {
                0 => "backlog",
                1 => "bigchain",
                _ => "votes",
            };
            json!({ "at_us": 175_000_000 + event * 1_000, "place": place, "node": node, "what": "something" })
        })
        .collect();
    let votes = (1..=NODES).map(|node| {
        let seconds: Vec<_> = (0..SECONDS).map(|second| 4 + noise(second * node, 3)).collect();
        let valid: u64 = seconds.iter().sum();
        json!({ "node": format!("n{node}"), "valid": valid, "invalid": 0, "seconds": seconds })
    });
    let cdf = [0, 500_000, 900_000, 990_000, 999_000, 999_900, 999_990, 1_000_000];
    let cdf = cdf.iter().enumerate();
    json!({
        "version": Results::VERSION, "scenario": "a million transactions", "seed": 1,
        "backend": "local", "rules": "default", "verdict": "fail",
        "nodes": (1..=NODES).map(|node| format!("n{node}")).collect::<Vec<_>>(),
        "reasons": ["S1 is violated: something"], "digest": "00", "command": "testbed run …",
        "started_unix_ms": 1_472_688_000_000_u64, "duration_us": SECONDS * 1_000_000,
        "invariants": [{
            "invariant": "S1", "statement": "Something holds.", "looked_at": OPERATIONS,
            "meant_to_fail": false,
            "outcome": { "result": "fail", "count": 1, "violations": [{
                "at_us": 175_200_000, "what": "something", "transaction": "t", "blocks": ["b"],
                "life_line": life,
            }] },
        }],
        "thresholds": [], "faults": faults, "environment": {},
        "measures": {
            "counts": {
                "sent": OPERATIONS, "accepted": OPERATIONS, "refused": 0, "unanswered": 0,
                "transactions": OPERATIONS, "decided_valid": OPERATIONS, "lost_conflict": 0,
                "never_decided": 0, "blocks": 30_000, "blocks_valid": 30_000, "blocks_invalid": 0,
                "blocks_undecided": 0,
            },
            "seconds": seconds,
            "latency": {
                "sent": percentiles(OPERATIONS, 90), "accepted": percentiles(OPERATIONS, 2_000),
                "in_block": percentiles(OPERATIONS, 90_000),
                "decided": percentiles(OPERATIONS, 200_000),
            },
            "decided_cdf": cdf.map(|(index, share)| {
                json!({ "per_million": share, "latency_us": 60_000 << index })
            }).collect::<Vec<_>>(),
        },
        "votes": {
            "blocks_invalid": (0..SECONDS).map(|second| noise(second, 9) / 8).collect::<Vec<_>>(),
            "nodes": votes.collect::<Vec<_>>(),
        },
        "links": { "latency_us": 250, "jitter_us": 25 },
    })
}
