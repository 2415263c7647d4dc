//! What judges a run: one file per invariant, and all of them see the observation log alone.

mod verdict;

pub use verdict::{Judgement, LifeEvent, Outcome, Verdict, Violation};
