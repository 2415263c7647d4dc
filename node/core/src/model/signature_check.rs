//! Who verifies signatures: this node, each time; or a memory of what was verified before.
//!
//! Not here: how a signature is verified ([`verify`](super::verify)).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

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

/// Verifies once and remembers: so that a node need not verify what it has signed itself, and so that all the
/// simulated nodes of one process together pay once.
///
/// Keys that are [`Keypair::known_to`](super::Keypair::known_to) it prime it by signing. It holds two
/// generations of at most `capacity` answers each; when the younger is full, the older
/// is forgotten.
pub struct Memo {
    capacity: usize,
    /// Who verifies what is not remembered.
    inner: Arc<dyn SignatureCheck>,
    generations: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    young: BTreeMap<Question, Known>,
    old: BTreeMap<Question, Known>,
}

/// The hash of key, signature and message.
type Question = [u8; 32];

/// What is known of a signature, by strictness.
#[derive(Clone, Copy, Default)]
struct Known {
    strict: Option<bool>,
    original: Option<bool>,
}

impl Known {
    fn about(&mut self, strictness: Strictness) -> &mut Option<bool> {
        match strictness {
            Strictness::Strict => &mut self.strict,
            Strictness::Original => &mut self.original,
        }
    }
}

impl Memo {
    /// Remembers at least the last `capacity` answers, at most twice as many (about 50 bytes each).
    pub fn new(capacity: usize) -> Self {
        Self::over(Arc::new(Direct), capacity)
    }

    /// The same; what is not remembered is verified by `inner`.
    pub fn over(inner: Arc<dyn SignatureCheck>, capacity: usize) -> Self {
        Self { capacity, inner, generations: Mutex::default() }
    }

    /// This signature was made a moment ago by the key's owner, so it need not be verified.
    pub fn note_signed(&self, public: &[u8; 32], message: &[u8], signature: &[u8; 64]) {
        let known = Known { strict: Some(true), original: Some(true) };
        let question = question(public, message, signature);
        self.generations().remember(question, known, self.capacity);
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
        let question = question(public, message, signature);
        let known = self.generations().recall(&question);
        if let Some(answer) = known.and_then(|mut known| *known.about(strictness)) {
            return answer;
        }
        // The lock is free meanwhile: two threads may both verify, and both say the same.
        let answer = self.inner.verify(public, message, signature, strictness);
        let mut known = known.unwrap_or_default();
        *known.about(strictness) = Some(answer);
        self.generations().remember(question, known, self.capacity);
        answer
    }
}

fn question(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> Question {
    let parts = Sha256::new().chain_update(public).chain_update(signature).chain_update(message);
    parts.finalize().into()
}

impl Generations {
    fn recall(&self, question: &Question) -> Option<Known> {
        self.young.get(question).or_else(|| self.old.get(question)).copied()
    }

    fn remember(&mut self, question: Question, known: Known, capacity: usize) {
        if self.young.len() >= capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(question, known);
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memo(up to {} answers)", self.capacity * 2)
    }
}
