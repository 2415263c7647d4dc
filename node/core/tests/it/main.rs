//! What holds for all documents, not only for the golden vectors (`tests/vectors`).

mod any;
mod conditions;
mod json;
mod keys;
mod limits;
