//! Copying and comparing with a stack of their own, so that depth costs memory, never the thread's
//! stack: derived, a debug build would overflow 2 MiB on the deepest document.

use super::{Json, Object};

/// An array or object of which a part is copied; what is missing follows from how much is there.
enum Open<'a> {
    Array(&'a [Json], Vec<Json>),
    Object(&'a [(Box<str>, Json)], Vec<(Box<str>, Json)>),
}

impl Clone for Json {
    fn clone(&self) -> Self {
        let mut open = Vec::new();
        let mut source = self;
        loop {
            let mut copied = match source {
                Json::Null => Some(Json::Null),
                Json::Bool(value) => Some(Json::Bool(*value)),
                Json::Int(value) => Some(Json::Int(*value)),
                Json::BigInt(digits) => Some(Json::BigInt(digits.clone())),
                Json::Float(value) => Some(Json::Float(*value)),
                Json::String(text) => Some(Json::String(text.clone())),
                Json::Array(items) => {
                    open.push(Open::Array(items, Vec::with_capacity(items.len())));
                    None
                }
                Json::Object(object) => {
                    let copy = Vec::with_capacity(object.len());
                    open.push(Open::Object(object.fields(), copy));
                    None
                }
            };
            // On to the next value, closing what has none left.
            source = loop {
                match open.last_mut() {
                    None => return copied.expect("what was opened is closed, and then complete"),
                    Some(Open::Array(items, copy)) => {
                        copy.extend(copied.take());
                        match items.get(copy.len()) {
                            Some(next) => break next,
                            None => copied = Some(Json::Array(std::mem::take(copy))),
                        }
                    }
                    Some(Open::Object(fields, copy)) => {
                        if let Some(value) = copied.take() {
                            copy.push((fields[copy.len()].0.clone(), value));
                        }
                        match fields.get(copy.len()) {
                            Some((_, next)) => break next,
                            None => {
                                let copy = Object::from_fields(std::mem::take(copy));
                                copied = Some(Json::Object(copy));
                            }
                        }
                    }
                }
                open.pop();
            };
        }
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        // Nothing is allocated for values without parts.
        let mut pairs = Vec::new();
        let mut pair = (self, other);
        loop {
            let alike = match pair {
                (Json::Null, Json::Null) => true,
                (Json::Bool(a), Json::Bool(b)) => a == b,
                (Json::Int(a), Json::Int(b)) => a == b,
                (Json::BigInt(a), Json::BigInt(b)) | (Json::String(a), Json::String(b)) => a == b,
                (Json::Float(a), Json::Float(b)) => {
                    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
                }
                (Json::Array(a), Json::Array(b)) => {
                    pairs.extend(a.iter().zip(b));
                    a.len() == b.len()
                }
                (Json::Object(a), Json::Object(b)) => {
                    let (a, b) = (a.fields(), b.fields());
                    pairs.extend(a.iter().zip(b).map(|((_, a), (_, b))| (a, b)));
                    a.len() == b.len() && a.iter().zip(b).all(|((a, _), (b, _))| a == b)
                }
                _ => false,
            };
            if !alike {
                return false;
            }
            match pairs.pop() {
                Some(next) => pair = next,
                None => return true,
            }
        }
    }
}

impl Eq for Json {}
