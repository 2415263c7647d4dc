//! The clients of a run: the workload's driver, with requests and answers in HTTP's terms.

use std::sync::Arc;

use bigchaindb_core::model::Json;
use bigchaindb_load::client::{self, NoAnswer};
use bigchaindb_load::engine::{Effect, Event, Exchange, Workload};

use super::Recorder;
use crate::observe::Record;
use crate::plan::Plan;
use crate::workload::{Answer, CallId, ClientEffect, ClientEvent, Driver, Prepared, Request};

/// All clients of a run.
pub(in super::super) struct Clients {
    driver: Driver,
    recorder: Recorder,
    /// What the engine's start means to the driver.
    start: ClientEvent,
}

impl Clients {
    pub(in super::super) fn new(
        plan: &Arc<Plan>,
        started_unix_ms: u64,
        prepared: Prepared,
        recorder: Recorder,
    ) -> Self {
        let driver = Driver::new(plan.clone(), started_unix_ms).with(prepared);
        Self { driver, recorder, start: ClientEvent::Start }
    }

    /// From now on nothing is loaded; every node is asked where every transaction stands.
    pub(in super::super) fn probe(&mut self) {
        self.start = ClientEvent::Probe;
    }
}

impl Workload for Clients {
    fn handle(&mut self, now_us: u64, event: Event, effects: &mut Vec<Effect>) {
        let event = match event {
            Event::Start => self.start.clone(),
            Event::Woken => ClientEvent::Woken,
            Event::Over(Exchange { number, answer, .. }) => {
                ClientEvent::Answered { call: CallId(number), answer: read(answer) }
            }
        };
        let mut wanted = Vec::new();
        self.driver.handle(now_us, event, &mut wanted);
        for effect in wanted {
            match effect {
                ClientEffect::Send { call, node, request, due_us } => {
                    let (number, call) = (call.0, write(&request));
                    effects.push(Effect::Send { number, target: node, call, due_us });
                }
                ClientEffect::WakeAt(at_us) => effects.push(Effect::WakeAt(at_us)),
                ClientEffect::Record(operation) => {
                    self.recorder.tell(Record::Operation(operation));
                }
                ClientEffect::Idle => effects.push(Effect::Finish),
            }
        }
    }
}

/// A request as HTTP.
fn write(request: &Request) -> client::Call {
    match request {
        Request::Post(document) => client::Call::Post(document.to_string().into()),
        Request::Get(tx) => client::Call::Get(format!("/api/v1/transactions/{tx}")),
        Request::Status(tx) => client::Call::Get(format!("/api/v1/transactions/{tx}/status")),
    }
}

/// What came back, as the driver takes it.
fn read(answer: Result<client::Answer, NoAnswer>) -> Answer {
    match answer {
        Ok(client::Answer { status, body }) => {
            Answer::Http { status, body: Json::parse(&body).unwrap_or(Json::Null) }
        }
        Err(error) if error.is_ambiguous() => Answer::Lost(error.to_string()),
        Err(error) => Answer::Unreachable(error.to_string()),
    }
}
