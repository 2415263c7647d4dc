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

/// The text of these bytes; a zero in front is a `1`.
pub fn to_base58(bytes: &[u8]) -> String {
    bs58::encode(bytes).into_string()
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

/// Bad characters are told from bad lengths, at any length, in one pass.
fn check_alphabet(text: &str) -> Result<(), Base58Error> {
    let inside =
        |byte: u8| byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l');
    if text.bytes().all(inside) { Ok(()) } else { Err(Base58Error::Character) }
}
