//! Adding up everyone's votes on a block.

/// How a block is decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Election {
    /// For ever part of the chain.
    Valid,
    /// Never part of the chain.
    Invalid,
    /// Not enough votes yet.
    Undecided,
}
