//! What a query costs.

fn main() {}
