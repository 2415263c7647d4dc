//! Histograms of microseconds, all with the same bounds: what several parts of a generator have counted adds up
//! without loss, in one process or told from one to another.
//!
//! Told are pairs of a value and how often it was counted; not the values themselves, but those that stand for
//! them in every histogram of these bounds.

use hdrhistogram::Histogram;
use serde::{Deserialize as _, Deserializer, Serializer, de};

/// Values are kept to three digits, up to an hour.
const DIGITS: u8 = 3;

/// See [`DIGITS`].
const US_MAX: u64 = 3_600_000_000;

/// One in which nothing is counted yet.
pub(crate) fn new() -> Histogram<u64> {
    Histogram::new_with_max(US_MAX, DIGITS).expect("three digits of an hour are allowed")
}

pub(crate) fn serialize<S: Serializer>(
    histogram: &Histogram<u64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let counted = histogram.iter_recorded();
    serializer.collect_seq(
        counted.map(|step| (step.value_iterated_to(), step.count_since_last_iteration())),
    )
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Histogram<u64>, D::Error> {
    let mut histogram = new();
    for (value, count) in Vec::<(u64, u64)>::deserialize(deserializer)? {
        let beyond = |_| de::Error::custom(format!("{value} µs are beyond an hour"));
        histogram.record_n(value, count).map_err(beyond)?;
    }
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Told(#[serde(with = "super")] Histogram<u64>);

    #[test]
    fn what_is_told_is_what_was_counted() {
        let mut all = new();
        for part in 0..3 {
            let mut counted = new();
            for number in 0..5_000_u64 {
                counted.saturating_record(number * number * (part + 1));
            }
            counted.saturating_record(u64::MAX);
            let text = serde_json::to_string(&Told(counted.clone())).unwrap();
            let Told(told) = serde_json::from_str(&text).unwrap();
            assert_eq!((told.max(), told.min(), told.len()), (counted.max(), 0, 5_001));
            assert_eq!(told, counted);
            all.add(&told).unwrap();
        }
        assert_eq!(all.len(), 15_003);
        let strange = serde_json::from_str::<Told>("[[99999999999999, 1]]").map(|_| ());
        let error = strange.unwrap_err().to_string();
        assert!(error.contains("99999999999999 µs are beyond an hour"), "{error}");
    }
}
