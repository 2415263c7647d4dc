//! What documents are held to. Gather, then judge.
//!
//! A judgement has three steps. [`ConsensusRules::check`] looks at the document alone (shape, id,
//! signatures): costly, the same for ever, so it is done in parallel and remembered.
//! [`ConsensusRules::needs`] says which facts the rest depends on; the stages gather them for a whole
//! block in one question. [`ConsensusRules::judge`] then is a cheap pure function of all that.
//!
//! Profiles: [`default`](DefaultRules) is what we stand behind, [`v0.6.0`](OriginalRules) does what
//! BigchainDB 0.6.0 did, to the verdict. Not here: in which order blocks are judged (`stages`).

mod facts;
mod tally;

pub use facts::{Facts, Placed, Spent};
pub use tally::Election;

/// What came of looking at a document alone.
#[derive(Clone, Debug)]
pub struct Checked;
