//! Faults do what they say, are seen to be real, and are over when they are over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bigchaindb_core::model::Json;
use bigchaindb_core::model::Memo;
use bigchaindb_simulator::backends::{self, Backend};
use bigchaindb_simulator::checkers::Verdict;
use bigchaindb_simulator::coverage::Coverage;
use bigchaindb_simulator::faults;
use bigchaindb_simulator::observe::{Befell, Kind, Log, Observed, Phase, Record, Table};
use bigchaindb_simulator::plan::{self, FaultKind, How, Plan, Point};
use bigchaindb_simulator::run::{run, run_covered};
use bigchaindb_simulator::scenario::Scenario;

use crate::scenario::files_of;

fn plan_of(settings: &str, faults: &str) -> Arc<Plan> {
    let text = format!(
        "name = \"harm\"\n{settings}\n[[load]]\nat = \"2s\"\nfor = \"18s\"\n\
         arrivals = {{ rate = \"8/s\" }}\n{faults}"
    );
    Arc::new(plan::make(&Scenario::parse("harm.toml", &text, None).unwrap(), 1).unwrap())
}

fn log_of(plan: &Arc<Plan>) -> Log {
    let mut log = Log::new();
    backends::carry_out(plan, None, &Default::default(), &Arc::new(Memo::new(1_000)), &mut log)
        .unwrap();
    log
}

/// The run has to pass whatever happens to it.
fn passes(plan: &Arc<Plan>) -> Coverage {
    let (results, coverage) =
        run_covered(plan, &Default::default(), None, String::new(), BTreeMap::new()).unwrap();
    assert_eq!(results.verdict, Verdict::Pass, "{:?}", results.reasons);
    coverage
}

fn phases(log: &Log) -> BTreeMap<u64, Vec<Phase>> {
    let mut phases: BTreeMap<u64, Vec<Phase>> = BTreeMap::new();
    for observed in log.records() {
        if let Record::Fault(fault) = &observed.record {
            phases.entry(fault.number).or_default().push(fault.phase);
        }
    }
    phases
}

/// The rows that came into a table between two moments, in milliseconds.
fn inserted(log: &Log, table: Table, from_ms: u64, until_ms: u64) -> Vec<Arc<Json>> {
    let window = from_ms * 1_000..until_ms * 1_000;
    let inserted = |observed: &Observed| match &observed.record {
        Record::Change(change) if change.table == table && change.old.is_none() => {
            change.new.clone().filter(|_| window.contains(&observed.at_us))
        }
        _ => None,
    };
    log.records().iter().filter_map(inserted).collect()
}

/// The public key of a node.
fn key(log: &Log, node: usize) -> String {
    let Record::Run(run) = &log.records()[0].record else { panic!("a run comes first") };
    run.nodes[node].key.as_str().to_owned()
}

/// How many of these rows a node signed.
fn signed_by(rows: &[Arc<Json>], key: &str) -> usize {
    let is = |row: &&Arc<Json>| row.get("node_pubkey").and_then(Json::as_str) == Some(key);
    rows.iter().filter(is).count()
}

/// When a node was killed and started again, in the log's order.
fn deaths(log: &Log, name: &str) -> Vec<(Befell, u64)> {
    let befell = log.records().iter().filter_map(|observed| match &observed.record {
        Record::Node(event) if &*event.node == name => Some((event.event, observed.at_us)),
        _ => None,
    });
    befell.filter(|(event, _)| *event != Befell::Log).skip(1).collect()
}

#[test]
fn every_kind_of_fault_is_seen_to_be_real_and_to_be_over() {
    let mut faults = String::new();
    let mut expected = 0;
    let known = |nature: &&faults::Nature| nature.backends.contains(&Backend::Sim);
    for (place, nature) in faults::ALL.iter().filter(known).enumerate() {
        let (at, name) = (3 + 4 * place, nature.name);
        let lasts = nature.lasts.map_or(String::new(), |(key, _)| format!("{key} = \"2s\"\n"));
        let more = match nature.kind {
            // n4 is nobody's, so that what meets n1 does not wait for it.
            FaultKind::Lose => "target = \"n4\"\nat = \"108s\"",
            FaultKind::Crash => "point = \"before insert-vote\"\nrestart_after = \"1s\"",
            FaultKind::FeedLag | FaultKind::FeedRepeat => "target = \"n1\"",
            FaultKind::LostAnswers => "share = 0.4\ntarget = \"n1\"",
            FaultKind::LossyLink => "share = 0.5\ntarget = \"n1\"",
            FaultKind::StoreFull => "target = \"all\"",
            _ => "",
        };
        let at = match nature.kind {
            FaultKind::Lose => String::new(),
            _ => format!("at = \"{at}s\"\n"),
        };
        faults += &format!("[[fault]]\ndo = \"{name}\"\n{at}{lasts}{more}\n");
        expected += 1;
    }
    let text = format!(
        "name = \"all\"\nfederation = {{ nodes = 4, rethinkdb = {{ servers = 3, replicas = 3 }} }}\n\
         [[load]]\nfor = \"110s\"\narrivals = {{ rate = \"5/s\" }}\n{faults}"
    );
    let scenario = Scenario::parse("all.toml", &text, None).unwrap();
    let plan = Arc::new(plan::make(&scenario, 3).unwrap());
    let log = log_of(&plan);
    let phases = phases(&log);
    assert_eq!(phases.len(), expected);
    for (fault, phases) in plan.faults.iter().zip(phases.into_values()) {
        let name = fault.kind.nature().name;
        let whole = [Phase::Planned, Phase::Applied, Phase::Verified, Phase::Healed];
        assert_eq!(phases, whole, "{name}");
    }
    let coverage = passes(&plan);
    assert_eq!(coverage.kinds_missed().collect::<Vec<_>>(), []);
    assert!(coverage.pairs() > 3, "{}", coverage.pairs());
}

/// Dies at a point, and tells how many blocks came between its death and its return.
fn blocks_after_death(point: &str) -> usize {
    let faults = format!("[[fault]]\ndo = \"crash\"\nat = \"5s\"\npoint = \"{point}\"\nnth = 2\n");
    let plan = plan_of("federation = { nodes = 3 }", &faults);
    let log = log_of(&plan);
    let fault = &plan.faults[0];
    let node = &plan.nodes[fault.nodes[0]].name;
    let events = deaths(&log, node);
    let [(Befell::Killed, died_us), (Befell::Started, back_us)] = events[..] else {
        panic!("{point}: {events:?}")
    };
    assert_eq!(back_us - died_us, 2_000_000, "{point}");
    let coverage = passes(&plan);
    assert_eq!(coverage.points.keys().map(ToString::to_string).collect::<Vec<_>>(), [point]);
    let author = key(&log, fault.nodes[0]);
    let window = |observed: &&Observed| (died_us..back_us).contains(&observed.at_us);
    let blocks = log.records().iter().filter(window).filter(|observed| match &observed.record {
        Record::Change(change) => {
            let new = change.new.as_ref().filter(|_| change.old.is_none());
            let by =
                new.and_then(|row| row.get("block")).and_then(|block| block.get("node_pubkey"));
            change.table == Table::Bigchain && by.and_then(Json::as_str) == Some(&author)
        }
        _ => false,
    });
    blocks.count()
}

#[test]
fn a_node_dies_before_or_after_it_has_done_something() {
    assert_eq!(blocks_after_death("before insert-block"), 0);
    assert_eq!(blocks_after_death("after insert-block"), 1, "the store does what it was asked");
    assert_eq!(blocks_after_death("before respond"), 0);
    assert_eq!(blocks_after_death("after make-block"), 0);
}

#[test]
fn a_node_that_never_comes_to_its_point_lives_on() {
    let fault = "[[fault]]\ndo = \"crash\"\npoint = \"after put-back\"\n";
    let plan = plan_of("", fault);
    let log = log_of(&plan);
    assert_eq!(phases(&log)[&0], [Phase::Planned, Phase::Healed]);
    let coverage = passes(&plan);
    assert!(coverage.points.is_empty() && coverage.verified.is_empty());
}

/// How many votes of n1 are written while it is cut off.
fn votes_while_cut(keys: &str) -> usize {
    let fault = format!(
        "[[fault]]\ndo = \"partition\"\nat = \"6s\"\nfor = \"6s\"\nfrom = \"n1\"\n{keys}\n"
    );
    let plan = plan_of("", &fault);
    passes(&plan);
    let log = log_of(&plan);
    assert_eq!(phases(&log)[&0].len(), 4, "{keys}");
    // What was on its way arrives.
    signed_by(&inserted(&log, Table::Votes, 7_000, 12_000), &key(&log, 0))
}

#[test]
fn a_cut_goes_one_way_or_both_and_to_whom_it_says() {
    assert_eq!(votes_while_cut(""), 0);
    assert_eq!(votes_while_cut("direction = \"out\""), 0);
    assert_eq!(votes_while_cut("to = \"both\""), 0);
    assert!(votes_while_cut("to = \"clients\"") > 2, "its store is there");
}

/// How many votes of n1 are written after it was cut off, one way, from a slow store.
fn votes_after_cut(direction: &str) -> usize {
    let mut votes = 0;
    for at in (6_000..7_000).step_by(100) {
        let faults = format!(
            "[[fault]]\ndo = \"store-slow\"\nfactor = 200\nat = \"1s\"\nfor = \"15s\"\n\
             [[fault]]\ndo = \"partition\"\nat = \"{at}ms\"\nfor = \"6s\"\nfrom = \"n1\"\n\
             direction = \"{direction}\"\n"
        );
        let log = log_of(&plan_of("", &faults));
        votes += signed_by(&inserted(&log, Table::Votes, at, at + 5_000), &key(&log, 0));
    }
    votes
}

#[test]
fn what_is_asked_of_a_store_that_cannot_answer_is_done() {
    assert!(votes_after_cut("in") > 0);
    assert_eq!(votes_after_cut("out"), 0, "what cannot arrive is not");
}

/// How the calls to n1 between two moments ended.
fn calls(log: &Log, from_s: u64, until_s: u64) -> BTreeMap<(Kind, Option<u16>), usize> {
    let window = from_s * 1_000_000..until_s * 1_000_000;
    let mut calls = BTreeMap::new();
    for observed in log.records().iter().filter(|observed| window.contains(&observed.at_us)) {
        if let Record::Operation(operation) = &observed.record
            && &*operation.node == "n1"
            && operation.kind != Kind::Invoke
        {
            *calls.entry((operation.kind, operation.http)).or_default() += 1;
        }
    }
    calls
}

#[test]
fn clients_wait_in_vain_for_a_node_that_they_cannot_reach() {
    for direction in ["in", "out"] {
        let fault = format!(
            "[[fault]]\ndo = \"partition\"\nat = \"5s\"\nfor = \"5s\"\nfrom = \"n1\"\n\
             to = \"clients\"\ndirection = \"{direction}\"\n"
        );
        let plan = plan_of("", &fault);
        let log = log_of(&plan);
        let ended: Vec<_> = calls(&log, 6, 10).into_keys().collect();
        assert_eq!(ended, [], "{direction}");
        let given_up = calls(&log, 15, 21);
        assert!(given_up.contains_key(&(Kind::Info, None)), "{direction}: {given_up:?}");
    }
}

/// The timestamps of n1's votes, less what they should be, in seconds.
fn clock_errors(fault: &str) -> BTreeSet<i64> {
    let fault = format!("[[fault]]\n{fault}\nat = \"5s\"\nfor = \"10s\"\ntarget = \"n1\"\n");
    let plan = plan_of("", &fault);
    passes(&plan);
    let log = log_of(&plan);
    let key = key(&log, 0);
    let window = 6_000_000..15_000_000;
    let errors = log.records().iter().filter(|observed| window.contains(&observed.at_us));
    let errors = errors.filter_map(|observed| match &observed.record {
        Record::Change(change) if change.table == Table::Votes => {
            let row = change.new.as_ref()?;
            row.get("node_pubkey").filter(|by| by.as_str() == Some(&key))?;
            let timestamp = row.get("vote")?.get("timestamp")?.as_str()?.parse::<i64>().ok()?;
            let right = plan::EPOCH_UNIX_MS / 1000 + observed.at_us / 1_000_000;
            Some(timestamp - i64::try_from(right).ok()?)
        }
        _ => None,
    });
    errors.collect()
}

#[test]
fn a_clock_is_as_wrong_as_it_is_said_to_be() {
    let within = |errors: &BTreeSet<i64>, low: i64, high: i64| {
        !errors.is_empty() && errors.iter().all(|error| (low..=high).contains(error))
    };
    let ahead = clock_errors("do = \"clock-skew\"\nahead = \"40s\"");
    assert!(within(&ahead, 39, 40), "{ahead:?}");
    let behind = clock_errors("do = \"clock-skew\"\nbehind = \"40s\"");
    assert!(within(&behind, -41, -40), "{behind:?}");
    let fast = clock_errors("do = \"clock-drift\"\nppm = 900000");
    assert!(within(&fast, 0, 9) && fast.last() >= Some(&7), "{fast:?}");
    let back = clock_errors("do = \"clock-jump\"\nback = \"20s\"");
    assert!(within(&back, -19, 0) && back.first() <= Some(&-15), "{back:?}");
    let steps = clock_errors("do = \"clock-stop\"\nstep = \"4s\"");
    assert!(within(&steps, -4, 0) && steps.len() > 2, "{steps:?}");
}

#[test]
fn answers_are_lost_and_what_was_asked_for_is_done() {
    for (manner, sign) in [("reset", "connection reset"), ("silence", "timed out")] {
        let fault = format!(
            "[[fault]]\ndo = \"lost-answers\"\nat = \"5s\"\nfor = \"8s\"\ntarget = \"n1\"\n\
             share = 0.5\nmanner = \"{manner}\"\n"
        );
        let plan = plan_of("", &fault);
        passes(&plan);
        let log = log_of(&plan);
        let said = |observed: &Observed| match &observed.record {
            Record::Node(event) => event.event == Befell::Log && event.text.contains(sign),
            _ => false,
        };
        let times = log.records().iter().filter(|observed| said(observed)).count();
        assert!(times > 2, "{manner}: {times}");
    }
}

#[test]
fn where_there_is_no_room_nothing_is_written() {
    let fault = "[[fault]]\ndo = \"store-full\"\nat = \"6s\"\nfor = \"5s\"\n";
    let plan = plan_of("", fault);
    passes(&plan);
    let log = log_of(&plan);
    for table in [Table::Backlog, Table::Bigchain, Table::Votes, Table::Positions] {
        assert_eq!(inserted(&log, table, 6_000, 11_000), [], "{table}");
    }
    let refused = calls(&log, 6, 11);
    assert!(refused.contains_key(&(Kind::Info, Some(503))), "{refused:?}");
}

/// How long n1's clients waited for an answer on the mean, in microseconds.
fn waited_us(fault: &str) -> u64 {
    let plan =
        plan_of("federation = { nodes = 1, rethinkdb = { servers = 3, replicas = 3 } }", fault);
    passes(&plan);
    let log = log_of(&plan);
    let (mut sent, mut waited) = (BTreeMap::new(), Vec::new());
    for observed in log.records() {
        let Record::Operation(operation) = &observed.record else { continue };
        match (operation.kind, operation.http) {
            (Kind::Invoke, _) => drop(sent.insert(operation.number, observed.at_us)),
            (Kind::Ok, Some(201)) => waited.push(observed.at_us - sent[&operation.number]),
            _ => {}
        }
    }
    waited.iter().sum::<u64>() / waited.len() as u64
}

#[test]
fn what_is_slow_takes_longer() {
    let usual_us = waited_us("");
    for (name, factor) in
        [("slow-link", 100), ("slow-node", 100), ("store-slow", 20), ("store-slow-link", 200)]
    {
        let target = if name.starts_with("store") { "all" } else { "n1" };
        let fault = format!(
            "[[fault]]\ndo = \"{name}\"\nat = \"1s\"\nfor = \"25s\"\nfactor = {factor}\n\
             target = \"{target}\"\n"
        );
        let slow_us = waited_us(&fault);
        assert!(slow_us > 4 * usual_us, "{name}: {slow_us} us, usually {usual_us} us");
    }
}

#[test]
fn who_is_lost_stays_away_and_the_others_settle() {
    let plan = plan_of("", "[[fault]]\ndo = \"lose\"\nat = \"6s\"\n");
    passes(&plan);
    let log = log_of(&plan);
    let node = plan.faults[0].nodes[0];
    assert!(plan.is_lost(node));
    assert_eq!(deaths(&log, &plan.nodes[node].name), [(Befell::Killed, 6_000_000)]);
}

#[test]
fn blocks_may_be_overtaken_in_feeds() {
    let digest = |rules: &str, reorder: &str| {
        let settings = format!("links = {{ reorder = \"{reorder}\" }}");
        let plan = Plan { rules: rules.to_owned(), ..(*plan_of(&settings, "")).clone() };
        log_of(&Arc::new(plan)).digest()
    };
    // Who votes in the order of the list does not mind; who votes in the order of its feed does.
    assert_eq!(digest("default", "50%"), digest("default", "0%"));
    assert_ne!(digest("mixed", "50%"), digest("mixed", "0%"));
}

#[test]
fn servers_are_kept_apart_in_shapes() {
    for (shape, met) in [("halves", 2), ("bridge", 3), ("ring", 5), ("minority", 2)] {
        let fault = format!("[[fault]]\ndo = \"store-partition\"\nshape = \"{shape}\"\n");
        let text = format!(
            "name = \"s\"\nfederation = {{ rethinkdb = {{ servers = 5, replicas = 5 }} }}\n\
             [[load]]\narrivals = {{ rate = \"3/s\" }}\n{fault}"
        );
        let scenario = Scenario::parse("s.toml", &text, None).unwrap();
        let plan = Arc::new(plan::make(&scenario, 2).unwrap());
        assert_eq!(plan.faults[0].servers.len(), met, "{shape}");
        assert_eq!(phases(&log_of(&plan))[&0].len(), 4, "{shape}");
        passes(&plan);
    }
}

#[test]
fn members_fall_one_by_one_and_rise_in_another_order() {
    let text = "name = \"s\"\nfederation = { nodes = 7 }\n[[fault]]\ndo = \"swizzle\"\n\
                at = \"5s\"\ngap = \"500ms\"\nfor = \"2s\"\n\
                [[fault]]\ndo = \"rolling\"\nat = \"20s\"\nfor = \"1s\"\ngap = \"2s\"\n\
                [[fault]]\ndo = \"kill\"\nafter = 2\nat = \"100ms\"\n";
    let scenario = Scenario::parse("s.toml", text, None).unwrap();
    for seed in 0..50 {
        let plan = plan::make(&scenario, seed).unwrap();
        let (swizzle, rest) = plan.faults.split_at(3);
        let begun: Vec<_> = swizzle.iter().map(|fault| fault.at_us).collect();
        assert_eq!(begun, [5_000_000, 5_500_000, 6_000_000]);
        let mut ends: Vec<_> = swizzle.iter().map(|fault| fault.until_us).collect();
        assert!(!ends.is_sorted(), "{ends:?}");
        ends.sort_unstable();
        assert_eq!(ends, [8_000_000, 8_500_000, 9_000_000]);
        let (rolling, last) = rest.split_at(7);
        let nodes: BTreeSet<_> = rolling.iter().flat_map(|fault| &fault.nodes).collect();
        assert_eq!(nodes.len(), 7, "everybody has a turn");
        for (place, fault) in (0..).zip(rolling) {
            assert_eq!((fault.kind, fault.at_us), (FaultKind::Kill, (20 + 3 * place) * 1_000_000));
        }
        assert_eq!(last[0].at_us, rolling[6].until_us + 100_000);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_every_fault() {
    let text = "name = \"s\"\nfederation = { nodes = 5, rethinkdb = { servers = 5, shards = 2, \
                replicas = 3, shuffle = true } }\nlinks = { reorder = \"5%\" }\n\
                [[load]]\narrivals = { rate = \"5/s\" }\n[swarm]\nfaults = \"10..20\"\n\
                between = [\"3s\", \"25s\"]\n";
    let scenario = Scenario::parse("s.toml", text, None).unwrap();
    let mut digests = BTreeSet::new();
    for seed in 1..=3 {
        let plan = Arc::new(plan::make(&scenario, seed).unwrap());
        let digest = || run(&plan, None, String::new(), BTreeMap::new()).unwrap().digest;
        let first = digest();
        assert_eq!(first, digest());
        digests.insert(first);
    }
    assert_eq!(digests.len(), 3);
}

#[test]
fn the_scenarios_of_faults_meet_every_kind_and_every_point() {
    let mut kinds = BTreeSet::new();
    let mut points = BTreeSet::new();
    for file in files_of("faults") {
        let scenario = Scenario::load(&file, None).unwrap();
        for seed in 1..=30 {
            for fault in plan::make(&scenario, seed).unwrap().faults {
                kinds.insert(fault.kind);
                if let How::AtPoint { point, .. } = fault.how {
                    points.insert(point);
                }
            }
        }
    }
    let known = |nature: &&faults::Nature| nature.backends.contains(&Backend::Sim);
    assert_eq!(kinds.len(), faults::ALL.iter().filter(known).count(), "{kinds:?}");
    assert_eq!(points.len(), Point::all().count(), "{points:?}");
}

#[test]
fn a_link_that_is_a_little_slower_is_seen_to_be_slower() {
    let settings = "links = { default = { latency = \"15ms\", jitter = \"60%\" } }";
    let fault = "[[fault]]\ndo = \"slow-link\"\nfactor = 2\njitter = \"0us\"\nat = \"3s\"\n";
    for seed in 0..20 {
        let plan = Plan { seed, end_us: 12_000_000, ..(*plan_of(settings, fault)).clone() };
        assert_eq!(phases(&log_of(&Arc::new(plan)))[&0].len(), 4, "seed {seed}");
    }
}
