//! How fast a RethinkDB server answers, as a node asks it: `rethinkdb-bench [--rounds N] URL [URL]`.
//!
//! Each line is a kind of work at a number of questions in flight. It is done in rounds, in each by
//! one server after the other, so that whatever else the machine does falls on both; what is printed
//! is the median of the rounds. With a second server the last column says how many times as fast as
//! the first it is: the median of what each round says. In each server a database is made for this,
//! and dropped.
//!
//! ```text
//! cargo run --release -p bigchaindb --example rethinkdb-bench -- rethinkdb://127.0.0.1:28015
//! ```

mod bench;
mod work;

use std::process::ExitCode;

use bench::{Bench, Failure};
use work::rows;

/// How often each kind of work is done unless `--rounds` says otherwise.
const ROUNDS: usize = 5;

/// Every round writes blocks that no other has written.
const ROUNDS_MAX: usize = work::BLOCKS;

#[tokio::main]
async fn main() -> ExitCode {
    let Some((rounds, only, urls)) = arguments() else {
        eprintln!("usage: rethinkdb-bench [--rounds 1..={ROUNDS_MAX}] [--only TEXT] URL [URL]");
        return ExitCode::from(2);
    };
    match compare(rounds, &only, &urls).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(4)
        }
    }
}

/// How many rounds, what the names of the work hold, and the servers.
fn arguments() -> Option<(usize, String, Vec<String>)> {
    let (mut rounds, mut only, mut urls) = (ROUNDS, String::new(), Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--rounds" => rounds = arguments.next()?.parse().ok()?,
            "--only" => only = arguments.next()?,
            _ => urls.push(argument),
        }
    }
    let fits = (1..=ROUNDS_MAX).contains(&rounds) && (1..=2).contains(&urls.len());
    fits.then_some((rounds, only, urls))
}

async fn compare(rounds: usize, only: &str, urls: &[String]) -> Result<(), Failure> {
    let mut benches = Vec::new();
    let mut outcome = Ok(());
    for (number, url) in urls.iter().enumerate() {
        match Bench::new(url, number).await {
            Ok(bench) => benches.push(bench),
            Err(error) => outcome = Err(error),
        }
    }
    if outcome.is_ok() {
        outcome = measure(rounds, only, &benches).await;
    }
    for bench in benches {
        outcome = outcome.and(bench.finish().await);
    }
    outcome
}

async fn measure(rounds: usize, only: &str, benches: &[Bench]) -> Result<(), Failure> {
    for row in rows().into_iter().filter(|row| row.to_string().contains(only)) {
        let mut rates = vec![Vec::new(); benches.len()];
        for round in 0..rounds {
            for (bench, rates) in benches.iter().zip(&mut rates) {
                rates.push(bench.rate(row, round, rounds).await?);
            }
        }
        print!("{row:38}");
        for rates in &rates {
            print!(" {:>10.0}/s", median(rates.clone()));
        }
        if let [first, second] = &rates[..] {
            let ratios = first.iter().zip(second).map(|(first, second)| second / first);
            print!(" {:>6.2}", median(ratios.collect()));
        }
        println!();
    }
    Ok(())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
