//! The checkers, on recordings of the original.

mod recordings;
