//! The identity of a database or a table, whatever its name.

use std::fmt;
use std::str::FromStr;

/// A universally unique identifier.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uuid([u8; 16]);

/// A text is no UUID.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("it is not written as a UUID")]
pub struct NotAUuid;

impl Uuid {
    /// The UUID that is made of these bytes as they are.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// A random one, version 4, of this much chance.
    ///
    /// Source: RFC 9562, section 5.4.
    pub const fn random(mut chance: [u8; 16]) -> Self {
        chance[6] = chance[6] & 0x0f | 0x40;
        chance[8] = chance[8] & 0x3f | 0x80;
        Self(chance)
    }

    /// Its bytes.
    pub const fn bytes(&self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, byte) in self.0.iter().enumerate() {
            if HYPHENS.contains(&number) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Before these bytes stands a hyphen.
const HYPHENS: [usize; 4] = [4, 6, 8, 10];

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Uuid {
    type Err = NotAUuid;

    /// Reads 36 characters, as they are printed; letters may be large.
    fn from_str(text: &str) -> Result<Self, NotAUuid> {
        // `from_str_radix` would also take a sign.
        if text.len() != 36 || !text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()) {
            return Err(NotAUuid);
        }
        let mut bytes = [0; 16];
        let mut rest = text;
        for (number, byte) in bytes.iter_mut().enumerate() {
            if HYPHENS.contains(&number) {
                rest = rest.strip_prefix('-').ok_or(NotAUuid)?;
            }
            let (pair, behind) = rest.split_at_checked(2).ok_or(NotAUuid)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAUuid)?;
            rest = behind;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_reads_back_and_nothing_else_does() {
        let uuid = Uuid::random([0xff; 16]);
        assert_eq!(uuid.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid.to_string().parse(), Ok(uuid));
        assert_eq!(Uuid::random([0; 16]).to_string(), "00000000-0000-4000-8000-000000000000");
        for text in [
            "",
            "ffffffff-ffff-4fff-bfff-fffffffffff",
            "fffffffff-fff-4fff-bfff-ffffffffffff",
            "gfffffff-ffff-4fff-bfff-ffffffffffff",
            "+fffffff-ffff-4fff-bfff-ffffffffffff",
            "ffffffffffffffffffffffffffffffffffff",
            "éfffffff-ffff-4fff-bfff-fffffffffff",
        ] {
            assert_eq!(text.parse::<Uuid>(), Err(NotAUuid), "{text}");
        }
    }
}
