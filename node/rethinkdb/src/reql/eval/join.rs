//! Elements of one sequence put together with those of another.

use std::collections::VecDeque;
use std::sync::Arc;

use super::func::Shortcut;
use super::seq::Endless;
use super::table::{Keys, Sorting, Table, Wanted, Yield};
use super::{Call, Func, Next, Run, Seq, Stream, Value};
use crate::reql::datum::Datum;
use crate::reql::failure::{At, Place, Result};
use crate::reql::number;
use crate::reql::op::{Grouping, Op};

pub(super) const OPS: &[Op] = &[
    Op::new(number::INNER_JOIN, "inner_join", (3, 3), |call| nested(call, false)),
    Op::new(number::OUTER_JOIN, "outer_join", (3, 3), |call| nested(call, true)),
    Op::new(number::EQ_JOIN, "eqjoin", (3, 3), eq_join)
        .options(&["index", "ordered"])
        .grouping(Grouping::Stream),
];

fn pair(left: &Datum, right: Datum) -> Datum {
    Datum::fields([("left", left.clone()), ("right", right)])
}

fn nested(call: &Call<'_>, keeps_left: bool) -> Result<Value> {
    let left = call.seq(0)?;
    let func = call.arg(2)?.into_func_or(Shortcut::Constant, call.run)?;
    let right = call.later(1);
    let is_array = left.is_array();
    let open = None;
    let joined = Nested { left, right, func, keeps_left, open, place: call.place() };
    call.seq_value(Seq::array_if(is_array, Box::new(joined)))
}

/// Every element of one sequence with every one of another that a function is true of.
struct Nested {
    left: Seq,
    /// The other sequence, which is evaluated anew for each element.
    right: Func,
    func: Arc<Func>,
    /// Whether elements that find none go alone.
    keeps_left: bool,
    /// An element, the others it has not met yet, and whether it has found one.
    open: Option<(Datum, Seq, bool)>,
    place: Place,
}

impl Stream for Nested {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            let Some((left, rights, has_met)) = &mut self.open else {
                match self.left.next_value(run)? {
                    Next::Item(left) => {
                        let rights = self.right.call(run, &[])?.into_seq(run)?;
                        rights.check_end()?;
                        self.open = Some((left, rights, false));
                        continue;
                    }
                    end => return Ok(end),
                }
            };
            match rights.next_value(run)? {
                Next::Item(right) => {
                    let args = [left.clone(), right];
                    if self.func.datum(run, &args).at(self.place)?.is_truthy() {
                        *has_met = true;
                        let [left, right] = args;
                        return Ok(Next::Item(pair(&left, right)));
                    }
                }
                _ => {
                    let goes_alone = self.keeps_left && !*has_met;
                    let alone = Datum::fields([("left", std::mem::take(left))]);
                    self.open = None;
                    if goes_alone {
                        return Ok(Next::Item(alone));
                    }
                }
            }
        }
    }

    fn endless(&self) -> Option<Endless> {
        self.left.endless()
    }

    fn is_feed(&self) -> bool {
        self.left.is_feed()
    }

    fn notes(&self) -> Vec<u8> {
        super::changes::wrapped_notes(self.left.notes())
    }
}

fn eq_join(call: &Call<'_>) -> Result<Value> {
    let (left, key, table) = (call.seq(0)?, call.arg(1)?, call.arg(2)?);
    let key = key.into_func_or(Shortcut::Field, call.run)?;
    let table = table.table(call.run)?.clone();
    // Elements are joined one after the other, so their order is kept whether it is asked for or not.
    call.bool_option("ordered")?;
    let index = call.string_option("index")?;
    let index = index.filter(|index| *index != table.rows.primary_key());
    let is_array = left.is_array();
    let (place, joined) = (call.place(), VecDeque::new());
    let stream = EqJoin { left, key, table, index, joined, place };
    call.seq_value(Seq::array_if(is_array, Box::new(stream)))
}

/// Every element of a sequence with the rows that a function of it finds in an index.
struct EqJoin {
    left: Seq,
    key: Arc<Func>,
    table: Arc<Table>,
    index: Option<Arc<str>>,
    joined: VecDeque<Datum>,
    place: Place,
}

impl EqJoin {
    fn rows_of(&self, run: &Run, key: Datum) -> Result<Seq> {
        let wanted = Wanted {
            index: self.index.clone(),
            keys: Keys::Each(vec![(key, 1)]),
            sorting: Sorting::Unordered,
            yields: Yield::Rows,
        };
        Ok(Seq::new(self.table.rows.read(run, &wanted, self.table.read_mode)?))
    }
}

impl Stream for EqJoin {
    fn next(&mut self, run: &Run) -> Result<Next<Datum>> {
        loop {
            if let Some(joined) = self.joined.pop_front() {
                return Ok(Next::Item(joined));
            }
            let left = match self.left.next_value(run)? {
                Next::Item(left) => left,
                end => return Ok(end),
            };
            let key = match self.key.datum(run, std::slice::from_ref(&left)) {
                Err(failure) if failure.is_missing() => continue,
                key => key.at(self.place)?,
            };
            if key.is_null() {
                continue;
            }
            let rows = self.rows_of(run, key).and_then(|rows| rows.into_items(run));
            self.joined.extend(rows.at(self.place)?.into_iter().map(|right| pair(&left, right)));
        }
    }

    fn endless(&self) -> Option<Endless> {
        self.left.endless()
    }

    fn is_feed(&self) -> bool {
        self.left.is_feed()
    }

    fn notes(&self) -> Vec<u8> {
        super::changes::wrapped_notes(self.left.notes())
    }
}
