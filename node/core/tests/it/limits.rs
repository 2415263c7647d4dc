//! Deep, long and lying documents: bounded work, on a small stack.

use bigchaindb_core::model::cryptoconditions::{
    CryptoconditionError, Fulfillment, MAX_NESTING, MAX_PARTS, Part,
};
use bigchaindb_core::model::{CanonicalJsonError, Json, MAX_DEPTH, Profile};

use crate::any::signed;

const BOTH: [Profile; 2] = [Profile::Default, Profile::Original];

/// Runs it on a thread with half the stack that Rust gives threads; a debug build needs so much.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(test).unwrap();
    thread.join().unwrap();
}

fn arrays(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

fn objects(depth: usize) -> String {
    r#"{"k":"#.repeat(depth) + "0" + &"}".repeat(depth)
}

#[test]
fn the_deepest_document_fits_the_stack() {
    on_a_small_stack(|| {
        for text in [arrays(MAX_DEPTH), objects(MAX_DEPTH)] {
            let json = Json::parse(text.as_bytes()).unwrap();
            let copy = json.clone();
            assert!(copy == json);
            assert_eq!(json.to_string(), text);
            assert_eq!(format!("{json:?}"), text);
            assert_eq!(json.canonical(), Err(CanonicalJsonError::TooDeep));
        }
    });
}

#[test]
fn a_document_that_is_too_deep_is_refused() {
    on_a_small_stack(|| {
        for text in [arrays(MAX_DEPTH + 1), objects(MAX_DEPTH + 1), arrays(1_000_000)] {
            let error = Json::parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.reason, "nested too deep");
        }
    });
}

/// A threshold around a payload of type 2.
fn around(payload: &[u8]) -> Vec<u8> {
    let length = |length: usize| {
        let bytes = u32::try_from(length).unwrap().to_be_bytes();
        let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        match length {
            0..128 => vec![u8::try_from(length).unwrap()],
            _ => [&[0x80 | u8::try_from(bytes.len()).unwrap()], bytes].concat(),
        }
    };
    let part = [&[0, 2][..], &length(payload.len()), payload].concat();
    [&[1, 0, 1, 1, 1, 1][..], &length(part.len()), &part, &[0]].concat()
}

#[test]
fn thresholds_nest_so_deep_and_no_deeper() {
    // Threshold 0, no parts.
    let mut payload = vec![1, 0, 1, 0];
    for level in 0..MAX_NESTING * 3 {
        let uri = format!("cf:2:{}", base64url(&payload));
        for profile in BOTH {
            match Fulfillment::parse(&uri, profile) {
                Ok(read) => {
                    assert!(level <= MAX_NESTING);
                    assert_eq!(read.validate("message", None, profile), Ok(true));
                    assert_eq!(read.condition_uri(), Err(CryptoconditionError::NoParts));
                }
                Err(error) => {
                    assert!(level > MAX_NESTING, "{level}: {error}");
                    assert_eq!(error, CryptoconditionError::TooDeep);
                }
            }
        }
        payload = around(&payload);
    }
}

#[test]
fn a_count_may_promise_anything() {
    // 2⁴⁸ − 1 parts, of which none is there.
    let lie = [&[1, 1, 6][..], &[0xff; 6]].concat();
    // As many as may be, and one more: each a preimage of no bytes.
    let part = [1, 1, 3, 0, 0, 0, 0];
    let many = |count: usize| {
        let promised = u16::try_from(count).unwrap().to_be_bytes();
        [&[1, 1, 2][..], &promised, &part.repeat(count)].concat()
    };
    for profile in BOTH {
        let read =
            |payload: &[u8]| Fulfillment::parse(&format!("cf:2:{}", base64url(payload)), profile);
        assert!(matches!(read(&lie), Err(CryptoconditionError::OutOfData { .. })));
        let full = read(&many(MAX_PARTS)).unwrap();
        assert_eq!(full.validate("message", None, profile), Ok(true));
        assert_eq!(full.condition_uri(), Err(CryptoconditionError::AboveByte));
        assert_eq!(full.uri(), Err(CryptoconditionError::AboveByte));
        assert_eq!(read(&many(MAX_PARTS + 1)), Err(CryptoconditionError::TooManyParts));
    }
}

#[test]
fn the_widest_condition_is_written_and_read() {
    let parts = |count| -> Vec<Part> { vec![signed(1, "message").into(); count] };
    let widest = Fulfillment::threshold(255, parts(255));
    let uri = widest.uri().unwrap();
    let read = Fulfillment::parse(&uri, Profile::Default).unwrap();
    assert_eq!(read.condition_uri(), widest.condition_uri());
    assert!(read.condition_uri().is_ok());
    let wider = Fulfillment::threshold(255, parts(256));
    assert_eq!(wider.condition_uri(), Err(CryptoconditionError::AboveByte));
}

#[test]
fn a_threshold_out_of_reach_is_refused_at_once() {
    // The original's recursion would visit 2²⁵⁵ choices.
    let parts = vec![signed(1, "message").into(); 255];
    let out_of_reach = Fulfillment::threshold(u64::MAX, parts);
    assert_eq!(out_of_reach.uri(), Err(CryptoconditionError::NotEnoughShown));
    assert!(matches!(out_of_reach.condition(), Err(CryptoconditionError::TooWide { .. })));
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let bits = chunk.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
            let bits = bits << (8 * (3 - chunk.len()));
            (0..=chunk.len()).map(move |digit| char::from(DIGITS[bits >> (18 - 6 * digit) & 63]))
        })
        .collect()
}
