//! Functions: the query's own, and those that a field's name or a value stand for.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::run::Flags;
use super::{Call, Kind, Run, Scope, Value};
use crate::reql::compile::{Node, What};
use crate::reql::datum::Datum;
use crate::reql::failure::{At, Failure, Place, Result};
use crate::reql::number;
use crate::reql::op::{Determinism, Op};

/// Something that can be called with values.
#[derive(Debug)]
pub(crate) struct Func {
    /// The body's place.
    pub(crate) place: Place,
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) enum Body {
    /// A function of the query.
    Reql {
        params: Arc<[i64]>,
        body: Arc<Node>,
        scope: Scope,
        /// The place of the term `FUNC`, if there is one.
        outer: Option<Place>,
    },
    /// A term with the arguments of another, its first argument put in place.
    Element { op: &'static Op, node: Arc<Node>, scope: Scope },
    /// The same, whatever it is called with.
    Constant(Datum),
    /// The field of this name.
    Field(Datum),
    /// The first of a pair: an index's value, found with a row.
    First,
    /// Whether it is this value.
    Equals(Datum),
    /// Whether it is none of these values.
    NotIn(BTreeSet<Datum>),
}

/// What a value that is no function stands for where one is expected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shortcut {
    /// The function that always has this value.
    Constant,
    /// The field of this name.
    Field,
}

impl Func {
    /// The function that a term `FUNC` is, in this scope.
    pub(crate) fn new(node: &Arc<Node>, scope: &Scope) -> Self {
        let What::Func(params) = &node.what else { panic!("the term is a function") };
        let (params, body, scope) = (params.clone(), node.args[0].clone(), scope.clone());
        Self {
            place: body.place,
            body: Body::Reql { params, body, scope, outer: Some(node.place) },
        }
    }

    /// A term to be evaluated later, in this scope.
    pub(crate) fn later(node: &Arc<Node>, scope: &Scope) -> Self {
        let params = Arc::new([]) as Arc<[i64]>;
        let (body, scope) = (node.clone(), scope.clone());
        let body = Body::Reql { params, body, scope, outer: None };
        Self { place: node.place, body }
    }

    /// The term called with each element of a sequence in place of its first argument.
    pub(crate) fn of_element(call: &Call<'_>) -> Self {
        let (node, scope) = (call.node.clone(), call.scope.clone());
        Self { place: call.place(), body: Body::Element { op: call.op, node, scope } }
    }

    /// The term that is blamed for what the function makes of its argument: itself, or the one that
    /// calls it if no term of the query is the function.
    pub(crate) fn outer(&self, caller: Place) -> Place {
        match &self.body {
            Body::Reql { outer, .. } => outer.unwrap_or(caller),
            _ => caller,
        }
    }

    /// How many arguments it takes; none for those that take whatever they are given.
    pub(crate) fn arity(&self) -> Option<usize> {
        match &self.body {
            Body::Reql { params, .. } if !params.is_empty() => Some(params.len()),
            Body::Reql { .. } | Body::Constant(_) => None,
            _ => Some(1),
        }
    }

    pub(crate) fn determinism(&self) -> Determinism {
        match &self.body {
            Body::Reql { body, .. } => body.determinism,
            Body::Element { node, .. } => node.args[1..]
                .iter()
                .fold(Determinism::ALWAYS, |sum, arg| sum.join(arg.determinism)),
            _ => Determinism::ALWAYS,
        }
    }

    /// Calls it.
    pub(crate) fn call(&self, run: &Run, args: &[Datum]) -> Result<Value> {
        self.call_with(run, args, Flags::default())
    }

    /// Calls it and takes the datum it answers.
    pub(crate) fn datum(&self, run: &Run, args: &[Datum]) -> Result<Datum> {
        self.call(run, args)?.datum(run)
    }

    /// Calls it where literals may be understood.
    pub(crate) fn call_with(&self, run: &Run, args: &[Datum], flags: Flags) -> Result<Value> {
        let value = |datum| Ok(Value::new(Kind::Datum(datum), self.place));
        match &self.body {
            Body::Reql { params, body, scope, .. } => {
                if params.is_empty() {
                    return run.eval_with(body, scope, flags);
                }
                if params.len() != args.len() {
                    let arguments = |count| match count {
                        1 => "1 argument".to_owned(),
                        count => format!("{count} arguments"),
                    };
                    return Err(Failure::logic(format!(
                        "Expected function with {} but found function with {}.",
                        arguments(args.len()),
                        arguments(params.len())
                    ))
                    .at(self.place));
                }
                run.eval_with(body, &scope.within(params, args), flags)
            }
            Body::Element { op, node, scope } => {
                let call = Call::of_element(run, node, op, scope, args[0].clone())?;
                call.eval().at(node.place)
            }
            Body::Constant(datum) => value(datum.clone()),
            Body::Field(name) => {
                value(super::bracket::of_datum(&args[0], name, false).at(self.place)?)
            }
            Body::First => value(args[0].expect_array()?.first().cloned().unwrap_or_default()),
            Body::Equals(datum) => value(Datum::Bool(args[0] == *datum)),
            Body::NotIn(others) => value(Datum::Bool(!others.contains(&args[0]))),
        }
    }

    /// Whether `filter` keeps this value: an object as result means that its fields are asked for.
    ///
    /// What is missing counts as `default` says, or as false.
    pub(crate) fn keeps(&self, run: &Run, value: &Datum, default: Option<&Func>) -> Result<bool> {
        let failure = match self.passes(run, value) {
            Err(failure) if failure.is_missing() => failure,
            answer => return answer,
        };
        let Some(default) = default else { return Ok(false) };
        match default.call(run, &[]).and_then(|value| value.bool(run)) {
            Err(empty) if empty.is_empty_error => Err(failure),
            answer => answer,
        }
    }

    fn passes(&self, run: &Run, value: &Datum) -> Result<bool> {
        let answer = self.datum(run, std::slice::from_ref(value))?;
        let is_pattern = match &self.body {
            Body::Reql { body, .. } => matches!(body.number, number::MAKE_OBJ | number::DATUM),
            Body::Constant(_) => true,
            _ => false,
        };
        if is_pattern && matches!(answer, Datum::Object(_)) {
            matches_pattern(&answer, value).at(self.place)
        } else {
            Ok(answer.is_truthy())
        }
    }
}

/// Whether a value has all that the pattern has; a literal has to be met exactly.
fn matches_pattern(pattern: &Datum, value: &Datum) -> Result<bool> {
    if pattern.is_literal() {
        return Ok(pattern.expect_field("value")? == value);
    }
    for (name, wanted) in &**pattern.expect_object()? {
        let Some(found) = value.expect_object()?.get(name) else {
            return Err(Failure::missing(format!("No attribute `{name}` in object.")));
        };
        let is_met = match (wanted, found) {
            (Datum::Object(_), Datum::Object(_)) => {
                crate::reql::datum::deep(|| matches_pattern(wanted, found))?
            }
            _ => wanted == found,
        };
        if !is_met {
            return Ok(false);
        }
    }
    Ok(true)
}
