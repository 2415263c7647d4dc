//! The texts of a transaction that are hashed and signed.
//!
//! The id is the hash of the body without its signatures. Each fulfillment signs a message of its
//! own, put together from parts of the body; as both texts are canonical, those parts are spelled
//! alike in both, so the body is written once and messages are cut out of it.

use std::ops::Range;

use super::super::raised::{element, item, items, place};
use super::super::{CanonicalJsonError, Json, Raised, TxId, keccak256_hex, write_name};
use super::Transaction;

/// The texts of one transaction.
#[derive(Debug)]
pub struct Texts<'a> {
    transaction: &'a Transaction,
    /// The canonical text of the body, every `fulfillment` null.
    body: String,
    /// Where in it the fields' values stand that every message repeats.
    fields: [Option<Range<usize>>; 4],
    /// Where its conditions stand.
    conditions: Vec<Range<usize>>,
    /// Where its fulfillments stand.
    fulfillments: Vec<Range<usize>>,
}

/// The fields that every message repeats, in the order in which Python missed them.
const REPEATED: [&str; 4] = ["operation", "timestamp", "data", "version"];

impl<'a> Texts<'a> {
    /// Writes the body.
    ///
    /// # Errors
    /// `KeyError` or `TypeError` if its `fulfillments` are no list of objects, `OverflowError` if
    /// it has no canonical text.
    pub fn of(transaction: &'a Transaction) -> Result<Self, Raised> {
        items(item(transaction.body(), "fulfillments")?)?;
        let mut texts = Self {
            transaction,
            body: String::with_capacity(1024),
            fields: Default::default(),
            conditions: Vec::new(),
            fulfillments: Vec::new(),
        };
        texts.write()?;
        Ok(texts)
    }

    /// The text whose hash is the id.
    pub fn hashed(&self) -> &str {
        &self.body
    }

    /// The hash of the body: what the id has to be.
    pub fn id(&self) -> TxId {
        keccak256_hex(self.body.as_bytes()).into()
    }

    /// The text that the fulfillment at this place of the list signs.
    ///
    /// # Errors
    /// What Python raises if a field that goes into it is missing, or `fid` names no condition.
    pub fn message(&self, at: usize) -> Result<String, Raised> {
        let body = self.transaction.body();
        for name in REPEATED {
            item(body, name)?;
        }
        let conditions = item(body, "conditions")?;
        let fid = item(&self.transaction.fulfillments()[at], "fid")?;
        let other;
        let condition = match conditions {
            Json::Array(conditions) => {
                &self.body[self.conditions[place(conditions.len(), fid)?].clone()]
            }
            // To Python a text is a list of characters.
            Json::String(text) => {
                let characters: Vec<char> = text.chars().collect();
                let character = characters[place(characters.len(), fid)?].to_string();
                other = Json::from(character).canonical()?;
                &other
            }
            _ => {
                other = element(conditions, fid)?.canonical()?;
                &other
            }
        };
        let [operation, timestamp, data, version] = self
            .fields
            .clone()
            .map(|range| &self.body[range.expect("the body was written, and has these fields")]);
        let fulfillment = &self.body[self.fulfillments[at].clone()];
        let id = self.transaction.id().as_str();
        let parts: [&str; 14] = [
            "{\"condition\":",
            condition,
            ",\"data\":",
            data,
            ",\"fulfillment\":",
            fulfillment,
            ",\"id\":",
            id,
            ",\"operation\":",
            operation,
            ",\"timestamp\":",
            timestamp,
            ",\"version\":",
            version,
        ];
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut message = String::with_capacity(length + 3);
        for (number, part) in parts.into_iter().enumerate() {
            if number == ID { write_name(part, &mut message) } else { message.push_str(part) }
        }
        message.push('}');
        Ok(message)
    }

    fn write(&mut self) -> Result<(), Raised> {
        let transaction = self.transaction;
        let body = transaction.body().as_object().expect("from_document saw an object");
        let out = &mut self.body;
        out.push('{');
        for (number, (name, value)) in body.iter().enumerate() {
            if number > 0 {
                out.push(',');
            }
            write_name(name, out);
            out.push(':');
            let start = out.len();
            match (name, value) {
                ("conditions", Json::Array(conditions)) => {
                    self.conditions = write_list(conditions, out, Json::canonical_into)?;
                }
                ("fulfillments", Json::Array(fulfillments)) => {
                    self.fulfillments = write_list(fulfillments, out, write_unsigned)?;
                }
                _ => value.canonical_into(out)?,
            }
            if let Some(place) = REPEATED.iter().position(|repeated| *repeated == name) {
                self.fields[place] = Some(start..out.len());
            }
        }
        out.push('}');
        Ok(())
    }
}

/// Where among the parts of a message the id stands: it alone still has to be written as a string.
const ID: usize = 7;

/// Writes a list; says where its items stand.
fn write_list<E>(
    items: &[Json],
    out: &mut String,
    write: impl Fn(&Json, &mut String) -> Result<(), E>,
) -> Result<Vec<Range<usize>>, E> {
    let mut ranges = Vec::with_capacity(items.len());
    out.push('[');
    for item in items {
        if !ranges.is_empty() {
            out.push(',');
        }
        let start = out.len();
        write(item, out)?;
        ranges.push(start..out.len());
    }
    out.push(']');
    Ok(ranges)
}

/// Writes a fulfillment with its `fulfillment` null, whether it has one or not.
fn write_unsigned(fulfillment: &Json, out: &mut String) -> Result<(), Raised> {
    let Json::Object(fields) = fulfillment else {
        return Err(Raised::new("TypeError", "object does not support item assignment"));
    };
    let before = fields.iter().filter(|(name, _)| *name < SIGNATURE);
    let after = fields.iter().filter(|(name, _)| *name > SIGNATURE);
    let write =
        |(name, value): (&str, &Json), out: &mut String| -> Result<(), CanonicalJsonError> {
            write_name(name, out);
            out.push(':');
            value.canonical_into(out)
        };
    out.push('{');
    for field in before {
        write(field, out)?;
        out.push(',');
    }
    out.push_str("\"fulfillment\":null");
    for field in after {
        out.push(',');
        write(field, out)?;
    }
    out.push('}');
    Ok(())
}

const SIGNATURE: &str = "fulfillment";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_conditions_is_a_list_of_characters() {
        let message = |fid: &str| {
            let text = r#"{"id":"x","transaction":{"operation":"TRANSFER","timestamp":"1","data":1,
                "version":1,"conditions":"Gé","fulfillments":[{"fid":FID}]}}"#;
            let document = Json::parse(text.replace("FID", fid).as_bytes()).unwrap();
            let transaction = Transaction::from_document(document).unwrap();
            let message = Texts::of(&transaction).unwrap().message(0);
            message.map(|message| message[..17].to_owned()).map_err(|raised| raised.class)
        };
        assert_eq!(message("0"), Ok(r#"{"condition":"G","#.to_owned()));
        assert!(message("-1").unwrap().starts_with(r#"{"condition":"é""#));
        assert_eq!(message("2"), Err("IndexError"));
    }
}
