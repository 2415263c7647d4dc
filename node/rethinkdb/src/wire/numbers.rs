//! The numbers of the protocol: kinds of queries and responses, classes of errors, notes.
//!
//! Source: the protocol definition of RethinkDB's drivers (`ql2.proto`).

use crate::reql::ErrorKind;

/// What a client asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueryType {
    /// Evaluate a term.
    Start = 1,
    /// The next batch.
    Continue = 2,
    /// No more of this.
    Stop = 3,
    /// Say when every earlier query without reply is done.
    NoreplyWait = 4,
    /// Who are you?
    ServerInfo = 5,
}

/// What a response is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseType {
    /// One value.
    SuccessAtom = 1,
    /// The last batch of a sequence, or the only one.
    SuccessSequence = 2,
    /// A batch of a sequence, more to be asked for.
    SuccessPartial = 3,
    /// Every earlier query without reply is done.
    WaitComplete = 4,
    /// Who the server is.
    ServerInfo = 5,
    /// The query could not be read, or its token is wrong.
    ClientError = 16,
    /// The query cannot be meant.
    CompileError = 17,
    /// The query failed.
    RuntimeError = 18,
}

/// Of which class an error is that occurred while a query ran.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorClass {
    /// The server's own fault.
    Internal = 1_000_000,
    /// Too much was asked for.
    ResourceLimit = 2_000_000,
    /// Values of the wrong kind.
    QueryLogic = 3_000_000,
    /// Something is missing.
    NonExistence = 3_100_000,
    /// It was not done.
    OpFailed = 4_100_000,
    /// It may or may not have been done.
    OpIndeterminate = 4_200_000,
    /// The query itself said so, by `r.error`.
    User = 5_000_000,
    /// The user may not do this.
    PermissionError = 6_000_000,
}

/// What a batch's sequence is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Note {
    /// A feed on a table or a part of it.
    SequenceFeed = 1,
    /// A feed on one document.
    AtomFeed = 2,
    /// A feed on the first documents of an order.
    OrderByLimitFeed = 3,
    /// Several feeds in one.
    UnionedFeed = 4,
    /// The feed also tells its own states.
    IncludesStates = 5,
}

impl QueryType {
    /// The query type of this number.
    pub fn from_number(number: u64) -> Option<QueryType> {
        use QueryType::{Continue, NoreplyWait, ServerInfo, Start, Stop};
        [Start, Continue, Stop, NoreplyWait, ServerInfo]
            .into_iter()
            .find(|kind| *kind as u64 == number)
    }
}

impl ResponseType {
    /// The response type of this number.
    pub fn from_number(number: u64) -> Option<ResponseType> {
        use ResponseType::{
            ClientError, CompileError, RuntimeError, ServerInfo, SuccessAtom, SuccessPartial,
            SuccessSequence, WaitComplete,
        };
        [
            SuccessAtom,
            SuccessSequence,
            SuccessPartial,
            WaitComplete,
            ServerInfo,
            ClientError,
            CompileError,
            RuntimeError,
        ]
        .into_iter()
        .find(|kind| *kind as u64 == number)
    }

    /// How an error of this kind is answered.
    pub fn of_error(kind: ErrorKind) -> ResponseType {
        match kind {
            ErrorKind::Client => ResponseType::ClientError,
            ErrorKind::Compile => ResponseType::CompileError,
            _ => ResponseType::RuntimeError,
        }
    }
}

impl ErrorClass {
    /// The error class of this number.
    pub fn from_number(number: u64) -> Option<ErrorClass> {
        use ErrorClass::{
            Internal, NonExistence, OpFailed, OpIndeterminate, PermissionError, QueryLogic,
            ResourceLimit, User,
        };
        [
            Internal,
            ResourceLimit,
            QueryLogic,
            NonExistence,
            OpFailed,
            OpIndeterminate,
            User,
            PermissionError,
        ]
        .into_iter()
        .find(|class| *class as u64 == number)
    }

    /// The class that the answer to an error of this kind names; none for those that are found before
    /// the query runs.
    pub fn of_error(kind: ErrorKind) -> Option<ErrorClass> {
        match kind {
            ErrorKind::Client | ErrorKind::Compile => None,
            ErrorKind::Internal => Some(ErrorClass::Internal),
            ErrorKind::ResourceLimit => Some(ErrorClass::ResourceLimit),
            ErrorKind::QueryLogic => Some(ErrorClass::QueryLogic),
            ErrorKind::NonExistence => Some(ErrorClass::NonExistence),
            ErrorKind::OpFailed => Some(ErrorClass::OpFailed),
            ErrorKind::OpIndeterminate => Some(ErrorClass::OpIndeterminate),
            ErrorKind::User => Some(ErrorClass::User),
            ErrorKind::Permission => Some(ErrorClass::PermissionError),
        }
    }
}

impl Note {
    /// The note of this number.
    pub fn from_number(number: u64) -> Option<Note> {
        use Note::{AtomFeed, IncludesStates, OrderByLimitFeed, SequenceFeed, UnionedFeed};
        [SequenceFeed, AtomFeed, OrderByLimitFeed, UnionedFeed, IncludesStates]
            .into_iter()
            .find(|note| *note as u64 == number)
    }
}
