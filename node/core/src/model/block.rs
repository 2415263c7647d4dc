//! A block: transactions, sealed by the node that put them together.
//!
//! Here: the document. Not here: whether it is acceptable (`rules`), which block comes before it
//! (that stands in the votes and in the list of blocks).

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::document::{self, MalformedDocument};
use super::seal::{is_sealed, seal};
use super::{
    BlockId, CanonicalJsonError, Json, Keypair, NodeKey, NotAscii, Profile, Raised, SignatureCheck,
    Transaction, keccak256_hex, write_name,
};

/// A block. It never changes.
///
/// Its transactions are taken out of the document and shared; what is left is the frame, and the
/// whole document is put together again when somebody asks for it.
///
/// Source: BigchainDB 0.6 docs, "The Block Model".
#[derive(Clone)]
pub struct Block {
    id: BlockId,
    node_pubkey: NodeKey,
    voters: Vec<NodeKey>,
    transactions: Vec<Arc<Transaction>>,
    /// The document with an empty list of transactions.
    frame: Json,
    whole: OnceLock<Json>,
}

/// Its id alone: who wants to see the document asks for it.
impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({})", self.id)
    }
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        self.frame == other.frame && self.transactions == other.transactions
    }
}

impl Block {
    /// Takes a document for a block.
    ///
    /// # Errors
    /// If `id` or, in `block`, `node_pubkey` is no string, `voters` no list of strings, or
    /// `transactions` no list of transactions. All else is left to the rules.
    pub fn from_document(document: Json) -> Result<Self, MalformedDocument> {
        let (mut frame, mut transactions) = (document, Vec::new());
        document::swap_list(&mut frame, "block", "transactions", &mut transactions);
        let mut block = Self::from_frame(frame, vec![])?;
        block.transactions = transactions
            .into_iter()
            .map(|transaction| Transaction::from_document(transaction).map(Arc::new))
            .collect::<Result<_, _>>()?;
        Ok(block)
    }

    /// Puts a block together from its [frame](Self::frame) and its transactions, as a store that
    /// keeps them apart does.
    ///
    /// # Errors
    /// As [`from_document`](Self::from_document).
    pub fn from_frame(
        frame: Json,
        transactions: Vec<Arc<Transaction>>,
    ) -> Result<Self, MalformedDocument> {
        let id = document::text(&frame, "id", "id")?.into();
        let block = document::object(&frame, "block", "block")?;
        let node_pubkey = document::text(block, "node_pubkey", "block.node_pubkey")?.into();
        let voters = voters(document::list(block, "voters", "block.voters")?)?;
        document::list(block, "transactions", "block.transactions")?;
        Ok(Self { id, node_pubkey, voters, transactions, frame, whole: OnceLock::new() })
    }

    /// A block of these, signed by this node. `timestamp` in Unix seconds.
    ///
    /// Whether the transactions are acceptable is not asked. The text is signed as UTF-8, which for
    /// ASCII is what the original signs; other text it refuses to sign.
    ///
    /// # Errors
    /// If there is no transaction, or one that has no canonical text.
    pub fn create(
        transactions: Vec<Arc<Transaction>>,
        node: &Keypair,
        voters: &[NodeKey],
        timestamp: u64,
    ) -> Result<Self, MakeBlockError> {
        Self::create_as(Profile::Default, transactions, node, voters, timestamp)
    }

    /// As [`create`](Self::create), under the rules of a profile.
    ///
    /// # Errors
    /// As there; under `v0.6.0` also if a transaction is not ASCII.
    pub fn create_as(
        profile: Profile,
        transactions: Vec<Arc<Transaction>>,
        node: &Keypair,
        voters: &[NodeKey],
        timestamp: u64,
    ) -> Result<Self, MakeBlockError> {
        if transactions.is_empty() {
            return Err(MakeBlockError::Empty);
        }
        let node_pubkey = node.public().clone();
        let block = Json::object([
            ("node_pubkey", node_pubkey.as_str().into()),
            ("timestamp", timestamp.to_string().into()),
            ("transactions", Vec::new().into()),
            ("voters", voters.iter().map(|key| key.as_str().into()).collect::<Vec<Json>>().into()),
        ]);
        let text = text(&block, &transactions)?;
        let id = BlockId::from(keccak256_hex(text.as_bytes()));
        let signature = seal(&text, node, profile)?;
        let frame =
            Json::object([("id", id.as_str().into()), ("block", block), ("signature", signature)]);
        let (voters, whole) = (voters.to_vec(), OnceLock::new());
        Ok(Self { id, node_pubkey, voters, transactions, frame, whole })
    }

    /// Its id, as the document says it.
    pub fn id(&self) -> &BlockId {
        &self.id
    }

    /// The whole document.
    pub fn document(&self) -> &Json {
        self.whole.get_or_init(|| self.to_document())
    }

    /// The whole document, put together for whoever asks; this block is no larger for it.
    pub fn to_document(&self) -> Json {
        let mut whole = self.frame.clone();
        let mut list = self.transactions.iter().map(|one| one.document().clone()).collect();
        document::swap_list(&mut whole, "block", "transactions", &mut list);
        whole
    }

    /// The node that made it, as the document says it.
    pub fn node_pubkey(&self) -> &NodeKey {
        &self.node_pubkey
    }

    /// Who may vote on it, as the document says it.
    pub fn voters(&self) -> &[NodeKey] {
        &self.voters
    }

    /// When it was made: Unix seconds; `None` if it says nothing like that.
    pub fn timestamp(&self) -> Option<u64> {
        self.frame.get("block")?.get("timestamp")?.as_str()?.parse().ok()
    }

    /// What it holds, in order.
    pub fn transactions(&self) -> &[Arc<Transaction>] {
        &self.transactions
    }

    /// Whether it is the first block of a chain: its first transaction is a GENESIS.
    pub fn is_genesis(&self) -> bool {
        self.transactions.first().is_some_and(|first| first.operation() == Some("GENESIS"))
    }

    /// Everything but the transactions: the document with an empty list of them.
    pub fn frame(&self) -> &Json {
        &self.frame
    }

    /// The text whose hash is the id, and which its node signs.
    ///
    /// # Errors
    /// If it holds something that has no canonical text.
    pub fn text(&self) -> Result<String, CanonicalJsonError> {
        text(self.frame.get("block").unwrap_or(&Json::Null), &self.transactions)
    }

    /// Whether the node that it names signed this, its [text](Self::text).
    ///
    /// # Errors
    /// What the original raises if key or signature are not even the text of one.
    pub fn verify(
        &self,
        text: &str,
        profile: Profile,
        signatures: &dyn SignatureCheck,
    ) -> Result<bool, Raised> {
        let signature = self.frame.get("signature");
        is_sealed(text, signature, &self.node_pubkey, profile, signatures)
    }
}

/// Why a block cannot be made.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MakeBlockError {
    /// There is nothing to put into it.
    #[error("Empty block creation is not allowed")]
    Empty,
    /// A transaction has no canonical text.
    #[error(transparent)]
    Canonical(#[from] CanonicalJsonError),
    /// A transaction is not ASCII. Profile `v0.6.0`.
    #[error(transparent)]
    NotAscii(#[from] NotAscii),
    /// The genesis transaction cannot be made.
    #[error(transparent)]
    Raised(#[from] Raised),
}

impl MakeBlockError {
    /// The class of exception that stands for it in BigchainDB 0.6.0.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Empty => "OperationError",
            Self::Canonical(_) => "OverflowError",
            Self::NotAscii(_) => "UnicodeEncodeError",
            Self::Raised(raised) => raised.class,
        }
    }
}

/// The canonical text of a block whose transactions are kept apart.
fn text(block: &Json, transactions: &[Arc<Transaction>]) -> Result<String, CanonicalJsonError> {
    let mut out = String::with_capacity(1024 * (1 + transactions.len()));
    let fields = block.as_object().into_iter().flat_map(|fields| fields.iter());
    out.push('{');
    for (number, (name, value)) in fields.enumerate() {
        if number > 0 {
            out.push(',');
        }
        write_name(name, &mut out);
        out.push(':');
        if name != "transactions" {
            value.canonical_into(&mut out)?;
            continue;
        }
        for (number, transaction) in transactions.iter().enumerate() {
            out.push(if number == 0 { '[' } else { ',' });
            transaction.document().canonical_into(&mut out)?;
        }
        out.push_str(if transactions.is_empty() { "[]" } else { "]" });
    }
    out.push('}');
    Ok(out)
}

fn voters(names: &[Json]) -> Result<Vec<NodeKey>, MalformedDocument> {
    let wrong = MalformedDocument::Kind { at: "block.voters", expected: "an array of strings" };
    names.iter().map(|name| name.as_str().map(NodeKey::from).ok_or(wrong.clone())).collect()
}
