//! The language: a query's text in, a response's text out.

mod administration;
mod changes;
mod limits;
mod replay;
mod sequences;
mod support;
mod terms;
mod writes;
