//! Secondary indexes: under which values a row is found.
//!
//! A native index is data. What it takes out of a document follows RethinkDB to the odd corner: a field
//! of an array is that field of each element that has it, and a document for which there is no
//! value, or none that can be a key, is simply not in the index. Not here: where entries are kept
//! and read (`batch`), which indexes there are (`catalog`), functions that clients wrote (`reql`).

use bigchaindb_core::model::Json;

use crate::key;
use crate::row::{Field, Row};

/// The names of fields, one inside the other: `["block", "timestamp"]` is `row.block.timestamp`.
pub type Path = &'static [&'static str];

/// A secondary index that is kept natively.
#[derive(Clone, Copy, Debug)]
pub struct NativeIndex {
    /// Its name, unique in its table.
    pub name: &'static str,
    /// What it takes out of a document.
    pub value: Value,
    /// The same as a ReQL function, as JSON text: what a client says that means this index.
    pub function: &'static str,
}

/// What an index takes out of a document.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// The value at a path.
    Simple(Path),
    /// The array of the values at several paths.
    Compound(&'static [Path]),
    /// The value at a path, or, if that is an array, each of its elements: one entry per element,
    /// also for equal ones.
    Multi(Path),
    /// For each element of the arrays that are met one inside the other along `arrays`: the array
    /// of the values at several paths inside the element. Elements that lack one are skipped.
    Each {
        /// Paths from one array to the next.
        arrays: &'static [Path],
        /// Paths inside an element.
        parts: &'static [Path],
    },
}

impl Value {
    /// Hands out an entry after the other: the encoded value, and the tag, which keeps apart what
    /// one row has several times under one value. The tag is the number of the element on each
    /// array that was gone through, outermost first.
    pub(crate) fn entries(&self, row: &Row, emit: &mut dyn FnMut(&[u8], &[u32])) {
        let mut value = Vec::new();
        match *self {
            Self::Simple(path) => {
                if encode(follow(row.root(), path), &mut value) {
                    emit(&value, &[]);
                }
            }
            Self::Compound(paths) => {
                if compound(row.root(), paths, &mut value) {
                    emit(&value, &[]);
                }
            }
            Self::Multi(path) => {
                for (number, item) in elements(row, path) {
                    value.clear();
                    if key::encode(item, &mut value) {
                        emit(&value, &[number]);
                    }
                }
            }
            Self::Each { arrays, parts } => each(row.root(), arrays, parts, &mut vec![], emit),
        }
    }

    /// How many numbers a tag has.
    pub(crate) const fn tag_length(&self) -> u8 {
        match self {
            Self::Simple(_) | Self::Compound(_) => 0,
            Self::Multi(_) => 1,
            Self::Each { arrays, .. } => {
                assert!(arrays.len() < 16, "an index goes through few arrays");
                #[expect(clippy::cast_possible_truncation, reason = "checked")]
                let length = arrays.len() as u8;
                length
            }
        }
    }

    /// Whether one row may be found under several values.
    pub(crate) fn is_multi(&self) -> bool {
        self.tag_length() > 0
    }
}

/// What is at the end of a path.
enum Found<'a> {
    One(Field<'a>),
    /// The path went through an array: what each element has, with the element's number.
    Many(Vec<(u32, &'a Json)>),
}

/// Follows a path as RethinkDB's brackets do; `None` if that is an error there.
fn follow<'a>(root: Field<'a>, path: Path) -> Option<Found<'a>> {
    let mut found = Found::One(root);
    for name in path {
        let items = match found {
            Found::Many(items) => items,
            Found::One(field) => match field.items() {
                Some(items) => (0..).zip(items).collect(),
                None => {
                    found = Found::One(field.get(name)?);
                    continue;
                }
            },
        };
        found = Found::Many(of_each(items, name)?);
    }
    Some(found)
}

/// A field of each of these; those that are null or have no such field are left out, any other
/// kind of value is an error.
fn of_each<'a>(items: Vec<(u32, &'a Json)>, name: &str) -> Option<Vec<(u32, &'a Json)>> {
    let mut of_each = Vec::with_capacity(items.len());
    for (number, item) in items {
        match item {
            Json::Object(fields) => of_each.extend(fields.get(name).map(|value| (number, value))),
            Json::Null => {}
            _ => return None,
        }
    }
    Some(of_each)
}

/// The elements of what is at a path, each with its number; a single value is element 0.
fn elements(row: &Row, path: Path) -> Vec<(u32, &Json)> {
    match follow(row.root(), path) {
        Some(Found::Many(items)) => items,
        Some(Found::One(field)) => match field.items() {
            Some(items) => (0..).zip(items).collect(),
            None => field.json().map(|item| (0, item)).into_iter().collect(),
        },
        None => vec![],
    }
}

/// Appends the array of what is at these paths; false if it cannot be a key.
fn compound(root: Field<'_>, paths: &[Path], value: &mut Vec<u8>) -> bool {
    key::encode_array(value, |value| paths.iter().all(|path| encode(follow(root, path), value)))
}

/// Appends what is at the end of a path; false if it cannot be a key.
fn encode(found: Option<Found<'_>>, value: &mut Vec<u8>) -> bool {
    match found {
        Some(Found::One(field)) => field.json().is_some_and(|found| key::encode(found, value)),
        Some(Found::Many(items)) => key::encode_array(value, |value| {
            items.into_iter().all(|(_, item)| key::encode(item, value))
        }),
        None => false,
    }
}

fn each(
    root: Field<'_>,
    arrays: &[Path],
    parts: &[Path],
    tag: &mut Vec<u32>,
    emit: &mut dyn FnMut(&[u8], &[u32]),
) {
    let Some((path, inner)) = arrays.split_first() else {
        let mut value = Vec::new();
        if compound(root, parts, &mut value) {
            emit(&value, tag);
        }
        return;
    };
    let Some(Found::One(array)) = follow(root, path) else { return };
    for (number, item) in (0..).zip(array.items().into_iter().flatten()) {
        tag.push(number);
        each(Field::Json(item), inner, parts, tag, emit);
        tag.pop();
    }
}
