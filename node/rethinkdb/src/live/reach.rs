//! Primary keys as the cluster knows them: in RethinkDB's encoding, in which shards are cut.

use std::ops::Bound;

use crate::cluster::{KeyRange, Keys, number_key, text_key};
use crate::reql::{Datum, Time, deep};

/// A primary key in RethinkDB's encoding: the letter of its type, then its value. Nothing but the
/// order matters, and how a range of keys looks in a text.
pub(crate) fn key(datum: &Datum) -> Vec<u8> {
    match datum {
        Datum::MinVal => b"@".to_vec(),
        Datum::Null => b"L".to_vec(),
        Datum::Bool(false) => b"Bf".to_vec(),
        Datum::Bool(true) => b"Bt".to_vec(),
        Datum::Number(number) => number_key(*number),
        Datum::String(text) => text_key(text),
        Datum::Array(items) => deep(|| {
            let items = items.iter().flat_map(|item| [key(item), vec![0]].concat());
            std::iter::once(b'A').chain(items).collect()
        }),
        // No key, and refused as one.
        Datum::Object(_) => b"O".to_vec(),
        Datum::Binary(bytes) => [b"PBINARY", &**bytes].concat(),
        Datum::Time(Time { epoch_s, .. }) => [b"PTIME".to_vec(), number_key(*epoch_s)].concat(),
        Datum::MaxVal => b"[".to_vec(),
    }
}

/// The keys between two bounds.
pub(crate) fn between(from: &Bound<Datum>, to: &Bound<Datum>) -> Keys {
    // The next key after one and all that nobody can put between.
    let behind = |datum| [key(datum), vec![0]].concat();
    let from = match from {
        Bound::Included(datum) => key(datum),
        Bound::Excluded(datum) => behind(datum),
        Bound::Unbounded => Vec::new(),
    };
    let to = match to {
        Bound::Included(datum) => Some(behind(datum)),
        Bound::Excluded(datum) => Some(key(datum)),
        Bound::Unbounded => None,
    };
    Keys::Between(KeyRange { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_values_do() {
        let array = |items: &[f64]| Datum::array(items.iter().map(|n| Datum::from(*n)).collect());
        let mut values = vec![
            array(&[]),
            array(&[-1.5]),
            array(&[2.0]),
            array(&[2.0, 1.0]),
            Datum::Bool(false),
            Datum::Bool(true),
            Datum::from(-3.0),
            Datum::from(0.0),
            Datum::from(1e9),
            Datum::Binary([0_u8, 255].into()),
            Datum::utc(-1.0),
            Datum::utc(1e9),
            Datum::from(""),
            Datum::from("a"),
            Datum::from("ab"),
            Datum::from("é"),
        ];
        let mut sorted = values.clone();
        sorted.sort();
        values.reverse();
        values.sort_by_key(key);
        assert_eq!(values, sorted);
        assert!(values.iter().all(|value| key(value) > key(&Datum::MinVal)));
        assert!(values.iter().all(|value| key(value) < key(&Datum::MaxVal)));
    }

    #[test]
    fn a_range_holds_its_ends_as_it_says() {
        let holds = |from, to, value: f64| match between(&from, &to) {
            Keys::Between(range) => range.contains(&key(&value.into())),
            other => panic!("{other:?} is no range"),
        };
        let (one, two) = (Datum::from(1.0), Datum::from(2.0));
        let closed = || (Bound::Included(one.clone()), Bound::Included(two.clone()));
        let open = || (Bound::Excluded(one.clone()), Bound::Excluded(two.clone()));
        for value in [1.0, 1.5, 2.0] {
            assert!(holds(closed().0, closed().1, value));
            assert_eq!(holds(open().0, open().1, value), value == 1.5);
            assert!(holds(Bound::Unbounded, Bound::Unbounded, value));
        }
    }
}
