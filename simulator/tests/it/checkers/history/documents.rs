//! The documents of histories: transactions, hashed and signed, lawful or with one fault each.

use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::cryptoconditions::{Fulfillment, Part, Subject};
use bigchaindb_core::model::{Json, Keypair, Texts, Transaction, keccak256_hex};

/// All transactions of a history, by name.
#[derive(Default)]
pub(super) struct Documents {
    transactions: BTreeMap<String, Made>,
}

struct Made {
    document: Arc<Json>,
    /// What guards its outputs.
    guard: Fulfillment,
}

/// The key of all users.
pub(super) fn user() -> Keypair {
    Keypair::from_seed([9; 32])
}

/// A second key, which guards together with the user's.
fn companion() -> Keypair {
    Keypair::from_seed([8; 32])
}

/// The member that makes CREATEs.
fn maker() -> Keypair {
    Keypair::from_seed([1; 32])
}

impl Documents {
    pub(super) fn get(&self, name: &str) -> &Arc<Json> {
        &self.transactions.get(name).unwrap_or_else(|| panic!("{name} is not defined")).document
    }

    pub(super) fn id(&self, name: &str) -> String {
        self.get(name).get("id").and_then(Json::as_str).expect("a text").to_owned()
    }

    /// Defines a CREATE or a GENESIS, `NAME` or `NAME!flag`.
    pub(super) fn create(&mut self, spec: &str, operation: &str) {
        let (name, flag) = spec.split_once('!').unwrap_or((spec, ""));
        let (flag, value) = flag.split_once('=').unwrap_or((flag, ""));
        let user = Fulfillment::ed25519(user().public_bytes());
        let guard = match flag {
            "until" => {
                let until = Fulfillment::timeout(value).expect("a time");
                Fulfillment::threshold(2, vec![user.into(), until.into()])
            }
            "from" => {
                let until = Fulfillment::timeout(value).expect("a time");
                let from = Fulfillment::inverted(1, vec![until.into()]);
                Fulfillment::threshold(2, vec![user.into(), from.into()])
            }
            "both" => {
                let until = Fulfillment::timeout(value).expect("a time");
                let other = Fulfillment::ed25519(companion().public_bytes());
                let neither = Fulfillment::inverted(1, vec![until.into(), other.into()]);
                Fulfillment::threshold(2, vec![user.into(), neither.into()])
            }
            "weights" => {
                let other = Fulfillment::ed25519(companion().public_bytes());
                let part = |weight, one| {
                    Part::new(weight, Subject::Fulfillment(one)).expect("more than 0")
                };
                Fulfillment::threshold(4, vec![part(3, user), part(1, other)])
            }
            _ => user,
        };
        let signer = if flag == "stranger" { user_as_maker() } else { maker() };
        let mut inputs = vec![Json::Null];
        if flag == "spends" {
            inputs.push(self.input(value, ""));
        }
        let draft = Draft {
            name,
            operation,
            inputs,
            outputs: if matches!(flag, "two" | "spends") { 2 } else { 1 },
            owner_before: signer.public().as_str().to_owned(),
            payload: if flag == "nul" {
                Json::object([("x", "a\0b")].map(|(k, v)| (k, Json::from(v))))
            } else {
                Json::Null
            },
        };
        let document = draft.document(&guard, flag == "id");
        let sign = |document: &Json, fid| {
            let key = if fid == 0 { &signer } else { &user_as_maker() };
            signed(document, fid, &Fulfillment::ed25519(key.public_bytes()), &[key], flag)
        };
        self.define(name, document, guard, sign);
    }

    /// Defines a TRANSFER, `NAME` or `NAME!flag`, of `OF.CID` each.
    pub(super) fn transfer(&mut self, spec: &str, inputs: &[&str]) {
        let (name, flag) = spec.split_once('!').unwrap_or((spec, ""));
        let user = user();
        let draft = Draft {
            name,
            operation: "TRANSFER",
            inputs: inputs.iter().map(|input| self.input(input, flag)).collect(),
            outputs: inputs.len() + usize::from(flag == "more"),
            owner_before: user.public().as_str().to_owned(),
            payload: Json::Null,
        };
        let guards: Vec<Fulfillment> = inputs
            .iter()
            .map(|input| {
                self.transactions[input.split_once('.').expect("NAME.CID").0].guard.clone()
            })
            .collect();
        let guard = Fulfillment::ed25519(user.public_bytes());
        let document = draft.document(&guard, false);
        let sign = |document: &Json, fid: usize| {
            let companion = companion();
            match flag {
                "thief" => {
                    let guard = Fulfillment::ed25519(companion.public_bytes());
                    signed(document, fid, &guard, &[&companion], flag)
                }
                "omit" => signed(document, fid, &guards[fid], &[&user], flag),
                _ => signed(document, fid, &guards[fid], &[&user, &companion], flag),
            }
        };
        self.define(name, document, guard, sign);
    }

    fn define(
        &mut self,
        name: &str,
        document: Json,
        guard: Fulfillment,
        sign: impl Fn(&Json, usize) -> String,
    ) {
        let mut whole = document.clone();
        let body = whole.get_mut("transaction").expect("there");
        let Some(Json::Array(list)) = body.get_mut("fulfillments") else { unreachable!("a list") };
        for (fid, fulfillment) in list.iter_mut().enumerate() {
            *fulfillment.get_mut("fulfillment").expect("there") = Json::from(sign(&document, fid));
        }
        self.transactions.insert(name.into(), Made { document: Arc::new(whole), guard });
    }

    fn input(&self, input: &str, flag: &str) -> Json {
        let (of, cid) = input.split_once('.').expect("NAME.CID");
        let cid: i64 = cid.parse().expect("a number");
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let cid = match flag {
            "float" => Json::Float(cid as f64),
            "false" => Json::Bool(cid == 1),
            _ => Json::from(cid),
        };
        let mut input = Json::object([("txid", Json::from(self.id(of))), ("cid", cid)]);
        if let (Json::Object(fields), "extra") = (&mut input, flag) {
            fields.insert("x", Json::Null);
        }
        input
    }
}

/// Who is no member and makes a CREATE all the same.
fn user_as_maker() -> Keypair {
    user()
}

struct Draft<'a> {
    /// Its uuid, so that names make ids.
    name: &'a str,
    operation: &'a str,
    inputs: Vec<Json>,
    outputs: usize,
    owner_before: String,
    payload: Json,
}

impl Draft<'_> {
    /// The document, not signed yet.
    fn document(&self, guard: &Fulfillment, forged: bool) -> Json {
        let uri = guard.condition_uri().expect("it can be written");
        let fulfillments = self.inputs.iter().enumerate().map(|(fid, input)| {
            Json::object([
                ("fid", Json::from(fid as u64)),
                ("fulfillment", Json::Null),
                ("input", input.clone()),
                ("owners_before", Json::from(vec![Json::from(&*self.owner_before)])),
            ])
        });
        let owner = user().public().as_str().to_owned();
        let details = Json::object([
            ("bitmask", Json::from(32_i64)),
            ("public_key", Json::from(&*owner)),
            ("signature", Json::Null),
            ("type", Json::from("fulfillment")),
            ("type_id", Json::from(4_i64)),
        ]);
        let conditions = (0..self.outputs).map(|cid| {
            let condition =
                Json::object([("details", details.clone()), ("uri", Json::from(&*uri))]);
            Json::object([
                ("cid", Json::from(cid as u64)),
                ("condition", condition),
                ("owners_after", Json::from(vec![Json::from(&*owner)])),
            ])
        });
        let body = Json::object([
            ("version", Json::from(1_i64)),
            ("operation", Json::from(self.operation)),
            ("timestamp", Json::from("1472688000")),
            (
                "data",
                Json::object([("uuid", Json::from(self.name)), ("payload", self.payload.clone())]),
            ),
            ("fulfillments", Json::from(fulfillments.collect::<Vec<_>>())),
            ("conditions", Json::from(conditions.collect::<Vec<_>>())),
        ]);
        let hashed = body.canonical().expect("it is plain");
        let id = if forged { "f".repeat(64) } else { keccak256_hex(hashed.as_bytes()) };
        Json::object([("id", Json::from(id)), ("transaction", body)])
    }
}

/// The text of a fulfillment of this guard, signed with these keys.
fn signed(
    document: &Json,
    fid: usize,
    guard: &Fulfillment,
    keys: &[&Keypair],
    flag: &str,
) -> String {
    let transaction = Transaction::from_document(document.clone()).expect("it is one");
    let message = Texts::of(&transaction).and_then(|texts| texts.message(fid)).expect("it has one");
    let message = if flag == "forged" { "something else" } else { &message };
    let mut fulfillment = guard.clone();
    if flag == "omit" {
        fulfillment.sign(b"something else", &companion());
    }
    for key in keys {
        fulfillment.sign(message.as_bytes(), key);
    }
    if flag == "omit" {
        fulfillment = without_timeouts(fulfillment);
    }
    fulfillment.uri().expect("it is signed")
}

/// Of what is inverted, no timeout is shown.
fn without_timeouts(fulfillment: Fulfillment) -> Fulfillment {
    let hide = |part: &Part| match part.subject() {
        Subject::Fulfillment(inner @ Fulfillment::Timeout(_)) => {
            Part::from(inner.condition().expect("it has one"))
        }
        _ => part.clone(),
    };
    let inner = |part: &Part| match part.subject() {
        Subject::Fulfillment(inner) => {
            let inner = Subject::Fulfillment(without_timeouts(inner.clone()));
            Part::new(part.weight(), inner).expect("it had a weight")
        }
        Subject::Condition(_) => part.clone(),
    };
    match fulfillment {
        Fulfillment::Inverted(threshold) => {
            Fulfillment::inverted(threshold.threshold, threshold.parts.iter().map(hide).collect())
        }
        Fulfillment::Threshold(threshold) => {
            Fulfillment::threshold(threshold.threshold, threshold.parts.iter().map(inner).collect())
        }
        other => other,
    }
}
