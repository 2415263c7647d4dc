//! A table's write hook: the function that whatever is written passes through, row by row.

use std::sync::Arc;

use crate::reql::datum::Datum;
use crate::reql::eval::stored::StoredRows;
use crate::reql::eval::{Func, Run};
use crate::reql::failure::{Failure, Result};
use crate::reql::index;

pub(super) struct Hook<'a> {
    run: &'a Run,
    func: Arc<Func>,
}

impl<'a> Hook<'a> {
    /// The table's hook, if it has one.
    pub(super) fn of(run: &'a Run, stored: &StoredRows) -> Result<Option<Self>> {
        let catalog = stored.database.catalog();
        let config = &catalog.table_of(stored.table.id).unwrap_or(&stored.table).config;
        let Some(text) = &config.write_hook else { return Ok(None) };
        Ok(Some(Self { run, func: index::read(text).map_err(Failure::logic)? }))
    }

    /// What is written in the place of a row instead of another; null stands for none.
    ///
    /// Source: RethinkDB docs, `set_write_hook`.
    pub(super) fn pass(&self, key: &Datum, old: &Datum, new: Datum) -> Result<Datum> {
        if old.is_null() && new.is_null() {
            return Ok(new);
        }
        let context =
            Datum::fields([("primary_key", key.clone()), ("timestamp", self.run.now.clone())]);
        let is_deletion = new.is_null();
        let passed = self.func.datum(self.run, &[context, old.clone(), new]);
        let passed = passed.map_err(|mut failure| {
            failure.message = format!("Error in write hook: {}", failure.message);
            failure
        })?;
        match (is_deletion, passed.is_null()) {
            (true, false) => Err(Failure::logic(
                "A write hook function must not turn a deletion into a replace/insert.",
            )),
            (false, true) => Err(Failure::logic(
                "A write hook function must not turn a replace/insert into a deletion.",
            )),
            _ => Ok(passed),
        }
    }
}
