//! The documents that clients sign: equal seeds give equal bytes.
//!
//! Every operation has a key of its own, the owner of the output it makes. Not here: when a document
//! is sent, and where (`workload::driver`), documents of richer conditions (`bigchaindb_core`).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bigchaindb_core::model::{Json, Keypair, Texts, Transaction, TxId};

use crate::chance::{Domain, draw_bytes};
use crate::plan::{Action, Operation};

/// Who signs, and when the run began.
#[derive(Debug)]
pub(super) struct Clients {
    seed: u64,
    started_unix_ms: u64,
}

impl Clients {
    pub(super) fn new(seed: u64, started_unix_ms: u64) -> Self {
        Self { seed, started_unix_ms }
    }

    /// A CREATE of and for the operation's owner. The node that receives it makes its own of it, for
    /// the same owner and with the same payload.
    pub(super) fn create(&self, operation: &Operation) -> Json {
        let owner = self.owner(operation.number);
        self.signed(operation, "CREATE", Json::Null, &owner)
    }

    /// A TRANSFER of the output that operation `input` made in transaction `tx`, to the operation's
    /// owner.
    pub(super) fn transfer(&self, operation: &Operation, input: u32, tx: &TxId) -> Json {
        let spent = Json::object([("txid", tx.as_str().into()), ("cid", Json::Int(0))]);
        self.signed(operation, "TRANSFER", spent, &self.owner(input))
    }

    fn owner(&self, operation: u32) -> Keypair {
        Keypair::from_seed(draw_bytes(self.seed, Domain::ClientKey, operation.into(), 0))
    }

    fn signed(&self, operation: &Operation, name: &str, input: Json, signer: &Keypair) -> Json {
        let payload = self.payload(operation);
        let timestamp = (self.started_unix_ms + operation.at_us / 1_000) / 1_000;
        let fulfillment = Json::object([
            ("fid", Json::Int(0)),
            ("fulfillment", Json::Null),
            ("input", input),
            ("owners_before", vec![signer.public().as_str().into()].into()),
        ]);
        let body = Json::object([
            ("version", Json::Int(1)),
            ("operation", name.into()),
            ("timestamp", timestamp.to_string().into()),
            ("data", Json::object([("uuid", self.uuid(operation).into()), ("payload", payload)])),
            ("fulfillments", vec![fulfillment].into()),
            ("conditions", vec![condition(&self.owner(operation.number))].into()),
        ]);
        sign(body, signer)
    }

    /// An object of this many bytes, as JSON; `null` if there is no room for one.
    fn payload(&self, operation: &Operation) -> Json {
        const FRAME: usize = r#"{"filling":""}"#.len();
        let size = match operation.action {
            Action::Create { payload_bytes }
            | Action::Transfer { payload_bytes, .. }
            | Action::Conflict { payload_bytes, .. } => payload_bytes as usize,
            Action::Duplicate { .. } => 0,
        };
        let Some(length) = size.checked_sub(FRAME) else { return Json::Null };
        let mut filling = String::with_capacity(length + 32);
        for piece in 0.. {
            if filling.len() >= length {
                break;
            }
            let bytes = draw_bytes(self.seed, Domain::Payload, operation.number.into(), piece);
            filling.extend(bytes.iter().map(|byte| char::from(b'a' + byte % 26)));
        }
        filling.truncate(length);
        Json::object([("filling", filling.into())])
    }

    fn uuid(&self, operation: &Operation) -> String {
        let mut bytes = draw_bytes(self.seed, Domain::Uuid, operation.number.into(), 0);
        // RFC 4122: version 4 in the seventh byte, variant 1 in the ninth.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }
}

/// A condition that the owner's signature fulfils.
fn condition(owner: &Keypair) -> Json {
    let public: Json = owner.public().as_str().into();
    let details = Json::object([
        ("bitmask", Json::Int(32)),
        ("public_key", public.clone()),
        ("signature", Json::Null),
        ("type", "fulfillment".into()),
        ("type_id", Json::Int(4)),
    ]);
    let uri = format!("cc:4:20:{}:96", URL_SAFE_NO_PAD.encode(owner.public_bytes()));
    Json::object([
        ("cid", Json::Int(0)),
        ("condition", Json::object([("details", details), ("uri", uri.into())])),
        ("owners_after", vec![public].into()),
    ])
}

/// Gives a body its id and its one signature.
fn sign(body: Json, signer: &Keypair) -> Json {
    let document = Json::object([("id", "".into()), ("transaction", body)]);
    let unsigned = Transaction::from_document(document).expect("it has an id and a body");
    let id = Texts::of(&unsigned).expect("the body is well-formed").id();
    let mut document = unsigned.document().clone();
    *document.get_mut("id").expect("it has an id") = id.as_str().into();
    let named = Transaction::from_document(document).expect("it has an id and a body");
    let texts = Texts::of(&named).expect("the body is well-formed");
    let message = texts.message(0).expect("it has one fulfillment and one condition");
    let mut opened = signer.public_bytes().to_vec();
    opened.extend(signer.sign(message.as_bytes()));
    let uri = format!("cf:4:{}", URL_SAFE_NO_PAD.encode(opened));
    let mut document = named.document().clone();
    let fulfillment = document
        .get_mut("transaction")
        .and_then(|body| body.get_mut("fulfillments"))
        .and_then(|list| if let Json::Array(items) = list { items.first_mut() } else { None })
        .and_then(|first| first.get_mut("fulfillment"));
    *fulfillment.expect("it has one fulfillment") = uri.into();
    document
}
