//! Which rules a document is held to.

use std::fmt;

use super::Strictness;

/// A rules profile, as far as documents alone depend on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Profile {
    /// `default`: what we stand behind.
    Default,
    /// `v0.6.0`: what BigchainDB 0.6.0 did, to the byte and to the verdict.
    Original,
}

impl Profile {
    /// The name configuration files use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Original => "v0.6.0",
        }
    }

    /// How signatures are verified.
    pub fn strictness(self) -> Strictness {
        match self {
            Self::Default => Strictness::Strict,
            Self::Original => Strictness::Original,
        }
    }

    /// How thresholds are read.
    pub fn thresholds(self) -> Thresholds {
        let original = self == Self::Original;
        Thresholds { omission_fails: original, running_minimum: original }
    }

    /// The bytes of a text that are signed. The original knows only ASCII; UTF-8 gives the same
    /// bytes for it.
    ///
    /// # Errors
    /// Under `v0.6.0`, if a character is not ASCII.
    pub fn signed_bytes(self, text: &str) -> Result<&[u8], NotAscii> {
        // The usual text is ASCII, and told so many bytes at a time.
        if self == Self::Default || text.is_ascii() {
            return Ok(text.as_bytes());
        }
        let found = text.chars().enumerate().find(|(_, character)| !character.is_ascii());
        let (position, character) = found.expect("the text is not ASCII");
        Err(NotAscii { character, position })
    }
}

/// How thresholds are read: the two mistakes that the original made.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Thresholds {
    /// A part that is left out counts as one that fails, so it opens an inverted threshold. Else it
    /// proves nothing.
    pub omission_fails: bool,
    /// The weights of the parts that are shown have to reach the threshold when each counts no more
    /// than the smallest before it.
    pub running_minimum: bool,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that the original could not sign or verify; a `UnicodeEncodeError` there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "'ascii' codec can't encode character {character:?} in position {position}: ordinal not in range(128)"
)]
pub struct NotAscii {
    /// The first character that is not ASCII.
    pub character: char,
    /// Which character that is, from 0.
    pub position: usize,
}
