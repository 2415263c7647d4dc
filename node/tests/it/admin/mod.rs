//! What operators do to a database as a whole.

mod archive;
mod backup;
mod chain;
mod databases;
mod repair;
mod verify;
