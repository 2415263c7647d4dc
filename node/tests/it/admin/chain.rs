//! A chain, written row by row as an honest federation leaves it, and as others might.

use std::sync::Arc;

use bigchaindb::store::rethinkdb::{Client, Term, schema, term};
use bigchaindb_core::model::{
    Block, BlockId, Draft, Json, Keypair, NodeKey, Output, Profile, Transaction, Vote,
};
use term::{Durability, ReadMode};

/// When it begins, in Unix seconds.
const BEGIN: u64 = 1_472_731_200;

/// A chain that grows.
pub(crate) struct Chain {
    pub(crate) client: Client,
    pub(crate) members: Vec<Keypair>,
    /// In the order of the list; genesis first.
    pub(crate) blocks: Vec<BlockId>,
}

impl Chain {
    /// Tables, indexes and genesis of so many members.
    pub(crate) async fn begin(client: Client, members: u8) -> Self {
        schema::init(&client, schema::PATIENCE).await.unwrap();
        let members: Vec<_> = (1..=members).map(|seed| Keypair::from_seed([seed; 32])).collect();
        let voters: Vec<_> = members.iter().map(|member| member.public().clone()).collect();
        let genesis = Block::genesis(&members[0], &voters, BEGIN, "genesis").unwrap();
        let chain = Self { client, members, blocks: vec![genesis.id().clone()] };
        let entry = Json::object([
            ("id", 0_u64.into()),
            ("block", genesis.id().as_str().into()),
            ("genesis", genesis.document().clone()),
        ]);
        chain.write("positions", &[entry]).await;
        chain.write("bigchain", &[genesis.document().clone()]).await;
        chain
    }

    pub(crate) fn voters(&self) -> Vec<NodeKey> {
        self.members.iter().map(|member| member.public().clone()).collect()
    }

    /// The block's author, by turns.
    fn author(&self) -> &Keypair {
        &self.members[self.blocks.len() % self.members.len()]
    }

    /// A block of these that nobody has heard of.
    pub(crate) fn make(&self, transactions: Vec<Arc<Transaction>>) -> Block {
        let timestamp = BEGIN + self.blocks.len() as u64;
        Block::create(transactions, self.author(), &self.voters(), timestamp).unwrap()
    }

    /// A CREATE for an owner.
    pub(crate) fn create(&self, owner: &Keypair, uuid: &str) -> Arc<Transaction> {
        let node = self.author();
        let owners = vec![owner.public().to_string()];
        let draft = Draft::create(node.public(), owners, uuid, BEGIN);
        let unsigned = draft.transaction().unwrap();
        Arc::new(unsigned.sign(&[node], Profile::Default, &|_| None).unwrap())
    }

    /// A block of these, with its place, voted valid by all.
    pub(crate) async fn grow(&mut self, transactions: Vec<Arc<Transaction>>) -> BlockId {
        let block = self.make(transactions);
        self.append(block.document(), block.id(), true).await
    }

    /// A block, whatever it is, with the next place, and the votes of all.
    pub(crate) async fn append(&mut self, document: &Json, id: &BlockId, valid: bool) -> BlockId {
        self.write("bigchain", std::slice::from_ref(document)).await;
        let votes =
            self.members.iter().map(|member| self.vote(member, id, valid)).collect::<Vec<_>>();
        self.write("votes", &votes).await;
        self.place(id).await;
        id.clone()
    }

    /// Gives a block the next place.
    pub(crate) async fn place(&mut self, id: &BlockId) {
        let entry = Json::object([
            ("id", (self.blocks.len() as u64).into()),
            ("block", id.as_str().into()),
        ]);
        self.write("positions", &[entry]).await;
        self.blocks.push(id.clone());
    }

    /// The vote of somebody on a block behind the last one, as a row.
    pub(crate) fn vote(&self, voter: &Keypair, block: &BlockId, valid: bool) -> Json {
        let previous = self.blocks.last().unwrap();
        let vote = Vote::create(voter, block, previous, valid, BEGIN).unwrap();
        row(&vote, &Vote::key(block, voter.public(), 0))
    }

    /// Writes rows as they are.
    pub(crate) async fn write(&self, table: &str, rows: &[Json]) {
        let table = Term::table(table, ReadMode::Single);
        let all = Term::json(&rows.to_vec().into());
        let stats = self.client.value(&table.insert(all, Durability::Soft)).await.unwrap();
        assert_eq!(stats.get("inserted"), Some(&(rows.len() as u64).into()), "{stats}");
    }
}

/// A vote under a key.
pub(crate) fn row(vote: &Vote, key: &str) -> Json {
    let mut document = vote.document().clone();
    if let Json::Object(fields) = &mut document {
        fields.insert("id", key.into());
    }
    document
}

/// A TRANSFER of the first output.
pub(crate) fn transfer(spent: &Arc<Transaction>, from: &Keypair, to: &Keypair) -> Arc<Transaction> {
    let input = Output { txid: spent.id().clone(), cid: 0, oddity: None };
    let (owners, heirs) = (vec![from.public().to_string()], vec![to.public().to_string()]);
    let draft = Draft::transfer(owners, heirs, vec![input], "a transfer", BEGIN);
    let unsigned = draft.transaction().unwrap();
    let signed = unsigned.sign(&[from], Profile::Default, &|_| Some(spent.clone()));
    Arc::new(signed.unwrap())
}
