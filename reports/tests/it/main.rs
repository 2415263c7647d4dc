//! What a report shows, from results written by hand: a run that passed, one that failed, one in
//! which nothing happened, and one whose every name is hostile.

mod colours;
mod comparison;
mod files;
mod gate;
mod junit;
mod matrix;
mod page;
mod runs;
mod saturation;
mod schema;
mod summary;
mod timeseries;
