//! A small language for histories written by hand, and what it builds: real records of real
//! documents, hashed and signed.
//!
//! Steps are separated by `;` and a millisecond apart. Every history is of four nodes and begins with
//! a genesis block `G` at position 0, unless its first step is `bare`.
//!
//! ```text
//! create a b          defines CREATEs; a!id has another id than its hash; a!two has two outputs
//! transfer c a.0 b.0  defines a TRANSFER that spends those outputs; a.-1 is the last of a's
//! post a@2            n2 acknowledges a, and a waits in the backlog
//! ack a@2, refuse a@2 n2 acknowledges a, or refuses it; nothing waits
//! drop a              a leaves the backlog
//! block A@1 a b       n1 writes a block; A!voters@1, A!unsigned@1, A!id@1 have a fault each, and
//!                     A@9 is by a stranger
//! list A              A is listed next; list A=7 at that position
//! vote A vi.x         n1 votes valid, n2 invalid, n3 not, n4 badly signed, after what the list has
//!                     before A; vote A>B … names B. More letters: r valid under a random key,
//!                     w valid after some other block, b valid under the second key, as the first
//!                     holds rubbish, m rubbish alone,
//!                     j valid under the second key, and nothing under the first
//! unvote A 2          n2's vote is deleted
//! lose A              the row of block A is gone, and no feed says so; delete A: a feed does
//! say 2 A valid       n2 says how A is decided
//! probe 2 a valid     n2 answers where a is; `none` is 404
//! fault kill planned  so far has the one fault of that kind come
//! pass 31             seconds go by
//! dump                all rows that there are, at the end; end: the end; short x: the end, but the
//!                     harness fell short
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Json, Keypair, TxId, Vote, keccak256_hex, to_base58};
use bigchaindb_core::rules::Election;
use bigchaindb_simulator::observe::{
    Call, Change, Decided, End, Fault, FinalRow, Kind, Member, Observed, Operation, Phase, Record,
    Run, Table, What,
};

/// How many nodes every history has.
const NODES: usize = 4;

/// The records that the steps make, under the profile `default`.
pub(crate) fn history(steps: &str) -> Vec<Observed> {
    history_under("default", steps)
}

/// The records that the steps make.
pub(super) fn history_under(rules: &str, steps: &str) -> Vec<Observed> {
    let mut history = History::new();
    history.begin(rules);
    let steps = steps.split(';').map(str::trim).filter(|step| !step.is_empty());
    let bare = steps.clone().next() == Some("bare");
    if !bare {
        history.genesis();
    }
    for step in steps.skip(usize::from(bare)) {
        history.step(step);
    }
    history.records
}

struct History {
    keys: Vec<Keypair>,
    records: Vec<Observed>,
    now_us: u64,
    transactions: BTreeMap<String, Arc<Json>>,
    blocks: BTreeMap<String, BlockId>,
    list: Vec<String>,
    rows: BTreeMap<(Table, Arc<str>), Arc<Json>>,
    operations: u64,
}

impl History {
    fn new() -> Self {
        let keys = (1..=9).map(|node| Keypair::from_seed([node; 32])).collect();
        Self {
            keys,
            records: Vec::new(),
            now_us: 0,
            transactions: BTreeMap::new(),
            blocks: BTreeMap::new(),
            list: Vec::new(),
            rows: BTreeMap::new(),
            operations: 0,
        }
    }

    fn begin(&mut self, rules: &str) {
        let member = |(index, key): (usize, &Keypair)| Member {
            name: format!("n{}", index + 1).into(),
            key: key.public().clone(),
        };
        let run = Run {
            scenario: "by hand".into(),
            seed: 0,
            backend: "sim".into(),
            rules: rules.into(),
            quirks: Vec::new(),
            byzantine: Vec::new(),
            nodes: self.keys.iter().take(NODES).enumerate().map(member).collect(),
            started_unix_ms: 0,
        };
        self.tell(Record::Run(run));
    }

    fn genesis(&mut self) {
        let genesis = transaction("g", "GENESIS", &[], 1, false);
        self.transactions.insert("g".into(), Arc::new(genesis));
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
            ("create", names) => names.iter().for_each(|name| self.create(name)),
            ("transfer", [name, inputs @ ..]) => self.transfer(name, inputs),
            ("post", [call]) => {
                self.post(call, Kind::Ok, 201);
                self.wait(call);
            }
            ("ack", [call]) => self.post(call, Kind::Ok, 201),
            ("refuse", [call]) => self.post(call, Kind::Fail, 400),
            ("drop", [name]) => {
                let id = text(&self.transactions[*name], "id");
                self.delete(Table::Backlog, &id);
            }
            ("block", [name, transactions @ ..]) => self.block(name, transactions),
            ("list", [entry]) => self.enter(entry),
            ("vote", [block, votes]) => self.vote(block, votes),
            ("unvote", [block, node]) => {
                let node: usize = node.parse().expect("a node's number");
                let key = Vote::key(&self.blocks[*block], self.keys[node - 1].public(), 0);
                self.delete(Table::Votes, &key);
            }
            ("lose", [block]) => {
                let id = self.blocks[*block].as_str().into();
                self.rows.remove(&(Table::Bigchain, id)).expect("it was there");
            }
            ("delete", [block]) => {
                let id = self.blocks[*block].as_str().to_owned();
                self.delete(Table::Bigchain, &id);
            }
            ("say", [node, block, election]) => self.say(node, block, election),
            ("probe", [node, name, status]) => self.probe(node, name, status),
            ("fault", [kind, phase]) => self.tell(Record::Fault(Fault {
                number: 1,
                kind: (*kind).into(),
                phase: Phase::from_word(phase).expect("a phase"),
                target: "n1".into(),
            })),
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

    fn create(&mut self, name: &str) {
        let (bare, flag) = name.split_once('!').unwrap_or((name, ""));
        let outputs = if flag == "two" { 2 } else { 1 };
        let created = transaction(bare, "CREATE", &[Json::Null], outputs, flag == "id");
        self.transactions.insert(bare.into(), Arc::new(created));
    }

    fn transfer(&mut self, name: &str, inputs: &[&str]) {
        let input = |input: &&str| {
            let (of, cid) = input.split_once('.').expect("NAME.CID");
            Json::object([
                ("txid", Json::from(text(&self.transactions[of], "id"))),
                ("cid", Json::from(cid.parse::<i64>().expect("a number"))),
            ])
        };
        let inputs: Vec<Json> = inputs.iter().map(input).collect();
        let outputs = inputs.len();
        let transfer = transaction(name, "TRANSFER", &inputs, outputs, false);
        self.transactions.insert(name.into(), Arc::new(transfer));
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
            document: None,
        }));
    }

    fn post(&mut self, call: &str, kind: Kind, http: u16) {
        let (name, node) = call.split_once('@').expect("NAME@NODE");
        let tx = Some(TxId::from(text(&self.transactions[name], "id")));
        self.operations += 1;
        let number = self.operations;
        self.operate(number, Kind::Invoke, Call::Post, What::Create, node, Told::default());
        let told = Told { tx, http: Some(http), value: None };
        self.operate(number, kind, Call::Post, What::Create, node, told);
    }

    fn wait(&mut self, call: &str) {
        let (name, node) = call.split_once('@').expect("NAME@NODE");
        let node: usize = node.parse().expect("a node's number");
        let mut row = (*self.transactions[name]).clone();
        let Json::Object(fields) = &mut row else { unreachable!("a document") };
        fields.insert("assignee", Json::from(self.keys[node - 1].public().as_str()));
        self.insert(Table::Backlog, row);
    }

    fn insert(&mut self, table: Table, row: Json) {
        let row = Arc::new(row);
        let change = Change::of(table, None, Some(&row));
        self.rows.insert((table, change.id().expect("an id")), row);
        self.tell(Record::Change(change));
    }

    fn delete(&mut self, table: Table, id: &str) {
        let row = self.rows.remove(&(table, id.into())).expect("it was there");
        self.tell(Record::Change(Change::of(table, Some(&row), None)));
    }

    fn block(&mut self, spec: &str, transactions: &[&str]) {
        let (name, author) = spec.split_once('@').expect("NAME@NODE");
        let (name, flag) = name.split_once('!').unwrap_or((name, ""));
        let author: usize = author.parse().expect("a node's number");
        let author = &self.keys[author - 1];
        let voters = self.keys.iter().take(if flag == "voters" { 1 } else { NODES });
        let voters: Vec<Json> = voters.map(|key| Json::from(key.public().as_str())).collect();
        let held = transactions.iter().map(|name| (*self.transactions[*name]).clone());
        let body = Json::object([
            ("timestamp", Json::from("1472688000")),
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
        let block = Json::from(self.blocks[name].as_str());
        self.insert(
            Table::Positions,
            Json::object([("id", Json::from(position)), ("block", block)]),
        );
    }

    fn vote(&mut self, spec: &str, votes: &str) {
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
            let row = match letter {
                '.' => continue,
                'v' => self.ballot(index, &block, &previous, true, &key(0)),
                'i' => self.ballot(index, &block, &previous, false, &key(0)),
                'r' => {
                    self.ballot(index, &block, &previous, true, &format!("random {name} {index}"))
                }
                'w' => self.ballot(index, &block, &"elsewhere".into(), true, &key(0)),
                'x' => {
                    let mut row = self.ballot(index, &block, &previous, true, &key(0));
                    *row.get_mut("signature").expect("there") = Json::from(to_base58(&[7; 64]));
                    row
                }
                'b' => {
                    self.insert(Table::Votes, rubbish(key(0)));
                    self.ballot(index, &block, &previous, true, &key(1))
                }
                'm' => rubbish(key(0)),
                'j' => self.ballot(index, &block, &previous, true, &key(1)),
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
    ) -> Json {
        let vote = Json::object([
            ("voting_for_block", Json::from(block.as_str())),
            ("previous_block", Json::from(previous.as_str())),
            ("is_block_valid", Json::from(valid)),
            ("invalid_reason", Json::Null),
            ("timestamp", Json::from("1472688000")),
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
        let tx = Some(TxId::from(text(&self.transactions[name], "id")));
        self.operations += 1;
        let number = self.operations;
        let asked = Told { tx: tx.clone(), ..Told::default() };
        self.operate(number, Kind::Invoke, Call::Status, What::Probe, node, asked);
        let told = match status {
            "none" => Told { tx, http: Some(404), value: None },
            status => Told { tx, http: Some(200), value: Some(status.into()) },
        };
        self.operate(number, Kind::Ok, Call::Status, What::Probe, node, told);
    }
}

/// What an operation tells beyond what was asked.
#[derive(Default)]
struct Told {
    tx: Option<TxId>,
    http: Option<u16>,
    value: Option<Arc<str>>,
}

fn text(document: &Json, key: &str) -> String {
    document.get(key).and_then(Json::as_str).expect("a text").to_owned()
}

/// A transaction with this name as its uuid, so that names make ids.
fn transaction(name: &str, operation: &str, inputs: &[Json], outputs: usize, forged: bool) -> Json {
    let owner = || Json::from(vec![Json::from(Keypair::from_seed([9; 32]).public().as_str())]);
    let body = |fulfillment: &Json| {
        let fulfillments = inputs.iter().enumerate().map(|(fid, input)| {
            Json::object([
                ("fid", Json::from(fid as u64)),
                ("fulfillment", fulfillment.clone()),
                ("input", input.clone()),
                ("owners_before", owner()),
            ])
        });
        let conditions = (0..outputs).map(|cid| {
            Json::object([
                ("cid", Json::from(cid as u64)),
                ("condition", Json::object([("uri", Json::from("cc:4:20:x:96"))])),
                ("owners_after", owner()),
            ])
        });
        Json::object([
            ("version", Json::from(1_i64)),
            ("operation", Json::from(operation)),
            ("timestamp", Json::from("1472688000")),
            ("data", Json::object([("uuid", Json::from(name)), ("payload", Json::Null)])),
            ("fulfillments", Json::from(fulfillments.collect::<Vec<_>>())),
            ("conditions", Json::from(conditions.collect::<Vec<_>>())),
        ])
    };
    let hashed = body(&Json::Null).canonical().expect("it is plain");
    let id = if forged { "f".repeat(64) } else { keccak256_hex(hashed.as_bytes()) };
    Json::object([("id", Json::from(id)), ("transaction", body(&Json::from("cf:4:x")))])
}
