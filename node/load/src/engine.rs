//! The loop that keeps a workload's schedule.
//!
//! A [`Workload`] is told what happened and says what to send and when it wants to be woken. It is
//! pure: the same one runs in the simulator's virtual time. [`run`] gives it real time and real
//! connections, and never waits for an answer before going on. How far it fell behind its schedule
//! is measured with every request ([`Slip`]): a run whose load slipped proves nothing.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::client::{Answer, Call, Client, NoAnswer};
use crate::slip::Slip;

/// Decides what is sent, when and where. Times are microseconds since the run began.
pub trait Workload {
    /// Something happened; `effects` takes what is to be done.
    fn handle(&mut self, now_us: u64, event: Event, effects: &mut Vec<Effect>);
}

/// What reaches a workload.
#[derive(Debug)]
pub enum Event {
    /// The run begins.
    Start,
    /// A time asked for by [`Effect::WakeAt`] has come.
    Woken,
    /// A request is over.
    Over(Exchange),
}

/// What a workload wants done.
#[derive(Debug)]
pub enum Effect {
    /// Send a request; [`Event::Over`] will name its number.
    Send {
        /// Its number, of the workload's choice.
        number: u64,
        /// To which node, as an index into the client's addresses.
        target: usize,
        /// What.
        call: Call,
        /// When it should have been sent: by then at the latest the workload wanted to be woken.
        due_us: u64,
    },
    /// Send [`Event::Woken`] at this time (the last one asked for counts).
    WakeAt(u64),
    /// Nothing is left to do.
    Finish,
}

/// A request from its first to its last moment, in microseconds since the run began.
#[derive(Debug)]
pub struct Exchange {
    /// Its number.
    pub number: u64,
    /// When the workload wanted it sent.
    pub wanted_us: u64,
    /// When it was sent; `None` if its turn did not come before the time-out.
    pub sent_us: Option<u64>,
    /// When its answer had been read, or was given up.
    pub over_us: u64,
    /// The answer.
    pub answer: Result<Answer, NoAnswer>,
}

/// Runs a workload until it finishes. `began` is its time zero. How far the requests slipped that are over.
///
/// Requests still under way at the end are given up, and the workload does not hear of them.
pub async fn run<W: Workload>(
    workload: &mut W,
    client: &Client,
    began: Instant,
    timeout: Duration,
) -> Slip {
    // Unbounded in type; in fact as long as the requests under way, which the schedule bounds.
    let (over, mut overs) = mpsc::unbounded_channel();
    let since = move || us(Instant::now().saturating_duration_since(began));
    let mut requests = JoinSet::new();
    let mut effects = Vec::new();
    let mut wake_us = None;
    let mut slip = Slip::default();
    let mut event = Event::Start;
    loop {
        let wanted_us = since();
        workload.handle(wanted_us, event, &mut effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Finish => return slip,
                Effect::WakeAt(at_us) => wake_us = Some(at_us),
                Effect::Send { number, target, call, due_us } => {
                    let (client, over) = (client.clone(), over.clone());
                    requests.spawn(async move {
                        let late_us = since().saturating_sub(due_us);
                        let mut sent_us = None;
                        let sent = || sent_us = Some(since());
                        let answer = client.call(target, call, timeout, sent).await;
                        let over_us = since();
                        let exchange = Exchange { number, wanted_us, sent_us, over_us, answer };
                        // The loop is gone only if it has finished.
                        let _ = over.send((late_us, exchange));
                    });
                }
            }
        }
        while requests.try_join_next().is_some() {}
        let wake = began + Duration::from_micros(wake_us.unwrap_or(0));
        event = tokio::select! {
            biased;
            () = sleep_until(wake), if wake_us.is_some() => {
                wake_us = None;
                Event::Woken
            }
            over = overs.recv() => {
                let (late_us, exchange) = over.expect("we hold a sender");
                slip.note(late_us);
                Event::Over(exchange)
            }
        };
    }
}

/// A duration in microseconds.
fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
