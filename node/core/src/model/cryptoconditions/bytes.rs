//! Numbers and strings of bytes in the binary forms.
//!
//! Numbers are big-endian. A length is one byte below 128, or `0x80 | k` and k bytes. A "variable"
//! number is a string of bytes that holds it.

use super::CryptoconditionError;

/// The longest number or length that is read, in bytes.
const MAX_UINT: usize = 6;

/// Reads from the front of some bytes.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// Whether only the shortest spelling of a number or length will do.
    exact: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], exact: bool) -> Self {
        Self { rest: bytes, exact }
    }

    /// Over other bytes, as strictly.
    pub(super) fn over(&self, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, exact: self.exact }
    }

    pub(super) fn is_exact(&self) -> bool {
        self.exact
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The end: nothing may be left, if it matters.
    pub(super) fn end(&self) -> Result<(), CryptoconditionError> {
        if self.exact && !self.rest.is_empty() {
            return Err(CryptoconditionError::Spelling("bytes are left over"));
        }
        Ok(())
    }

    pub(super) fn take(&mut self, length: u64) -> Result<&'a [u8], CryptoconditionError> {
        let split = usize::try_from(length).ok().and_then(|at| self.rest.split_at_checked(at));
        let Some((taken, rest)) = split else {
            let available = self.rest.len();
            return Err(CryptoconditionError::OutOfData { wanted: length, available });
        };
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], CryptoconditionError> {
        let taken = self.take(N as u64)?;
        Ok(taken.try_into().expect("as many bytes as were taken"))
    }

    pub(super) fn uint16(&mut self) -> Result<u16, CryptoconditionError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn length(&mut self) -> Result<u64, CryptoconditionError> {
        let [first] = self.array()?;
        if first < 0x80 {
            return Ok(first.into());
        }
        let width = usize::from(first & 0x7f);
        if width > MAX_UINT {
            return Err(CryptoconditionError::UIntTooLong(width));
        }
        let bytes = self.take(width as u64)?;
        let length = big_endian(bytes);
        if self.exact && (length < 0x80 || bytes[0] == 0) {
            return Err(CryptoconditionError::Spelling("a length could be shorter"));
        }
        Ok(length)
    }

    pub(super) fn octets(&mut self) -> Result<&'a [u8], CryptoconditionError> {
        let length = self.length()?;
        self.take(length)
    }

    pub(super) fn var_uint(&mut self) -> Result<u64, CryptoconditionError> {
        let bytes = self.octets()?;
        if bytes.len() > MAX_UINT {
            return Err(CryptoconditionError::UIntTooLong(bytes.len()));
        }
        if self.exact && (bytes.is_empty() || bytes.len() > 1 && bytes[0] == 0) {
            return Err(CryptoconditionError::Spelling("a number could be shorter"));
        }
        Ok(big_endian(bytes))
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// How many bytes a number needs, at least one.
pub(super) fn width(value: u64) -> usize {
    (value.max(1).ilog2() / 8 + 1) as usize
}

/// Writes at the end of some bytes.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A number in so many bytes.
    ///
    /// The original writes all bytes but the last as zeros and then the number itself, so it fails
    /// above 255. Every condition and fulfillment that exists stays below; so must we.
    pub(super) fn uint(
        &mut self,
        value: u64,
        width: usize,
    ) -> Result<&mut Self, CryptoconditionError> {
        if self::width(value) > width {
            return Err(CryptoconditionError::TooWide { value, width });
        }
        let last = u8::try_from(value).map_err(|_| CryptoconditionError::AboveByte)?;
        self.0.resize(self.0.len() + width - 1, 0);
        self.0.push(last);
        Ok(self)
    }

    pub(super) fn length(&mut self, length: usize) -> Result<&mut Self, CryptoconditionError> {
        let length = length as u64;
        if length < 0x80 {
            return self.uint(length, 1);
        }
        self.uint(0x80 | width(length) as u64, 1)?.uint(length, width(length))
    }

    pub(super) fn octets(&mut self, bytes: &[u8]) -> Result<&mut Self, CryptoconditionError> {
        Ok(self.length(bytes.len())?.raw(bytes))
    }

    pub(super) fn var_uint(&mut self, value: u64) -> Result<&mut Self, CryptoconditionError> {
        self.length(width(value))?.uint(value, width(value))
    }
}
