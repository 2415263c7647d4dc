//! The variables that a term can see, with their values.

use std::sync::Arc;

use crate::reql::compile::binds_row;
use crate::reql::datum::Datum;

/// The parameters of the functions around a term, innermost first. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope(Option<Arc<Binding>>);

#[derive(Debug)]
struct Binding {
    names: Arc<[i64]>,
    values: Vec<Datum>,
    outer: Scope,
}

impl Scope {
    /// This scope within a function of these parameters and arguments.
    pub(crate) fn within(&self, names: &Arc<[i64]>, values: &[Datum]) -> Self {
        let (names, values) = (names.clone(), values.to_vec());
        Self(Some(Arc::new(Binding { names, values, outer: self.clone() })))
    }

    fn bindings(&self) -> impl Iterator<Item = &Binding> {
        std::iter::successors(self.0.as_deref(), |binding| binding.outer.0.as_deref())
    }

    /// A variable's value.
    pub(crate) fn lookup(&self, name: i64) -> Option<&Datum> {
        self.bindings().find_map(|binding| {
            let index = binding.names.iter().rposition(|other| *other == name)?;
            binding.values.get(index)
        })
    }

    /// What `r.row` means.
    pub(crate) fn row(&self) -> Option<&Datum> {
        self.bindings().find(|binding| binds_row(&binding.names))?.values.first()
    }
}
