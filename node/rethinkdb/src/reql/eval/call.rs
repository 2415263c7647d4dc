//! What a term's function is given: its arguments, evaluated when it asks for them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::func::Body;
use super::run::{Arg, Flags, spread};
use super::{Func, Kind, Run, Scope, Seq, Value};
use crate::reql::compile::{Node, wrong_count};
use crate::reql::datum::Datum;
use crate::reql::failure::{At, Failure, Place, Result};
use crate::reql::op::{self, Grouping, Op};

/// One evaluation of one term.
pub(crate) struct Call<'a> {
    pub(crate) run: &'a Run,
    pub(crate) node: &'a Arc<Node>,
    pub(crate) op: &'static Op,
    pub(crate) scope: &'a Scope,
    pub(crate) flags: Flags,
    /// Whether the first argument is an element of what it was: sequences are not gone into again.
    pub(crate) is_element: bool,
    args: Vec<Arg<'a>>,
    /// The first argument, where it was needed before the function was called.
    first: RefCell<Option<Value>>,
}

impl<'a> Call<'a> {
    /// A call of a term with its own arguments.
    pub(crate) fn new(
        run: &'a Run,
        node: &'a Arc<Node>,
        op: &'static Op,
        scope: &'a Scope,
        flags: Flags,
    ) -> Result<Self> {
        let literal_ok = flags.literal_ok || op.literals_in_args;
        let args = spread(run, node, scope, Flags { literal_ok })?;
        if !op.takes(args.len()) {
            return Err(Failure::logic(wrong_count(op, args.len())).at(node.place));
        }
        let first = RefCell::new(None);
        Ok(Self { run, node, op, scope, flags, is_element: false, args, first })
    }

    /// A call of a term with another first argument: an element of the sequence that it is for.
    pub(crate) fn of_element(
        run: &'a Run,
        node: &'a Arc<Node>,
        op: &'static Op,
        scope: &'a Scope,
        element: Datum,
    ) -> Result<Self> {
        let mut call = Self::new(run, node, op, scope, Flags::default())?;
        call.is_element = true;
        call.first = RefCell::new(Some(Value::new(Kind::Datum(element), node.place)));
        Ok(call)
    }

    /// A call of another term with the same arguments, but for the first.
    pub(crate) fn as_other(&self, number: u16, first: Value) -> Result<Self> {
        let op = op::find(number).expect("a term of the language");
        let mut call = Self::new(self.run, self.node, op, self.scope, self.flags)?;
        call.first = RefCell::new(Some(first));
        Ok(call)
    }

    /// Evaluates the term, for each group on its own if its first argument is grouped.
    pub(crate) fn eval(&self) -> Result<Value> {
        if self.is_element || self.op.grouping == Grouping::Whole || self.args.is_empty() {
            return (self.op.eval)(self);
        }
        let first = self.arg_with(0, self.flags)?;
        let groups = match first.kind {
            Kind::Grouped(groups) => groups,
            Kind::Sequence(seq) if seq.is_grouped() && self.op.grouping == Grouping::EachGroup => {
                seq.into_groups(self.run)?
            }
            kind => {
                self.first.replace(Some(Value { kind, place: first.place }));
                return (self.op.eval)(self);
            }
        };
        let mut results = BTreeMap::new();
        for (group, datum) in groups {
            self.first.replace(Some(self.datum_value(datum)));
            let datum = (self.op.eval)(self)?.datum(self.run)?;
            results.insert(group, datum);
        }
        Ok(self.value(Kind::Grouped(results)))
    }

    pub(crate) fn place(&self) -> Place {
        self.node.place
    }

    /// How many arguments there are.
    pub(crate) fn count(&self) -> usize {
        self.args.len()
    }

    /// An argument, evaluated.
    pub(crate) fn arg(&self, index: usize) -> Result<Value> {
        self.arg_with(index, Flags::default())
    }

    /// An argument, evaluated where literals may be understood.
    pub(crate) fn arg_with(&self, index: usize, flags: Flags) -> Result<Value> {
        if index == 0
            && let Some(first) = self.first.take()
        {
            return Ok(first);
        }
        self.args[index].eval(self.run, self.scope, flags, self.place())
    }

    /// An argument, to be evaluated later and perhaps again.
    pub(crate) fn later(&self, index: usize) -> Func {
        match &self.args[index] {
            Arg::Node(node) => Func::later(node, self.scope),
            Arg::Spread(datum) => Func { place: self.place(), body: Body::Constant(datum.clone()) },
        }
    }

    /// An argument's datum.
    pub(crate) fn datum(&self, index: usize) -> Result<Datum> {
        self.arg(index)?.datum(self.run)
    }

    /// The data of all arguments from this one on.
    pub(crate) fn data_from(&self, index: usize) -> Result<Vec<Datum>> {
        (index..self.count()).map(|index| self.datum(index)).collect()
    }

    /// An argument that is a number.
    pub(crate) fn number(&self, index: usize) -> Result<f64> {
        self.arg(index)?.number(self.run)
    }

    /// An argument that is a whole number.
    pub(crate) fn integer(&self, index: usize) -> Result<i64> {
        self.arg(index)?.integer(self.run)
    }

    /// An argument that is a string.
    pub(crate) fn string(&self, index: usize) -> Result<Arc<str>> {
        self.arg(index)?.string(self.run)
    }

    /// An argument that is a sequence.
    pub(crate) fn seq(&self, index: usize) -> Result<Seq> {
        self.arg(index)?.into_seq(self.run)
    }

    /// An argument that is a function and nothing else.
    pub(crate) fn func(&self, index: usize) -> Result<Arc<Func>> {
        self.arg(index)?.into_func(self.run)
    }

    /// An option's value: its own, else the query's.
    pub(crate) fn option(&self, name: &str) -> Result<Option<Value>> {
        match self.node.options.get(name) {
            Some(node) => self.run.eval(node, self.scope).map(Some),
            None => self.run.option(name),
        }
    }

    /// An option that is true or false.
    pub(crate) fn bool_option(&self, name: &str) -> Result<Option<bool>> {
        let Some(value) = self.option(name)? else { return Ok(None) };
        value.bool(self.run).map(Some)
    }

    /// An option that is a string.
    pub(crate) fn string_option(&self, name: &str) -> Result<Option<Arc<str>>> {
        let Some(value) = self.option(name)? else { return Ok(None) };
        value.string(self.run).map(Some)
    }

    /// A value that this term has made.
    pub(crate) fn value(&self, kind: Kind) -> Value {
        Value::new(kind, self.place())
    }

    /// A datum that this term has made.
    pub(crate) fn datum_value(&self, datum: impl Into<Datum>) -> Value {
        self.value(Kind::Datum(datum.into()))
    }

    /// A sequence that this term has made: an array at once, if it is made of arrays only.
    pub(crate) fn seq_value(&self, seq: Seq) -> Result<Value> {
        let seq = seq.at(self.place());
        if seq.is_array() && !seq.is_grouped() {
            Ok(self.datum_value(seq.into_array(self.run).at(self.place())?))
        } else {
            Ok(self.value(Kind::Sequence(seq)))
        }
    }
}
