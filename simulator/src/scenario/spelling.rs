//! How a plan's own types are spelled in a scenario, whatever their fields are.
//!
//! Operations, faults and Byzantine members of a plan go into a file and back by their serde form, so
//! that a new kind or a new field needs no line here. What makes the file readable is a handful of
//! rules over keys: `at_us = 2500000` is spelled `at = "2.5s"`, `payload_bytes = 200` is
//! `payload = "200B"`, and in `node` and `server` stand names instead of indices, in `nodes` and
//! `servers` lists of them.
//! So a text that looks like a time or a size is one. Not here: which sections there are (`planned`,
//! `write`). Start at [`value`] and [`read`].

use serde_json::{Map, Value as Json};
use toml_edit::{Item, TableLike, Value};

use bigchaindb_strict::units;

/// A key and its value as they stand in the file; `None` if nothing is written for it.
pub(super) fn pair(key: &str, json: &Json) -> Option<(String, String)> {
    if json.is_null() {
        return None;
    }
    if let (Some(short), Some(us)) = (key.strip_suffix("_us"), json.as_u64()) {
        return Some((short.to_owned(), text(&duration(us))));
    }
    if let (Some(short), Some(bytes)) = (key.strip_suffix("_bytes"), json.as_u64()) {
        return Some((short.to_owned(), text(&format!("{bytes}B"))));
    }
    if let Some(members) = letter(key)
        && let Some(named) = named(members, json)
    {
        return Some((key.to_owned(), named));
    }
    Some((key.to_owned(), value(json)))
}

/// A value; objects become inline tables.
pub(super) fn value(json: &Json) -> String {
    match json {
        // A list has no other way to say that it holds nothing at a place.
        Json::Null => text(""),
        Json::String(string) => text(string),
        Json::Array(items) => format!("[{}]", join(items.iter().map(value))),
        Json::Object(fields) => {
            let pairs = fields.iter().filter_map(|(key, json)| pair(key, json));
            match join(pairs.map(|(key, value)| format!("{} = {value}", bare(&key)))) {
                pairs if pairs.is_empty() => "{}".to_owned(),
                pairs => format!("{{ {pairs} }}"),
            }
        }
        plain => plain.to_string(),
    }
}

/// A text in quotes.
pub(super) fn text(string: &str) -> String {
    let mut quoted = String::from('"');
    for character in string.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            character if character.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(character)));
            }
            character => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// A length of time, exact, in the unit that reads best.
pub(super) fn duration(us: u64) -> String {
    let (unit, name) = match us {
        0 => return "0s".to_owned(),
        1..1_000 => (1, "us"),
        1_000..1_000_000 => (1_000, "ms"),
        _ => (1_000_000, "s"),
    };
    let part = us % unit * (1_000_000 / unit);
    let part = format!("{part:06}");
    match part.trim_end_matches('0') {
        "" => format!("{}{name}", us / unit),
        part => format!("{}.{part}{name}", us / unit),
    }
}

/// A key as TOML has it: in quotes only if it has to be.
pub(super) fn bare(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    if !key.is_empty() && key.bytes().all(plain) { key.to_owned() } else { text(key) }
}

/// The table of a file, as the serde form of a plan's type.
pub(super) fn read(table: &dyn TableLike) -> Result<Map<String, Json>, String> {
    let mut fields = Map::new();
    for (key, item) in table.iter() {
        let (key, json) = match item {
            Item::Value(value) => read_pair(key, value)?,
            item => {
                let table = item.as_table_like().ok_or_else(|| format!("`{key}` is a list"))?;
                (key.to_owned(), Json::Object(read(table)?))
            }
        };
        fields.insert(key, json);
    }
    Ok(fields)
}

/// The key of the file that a key of the serde form is spelled as.
pub(super) fn short(key: &str) -> &str {
    key.strip_suffix("_us").or_else(|| key.strip_suffix("_bytes")).unwrap_or(key)
}

fn read_pair(key: &str, value: &Value) -> Result<(String, Json), String> {
    if let Some(members) = letter(key) {
        return Ok((key.to_owned(), indices(key, members, value)?));
    }
    if let Some(string) = value.as_str() {
        if let Some(us) = units::duration(string) {
            return Ok((format!("{key}_us"), us.into()));
        }
        if let Some(bytes) = units::bytes(string) {
            return Ok((format!("{key}_bytes"), bytes.into()));
        }
    }
    Ok((key.to_owned(), read_value(key, value)?))
}

fn read_value(key: &str, value: &Value) -> Result<Json, String> {
    Ok(match value {
        Value::String(string) => string.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => (*number.value()).into(),
        Value::Boolean(truth) => (*truth.value()).into(),
        Value::Datetime(_) => return Err(format!("`{key}` is a date")),
        Value::Array(items) => {
            items.iter().map(|item| read_value(key, item)).collect::<Result<_, _>>()?
        }
        Value::InlineTable(table) => Json::Object(read(table)?),
    })
}

/// The letter that the names of a key's members begin with, and whether there is a list of them.
fn letter(key: &str) -> Option<(char, bool)> {
    match key {
        "node" => Some(('n', false)),
        "nodes" => Some(('n', true)),
        "server" => Some(('s', false)),
        "servers" => Some(('s', true)),
        _ => None,
    }
}

fn named((letter, many): (char, bool), json: &Json) -> Option<String> {
    let name = |json: &Json| Some(text(&format!("{letter}{}", json.as_u64()? + 1)));
    if !many {
        return name(json);
    }
    let names: Option<Vec<_>> = json.as_array()?.iter().map(name).collect();
    Some(format!("[{}]", names?.join(", ")))
}

fn indices(key: &str, (letter, many): (char, bool), value: &Value) -> Result<Json, String> {
    let index = |value: &Value| -> Option<Json> {
        let number: u64 = value.as_str()?.strip_prefix(letter)?.parse().ok()?;
        Some(number.checked_sub(1)?.into())
    };
    let read = match value {
        Value::Array(items) if many => {
            items.iter().map(index).collect::<Option<Vec<_>>>().map(Json::Array)
        }
        value if !many => index(value),
        _ => None,
    };
    read.ok_or_else(|| format!("`{key}` names nobody: write names like \"{letter}1\""))
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a value becomes in a file, and that it comes back from there.
    #[track_caller]
    fn check(fields: Json, file: &str) {
        let Json::Object(fields) = fields else { panic!("no object") };
        let pairs = fields.iter().filter_map(|(key, json)| pair(key, json));
        let lines: Vec<_> = pairs.map(|(key, value)| format!("{} = {value}", bare(&key))).collect();
        assert_eq!(lines.join("\n"), file);
        let document = toml_edit::Document::parse(file).expect("it is TOML");
        let mut expected = fields.clone();
        expected.retain(|_, json| !json.is_null());
        assert_eq!(read(document.as_table()), Ok(expected));
    }

    #[test]
    fn plans_are_spelled_so_that_people_can_read_them() {
        check(json!({"at_us": 2_500_000}), "at = \"2.5s\"");
        check(json!({"at_us": 250, "until_us": 1_250}), "at = \"250us\"\nuntil = \"1.25ms\"");
        check(json!({"at_us": 0, "p_us": 1_333_333}), "at = \"0s\"\np = \"1.333333s\"");
        check(json!({"payload_bytes": 200}), "payload = \"200B\"");
        check(json!({"node": 0, "nodes": [1, 2]}), "node = \"n1\"\nnodes = [\"n2\", \"n3\"]");
        check(json!({"servers": [], "ms": -5}), "ms = -5\nservers = []");
        check(json!({"none": null, "yes": true}), "yes = true");
        check(
            json!({"how": {"slow": {"factor": 3, "jitter_us": 20}}}),
            "how = { slow = { factor = 3, jitter = \"20us\" } }",
        );
        check(json!({"a b": "c\"\\\u{7f}\n\u{e9}"}), "\"a b\" = \"c\\\"\\\\\\u007F\\n\u{e9}\"");
    }

    #[test]
    fn who_is_nobody_is_said() {
        for file in
            ["node = 1", "node = \"m1\"", "nodes = [\"n0\"]", "server = \"n1\"", "at = 1979-05-27"]
        {
            let document = toml_edit::Document::parse(file).expect("it is TOML");
            assert!(read(document.as_table()).is_err(), "{file}");
        }
    }
}
