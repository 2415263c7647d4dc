//! Results written by hand. Curves are made by small formulas, so that they look like a run and
//! never change.

use std::collections::BTreeMap;

use bigchaindb_simulator::calibration::Calibration;
use bigchaindb_simulator::checkers::{Judgement, LifeEvent, Outcome, Verdict, Violation};
use bigchaindb_simulator::measure::{
    CdfPoint, Counts, FaultWindow, Generator, Latency, Measures, NodeVotes, Percentiles, Phase,
    PhaseName, Resources, RoundTrips, Sample, Second, Votes,
};
use bigchaindb_simulator::record::{LinkTimes, Met, Results, Threshold};

/// How fast a machine may be.
pub(crate) const MACHINE: Calibration = Calibration {
    verifications_per_s: 15_000,
    hashed_bytes_per_s: 400_000_000,
    synced_writes_per_s: Some(1_200),
    round_trips_per_s: None,
};

const DIGEST: &str = "9b0dd5a4f3c2e1687a5b4c3d2e1f00112233445566778899aabbccddeeff0011";
pub(crate) const WITNESS: &str = "5b1e9a3c7d2f4b6088aa11bb22cc33dd44ee55ff66007788990a1b2c3d4e5f60";
const BLOCK: &str = "c0ffee0123456789abcdef0123456789abcdef0123456789abcdef0123456789";

/// Four nodes, a minute of load, a crash, a partition that overlaps it, and a torn feed.
pub(crate) fn passed() -> Results {
    let seconds: Vec<Second> = (0..75).map(second).collect();
    let latency = |p50_us: u64, censored| Percentiles {
        count: 1_480,
        censored,
        min_us: p50_us / 3,
        p50_us,
        p95_us: p50_us * 4,
        p99_us: p50_us * 21,
        p99_7_us: p50_us * 40,
        max_us: p50_us * 55,
    };
    Results {
        version: Results::VERSION,
        scenario: "a first federation: one node dies, another loses its store".into(),
        seed: 42,
        backend: "sim".into(),
        rules: "default".into(),
        foreign: std::collections::BTreeMap::new(),
        nodes: ["n1", "n2", "n3", "n4"].map(String::from).to_vec(),
        verdict: Verdict::Pass,
        reasons: Vec::new(),
        digest: DIGEST.into(),
        command: "cargo run --release -- run scenarios/smoke/first-federation.toml --seed 42"
            .into(),
        started_unix_ms: 1_472_688_000_000,
        duration_us: 75_000_000,
        invariants: vec![
            holds(
                "S1",
                "For every output at most one transaction in valid blocks spends it.",
                1_920,
            ),
            holds("S2", "A transaction is in at most one valid block.", 1_480),
            holds("S8", "A decided block stays decided, and as it was.", 212),
            Judgement {
                outcome: Outcome::NotApplicable { why: "no block was re-assigned".into() },
                ..holds("S11", "What was acknowledged is never lost.", 0)
            },
            holds("L1", "Each acknowledged transaction is decided in time.", 1_480),
        ],
        thresholds: vec![
            Threshold {
                name: "finality.p99_7".into(),
                limit_us: 9_400_000,
                measured_us: Some(8_410_000),
                met: true,
            },
            Threshold {
                name: "finality.p50".into(),
                limit_us: 500_000,
                measured_us: Some(212_000),
                met: true,
            },
        ],
        measures: Measures {
            stretch_s: 1,
            counts: Counts {
                sent: 1_505,
                accepted: 1_488,
                refused: 14,
                unanswered: 3,
                transactions: 1_480,
                decided_valid: 1_362,
                lost_conflict: 118,
                never_decided: 0,
                blocks: 212,
                blocks_valid: 208,
                blocks_invalid: 4,
                blocks_undecided: 0,
                blocks_decided: 212,
                blocks_changed: 0,
                changes: 0,
            },
            seconds,
            latency: Latency {
                sent: latency(40, 0),
                accepted: latency(4_200, 0),
                in_block: latency(96_000, 0),
                decided: latency(212_000, 0),
                readable: Some(latency(320_000, 0)),
            },
            decided_cdf: distribution(),
            phases: vec![
                phase(PhaseName::Before, 0, 12, latency(180_000, 0)),
                phase(PhaseName::During, 12, 45, latency(900_000, 0)),
                phase(PhaseName::After, 45, 75, latency(190_000, 0)),
            ],
            round_trips: Some(RoundTrips::new(31_000, 1_362)),
        },
        faults: vec![
            fault(1, "kill", "n2", 12_000_000, Some(22_000_000)),
            fault(2, "partition", "n3-store", 18_500_000, Some(34_000_000)),
            fault(3, "feed-abort", "n1", 45_000_000, Some(45_000_000)),
        ],
        resources: ["n1", "n2"].map(resources).to_vec(),
        generator: Some(Generator {
            requests: 1_505,
            late: 3,
            slip_max_us: 212_000,
            slip_cdf: Vec::new(),
            kept_up: true,
        }),
        met: BTreeMap::from([
            ("kill".to_owned(), met(1, &[("gather", 2), ("vote", 1)])),
            ("partition".to_owned(), met(1, &[("vote", 3)])),
            ("feed-abort".to_owned(), met(1, &[])),
        ]),
        votes: Some(votes()),
        links: Some(LinkTimes { latency_us: 70_000, jitter_us: 7_000 }),
        environment: BTreeMap::from([
            ("processors".to_owned(), "2".to_owned()),
            ("version".to_owned(), "0.1.0".to_owned()),
        ]),
        calibration: None,
    }
}

/// The same, but an output was spent twice, five transactions were never decided, a threshold was
/// missed, and a checker could not tell.
pub(crate) fn failed() -> Results {
    let mut results = passed();
    results.verdict = Verdict::Fail;
    results.reasons = vec![
        "S1 is violated 2 times, first at 23.412 s.".into(),
        "finality.p50 was 812 ms, the scenario wants at most 500 ms.".into(),
        "S8 could not be judged: the log ends in mid-line.".into(),
    ];
    results.invariants[0].outcome = Outcome::Fail {
        count: 2,
        violations: vec![Violation {
            at_us: 23_412_118,
            what: format!(
                "output {}… 0 is spent by two transactions in valid blocks",
                &WITNESS[..8]
            ),
            transaction: Some(WITNESS.into()),
            blocks: vec![BLOCK.into(), BLOCK.replace("c0ffee", "decade")],
            life_line: life_line(),
        }],
    };
    results.invariants[2].outcome = Outcome::Unknown { why: "the log ends in mid-line".into() };
    results.thresholds[1].measured_us = Some(812_000);
    results.thresholds[1].met = false;
    results.measures.counts.never_decided = 5;
    results.measures.counts.decided_valid -= 5;
    results.measures.latency.decided.censored = 5;
    for second in &mut results.measures.seconds[60..] {
        second.undecided_blocks += 2;
        second.backlog += 5;
    }
    results.faults[1].healed_us = None;
    results
}

/// Nothing was asked, nothing was broken, nothing was seen.
pub(crate) fn empty() -> Results {
    Results {
        verdict: Verdict::Unknown,
        reasons: vec!["No checker had anything to look at.".into()],
        duration_us: 0,
        invariants: Vec::new(),
        thresholds: Vec::new(),
        measures: Measures::default(),
        faults: Vec::new(),
        met: BTreeMap::new(),
        votes: None,
        links: None,
        nodes: Vec::new(),
        resources: Vec::new(),
        generator: None,
        environment: BTreeMap::new(),
        ..passed()
    }
}

/// What a scenario can call things if it means harm.
pub(crate) const HOSTILE: &str = "</style></title><script>alert('x')</script>\"' onload=\"x\u{0}\u{1b}[31m\u{202e} ]]>&lt;|```*_#04";

/// The failed run with [`HOSTILE`] for every text in it.
pub(crate) fn hostile() -> Results {
    let mut results = failed();
    let texts = [
        &mut results.scenario,
        &mut results.backend,
        &mut results.rules,
        &mut results.digest,
        &mut results.command,
    ];
    for text in texts.into_iter().chain(&mut results.nodes).chain(&mut results.reasons) {
        *text = HOSTILE.into();
    }
    for fault in &mut results.faults {
        (fault.kind, fault.target) = (HOSTILE.into(), HOSTILE.into());
    }
    let met = results.met.into_values().enumerate();
    results.met = met.map(|(index, met)| (format!("{HOSTILE}{index}"), met)).collect();
    for member in &mut results.resources {
        member.member = HOSTILE.into();
    }
    for voter in results.votes.iter_mut().flat_map(|votes| &mut votes.nodes) {
        voter.node = HOSTILE.into();
    }
    for threshold in &mut results.thresholds {
        threshold.name = HOSTILE.into();
    }
    for judgement in &mut results.invariants {
        (judgement.invariant, judgement.statement) = (HOSTILE.into(), HOSTILE.into());
        match &mut judgement.outcome {
            Outcome::Pass => {}
            Outcome::Unknown { why } | Outcome::NotApplicable { why } => *why = HOSTILE.into(),
            Outcome::Fail { violations, .. } => {
                for violation in violations {
                    violation.what = HOSTILE.into();
                    violation.transaction = Some(HOSTILE.into());
                    violation.blocks = vec![HOSTILE.into()];
                    for (index, event) in violation.life_line.iter_mut().enumerate() {
                        event.place = format!("{HOSTILE}{}", index % 5);
                        event.node = event.node.as_ref().map(|_| HOSTILE.into());
                        event.what = HOSTILE.into();
                    }
                }
            }
        }
    }
    results.environment = BTreeMap::from([(HOSTILE.to_owned(), HOSTILE.to_owned())]);
    results
}

fn holds(invariant: &str, statement: &str, looked_at: u64) -> Judgement {
    Judgement {
        invariant: invariant.into(),
        statement: statement.into(),
        looked_at,
        meant_to_fail: false,
        outcome: Outcome::Pass,
    }
}

fn phase(name: PhaseName, from_s: u64, until_s: u64, decided: Percentiles) -> Phase {
    Phase {
        name,
        from_us: from_s * 1_000_000,
        until_us: until_s * 1_000_000,
        requested: 500,
        sent: 500,
        accepted: 495,
        latency: Latency { decided, ..Latency::default() },
        decided_cdf: distribution(),
    }
}

fn fault(
    number: u64,
    kind: &str,
    target: &str,
    planned_us: u64,
    healed_us: Option<u64>,
) -> FaultWindow {
    FaultWindow {
        number,
        kind: kind.into(),
        target: target.into(),
        planned_us: Some(planned_us),
        applied_us: Some(planned_us + 1_204),
        verified_us: Some(planned_us + 3_870),
        healed_us: healed_us.map(|us| us + 5_120),
    }
}

fn met(verified: u64, steps: &[(&str, u64)]) -> Met {
    let idle = u64::from(steps.is_empty());
    let steps = steps.iter().map(|(step, times)| ((*step).to_owned(), *times)).collect();
    Met { verified, idle, steps }
}

/// A member that works half of the time on one processor, and grows.
fn resources(member: &str) -> Resources {
    let sample = |second: u64| Sample {
        at_us: second * 1_000_000,
        cpu_ms: second * 500,
        rss_kib: 20_000 + second * 100,
        written_bytes: Some(second * 65_536),
        ..Sample::default()
    };
    Resources {
        member: member.into(),
        cpu_ms: 37_500,
        rss_kib_max: 27_500,
        written_bytes: Some(75 * 65_536),
        samples: (0..=75).map(sample).collect(),
        ..Resources::default()
    }
}

/// Three nodes vote all the time; n2 is dead from 12 s to 22 s.
fn votes() -> Votes {
    let node = |number: u64| {
        let dead = |second: u64| number == 2 && (12..22).contains(&second);
        let cast = |second: u64| if dead(second) { 0 } else { (second * 7 + number) % 5 };
        let seconds: Vec<u64> = (0..75).map(cast).collect();
        NodeVotes {
            node: format!("n{number}"),
            valid: seconds.iter().sum::<u64>() - 4,
            invalid: 4,
            seconds,
        }
    };
    let blocks_invalid = (0..75).map(|second| u64::from((20..24).contains(&second))).collect();
    Votes { blocks_invalid, nodes: (1..=4).map(node).collect() }
}

/// Load from 2 s to 62 s; from 18 s to 34 s little is decided, and afterwards what waited is.
fn second(second: u64) -> Second {
    let wave = second * 7 % 11;
    let requested = if (2..62).contains(&second) { 20 + wave } else { 0 };
    let hurt = (18..34).contains(&second);
    let decided = match second {
        18..34 => requested / 4,
        34..40 => requested + 50 - (second - 34) * 8,
        _ => requested.saturating_sub(wave / 4),
    };
    let p50_us = match second {
        18..34 => 400_000 + (second - 18) * 180_000,
        34..40 => 9_000_000 - (second - 34) * 1_400_000,
        _ => 180_000 + wave * 9_000,
    };
    let latency = Percentiles {
        count: decided,
        censored: 0,
        min_us: p50_us / 2,
        p50_us,
        p95_us: p50_us * 2,
        p99_us: p50_us * 5 / 2,
        p99_7_us: p50_us * 11 / 4,
        max_us: p50_us * 3,
    };
    Second {
        second,
        requested,
        sent: requested,
        accepted: if hurt { requested * 9 / 10 } else { requested },
        decided,
        decided_latency: (decided > 0).then_some(latency),
        backlog: match second {
            18..34 => (second - 17) * 19,
            34..40 => 300 - (second - 33) * 48,
            _ => requested / 6,
        },
        undecided_blocks: match second {
            18..34 => (second - 17) / 2 + wave % 3,
            34..37 => 4,
            _ => wave % 2,
        },
    }
}

fn distribution() -> Vec<CdfPoint> {
    let point = |(per_million, latency_us)| CdfPoint { per_million, latency_us };
    [
        (10_000, 61_000),
        (100_000, 104_000),
        (250_000, 151_000),
        (500_000, 212_000),
        (750_000, 390_000),
        (900_000, 640_000),
        (950_000, 848_000),
        (980_000, 2_900_000),
        (990_000, 4_452_000),
        (995_000, 7_800_000),
        (997_000, 8_480_000),
        (999_000, 11_200_000),
        (1_000_000, 11_660_000),
    ]
    .map(point)
    .to_vec()
}

fn life_line() -> Vec<LifeEvent> {
    let event = |(at_us, place, what): (u64, &str, &str)| LifeEvent {
        at_us,
        place: place.into(),
        // The node that it has to do with, if one is named and is not the place itself.
        node: ["n1", "n2", "n3", "n4"]
            .into_iter()
            .find(|node| what.contains(node) && *node != place)
            .map(String::from),
        what: what.into(),
    };
    [
        (22_100_000, "client 7", "transfer 412: post to n3, invoke"),
        (22_103_400, "client 7", "transfer 412: post to n3, ok 201"),
        (22_104_950, "backlog", "inserted, for n1"),
        (22_310_007, "bigchain", "block c0ffee01 inserted, by n1"),
        (22_318_400, "votes", "n1 votes valid on c0ffee01"),
        (22_319_100, "votes", "n4 votes valid on c0ffee01"),
        (22_920_010, "votes", "n3 votes valid on c0ffee01"),
        (22_921_300, "backlog", "deleted"),
        (23_010_000, "bigchain", "block decade01 inserted, by n2"),
        (23_410_900, "votes", "n2 votes valid on decade01"),
        (23_412_118, "votes", "n3 votes valid on decade01: valid, and so is c0ffee01"),
    ]
    .map(event)
    .to_vec()
}
