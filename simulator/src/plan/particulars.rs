//! How a fault goes: as the scenario wishes, and as chance has it where it leaves that open.
//!
//! Not here: when it happens and whom it meets (`plan::harm`). Start at [`choose`].

use super::{Direction, FaultKind, Followed, Form, How, Loss, OtherSide, Point};
use crate::backends::Backend;
use crate::chance::Draw;
use crate::scenario::{FACTOR_MAX, Scenario, Wish};

/// A slow link or a slow server still answers within a second, or nothing would be done there.
const SLOW_MOST_US: u64 = 1_000_000;
/// Replicas that lag behind more than this keep all writes waiting.
const LAG_MOST_US: u64 = 500_000;
/// Real links are a connection, and to make one takes a message forth and back three times: a link that is
/// slowed more than this makes none.
const REAL_SLOW_MOST_US: u64 = 250_000;
/// A real node that is slower than this does nothing but look after what it follows.
const REAL_SLOWNESS_MAX: u64 = 20;
/// How many segments a bad line loses,
const LEAKY_SHARE: (u64, u64) = (10_000, 250_000);
/// and how many bytes a narrow one lets pass in a second.
const NARROW_BYTES: (u64, u64) = (5_000, 500_000);
/// Elements of feeds come at most so late by chance: later than nodes look by themselves.
const LATE_US: (u64, u64) = (50_000, 8_000_000);
/// A clock is off by this, so that its node still takes part,
const OFF_MS: (u64, u64) = (500, 50_000);
/// or by this, so that it does not: one in so many.
const FAR_OFF_MS: (u64, u64) = (60_000, 3_600_000);
const FAR_OFF_ONE_IN: u64 = 4;
/// How much a clock drifts: a bad quartz at least, half as fast again at most.
const DRIFT_PPM: (u64, u64) = (1_000, 500_000);
/// At which time that it comes to a point a node dies there: some points are seldom come to.
const NTH: [u32; 4] = [1, 1, 2, 4];
/// A node that died is away this long.
const RESTART_US: (u64, u64) = (50_000, 3_000_000);

/// How one occurrence of a fault goes. `about` answers questions by chance; each has its number, so
/// that what is wished does not change what is drawn.
pub(super) fn choose(
    kind: FaultKind,
    wish: &Wish,
    scenario: &Scenario,
    lasts_us: u64,
    about: impl Fn(u64) -> Draw,
) -> How {
    let store = &scenario.federation.store;
    let between = |question, (low, high): (u64, u64)| about(question).between(low, high);
    let factor = |question, usual_us: u64, most_us: u64| {
        let most = (most_us / usual_us.max(1)).clamp(2, u64::from(FACTOR_MAX));
        wish.factor.unwrap_or_else(|| whole(about(question).between(2, most)))
    };
    let share =
        |question, (low, high)| wish.share.unwrap_or_else(|| whole(between(question, (low, high))));
    match kind {
        FaultKind::Partition => {
            let (to, direction) = cut(scenario.backend(), &about);
            How::Cut { to: wish.to.unwrap_or(to), direction: wish.direction.unwrap_or(direction) }
        }
        FaultKind::StorePartition => {
            let (form, direction) = apart(store.servers, &about);
            let form = wish.form.unwrap_or(form);
            How::Apart { form, direction: wish.direction.unwrap_or(direction) }
        }
        FaultKind::Reconfigure => wish.shape.map_or(How::Plain, How::Tables),
        FaultKind::Crash => {
            let points: Vec<_> = Point::all().collect();
            let away = (RESTART_US.0, RESTART_US.1.min(lasts_us / 2).max(RESTART_US.0));
            How::AtPoint {
                point: wish.point.unwrap_or_else(|| *about(0).pick(&points)),
                nth: wish.nth.unwrap_or_else(|| *about(1).pick(&NTH)),
                restart_after_us: wish.restart_after_us.unwrap_or_else(|| between(2, away)),
            }
        }
        FaultKind::SlowLink => {
            let latency_us = scenario.links.latency_us;
            let most_us = match scenario.backend() {
                Backend::Processes | Backend::Docker => REAL_SLOW_MOST_US,
                _ => SLOW_MOST_US,
            };
            let factor = factor(0, latency_us, most_us);
            let slowed_us = latency_us.saturating_mul(u64::from(factor)).max(1_000);
            let jitter_us = wish.jitter_us.unwrap_or_else(|| about(1).between(1, slowed_us));
            How::Slow { factor, jitter_us }
        }
        FaultKind::SlowNode => {
            let block_us = scenario.costs.block_us;
            let most_us = match scenario.backend() {
                Backend::Processes | Backend::Docker => block_us * REAL_SLOWNESS_MAX,
                _ => SLOW_MOST_US / 4,
            };
            How::Slow { factor: factor(0, block_us, most_us), jitter_us: 0 }
        }
        FaultKind::StoreSlow => {
            let usual_us = scenario.costs.query_us + scenario.costs.sync_us;
            How::Slow { factor: factor(0, usual_us, SLOW_MOST_US), jitter_us: 0 }
        }
        FaultKind::StoreSlowLink => {
            How::Slow { factor: factor(0, store.timing.replicate_us, LAG_MOST_US), jitter_us: 0 }
        }
        FaultKind::LossyLink => How::Leaky { share: share(0, LEAKY_SHARE) },
        FaultKind::NarrowLink => How::Narrow {
            rate_bytes: wish.rate_bytes.unwrap_or_else(|| whole(between(0, NARROW_BYTES))),
        },
        FaultKind::FeedLag => {
            let tables = [None].into_iter().chain(Followed::ALL.map(Some));
            // From outside nobody sees which shard tells.
            let seen = if scenario.backend() == Backend::Sim { store.shards } else { 0 };
            let shards = [None, None].into_iter().chain((0..seen).map(Some));
            let (tables, shards): (Vec<_>, Vec<_>) = (tables.collect(), shards.collect());
            How::Late {
                table: wish.table.unwrap_or_else(|| *about(0).pick(&tables)),
                shard: wish.shard.unwrap_or_else(|| *about(1).pick(&shards)),
                most_us: wish.most_us.unwrap_or_else(|| between(2, LATE_US)),
            }
        }
        FaultKind::FeedRepeat => How::Twice { share: share(0, (50_000, 1_000_000)) },
        FaultKind::LostAnswers => How::Lossy {
            share: share(0, (20_000, 600_000)),
            loss: wish
                .loss
                .unwrap_or_else(|| *about(1).pick(&[Loss::Silence, Loss::Reset, Loss::Either])),
        },
        FaultKind::ClockSkew | FaultKind::ClockJump => {
            let far = about(0).below(FAR_OFF_ONE_IN) == 0;
            let ms = signed(between(1, if far { FAR_OFF_MS } else { OFF_MS }));
            let back = kind == FaultKind::ClockJump || about(2).happens(500_000);
            How::Off { ms: wish.off_ms.unwrap_or(if back { -ms } else { ms }) }
        }
        FaultKind::ClockDrift => {
            let ppm = signed(between(0, DRIFT_PPM));
            let slow = about(1).happens(500_000);
            How::Drifts { ppm: wish.ppm.unwrap_or(if slow { -ppm } else { ppm }) }
        }
        FaultKind::ClockStop => {
            How::Steps { ms: wish.step_ms.unwrap_or_else(|| 1_000 * between(0, (1, 10))) }
        }
        FaultKind::Kill
        | FaultKind::Pause
        | FaultKind::FeedAbort
        | FaultKind::StoreKill
        | FaultKind::StoreRestart
        | FaultKind::StorePause
        | FaultKind::PowerLoss
        | FaultKind::Lose
        | FaultKind::OutOfMemory
        | FaultKind::StoreFull => How::Plain,
    }
}

/// A cut by chance; where nodes share a process there is one sort.
fn cut(backend: Backend, about: &impl Fn(u64) -> Draw) -> (OtherSide, Direction) {
    use OtherSide::{Both, Clients, Store};
    if backend == Backend::Local {
        return (Store, Direction::Both);
    }
    (*about(0).pick(&[Store, Store, Clients, Both]), direction(about(1)))
}

fn direction(drawn: Draw) -> Direction {
    *drawn.pick(&[Direction::Both, Direction::Both, Direction::In, Direction::Out])
}

/// A partition of so many servers by chance.
fn apart(servers: u32, about: &impl Fn(u64) -> Draw) -> (Form, Direction) {
    let forms: &[_] = match servers {
        0..=2 => &[Form::Isolated],
        3 => &[Form::Isolated, Form::Isolated, Form::Halves, Form::Bridge],
        _ => &[Form::Isolated, Form::Isolated, Form::Halves, Form::Bridge, Form::Ring],
    };
    match *about(0).pick(forms) {
        Form::Isolated => (Form::Isolated, direction(about(1))),
        form => (form, Direction::Both),
    }
}

fn whole(number: u64) -> u32 {
    u32::try_from(number).expect("drawn between small numbers")
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("drawn between small numbers")
}
