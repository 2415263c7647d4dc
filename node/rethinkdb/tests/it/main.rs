//! The engine as its users see it: queries and rows in, answers and changes out.

mod language;
mod twins;
