//! Where the tutorial plays: a federation, a client, and how a step is told and checked.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::bigchain::Bigchain;
use bigchaindb::client::{Client, ClientError};
use bigchaindb::federation::{Common, LocalFederation};
use bigchaindb::shell::QUERY_TIMEOUT;
use bigchaindb::store::EmbeddedStore;
use bigchaindb_core::model::{Json, Keypair, Output, Transaction};
use bigchaindb_core::rules::{self, Status};
use bigchaindb_core::stages::Settings;

use super::{assets, conditions, driver};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const NODES: usize = 4;

/// A block waits only so long for company: few transactions are under way.
const BLOCK_WAIT: Duration = Duration::from_millis(20);

/// Longer than any step takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A federation, seen by one of its nodes and by clients.
pub(crate) struct Stage<'a> {
    federation: LocalFederation,
    /// What the documentation calls `b`: the first node's view of the database.
    pub(crate) b: Bigchain,
    /// Knows all nodes.
    pub(crate) client: Client,
    told: &'a mut (dyn Write + Send),
}

/// A user, by name.
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) keys: Keypair,
}

/// The whole tutorial, told to `told`.
pub(crate) async fn play(told: &mut (dyn Write + Send)) -> Outcome {
    let mut stage = Stage::open(told).await?;
    let users = assets::play(&mut stage).await?;
    conditions::play(&mut stage, &users).await?;
    driver::play(&mut stage).await?;
    stage.say("\nEverything came out as the documentation says.")?;
    stage.federation.stop().await?;
    Ok(())
}

impl<'a> Stage<'a> {
    async fn open(told: &'a mut (dyn Write + Send)) -> Outcome<Self> {
        let rules = rules::by_name("default")?;
        let common = Common {
            rules: rules.clone(),
            settings: Settings { block_wait: BLOCK_WAIT, ..Settings::default() },
            query_timeout: QUERY_TIMEOUT,
            on_report: Arc::new(|_, _| ()),
            metrics: Vec::new(),
            records: Vec::new(),
        };
        let keys: Vec<_> = (0..NODES).map(|_| Keypair::from_seed(bigchaindb::entropy())).collect();
        let anywhere = vec![SocketAddr::from(([127, 0, 0, 1], 0)); NODES];
        let store = Arc::new(EmbeddedStore::in_memory());
        let federation = LocalFederation::start(store, &common, &keys, &anywhere).await?;
        let others = keys[1..].iter().map(|keys| keys.public().clone()).collect();
        let b = Bigchain::new(federation.store_of(0), keys[0].clone(), others, rules);
        let addresses = federation.addresses();
        let endpoints: Vec<_> =
            addresses.iter().map(|address| format!("http://{address}/api/v1")).collect();
        let client = Client::new(Keypair::from_seed(bigchaindb::entropy()), &endpoints).await?;
        let mut stage = Self { federation, b, client, told };
        stage.say("A federation of four nodes over one store, each with its HTTP API:")?;
        for (endpoint, keys) in endpoints.iter().zip(&keys) {
            stage.say(&format!("  {endpoint}  {}", keys.public()))?;
        }
        Ok(stage)
    }

    /// Tells a line.
    pub(crate) fn say(&mut self, line: &str) -> Outcome {
        writeln!(self.told, "{line}")?;
        Ok(())
    }

    /// Begins a chapter.
    pub(crate) fn chapter(&mut self, title: &str) -> Outcome {
        self.say(&format!("\n## {title}\n"))
    }

    /// Ends the tutorial if something is not so.
    pub(crate) fn check(&mut self, is_so: bool, what: &str) -> Outcome {
        if is_so { Ok(()) } else { Err(format!("this should be so, and is not: {what}").into()) }
    }

    /// A new user.
    pub(crate) fn user(&mut self, name: &'static str) -> Outcome<User> {
        let keys = Keypair::from_seed(bigchaindb::entropy());
        self.say(&format!("{name} makes up a pair of keys; the public one is {}.", keys.public()))?;
        Ok(User { name, keys })
    }

    /// A CREATE by the first node for these owners, unsigned.
    pub(crate) fn new_asset(&self, owners: &[&User], payload: Json) -> Outcome<Transaction> {
        let me = self.b.me().as_str();
        let owners: Vec<_> = owners.iter().map(|owner| owner.key()).collect();
        Ok(self.b.create_transaction(&[me], &owners, vec![], "CREATE", payload)?)
    }

    /// A TRANSFER, unsigned.
    pub(crate) fn new_transfer(
        &self,
        before: &[&User],
        after: &[&User],
        inputs: Vec<Output>,
    ) -> Outcome<Transaction> {
        let before: Vec<_> = before.iter().map(|owner| owner.key()).collect();
        let after: Vec<_> = after.iter().map(|owner| owner.key()).collect();
        Ok(self.b.create_transaction(&before, &after, inputs, "TRANSFER", Json::Null)?)
    }

    /// The first node signs an asset and writes it, and the federation decides it valid.
    pub(crate) async fn make(&mut self, asset: &Transaction) -> Outcome<Transaction> {
        let signed = self.b.sign_transaction(asset, &[self.b.keypair()]).await?;
        let written = self.b.write_transaction(&signed).await?;
        self.say(&format!("  CREATE {}", signed.id()))?;
        self.say(&format!("  signed by the first node, assigned to {}", written.assignee))?;
        self.decided(&signed).await?;
        Ok(signed)
    }

    /// A client posts a signed transaction, and the federation decides it valid.
    pub(crate) async fn post(&mut self, signed: &Transaction) -> Outcome {
        let posted = self.client.push(signed).await?;
        let assignee = posted.assignee.ok_or("a new transaction has an assignee")?;
        self.say(&format!("  {} {}", signed.operation().unwrap_or_default(), signed.id()))?;
        self.say(&format!("  accepted, assigned to {assignee}"))?;
        self.decided(signed).await
    }

    async fn decided(&mut self, transaction: &Transaction) -> Outcome {
        let id = transaction.id();
        self.client.wait_for(id, Status::Valid, PATIENCE).await?;
        let found = self.client.get(id).await?;
        self.check(found.as_deref() == Some(transaction), "it is read as it was written")?;
        self.say("  status: valid")
    }

    /// A node does not take a transaction; its reason has these words in it.
    pub(crate) async fn refused(&mut self, transaction: &Transaction, words: &str) -> Outcome {
        let outcome = self.client.push(transaction).await;
        let Err(ClientError::Refused { status: 400, reason, .. }) = outcome else {
            return Err(format!("400 was expected, because of `{words}`, not {outcome:?}").into());
        };
        self.say(&format!("  refused: {reason}"))?;
        self.check(reason.contains(words), words)
    }

    /// What belongs to a user; that has to be so many outputs.
    pub(crate) async fn owned(&mut self, user: &User, count: usize) -> Outcome<Vec<Output>> {
        let owned = self.b.get_owned_ids(user.key()).await?;
        self.say(&format!("{} owns {} unspent output(s):", user.name, owned.len()))?;
        for Output { txid, cid, .. } in &owned {
            self.say(&format!("  {{\"txid\": \"{txid}\", \"cid\": {cid}}}"))?;
        }
        self.check(owned.len() == count, &format!("{} owns {count}", user.name))?;
        Ok(owned)
    }
}

impl User {
    pub(crate) fn key(&self) -> &str {
        self.keys.public().as_str()
    }
}

/// Output `cid` of a transaction.
pub(crate) fn output(of: &Transaction, cid: i64) -> Output {
    Output { txid: of.id().clone(), cid, oddity: None }
}
