//! `insert`.

use std::sync::Arc;

use super::rows::{Guess, Wish, key_of, write};
use super::{BATCH_ROWS_MAX, Options, Stats, generated_key, with_field};
use crate::reql::datum::Datum;
use crate::reql::eval::table::Table;
use crate::reql::eval::{Call, Func, Kind, Next, Run, Seq, Value};
use crate::reql::failure::{Failure, Result};

/// What is done with a document whose key is taken.
enum Conflict {
    Error,
    Replace,
    Update,
    /// What this makes of the key's field, the row and the document.
    Function(Arc<Func>),
}

impl Conflict {
    fn of(call: &Call<'_>) -> Result<Self> {
        let Some(value) = call.option("conflict")? else { return Ok(Self::Error) };
        if let Kind::Func(func) = value.kind {
            if !func.determinism().within_a_query() {
                return Err(Failure::logic(
                    "The conflict function passed to `insert` must be deterministic.",
                ));
            }
            if !matches!(func.arity(), None | Some(3)) {
                return Err(Failure::logic(
                    "The conflict function passed to `insert` should expect 3 arguments.",
                ));
            }
            return Ok(Self::Function(func));
        }
        match &*value.string(call.run)? {
            "error" => Ok(Self::Error),
            "replace" => Ok(Self::Replace),
            "update" => Ok(Self::Update),
            other => Err(Failure::logic(format!(
                "Conflict option `{other}` unrecognized (options are \"error\", \"replace\" and \
                 \"update\")."
            ))
            .at(value.place)),
        }
    }

    /// What is to stand where this row stands.
    fn resolve(&self, run: &Run, primary_key: &str, old: &Datum, new: &Datum) -> Result<Datum> {
        match self {
            _ if old.is_null() => Ok(new.clone()),
            Self::Error => Err(Failure::new(
                crate::reql::ErrorKind::OpFailed,
                format!(
                    "Duplicate primary key `{primary_key}`:\n{}\n{}",
                    old.pretty(),
                    new.pretty()
                ),
            )),
            Self::Replace => Ok(new.clone()),
            Self::Update => old.merge(new),
            Self::Function(func) => {
                func.datum(run, &[Datum::from(primary_key), old.clone(), new.clone()])
            }
        }
    }
}

/// What an insertion needs from its first document to its last.
struct Insertion<'a> {
    run: &'a Run,
    table: Arc<Table>,
    primary_key: Arc<str>,
    conflict: Conflict,
    options: Options,
    stats: Stats,
}

/// Puts documents into a table; those without a key get one.
pub(super) fn insert(call: &Call<'_>) -> Result<Value> {
    let run = call.run;
    let table = call.arg(0)?.table(run)?.clone();
    let options = Options::of(call)?;
    let conflict = Conflict::of(call)?;
    let stats = Stats::new(run, options.returns);
    let primary_key = table.rows.primary_key();
    let mut insertion = Insertion { run, table, primary_key, conflict, options, stats };
    let value = call.arg(1)?;
    match value.peek(run)? {
        Some(document @ Datum::Object(_)) => insertion.write(vec![document])?,
        _ => insertion.write_all(value.into_seq(run)?)?,
    }
    Ok(call.datum_value(insertion.stats.into_datum()))
}

impl Insertion<'_> {
    fn write_all(&mut self, mut seq: Seq) -> Result<()> {
        seq.check_end()?;
        let mut batch = Vec::new();
        while let Next::Item(document) = seq.next_value(self.run)? {
            batch.push(document);
            if batch.len() >= BATCH_ROWS_MAX {
                self.write(std::mem::take(&mut batch))?;
            }
        }
        if batch.is_empty() { Ok(()) } else { self.write(batch) }
    }

    fn write(&mut self, batch: Vec<Datum>) -> Result<()> {
        let (mut documents, mut wishes, mut refusals) = (Vec::new(), Vec::new(), Vec::new());
        for mut document in batch {
            if matches!(&document, Datum::Object(fields) if !fields.contains_key(&self.primary_key))
            {
                let key = generated_key(self.run)?;
                document = with_field(document, &self.primary_key, key.clone());
                self.stats.generated(key);
            }
            match key_of(&self.primary_key, &document) {
                Ok(key) => {
                    documents.push(document);
                    wishes.push(Wish { key, guess: Guess::Absent });
                    refusals.push(None);
                }
                Err(failure) => refusals.push(Some(failure.message)),
            }
        }
        let Self { run, table, primary_key, conflict, options, stats } = self;
        let rows = write(run, table, options, &wishes, &mut |number, old| {
            conflict.resolve(run, primary_key, old, &documents[number])
        })?;
        // What is no row at all is found out before any row is written.
        refusals.iter().flatten().take(1).for_each(|message| stats.blame(message));
        let mut rows = rows.into_iter();
        for refusal in refusals {
            match refusal {
                Some(message) => stats.refused(message),
                None => rows.next().into_iter().for_each(|row| stats.add(row)),
            }
        }
        Ok(())
    }
}
