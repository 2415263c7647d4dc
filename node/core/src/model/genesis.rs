//! Genesis: the first block of a chain, with its one transaction.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::{Block, Json, Keypair, MakeBlockError, NodeKey, Texts, Transaction, public_key_bytes};

impl Block {
    /// The first block of a chain: one GENESIS transaction from this node to itself.
    ///
    /// # Errors
    /// As [`Block::create`].
    ///
    /// Source: BigchainDB 0.6 docs, "The Block Model"; the original's `prepare_genesis_block`.
    pub fn genesis(
        node: &Keypair,
        voters: &[NodeKey],
        timestamp: u64,
        uuid: &str,
    ) -> Result<Self, MakeBlockError> {
        let transaction = transaction(node, timestamp, uuid);
        Self::create(vec![Arc::new(transaction)], node, voters, timestamp)
    }
}

fn transaction(node: &Keypair, timestamp: u64, uuid: &str) -> Transaction {
    let key: Json = node.public().as_str().into();
    let bytes = public_key_bytes(node.public().as_str()).expect("a keypair's key is a key");
    let uri = format!("cc:4:20:{}:96", BASE64_URL_SAFE_NO_PAD.encode(bytes));
    let details = Json::object([
        ("bitmask", Json::from(32_i64)),
        ("public_key", key.clone()),
        ("signature", Json::Null),
        ("type", "fulfillment".into()),
        ("type_id", Json::from(4_i64)),
    ]);
    let document = |id: &str, fulfillment: Json| {
        let fulfillment = Json::object([
            ("fid", Json::from(0_i64)),
            ("fulfillment", fulfillment),
            ("input", Json::Null),
            ("owners_before", vec![key.clone()].into()),
        ]);
        let condition = Json::object([
            ("cid", Json::from(0_i64)),
            (
                "condition",
                Json::object([("details", details.clone()), ("uri", uri.as_str().into())]),
            ),
            ("owners_after", vec![key.clone()].into()),
        ]);
        let payload = Json::object([("message", "Hello World from the BigchainDB".into())]);
        let body = Json::object([
            ("conditions", vec![condition].into()),
            ("data", Json::object([("payload", payload), ("uuid", uuid.into())])),
            ("fulfillments", vec![fulfillment].into()),
            ("operation", "GENESIS".into()),
            ("timestamp", timestamp.to_string().into()),
            ("version", Json::from(1_i64)),
        ]);
        let document = Json::object([("id", id.into()), ("transaction", body)]);
        Transaction::from_document(document).expect("it has the shape of a transaction")
    };
    let unsigned = document("", Json::Null);
    let id = Texts::of(&unsigned).expect("it has fulfillments").id();
    let unsigned = document(id.as_str(), Json::Null);
    let texts = Texts::of(&unsigned).expect("it has fulfillments");
    let message = texts.message(0).expect("it has all fields and a condition");
    let mut payload = bytes.to_vec();
    payload.extend(node.sign(message.as_bytes()));
    let fulfillment = format!("cf:4:{}", BASE64_URL_SAFE_NO_PAD.encode(payload));
    document(id.as_str(), fulfillment.into())
}
