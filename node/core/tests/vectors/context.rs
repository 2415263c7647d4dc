//! States of a database that cases share: the facts are found by reading the tables from end to end,
//! in their order, as the original's queries would.

use std::sync::Arc;

use bigchaindb_core::model::{Block, BlockId, Json, NodeKey, Output, Profile, Transaction, Vote};
use bigchaindb_core::query::{BacklogRow, Gathered, Needs, Spend, VoteRow};
use bigchaindb_core::rules::{
    self, ConsensusRules, Election, Facts, Federation, InvalidTransaction,
};

use crate::Case;

/// The rules of a profile.
pub(crate) fn rules(profile: Profile) -> Arc<dyn ConsensusRules> {
    rules::by_name(profile.name()).expect("every profile has rules")
}

/// A database, and the node that reads it.
pub(crate) struct Context {
    pub(crate) rules: Arc<dyn ConsensusRules>,
    pub(crate) federation: Federation,
    pub(crate) now: u64,
    blocks: Vec<(Arc<Block>, Election)>,
    backlog: Vec<BacklogRow>,
}

impl Context {
    /// The context that the case names.
    pub(crate) fn of(case: Case<'_>, profile: Profile) -> Self {
        let context = case.file.get("contexts").and_then(|all| all.get(case.text("context")));
        let context = context.expect("a case names one of the contexts");
        let rules = rules(profile);
        let table = |name| {
            let rows = context.get("tables").and_then(|tables| tables.get(name)?.as_array());
            rows.expect("a context has tables")
        };
        let key = |json: &Json| NodeKey::from(json.as_str().expect("a key"));
        let me = context.get("node").and_then(|node| node.get("public")).map(key);
        let keyring = context.get("keyring").and_then(Json::as_array).expect("a keyring");
        let keyring = keyring.iter().map(key).collect();
        let federation = Federation::new(me.expect("a node has keys"), keyring);
        let now = case.get("now").as_str().or_else(|| context.get("now")?.as_str());
        let votes: Vec<_> = table("votes").iter().map(|vote| vote_row(vote, profile)).collect();
        let election = |block: &Block| {
            // Genesis is never voted on; ours count it as valid.
            if profile == Profile::Default && block.is_genesis() {
                return Election::Valid;
            }
            let on_it: Vec<_> =
                votes.iter().filter(|row| row.vote.block() == block.id()).cloned().collect();
            rules.tally(block.id(), &voters(block), &on_it).expect("the votes add up").election
        };
        let block = |document: &Json| {
            let block = Block::from_document(document.clone()).expect("a block");
            let election = election(&block);
            (Arc::new(block), election)
        };
        let waiting = |document: &Json| {
            let mut document = document.as_object().expect("an object").clone();
            let assignee = document.remove("assignee").map(|json| key(&json)).expect("an assignee");
            let transaction = Transaction::from_document(document.into()).expect("a transaction");
            BacklogRow { transaction: Arc::new(transaction), assignee }
        };
        Self {
            blocks: table("bigchain").iter().map(block).collect(),
            backlog: table("backlog").iter().map(waiting).collect(),
            now: now.expect("a time").parse().expect("Unix seconds"),
            rules,
            federation,
        }
    }

    /// Looks at a transaction, gathers its facts, judges it.
    pub(crate) fn judge(
        &self,
        transaction: &Transaction,
        at: u64,
    ) -> Result<(), InvalidTransaction> {
        let checked = self.rules.check(transaction);
        self.rules.judge(rules::Case {
            transaction,
            checked: &checked,
            facts: &self.facts(transaction),
            at,
            federation: &self.federation,
        })
    }

    /// What is known about a transaction.
    pub(crate) fn facts(&self, transaction: &Transaction) -> Facts {
        let needs = self.rules.needs(&mut [transaction].into_iter());
        let election =
            |id: &BlockId| self.blocks.iter().find(|(block, _)| block.id() == id).map(|it| it.1);
        Facts::settle(self.gather(&needs), election)
    }

    fn gather(&self, needs: &Needs) -> Gathered {
        let mut gathered = Gathered::default();
        for (block, _) in &self.blocks {
            for transaction in block.transactions() {
                if needs.transactions.contains(transaction.id()) {
                    gathered.found.push((block.id().clone(), transaction.clone()));
                }
                let spends = |output: &&Output| transaction.inputs().contains(output);
                gathered.spends.extend(needs.outputs.iter().filter(spends).map(|output| Spend {
                    output: output.clone(),
                    by: transaction.id().clone(),
                    block: block.id().clone(),
                }));
            }
        }
        let wanted = |row: &&BacklogRow| needs.transactions.contains(row.transaction.id());
        gathered.waiting = self.backlog.iter().filter(wanted).cloned().collect();
        gathered
    }

    /// The transaction of this id, wherever it is.
    pub(crate) fn transaction(&self, id: &str) -> Option<Arc<Transaction>> {
        let blocks = self.blocks.iter().flat_map(|(block, _)| block.transactions());
        let waiting = self.backlog.iter().map(|row| &row.transaction);
        blocks.chain(waiting).find(|transaction| transaction.id().as_str() == id).cloned()
    }
}

/// Those who may vote on a block, as it says itself.
pub(crate) fn voters(block: &Block) -> Federation {
    let (me, keyring) = block.voters().split_last().expect("a block has voters");
    Federation::new(me.clone(), keyring.to_vec())
}

/// A vote of the original's in a row: ours would stand under a key of ours.
pub(crate) fn vote_row(document: &Json, profile: Profile) -> VoteRow {
    let id = document.get("id").and_then(Json::as_str).unwrap_or_default().into();
    let vote = Vote::from_document(document.clone()).expect("a vote");
    let key = match profile {
        Profile::Default => Vote::key(vote.block(), vote.voter(), 0),
        Profile::Original => id,
    };
    VoteRow { key, vote: Arc::new(vote) }
}

/// A document that a case holds as text.
pub(crate) fn parsed(case: Case<'_>, field: &str) -> Json {
    Json::parse(case.text(field).as_bytes()).expect("JSON")
}

/// A document, as the field of the case spells it if it says the same there.
pub(crate) fn spelled(case: Case<'_>, field: &str, document: &Json) -> Json {
    match case.get(field) {
        Json::String(_) if *document == parsed(case, field) => case.get(field).clone(),
        _ => document.to_string().into(),
    }
}
