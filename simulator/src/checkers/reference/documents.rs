//! Reading blocks, transactions and votes, field by field, and what can be said of one alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use bigchaindb_core::model::{
    BlockId, Json, NodeKey, SignatureCheck, Strictness, TxId, keccak256_hex, public_key_bytes,
    signature_bytes,
};

use super::GoodVote;
use super::validator::{examine, has_fields};

/// How many transactions a block holds at most. Source: BigchainDB 0.6 docs, "The Block Model".
const BLOCK_TRANSACTIONS_MAX: usize = 1000;

/// Whether a signature, in base58, is this key's on a text.
fn is_signed(
    key: &NodeKey,
    text: &str,
    signature: Option<&Json>,
    strictness: Strictness,
    signatures: &dyn SignatureCheck,
) -> bool {
    let Some(signature) = signature.and_then(Json::as_str) else { return false };
    let (Ok(key), Ok(signature)) = (public_key_bytes(key.as_str()), signature_bytes(signature))
    else {
        return false;
    };
    signatures.verify(&key, text.as_bytes(), &signature, strictness)
}

/// What a block says.
#[derive(Clone, Debug)]
pub struct BlockDocument {
    /// Its id, as it says.
    pub id: BlockId,
    /// Its author, as it says.
    pub author: NodeKey,
    /// Its voters, as it says.
    pub voters: Vec<NodeKey>,
    /// What it holds, in order.
    pub transactions: Vec<TransactionDocument>,
    /// Whether its first transaction is a GENESIS.
    pub is_genesis: bool,
    /// The whole document.
    pub row: Arc<Json>,
}

/// What is wrong with a block's id and its signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Seal {
    /// Then the row is not the block that the id names, which may be another.
    pub(super) id: Option<String>,
    pub(super) signature: Option<String>,
}

impl Seal {
    fn broken(reason: String) -> Self {
        Self { id: Some(reason), signature: None }
    }

    pub(super) fn is_sound(&self) -> bool {
        self.id.is_none() && self.signature.is_none()
    }
}

/// What a transaction says.
#[derive(Clone, Debug)]
pub struct TransactionDocument {
    /// Its id, as it says.
    pub id: TxId,
    /// `CREATE`, `TRANSFER`, `GENESIS`, or whatever it says.
    pub operation: Box<str>,
    /// What it spends, in order.
    pub inputs: Vec<Input>,
    /// How many fulfillments it has.
    pub fulfillments: usize,
    /// How many outputs it makes.
    pub outputs: usize,
}

/// The output that a fulfillment names, as it names it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input {
    /// The transaction that made it.
    pub txid: TxId,
    /// Its number there.
    pub cid: i128,
}

impl Default for TransactionDocument {
    fn default() -> Self {
        Self {
            id: TxId::from(""),
            operation: "".into(),
            inputs: Vec::new(),
            fulfillments: 0,
            outputs: 0,
        }
    }
}

impl TransactionDocument {
    /// Reads what is there; what is not is empty.
    pub fn read(document: &Json) -> Self {
        let text = |value: Option<&Json>| value.and_then(Json::as_str).unwrap_or("").to_owned();
        let body = document.get("transaction").unwrap_or(&Json::Null);
        let fulfillments = body.get("fulfillments").and_then(Json::as_array).unwrap_or(&[]);
        Self {
            id: TxId::from(text(document.get("id"))),
            operation: text(body.get("operation")).into(),
            inputs: fulfillments.iter().filter_map(|one| Input::read(one.get("input")?)).collect(),
            fulfillments: fulfillments.len(),
            outputs: body.get("conditions").and_then(Json::as_array).map_or(0, <[Json]>::len),
        }
    }
}

impl Input {
    /// Numbers are taken by value, as Python and the store do; other keys do not matter.
    pub(super) fn read(input: &Json) -> Option<Self> {
        let cid = match input.get("cid")? {
            Json::Int(cid) => *cid,
            Json::Bool(cid) => i128::from(*cid),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole and small, as the guard says"
            )]
            Json::Float(cid) if cid.fract() == 0.0 && cid.abs() < 1e15 => *cid as i128,
            _ => return None,
        };
        Some(Self { txid: TxId::from(input.get("txid")?.as_str()?), cid })
    }
}

impl BlockDocument {
    /// Reads a row of `bigchain`; none if it has no id.
    pub fn read(row: &Arc<Json>) -> Option<Self> {
        let id = BlockId::from(row.get("id")?.as_str()?);
        let body = row.get("block").unwrap_or(&Json::Null);
        let list = |name| body.get(name).and_then(Json::as_array).unwrap_or(&[]);
        let transactions: Vec<_> =
            list("transactions").iter().map(TransactionDocument::read).collect();
        Some(Self {
            id,
            author: NodeKey::from(body.get("node_pubkey").and_then(Json::as_str).unwrap_or("")),
            voters: list("voters").iter().filter_map(Json::as_str).map(NodeKey::from).collect(),
            is_genesis: transactions.first().is_some_and(|first| &*first.operation == "GENESIS"),
            transactions,
            row: Arc::clone(row),
        })
    }

    /// When it was made, by its author's clock, Unix seconds; none if it does not say so.
    pub fn timestamp(&self) -> Option<u64> {
        self.row.get("block")?.get("timestamp")?.as_str()?.parse().ok()
    }

    /// The documents of what it holds, in order.
    pub fn documents(&self) -> &[Json] {
        let body = self.row.get("block").unwrap_or(&Json::Null);
        body.get("transactions").and_then(Json::as_array).unwrap_or(&[])
    }

    /// Whether some text in it, a key or a value, contains U+0000: the canonical text, and so the hash
    /// and the signature, ends such a text there.
    pub fn has_uncovered_text(&self) -> bool {
        let mut places = vec![&*self.row];
        while let Some(place) = places.pop() {
            match place {
                Json::String(text) if text.contains('\0') => return true,
                Json::Array(items) => places.extend(items),
                Json::Object(fields) => {
                    for (name, value) in fields.iter() {
                        if name.contains('\0') {
                            return true;
                        }
                        places.push(value);
                    }
                }
                _ => {}
            }
        }
        false
    }

    /// What is wrong with its voters, if they are not the federation.
    pub fn strange_voters(&self, federation: &BTreeSet<NodeKey>) -> Option<String> {
        let voters: BTreeSet<_> = self.voters.iter().collect();
        let alike = voters.len() == self.voters.len() && voters.into_iter().eq(federation);
        (!alike).then(|| "its voters are not the federation".into())
    }

    /// Why a block whose id is right is invalid by rule, without an election; none if it is
    /// well-formed.
    pub fn malformation(&self, federation: &BTreeSet<NodeKey>) -> Option<String> {
        let wrong = self.strange_frame().or_else(|| self.strange_voters(federation));
        if wrong.is_some() {
            return wrong;
        }
        if !federation.contains(&self.author) {
            return Some("its author is not of the federation".into());
        }
        if self.transactions.is_empty() {
            return Some("it holds no transaction".into());
        }
        if self.transactions.len() > BLOCK_TRANSACTIONS_MAX {
            return Some(format!("it holds {} transactions", self.transactions.len()));
        }
        let mut ids = BTreeSet::new();
        let mut spent = BTreeSet::new();
        for transaction in &self.transactions {
            let id = &transaction.id;
            // The one that the list begins with is valid whatever is said here.
            if &*transaction.operation == "GENESIS" {
                return Some(format!("it holds GENESIS {id}"));
            }
            if !ids.insert(id) {
                return Some(format!("it holds {id} twice"));
            }
            if &*transaction.operation == "CREATE"
                && (transaction.fulfillments, transaction.outputs) != (1, 1)
            {
                return Some(format!("CREATE {id} has not one fulfillment and one condition"));
            }
            for input in &transaction.inputs {
                if !spent.insert((&input.txid, input.cid)) {
                    return Some(format!("output {} of {} is spent twice", input.cid, input.txid));
                }
            }
        }
        None
    }

    /// Whether a chain of this federation can begin with the block.
    pub fn can_begin(
        &self,
        federation: &BTreeSet<NodeKey>,
        signatures: &dyn SignatureCheck,
    ) -> bool {
        let author = |key: &NodeKey| federation.contains(key);
        let at = self.timestamp().unwrap_or(0);
        let is_sound = |document: &Json| {
            let examined = examine(document, author, at, true, signatures);
            examined.wrong.is_none() && examined.odd.is_none()
        };
        self.is_genesis
            && self.transactions.len() == 1
            && self.strange_frame().is_none()
            && self.strange_voters(federation).is_none()
            && federation.contains(&self.author)
            && self.seal(Strictness::Strict, signatures).is_sound()
            && self.documents().iter().all(is_sound)
    }

    /// What is not as documented around the transactions.
    fn strange_frame(&self) -> Option<String> {
        let body = self.row.get("block").unwrap_or(&Json::Null);
        if !has_fields(body, &["node_pubkey", "timestamp", "transactions", "voters"]) {
            return Some("it has other fields than the documented ones".into());
        }
        self.timestamp().is_none().then(|| "it does not say when it was made".into())
    }

    /// What is wrong with id and signature of the block alone. Strictly, a row holds nothing that they
    /// do not cover.
    pub(super) fn seal(&self, strictness: Strictness, signatures: &dyn SignatureCheck) -> Seal {
        let names = ["block", "id", "signature"];
        if strictness == Strictness::Strict && !has_fields(&self.row, &names) {
            return Seal::broken("the row has other fields than the documented ones".into());
        }
        let text = match self.row.get("block").unwrap_or(&Json::Null).canonical() {
            Ok(text) => text,
            Err(error) => return Seal::broken(format!("it has no canonical text: {error}")),
        };
        let hashes = keccak256_hex(text.as_bytes()) == self.id.as_str();
        let signature = self.row.get("signature");
        let is_signed = is_signed(&self.author, &text, signature, strictness, signatures);
        Seal {
            id: (!hashes).then(|| "its id is not its hash".into()),
            signature: (!is_signed).then(|| "its signature is not its author's".into()),
        }
    }

    /// What is wrong with ids and signature of the block and its transactions; empty if nothing.
    pub fn forgeries(
        &self,
        strictness: Strictness,
        signatures: &dyn SignatureCheck,
    ) -> Vec<String> {
        let Seal { id, signature } = self.seal(strictness, signatures);
        let mut wrong: Vec<_> = id.into_iter().chain(signature).collect();
        for transaction in self.documents() {
            let id = transaction.get("id").and_then(Json::as_str);
            if id.is_none() || computed_id(transaction).as_deref() != id {
                wrong.push(format!("the id of transaction {} is not its hash", id.unwrap_or("?")));
            }
        }
        wrong
    }
}

/// The hash of a transaction's body without its fulfillments' texts.
fn computed_id(transaction: &Json) -> Option<String> {
    let body = unsigned_body(transaction.get("transaction")?);
    Some(keccak256_hex(body.canonical().ok()?.as_bytes()))
}

/// A transaction's body without its fulfillments' texts: what is hashed.
pub(super) fn unsigned_body(body: &Json) -> Json {
    let mut body = body.clone();
    if let Some(Json::Array(fulfillments)) = body.get_mut("fulfillments") {
        for fulfillment in fulfillments {
            if let Json::Object(fields) = fulfillment {
                fields.insert("fulfillment", Json::Null);
            }
        }
    }
    body
}

/// Reads the place that a row of `positions` has; none if its key is no place. Equal numbers are one
/// key, however they are written.
pub(super) fn read_position(id: &Json) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    match id {
        Json::Int(id) => u64::try_from(*id).ok(),
        Json::Float(id) if id.fract() == 0.0 && (0.0..1e15).contains(id) => Some(*id as u64),
        _ => None,
    }
}

/// Reads a row of `votes`; none if it is no vote. Whether it is signed is another question.
pub(super) fn read_vote(row: &Json, key: &Arc<str>) -> Option<GoodVote> {
    let vote = row.get("vote")?;
    Some(GoodVote {
        key: Arc::clone(key),
        voter: NodeKey::from(row.get("node_pubkey")?.as_str()?),
        block: BlockId::from(vote.get("voting_for_block")?.as_str()?),
        previous: BlockId::from(vote.get("previous_block")?.as_str()?),
        valid: vote.get("is_block_valid")?.as_bool()?,
        timestamp: vote.get("timestamp").and_then(Json::as_str).and_then(|text| text.parse().ok()),
    })
}

/// Whether a row of `votes` bears its voter's signature.
pub(super) fn is_vote_signed(
    row: &Json,
    vote: &GoodVote,
    strictness: Strictness,
    signatures: &dyn SignatureCheck,
) -> bool {
    let Some(Ok(text)) = row.get("vote").map(Json::canonical) else { return false };
    is_signed(&vote.voter, &text, row.get("signature"), strictness, signatures)
}
