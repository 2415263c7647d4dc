//! The labels in the names of timings: closed lists, so that no path or id becomes a name.

use bigchaindb_core::query::{Query, Standing};

macro_rules! words {
    ($(#[$doc:meta])* $Enum:ident: $($(#[$about:meta])* $Value:ident $word:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $Enum {
            $($(#[$about])* $Value,)+
        }

        impl $Enum {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$Value,)+];

            /// As it stands in a name.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$Value => $word,)+
                }
            }
        }
    };
}

words! {
    /// Where a request leads.
    Endpoint:
    /// `/`
    Root "root",
    /// `/api/v1/`
    Description "description",
    /// `/api/v1/transactions`
    Transactions "transactions",
    /// `/api/v1/transactions/{id}`
    Transaction "transaction",
    /// `/api/v1/transactions/{id}/status`
    Status "status",
    /// Nowhere.
    Other "other",
}

words! {
    /// A request's method.
    Method:
    /// GET.
    Get "GET",
    /// HEAD.
    Head "HEAD",
    /// POST.
    Post "POST",
    /// OPTIONS.
    Options "OPTIONS",
    /// Whatever else.
    Other "OTHER",
}

words! {
    /// A question to the database, with the table it is mostly about.
    Question:
    /// [`Query::InsertBacklog`].
    InsertBacklog "insert.backlog",
    /// [`Query::Reassign`].
    Reassign "reassign.backlog",
    /// [`Query::DeleteBacklog`].
    DeleteBacklog "delete.backlog",
    /// [`Query::Backlog`].
    Backlog "read.backlog",
    /// [`Query::Gather`].
    Gather "gather.bigchain",
    /// [`Query::InsertBlock`].
    InsertBlock "insert.bigchain",
    /// [`Query::Blocks`].
    Blocks "read.bigchain",
    /// [`Query::KnownBlocks`].
    KnownBlocks "known.bigchain",
    /// [`Query::UnlistedBlocks`].
    UnlistedBlocks "unlisted.bigchain",
    /// [`Query::InsertVote`].
    InsertVote "insert.votes",
    /// [`Query::Votes`].
    Votes "read.votes",
    /// [`Query::Positions`].
    Positions "read.positions",
    /// [`Query::Claim`].
    Claim "claim.positions",
    /// [`Query::PutBack`] of a block.
    PutBackBlock "put_back.bigchain",
    /// [`Query::PutBack`] of a vote.
    PutBackVote "put_back.votes",
    /// [`Query::PutBack`] of an entry of the list.
    PutBackEntry "put_back.positions",
}

impl Question {
    /// Which one a query is; none of them if only the library asks it (`bigchain`).
    pub fn of(query: &Query) -> Option<Self> {
        Some(match query {
            Query::InsertBacklog { .. } => Self::InsertBacklog,
            Query::Reassign { .. } => Self::Reassign,
            Query::DeleteBacklog { .. } => Self::DeleteBacklog,
            Query::Backlog { .. } => Self::Backlog,
            Query::Gather(_) => Self::Gather,
            Query::InsertBlock { .. } => Self::InsertBlock,
            Query::Blocks { .. } => Self::Blocks,
            Query::KnownBlocks { .. } => Self::KnownBlocks,
            Query::UnlistedBlocks { .. } => Self::UnlistedBlocks,
            Query::InsertVote { .. } => Self::InsertVote,
            Query::Votes { .. } => Self::Votes,
            Query::Positions { .. } => Self::Positions,
            Query::Claim { .. } => Self::Claim,
            Query::PutBack(Standing::Block(_)) => Self::PutBackBlock,
            Query::PutBack(Standing::Vote(_)) => Self::PutBackVote,
            Query::PutBack(Standing::Entry(_)) => Self::PutBackEntry,
            Query::Heads { .. }
            | Query::Transactions { .. }
            | Query::VotesOn { .. }
            | Query::VotesBy { .. } => return None,
        })
    }
}

impl Method {
    /// Which one a request's method is.
    pub fn of(method: &hyper::Method) -> Self {
        match *method {
            hyper::Method::GET => Self::Get,
            hyper::Method::HEAD => Self::Head,
            hyper::Method::POST => Self::Post,
            hyper::Method::OPTIONS => Self::Options,
            _ => Self::Other,
        }
    }
}
