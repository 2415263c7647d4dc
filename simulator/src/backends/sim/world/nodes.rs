//! What faults do to nodes: to their processes, their links, their clocks, their pace.

use super::{Course, End, Event, World};
use crate::backends::sim::link::{Late, Slow};
use crate::backends::sim::node::Armed;
use crate::observe::{Befell, Phase};
use crate::plan::{Direction, Fault, FaultKind, How, Point, Side, Step};
use crate::workload;

impl World<'_> {
    /// A fault meets a node.
    pub(super) fn harm_node(&mut self, index: usize, node: usize, fault: &Fault) {
        let now_us = self.now();
        let sim = &mut self.nodes[node];
        match (fault.kind, fault.how) {
            (FaultKind::Kill | FaultKind::Lose | FaultKind::OutOfMemory, _) => self.kill(node),
            (FaultKind::Crash, How::AtPoint { point, nth, .. }) => {
                sim.armed = Some(Armed { fault: index, point, left: nth });
            }
            (FaultKind::Pause, _) => {
                sim.pause();
                self.tell_node(node, Befell::Paused, "");
            }
            (FaultKind::Partition, How::Cut { to, direction }) => {
                sim.link.set_cut(to, direction, true);
                // Whoever hears nothing cannot know yet that its feeds are dead; whoever hears and
                // cannot speak loses none.
                if direction == Direction::Both && sim.link.to_store_cut {
                    self.close_feeds(node);
                }
            }
            (FaultKind::FeedAbort, _) => self.close_feeds(node),
            (FaultKind::SlowLink, How::Slow { factor, jitter_us }) => {
                sim.link.slow = Some(Slow { factor, jitter_us });
            }
            (FaultKind::LossyLink, How::Leaky { share }) => {
                sim.link.leaky = Some((index, share));
            }
            (FaultKind::FeedLag, How::Late { table, shard, most_us }) => {
                sim.link.late = Some(Late { fault: index, table, shard, most_us });
            }
            (FaultKind::FeedRepeat, How::Twice { share }) => {
                sim.link.twice = Some((index, share));
            }
            (FaultKind::LostAnswers, How::Lossy { share, loss }) => {
                sim.link.lossy = Some((index, share, loss));
            }
            (
                FaultKind::ClockSkew
                | FaultKind::ClockDrift
                | FaultKind::ClockJump
                | FaultKind::ClockStop,
                _,
            ) => sim.clock.0 = fault.clock().map(|wrong| (wrong, now_us)),
            (FaultKind::SlowNode, How::Slow { factor, .. }) => sim.slowness = factor,
            (kind, how) => unreachable!("{kind:?} of nodes does not go like {how:?}"),
        }
    }

    /// The probe: is the fault real?
    pub(super) fn is_harmed(&self, node: usize, fault: &Fault) -> bool {
        let (now_us, sim) = (self.now(), &self.nodes[node]);
        match (fault.kind, fault.how) {
            (FaultKind::Kill | FaultKind::Lose | FaultKind::OutOfMemory, _) => !sim.is_up(),
            (FaultKind::Pause, _) => !sim.is_running(),
            (FaultKind::Partition, How::Cut { to, direction }) => {
                let deaf = direction == Direction::Both && sim.link.to_store_cut;
                sim.link.is_cut(to, direction, true) && (!deaf || sim.feeds.is_empty())
            }
            (FaultKind::FeedAbort, _) => sim.feeds.is_empty(),
            // A message of the probe's own takes longer than it would on any other day.
            (FaultKind::SlowLink, _) => self.probe_us(node) > self.usual_us(node),
            (FaultKind::ClockStop, How::Steps { ms }) => {
                sim.clock.unix_us(now_us + 1) % ms.saturating_mul(1000).max(1) == 0
            }
            (FaultKind::ClockSkew | FaultKind::ClockDrift | FaultKind::ClockJump, _) => {
                !sim.clock.is_right(now_us)
            }
            (FaultKind::SlowNode, _) => sim.slowness > 1,
            // They show when there is an occasion.
            _ => true,
        }
    }

    /// A fault leaves a node.
    pub(super) fn mend_node(&mut self, node: usize, fault: &Fault) {
        let sim = &mut self.nodes[node];
        match (fault.kind, fault.how) {
            (FaultKind::Kill | FaultKind::OutOfMemory, _) => self.start(node),
            (FaultKind::Pause, _) => self.resume(node),
            (FaultKind::Crash, _) => sim.armed = None,
            (FaultKind::Partition, How::Cut { to, direction }) => {
                let deaf = sim.link.from_store_cut;
                sim.link.set_cut(to, direction, false);
                // What was told in its feeds is lost, and now it is told that they are.
                if deaf && direction == Direction::In {
                    self.close_feeds(node);
                }
            }
            (FaultKind::SlowLink, _) => sim.link.slow = None,
            (FaultKind::LossyLink, _) => sim.link.leaky = None,
            (FaultKind::FeedLag, _) => sim.link.late = None,
            (FaultKind::FeedRepeat, _) => sim.link.twice = None,
            (FaultKind::LostAnswers, _) => sim.link.lossy = None,
            (
                FaultKind::ClockSkew
                | FaultKind::ClockDrift
                | FaultKind::ClockJump
                | FaultKind::ClockStop,
                _,
            ) => sim.clock.0 = None,
            (FaultKind::SlowNode, _) => sim.slowness = 1,
            // Feeds can be opened again from the start; who is lost is lost.
            _ => {}
        }
    }

    /// The probe: is it over?
    pub(super) fn is_mended(&self, node: usize, fault: &Fault) -> bool {
        let sim = &self.nodes[node];
        match (fault.kind, fault.how) {
            (FaultKind::Kill | FaultKind::Crash | FaultKind::OutOfMemory, _) => sim.is_up(),
            (FaultKind::Pause, _) => sim.is_running(),
            (FaultKind::Partition, How::Cut { to, direction }) => {
                sim.link.is_cut(to, direction, false)
            }
            (FaultKind::SlowLink, _) => self.probe_us(node) == self.usual_us(node),
            (
                FaultKind::ClockSkew
                | FaultKind::ClockDrift
                | FaultKind::ClockJump
                | FaultKind::ClockStop,
                _,
            ) => sim.clock.is_right(self.now()),
            (FaultKind::SlowNode, _) => sim.slowness == 1,
            (FaultKind::LossyLink, _) => sim.link.leaky.is_none(),
            (FaultKind::FeedLag, _) => sim.link.late.is_none(),
            (FaultKind::FeedRepeat, _) => sim.link.twice.is_none(),
            (FaultKind::LostAnswers, _) => sim.link.lossy.is_none(),
            _ => true,
        }
    }

    /// How long a message that no node sends takes to the store,
    fn probe_us(&self, node: usize) -> u64 {
        self.message_us(End::Node(node), End::Store, 0)
    }

    /// and how long it would take if nothing were wrong.
    fn usual_us(&self, node: usize) -> u64 {
        let (from, to) = (End::Node(node).number(), End::Store.number());
        self.plan.links.delay_us(self.plan.seed, from, to, 0)
    }

    /// A node comes to a point of its work; whether it dies there.
    pub(super) fn dies(&mut self, node: usize, side: Side, step: Step) -> bool {
        let Some(armed) = &mut self.nodes[node].armed else { return false };
        let point = Point { side, step };
        if armed.point != point {
            return false;
        }
        armed.left -= 1;
        if armed.left > 0 {
            return false;
        }
        let index = armed.fault;
        self.nodes[node].armed = None;
        self.coverage.hits(point);
        let fault = self.plan.faults[index].clone();
        self.meets(&fault);
        self.courses[index] = Course::Holds;
        self.tell_fault(index, Phase::Applied);
        self.kill(node);
        if !self.nodes[node].is_up() {
            self.tell_fault(index, Phase::Verified);
        }
        if let How::AtPoint { restart_after_us, .. } = fault.how {
            self.kernel.after(restart_after_us, Event::Restart(index));
        }
        true
    }

    fn kill(&mut self, node: usize) {
        for subscription in self.nodes[node].feeds.values() {
            self.store.unsubscribe(*subscription);
        }
        self.nodes[node].kill();
        self.tell_node(node, Befell::Killed, "");
        let broken = self.under_way.iter().filter(|(_, asked)| **asked == node);
        for call in broken.map(|(call, _)| *call).collect::<Vec<_>>() {
            self.reply(call, workload::Answer::Lost("connection reset".into()));
        }
    }

    fn resume(&mut self, node: usize) {
        self.tell_node(node, Befell::Resumed, "");
        let start = self.nodes[node].starts;
        for event in self.nodes[node].resume() {
            self.reach(node, start, event);
        }
    }
}
