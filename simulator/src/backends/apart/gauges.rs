//! Looking at the nodes from time to time: how full they are, how much they ask of their store.

use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::stages::Levels;
use tokio::time::{Instant, sleep, sleep_until};

use super::super::real::Recorder;
use super::grip::Grip;
use crate::observe::{Gauge, Record};

/// How often, as in virtual time.
const EVERY: Duration = Duration::from_secs(5);

/// Nodes that were just told the last thing have done with it by then.
const REST_WITHIN: Duration = Duration::from_secs(10);

/// How often it is looked whether they have.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A node that holds no more than this of anything rests.
const FEW: usize = 5;

/// Whoever looks at the nodes.
pub(super) struct Gauges {
    nodes: Vec<Node>,
    recorder: Recorder,
}

struct Node {
    name: Arc<str>,
    grip: Grip,
    /// What it asked in its earlier lives, as far as anybody has seen,
    before: u64,
    /// and in this one.
    asked: u64,
}

impl Gauges {
    pub(super) fn new(names: Vec<Arc<str>>, grips: Vec<Grip>, recorder: Recorder) -> Self {
        let node = |(name, grip)| Node { name, grip, before: 0, asked: 0 };
        Self { nodes: names.into_iter().zip(grips).map(node).collect(), recorder }
    }

    /// Looks at them until it is told to stop.
    pub(super) async fn run(mut self, mut stop: tokio::sync::oneshot::Receiver<()>) -> Self {
        let began = Instant::now();
        for turn in 1.. {
            tokio::select! {
                _ = &mut stop => break,
                () = sleep_until(began + turn * EVERY) => {}
            }
            for node in &mut self.nodes {
                if let Some(gauge) = node.look().await {
                    self.recorder.tell(Record::Gauge(gauge));
                }
            }
        }
        self
    }

    /// Looks at them once more, when they have come to rest, or should have.
    pub(super) async fn last(mut self) {
        let until = Instant::now() + REST_WITHIN;
        for node in &mut self.nodes {
            let mut last = node.look().await;
            while last.as_ref().is_some_and(|gauge| !rests(&gauge.levels)) && Instant::now() < until
            {
                sleep(LOOK_AGAIN).await;
                last = node.look().await;
            }
            if let Some(gauge) = last {
                self.recorder.tell(Record::Gauge(gauge));
            }
        }
    }
}

impl Node {
    /// How full it is; none if it does not say.
    async fn look(&mut self) -> Option<Gauge> {
        let (levels, asked) = self.grip.levels().await.ok()?;
        if asked < self.asked {
            self.before += self.asked;
        }
        self.asked = asked;
        Some(Gauge { node: self.name.clone(), levels, questions: self.before + asked })
    }
}

fn rests(levels: &Levels) -> bool {
    let Levels { undecided, backlog, mine, oldest: _, api, block, vote, election, stale } = *levels;
    let all = [undecided, backlog, mine, api, block, vote, election, stale];
    all.into_iter().all(|level| level <= FEW)
}
