//! Making a transaction: from what a client wants to the unsigned document, with its id.
//!
//! Not here: signing it (`sign`).
//!
//! Source: BigchainDB 0.6 docs, "The Transaction Model", "Conditions and Fulfillments".

use super::super::cryptoconditions::{Fulfillment, Part};
use super::super::{Json, NodeKey, Output, Raised, TxId, public_key_bytes};
use super::guard::details_and_uri;
use super::{Texts, Transaction};

/// What a transaction is to say.
///
/// ```
/// use bigchaindb_core::model::{Draft, Keypair, Profile};
/// let (node, alice) = (Keypair::from_seed([1; 32]), Keypair::from_seed([2; 32]));
/// let owners_after = vec![alice.public().to_string()];
/// let draft = Draft::create(node.public(), owners_after, "some uuid", 1_472_731_200);
/// let create = draft.transaction().unwrap().sign(&[&node], Profile::Default, &|_| None).unwrap();
/// assert_eq!(create.operation(), Some("CREATE"));
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Draft {
    /// `CREATE`, `TRANSFER` or `GENESIS`.
    pub operation: String,
    /// Who signs: public keys.
    pub owners_before: Vec<String>,
    /// Who owns each output: public keys. Several have to sign together.
    pub owners_after: Vec<String>,
    /// What it spends; as many outputs are made. None for a CREATE, which makes one.
    pub inputs: Vec<Output>,
    /// An object, or `Null`.
    pub payload: Json,
    /// What makes it different from others that say the same.
    pub uuid: String,
    /// Unix seconds.
    pub timestamp: u64,
}

impl Draft {
    /// A CREATE by a node, without payload.
    pub fn create(
        node: &NodeKey,
        owners_after: Vec<String>,
        uuid: impl Into<String>,
        timestamp: u64,
    ) -> Self {
        Self {
            operation: "CREATE".into(),
            owners_before: vec![node.to_string()],
            owners_after,
            inputs: Vec::new(),
            payload: Json::Null,
            uuid: uuid.into(),
            timestamp,
        }
    }

    /// A TRANSFER of these outputs, without payload.
    pub fn transfer(
        owners_before: Vec<String>,
        owners_after: Vec<String>,
        inputs: Vec<Output>,
        uuid: impl Into<String>,
        timestamp: u64,
    ) -> Self {
        Self {
            operation: "TRANSFER".into(),
            owners_before,
            owners_after,
            inputs,
            payload: Json::Null,
            uuid: uuid.into(),
            timestamp,
        }
    }

    /// The transaction, not signed yet.
    ///
    /// # Errors
    /// If the payload is neither object nor null, a new owner is no public key, or it all has no
    /// canonical text.
    pub fn transaction(&self) -> Result<Transaction, Raised> {
        if !matches!(self.payload, Json::Null | Json::Object(_)) {
            let text = "`payload` must be an dict instance or None";
            return Err(Raised::new("TypeError", text));
        }
        let guard = guard(&self.owners_after)?;
        let inputs: Vec<_> = match &*self.inputs {
            [] => vec![Json::Null],
            inputs => inputs.iter().map(Output::to_json).collect(),
        };
        let conditions = (0..inputs.len() as u64).filter_map(|cid| {
            let condition = guard.clone()?;
            let owners_after = strings(&self.owners_after);
            Some(Json::object([
                ("cid", cid.into()),
                ("condition", condition),
                ("owners_after", owners_after),
            ]))
        });
        let conditions: Vec<_> = conditions.collect();
        let fulfillments = (0_u64..).zip(inputs).map(|(fid, input)| {
            Json::object([
                ("fid", fid.into()),
                ("fulfillment", Json::Null),
                ("input", input),
                ("owners_before", strings(&self.owners_before)),
            ])
        });
        let fulfillments: Vec<_> = fulfillments.collect();
        let data = [("payload", self.payload.clone()), ("uuid", Json::from(self.uuid.as_str()))];
        Transaction::of_body(Json::object([
            ("conditions", conditions.into()),
            ("data", Json::object(data)),
            ("fulfillments", fulfillments.into()),
            ("operation", self.operation.as_str().into()),
            ("timestamp", self.timestamp.to_string().into()),
            ("version", 1_i64.into()),
        ]))
    }
}

impl Transaction {
    /// A transaction of this body, which gets its id.
    ///
    /// # Errors
    /// If the body has no canonical text, or its fulfillments are no list of objects.
    pub fn of_body(body: Json) -> Result<Self, Raised> {
        let document = Json::object([("id", Json::from("")), ("transaction", body)]);
        let mut transaction = Self::from_document(document)?;
        let id = Texts::of(&transaction)?.id();
        transaction.name(id);
        Ok(transaction)
    }

    /// Gives it an id.
    fn name(&mut self, id: TxId) {
        if let Some(place) = self.document.get_mut("id") {
            *place = id.as_str().into();
        }
        self.id = id;
    }
}

impl Output {
    /// The `input` that spends it.
    fn to_json(&self) -> Json {
        Json::object([("cid", self.cid.into()), ("txid", self.txid.as_str().into())])
    }
}

/// What guards an output that belongs to these: nothing could be said if there is nobody.
fn guard(owners: &[String]) -> Result<Option<Json>, Raised> {
    let parts: Vec<_> =
        owners.iter().map(|owner| signature_of(owner).map(Part::from)).collect::<Result<_, _>>()?;
    let guard = match owners {
        [] => return Ok(None),
        [owner] => signature_of(owner)?,
        _ => Fulfillment::threshold(parts.len() as u64, parts),
    };
    details_and_uri(&guard).map(Some)
}

/// The plain signature of an owner, not signed yet.
pub(crate) fn signature_of(owner: &str) -> Result<Fulfillment, Raised> {
    Ok(Fulfillment::ed25519(public_key_bytes(owner)?))
}

fn strings(texts: &[String]) -> Json {
    texts.iter().map(|text| Json::from(text.as_str())).collect::<Vec<_>>().into()
}
