//! Who verifies signatures: this node, each time; or a memory of what was verified before.
//!
//! Not here: how a signature is verified ([`verify`](super::verify)).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::{Strictness, verify};

/// Says whether a signature on a message is a key's. Always the same, however it is found out.
pub trait SignatureCheck: Send + Sync + fmt::Debug {
    /// As [`verify`](super::verify).
    fn verify(
        &self,
        public: &[u8; 32],
        message: &[u8],
        signature: &[u8; 64],
        strictness: Strictness,
    ) -> bool;
}

/// Verifies each time.
#[derive(Clone, Copy, Default, Debug)]
pub struct Direct;

impl SignatureCheck for Direct {
    fn verify(
        &self,
        public: &[u8; 32],
        message: &[u8],
        signature: &[u8; 64],
        strictness: Strictness,
    ) -> bool {
        verify(public, message, signature, strictness)
    }
}

/// Verifies once and remembers, so that all the simulated nodes of one process together pay once.
///
/// It holds two generations of at most `capacity` answers each; when the younger is full, the older
/// is forgotten.
pub struct Memo {
    capacity: usize,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: BTreeMap<[u8; 32], bool>,
    old: BTreeMap<[u8; 32], bool>,
}

impl Memo {
    /// Remembers at least the last `capacity` answers, at most twice as many (about 50 bytes each).
    pub fn new(capacity: usize) -> Self {
        Self { capacity, generations: Mutex::default() }
    }

    /// Nothing is ever half written, so a panic elsewhere does not spoil what is remembered.
    fn generations(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SignatureCheck for Memo {
    fn verify(
        &self,
        public: &[u8; 32],
        message: &[u8],
        signature: &[u8; 64],
        strictness: Strictness,
    ) -> bool {
        let question = Sha256::new()
            .chain_update([u8::from(strictness == Strictness::Strict)])
            .chain_update(public)
            .chain_update(signature)
            .chain_update(message)
            .finalize()
            .into();
        if let Some(answer) = self.generations().recall(&question) {
            return answer;
        }
        // The lock is free meanwhile: two threads may both verify, and both say the same.
        let answer = verify(public, message, signature, strictness);
        self.generations().remember(question, answer, self.capacity);
        answer
    }
}

impl Generations {
    fn recall(&self, question: &[u8; 32]) -> Option<bool> {
        self.young.get(question).or_else(|| self.old.get(question)).copied()
    }

    fn remember(&mut self, question: [u8; 32], answer: bool, capacity: usize) {
        if self.young.len() >= capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(question, answer);
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memo(up to {} answers)", self.capacity * 2)
    }
}
