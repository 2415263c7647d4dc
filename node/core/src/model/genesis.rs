//! Genesis: the first block of a chain, with its one transaction.

use std::sync::Arc;

use super::{Block, Draft, Json, Keypair, MakeBlockError, NodeKey, Profile, Raised};

impl Block {
    /// The first block of a chain: one GENESIS transaction, from this node to itself. `timestamp` in
    /// Unix seconds.
    ///
    /// # Errors
    /// As [`Block::create`].
    ///
    /// Source: BigchainDB 0.6 docs, "The Block Model".
    pub fn genesis(
        node: &Keypair,
        voters: &[NodeKey],
        timestamp: u64,
        uuid: &str,
    ) -> Result<Self, MakeBlockError> {
        let owners_after = vec![node.public().to_string()];
        let draft = Draft {
            operation: "GENESIS".into(),
            payload: Json::object([("message", "Hello World from the BigchainDB".into())]),
            ..Draft::create(node.public(), owners_after, uuid, timestamp)
        };
        let unsigned = draft.transaction()?;
        let transaction = unsigned.sign(&[node], Profile::Default, &|_| None);
        let transaction = Arc::new(transaction.map_err(Raised::from)?);
        Self::create(vec![transaction], node, voters, timestamp)
    }
}
