//! The documentation's tutorial, "The Python Server API by Example" and "The Python Driver API by
//! Example", as it happens on a federation of four nodes.
//!
//! `cargo run --release --example tutorial`
//!
//! The nodes run in this process, on a store in memory, and are asked over HTTP. Every step is said
//! in plain words and checked; a wrong outcome ends the program with a failure. It takes about ten
//! seconds, most of them waiting for a timeout to expire.

mod assets;
mod conditions;
mod driver;
mod stage;

use std::error::Error;
use std::io;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    stage::play(&mut io::stdout()).await
}
