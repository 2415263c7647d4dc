//! The language: a query's text in, a response's text out.

mod support;
mod terms;
