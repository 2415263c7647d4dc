//! A block: transactions, sealed by the node that put them together.
//!
//! Here: the document. Not here: whether it is acceptable (`rules`), which block comes before it
//! (that stands in the votes and in the list of blocks).

use std::sync::{Arc, OnceLock};

use super::document::{self, MalformedDocument};
use super::{BlockId, Json, NodeKey, Transaction};

/// A block. It never changes.
///
/// Its transactions are taken out of the document and shared; what is left is the frame, and the
/// whole document is put together again when somebody asks for it.
///
/// Source: BigchainDB 0.6 docs, "The Block Model".
#[derive(Clone, Debug)]
pub struct Block {
    id: BlockId,
    node_pubkey: NodeKey,
    voters: Vec<NodeKey>,
    transactions: Vec<Arc<Transaction>>,
    /// The document with an empty list of transactions.
    frame: Json,
    whole: OnceLock<Json>,
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
        let id = document::text(&document, "id", "id")?.into();
        let block = document::object(&document, "block", "block")?;
        let node_pubkey = document::text(block, "node_pubkey", "block.node_pubkey")?.into();
        let voters = voters(document::list(block, "voters", "block.voters")?)?;
        document::list(block, "transactions", "block.transactions")?;
        let (mut frame, mut transactions) = (document, Vec::new());
        document::swap_list(&mut frame, "block", "transactions", &mut transactions);
        let transactions = transactions
            .into_iter()
            .map(|transaction| Transaction::from_document(transaction).map(Arc::new))
            .collect::<Result<_, _>>()?;
        Ok(Self { id, node_pubkey, voters, transactions, frame, whole: OnceLock::new() })
    }

    /// Its id, as the document says it.
    pub fn id(&self) -> &BlockId {
        &self.id
    }

    /// The whole document.
    pub fn document(&self) -> &Json {
        self.whole.get_or_init(|| {
            let mut whole = self.frame.clone();
            let mut list = self.transactions.iter().map(|one| one.document().clone()).collect();
            document::swap_list(&mut whole, "block", "transactions", &mut list);
            whole
        })
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
}

fn voters(names: &[Json]) -> Result<Vec<NodeKey>, MalformedDocument> {
    let wrong = MalformedDocument::Kind { at: "block.voters", expected: "an array of strings" };
    names.iter().map(|name| name.as_str().map(NodeKey::from).ok_or(wrong.clone())).collect()
}
