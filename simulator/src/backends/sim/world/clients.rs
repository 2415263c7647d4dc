//! What passes between clients and nodes: requests and answers.

use bigchaindb::http;
use bigchaindb_core::model::Json;
use bigchaindb_core::stages::{self, RequestId, Response};

use super::{End, Event, World};
use crate::chance::{Domain, draw_bytes};
use crate::observe::Record;
use crate::workload::{self, CallId, ClientEffect, ClientEvent, Request};

/// A request without an answer is given up by its client after this long.
const REQUEST_TIMEOUT_US: u64 = 10_000_000;

impl World<'_> {
    /// Something concerns the clients; what they want done is done.
    pub(super) fn client(&mut self, event: ClientEvent) {
        let mut effects = Vec::new();
        self.clients.handle(self.kernel.now_us(), event, &mut effects);
        for effect in effects {
            match effect {
                ClientEffect::Send { call, node, request, .. } => {
                    self.under_way.insert(call, node);
                    let delay = self.delay(End::Clients, End::Node(node));
                    self.kernel.after(delay, Event::Arrive { call, request });
                    self.kernel.after(REQUEST_TIMEOUT_US, Event::GiveUp { call });
                }
                ClientEffect::WakeAt(at_us) => {
                    self.kernel.at(at_us, Event::Client(ClientEvent::Woken));
                }
                ClientEffect::Record(operation) => self.tell(Record::Operation(operation)),
                ClientEffect::Idle => {}
            }
        }
    }

    /// A request reaches a node.
    pub(super) fn arrive(&mut self, call: CallId, request: Request) {
        let Some(&node) = self.under_way.get(&call) else { return };
        if self.nodes[node].link.from_clients_cut {
            return;
        }
        let sim = &mut self.nodes[node];
        if !sim.is_up() {
            let refused = workload::Answer::Unreachable("connection refused".into());
            return self.reply(call, refused);
        }
        sim.requests += 1;
        let drawn = draw_bytes(self.plan.seed, Domain::RequestEntropy, node as u64, sim.requests);
        let (id, start) = (RequestId(call.0), sim.starts);
        let call = match request {
            Request::Post(document) => stages::Call::Post((*document).clone()),
            Request::Get(tx) => stages::Call::Get(tx),
            Request::Status(tx) => stages::Call::Status(tx),
        };
        let entropy = std::array::from_fn(|i| drawn[i]);
        self.reach(node, start, stages::Event::Request { id, call, entropy });
    }

    /// A node answers a client.
    pub(super) fn respond(&mut self, id: RequestId, response: Response) {
        let (status, text) = http::Style::of(self.rules.clients().wording()).answer(response);
        let body = Json::parse(text.as_bytes()).expect("a node's answers are JSON");
        self.reply(CallId(id.0), workload::Answer::Http { status, body });
    }

    /// A node's word goes to a client, who waits in vain if the way is cut.
    pub(super) fn reply(&mut self, call: CallId, answer: workload::Answer) {
        let node = self.under_way.get(&call);
        if node.is_some_and(|&node| !self.nodes[node].link.to_clients_cut) {
            self.answered(call, answer);
        }
    }

    /// A request ends, one way or the other; whoever asked hears of it.
    pub(super) fn answered(&mut self, call: CallId, answer: workload::Answer) {
        let Some(node) = self.under_way.remove(&call) else { return };
        let delay = self.delay(End::Node(node), End::Clients);
        self.kernel.after(delay, Event::Client(ClientEvent::Answered { call, answer }));
    }
}
