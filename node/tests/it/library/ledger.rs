//! A database with a chain on it, and users.

use std::sync::Arc;

use bigchaindb::bigchain::{Bigchain, Error};
use bigchaindb::store::EmbeddedStore;
use bigchaindb_core::model::{Block, BlockId, Json, Keypair, Output, Transaction};
use bigchaindb_core::rules;

pub(crate) const PROFILES: [&str; 2] = ["v0.6.0", "default"];

/// When all of this happens.
pub(crate) const NOW: u64 = 1_472_731_200;

/// A node alone on a chain.
pub(crate) struct Ledger {
    pub(crate) b: Bigchain,
    store: Arc<EmbeddedStore>,
    rules: &'static str,
    genesis: BlockId,
}

/// The keys of a user; the node has number 0.
pub(crate) fn user(number: u8) -> Keypair {
    Keypair::from_seed([number + 1; 32])
}

pub(crate) fn key(user: &Keypair) -> &str {
    user.public().as_str()
}

/// Output `cid` of a transaction.
pub(crate) fn output(of: &Transaction, cid: i64) -> Output {
    Output { txid: of.id().clone(), cid, oddity: None }
}

/// Class and text of an exception.
pub(crate) fn raised<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (&'static str, String) {
    match outcome.unwrap_err() {
        Error::Raised(raised) => (raised.class, raised.text),
        other => (other.class(), other.to_string()),
    }
}

impl Ledger {
    pub(crate) async fn new(profile: &'static str) -> Self {
        let store = Arc::new(EmbeddedStore::in_memory());
        let rules = rules::by_name(profile).unwrap();
        let b = Bigchain::new(store.clone(), user(0), vec![], rules).with_clock(|| NOW);
        let genesis = b.create_genesis_block().await.unwrap().id().clone();
        Self { b, store, rules: profile, genesis }
    }

    /// The same database at another time.
    pub(crate) fn at(&self, now: u64) -> Bigchain {
        self.b.clone().with_clock(move || now)
    }

    /// The same database, as a node with these fellow members sees it.
    pub(crate) fn among(&self, others: &[Keypair]) -> Bigchain {
        let keyring = others.iter().map(|other| other.public().clone()).collect();
        let rules = rules::by_name(self.rules).unwrap();
        Bigchain::new(self.store.clone(), user(0), keyring, rules).with_clock(|| NOW)
    }

    /// Whether the rules are the original's.
    pub(crate) fn is_original(&self) -> bool {
        self.rules == "v0.6.0"
    }

    /// Writes a block of these, without a vote on it.
    pub(crate) async fn block(&self, transactions: &[&Transaction]) -> Block {
        let transactions = transactions.iter().map(|one| Arc::new((*one).clone())).collect();
        let block = self.b.create_block(transactions).unwrap();
        self.b.write_block(&block).await.unwrap();
        block
    }

    /// Writes a block of these, and votes on it.
    pub(crate) async fn decide(&self, transactions: &[&Transaction], valid: bool) -> Block {
        let block = self.block(transactions).await;
        let vote = self.b.vote(block.id(), &self.genesis, valid).unwrap();
        self.b.write_vote(&vote).await.unwrap();
        block
    }

    /// A CREATE for these, signed.
    pub(crate) async fn create(&self, owners: &[&Keypair]) -> Transaction {
        let owners: Vec<_> = owners.iter().map(|owner| key(owner)).collect();
        let me = self.b.me().as_str();
        let create = self.b.create_transaction(&[me], &owners, vec![], "CREATE", Json::Null);
        self.b.sign_transaction(&create.unwrap(), &[self.b.keypair()]).await.unwrap()
    }

    /// An asset of these, in a block decided valid.
    pub(crate) async fn asset(&self, owners: &[&Keypair]) -> Transaction {
        let create = self.create(owners).await;
        self.decide(&[&create], true).await;
        create
    }

    /// An unsigned TRANSFER.
    pub(crate) fn unsigned(
        &self,
        before: &[&Keypair],
        after: &[&Keypair],
        inputs: Vec<Output>,
    ) -> Transaction {
        let keys = |users: &[&Keypair]| -> Vec<String> {
            users.iter().map(|user| key(user).to_owned()).collect()
        };
        let (before, after) = (keys(before), keys(after));
        let [before, after] = [&before, &after].map(|it| it.iter().map(|key| &**key).collect());
        let (before, after): (Vec<&str>, Vec<&str>) = (before, after);
        self.b.create_transaction(&before, &after, inputs, "TRANSFER", Json::Null).unwrap()
    }

    /// A TRANSFER that its owners signed.
    pub(crate) async fn transfer(
        &self,
        before: &[&Keypair],
        after: &[&Keypair],
        inputs: Vec<Output>,
    ) -> Transaction {
        let unsigned = self.unsigned(before, after, inputs);
        self.b.sign_transaction(&unsigned, before).await.unwrap()
    }
}
