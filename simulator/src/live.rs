//! A run, for whoever looks at it while it goes.
//!
//! Worlds show their records ([`Live::see`]) and say what time it is ([`Live::until`]); whoever looks takes
//! a [`Scene`]. Here: what is known of a run at a moment. Not here: how it looks at a terminal (`testbed`,
//! `live`), points for dashboards (`monitor`), what a run comes to (`measure`, `checkers`): figures here are
//! of what was told so far, and late records count when they come.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bigchaindb_core::model::Memo;

use crate::checkers::{Judge, Settings};
use crate::follow::{Follower, Step};
use crate::observe::{Fault, Observed, Phase, Record};
use crate::plan::Plan;

/// Of so many seconds it is known what happened in each.
pub const SECONDS_KEPT: usize = 60;

/// Rates are means over so many whole seconds, the last ones.
pub const RATES_OVER_S: u64 = 5;

/// Latencies are of what was decided in so many seconds, the last ones.
pub const LATENCIES_OVER_S: u64 = 10;

const SECOND_US: u64 = 1_000_000;

/// Records are judged so long after their moment: by then those that are told late are there.
const JUDGED_AFTER_US: u64 = 2 * SECOND_US;

/// With more records waiting to be judged than this, judging while the run goes would take from the run
/// what it measures: then it is left to the end.
const UNJUDGED_MAX: usize = 5_000;

/// Signatures that are remembered while judging.
const SIGNATURES: usize = 10_000;

/// A run that is looked at. Clones are the same run.
#[derive(Clone)]
pub struct Live(Arc<Mutex<Watched>>);

/// How a run stands at a moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Scene {
    /// What its clock says, microseconds.
    pub now_us: u64,
    /// What it says at the latest when the run ends.
    pub end_us: u64,
    /// How far it has come.
    pub stage: Stage,
    /// Faults that hold: kind and target.
    pub faults: Vec<String>,
    /// Calls that were begun, per second.
    pub sent_per_s: f64,
    /// Transactions that were acknowledged, per second.
    pub accepted_per_s: f64,
    /// Transactions that were decided valid, per second.
    pub decided_per_s: f64,
    /// The same, in each of the last [`SECONDS_KEPT`] whole seconds, the oldest first.
    pub decided: Vec<u64>,
    /// Rows in the backlog.
    pub backlog: u64,
    /// Blocks that were seen and are not decided.
    pub undecided: usize,
    /// Half of what was decided lately took at most this long from its intended moment, and 99 % took at
    /// most that long, microseconds; none if nothing was.
    pub latency_us: Option<(u64, u64)>,
    /// The invariants that were seen not to hold, with how often; none if nobody looks before the end.
    pub violations: Option<BTreeMap<&'static str, u64>>,
}

/// How far a run has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// Nodes and store are being started.
    Starting,
    /// Clients load, faults happen.
    Loading,
    /// What was begun comes to its end.
    Settling,
    /// What is there in the end is read.
    Collecting,
    /// Nothing more will come; it is judged.
    Judging,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Loading => "loading",
            Self::Settling => "settling",
            Self::Collecting => "collecting",
            Self::Judging => "judging",
        })
    }
}

struct Watched {
    now_us: u64,
    stage: Stage,
    quiet_from_us: u64,
    end_us: u64,
    follower: Follower,
    faults: BTreeMap<u64, String>,
    backlog: u64,
    /// The last seconds, and the one that goes on.
    seconds: VecDeque<Second>,
    judging: Option<Judging>,
}

/// What was told in a second of the run.
#[derive(Default)]
struct Second {
    number: u64,
    sent: u64,
    accepted: u64,
    decided: u64,
    latencies_us: Vec<u64>,
}

/// A judge, and the records that he has not seen, in order of time.
struct Judging {
    judge: Judge,
    unjudged: BTreeMap<(u64, u64), Observed>,
    taken: u64,
}

impl Live {
    /// Of a run that carries out this plan. `judged` says whether somebody looks for violations while it
    /// goes, which costs about what judging costs in the end.
    pub fn new(plan: &Plan, judged: bool) -> Self {
        let judging = judged.then(|| Judging {
            judge: Judge::new(Settings::from(&plan.expect), Arc::new(Memo::new(SIGNATURES))),
            unjudged: BTreeMap::new(),
            taken: 0,
        });
        Self(Arc::new(Mutex::new(Watched {
            now_us: 0,
            stage: Stage::Starting,
            quiet_from_us: plan.quiet_from_us,
            end_us: plan.end_us,
            follower: Follower::default(),
            faults: BTreeMap::new(),
            backlog: 0,
            seconds: VecDeque::from([Second::default()]),
            judging,
        })))
    }

    /// A record is written down.
    pub fn see(&self, observed: &Observed) {
        self.watched().see(observed);
    }

    /// The run's clock says this: all that was to come before has come, or is late.
    pub fn until(&self, now_us: u64) {
        self.watched().until(now_us);
    }

    /// How it stands.
    pub fn scene(&self) -> Scene {
        self.watched().scene()
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Live")
    }
}

impl Watched {
    fn see(&mut self, observed: &Observed) {
        self.pass(observed.at_us);
        match &observed.record {
            Record::Run(_) => self.come_to(Stage::Loading),
            Record::Fault(fault) => self.harm(fault),
            Record::Final(_) => self.come_to(Stage::Collecting),
            Record::End(_) => self.come_to(Stage::Judging),
            _ => {}
        }
        let Self { follower, seconds, backlog, judging, .. } = self;
        let second = seconds.back_mut().expect("there is always one");
        follower.see(observed, |step| match step {
            Step::Sent => second.sent += 1,
            Step::Accepted => second.accepted += 1,
            Step::Committed => second.decided += 1,
            Step::Took { latency_us } => second.latencies_us.push(latency_us),
            Step::Waits => *backlog += 1,
            Step::WaitsNoMore => *backlog = backlog.saturating_sub(1),
            Step::Decided(_) => {}
        });
        if let Some(Judging { unjudged, taken, .. }) = judging {
            unjudged.insert((observed.at_us, *taken), observed.clone());
            *taken += 1;
            if unjudged.len() > UNJUDGED_MAX {
                *judging = None;
            }
        }
    }

    fn until(&mut self, now_us: u64) {
        self.pass(now_us);
        let Some(Judging { judge, unjudged, .. }) = &mut self.judging else { return };
        let later = unjudged.split_off(&(now_us.saturating_sub(JUDGED_AFTER_US), 0));
        for observed in std::mem::replace(unjudged, later).values() {
            judge.observe(observed);
        }
    }

    /// The clock goes on to a moment, if that is not past.
    fn pass(&mut self, at_us: u64) {
        self.now_us = self.now_us.max(at_us);
        if self.stage == Stage::Loading && self.now_us >= self.quiet_from_us {
            self.come_to(Stage::Settling);
        }
        let number = self.now_us / SECOND_US;
        let last = self.seconds.back().map_or(0, |second| second.number);
        // Of a clock that has jumped only the last seconds matter.
        let first = (last + 1).max(number.saturating_sub(SECONDS_KEPT as u64));
        for number in first..=number {
            self.seconds.push_back(Second { number, ..Second::default() });
        }
        while self.seconds.len() > SECONDS_KEPT + 1 {
            self.seconds.pop_front();
        }
    }

    fn come_to(&mut self, stage: Stage) {
        self.stage = self.stage.max(stage);
    }

    fn harm(&mut self, fault: &Fault) {
        match fault.phase {
            Phase::Planned => {}
            Phase::Applied | Phase::Verified => {
                let text = format!("{} {}", fault.kind, fault.target);
                self.faults.insert(fault.number, text.trim_end().to_owned());
            }
            Phase::Healed => drop(self.faults.remove(&fault.number)),
        }
    }

    fn scene(&self) -> Scene {
        let going_on = self.now_us / SECOND_US;
        let whole = || self.seconds.iter().filter(|second| second.number < going_on);
        let per_s = |of: fn(&Second) -> u64| {
            let over = RATES_OVER_S.min(going_on).max(1);
            let lately = whole().filter(|second| second.number + over >= going_on);
            #[expect(clippy::cast_precision_loss, reason = "no rate is that high")]
            let mean = lately.map(of).sum::<u64>() as f64 / over as f64;
            mean
        };
        let is_late = |second: &&Second| second.number + LATENCIES_OVER_S >= going_on;
        let lately = self.seconds.iter().filter(is_late);
        let mut latencies_us: Vec<_> =
            lately.flat_map(|second| second.latencies_us.iter().copied()).collect();
        latencies_us.sort_unstable();
        let at = |percent: usize| {
            let rank = (latencies_us.len() * percent).div_ceil(100).max(1);
            latencies_us.get(rank - 1).copied()
        };
        Scene {
            now_us: self.now_us,
            end_us: self.end_us,
            stage: self.stage,
            faults: self.faults.values().cloned().collect(),
            sent_per_s: per_s(|second| second.sent),
            accepted_per_s: per_s(|second| second.accepted),
            decided_per_s: per_s(|second| second.decided),
            decided: whole().map(|second| second.decided).collect(),
            backlog: self.backlog,
            undecided: self.follower.undecided(),
            latency_us: at(50).zip(at(99)),
            violations: self.judging.as_ref().map(|judging| judging.judge.violations()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan;
    use crate::record::RunDirectory;
    use crate::run::run;
    use crate::scenario::Scenario;

    /// A run in virtual time: its plan and its log.
    fn ran(text: &str) -> (Arc<Plan>, Vec<Observed>) {
        let plan = Scenario::parse("x.toml", text, None).unwrap();
        let plan = Arc::new(plan::make(&plan, 1).unwrap());
        let folder = tempfile::tempdir().unwrap();
        let directory = RunDirectory::create(&folder.path().join("run")).unwrap();
        run(&plan, Some(&directory), String::new(), BTreeMap::new()).unwrap();
        let records = crate::observe::read(&directory.observations()).unwrap();
        (plan, records)
    }

    const TEXT: &str = "name = \"x\"\n[[load]]\nat = \"1s\"\nfor = \"20s\"\n\
                        arrivals = { kind = \"constant\", rate = \"10/s\" }\nmix = { create = 1.0 }\n\
                        [[fault]]\ndo = \"kill\"\nat = \"9s\"\ntarget = \"n2\"\nrestart_after = \"3s\"\n";

    /// The scene of a log up to a moment.
    fn at(plan: &Plan, records: &[Observed], now_us: u64) -> Scene {
        let live = Live::new(plan, true);
        assert_eq!(live.scene().stage, Stage::Starting);
        let until = records.iter().take_while(|observed| observed.at_us <= now_us);
        for observed in until {
            live.see(observed);
            live.until(observed.at_us);
        }
        live.until(now_us);
        live.scene()
    }

    #[test]
    fn a_scene_is_what_holds_at_that_moment() {
        let (plan, records) = ran(TEXT);
        let scene = at(&plan, &records, 11_000_000);
        assert_eq!((scene.stage, scene.faults), (Stage::Loading, vec!["kill n2".to_owned()]));
        assert!(
            (10.0..12.0).contains(&scene.sent_per_s),
            "some go to n2 in vain: {}",
            scene.sent_per_s
        );
        assert!(
            scene.decided_per_s > 0.0 && scene.decided_per_s <= 20.0,
            "{}",
            scene.decided_per_s
        );
        assert_eq!(scene.decided.len(), 11);
        assert!(scene.backlog + scene.undecided as u64 > 0, "a node is down");
        let (p50_us, p99_us) = scene.latency_us.unwrap();
        assert!(0 < p50_us && p50_us <= p99_us && p99_us < 11_000_000, "{p50_us} {p99_us}");
        assert_eq!(scene.violations, Some(BTreeMap::new()));

        let scene = at(&plan, &records, 8_500_000);
        assert_eq!((scene.sent_per_s, scene.accepted_per_s), (10.0, 10.0));

        let scene = at(&plan, &records, u64::MAX / 2);
        assert_eq!((scene.stage, scene.faults.len()), (Stage::Judging, 0));
        assert_eq!((scene.backlog, scene.undecided, scene.latency_us), (0, 0, None));
        assert_eq!(scene.decided.iter().sum::<u64>(), 0, "all is long ago");
    }

    #[test]
    fn a_violation_shows_while_the_run_goes() {
        let text = include_str!("../../scenarios/defects/q14-twice-in-a-block.toml");
        let (mut plan, records) = ran(text);
        // Here it is not what the run is for.
        Arc::make_mut(&mut plan).expect.violations.clear();
        let scene = at(&plan, &records, plan.end_us);
        let violations = scene.violations.expect("there are few records");
        assert!(violations.values().sum::<u64>() > 0, "{violations:?}");
    }

    #[test]
    fn a_run_too_fast_to_judge_is_left_to_the_end() {
        let (plan, records) = ran(TEXT);
        let live = Live::new(&plan, true);
        for observed in records.iter().cycle().take(UNJUDGED_MAX + 1) {
            live.see(observed);
        }
        assert_eq!(live.scene().violations, None);
    }
}
