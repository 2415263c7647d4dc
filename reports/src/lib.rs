//! From a run directory to a page people want to read.
