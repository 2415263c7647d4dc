//! What is wrong with a file: the place, the reason, and what to do about it.

use std::fmt;
use std::ops::Range;

use toml_edit::Document;

/// A file that cannot be read, or asks for what cannot be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1, if one line is to blame.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for Refusal {}

/// A file's name and text: turns places in the text into lines.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// As it was named.
    pub file: &'a str,
    /// All of it.
    pub text: &'a str,
}

impl<'a> Source<'a> {
    /// The line of a place, from 1.
    pub fn line(&self, span: Option<Range<usize>>) -> Option<usize> {
        let before = self.text.get(..span?.start)?;
        Some(before.matches('\n').count() + 1)
    }

    /// The text as TOML.
    ///
    /// # Errors
    /// It is none.
    pub fn document(self) -> Result<Document<&'a str>, Refusal> {
        Document::parse(self.text).map_err(|error| {
            let message = format!("not TOML: {}", error.message().replace('\n', " "));
            self.error(self.line(error.span()), message, "see https://toml.io for how it goes")
        })
    }

    /// An error at a place.
    pub fn error(
        &self,
        line: Option<usize>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Refusal {
        Refusal { file: self.file.to_owned(), line, message: message.into(), hint: hint.into() }
    }
}
