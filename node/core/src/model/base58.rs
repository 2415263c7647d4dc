//! Base58, in Bitcoin's alphabet: how documents spell keys and signatures.

/// The longest text that is decoded, in characters. Decoding takes quadratic time; what a document
/// spells so are 32 and 64 bytes, 88 characters at most.
const MAX_TEXT: usize = 1024;

/// Why a text stands for no bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Base58Error {
    /// A character outside the alphabet; blanks are, too.
    #[error("substring not found")]
    Character,
    /// More than 1024 characters; the original would have tried.
    #[error("base58 text of more than 1024 characters")]
    TooLong,
}

/// The text of these bytes; a zero in front is a `1`. Keys and signatures, 32 and 64 bytes, go an order
/// of magnitude faster than others.
pub fn to_base58(bytes: &[u8]) -> String {
    if let Ok(bytes) = bytes.try_into() {
        let mut text = [0; five8::BASE58_ENCODED_32_MAX_LEN];
        let length = five8::encode_32(bytes, &mut text);
        return ascii(&text[..length.into()]);
    }
    if let Ok(bytes) = bytes.try_into() {
        let mut text = [0; five8::BASE58_ENCODED_64_MAX_LEN];
        let length = five8::encode_64(bytes, &mut text);
        return ascii(&text[..length.into()]);
    }
    bs58::encode(bytes).into_string()
}

fn ascii(text: &[u8]) -> String {
    std::str::from_utf8(text).expect("base58 is ASCII").to_owned()
}

/// The bytes of this text.
///
/// # Errors
/// It is no base58, or too long.
pub fn from_base58(text: &str) -> Result<Vec<u8>, Base58Error> {
    check_alphabet(text)?;
    if text.len() > MAX_TEXT {
        return Err(Base58Error::TooLong);
    }
    bs58::decode(text).into_vec().map_err(|_| Base58Error::Character)
}

/// The bytes of this text; `None` if they are not `N`.
///
/// # Errors
/// It is no base58.
pub(super) fn from_base58_exact<const N: usize>(
    text: &str,
) -> Result<Option<[u8; N]>, Base58Error> {
    if let Some(bytes) = decode_usual(text) {
        return Ok(Some(bytes));
    }
    check_alphabet(text)?;
    // A character holds less than 6 bits, so N bytes never need 1.5 N characters.
    if text.len() > N * 3 / 2 {
        return Ok(None);
    }
    let mut bytes = [0; N];
    match bs58::decode(text).onto(&mut bytes) {
        Ok(length) if length == N => Ok(Some(bytes)),
        Ok(_) | Err(bs58::decode::Error::BufferTooSmall) => Ok(None),
        Err(_) => Err(Base58Error::Character),
    }
}

/// The bytes of a key's or signature's text, if it is one.
fn decode_usual<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let into = bytes.as_mut_slice();
    match N {
        32 => five8::decode_32(text, into.try_into().ok()?).ok()?,
        64 => five8::decode_64(text, into.try_into().ok()?).ok()?,
        _ => return None,
    }
    Some(bytes)
}

/// Bad characters are told from bad lengths, at any length, in one pass.
fn check_alphabet(text: &str) -> Result<(), Base58Error> {
    let inside =
        |byte: u8| byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l');
    if text.bytes().all(inside) { Ok(()) } else { Err(Base58Error::Character) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_and_signatures_are_spelled_like_all_else(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 32),
                prop::collection::vec(any::<u8>(), 64),
            ],
            zeros in 0_usize..8,
            spoiled in prop::option::of((0_usize..44, "[0-9A-Za-z]")),
        ) {
            let mut bytes = bytes;
            bytes[..zeros].fill(0);
            let text = bs58::encode(&bytes).into_string();
            prop_assert_eq!(&to_base58(&bytes), &text);
            let mut text = text;
            if let Some((at, character)) = spoiled
                && at < text.len()
            {
                text.replace_range(at..=at, &character);
            }
            let slowly = bs58::decode(&text).into_vec().ok();
            let exactly = |n| slowly.clone().filter(|bytes| bytes.len() == n);
            let found = from_base58_exact::<32>(&text).ok().flatten().map(|all| all.to_vec());
            prop_assert_eq!(found, exactly(32));
            let found = from_base58_exact::<64>(&text).ok().flatten().map(|all| all.to_vec());
            prop_assert_eq!(found, exactly(64));
        }
    }
}
