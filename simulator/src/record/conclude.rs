//! From what checkers and measures say to one verdict.

use std::collections::BTreeMap;

use crate::backends::Backend;
use crate::checkers::reference::Surroundings;
use crate::checkers::{Judged, Judgement, Outcome, Verdict, Violation};
use crate::measure::{Distribution, Measured};
use crate::observe::Log;
use crate::plan::{Expect, Links, Node, Plan};

use super::{LinkTimes, Results, Threshold};

impl Results {
    /// What a run came to. `command` is the one that runs it again.
    pub fn conclude(
        plan: &Plan,
        log: &Log,
        judged: Judged,
        measured: Measured,
        command: String,
        environment: BTreeMap<String, String>,
    ) -> Self {
        let Judged { mut judgements, reference } = judged;
        let Measured { measures, faults, mut decided } = measured;
        let thresholds = thresholds(&plan.expect, &mut decided);
        judgements.extend(kept(&plan.expect, &thresholds));
        let (verdict, reasons) = verdict(&judgements, reference.surroundings());
        let began_us = log.records().first().map_or(0, |first| first.at_us);
        Self {
            version: Self::VERSION,
            scenario: plan.scenario.clone(),
            seed: plan.seed,
            backend: plan.backend.name().to_owned(),
            rules: plan.judged_by().to_owned(),
            nodes: plan.nodes.iter().map(|node| node.name.clone()).collect(),
            foreign: plan.nodes.iter().filter_map(foreign).collect(),
            verdict,
            reasons,
            digest: log.digest(),
            command,
            started_unix_ms: reference.run().map_or(0, |run| run.started_unix_ms),
            duration_us: reference.surroundings().now_us().saturating_sub(began_us),
            invariants: judgements,
            thresholds,
            measures,
            faults,
            resources: Vec::new(),
            generator: None,
            met: BTreeMap::new(),
            votes: None,
            links: links(plan),
            environment,
            calibration: None,
        }
    }
}

/// A node that is none of ours, and by which rules it is judged.
fn foreign(node: &Node) -> Option<(String, String)> {
    Some((node.name.clone(), node.external.as_ref()?.profile.clone()))
}

/// The plan's links, where there are any: always in virtual time, and where they are not the default.
fn links(plan: &Plan) -> Option<LinkTimes> {
    let has_links = match plan.backend {
        Backend::Sim => true,
        Backend::Local => false,
        _ => plan.links != Links::default(),
    };
    let Links { latency_us, jitter_us, .. } = plan.links;
    has_links.then_some(LinkTimes { latency_us, jitter_us })
}

/// Holds what was measured against what the scenario expects.
fn thresholds(expect: &Expect, decided: &mut Distribution) -> Vec<Threshold> {
    let bounds = expect.finality.iter();
    let threshold = bounds.map(|bound| {
        let measured_us = decided.percentile(bound.millipercent);
        Threshold {
            name: format!("finality.{}", bound.name),
            limit_us: bound.limit_us,
            measured_us,
            met: measured_us.is_some_and(|measured_us| measured_us <= bound.limit_us),
        }
    });
    threshold.collect()
}

/// L9: what the scenario expects of latencies is an invariant like any other.
pub fn kept(expect: &Expect, thresholds: &[Threshold]) -> Option<Judgement> {
    const ID: &str = "L9";
    let is_named = |ids: &[String]| ids.iter().any(|id| id == ID);
    if expect.invariants.as_ref().is_some_and(|wanted| !is_named(wanted)) {
        return None;
    }
    let missed = |threshold: &Threshold| {
        let Threshold { name, limit_us, measured_us, .. } = threshold;
        let measured = measured_us.map_or_else(
            || "more than could be measured".to_owned(),
            |measured_us| format!("{} ms", measured_us / 1000),
        );
        Violation {
            at_us: 0,
            what: format!("{name} is {measured}, expected at most {} ms", limit_us / 1000),
            transaction: None,
            blocks: Vec::new(),
            life_line: Vec::new(),
        }
    };
    let violations: Vec<_> = thresholds.iter().filter(|one| !one.met).map(missed).collect();
    let outcome = if !violations.is_empty() {
        Outcome::Fail { count: violations.len() as u64, violations }
    } else if thresholds.is_empty() {
        Outcome::NotApplicable { why: "the scenario sets no bounds for latencies".into() }
    } else {
        Outcome::Pass
    };
    Some(Judgement {
        invariant: ID.to_owned(),
        statement: "Latencies stay within the bounds that the scenario sets.".to_owned(),
        looked_at: thresholds.len() as u64,
        meant_to_fail: is_named(&expect.violations),
        outcome,
    })
}

/// The verdict on a run and its reasons, the weightiest first.
///
/// A failure that the scenario asked for is none, and its absence is one.
pub fn verdict(judgements: &[Judgement], surroundings: &Surroundings) -> (Verdict, Vec<String>) {
    let mut reasons: Vec<(Verdict, String)> = Vec::new();
    for Judgement { invariant, meant_to_fail, outcome, .. } in judgements {
        match (outcome, meant_to_fail) {
            (Outcome::Fail { count, violations }, false) => {
                let first = violations.first().map_or("", |violation| &violation.what);
                let times = if *count == 1 { String::new() } else { format!(" ({count} times)") };
                reasons.push((Verdict::Fail, format!("{invariant} is violated{times}: {first}")));
            }
            (Outcome::Fail { .. }, true)
            | (Outcome::Pass | Outcome::NotApplicable { .. }, false) => {}
            (_, true) => {
                let reason = format!("{invariant} was meant to be violated, and was not");
                reasons.push((Verdict::Fail, reason));
            }
            (Outcome::Unknown { why }, false) => {
                reasons.push((Verdict::Unknown, format!("{invariant} cannot be told: {why}")));
            }
        }
    }
    for shortfall in surroundings.shortfalls() {
        reasons.push((Verdict::Void, shortfall.to_string()));
    }
    for fault in surroundings.unverified() {
        let reason = format!("fault {} ({}) was not seen to be real", fault.number, fault.kind);
        reasons.push((Verdict::Void, reason));
    }
    if surroundings.sent() > 0 && surroundings.accepted().is_empty() {
        reasons.push((Verdict::Unknown, "no transaction was accepted".into()));
    }
    reasons.sort_by_key(|(verdict, _)| std::cmp::Reverse(*verdict));
    let verdict = reasons.first().map_or(Verdict::Pass, |(verdict, _)| *verdict);
    (verdict, reasons.into_iter().map(|(_, reason)| reason).collect())
}
