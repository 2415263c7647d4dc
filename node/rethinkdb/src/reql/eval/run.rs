//! One query's run: what all its terms share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::call::Call;
use super::{Func, Kind, Scope, Value};
use crate::reql::compile::{Node, What};
use crate::reql::datum::{Datum, deep};
use crate::reql::env::Env;
use crate::reql::error::ErrorKind;
use crate::reql::failure::{At, Failure, Place, Result};
use crate::reql::number;

/// How many elements an array may have unless the query says otherwise.
///
/// Source: RethinkDB manual, `run`, `array_limit`.
pub(crate) const ARRAY_LIMIT: usize = 100_000;

/// What all terms of a query share while it runs.
pub(crate) struct Run {
    /// The world around; there is none for a function that an index is made of.
    env: Option<Env>,
    /// What holds for all terms that do not say otherwise.
    options: BTreeMap<Arc<str>, Arc<Node>>,
    /// The one instant that the query takes place at.
    pub(crate) now: Datum,
    pub(crate) array_limit: usize,
}

/// What a term's value may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Flags {
    /// Whether a literal, `r.literal`, is understood where this value goes.
    pub(crate) literal_ok: bool,
}

impl Flags {
    pub(crate) const LITERAL_OK: Self = Self { literal_ok: true };
}

impl Run {
    /// A run of a query with these global options.
    pub(crate) fn new(env: Env, options: BTreeMap<Arc<str>, Arc<Node>>) -> Result<Self> {
        let now = Datum::time((env.clock)(), "+00:00".into());
        let mut run = Self { env: Some(env), options, now, array_limit: ARRAY_LIMIT };
        if let Some(limit) = run.option("array_limit")? {
            let limit = limit.integer(&run)?;
            run.array_limit = match usize::try_from(limit) {
                Ok(limit) if limit >= 1 => limit,
                _ => {
                    return Err(Failure::logic(format!(
                        "Illegal array size limit `{limit}`.  (Must be >= 1.)"
                    )));
                }
            };
        }
        Ok(run)
    }

    /// A run of a function that needs nothing but its arguments.
    pub(crate) fn of_function() -> Self {
        let now = Datum::utc(0.0);
        Self { env: None, options: BTreeMap::new(), now, array_limit: ARRAY_LIMIT }
    }

    /// The world around.
    pub(crate) fn env(&self) -> Result<&Env> {
        self.env.as_ref().ok_or_else(|| {
            Failure::new(ErrorKind::Internal, "An index function reached for the database.")
        })
    }

    /// Set once the query is stopped.
    pub(crate) fn interrupted(&self) -> Result<&std::sync::atomic::AtomicBool> {
        Ok(&self.env()?.interrupted)
    }

    /// Seconds since 1970, now; 0 where there is no clock.
    pub(crate) fn clock_s(&self) -> f64 {
        self.env.as_ref().map_or(0.0, |env| (env.clock)())
    }

    /// A whole number below this one, each as likely as any other.
    pub(crate) fn draw_below(&self, end: u64) -> Result<u64> {
        let mask = end.next_power_of_two().wrapping_sub(1);
        loop {
            let mut bytes = [0; 8];
            (self.env()?.entropy)(&mut bytes);
            // Those above are drawn again: taken as a remainder, some would come more often.
            let number = u64::from_le_bytes(bytes) & mask;
            if number < end {
                return Ok(number);
            }
        }
    }

    /// A new random UUID's text.
    pub(crate) fn new_uuid(&self) -> Result<String> {
        let mut bytes = [0; 16];
        (self.env()?.entropy)(&mut bytes);
        Ok(crate::Uuid::random(bytes).to_string())
    }

    /// A global option's value.
    pub(crate) fn option(&self, name: &str) -> Result<Option<Value>> {
        let Some(node) = self.options.get(name) else { return Ok(None) };
        self.eval(node, &Scope::default()).map(Some)
    }

    /// Fails if the client stopped the query or went away.
    pub(crate) fn check_interrupted(&self) -> Result<()> {
        match &self.env {
            Some(env) if env.interrupted.load(Ordering::Relaxed) => {
                Err(Failure::new(ErrorKind::OpIndeterminate, "Query interrupted."))
            }
            _ => Ok(()),
        }
    }

    /// Evaluates a term.
    pub(crate) fn eval(&self, node: &Arc<Node>, scope: &Scope) -> Result<Value> {
        self.eval_with(node, scope, Flags::default())
    }

    /// Evaluates a term where literals may be understood.
    pub(crate) fn eval_with(&self, node: &Arc<Node>, scope: &Scope, flags: Flags) -> Result<Value> {
        self.check_interrupted()?;
        let value = |datum| Ok(Value::new(Kind::Datum(datum), node.place));
        match &node.what {
            What::Datum(datum) => value(datum.clone()),
            What::Var(name) => {
                value(scope.lookup(*name).expect("compiled: a function around binds it").clone())
            }
            What::Row => value(scope.row().expect("compiled: a function around binds it").clone()),
            What::Func(_) => {
                let func = Func::new(node, scope);
                Ok(Value::new(Kind::Func(Arc::new(func)), node.place))
            }
            What::Object => deep(|| {
                let mut fields = BTreeMap::new();
                for (name, node) in &node.options {
                    let datum = self.eval_with(node, scope, flags)?.datum(self)?;
                    fields.insert(name.clone(), datum);
                }
                value(Datum::from_fields(fields).at(node.place)?)
            }),
            What::Op(op) => deep(|| {
                let call = Call::new(self, node, op, scope, flags)?;
                call.eval().at(node.place)
            }),
        }
    }

    /// An array of these items.
    ///
    /// # Errors
    /// More than the query allows.
    pub(crate) fn array(&self, items: Vec<Datum>) -> Result<Datum> {
        self.check_array_size(items.len())?;
        Ok(Datum::array(items))
    }

    /// Whether an array may have so many elements.
    pub(crate) fn check_array_size(&self, count: usize) -> Result<()> {
        let limit = self.array_limit;
        if count <= limit {
            return Ok(());
        }
        Err(Failure::new(
            ErrorKind::ResourceLimit,
            format!(
                "Array over size limit `{limit}`.  To raise the number of allowed elements, \
                 modify the `array_limit` option to `.run` (not available in the Data Explorer), \
                 or use an index."
            ),
        ))
    }
}

/// What `r.args` stands for, or an argument as it is.
pub(crate) enum Arg<'a> {
    Node(&'a Arc<Node>),
    Spread(Datum),
}

/// The arguments, with what `r.args` stands for in its place.
pub(crate) fn spread<'a>(
    run: &Run,
    node: &'a Node,
    scope: &Scope,
    flags: Flags,
) -> Result<Vec<Arg<'a>>> {
    let mut args = Vec::with_capacity(node.args.len());
    for arg in &node.args {
        if arg.number == number::ARGS {
            let items = run.eval_with(arg, scope, flags)?.datum(run)?;
            args.extend(items.expect_array()?.iter().cloned().map(Arg::Spread));
        } else {
            args.push(Arg::Node(arg));
        }
    }
    Ok(args)
}

impl Arg<'_> {
    pub(crate) fn eval(
        &self,
        run: &Run,
        scope: &Scope,
        flags: Flags,
        place: Place,
    ) -> Result<Value> {
        match self {
            Arg::Node(node) => run.eval_with(node, scope, flags),
            Arg::Spread(datum) => Ok(Value::new(Kind::Datum(datum.clone()), place)),
        }
    }
}
