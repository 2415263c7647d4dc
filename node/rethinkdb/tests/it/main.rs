//! The engine as its users see it: queries and rows in, answers and changes out.

mod durability;
mod feeds;
mod indexes;
mod language;
mod malformed;
mod scan;
mod twins;
