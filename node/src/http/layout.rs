//! How JSON is laid out: compactly, or as the original's two libraries did.
//!
//! All start from the compact text, so no document is too deep.

/// How JSON is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// Nothing between the parts; UTF-8.
    Compact,
    /// A blank after each comma and colon; ASCII.
    Line,
    /// A line for each part, indented by two; ASCII.
    Page,
}

impl Layout {
    /// Lays out a compact text.
    pub(super) fn lay_out(self, compact: String) -> String {
        if self == Self::Compact {
            return compact;
        }
        let mut out = Out { text: String::with_capacity(compact.len() * 2), level: 0 };
        let (mut in_string, mut escaped) = (false, false);
        let mut characters = compact.chars().peekable();
        while let Some(character) = characters.next() {
            if in_string {
                in_string = escaped || character != '"';
                escaped = !escaped && character == '\\';
                out.ascii(character);
                continue;
            }
            let closes = characters.peek().is_some_and(|next| matches!(next, ']' | '}'));
            match (self, character) {
                (Self::Line, ',' | ':') | (Self::Page, ':') => out.push(&[character, ' ']),
                (Self::Page, ',') => out.broken(character, 0),
                (Self::Page, '[' | '{') if !closes => out.broken(character, 1),
                (Self::Page, '[' | '{') => {
                    out.push(&[character]);
                    out.text.extend(characters.next());
                }
                (Self::Page, ']' | '}') => {
                    out.line_break(-1);
                    out.push(&[character]);
                }
                _ => {
                    in_string = character == '"';
                    out.push(&[character]);
                }
            }
        }
        out.text
    }
}

struct Out {
    text: String,
    level: usize,
}

impl Out {
    fn push(&mut self, characters: &[char]) {
        self.text.extend(characters);
    }

    fn broken(&mut self, character: char, deeper: isize) {
        self.text.push(character);
        self.line_break(deeper);
    }

    fn line_break(&mut self, deeper: isize) {
        self.level = self.level.saturating_add_signed(deeper);
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n("  ", self.level));
    }

    /// A character of a string: escaped unless it is ASCII.
    fn ascii(&mut self, character: char) {
        if character.is_ascii() {
            return self.text.push(character);
        }
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            self.text.push_str(&format!("\\u{unit:04x}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_laid_out_as_by_the_original() {
        let compact = r#"{"a":[1,{"b":"x,\":é😀"}],"c":{},"d":[]}"#;
        assert_eq!(Layout::Compact.lay_out(compact.into()), compact);
        let line = r#"{"a": [1, {"b": "x,\":\u00e9\ud83d\ude00"}], "c": {}, "d": []}"#;
        assert_eq!(Layout::Line.lay_out(compact.into()), line);
        let page = "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,\\\":\\u00e9\\ud83d\\ude00\"\n    \
                    }\n  ],\n  \"c\": {},\n  \"d\": []\n}";
        assert_eq!(Layout::Page.lay_out(compact.into()), page);
    }
}
