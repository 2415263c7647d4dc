//! What this machine can do at best, measured in the same run: signatures verified, rows written.
//!
//! Verifications are counted and timed while nodes work, too, so that it can be said how much of their time
//! goes there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bigchaindb::store::Store;
use bigchaindb_core::model::{Direct, Json, Keypair, SignatureCheck, Strictness, Transaction};
use bigchaindb_core::query::Query;
use bigchaindb_load::corpus::Corpus;
use rayon::prelude::*;
use tokio::task::JoinSet;

/// How long each limit is measured.
const LONG: Duration = Duration::from_secs(2);

/// Rows that are written at once, as if so many clients waited.
const ROWS_AT_ONCE: u64 = 512;

/// Different messages that are verified.
const MESSAGES: u32 = 2_048;

/// Verifies each time, as a node by itself does, and counts.
#[derive(Debug, Default)]
pub(crate) struct Counting {
    count: AtomicU64,
    ns: AtomicU64,
}

impl SignatureCheck for Counting {
    #[expect(clippy::disallowed_methods, reason = "measuring is all that this program does")]
    fn verify(
        &self,
        public: &[u8; 32],
        message: &[u8],
        signature: &[u8; 64],
        strictness: Strictness,
    ) -> bool {
        let began = Instant::now();
        let is_good = Direct.verify(public, message, signature, strictness);
        let ns = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.ns.fetch_add(ns, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        is_good
    }
}

impl Counting {
    /// How many were verified so far, and how long that took, in seconds: of all threads together, and where
    /// there are more threads than cores, with the time in which others had the core.
    pub(crate) fn so_far(&self) -> (u64, f64) {
        let ns = self.ns.load(Ordering::Relaxed);
        (self.count.load(Ordering::Relaxed), ns as f64 / 1e9)
    }
}

/// Signatures that all cores together verify in a second, each of another message.
#[expect(clippy::disallowed_methods, reason = "measuring is all that this program does")]
pub(crate) fn verifications_per_second() -> f64 {
    let signed: Vec<_> = (0..MESSAGES)
        .map(|number| {
            let keypair = Keypair::from_seed([u8::try_from(number % 251).unwrap_or(0); 32]);
            let message = format!("{number:064}");
            let signature = keypair.sign(message.as_bytes());
            (keypair.public_bytes(), message, signature)
        })
        .collect();
    let (began, mut count) = (Instant::now(), 0);
    while began.elapsed() < LONG {
        count += signed
            .par_iter()
            .filter(|(public, message, signature)| {
                Direct.verify(public, message.as_bytes(), signature, Strictness::Strict)
            })
            .count();
    }
    count as f64 / began.elapsed().as_secs_f64()
}

/// Transactions that the store by itself writes into its backlog in a second, each answered once it is on disk:
/// [`ROWS_AT_ONCE`] wait for it at a time.
#[expect(clippy::disallowed_methods, reason = "measuring is all that this program does")]
pub(crate) async fn store_writes_per_second(
    store: Arc<dyn Store>,
    corpus: &Corpus,
) -> crate::Result<f64> {
    let node = Keypair::from_seed([7; 32]).public().clone();
    let transaction = |asset| {
        let document = Json::parse(corpus.create(asset).as_bytes());
        Transaction::from_document(document.expect("it is JSON")).expect("it is a transaction")
    };
    let (mut spent, mut count, mut next) = (Duration::ZERO, 0_u32, 0);
    while spent < LONG {
        let assets: Vec<_> = (next..next + ROWS_AT_ONCE).collect();
        next += ROWS_AT_ONCE;
        let transactions: Vec<_> =
            assets.into_par_iter().map(|asset| Arc::new(transaction(asset))).collect();
        let began = Instant::now();
        let mut writes = JoinSet::new();
        for transaction in transactions {
            let (store, assignee) = (store.clone(), node.clone());
            writes.spawn(async move {
                store.query(Query::InsertBacklog { transaction, assignee }).await
            });
        }
        while let Some(written) = writes.join_next().await {
            written??;
            count += 1;
        }
        spent += began.elapsed();
    }
    Ok(f64::from(count) / spent.as_secs_f64())
}
