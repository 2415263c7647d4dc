//! What is wrong with a scenario: the place, the reason, and what to do about it.

use std::fmt;
use std::ops::Range;

/// A scenario that cannot be read, or cannot be carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScenarioError {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1, if one line is to blame.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for ScenarioError {}

/// A file's name and text: turns places in the text into lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// As it was named.
    pub(crate) file: &'a str,
    /// All of it.
    pub(crate) text: &'a str,
}

impl Source<'_> {
    /// The line of a place, from 1.
    pub(crate) fn line(&self, span: Option<Range<usize>>) -> Option<usize> {
        let before = self.text.get(..span?.start)?;
        Some(before.matches('\n').count() + 1)
    }

    /// An error at a place.
    pub(crate) fn error(
        &self,
        line: Option<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> ScenarioError {
        ScenarioError {
            file: self.file.to_owned(),
            line,
            message: message.into(),
            hint: hint.into(),
        }
    }
}
