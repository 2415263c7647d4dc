//! From compiled terms to values.
//!
//! Here: evaluating one term ([`Run::eval`]), and what its function is given ([`Call`]). What comes out
//! is in `value`, lazy sequences in `seq`, functions in `func`; the terms themselves are in a file per
//! family, each with a table of its [`Op`]s.

mod call;
mod func;
mod run;
mod scope;
mod seq;
mod source;
mod table;
mod value;

mod admin;
mod aggregate;
mod arithmetic;
mod array;
mod bracket;
mod changes;
mod compare;
mod control;
mod encoding;
mod identifiers;
mod jobs;
mod join;
mod object;
mod order;
mod reading;
mod regexp;
mod scratch;
mod sequence;
mod stored;
mod string;
mod system;
mod time;
mod types;
mod write;

pub(crate) use call::Call;
pub(crate) use func::Func;
pub(crate) use run::Run;
pub(crate) use scope::Scope;
pub use scratch::Scratch;
#[allow(unused_imports, reason = "for the changefeeds, which follow")]
pub(crate) use seq::{Item, Next, Seq, Step, Stream};
pub(crate) use value::{Groups, Kind, Value};

use super::op::Op;

/// All families of terms.
pub(crate) const FAMILIES: &[&[Op]] = &[
    admin::OPS,
    aggregate::OPS,
    arithmetic::OPS,
    array::OPS,
    bracket::OPS,
    changes::OPS,
    compare::OPS,
    control::OPS,
    encoding::OPS,
    join::OPS,
    object::OPS,
    order::OPS,
    reading::OPS,
    sequence::OPS,
    string::OPS,
    time::OPS,
    types::OPS,
    write::OPS,
];
