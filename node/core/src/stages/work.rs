//! Costly pure work: what it is, and doing it.
//!
//! A stage hands [`Work`] out as an effect, so that the shell can spread it over all cores and the
//! simulator's kernel can give it a cost. [`Work::run`] is all there is to it.

use std::sync::Arc;

use super::Config;
use crate::model::{Block, Json, Transaction};
use crate::rules::{Checked, ConsensusRules, InvalidBlock, InvalidTransaction};

/// Costly pure work.
#[derive(Clone, Debug)]
pub enum Work {
    /// Reads what a client posted: a CREATE is made anew and signed by this node, anything else is
    /// looked at as it is.
    Prepare {
        /// The request's body.
        posted: Json,
        /// For a CREATE.
        uuid: String,
        /// For a CREATE, Unix seconds.
        timestamp: u64,
    },
    /// Looks at documents alone: [`ConsensusRules::check`].
    Check(Vec<Arc<Transaction>>),
    /// Looks at a block alone, without its transactions: [`ConsensusRules::check_block`].
    CheckBlock(Arc<Block>),
    /// Makes and signs a block.
    MakeBlock {
        /// What goes into it.
        transactions: Vec<Arc<Transaction>>,
        /// Its timestamp, Unix seconds.
        timestamp: u64,
    },
}

/// What came of [`Work`].
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Of [`Work::Prepare`]: the transaction, or why there is none.
    Prepared(Result<(Arc<Transaction>, Checked), InvalidTransaction>),
    /// Of [`Work::Check`], in the order of its items.
    Checked(Vec<(Arc<Transaction>, Checked)>),
    /// Of [`Work::CheckBlock`]: the reason, if it is malformed.
    BlockChecked(Result<(), InvalidBlock>),
    /// Of [`Work::MakeBlock`]: the block, or why none can be made of these.
    BlockMade(Result<Arc<Block>, String>),
}

impl Work {
    /// Does the work.
    pub fn run(self, config: &Config, rules: &dyn ConsensusRules) -> Outcome {
        match self {
            Self::Prepare { posted, uuid, timestamp } => {
                Outcome::Prepared(prepare(posted, &uuid, timestamp, config, rules))
            }
            Self::Check(transactions) => Outcome::Checked(check(transactions, rules)),
            Self::CheckBlock(block) => {
                Outcome::BlockChecked(rules.check_block(&block, &config.federation))
            }
            Self::MakeBlock { transactions, timestamp } => {
                let voters = config.federation.voters();
                Outcome::BlockMade(
                    Block::create(transactions, &config.keypair, voters, timestamp)
                        .map(Arc::new)
                        .map_err(|reason| reason.to_string()),
                )
            }
        }
    }

    /// Splits work on many documents into pieces of at most `size`, which may run side by side;
    /// [`Outcome::join`] puts their outcomes together again, in order.
    pub fn split(self, size: usize) -> Vec<Self> {
        match self {
            Self::Check(transactions) if transactions.len() > size => {
                transactions.chunks(size).map(|piece| Self::Check(piece.to_vec())).collect()
            }
            whole => vec![whole],
        }
    }
}

impl Outcome {
    /// Puts the outcomes of [`Work::split`] together.
    pub fn join(pieces: Vec<Self>) -> Self {
        let mut pieces = pieces.into_iter();
        let mut whole = pieces.next().expect("work splits into at least one piece");
        for piece in pieces {
            match (&mut whole, piece) {
                (Self::Checked(all), Self::Checked(more)) => all.extend(more),
                _ => unreachable!("only work on many documents is split"),
            }
        }
        whole
    }
}

fn check(
    transactions: Vec<Arc<Transaction>>,
    rules: &dyn ConsensusRules,
) -> Vec<(Arc<Transaction>, Checked)> {
    let pair = |transaction: Arc<Transaction>| {
        let checked = rules.check(&transaction);
        (transaction, checked)
    };
    transactions.into_iter().map(pair).collect()
}

fn prepare(
    posted: Json,
    uuid: &str,
    timestamp: u64,
    config: &Config,
    rules: &dyn ConsensusRules,
) -> Result<(Arc<Transaction>, Checked), InvalidTransaction> {
    let operation = posted.get("transaction").and_then(|body| body.get("operation")?.as_str());
    let transaction = if operation == Some("CREATE") {
        rules.create(&posted, &config.keypair, uuid, timestamp)?
    } else {
        rules.clients().read(posted)?
    };
    let checked = rules.check(&transaction);
    Ok((Arc::new(transaction), checked))
}
