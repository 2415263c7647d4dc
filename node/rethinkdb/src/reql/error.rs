//! Why a query fails.

/// A query's failure, as its client is told of it.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct ReqlError {
    /// Of which kind.
    pub kind: ErrorKind,
    /// The exact text.
    pub message: String,
    /// The way from the whole query to the term that failed.
    pub backtrace: Vec<Frame>,
}

/// The kinds of failure, with the response type and error class that the protocol has for them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// Type 16: the query could not be read, or its token is wrong.
    Client,
    /// Type 17: an unknown term, a wrong number of arguments, an unknown option, an unbound variable.
    Compile,
    /// Type 18 with class 1000000.
    Internal,
    /// Type 18 with class 2000000.
    ResourceLimit,
    /// Type 18 with class 3000000.
    QueryLogic,
    /// Type 18 with class 3100000.
    NonExistence,
    /// Type 18 with class 4100000: a write was not done.
    OpFailed,
    /// Type 18 with class 4200000: a write may or may not have been done.
    OpIndeterminate,
    /// Type 18 with class 5000000.
    User,
    /// Type 18 with class 6000000.
    Permission,
}

/// One step into a query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// A positional argument.
    Argument(usize),
    /// An optional argument.
    Option(String),
}
