//! The client driver: what an application does with a federation, over HTTP.
//!
//! A [`Client`] has a keypair and knows several nodes. It makes and signs transactions, posts them to
//! a node, and asks where they stand. If a node does not answer it goes on with the next, a bounded
//! number of times; what may be done twice without harm is (`transport`). Here: the methods that
//! the documentation names, and waiting. Not here: the requests themselves (crate `bigchaindb-load`),
//! the database (`bigchain`).
//!
//! Source: BigchainDB 0.6 docs, "The Python Driver API by Example", "The HTTP Client-Server API".

mod error;
mod transport;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::{
    Draft, Json, Keypair, NodeKey, Output, Profile, Raised, Transaction, TxId, uuid,
};
use bigchaindb_core::rules::Status;

pub use error::ClientError;
pub use transport::{Endpoint, Retries};

use crate::clock;
use crate::config::NodeConfig;
use transport::{Repeat, Transport};

/// The time between two questions of one who waits.
const POLL: Duration = Duration::from_millis(50);

/// A user of a federation.
#[derive(Clone, Debug)]
pub struct Client {
    keypair: Keypair,
    profile: Profile,
    transport: Transport,
}

/// A transaction that a node accepted.
#[derive(Clone, PartialEq, Debug)]
pub struct Posted {
    /// The transaction as the node has it. Of a CREATE that is another than was posted: the node
    /// makes it its own, with a new id.
    pub transaction: Arc<Transaction>,
    /// The node whose turn it is with it; none if it was posted before.
    pub assignee: Option<NodeKey>,
}

impl Client {
    /// A client with these keys, of the nodes at these endpoints (`http://host:port/api/v1`).
    ///
    /// # Errors
    /// [`ClientError::Endpoint`] if an endpoint is none, or there is none.
    pub async fn new(keypair: Keypair, endpoints: &[impl AsRef<str>]) -> Result<Self, ClientError> {
        let endpoints = endpoints.iter().map(|one| Endpoint::parse(one.as_ref()));
        let transport = Transport::to(endpoints.collect::<Result<_, _>>()?).await?;
        Ok(Self { keypair, profile: Profile::Default, transport })
    }

    /// The configured client: keys and `api_endpoint`.
    ///
    /// # Errors
    /// [`ClientError::KeypairNotFound`] if no keys are configured, [`ClientError::Endpoint`].
    pub async fn configured(config: &NodeConfig) -> Result<Self, ClientError> {
        let keypair = config.keypair.clone().ok_or(ClientError::KeypairNotFound)?;
        Self::new(keypair, &[&config.api_endpoint]).await
    }

    /// A client with keys that it has just made up, of the configured endpoint.
    ///
    /// # Errors
    /// [`ClientError::Endpoint`].
    pub async fn temporary(config: &NodeConfig) -> Result<Self, ClientError> {
        Self::new(Keypair::from_seed(crate::entropy()), &[&config.api_endpoint]).await
    }

    /// The same client with other keys. Both share their connections.
    #[must_use]
    pub fn with_keypair(&self, keypair: Keypair) -> Self {
        Self { keypair, ..self.clone() }
    }

    /// The same with other bounds.
    #[must_use]
    pub fn with_retries(mut self, retries: Retries) -> Self {
        self.transport.retries = retries;
        self
    }

    /// The same, signing as the rules of that profile have it.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        Self { profile, ..self }
    }

    /// Its keys.
    pub fn keypair(&self) -> &Keypair {
        &self.keypair
    }

    /// Makes an asset that belongs to this client; `payload` is an object or `Null`.
    ///
    /// A node makes the transaction anew and names it, so to post it twice would make two assets. It
    /// is posted again only if the node before was not reached at all.
    ///
    /// # Errors
    /// [`ClientError`]; with [`ClientError::Unsure`] the asset may have been made.
    pub async fn create(&self, payload: Json) -> Result<Posted, ClientError> {
        let me = self.keypair.public();
        let draft =
            Draft { payload, ..Draft::create(me, vec![me.to_string()], fresh_uuid(), timestamp()) };
        let signed = draft.transaction()?.sign(&[&self.keypair], self.profile, &|_| None);
        self.post(&signed.map_err(Raised::from)?, Repeat::IfUnseen).await
    }

    /// Gives an output to a new owner. The transaction that made it is fetched first: it says what
    /// has to be signed.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] if there is no such transaction; [`ClientError`].
    pub async fn transfer(
        &self,
        owner_after: &str,
        input: &Output,
        payload: Json,
    ) -> Result<Posted, ClientError> {
        let owners_before = vec![self.keypair.public().to_string()];
        let owners_after = vec![owner_after.to_owned()];
        let inputs = vec![input.clone()];
        let (uuid, now) = (fresh_uuid(), timestamp());
        let draft =
            Draft { payload, ..Draft::transfer(owners_before, owners_after, inputs, uuid, now) };
        let signed = self.sign(&draft.transaction()?, &[&self.keypair]).await?;
        self.push(&signed).await
    }

    /// The transaction, signed with these keys; what it spends is fetched.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] if there is no such transaction; [`ClientError`].
    pub async fn sign(
        &self,
        transaction: &Transaction,
        keys: &[&Keypair],
    ) -> Result<Transaction, ClientError> {
        let mut spent = BTreeMap::new();
        for input in transaction.inputs() {
            let id = &input.txid;
            if !spent.contains_key(id) {
                let found = self.get(id).await?;
                let missing = || ClientError::NotFound(id.clone());
                spent.insert(id.clone(), found.ok_or_else(missing)?);
            }
        }
        let signed = transaction.sign(keys, self.profile, &|id| spent.get(id).cloned());
        Ok(signed.map_err(Raised::from)?)
    }

    /// Posts a signed transaction. To post it again does no harm, so it is posted until a node
    /// answers.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the node's reason; [`ClientError::NoAnswer`].
    pub async fn push(&self, transaction: &Transaction) -> Result<Posted, ClientError> {
        let creates = transaction.operation() == Some("CREATE");
        let repeat = if creates { Repeat::IfUnseen } else { Repeat::Always };
        self.post(transaction, repeat).await
    }

    async fn post(&self, transaction: &Transaction, repeat: Repeat) -> Result<Posted, ClientError> {
        let text = transaction.document().to_string();
        let mut document = self.transport.post(text, repeat).await?;
        let assignee = take(&mut document, "assignee");
        let assignee = assignee.and_then(|assignee| Some(assignee.as_str()?.into()));
        let transaction = Arc::new(Transaction::from_document(document)?);
        Ok(Posted { transaction, assignee })
    }

    /// The transaction of this id; none if no node knows it, or it is only in invalid blocks.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`].
    pub async fn get(&self, id: &TxId) -> Result<Option<Arc<Transaction>>, ClientError> {
        let Some(mut document) = self.transport.get(&format!("/transactions/{id}")).await? else {
            return Ok(None);
        };
        take(&mut document, "assignee");
        Ok(Some(Arc::new(Transaction::from_document(document)?)))
    }

    /// Where a transaction stands; none if no node knows it.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`].
    pub async fn status(&self, id: &TxId) -> Result<Option<Status>, ClientError> {
        let path = format!("/transactions/{id}/status");
        let Some(document) = self.transport.get(&path).await? else { return Ok(None) };
        let word = document.get("status").and_then(Json::as_str).and_then(Status::of_word);
        Ok(Some(word.ok_or_else(|| ClientError::Odd(document.to_string()))?))
    }

    /// Waits until a transaction stands there.
    ///
    /// # Errors
    /// [`ClientError::TooLate`] after `patience`; [`ClientError::Lost`] as soon as it is known to
    /// be only in invalid blocks and another status is waited for; [`ClientError::NoAnswer`].
    pub async fn wait_for(
        &self,
        id: &TxId,
        wanted: Status,
        patience: Duration,
    ) -> Result<(), ClientError> {
        let mut last = None;
        let waiting = async {
            loop {
                last = self.status(id).await?;
                match last {
                    Some(status) if status == wanted => return Ok(()),
                    Some(Status::Invalid) => return Err(ClientError::Lost(id.clone())),
                    _ => tokio::time::sleep(POLL).await,
                }
            }
        };
        match tokio::time::timeout(patience, waiting).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ClientError::TooLate { id: id.clone(), wanted, last, patience }),
        }
    }
}

fn take(document: &mut Json, name: &str) -> Option<Json> {
    if let Json::Object(fields) = document { fields.remove(name) } else { None }
}

fn fresh_uuid() -> String {
    uuid(&crate::entropy::<16>()).to_string()
}

fn timestamp() -> u64 {
    clock::now().unix_ms / 1000
}
