//! Reads TOML strictly: a section takes the keys it knows, then refuses what is left.
//!
//! Not here: which keys there are (whoever reads a kind of file), how units are spelled (`units`). Start
//! at [`Section::take`] and [`Section::finish`].

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Item, TableLike, Value};

use crate::error::{Refusal, Source};
use crate::units;

type Result<T> = std::result::Result<T, Refusal>;

/// A table of the file, and the keys that were asked for so far.
pub struct Section<'a> {
    source: Source<'a>,
    title: String,
    line: Option<usize>,
    table: &'a dyn TableLike,
    known: Vec<&'static str>,
}

/// A value with its key, so that it can be blamed.
#[derive(Clone)]
pub struct Entry<'a> {
    source: Source<'a>,
    key: String,
    /// The line on which it stands, from 1.
    pub line: Option<usize>,
    item: Found<'a>,
}

#[derive(Clone)]
enum Found<'a> {
    Item(&'a Item),
    Value(&'a Value),
}

impl<'a> Section<'a> {
    /// A table, called `title` in messages.
    pub fn new(
        source: Source<'a>,
        title: impl Into<String>,
        span: Option<Range<usize>>,
        table: &'a dyn TableLike,
    ) -> Self {
        Self { source, title: title.into(), line: source.line(span), table, known: Vec::new() }
    }

    /// The line on which the table begins.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The table itself.
    pub fn table(&self) -> &'a dyn TableLike {
        self.table
    }

    /// Whether a key is there.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A key that may be there.
    pub fn take(&mut self, key: &'static str) -> Option<Entry<'a>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let (name, item) = self.table.get_key_value(key)?;
        let line = self.source.line(item.span().or_else(|| name.span()));
        Some(Entry { source: self.source, key: key.to_owned(), line, item: Found::Item(item) })
    }

    /// A key that has to be there.
    pub fn require(&mut self, key: &'static str, example: &str) -> Result<Entry<'a>> {
        let title = self.title.clone();
        let (source, line) = (self.source, self.line);
        self.take(key).ok_or_else(|| {
            let message = format!("{title} has no `{key}`");
            source.error(line, message, format!("add one, like `{key} = {example}`"))
        })
    }

    /// Refuses a key that the language knows but nothing honours yet.
    pub fn not_built(&self, key: &str, instead: &str) -> Result<()> {
        let Some((name, item)) = self.table.get_key_value(key) else { return Ok(()) };
        let line = self.source.line(name.span().or_else(|| item.span()));
        let message = format!("`{key}` in {} is not built yet", self.title);
        Err(self.source.error(line, message, instead))
    }

    /// Refuses every key that nobody asked for.
    pub fn finish(self) -> Result<()> {
        for (key, item) in self.table.iter() {
            if self.known.contains(&key) {
                continue;
            }
            let name = self.table.key(key).and_then(|name| name.span());
            let line = self.source.line(name.or_else(|| item.span()));
            let message = format!("unknown key `{key}` in {}", self.title);
            return Err(self.source.error(line, message, closest(key, &self.known, "keys here")));
        }
        Ok(())
    }

    /// Calls the table something else in later messages.
    pub fn rename(&mut self, title: String) {
        self.title = title;
    }

    /// Every key with its value, in the file's order, for a table whose keys are not fixed.
    pub fn entries(self) -> Vec<(&'a str, Entry<'a>)> {
        let entry = |(key, item): (&'a str, &'a Item)| {
            let line = self.source.line(item.span());
            let found = Found::Item(item);
            (key, Entry { source: self.source, key: key.to_owned(), line, item: found })
        };
        self.table.iter().map(entry).collect()
    }

    /// An error about the table as a whole.
    pub fn error(&self, message: String, hint: impl Into<String>) -> Refusal {
        self.source.error(self.line, message, hint)
    }
}

impl<'a> Entry<'a> {
    /// An error about this value.
    pub fn error(&self, message: String, hint: impl Into<String>) -> Refusal {
        self.source.error(self.line, message, hint)
    }

    fn not_a(&self, what: &str, hint: impl Into<String>) -> Refusal {
        let given = self.value().map_or("a table".to_owned(), |value| match value {
            Value::InlineTable(_) => "a table".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            value => self.source.text[value.span().unwrap_or(0..0)].to_owned(),
        });
        self.error(format!("`{}` is not {what}: {given}", self.key), hint)
    }

    fn value(&self) -> Option<&'a Value> {
        match self.item {
            Found::Item(item) => item.as_value(),
            Found::Value(value) => Some(value),
        }
    }

    /// Whether it is a table with keys of its own, and not a value.
    pub fn is_table(&self) -> bool {
        self.value().is_none()
    }

    /// The value as it stands in the file.
    pub fn spelled(&self) -> &'a str {
        &self.source.text[self.value().and_then(Value::span).unwrap_or(0..0)]
    }

    /// The value as people read it: a text without its quotes.
    pub fn plain(&self) -> String {
        let text = self.value().and_then(Value::as_str);
        text.unwrap_or_else(|| self.spelled()).to_owned()
    }

    /// A text.
    pub fn text(&self) -> Result<&'a str> {
        let text = self.value().and_then(Value::as_str);
        text.ok_or_else(|| self.not_a("a text", "write it in quotes"))
    }

    /// The path of a file, named as seen from the folder of this one.
    pub fn path(&self) -> Result<PathBuf> {
        let folder = Path::new(self.source.file).parent().unwrap_or_else(|| Path::new(""));
        Ok(folder.join(self.text()?))
    }

    /// A text that is one of a list of names.
    pub fn one_of(&self, names: &[&'static str]) -> Result<&'static str> {
        let text = self.text()?;
        names.iter().copied().find(|name| *name == text).ok_or_else(|| {
            let message = format!("`{}` does not know `{text}`", self.key);
            self.error(message, closest(text, names, "it can be"))
        })
    }

    /// Yes or no.
    pub fn truth(&self) -> Result<bool> {
        let truth = self.value().and_then(Value::as_bool);
        truth.ok_or_else(|| self.not_a("yes or no", "write true or false, without quotes"))
    }

    /// A whole number between two others.
    pub fn whole(&self, low: u32, high: u32) -> Result<u32> {
        let number = self.value().and_then(Value::as_integer);
        let number = number.and_then(|number| u32::try_from(number).ok());
        number.filter(|number| (low..=high).contains(number)).ok_or_else(|| {
            let what = format!("a whole number from {low} to {high}");
            self.not_a(&what, format!("write it without quotes, like {low}"))
        })
    }

    /// A whole number between two others, on either side of 0, and not 0.
    pub fn signed(&self, low: i64, high: i64) -> Result<i64> {
        let number = self.value().and_then(Value::as_integer);
        number.filter(|number| *number != 0 && (low..=high).contains(number)).ok_or_else(|| {
            let what = format!("a whole number from {low} to {high}, and not 0");
            self.not_a(&what, format!("write it without quotes, like {}", high / 10))
        })
    }

    /// A whole number that names a run.
    pub fn seed(&self) -> Result<u64> {
        let number = self.value().and_then(Value::as_integer);
        number
            .and_then(|number| u64::try_from(number).ok())
            .ok_or_else(|| self.not_a("a seed", "write a whole number from 0 on, like 42"))
    }

    /// A share of the whole, between 0 and 1, in parts per million.
    pub fn share(&self) -> Result<u32> {
        let number = self.value().and_then(|value| match value {
            #[expect(
                clippy::cast_precision_loss,
                reason = "0 and 1 are exact, the rest is refused"
            )]
            Value::Integer(number) => Some(*number.value() as f64),
            value => value.as_float(),
        });
        let share = number
            .filter(|number| (0.0..=1.0).contains(number))
            .ok_or_else(|| self.not_a("a share", "write a number between 0 and 1, like 0.3"))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1")]
        Ok((share * 1e6).round() as u32)
    }

    /// A length of time, in microseconds.
    pub fn duration(&self) -> Result<u64> {
        let text = self.value().and_then(Value::as_str);
        text.and_then(units::duration).ok_or_else(|| {
            self.not_a("a duration", "write a number and one of us, ms, s, min, h, like \"2.5s\"")
        })
    }

    /// A length of time that is at least a microsecond.
    pub fn positive_duration(&self) -> Result<u64> {
        let duration = self.duration()?;
        if duration == 0 {
            return Err(self.not_a("longer than nothing", "write a duration like \"2s\""));
        }
        Ok(duration)
    }

    /// How often per time.
    pub fn rate(&self) -> Result<units::Rate> {
        let text = self.value().and_then(Value::as_str);
        text.and_then(units::rate).ok_or_else(|| {
            let hint = "write a number above 0 and one of /s, /min, /h, like \"50/s\"";
            self.not_a("a rate", hint)
        })
    }

    /// A size in bytes.
    pub fn bytes(&self, limit: u32) -> Result<u32> {
        let text = self.value().and_then(Value::as_str);
        text.and_then(units::bytes).filter(|bytes| *bytes <= limit).ok_or_else(|| {
            let hint = "write a number and one of B, kB, MB, like \"765B\"";
            self.not_a(&format!("a size of at most {limit} bytes"), hint)
        })
    }

    /// A share in per cent, `"2%"`, in parts per million.
    pub fn percent(&self) -> Result<u32> {
        let text = self.value().and_then(Value::as_str);
        let share = text.and_then(|text| text.strip_suffix('%')).and_then(units::millionths);
        share
            .filter(|millionths| *millionths <= 100_000_000)
            .and_then(|millionths| u32::try_from(millionths / 100).ok())
            .ok_or_else(|| self.not_a("a share", "write a percentage like \"2%\""))
    }

    /// A duration, or a share of another one in per cent.
    pub fn duration_or_percent(&self, whole: u64) -> Result<u64> {
        let text = self.value().and_then(Value::as_str);
        let share = text.and_then(|text| text.strip_suffix('%')).and_then(units::millionths);
        match share {
            Some(millionths) => {
                let part = u128::from(whole) * u128::from(millionths) / 100_000_000;
                u64::try_from(part)
                    .map_err(|_| self.not_a("a share", "write a percentage like \"10%\""))
            }
            None => self.duration(),
        }
    }

    /// Two numbers with `..` between them, both meant: `"3..8"`.
    pub fn range(&self) -> Result<(u32, u32)> {
        let text = self.value().and_then(Value::as_str);
        let parse = |text: &str| -> Option<(u32, u32)> {
            let (low, high) = text.split_once("..")?;
            let range = (low.trim().parse().ok()?, high.trim().parse().ok()?);
            (range.0 <= range.1).then_some(range)
        };
        text.and_then(parse).ok_or_else(|| {
            self.not_a("a range", "write the least and the most, both meant, like \"3..8\"")
        })
    }

    /// A list; a single value is a list of one.
    pub fn list(&self) -> Vec<Self> {
        let Some(Value::Array(array)) = self.value() else { return vec![self.clone()] };
        let entry = |value: &'a Value| Self {
            source: self.source,
            key: self.key.clone(),
            line: self.source.line(value.span()).or(self.line),
            item: Found::Value(value),
        };
        array.iter().map(entry).collect()
    }

    /// A table, called `title` in messages.
    pub fn section(&self, title: impl Into<String>) -> Result<Section<'a>> {
        let (span, table): (_, Option<&dyn TableLike>) = match self.item {
            Found::Item(item) => (item.span(), item.as_table_like()),
            Found::Value(value) => {
                (value.span(), value.as_inline_table().map(|table| table as &dyn TableLike))
            }
        };
        let table = table.ok_or_else(|| {
            self.not_a("a table", format!("write `[{key}]`, or `{key} = {{ … }}`", key = self.key))
        })?;
        let mut section = Section::new(self.source, title, span, table);
        section.line = section.line.or(self.line);
        Ok(section)
    }

    /// The tables of a list of tables.
    pub fn sections(&self) -> Result<Vec<Section<'a>>> {
        let title = format!("`[[{}]]`", self.key);
        if let Found::Item(Item::ArrayOfTables(tables)) = self.item {
            let section = |table: &'a toml_edit::Table| {
                Section::new(self.source, title.clone(), table.span(), table)
            };
            return Ok(tables.iter().map(section).collect());
        }
        if self.value().is_some_and(Value::is_array) {
            return self.list().iter().map(|entry| entry.section(title.clone())).collect();
        }
        Err(self.not_a("a list of tables", format!("write `[[{}]]` above each", self.key)))
    }
}

/// A hint for a word that nobody knows: the likeliest one, or all there are.
pub fn closest(word: &str, known: &[&str], otherwise: &str) -> String {
    const ALIKE: f64 = 0.8;
    let likeness = |name: &&str| strsim::jaro_winkler(word, name);
    let best = known.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match best {
        Some(best) if likeness(&best) >= ALIKE => format!("did you mean `{best}`?"),
        _ => format!("{otherwise}: {}", known.join(", ")),
    }
}
