//! A small language for histories written by hand, and what it builds: real records of real
//! documents, hashed and signed.
//!
//! Steps are separated by `;` and a millisecond apart. Every history is of four nodes and begins with
//! a genesis block `G` at position 0, unless its first step is `bare`; the nodes are up. With
//! `byzantine N` as first step node N is known to act against the rules, with `external N PROFILE` it is no
//! node of ours and goes by those rules.
//!
//! ```text
//! create a b          defines CREATEs, by n1, that belong to all users' one key. a!id has another id
//!                     than its hash; a!two has two outputs; a!stranger is by nobody of the
//!                     federation; a!forged is badly signed; a!nul hides text behind U+0000; a!spends=b.0
//!                     has a second fulfillment that spends something; a!until=T asks for the key, up
//!                     to that time; a!weights for two keys of weights 3 and 1; a!from=T for the key, but
//!                     not up to that time; a!both=T for the key, but neither for that nor for the other key
//! genesis h           defines a GENESIS
//! transfer c a.0 b.0  defines a TRANSFER that spends those outputs; a.-1 is the last of a's. c!extra
//!                     has one more key in its inputs, c!float and c!false spell their numbers so,
//!                     c!forged is badly signed, c!thief signs with another key, c!more makes one output
//!                     too many, c!omit shows no timeout of what is inverted
//! post a@2            n2 acknowledges a, and a waits in the backlog for n2; post a@2>3 for n3
//! ack a@2, refuse a@2 n2 acknowledges a, or refuses it; nothing waits
//! send a@2, ok a@2, no a@2  the same in steps: the POST goes out; it is acknowledged, or refused
//! wait a@2            a waits for n2, whoever said so
//! drop a              a leaves the backlog
//! block A@1 a b       n1 writes a block; A!voters@1, A!unsigned@1, A!id@1 have a fault each, and
//!                     A@9 is by a stranger; A!at=T@1 was made at that time
//! list A              A is listed next; list A=7 at that position; unlist 7: no more; list nothing: an
//!                     entry that names no block. A genesis comes with its place
//! vote A vi.x         n1 votes valid, n2 invalid, n3 not, n4 badly signed, after what the list has
//!                     before A; vote A>B … names B; vote A@T … votes at that time. More letters:
//!                     r valid under a random key, w valid after some other block, b valid under the
//!                     second key, as the first holds rubbish, m rubbish alone, j valid under the second
//!                     key, and nothing under the first
//! unvote A 2          n2's vote is deleted; revote A 2: it is there again, turnvote A 2: it is another
//! lose A              the row of block A is gone, and no feed says so; delete A: a feed does; put A:
//!                     it is there again; edit A: its row is another one under the same key
//! say 2 A valid       n2 says how A is decided
//! probe 2 a valid     n2 answers where a is; `none` is 404. ask 2 a valid, in two steps: asking 2 a,
//!                     answer 2 a valid; read 2 a BODY reads a whole transaction
//! owned 2 a.0 b.0     n2 says which outputs the users' key owns; owned 2 !TEXT: it cannot
//! act 2 edit votes A:3  n2 did so to n3's vote on A; act 2 edit bigchain A, … backlog a, … positions 7
//! log 2 TEXT, failed 2 TEXT, killed 2, started 2, paused 2, resumed 2   what befalls n2; in logs `vote(A:3)`
//!                     is the key of n3's vote on A
//! gauge 2 backlog=3 questions=7  how full n2 is
//! fault kill planned  so far has the one fault of that kind come; fault kill@2 planned: it meets n2
//! pass 31             seconds go by
//! dump                all rows that there are, at the end; end: the end; short x: the end, but the
//!                     harness fell short
//! ```

mod documents;

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, Keypair, TxId, Vote, keccak256_hex, to_base58};
use bigchaindb_core::rules::Election;
use bigchaindb_core::stages::Levels;
use bigchaindb_simulator::observe::{
    Act, Befell, Call, Change, Decided, End, Fault, FinalRow, Gauge, Kind, Member, NodeEvent,
    Observed, Operation, Owned, OwnedOutput, Phase, Record, Run, Table, What,
};

use documents::{Documents, user};

/// How many nodes every history has.
const NODES: usize = 4;

/// The records that the steps make, under the profile `default`.
pub(crate) fn history(steps: &str) -> Vec<Observed> {
    history_under("default", steps)
}

/// The records that the steps make.
pub(super) fn history_under(rules: &str, steps: &str) -> Vec<Observed> {
    let mut history = History::new();
    let mut steps = steps.split(';').map(str::trim).filter(|step| !step.is_empty()).peekable();
    let byzantine = steps.next_if(|step| step.starts_with("byzantine "));
    let external = steps.next_if(|step| step.starts_with("external "));
    let external = external.and_then(|step| step["external ".len()..].split_once(' '));
    history.begin(rules, byzantine.map(|step| &step["byzantine ".len()..]), external);
    if steps.next_if(|step| *step == "bare").is_none() {
        history.genesis();
    }
    steps.for_each(|step| history.step(step));
    history.records
}

struct History {
    keys: Vec<Keypair>,
    records: Vec<Observed>,
    now_us: u64,
    documents: Documents,
    blocks: BTreeMap<String, BlockId>,
    list: Vec<String>,
    rows: BTreeMap<(Table, Arc<str>), Arc<Json>>,
    /// Rows that were deleted.
    gone: BTreeMap<(Table, Arc<str>), Arc<Json>>,
    operations: u64,
}

impl History {
    fn new() -> Self {
        let keys = (1..=9).map(|node| Keypair::from_seed([node; 32])).collect();
        Self {
            keys,
            records: Vec::new(),
            now_us: 0,
            documents: Documents::default(),
            // What names no block stands for this one, which nobody has.
            blocks: BTreeMap::from([("nothing".into(), "".into())]),
            list: Vec::new(),
            rows: BTreeMap::new(),
            gone: BTreeMap::new(),
            operations: 0,
        }
    }

    fn begin(&mut self, rules: &str, byzantine: Option<&str>, external: Option<(&str, &str)>) {
        let member = |(index, key): (usize, &Keypair)| {
            let ours = Member::ours(format!("n{}", index + 1), key.public().clone());
            match external {
                Some((node, profile)) if node == (index + 1).to_string() => {
                    Member { rules: Some(profile.into()), external: true, ..ours }
                }
                _ => ours,
            }
        };
        let run = Run {
            scenario: "by hand".into(),
            seed: 0,
            backend: "sim".into(),
            rules: rules.into(),
            quirks: Vec::new(),
            byzantine: byzantine.map(|node| format!("n{node}").into()).into_iter().collect(),
            nodes: self.keys.iter().take(NODES).enumerate().map(member).collect(),
            started_unix_ms: 1_472_688_000_000,
            thinned: false,
        };
        self.tell(Record::Run(run));
        // All at once, as nothing is told of how long it took.
        for node in 1..=NODES {
            self.befell(&node.to_string(), Befell::Started, "");
            self.now_us -= 1_000;
        }
    }

    fn genesis(&mut self) {
        self.documents.create("g", "GENESIS");
        self.step("block G@1 g");
        self.step("list G");
    }

    fn tell(&mut self, record: Record) {
        self.records.push(Observed { at_us: self.now_us, record });
        self.now_us += 1_000;
    }

    fn step(&mut self, step: &str) {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        let words: Vec<&str> = rest.split_whitespace().collect();
        match (verb, &words[..]) {
            ("create", names) => {
                names.iter().for_each(|name| self.documents.create(name, "CREATE"));
            }
            // In real time, and with an observer that reads as it can.
            ("apart", []) => match &mut self.records[0].record {
                Record::Run(run) => run.backend = "processes".into(),
                other => panic!("{other:?} comes first"),
            },
            ("genesis", [name]) => self.documents.create(name, "GENESIS"),
            ("transfer", [name, inputs @ ..]) => self.documents.transfer(name, inputs),
            ("post", [call]) => {
                let (posted, assignee) = call.split_once('>').unwrap_or((call, ""));
                let (name, node) = posted.split_once('@').expect("NAME@NODE");
                self.post(posted, Kind::Ok, 201);
                self.wait(name, if assignee.is_empty() { node } else { assignee });
            }
            ("ack", [call]) => self.post(call, Kind::Ok, 201),
            ("refuse", [call]) => self.post(call, Kind::Fail, 400),
            ("wait", [call]) => {
                let (name, node) = call.split_once('@').expect("NAME@NODE");
                self.wait(name, node);
            }
            ("send", [call]) => self.send(call),
            ("ok", [call]) => self.reply(call, Kind::Ok, 201),
            ("no", [call]) => self.reply(call, Kind::Fail, 400),
            ("drop", [name]) => {
                let id = self.documents.id(name);
                self.delete(Table::Backlog, &id);
            }
            ("block", [name, transactions @ ..]) => self.block(name, transactions),
            ("list", [entry]) => self.enter(entry),
            ("unlist", [position]) => self.delete(Table::Positions, position),
            ("vote", [block, votes]) => self.vote(block, votes),
            ("unvote", [block, node]) => {
                let key = self.vote_key(block, node);
                self.delete(Table::Votes, &key);
            }
            ("revote", [block, node]) => {
                let key = self.vote_key(block, node);
                self.put_back(Table::Votes, &key);
            }
            ("turnvote", [block, node]) => {
                let key = self.vote_key(block, node);
                self.turn_vote(&key);
            }
            ("lose", [block]) => {
                let id = self.blocks[*block].as_str().into();
                self.rows.remove(&(Table::Bigchain, id)).expect("it was there");
            }
            ("delete", [block]) => {
                let id = self.blocks[*block].as_str().to_owned();
                self.delete(Table::Bigchain, &id);
            }
            ("edit", [block]) => {
                let id = self.blocks[*block].as_str().to_owned();
                self.edit_block(&id);
            }
            ("put", [block]) => {
                let id = self.blocks[*block].as_str().to_owned();
                self.put_back(Table::Bigchain, &id);
            }
            ("asking", [node, name]) => self.asking(node, name),
            ("answer", [node, name, status]) => self.answer(node, name, Call::Status, status),
            ("read", [node, name, body]) => {
                self.asking_for(node, name, Call::Get);
                self.answer(node, name, Call::Get, body);
            }
            ("owned", [node, outputs @ ..]) => self.owned(node, outputs),
            ("act", [node, act, table, key]) => self.act(node, act, table, key),
            ("log", [node, ..]) => self.befell(node, Befell::Log, &rest[2..]),
            ("failed", [node, ..]) => self.befell(node, Befell::Failed, &rest[2..]),
            ("killed", [node]) => self.befell(node, Befell::Killed, ""),
            ("started", [node]) => self.befell(node, Befell::Started, ""),
            ("paused", [node]) => self.befell(node, Befell::Paused, ""),
            ("resumed", [node]) => self.befell(node, Befell::Resumed, ""),
            ("gauge", [node, levels @ ..]) => self.gauge(node, levels),
            ("say", [node, block, election]) => self.say(node, block, election),
            ("probe", [node, name, status]) => self.probe(node, name, status),
            ("fault", [kind, phase]) => {
                let (kind, node) = kind.split_once('@').unwrap_or((kind, "1"));
                self.tell(Record::Fault(Fault {
                    number: 1,
                    kind: kind.into(),
                    phase: Phase::from_word(phase).expect("a phase"),
                    target: format!("n{node}").into(),
                }));
            }
            ("pass", [seconds]) => {
                self.now_us += seconds.parse::<u64>().expect("seconds") * 1_000_000;
            }
            ("dump", []) => {
                for ((table, _), row) in self.rows.clone() {
                    self.tell(Record::Final(FinalRow { table, row }));
                }
            }
            ("end", []) => self.tell(Record::End(End::default())),
            ("short", [why]) => {
                self.tell(Record::End(End { shortfalls: vec![(*why).into()] }));
            }
            _ => panic!("no such step: {step}"),
        }
    }

    fn operate(&mut self, number: u64, kind: Kind, call: Call, what: What, node: &str, more: Told) {
        self.tell(Record::Operation(Operation {
            number,
            process: 0,
            kind,
            call,
            what,
            node: format!("n{node}").into(),
            tx: more.tx,
            intended_us: self.now_us,
            http: more.http,
            value: more.value,
            document: more.document,
        }));
    }

    fn post(&mut self, call: &str, kind: Kind, http: u16) {
        self.send(call);
        self.reply(call, kind, http);
    }

    fn send(&mut self, call: &str) {
        let (name, node) = call.split_once('@').expect("NAME@NODE");
        self.operations += 1;
        // Of a CREATE the node makes its own: its id is known from the answer.
        let document = self.documents.get(name);
        let creates = text(document.get("transaction").expect("there"), "operation") == "CREATE";
        let tx = (!creates).then(|| TxId::from(self.documents.id(name)));
        let sent = Told { tx, ..Told::default() };
        self.operate(self.operations, Kind::Invoke, Call::Post, What::Create, node, sent);
    }

    fn reply(&mut self, call: &str, kind: Kind, http: u16) {
        let (name, node) = call.split_once('@').expect("NAME@NODE");
        let tx = Some(TxId::from(self.documents.id(name)));
        let document = (kind == Kind::Fail).then(|| Arc::clone(self.documents.get(name)));
        let told = Told { tx, http: Some(http), value: None, document };
        self.operate(self.operations, kind, Call::Post, What::Create, node, told);
    }

    fn wait(&mut self, name: &str, node: &str) {
        let node: usize = node.parse().expect("a node's number");
        let mut row = (**self.documents.get(name)).clone();
        let Json::Object(fields) = &mut row else { unreachable!("a document") };
        fields.insert("assignee", Json::from(self.keys[node - 1].public().as_str()));
        let key = (Table::Backlog, Arc::from(self.documents.id(name)));
        let old = self.rows.get(&key).cloned();
        self.change(Table::Backlog, old.as_ref(), row);
    }

    fn change(&mut self, table: Table, old: Option<&Arc<Json>>, row: Json) {
        let row = Arc::new(row);
        let change = Change::of(table, old, Some(&row));
        self.rows.insert((table, change.id().expect("an id")), row);
        self.tell(Record::Change(change));
    }

    fn put_back(&mut self, table: Table, id: &str) {
        let row = self.gone[&(table, id.into())].clone();
        let old = self.rows.get(&(table, id.into())).cloned();
        self.change(table, old.as_ref(), (*row).clone());
    }

    fn vote_key(&self, block: &str, node: &str) -> Arc<str> {
        let node: usize = node.parse().expect("a node's number");
        Vote::key(&self.blocks[block], self.keys[node - 1].public(), 0)
    }

    /// A vote becomes another one, which its voter has not signed.
    fn turn_vote(&mut self, key: &Arc<str>) {
        let row = self.rows[&(Table::Votes, Arc::clone(key))].clone();
        self.gone.entry((Table::Votes, Arc::clone(key))).or_insert_with(|| Arc::clone(&row));
        let mut turned = (*row).clone();
        let vote = turned.get_mut("vote").expect("there");
        *vote.get_mut("is_block_valid").expect("there") = Json::Bool(false);
        self.change(Table::Votes, Some(&row), turned);
    }

    /// A block holds what it holds twice.
    fn edit_block(&mut self, id: &str) {
        let row = self.rows[&(Table::Bigchain, id.into())].clone();
        self.gone.entry((Table::Bigchain, id.into())).or_insert_with(|| Arc::clone(&row));
        let mut edited = (*row).clone();
        let held = edited.get_mut("block").and_then(|block| block.get_mut("transactions"));
        if let Some(Json::Array(held)) = held {
            held.extend(held.clone());
        }
        self.change(Table::Bigchain, Some(&row), edited);
    }

    fn insert(&mut self, table: Table, row: Json) {
        self.change(table, None, row);
    }

    fn delete(&mut self, table: Table, id: &str) {
        let row = self.rows.remove(&(table, id.into())).expect("it was there");
        self.gone.entry((table, id.into())).or_insert_with(|| Arc::clone(&row));
        self.tell(Record::Change(Change::of(table, Some(&row), None)));
    }

    fn block(&mut self, spec: &str, transactions: &[&str]) {
        let (name, author) = spec.split_once('@').expect("NAME@NODE");
        let (name, flag) = name.split_once('!').unwrap_or((name, ""));
        let at = flag.strip_prefix("at=").unwrap_or("1472688000");
        let author: usize = author.parse().expect("a node's number");
        let author = &self.keys[author - 1];
        let voters = self.keys.iter().take(if flag == "voters" { 1 } else { NODES });
        let voters: Vec<Json> = voters.map(|key| Json::from(key.public().as_str())).collect();
        let held = transactions.iter().map(|name| (**self.documents.get(name)).clone());
        let body = Json::object([
            ("timestamp", Json::from(at)),
            ("node_pubkey", Json::from(author.public().as_str())),
            ("voters", Json::from(voters)),
            ("transactions", Json::from(held.collect::<Vec<_>>())),
        ]);
        let canonical = body.canonical().expect("it is plain");
        let signed = if flag == "unsigned" { "something else" } else { &canonical };
        let id = match flag {
            "id" => "0".repeat(64),
            _ => keccak256_hex(canonical.as_bytes()),
        };
        let row = Json::object([
            ("id", Json::from(&*id)),
            ("block", body),
            ("signature", Json::from(to_base58(&author.sign(signed.as_bytes())))),
        ]);
        self.blocks.insert(name.into(), BlockId::from(id));
        self.insert(Table::Bigchain, row);
    }

    fn enter(&mut self, entry: &str) {
        let (name, position) = match entry.split_once('=') {
            Some((name, position)) => (name, position.parse().expect("a position")),
            None => (entry, self.list.len() as i64),
        };
        self.list.push(name.into());
        let block = self.blocks[name].as_str();
        let mut row = Json::object([("id", Json::from(position))]);
        if let Json::Object(fields) = &mut row
            && name != "nothing"
        {
            fields.insert("block", Json::from(block));
            let written = self.rows.get(&(Table::Bigchain, block.into()));
            // A genesis comes with its place.
            if let Some(genesis) = written.filter(|row| is_genesis(row)) {
                fields.insert("genesis", (**genesis).clone());
            }
        }
        self.insert(Table::Positions, row);
    }

    fn vote(&mut self, spec: &str, votes: &str) {
        let (spec, at) = spec.split_once('@').unwrap_or((spec, "1472688000"));
        let (name, previous) = match spec.split_once('>') {
            Some((name, previous)) => (name, previous),
            None => {
                let at = self.list.iter().position(|listed| listed == spec).expect("it is listed");
                (spec, &*self.list[at - 1])
            }
        };
        let block = self.blocks[name].clone();
        let previous = self.blocks[previous].clone();
        for (index, letter) in votes.chars().enumerate() {
            let voter = self.keys[index].public().clone();
            let key = |i| Vote::key(&block, &voter, i);
            let rubbish = |key: Arc<str>| Json::object([("id", Json::from(&*key))]);
            let cast = |index, previous: &BlockId, valid, key: &str| {
                self.ballot(index, &block, previous, valid, key, at)
            };
            let row = match letter {
                '.' => continue,
                'v' => cast(index, &previous, true, &key(0)),
                'i' => cast(index, &previous, false, &key(0)),
                'r' => cast(index, &previous, true, &format!("random {name} {index}")),
                'w' => cast(index, &"elsewhere".into(), true, &key(0)),
                'x' => {
                    let mut row = cast(index, &previous, true, &key(0));
                    *row.get_mut("signature").expect("there") = Json::from(to_base58(&[7; 64]));
                    row
                }
                'b' => {
                    let row = cast(index, &previous, true, &key(1));
                    self.insert(Table::Votes, rubbish(key(0)));
                    row
                }
                'm' => rubbish(key(0)),
                'j' => cast(index, &previous, true, &key(1)),
                _ => panic!("no such vote: {letter}"),
            };
            self.insert(Table::Votes, row);
        }
    }

    fn ballot(
        &self,
        voter: usize,
        block: &BlockId,
        previous: &BlockId,
        valid: bool,
        key: &str,
        at: &str,
    ) -> Json {
        let vote = Json::object([
            ("voting_for_block", Json::from(block.as_str())),
            ("previous_block", Json::from(previous.as_str())),
            ("is_block_valid", Json::from(valid)),
            ("invalid_reason", Json::Null),
            ("timestamp", Json::from(at)),
        ]);
        let voter = &self.keys[voter];
        let signature = voter.sign(vote.canonical().expect("it is plain").as_bytes());
        Json::object([
            ("id", Json::from(key)),
            ("node_pubkey", Json::from(voter.public().as_str())),
            ("vote", vote),
            ("signature", Json::from(to_base58(&signature))),
        ])
    }

    fn say(&mut self, node: &str, block: &str, election: &str) {
        let election = match election {
            "valid" => Election::Valid,
            "invalid" => Election::Invalid,
            other => panic!("no such decision: {other}"),
        };
        let block = self.blocks[block].clone();
        self.tell(Record::Decided(Decided { node: format!("n{node}").into(), block, election }));
    }

    fn probe(&mut self, node: &str, name: &str, status: &str) {
        self.asking(node, name);
        self.answer(node, name, Call::Status, status);
    }

    fn asking(&mut self, node: &str, name: &str) {
        self.asking_for(node, name, Call::Status);
    }

    fn asking_for(&mut self, node: &str, name: &str, call: Call) {
        let tx = Some(TxId::from(self.documents.id(name)));
        self.operations += 1;
        let asked = Told { tx, ..Told::default() };
        self.operate(self.operations, Kind::Invoke, call, What::Probe, node, asked);
    }

    fn answer(&mut self, node: &str, name: &str, call: Call, status: &str) {
        let tx = Some(TxId::from(self.documents.id(name)));
        let told = match status {
            "none" => Told { tx, http: Some(404), ..Told::default() },
            status => Told { tx, http: Some(200), value: Some(status.into()), document: None },
        };
        self.operate(self.operations, Kind::Ok, call, What::Probe, node, told);
    }

    fn owned(&mut self, node: &str, outputs: &[&str]) {
        let output = |output: &&str| {
            let (name, cid) = output.split_once('.').expect("NAME.CID");
            let txid = TxId::from(self.documents.id(name));
            OwnedOutput { txid, cid: cid.parse().expect("a number") }
        };
        let outputs = match outputs {
            [error] if error.starts_with('!') => Err(error[1..].into()),
            outputs => Ok(outputs.iter().map(output).collect()),
        };
        let owner = user().public().as_str().into();
        self.tell(Record::Owned(Owned { node: format!("n{node}").into(), owner, outputs }));
    }

    fn act(&mut self, node: &str, act: &str, table: &str, key: &str) {
        let table = Table::from_word(table).expect("a table");
        let key = match table {
            Table::Backlog => self.documents.id(key).into(),
            Table::Bigchain => self.blocks[key].as_str().into(),
            Table::Votes => {
                let (block, voter) = key.split_once(':').expect("BLOCK:VOTER");
                self.vote_key(block, voter)
            }
            Table::Positions => key.into(),
        };
        self.tell(Record::Act(Act {
            node: format!("n{node}").into(),
            act: act.into(),
            table,
            key,
        }));
    }

    fn befell(&mut self, node: &str, event: Befell, text: &str) {
        let mut text = text.to_owned();
        if let Some((before, rest)) = text.clone().split_once("vote(") {
            let (vote, after) = rest.split_once(')').expect("vote(BLOCK:VOTER)");
            let (block, voter) = vote.split_once(':').expect("BLOCK:VOTER");
            text = format!("{before}{}{after}", self.vote_key(block, voter));
        }
        let node = format!("n{node}").into();
        self.tell(Record::Node(NodeEvent { node, event, text: text.into() }));
    }

    fn gauge(&mut self, node: &str, fields: &[&str]) {
        let (mut levels, mut questions) = (Levels::default(), 0);
        for field in fields {
            let (name, value) = field.split_once('=').expect("NAME=VALUE");
            let value: usize = value.parse().expect("a number");
            match name {
                "undecided" => levels.undecided = value,
                "backlog" => levels.backlog = value,
                "api" => levels.api = value,
                "questions" => questions = value as u64,
                _ => panic!("no such level: {name}"),
            }
        }
        self.tell(Record::Gauge(Gauge { node: format!("n{node}").into(), levels, questions }));
    }
}

/// What an operation tells beyond what was asked.
#[derive(Default)]
struct Told {
    tx: Option<TxId>,
    http: Option<u16>,
    value: Option<Arc<str>>,
    document: Option<Arc<Json>>,
}

/// Whether a block holds nothing but a GENESIS.
fn is_genesis(row: &Json) -> bool {
    let held = row.get("block").and_then(|block| block.get("transactions"));
    let [only] = held.and_then(Json::as_array).unwrap_or(&[]) else { return false };
    only.get("transaction").is_some_and(|body| text(body, "operation") == "GENESIS")
}

fn text(document: &Json, key: &str) -> String {
    document.get(key).and_then(Json::as_str).expect("a text").to_owned()
}
