//! Anything: values to draw, and ways to spoil them.

use bigchaindb_core::model::cryptoconditions::{Fulfillment, Part, Subject};
use bigchaindb_core::model::{Json, Keypair};
use proptest::char::range;
use proptest::collection::vec;
use proptest::prelude::*;

/// Any JSON value with a canonical text, but for U+0000, which that text leaves out.
pub(crate) fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<u64>().prop_map(|bits| Json::Float(f64::from_bits(bits))),
        text().prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Json::from),
            vec((text(), inner), 0..8).prop_map(|fields| {
                Json::Object(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
            }),
        ]
    })
}

/// Text with whatever is escaped, and with all widths of UTF-8.
pub(crate) fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![
        Just('"'),
        Just('\\'),
        range('\u{1}', '\u{1f}'),
        range(' ', '\u{7f}'),
        any::<char>().prop_filter("U+0000", |c| *c != '\0')
    ];
    vec(character, 0..12).prop_map(String::from_iter)
}

/// One of a few keypairs.
pub(crate) fn keypair(number: u8) -> Keypair {
    Keypair::from_seed([number; 32])
}

/// A fulfillment of any kind and shape, signed on `message` where it can be.
pub(crate) fn fulfillment(message: &'static str) -> impl Strategy<Value = Fulfillment> {
    let leaf = prop_oneof![
        vec(any::<u8>(), 0..40).prop_map(Fulfillment::preimage),
        (1_u8..5).prop_map(move |number| signed(number, message)),
        (1_400_000_000_u64..1_500_000_000)
            .prop_map(|time| { Fulfillment::timeout(&time.to_string()).expect("ten digits") }),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        (vec((1_u64..6, inner, any::<bool>()), 1..4), 0_u64..8, any::<bool>()).prop_map(
            |(parts, threshold, inverted)| {
                let parts = parts.into_iter().map(part).collect();
                if inverted {
                    Fulfillment::inverted(threshold, parts)
                } else {
                    Fulfillment::threshold(threshold, parts)
                }
            },
        )
    })
}

fn part((weight, fulfillment, shown): (u64, Fulfillment, bool)) -> Part {
    let subject = match fulfillment.condition() {
        Ok(condition) if !shown => Subject::Condition(condition),
        _ => Subject::Fulfillment(fulfillment),
    };
    Part::new(weight, subject).expect("a weight")
}

/// A signature on a message.
pub(crate) fn signed(number: u8, message: &str) -> Fulfillment {
    let keypair = keypair(number);
    let mut fulfillment = Fulfillment::ed25519(keypair.public_bytes());
    assert_eq!(fulfillment.sign(message.as_bytes(), &keypair), 1);
    fulfillment
}

/// What can be done to bytes.
#[derive(Clone, Debug)]
pub(crate) enum Harm {
    Set(prop::sample::Index, u8),
    Flip(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index),
    Cut(prop::sample::Index),
    /// The bytes from here on once more.
    Repeat(prop::sample::Index),
}

/// A few harms.
pub(crate) fn harms() -> impl Strategy<Value = Vec<Harm>> {
    let at = any::<prop::sample::Index>;
    let harm = prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Harm::Set(at, byte)),
        (at(), 0_u8..8).prop_map(|(at, bit)| Harm::Flip(at, bit)),
        (at(), vec(any::<u8>(), 1..4)).prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
        at().prop_map(Harm::Remove),
        at().prop_map(Harm::Cut),
        at().prop_map(Harm::Repeat),
    ];
    vec(harm, 1..5)
}

/// Does them.
pub(crate) fn harm(mut bytes: Vec<u8>, harms: &[Harm]) -> Vec<u8> {
    for harm in harms {
        if bytes.is_empty() {
            break;
        }
        let length = bytes.len();
        match harm {
            Harm::Set(at, byte) => bytes[at.index(length)] = *byte,
            Harm::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Harm::Insert(at, more) => {
                let at = at.index(length);
                bytes.splice(at..at, more.iter().copied());
            }
            Harm::Remove(at) => drop(bytes.remove(at.index(length))),
            Harm::Cut(at) => bytes.truncate(at.index(length)),
            Harm::Repeat(at) => bytes.extend_from_within(at.index(length)..),
        }
    }
    bytes
}
