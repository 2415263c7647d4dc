//! What operators do to a database as a whole.

mod archive;
mod backup;
mod chain;
mod commands;
mod databases;
mod doctor;
mod repair;
mod verify;
