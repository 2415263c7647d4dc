//! How many elements of a sequence go into one answer.

use super::datum::{Datum, deep};
use super::eval::Run;
use super::failure::{Failure, Result};

/// A batch is not sent for its size or age before it has so many elements.
const ROWS_MIN: usize = 8;
/// A batch of so many bytes is full.
const BYTES_MAX: usize = 1024 * 1024;
/// A batch that has been gathered for so long is full.
const SECONDS_MAX: f64 = 0.5;
/// By how much the first batch is smaller and quicker than the others.
const FIRST_SCALEDOWN: usize = 4;
/// What a client may ask for at most, in seconds.
const SECONDS_LIMIT: f64 = 86_400.0;

/// When a batch is full.
///
/// Source: RethinkDB manual, `run`: `min_batch_rows`, `max_batch_rows`, `max_batch_bytes`,
/// `max_batch_seconds`, `first_batch_scaledown_factor`.
pub(super) struct BatchLimits {
    rows_min: usize,
    rows_max: usize,
    bytes_max: usize,
    seconds_max: f64,
    first_scaledown: usize,
}

/// A batch that is being gathered.
pub(super) struct Batch {
    pub(super) items: Vec<Datum>,
    bytes: usize,
    rows_min: usize,
    rows_max: usize,
    bytes_max: usize,
    full_at_s: f64,
}

impl BatchLimits {
    pub(super) fn of(run: &Run) -> Result<Self> {
        let whole = |name| match run.option(name)? {
            Some(value) => {
                let number = value.integer(run)?;
                let positive = usize::try_from(number).ok().filter(|number| *number >= 1);
                let message = || format!("`{name}` must be at least 1 (got `{number}`).");
                positive.map(Some).ok_or_else(|| Failure::logic(message()))
            }
            None => Ok(None),
        };
        let rows_max = whole("max_batch_rows")?.unwrap_or(usize::MAX);
        let seconds_max = match run.option("max_batch_seconds")? {
            Some(value) => value.number(run)?,
            None => SECONDS_MAX,
        };
        if seconds_max >= SECONDS_LIMIT {
            return Err(Failure::logic(format!(
                "max_batch_seconds is too large (got `{seconds_max}`, must be less than {SECONDS_LIMIT})."
            )));
        }
        if seconds_max < 0.0 {
            return Err(Failure::logic(format!(
                "max_batch_seconds must be positive (got `{seconds_max}`)."
            )));
        }
        Ok(Self {
            rows_min: whole("min_batch_rows")?.unwrap_or(ROWS_MIN).min(rows_max),
            rows_max,
            bytes_max: whole("max_batch_bytes")?.unwrap_or(BYTES_MAX),
            seconds_max,
            first_scaledown: whole("first_batch_scaledown_factor")?.unwrap_or(FIRST_SCALEDOWN),
        })
    }

    pub(super) fn batch(&self, run: &Run, is_first: bool) -> Batch {
        let scaledown = if is_first { self.first_scaledown } else { 1 };
        let scaled =
            |limit: usize| if limit == usize::MAX { limit } else { (limit / scaledown).max(1) };
        #[expect(clippy::cast_precision_loss, reason = "a factor that long is all the same")]
        let seconds = self.seconds_max / scaledown as f64;
        Batch {
            items: Vec::new(),
            bytes: 0,
            rows_min: scaled(self.rows_min),
            rows_max: scaled(self.rows_max),
            bytes_max: scaled(self.bytes_max),
            full_at_s: run.clock_s() + seconds,
        }
    }
}

impl Batch {
    pub(super) fn push(&mut self, item: Datum) {
        self.bytes += rough_size(&item);
        self.items.push(item);
    }

    pub(super) fn is_full(&self, run: &Run) -> bool {
        let count = self.items.len();
        count >= self.rows_max
            || (count >= self.rows_min
                && (self.bytes >= self.bytes_max || run.clock_s() >= self.full_at_s))
    }
}

/// About as many bytes as a value's JSON text has.
fn rough_size(datum: &Datum) -> usize {
    match datum {
        Datum::String(text) => text.len() + 2,
        Datum::Binary(bytes) => bytes.len() * 4 / 3 + 36,
        Datum::Array(items) => deep(|| items.iter().map(|item| rough_size(item) + 1).sum()),
        Datum::Object(object) => {
            deep(|| object.iter().map(|(name, value)| name.len() + rough_size(value) + 4).sum())
        }
        _ => 8,
    }
}
