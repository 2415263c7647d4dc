//! Keys: what is signed verifies, and nothing else does.

use bigchaindb_core::model::{
    Keypair, Strictness, from_base58, public_key_bytes, to_base58, verify,
};
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity as _;
use proptest::prelude::*;
use sha2::{Digest as _, Sha512};

const BOTH: [Strictness; 2] = [Strictness::Strict, Strictness::Original];

#[test]
fn private_keys_come_with_or_without_their_public_half() {
    let keypair = Keypair::from_seed([7; 32]);
    let both = [[7; 32], keypair.public_bytes()].concat();
    assert_eq!(Keypair::from_private(&to_base58(&both)).unwrap().public(), keypair.public());
    let of_another = [[8; 32], keypair.public_bytes()].concat();
    assert!(Keypair::from_private(&to_base58(&of_another)).is_err());
}

#[test]
fn private_keys_are_not_shown() {
    let keypair = Keypair::from_seed([7; 32]);
    assert!(!format!("{keypair:?}").contains(&keypair.private()));
}

#[test]
fn points_of_small_order_are_not_signed_with() {
    let check = |public, r: CompressedEdwardsY, s: Scalar| {
        let signature = [r.to_bytes(), s.to_bytes()].concat().try_into().unwrap();
        BOTH.map(|strictness| verify(public, b"message", &signature, strictness))
    };
    // With the neutral element as its key, whatever R = s·B signs everything.
    let neutral = EdwardsPoint::identity().compress();
    let s = Scalar::from(5_u64);
    assert_eq!(check(neutral.as_bytes(), EdwardsPoint::mul_base(&s).compress(), s), [false, true]);
    // With the neutral element as R, whoever has the key signs.
    let secret = Scalar::from(7_u64);
    let public = EdwardsPoint::mul_base(&secret).compress();
    let hash = Sha512::new().chain_update(neutral.as_bytes()).chain_update(public.as_bytes());
    let hash = hash.chain_update(b"message").finalize().into();
    let s = Scalar::from_bytes_mod_order_wide(&hash) * secret;
    assert_eq!(check(public.as_bytes(), neutral, s), [false, true]);
}

#[test]
fn long_base58_takes_no_time() {
    let text = "z".repeat(10_000_000);
    assert!(from_base58(&text).is_err());
    assert!(public_key_bytes(&text).is_err());
    assert!(Keypair::from_private(&text).is_err());
}

proptest! {
    #[test]
    fn signatures_verify(seed: [u8; 32], message: Vec<u8>) {
        let keypair = Keypair::from_seed(seed);
        let again = Keypair::from_private(&keypair.private()).unwrap();
        let signature = again.sign(&message);
        for strictness in BOTH {
            prop_assert!(verify(&keypair.public_bytes(), &message, &signature, strictness));
        }
    }

    #[test]
    fn a_changed_bit_is_noticed(
        seed: [u8; 32],
        message in prop::collection::vec(any::<u8>(), 1..64),
        at: prop::sample::Index,
        bit in 0_u8..8,
    ) {
        let keypair = Keypair::from_seed(seed);
        let signed = [&keypair.public_bytes()[..], &keypair.sign(&message), &message].concat();
        let mut changed = signed.clone();
        changed[at.index(signed.len())] ^= 1 << bit;
        let (public, rest) = changed.split_first_chunk().unwrap();
        let (signature, message) = rest.split_first_chunk().unwrap();
        for strictness in BOTH {
            prop_assert!(!verify(public, message, signature, strictness));
        }
    }

    #[test]
    fn strict_is_a_part_of_original(public: [u8; 32], low in 0_u8..8, signature: [u8; 64], message: Vec<u8>) {
        for public in [public, [low; 32], [0xff - low; 32]] {
            if verify(&public, &message, &signature, Strictness::Strict) {
                prop_assert!(verify(&public, &message, &signature, Strictness::Original));
            }
        }
    }

    #[test]
    fn base58_reads_back(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        prop_assert_eq!(from_base58(&to_base58(&bytes)).unwrap(), bytes);
    }
}
