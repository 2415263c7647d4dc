//! Who is told how far a long task has come.

/// Is told how far a long task has come.
pub trait Progress: Send + Sync {
    /// The next step begins; `of` says how many things it will deal with, if that is known.
    fn begin(&self, what: &str, of: Option<u64>);

    /// So many more things are done.
    fn advance(&self, by: u64);
}

/// Nobody is told.
#[derive(Clone, Copy, Default, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _of: Option<u64>) {}

    fn advance(&self, _by: u64) {}
}
