//! The clients: when an operation is due, its document goes out; the answer says what is next.
//!
//! Clients are open loop, unless the plan has one operation follow another: nobody waits for one operation's answer
//! before the next. Only what builds on an output waits until that output is decided valid, which is asked for at bounded intervals.
//! A POST without an answer may have been done: nobody knows. Where posting the same document twice
//! is the same as posting it once (a TRANSFER), it is posted again, elsewhere, a bounded number of
//! times; a CREATE is not, as the node would make another transaction of it. Nothing new is sent
//! once the load has ended.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use bigchaindb_core::model::{Json, Memo, Transaction, TxId, keccak256_hex};

use super::documents::{Clients, Written};
use super::prepared::Prepared;
use super::readable::Reading;
use super::watch::Watched;
use crate::chance::{Domain, draw};
use crate::observe::{self, Call, Kind, What};
use crate::plan::{Action, Operation, Plan};

/// How long to wait before asking again whether an output is decided valid.
const POLL_US: u64 = 500_000;
/// How long to wait before posting again what may not have arrived.
const RETRY_US: u64 = 1_000_000;
/// A document is posted so often at most.
const ATTEMPTS: u32 = 4;
/// So many requests of [`ClientEvent::Probe`] are under way at once at most.
const PROBES_AT_ONCE: usize = 64;

/// A request's number; its answer carries it back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CallId(pub u64);

/// What reaches the clients.
#[derive(Clone, Debug)]
pub enum ClientEvent {
    /// The run begins.
    Start,
    /// A time asked for by [`ClientEffect::WakeAt`] has come.
    Woken,
    /// A request is over.
    Answered {
        /// Which.
        call: CallId,
        /// What came of it.
        answer: Answer,
    },
    /// All is over and has settled: ask every node where every transaction stands.
    Probe,
}

/// What came of a request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// An answer was read.
    Http {
        /// The status code.
        status: u16,
        /// The body; [`Json::Null`] if there is none.
        body: Json,
    },
    /// Nobody was there to receive it: nothing was done.
    Unreachable(String),
    /// It went out, and no whole answer came back in time: nobody knows what was done.
    Lost(String),
}

/// What the clients want done.
#[derive(Clone, Debug)]
pub enum ClientEffect {
    /// Send a request; answer with [`ClientEvent::Answered`].
    Send {
        /// Its number.
        call: CallId,
        /// To which node, as an index into [`Plan::nodes`].
        node: usize,
        /// What.
        request: Request,
        /// When it should have been sent.
        due_us: u64,
    },
    /// Send [`ClientEvent::Woken`] at this time of the run (the last one asked for counts).
    WakeAt(u64),
    /// Write this into the observation log, now.
    Record(observe::Operation),
    /// Nothing is under way and nothing is left to do. After [`ClientEvent::Probe`]: all answers
    /// are there.
    Idle,
}

/// What a client asks of a node.
#[derive(Clone, Debug)]
pub enum Request {
    /// `POST /api/v1/transactions/` with this body.
    Post(Arc<Json>),
    /// `GET /api/v1/transactions/{id}`.
    Get(TxId),
    /// `GET /api/v1/transactions/{id}/status`.
    Status(TxId),
}

/// All clients of a run.
#[derive(Debug)]
pub struct Driver {
    pub(super) plan: Arc<Plan>,
    pub(super) clients: Clients,
    timers: BTreeSet<(u64, Timer)>,
    /// The time that [`ClientEffect::WakeAt`] last asked for, until it comes.
    asked_us: Option<u64>,
    under_way: BTreeMap<CallId, UnderWay>,
    calls: u64,
    /// What is known of the outputs of each operation that was sent.
    pub(super) outputs: BTreeMap<u32, Output>,
    /// The operations whose transactions another one is written from; of the others the id will do.
    built_on: BTreeSet<u32>,
    /// Of closed loops: which operation is done once another one has come to its end,
    followers: BTreeMap<u32, u32>,
    /// and when it was.
    begun_us: BTreeMap<u32, u64>,
    /// Operations that are due and wait for an output, by the operation that makes it.
    waiting: BTreeMap<u32, Vec<u32>>,
    /// The accepted transactions that clients look after.
    pub(super) watched: BTreeMap<u32, Watched>,
    /// The accepted transactions of which it is measured when they can be read elsewhere.
    pub(super) readings: BTreeMap<u32, Reading>,
    /// What is left to probe: transactions with the operation that made them, and nodes.
    probes: VecDeque<(u32, TxId, usize)>,
    idle: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Timer {
    /// An operation is due.
    Due(u32),
    /// A document is to be posted again; the attempt's number.
    Retry(u32, u32),
    /// Ask where the transaction of an operation stands; the question's number.
    Poll(u32, u32),
    /// The load is over.
    Closed,
    /// Look where an accepted transaction stands; the question's number.
    Watch(u32, u32),
    /// Ask whether an accepted transaction can be read elsewhere; the question's number.
    Readable(u32, u32),
}

#[derive(Clone, Debug)]
pub(super) struct UnderWay {
    pub(super) number: u32,
    pub(super) node: usize,
    pub(super) doing: Doing,
    pub(super) tx: Option<TxId>,
    /// What is posted; none for the rest.
    pub(super) document: Option<Arc<Json>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Doing {
    /// Posts; the attempt's number.
    Post(u32),
    /// Asks whether an output is valid; the question's number.
    Poll(u32),
    /// Asks where a transaction stands, when all is over.
    Probe,
    /// Looks after what was accepted; the question's number.
    Watch(u32),
    /// Reads a transaction in whole.
    Read,
    /// Asks another node whether it is valid there; the question's number.
    Readable(u32),
}

/// What is known of an operation's outputs.
#[derive(Clone, Debug)]
pub(super) enum Output {
    /// Posted; the node that makes the transaction has not answered yet.
    Unseen,
    /// In this transaction, which is decided valid or not yet. It is kept in whole where another one is
    /// written from it.
    Made { tx: TxId, whole: Option<Arc<Transaction>>, valid: bool },
    /// There is none, and will be none.
    Never,
}

impl Driver {
    /// The clients of a plan; the run's clock stands at 0 at this Unix time.
    pub fn new(plan: Arc<Plan>, started_unix_ms: u64) -> Self {
        let due = |operation: &Operation| (operation.at_us, Timer::Due(operation.number));
        let is_first = |operation: &&Operation| operation.follows.is_none();
        let mut timers: BTreeSet<_> = plan.operations.iter().filter(is_first).map(due).collect();
        let follower = |operation: &Operation| Some((operation.follows?.of, operation.number));
        let followers = plan.operations.iter().filter_map(follower).collect();
        timers.insert((plan.quiet_from_us, Timer::Closed));
        let clients = Clients::new(plan.clone(), started_unix_ms);
        let spent = |operation: &Operation| clients.spends(operation.number);
        let built_on = plan.operations.iter().flat_map(spent).map(|(of, _)| of).collect();
        Self {
            clients,
            plan,
            built_on,
            followers,
            begun_us: BTreeMap::new(),
            timers,
            asked_us: None,
            under_way: BTreeMap::new(),
            calls: 0,
            outputs: BTreeMap::new(),
            waiting: BTreeMap::new(),
            watched: BTreeMap::new(),
            readings: BTreeMap::new(),
            probes: VecDeque::new(),
            idle: false,
        }
    }

    /// The same clients; whatever they sign, this memory knows to be well signed.
    #[must_use]
    pub fn known_to(mut self, memo: Arc<Memo>) -> Self {
        self.clients.known_to = Some(memo);
        self
    }

    /// The same clients; what was signed before they need not sign.
    #[must_use]
    pub fn with(mut self, prepared: Prepared) -> Self {
        self.clients.prepared = prepared;
        self
    }

    /// Something happened; `effects` takes what is to be done. The only way in.
    pub fn handle(&mut self, now_us: u64, event: ClientEvent, effects: &mut Vec<ClientEffect>) {
        let mut turn = Turn { driver: self, now_us, due_us: now_us, effects };
        match event {
            ClientEvent::Start => {}
            ClientEvent::Woken => turn.driver.asked_us = None,
            ClientEvent::Answered { call, answer } => turn.answered(call, answer),
            ClientEvent::Probe => turn.probe_all(),
        }
        turn.fire();
        turn.probe_some();
        turn.close();
    }

    pub(super) fn operation(&self, number: u32) -> &Operation {
        self.plan.operation(number).expect("a plan holds what its operations build on")
    }

    /// The operation whose document this one posts.
    fn document_of(&self, number: u32) -> u32 {
        let mut document = number;
        while let Some(of) = self.operation(document).action.repeats() {
            document = of;
        }
        document
    }

    /// The first operation whose outputs have to be there before this one is posted, and are not yet; or
    /// why it never will be posted.
    fn waits_for(&self, number: u32) -> Result<Option<u32>, &'static str> {
        let action = self.operation(number).action;
        let awaited = match action {
            Action::Replay { of } => vec![of],
            Action::Odd { of: Some(of), oddity } if oddity.spends_again() => vec![of],
            _ => self.clients.spends(number).into_iter().map(|(of, _)| of).collect(),
        };
        for of in awaited {
            match self.outputs.get(&of) {
                Some(Output::Made { valid: true, .. }) => {}
                Some(Output::Made { .. }) if is_eager(&action) => {}
                Some(Output::Never) => return Err("there is no output for it to spend"),
                _ => return Ok(Some(of)),
            }
        }
        Ok(None)
    }

    /// The transaction that an operation made, if it is known.
    fn made(&self, number: u32) -> Option<Arc<Transaction>> {
        match self.outputs.get(&number)? {
            Output::Made { whole, .. } => whole.clone(),
            Output::Unseen | Output::Never => None,
        }
    }

    /// What is known of an operation's outputs once its transaction is there.
    fn made_by(&self, number: u32, by: Arc<Transaction>) -> Output {
        let tx = by.id().clone();
        let whole = self.built_on.contains(&number).then_some(by);
        Output::Made { tx, whole, valid: false }
    }
}

fn is_eager(action: &Action) -> bool {
    matches!(action, Action::Eager { .. })
}

/// One call of [`Driver::handle`].
pub(super) struct Turn<'a> {
    pub(super) driver: &'a mut Driver,
    pub(super) now_us: u64,
    /// When what is done now should have been done.
    due_us: u64,
    effects: &'a mut Vec<ClientEffect>,
}

impl Turn<'_> {
    /// Does all whose time has come.
    fn fire(&mut self) {
        while let Some((at_us, timer)) = self.next_timer(self.now_us) {
            self.due_us = at_us;
            match timer {
                Timer::Due(number) => self.due(number),
                Timer::Retry(number, attempt) => self.post(number, attempt),
                Timer::Poll(number, question) => self.poll(number, question),
                Timer::Closed => self.give_up(),
                Timer::Watch(number, question) => self.watch(number, question),
                Timer::Readable(number, question) => self.read_elsewhere(number, question),
            }
        }
        self.due_us = self.now_us;
    }

    fn next_timer(&mut self, until_us: u64) -> Option<(u64, Timer)> {
        let first = *self.driver.timers.first()?;
        (first.0 <= until_us && self.driver.timers.remove(&first)).then_some(first)
    }

    pub(super) fn later(&mut self, delay_us: u64, timer: Timer) {
        self.driver.timers.insert((self.now_us + delay_us, timer));
    }

    fn is_closed(&self) -> bool {
        self.now_us > self.driver.plan.quiet_from_us
    }

    /// An operation's moment: it is posted, or waits for what it spends.
    fn due(&mut self, number: u32) {
        if self.driver.operation(number).follows.is_some() {
            self.driver.begun_us.entry(number).or_insert(self.now_us);
        }
        match self.driver.waits_for(number) {
            Ok(None) => self.post(number, 0),
            Ok(Some(output)) => {
                let waiting = self.driver.waiting.entry(output).or_default();
                waiting.push(number);
                if waiting.len() == 1 {
                    self.poll(output, 0);
                }
            }
            Err(why) => self.unsent(number, why),
        }
    }

    /// Sends an operation's document; attempts after the first go to another node.
    fn post(&mut self, number: u32, attempt: u32) {
        let driver = &mut *self.driver;
        let document = driver.document_of(number);
        let written = driver.clients.write(driver.operation(document), &|of| driver.made(of));
        let written = match written {
            Ok(written) => written,
            Err(error) => return self.unsent(number, &error.to_string()),
        };
        let mut node = driver.operation(number).node;
        if attempt > 0 {
            let drawn = draw(driver.plan.seed, Domain::Retry, number.into(), attempt.into());
            let nodes = driver.plan.nodes.len() as u64;
            let step = 1 + drawn.below((nodes - 1).max(1));
            node = usize::try_from((node as u64 + step) % nodes).expect("an index into the nodes");
        }
        let Written { document: posted, made } = written;
        let tx = made.as_ref().map(|made| made.id().clone());
        if document == number {
            let output = match made {
                Some(by) => driver.made_by(number, by),
                None => Output::Unseen,
            };
            driver.outputs.entry(number).or_insert(output);
        }
        let doing = Doing::Post(attempt);
        let under_way = UnderWay { number, node, doing, tx, document: Some(posted.clone()) };
        self.send(under_way, Request::Post(posted));
    }

    /// Asks where the transaction of an operation stands, if somebody waits for it.
    fn poll(&mut self, number: u32, question: u32) {
        let waited_for = self.driver.waiting.contains_key(&number);
        // While its POST has no answer, the answer will set the polls going.
        let Some(Output::Made { tx, valid: false, .. }) = self.driver.outputs.get(&number) else {
            return;
        };
        if !waited_for || self.is_closed() {
            return;
        }
        let tx = tx.clone();
        // Another node each time: one that is dead must not hide what the others know.
        let nodes = self.driver.plan.nodes.len();
        let node = (self.driver.operation(number).node + question as usize) % nodes;
        let request = Request::Status(tx.clone());
        let doing = Doing::Poll(question);
        let tx = Some(tx);
        self.send(UnderWay { number, node, doing, tx, document: None }, request);
    }

    pub(super) fn send(&mut self, under_way: UnderWay, request: Request) {
        let call = CallId(self.driver.calls);
        self.driver.calls += 1;
        let node = under_way.node;
        self.record(&under_way, Kind::Invoke, None, None);
        self.driver.under_way.insert(call, under_way);
        let due_us = self.due_us;
        self.effects.push(ClientEffect::Send { call, node, request, due_us });
    }

    fn answered(&mut self, call: CallId, answer: Answer) {
        let Some(under_way) = self.driver.under_way.remove(&call) else { return };
        match under_way.doing {
            Doing::Post(attempt) => self.posted(under_way, attempt, answer),
            Doing::Poll(question) => {
                let status = self.asked(&under_way, answer);
                let number = under_way.number;
                if status.as_deref() == Some("valid") {
                    self.decided(number);
                } else {
                    self.later(POLL_US, Timer::Poll(number, question + 1));
                }
            }
            Doing::Probe => {
                self.asked(&under_way, answer);
            }
            Doing::Watch(question) => {
                let status = self.asked(&under_way, answer);
                self.watched(under_way.number, question, status.as_deref());
            }
            Doing::Read => {
                self.asked(&under_way, answer);
            }
            Doing::Readable(question) => {
                let status = self.asked(&under_way, answer);
                self.was_read(under_way.number, question, status.as_deref());
            }
        }
    }

    fn posted(&mut self, mut under_way: UnderWay, attempt: u32, answer: Answer) {
        let number = under_way.number;
        let creates = under_way.tx.is_none();
        let mut made = None;
        let (kind, http, value) = match answer {
            Answer::Http { status: status @ 200..=299, body } => {
                match Transaction::from_document(body) {
                    Ok(transaction) => {
                        under_way.tx = Some(transaction.id().clone());
                        made = Some(Arc::new(transaction));
                        (Kind::Ok, Some(status), None)
                    }
                    Err(_) => {
                        let why = "accepted, but the answer is no transaction";
                        (Kind::Info, Some(status), Some(why.into()))
                    }
                }
            }
            Answer::Http { status: status @ 400..=499, body } => {
                (Kind::Fail, Some(status), Some(reason(&body)))
            }
            Answer::Http { status, body } => (Kind::Info, Some(status), Some(reason(&body))),
            Answer::Unreachable(reason) => (Kind::Fail, None, Some(reason.into())),
            Answer::Lost(reason) => (Kind::Info, None, Some(reason.into())),
        };
        self.record(&under_way, kind, http, value);
        if kind == Kind::Ok {
            self.accepted(&under_way);
            self.look_elsewhere(&under_way);
        }
        // Safe to repeat: what surely was not done, and what is the same however often it is done.
        let refused = kind == Kind::Fail && http.is_some();
        let repeatable = kind == Kind::Fail || !creates;
        let again = kind != Kind::Ok && !refused && repeatable && attempt + 1 < ATTEMPTS;
        if again && self.now_us + RETRY_US <= self.driver.plan.quiet_from_us {
            return self.later(RETRY_US, Timer::Retry(number, attempt + 1));
        }
        self.concluded(number, kind, made);
        self.go_on(number);
    }

    /// An operation has come to its end: the next one of a closed loop is due.
    fn go_on(&mut self, number: u32) {
        let Some(next) = self.driver.followers.remove(&number) else { return };
        let follows = self.driver.operation(next).follows;
        if follows.is_some_and(|follows| self.now_us < follows.until_us) {
            self.later(0, Timer::Due(next));
        }
    }

    /// An operation has come to its end: whoever waits for its output hears of it.
    fn concluded(&mut self, number: u32, kind: Kind, made: Option<Arc<Transaction>>) {
        if self.driver.document_of(number) != number {
            return;
        }
        let output = self.driver.outputs.get(&number);
        match (output, made) {
            // It may be there, if nobody knows; whoever waits for it asks.
            (Some(Output::Made { .. }), _) if kind != Kind::Fail => {}
            (Some(Output::Unseen), Some(by)) => {
                let output = self.driver.made_by(number, by);
                self.driver.outputs.insert(number, output);
                self.hurry(number);
                self.poll(number, 0);
            }
            _ => {
                self.driver.outputs.insert(number, Output::Never);
                for waiting in self.driver.waiting.remove(&number).unwrap_or_default() {
                    self.unsent(waiting, "the output that it spends was never made");
                }
            }
        }
    }

    /// A transaction is there: whoever does not wait for its decision goes on.
    fn hurry(&mut self, number: u32) {
        let Some(waiting) = self.driver.waiting.remove(&number) else { return };
        let eager = |waiting: &u32| is_eager(&self.driver.operation(*waiting).action);
        let (eager, patient): (Vec<_>, Vec<_>) = waiting.into_iter().partition(eager);
        if !patient.is_empty() {
            self.driver.waiting.insert(number, patient);
        }
        for number in eager {
            self.due(number);
        }
    }

    /// An output is decided valid: whoever waits for it goes on, rivals in the same moment.
    fn decided(&mut self, number: u32) {
        if let Some(Output::Made { valid, .. }) = self.driver.outputs.get_mut(&number) {
            *valid = true;
        }
        for waiting in self.driver.waiting.remove(&number).unwrap_or_default() {
            if self.is_closed() {
                self.unsent(waiting, "the load had ended before its input was decided");
            } else {
                self.due(waiting);
            }
        }
    }

    /// The load is over: what still waits is not sent any more.
    fn give_up(&mut self) {
        let waiting = std::mem::take(&mut self.driver.waiting);
        for number in waiting.into_values().flatten() {
            self.unsent(number, "the load had ended before its input was decided");
        }
    }

    /// Records that an operation is never sent: an end without a beginning.
    fn unsent(&mut self, number: u32, why: &str) {
        let node = self.driver.operation(number).node;
        let doing = Doing::Post(0);
        let under_way = UnderWay { number, node, doing, tx: None, document: None };
        self.record(&under_way, Kind::Fail, None, Some(why.into()));
        if self.driver.document_of(number) == number {
            self.concluded(number, Kind::Fail, None);
        }
        self.go_on(number);
    }

    /// Records where a node says that a transaction stands.
    fn asked(&mut self, under_way: &UnderWay, answer: Answer) -> Option<Arc<str>> {
        let (kind, http, value): (_, _, Arc<str>) = match answer {
            Answer::Http { status: 200, body } if matches!(under_way.doing, Doing::Read) => {
                (Kind::Ok, Some(200), digest(body))
            }
            Answer::Http { status: 200, body } => {
                let word = body.get("status").and_then(Json::as_str).unwrap_or("no status");
                (Kind::Ok, Some(200), word.into())
            }
            Answer::Http { status: 404, .. } => (Kind::Ok, Some(404), "not found".into()),
            Answer::Http { status, body } => (Kind::Fail, Some(status), reason(&body)),
            Answer::Unreachable(reason) => (Kind::Fail, None, reason.into()),
            Answer::Lost(reason) => (Kind::Info, None, reason.into()),
        };
        self.record(under_way, kind, http, Some(value.clone()));
        (kind == Kind::Ok).then_some(value)
    }

    /// Every transaction that was posted, at every node.
    fn probe_all(&mut self) {
        let nodes = self.driver.plan.nodes.len();
        let named = self.driver.outputs.iter().filter_map(|(number, output)| match output {
            Output::Made { tx, .. } => Some((*number, tx.clone())),
            Output::Unseen | Output::Never => None,
        });
        let each =
            |(number, tx): (u32, TxId)| (0..nodes).map(move |node| (number, tx.clone(), node));
        self.driver.probes = named.flat_map(each).collect();
        self.driver.idle = false;
    }

    fn probe_some(&mut self) {
        while self.driver.under_way.len() < PROBES_AT_ONCE {
            let Some((number, tx, node)) = self.driver.probes.pop_front() else { return };
            let (doing, asked) = (Doing::Probe, Some(tx.clone()));
            let under_way = UnderWay { number, node, doing, tx: asked, document: None };
            self.send(under_way, Request::Status(tx));
        }
    }

    /// Asks to be woken for what comes next, or says that nothing does.
    fn close(&mut self) {
        if let Some((at_us, _)) = self.driver.timers.first() {
            if self.driver.asked_us != Some(*at_us) {
                self.driver.asked_us = Some(*at_us);
                self.effects.push(ClientEffect::WakeAt(*at_us));
            }
        } else if self.driver.under_way.is_empty() && !self.driver.idle {
            self.driver.idle = true;
            self.effects.push(ClientEffect::Idle);
        }
    }

    fn record(
        &mut self,
        under_way: &UnderWay,
        kind: Kind,
        http: Option<u16>,
        value: Option<Arc<str>>,
    ) {
        let operation = self.driver.operation(under_way.number);
        let (call, what) = match under_way.doing {
            Doing::Post(_) => (Call::Post, what(&operation.action)),
            Doing::Poll(_) | Doing::Probe | Doing::Watch(_) => (Call::Status, What::Probe),
            Doing::Read => (Call::Get, What::Probe),
            Doing::Readable(_) => (Call::Status, What::Reading),
        };
        let refused = kind == Kind::Fail && http.is_some();
        let record = observe::Operation {
            number: operation.number.into(),
            process: operation.number.into(),
            kind,
            call,
            what,
            node: self.driver.plan.nodes[under_way.node].name.as_str().into(),
            tx: under_way.tx.clone(),
            intended_us: self
                .driver
                .begun_us
                .get(&operation.number)
                .copied()
                .unwrap_or(operation.at_us),
            http,
            value,
            document: refused.then(|| under_way.document.clone()).flatten(),
        };
        self.effects.push(ClientEffect::Record(record));
    }
}

/// What a transaction that was read comes to in a word: its hash, without whom it waits for.
fn digest(mut body: Json) -> Arc<str> {
    if let Json::Object(fields) = &mut body {
        fields.remove("assignee");
    }
    let text = body.canonical();
    text.map_or_else(|_| "no canonical text".into(), |text| keccak256_hex(text.as_bytes()).into())
}

fn what(action: &Action) -> What {
    match action {
        Action::Create { .. } | Action::CreateJoint { .. } => What::Create,
        Action::Transfer { .. } | Action::Move { .. } => What::Transfer,
        Action::Conflict { .. } => What::Conflict,
        Action::Duplicate { .. } | Action::Replay { .. } => What::Duplicate,
        Action::Eager { .. } => What::Eager,
        Action::Lock { .. } => What::Lock,
        Action::Open { .. } => What::Open,
        Action::Odd { .. } => What::Odd,
        Action::Malformed { .. } => What::Malformed,
    }
}

/// What an answer says for its refusal.
fn reason(body: &Json) -> Arc<str> {
    body.get("message").and_then(Json::as_str).unwrap_or("no reason given").into()
}
