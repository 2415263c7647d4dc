//! What came of looking at a document alone.

/// What came of looking at a document alone.
#[derive(Clone, Debug)]
pub struct Checked;
