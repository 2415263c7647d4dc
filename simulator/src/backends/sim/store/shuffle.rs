//! Orders that nobody promised: RethinkDB walks a table in no order that a client could rely on.

use bigchaindb_core::query::{Answer, StoreError};

use crate::chance::{Domain, draw};

/// Puts an answer's rows into an order of chance, where the question asked for none.
pub(super) fn shuffle(answer: &mut Result<Answer, StoreError>, seed: u64, number: u64) {
    let mut times = 0;
    let mut below = |n: usize| {
        times += 1;
        let drawn = draw(seed, Domain::StoreOrder, number, times).below(n as u64);
        usize::try_from(drawn).expect("an index into a list in memory")
    };
    match answer {
        Ok(Answer::Gathered(gathered)) => {
            permute(&mut gathered.found, &mut below);
            permute(&mut gathered.waiting, &mut below);
            permute(&mut gathered.spends, &mut below);
        }
        Ok(Answer::Votes(votes)) => permute(votes, &mut below),
        Ok(Answer::Blocks(blocks)) => permute(blocks, &mut below),
        // The rest is one thing, or was asked for in an order.
        _ => {}
    }
}

/// Fisher and Yates, with a draw per place.
fn permute<T>(list: &mut [T], below: &mut impl FnMut(usize) -> usize) {
    for place in (1..list.len()).rev() {
        list.swap(place, below(place + 1));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_order_comes_and_nothing_is_lost() {
        let mut orders = BTreeSet::new();
        for seed in 0..100 {
            let mut list = [1, 2, 3];
            let mut times = 0;
            permute(&mut list, &mut |n| {
                times += 1;
                let drawn = draw(seed, Domain::StoreOrder, 1, times).below(n as u64);
                usize::try_from(drawn).unwrap()
            });
            assert_eq!(list.iter().sum::<i32>(), 6);
            orders.insert(list);
        }
        assert_eq!(orders.len(), 6);
    }
}
