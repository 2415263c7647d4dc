//! The text forms: `cc:TYPE:BITMASK:HASH:MAXLEN` and `cf:TYPE:PAYLOAD`.
//!
//! The original is lenient in two ways: a line feed at the very end passes, and so do set bits behind
//! the last byte of base64. Under `default` neither does.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::bytes::Reader;
use super::{Budget, Condition, CryptoconditionError, Fulfillment};
use crate::model::Profile;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

impl Condition {
    /// Reads `cc:…`. Whether the type is known is not asked; see [`Condition::validate`].
    ///
    /// # Errors
    /// It is no such text.
    pub fn parse(uri: &str, profile: Profile) -> Result<Self, CryptoconditionError> {
        if uri.split(':').next() != Some("cc") {
            return Err(CryptoconditionError::ConditionPrefix);
        }
        let (uri, _) = strip_line_feed(uri, profile)?;
        let format = || CryptoconditionError::ConditionFormat;
        let mut fields = uri.split(':').skip(1);
        let mut field = || fields.next().ok_or_else(format);
        let (type_id, bitmask, hash, length) = (field()?, field()?, field()?, field()?);
        let is_hash = hash.len() <= 86 && hash.bytes().all(is_base64);
        let is_length = length == "0"
            || !length.starts_with('0')
                && (1..=18).contains(&length.len())
                && length.bytes().all(|byte| byte.is_ascii_digit());
        if fields.next().is_some() || !is_hash || !is_length {
            return Err(format());
        }
        Ok(Self {
            type_id: type_number(type_id).ok_or_else(format)?,
            bitmask: hex_number(bitmask, 8).ok_or_else(format)?.into(),
            hash: decode(hash, profile)?.into(),
            max_fulfillment_length: length.parse().map_err(|_| format())?,
        })
    }

    /// Its text, `cc:…`.
    ///
    /// # Errors
    /// It has no hash.
    pub fn uri(&self) -> Result<String, CryptoconditionError> {
        let hash = URL_SAFE_NO_PAD.encode(self.hash()?);
        let Self { type_id, bitmask, max_fulfillment_length, .. } = self;
        Ok(format!("cc:{type_id:x}:{bitmask:x}:{hash}:{max_fulfillment_length}"))
    }
}

impl Fulfillment {
    /// Reads `cf:…`.
    ///
    /// # Errors
    /// It is no such text, its type is not known, its bytes say something else, or it exceeds
    /// [`MAX_NESTING`](super::MAX_NESTING) or [`MAX_PARTS`](super::MAX_PARTS).
    pub fn parse(uri: &str, profile: Profile) -> Result<Self, CryptoconditionError> {
        if uri.split(':').next() != Some("cf") {
            return Err(CryptoconditionError::FulfillmentPrefix);
        }
        let (uri, line_feed) = strip_line_feed(uri, profile)?;
        let format = CryptoconditionError::FulfillmentFormat;
        let mut fields = uri.split(':').skip(1);
        let (Some(type_id), Some(payload), None) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(format);
        };
        let type_id = type_number(type_id).ok_or(format.clone())?;
        if !payload.bytes().all(is_base64) {
            return Err(format);
        }
        if line_feed && payload.len() % 4 != 0 {
            // The line feed is counted when the padding is added, and skipped afterwards.
            return Err(CryptoconditionError::Base64);
        }
        let payload = decode(payload, profile)?;
        let mut reader = Reader::new(&payload, profile == Profile::Default);
        let fulfillment =
            Self::read_payload(type_id, payload.len() as u64, &mut reader, &mut Budget::new())?;
        reader.end()?;
        Ok(fulfillment)
    }

    /// Its text, `cf:…`: of a threshold, with only as many parts shown as are needed.
    ///
    /// # Errors
    /// A signature is missing, the parts shown do not reach a threshold, or a nested part is too
    /// large to be written.
    pub fn uri(&self) -> Result<String, CryptoconditionError> {
        let payload = URL_SAFE_NO_PAD.encode(self.payload()?);
        Ok(format!("cf:{:x}:{payload}", self.type_id()))
    }
}

/// Without the line feed that may stand at the end; and whether it did.
fn strip_line_feed(uri: &str, profile: Profile) -> Result<(&str, bool), CryptoconditionError> {
    match uri.strip_suffix('\n') {
        Some(_) if profile == Profile::Default => {
            Err(CryptoconditionError::Spelling("a line feed follows"))
        }
        Some(stripped) => Ok((stripped, true)),
        None => Ok((uri, false)),
    }
}

/// `0`, or up to four lower-case hex digits with no zero in front.
fn type_number(text: &str) -> Option<u16> {
    if text == "0" { Some(0) } else { u16::try_from(hex_number(text, 4)?).ok() }
}

/// Up to so many (at most eight) lower-case hex digits with no zero in front.
fn hex_number(text: &str, digits: usize) -> Option<u32> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_number = !text.starts_with('0') && text.len() <= digits && text.bytes().all(is_digit);
    if is_number { u32::from_str_radix(text, 16).ok() } else { None }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn decode(text: &str, profile: Profile) -> Result<Vec<u8>, CryptoconditionError> {
    if text.len() % 4 == 1 {
        return Err(CryptoconditionError::Base64);
    }
    let bytes = match profile {
        Profile::Default => URL_SAFE_NO_PAD.decode(text),
        Profile::Original => LENIENT.decode(text),
    };
    bytes.map_err(|_| CryptoconditionError::Spelling("bits are left over"))
}
