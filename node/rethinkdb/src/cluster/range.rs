//! Ranges of primary keys, in the form that RethinkDB shows and splits them in.
//!
//! Only what a cluster's texts and splits need: the letter of the type, then the value. The keys by
//! which this crate keeps rows sort alike, and are bytes of our own.

use std::fmt;

/// The most shards a table can have.
pub const SHARDS_MAX: usize = 64;

/// Primary keys from one on and before another, in RethinkDB's encoding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyRange {
    /// The first key in it.
    pub from: Vec<u8>,
    /// The first key behind it; none if it has no end.
    pub to: Option<Vec<u8>>,
}

impl KeyRange {
    /// The ranges between split points, which are ascending: one more than there are points.
    pub fn between(split_points: &[Vec<u8>]) -> Vec<Self> {
        let from = std::iter::once(Vec::new()).chain(split_points.iter().cloned());
        let to = split_points.iter().cloned().map(Some).chain([None]);
        from.zip(to).map(|(from, to)| Self { from, to }).collect()
    }

    /// Whether a key is in it.
    pub fn contains(&self, key: &[u8]) -> bool {
        *self.from <= *key && self.to.as_deref().is_none_or(|to| key < to)
    }

    /// Whether some key may be in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let before = |one: &Self, other: &Self| one.to.as_ref().is_some_and(|to| *to <= other.from);
        !before(self, other) && !before(other, self)
    }
}

impl fmt::Display for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        quoted(&self.from, f)?;
        f.write_str(", ")?;
        match &self.to {
            Some(to) => quoted(to, f)?,
            None => f.write_str("+inf")?,
        }
        f.write_str(")")
    }
}

/// Letters, digits and `_` stand for themselves.
fn quoted(key: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for byte in key {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => write!(f, "{}", char::from(*byte))?,
            _ => write!(f, "\\x{byte:02x}")?,
        }
    }
    f.write_str("\"")
}

/// The key of a row whose primary key is a text.
pub fn text_key(text: &str) -> Vec<u8> {
    [b"S", text.as_bytes()].concat()
}

/// The key of a row whose primary key is a number.
pub fn number_key(number: f64) -> Vec<u8> {
    let bits = (number + 0.0).to_bits();
    let sign = 1 << 63;
    let ordered = if bits & sign == 0 { bits ^ sign } else { !bits };
    format!("N{ordered:016x}#{number}").into_bytes()
}

/// Where a table without rows is split: its keys are expected to be UUIDs.
pub fn split_points_for_uuids(shards: usize) -> Vec<Vec<u8>> {
    let shards = u64::try_from(shards).expect("shards are few");
    let point = |shard| {
        let high = u64::MAX / shards * shard;
        let [a, b, c] = [high >> 32, (high >> 16) & 0xffff_u64, high & 0xffff_u64];
        text_key(&format!("{a:08x}-{b:04x}-{c:04x}-0000-000000000000"))
    };
    (1..shards).map(point).collect()
}

/// Where a table with these keys, ascending, is split so that its shards have as many rows each; as
/// an empty one if there are fewer rows than shards.
pub fn split_points_for(keys: &[Vec<u8>], shards: usize) -> Vec<Vec<u8>> {
    if keys.len() < shards {
        return split_points_for_uuids(shards);
    }
    (1..shards).map(|shard| keys[shard * keys.len() / shards].clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_shown_as_rethinkdb_shows_them() {
        let ranges = KeyRange::between(&[number_key(2.0)]);
        let shown: Vec<_> = ranges.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [r#"["", "Nc000000000000000\x232")"#, r#"["Nc000000000000000\x232", +inf)"#]
        );
        assert_eq!(KeyRange::between(&[])[0].to_string(), r#"["", +inf)"#);
    }

    #[test]
    fn number_keys_sort_as_numbers() {
        let mut keys = [-1e9, -2.0, -0.5, 0.0, 0.5, 1.0, 2.0, 1e9].map(number_key);
        let ascending = keys.clone();
        keys.reverse();
        keys.sort();
        assert_eq!(keys, ascending);
        assert_eq!(number_key(-0.0)[..17], number_key(0.0)[..17]);
    }

    #[test]
    fn every_key_is_in_one_range() {
        for shards in 1..=SHARDS_MAX {
            let ranges = KeyRange::between(&split_points_for_uuids(shards));
            assert_eq!(ranges.len(), shards);
            for key in [number_key(3.0), text_key(""), text_key("7"), text_key("ffff")] {
                assert_eq!(ranges.iter().filter(|range| range.contains(&key)).count(), 1);
            }
            for (index, range) in ranges.iter().enumerate() {
                let others = ranges.iter().enumerate().filter(|(other, _)| *other != index);
                assert!(others.into_iter().all(|(_, other)| !range.overlaps(other)));
            }
        }
    }

    #[test]
    fn rows_are_split_evenly() {
        let keys: Vec<_> = (0..10).map(|n| text_key(&n.to_string())).collect();
        assert_eq!(split_points_for(&keys, 2), [text_key("5")]);
        assert_eq!(split_points_for(&keys[..1], 2), split_points_for_uuids(2));
    }
}
