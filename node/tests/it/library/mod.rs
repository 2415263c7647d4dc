//! The library, and the helpers that the documentation's examples use.

mod state;
