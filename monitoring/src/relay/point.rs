//! Points, in InfluxDB's line protocol.

use std::collections::BTreeMap;
use std::fmt;

/// Something measured, at a moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Point {
    /// What it is about.
    pub measurement: String,
    /// By what it is found.
    pub tags: BTreeMap<String, String>,
    /// What it says.
    pub fields: BTreeMap<String, Value>,
    /// When, in nanoseconds since 1970.
    pub at_ns: u64,
}

/// What a field says.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// Words.
    Text(String),
}

impl Point {
    /// A point that says nothing yet.
    pub fn new(measurement: impl Into<String>, at_ns: u64) -> Self {
        let (tags, fields) = (BTreeMap::new(), BTreeMap::new());
        Self { measurement: measurement.into(), tags, fields, at_ns }
    }

    /// Gives a field a value.
    pub fn set(&mut self, field: impl Into<String>, value: Value) {
        self.fields.insert(field.into(), value);
    }

    /// Gives a tag a value.
    pub fn tag(&mut self, tag: impl Into<String>, value: impl Into<String>) {
        self.tags.insert(tag.into(), value.into());
    }
}

/// A line of the protocol. A tag without a value is no tag there, and left out.
///
/// Source: InfluxDB 1.8 documentation, "InfluxDB line protocol".
impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        escape(f, &self.measurement, &[',', ' '])?;
        for (tag, value) in self.tags.iter().filter(|(_, value)| !value.is_empty()) {
            f.write_str(",")?;
            escape(f, tag, &[',', '=', ' '])?;
            f.write_str("=")?;
            escape(f, value, &[',', '=', ' '])?;
        }
        for (index, (field, value)) in self.fields.iter().enumerate() {
            f.write_str(if index == 0 { " " } else { "," })?;
            escape(f, field, &[',', '=', ' '])?;
            match value {
                Value::Whole(number) => write!(f, "={number}i")?,
                Value::Number(number) => write!(f, "={number}")?,
                Value::Text(text) => {
                    f.write_str("=\"")?;
                    escape(f, text, &['"', '\\'])?;
                    f.write_str("\"")?;
                }
            }
        }
        write!(f, " {}", self.at_ns)
    }
}

/// A word with a backslash before what would end it. A line break would end the line: it becomes a space.
fn escape(f: &mut fmt::Formatter<'_>, word: &str, specials: &[char]) -> fmt::Result {
    for letter in word.chars() {
        let letter = if letter == '\n' { ' ' } else { letter };
        if specials.contains(&letter) {
            f.write_str("\\")?;
        }
        write!(f, "{letter}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_line() {
        let mut point = Point::new("a b,c", 7);
        point.tag("k=", "v w");
        point.tag("none", "");
        point.set("n", Value::Number(1.5));
        point.set("t", Value::Text("he said \"no\\yes\"\nand went".to_owned()));
        point.set("w", Value::Whole(-3));
        let line = r#"a\ b\,c,k\==v\ w n=1.5,t="he said \"no\\yes\" and went",w=-3i 7"#;
        assert_eq!(point.to_string(), line);
    }
}
