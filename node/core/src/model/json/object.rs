//! An object's fields, in the order they are written.

use super::Json;

/// An object: fields sorted by the UTF-8 bytes of their names, each name once.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Object(Vec<(Box<str>, Json)>);

impl Object {
    /// No fields yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many fields.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A field's value.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.find(key).ok().map(|at| &self.0[at].1)
    }

    /// A field's value, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        self.find(key).ok().map(|at| &mut self.0[at].1)
    }

    /// Sets a field; gives back what it was.
    pub fn insert(&mut self, key: impl Into<Box<str>>, value: Json) -> Option<Json> {
        let key = key.into();
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes a field out.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        self.find(key).ok().map(|at| self.0.remove(at).1)
    }

    /// The fields, sorted.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json)> + Clone {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Json> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// The fields as they lie in memory.
    pub(super) fn fields(&self) -> &[(Box<str>, Json)] {
        &self.0
    }

    /// Of fields in any order; of two with one name the later wins.
    pub(super) fn from_fields(mut fields: Vec<(Box<str>, Json)>) -> Self {
        // Documents that were written by a program of this kind come sorted.
        if !fields.is_sorted_by(|(a, _), (b, _)| a < b) {
            // The last of equal names comes first, and stays.
            fields.reverse();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            fields.dedup_by(|(a, _), (b, _)| a == b);
        }
        Self(fields)
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(name, _)| (**name).cmp(key))
    }
}

impl FromIterator<(Box<str>, Json)> for Object {
    /// The last of equal names wins.
    fn from_iter<I: IntoIterator<Item = (Box<str>, Json)>>(fields: I) -> Self {
        Self::from_fields(fields.into_iter().collect())
    }
}

impl IntoIterator for Object {
    type Item = (Box<str>, Json);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
