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
mod table;
mod value;

mod arithmetic;
mod bracket;
mod compare;
mod control;
mod sequence;

pub(crate) use call::Call;
pub(crate) use func::Func;
pub(crate) use run::Run;
pub(crate) use scope::Scope;
pub(crate) use seq::{Item, Next, Seq, Step, Stream};
pub(crate) use value::{Groups, Kind, Value};

use super::op::Op;

/// All families of terms.
pub(crate) const FAMILIES: &[&[Op]] =
    &[arithmetic::OPS, bracket::OPS, compare::OPS, control::OPS, sequence::OPS];
