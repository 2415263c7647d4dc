//! Crypto-conditions: their forms read back, a changed byte is noticed, and who opens an escrow when.

use bigchaindb_core::model::cryptoconditions::{Condition, Fulfillment, Part, Subject};
use bigchaindb_core::model::{Json, Profile};
use proptest::prelude::*;

use crate::any::{self, keypair, signed};

const BOTH: [Profile; 2] = [Profile::Default, Profile::Original];
const MESSAGE: &str = "what is signed";
const EXPIRY: u64 = 1_472_731_200;

fn part(weight: u64, fulfillment: Fulfillment) -> Part {
    Part::new(weight, Subject::Fulfillment(fulfillment)).unwrap()
}

fn left_out(fulfillment: &Fulfillment) -> Part {
    fulfillment.condition().unwrap().into()
}

/// Until the expiry A may, afterwards B. `x` is shown, `.` left out: A's signature, the timeout beside
/// it, B's signature, the timeout to be inverted.
const ESCROW: &str = "
    shown | time | default | v0.6.0
    x x . . | -1 | yes | yes      # A executes
    x x . . |  0 | yes | yes
    x x . . |  1 | no  | no       # too late
    . . x x | -1 | no  | no       # B aborts too early
    . . x x |  1 | yes | yes
    . . x . | -1 | no  | yes      # B leaves the timeout out
    . . x . |  1 | no  | yes
    . x x . | -1 | no  | yes
    x . . . | -1 | no  | no
    . x . x |  1 | no  | no
";

#[test]
fn an_escrow_opens_for_the_right_one_at_the_right_time() {
    for line in ESCROW.lines().skip(2).filter(|line| !line.trim().is_empty()) {
        let line = line.split('#').next().unwrap();
        let columns: Vec<_> = line.split('|').map(str::trim).collect();
        let [shown, time, default, original] = columns[..] else { panic!("four columns: {line}") };
        let shown: Vec<_> = shown.split(' ').map(|mark| mark == "x").collect();
        let now = EXPIRY.saturating_add_signed(time.parse().unwrap()).to_string();
        for (profile, opens) in BOTH.into_iter().zip([default, original]) {
            let escrow = escrow(&shown);
            let verdict = escrow.validate(MESSAGE, Some(&now), profile).unwrap();
            assert_eq!(verdict, opens == "yes", "{line} under {profile}");
        }
    }
}

fn escrow(shown: &[bool]) -> Fulfillment {
    let timeout = || Fulfillment::timeout(&EXPIRY.to_string()).unwrap();
    let either = |shown, fulfillment: Fulfillment| {
        if shown { fulfillment.into() } else { left_out(&fulfillment) }
    };
    let after = Fulfillment::inverted(1, vec![either(shown[3], timeout())]);
    let execute = vec![either(shown[0], signed(1, MESSAGE)), either(shown[1], timeout())];
    let abort = vec![either(shown[2], signed(2, MESSAGE)), after.into()];
    let [execute, abort] = [execute, abort].map(|parts| Fulfillment::threshold(2, parts));
    // A branch that is not taken at all is left out as a whole.
    let branches = [either(shown[0] || shown[1], execute), either(shown[2] || shown[3], abort)];
    Fulfillment::threshold(1, branches.into())
}

#[test]
fn a_part_left_out_proves_nothing_at_any_level() {
    let hidden = Fulfillment::threshold(1, vec![left_out(&signed(1, MESSAGE))]);
    let inverted = Fulfillment::inverted(1, vec![hidden.into()]);
    assert!(inverted.validate(MESSAGE, None, Profile::Original).unwrap());
    assert!(!inverted.validate(MESSAGE, None, Profile::Default).unwrap());
}

#[test]
fn weights_add_up() {
    let weighted =
        Fulfillment::threshold(4, vec![part(1, signed(1, MESSAGE)), part(3, signed(2, MESSAGE))]);
    assert!(weighted.validate(MESSAGE, None, Profile::Default).unwrap());
    // The original lets no part count more than the smallest before it.
    assert!(!weighted.validate(MESSAGE, None, Profile::Original).unwrap());
}

#[test]
fn any_language_can_be_signed() {
    let message = "größer";
    let signed = signed(1, message);
    assert!(signed.validate(message, None, Profile::Default).unwrap());
    let error = signed.validate(message, None, Profile::Original).unwrap_err();
    assert_eq!(error.class(), "UnicodeEncodeError");
}

/// The one form of each, and forms that only the original takes for the same.
#[test]
fn one_fulfillment_has_one_spelling() {
    for spelling in ["cf:0:YWJj\n", "cf:0:YR", "cf:63:MTIz\n"] {
        assert!(Fulfillment::parse(spelling, Profile::Original).is_ok(), "{spelling}");
        assert!(Fulfillment::parse(spelling, Profile::Default).is_err(), "{spelling}");
    }
    // The line feed counts for the padding: here it is wrong, then.
    assert!(Fulfillment::parse("cf:0:YQ\n", Profile::Original).is_err());
    let condition = "cc:0:3:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU:0\n";
    assert!(Condition::parse(condition, Profile::Original).is_ok());
    assert!(Condition::parse(condition, Profile::Default).is_err());
}

/// Fulfillments that hold, of each type and of types within types.
fn valid() -> Vec<Fulfillment> {
    let two = || vec![signed(1, MESSAGE).into(), signed(2, MESSAGE).into()];
    let secret = || Fulfillment::preimage(*b"secret");
    let of_three = [two(), vec![left_out(&signed(3, MESSAGE))]].concat();
    vec![
        secret(),
        signed(1, MESSAGE),
        Fulfillment::timeout("1472731200.5").unwrap(),
        Fulfillment::threshold(2, two()),
        Fulfillment::threshold(2, of_three),
        Fulfillment::threshold(
            2,
            vec![
                secret().into(),
                Fulfillment::threshold(1, vec![signed(1, MESSAGE).into(), left_out(&secret())])
                    .into(),
            ],
        ),
        escrow(&[true, true, false, false]),
    ]
}

proptest! {
    #[test]
    fn a_changed_character_is_noticed(at: prop::sample::Index, character in "[0-9a-zA-Z_:\n-]") {
        let now = Some("1472731200");
        for fulfillment in valid() {
            prop_assert!(fulfillment.validate(MESSAGE, now, Profile::Default).unwrap());
            let uri = fulfillment.uri().unwrap();
            let at = at.index(uri.len());
            let changed = [&uri[..at], &*character, &uri[at + 1..]].concat();
            if changed == uri {
                continue;
            }
            // It does not read, it is another condition's, or it does not hold.
            if let Ok(changed) = Fulfillment::parse(&changed, Profile::Default) {
                let same = changed.condition_uri().ok() == fulfillment.condition_uri().ok();
                let holds = changed.validate(MESSAGE, now, Profile::Default) == Ok(true);
                prop_assert!(!(same && holds));
            }
        }
    }

    #[test]
    fn a_changed_message_is_noticed(at in 0..MESSAGE.len(), character in "[a-zé ]") {
        let changed = [&MESSAGE[..at], &*character, &MESSAGE[at + 1..]].concat();
        prop_assume!(changed != MESSAGE);
        for fulfillment in valid().into_iter().filter(|valid| valid.find_key(&keypair(1).public_bytes()).is_some()) {
            prop_assert!(!fulfillment.validate(&changed, Some("1472731200"), Profile::Default).unwrap());
        }
    }

    #[test]
    fn fulfillments_read_back(fulfillment in any::fulfillment(MESSAGE)) {
        for profile in BOTH {
            if let Ok(uri) = fulfillment.uri() {
                let read = Fulfillment::parse(&uri, profile).unwrap();
                prop_assert_eq!(read.condition_uri(), fulfillment.condition_uri());
                // Parts are read in the order they are written, so the choice of those that stay
                // shown may be a better one now; then it stays.
                let again = read.uri().unwrap();
                let read = Fulfillment::parse(&again, profile).unwrap();
                prop_assert_eq!(read.uri().unwrap(), again);
            }
            if let Ok(binary) = fulfillment.binary() {
                let read = Fulfillment::from_binary(&binary, profile).unwrap();
                prop_assert_eq!(read.uri(), Fulfillment::parse(&fulfillment.uri().unwrap(), profile).unwrap().uri());
            }
        }
        if let Ok(dict) = fulfillment.to_dict() {
            prop_assert_eq!(Fulfillment::from_dict(&dict).unwrap(), fulfillment);
        }
    }

    #[test]
    fn conditions_read_back(fulfillment in any::fulfillment(MESSAGE)) {
        let Ok(condition) = fulfillment.condition() else { return Ok(()) };
        for profile in BOTH {
            prop_assert_eq!(&Condition::parse(&condition.uri().unwrap(), profile).unwrap(), &condition);
            if let Ok(binary) = condition.binary() {
                prop_assert_eq!(&Condition::from_binary(&binary, profile).unwrap(), &condition);
            }
        }
        prop_assert_eq!(Condition::from_dict(&condition.to_dict().unwrap()).unwrap(), condition);
    }

    #[test]
    fn no_text_or_bytes_do_harm(fulfillment in any::fulfillment(MESSAGE), harms in any::harms()) {
        let uri = fulfillment.uri().unwrap_or_else(|_| "cf:2:".into());
        let condition_uri = fulfillment.condition_uri().unwrap_or_else(|_| "cc:2:29::1".into());
        let spoilt = |text: String| String::from_utf8_lossy(&any::harm(text.into_bytes(), &harms)).into_owned();
        let (uri, condition_uri) = (spoilt(uri), spoilt(condition_uri));
        let binary = any::harm(fulfillment.binary().unwrap_or_default(), &harms);
        for profile in BOTH {
            if let Ok(condition) = Condition::parse(&condition_uri, profile) {
                handle(&condition);
            }
            if let Ok(condition) = Condition::from_binary(&binary, profile) {
                handle(&condition);
            }
            for read in [Fulfillment::parse(&uri, profile), Fulfillment::from_binary(&binary, profile)] {
                let Ok(read) = read else { continue };
                let _ = (read.uri(), read.binary(), read.condition_uri(), read.to_dict());
                let _ = (read.validate(MESSAGE, None, profile), read.validate("", Some("1472731200"), profile));
            }
        }
    }

    #[test]
    fn no_random_bytes_do_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), kind in prop::sample::select(vec![0_u8, 2, 4, 98, 99])) {
        let bytes = [&[0, kind][..], &bytes].concat();
        for profile in BOTH {
            if let Ok(read) = Fulfillment::from_binary(&bytes, profile) {
                let _ = (read.uri(), read.condition_uri(), read.validate(MESSAGE, Some("1472731200"), profile));
            }
        }
    }

    #[test]
    fn no_dict_does_harm(fulfillment in any::fulfillment(MESSAGE), harms in any::harms(), other in any::json()) {
        let _ = (Fulfillment::from_dict(&other).is_ok(), Condition::from_dict(&other).is_ok());
        let Ok(dict) = fulfillment.to_dict() else { return Ok(()) };
        let Ok(spoilt) = Json::parse(&any::harm(dict.to_string().into_bytes(), &harms)) else { return Ok(()) };
        if let Ok(read) = Fulfillment::from_dict(&spoilt) {
            let _ = (read.uri(), read.condition_uri(), read.validate(MESSAGE, None, Profile::Default));
        }
    }
}

fn handle(condition: &Condition) {
    let _ = (condition.uri(), condition.binary(), condition.to_dict(), condition.validate());
}
