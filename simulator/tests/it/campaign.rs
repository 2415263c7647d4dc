//! Campaigns: every seed once, in any order, and nothing lost when one is broken off.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use bigchaindb_core::rules::Quirk;
use bigchaindb_simulator::campaign::{Asked, Order, State, StateError, Tally, campaign};
use bigchaindb_simulator::scenario::Scenario;

use crate::scenario::smoke;

fn scenarios(quirk: Option<Quirk>) -> Vec<Scenario> {
    let names = ["single-node.toml", "conflict-storm.toml"];
    let files = smoke();
    let load = |name| {
        let file = files.iter().find(|file| file.ends_with(name)).unwrap();
        let mut scenario = Scenario::load(file, None).unwrap();
        scenario.federation.quirks.extend(quirk);
        scenario
    };
    names.map(load).into()
}

/// Goes on with a campaign for at most so many runs.
fn go_on(state: &mut State, scenarios: &[Scenario], total: u64, at_once: usize, most: u64) {
    let before = state.clone();
    let mut left = most;
    let order = Order { scenarios, first: 10, total, at_once };
    campaign(
        order,
        |number| before.is_done(number),
        |job, twice, came| {
            state.tally.count(job, twice, &came);
            assert!(!state.is_done(job.number), "{job:?} is run again");
            state.done(job.number);
            left = left.saturating_sub(1);
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        },
    );
}

fn tally(scenarios: &[Scenario], total: u64, at_once: usize) -> Tally {
    let mut state = State::new(Asked::new(scenarios, 10), scenarios);
    go_on(&mut state, scenarios, total, at_once, u64::MAX);
    state.tally
}

#[test]
fn a_campaign_that_was_broken_off_comes_to_the_same_as_one_that_was_not() {
    let scenarios = scenarios(Some(Quirk::DoubleSpendUnchecked));
    let whole = tally(&scenarios, 12, 1);
    assert_eq!((whole.runs, whole.twice), (12, 1));
    assert_eq!(whole.scenarios.iter().map(|part| part.runs).collect::<Vec<_>>(), [6, 6]);
    let seeds: BTreeSet<_> = whole.found.iter().map(|found| found.seed).collect();
    assert!(whole.fail > 6 && seeds.iter().all(|seed| (10..16).contains(seed)), "{whole:?}");
    assert_eq!(tally(&scenarios, 12, 3), whole, "how many run at once does not matter");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let asked = Asked::new(&scenarios, 10);
    assert_eq!(State::load(&path, &asked).unwrap(), None);
    let mut state = State::new(asked.clone(), &scenarios);
    for part in 0.. {
        go_on(&mut state, &scenarios, 12, 2, 3);
        state.save(&path).unwrap();
        state = State::load(&path, &asked).unwrap().unwrap();
        if state.tally.runs == 12 {
            assert!(part > 1, "it was broken off");
            break;
        }
    }
    assert_eq!(state.tally, whole);
}

#[test]
fn the_state_of_another_campaign_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let one = scenarios(None);
    let asked = Asked::new(&one, 1);
    State::new(asked.clone(), &one).save(&path).unwrap();
    assert!(State::load(&path, &asked).unwrap().is_some());
    let others = [
        Asked::new(&one, 2),
        Asked::new(&one[..1], 1),
        Asked::new(&scenarios(Some(Quirk::TieIsValid)), 1),
    ];
    for other in others {
        let refused = State::load(&path, &other);
        assert!(matches!(refused, Err(StateError::Another { .. })), "{refused:?}");
    }
    std::fs::write(&path, "{").unwrap();
    assert!(matches!(State::load(&path, &asked), Err(StateError::Form { .. })));
}

#[test]
fn what_is_kept_of_failures_is_bounded() {
    let scenarios = scenarios(Some(Quirk::DoubleSpendUnchecked));
    let (mut tally, mut came_of) = (Tally::new(&scenarios), None);
    let order = Order { scenarios: &scenarios[1..], first: 3, total: 1, at_once: 1 };
    campaign(
        order,
        |_| false,
        |job, _, came| {
            came_of = Some((job, came));
            ControlFlow::Continue(())
        },
    );
    let (mut job, came) = came_of.unwrap();
    let count = Tally::KEPT as u64 + 50;
    // The last ones first: what is kept does not depend on who ends when.
    for number in (0..count).rev() {
        job.number = number;
        tally.count(job, false, &came);
    }
    assert_eq!((tally.fail, tally.not_kept()), (count, 50));
    let kept: Vec<_> = tally.found.iter().map(|found| found.job.number).collect();
    assert_eq!(kept, (0..Tally::KEPT as u64).collect::<Vec<_>>());
}
