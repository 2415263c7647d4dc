//! The library, and the helpers that the documentation's examples use.

mod blocks;
mod conditions;
mod ledger;
mod outputs;
mod state;
mod transactions;
mod validation;
