//! The simulator's tests, one file per subject.

mod observe;
