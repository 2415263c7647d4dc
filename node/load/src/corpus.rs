//! Documents that clients post, signed before the clock starts; equal seeds give equal keys.
//!
//! Each asset has an owner of its own, so that every signature is made and checked with another
//! key. Not here: the mixes of a scenario (crate `bigchaindb-simulator`, `workload`).

use std::sync::Arc;
use std::thread;

use bigchaindb_core::model::{Draft, Json, Keypair, Output, Profile, Transaction};
use hyper::body::Bytes;

use crate::creates::Part;

/// The timestamp of every document: clients' clocks say nothing about a node's work.
const TIMESTAMP: u64 = 1_472_688_000;

/// What clients can post.
#[derive(Clone, Copy, Debug)]
pub struct Corpus {
    seed: u64,
    payload_bytes: usize,
}

impl Corpus {
    /// A corpus with payloads of so many bytes; none at all if 0.
    pub fn new(seed: u64, payload_bytes: usize) -> Self {
        Self { seed, payload_bytes }
    }

    /// Who owns this asset at first.
    pub fn owner(&self, asset: u64) -> Keypair {
        let mut secret = [0; 32];
        secret[..8].copy_from_slice(&self.seed.to_be_bytes());
        secret[8..16].copy_from_slice(&asset.to_be_bytes());
        Keypair::from_seed(secret)
    }

    /// A CREATE of this asset; the node that receives it makes its own of it.
    pub fn create(&self, asset: u64) -> String {
        let owner = self.owner(asset);
        let owners_after = vec![owner.public().to_string()];
        let draft = Draft::create(owner.public(), owners_after, asset.to_string(), TIMESTAMP);
        self.sign(draft, &owner, None)
    }

    /// A TRANSFER of this asset to its owner, out of the first output of `last`, a transaction
    /// that belongs to the owner.
    pub fn transfer(&self, asset: u64, last: &Transaction) -> String {
        let owner = self.owner(asset);
        let owners = vec![owner.public().to_string()];
        let input = Output { txid: last.id().clone(), cid: 0, oddity: None };
        let uuid = format!("{asset} after {}", last.id());
        let draft = Draft::transfer(owners.clone(), owners, vec![input], uuid, TIMESTAMP);
        self.sign(draft, &owner, Some(last))
    }

    fn sign(&self, draft: Draft, owner: &Keypair, last: Option<&Transaction>) -> String {
        let payload = match self.payload_bytes {
            0 => Json::Null,
            bytes => Json::object([("filling", Json::from("x".repeat(bytes)))]),
        };
        let draft = Draft { payload, ..draft };
        let last = last.map(|last| Arc::new(last.clone()));
        let unsigned = draft.transaction().expect("the draft is well-formed");
        let signed = unsigned.sign(&[owner], Profile::Default, &|_| last.clone());
        signed.expect("the owner has the key").document().to_string()
    }
}

/// CREATEs that are signed before anybody needs them, so that no clock runs while somebody signs.
#[derive(Debug)]
pub struct Stock {
    corpus: Corpus,
    part: Part,
    /// The first assets of that part.
    signed: Vec<Bytes>,
}

impl Stock {
    /// Signs CREATEs of those of the first so many assets that belong to a part, on so many threads.
    pub fn sign(corpus: Corpus, part: Part, assets: u64, threads: usize) -> Self {
        let threads = threads.max(1);
        let assets = usize::try_from(assets).unwrap_or(usize::MAX);
        let mine: Vec<_> =
            (part.index..assets).step_by(part.of).map(|asset| asset as u64).collect();
        let share = mine.len().div_ceil(threads).max(1);
        let signed = thread::scope(|scope| {
            let sign = |mine: &[u64]| -> Vec<Bytes> {
                mine.iter().map(|asset| corpus.create(*asset).into()).collect()
            };
            let parts: Vec<_> =
                mine.chunks(share).map(|mine| scope.spawn(move || sign(mine))).collect();
            let part = |thread: thread::ScopedJoinHandle<'_, Vec<Bytes>>| {
                thread.join().expect("nobody panics while signing")
            };
            parts.into_iter().flat_map(part).collect()
        });
        Self { corpus, part, signed }
    }

    /// The CREATE of an asset; one that was not signed before is signed now.
    pub fn create(&self, asset: u64) -> Bytes {
        let Part { index, of } = self.part;
        let place = usize::try_from(asset).ok().filter(|asset| asset % of == index);
        let signed = place.and_then(|place| self.signed.get(place / of));
        signed.cloned().unwrap_or_else(|| self.corpus.create(asset).into())
    }
}
