//! From terms as they were sent to what can be evaluated, with every check that needs no evaluation.
//!
//! Here: numbers of arguments, unknown options, functions and their variables. Not here: the shape of
//! a query (`term`), values (`eval`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::datum::{Datum, deep, stack_is_low};
use super::failure::{At, Failure, Place, Result};
use super::number;
use super::op::{self, Determinism, Op};
use super::term::Term;

/// A term that can be evaluated.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) number: u16,
    pub(crate) what: What,
    pub(crate) args: Vec<Arc<Node>>,
    pub(crate) options: BTreeMap<Arc<str>, Arc<Node>>,
    pub(crate) determinism: Determinism,
}

/// How a term comes to its value.
#[derive(Debug)]
pub(crate) enum What {
    /// It is one.
    Datum(Datum),
    /// An object of its options' values.
    Object,
    /// A variable's value.
    Var(i64),
    /// The single parameter of the function around.
    Row,
    /// A function of these parameters; its body is the only argument.
    Func(Arc<[i64]>),
    /// A term of the language.
    Op(&'static Op),
}

impl std::fmt::Debug for Op {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if stack_is_low() {
            let below = (std::mem::take(&mut self.args), std::mem::take(&mut self.options));
            deep(|| drop(below));
        }
    }
}

/// The variables that a term can see.
#[derive(Default)]
pub(crate) struct Visible {
    variables: Vec<i64>,
    /// How many functions of one parameter are around: `r.row` means the parameter of a single one.
    implicit: usize,
}

/// Whether `r.row` can mean this function's parameter.
pub(crate) fn binds_row(params: &[i64]) -> bool {
    matches!(params, [only] if *only >= 0)
}

impl Visible {
    /// Compiles a term and all below it.
    pub(crate) fn compile(&mut self, term: &Term) -> Result<Arc<Node>> {
        let place = term.place;
        let (what, args, options) = match term.number {
            number::DATUM => {
                let datum = term.datum.clone().unwrap_or_default();
                (What::Datum(datum), Vec::new(), BTreeMap::new())
            }
            number::MAKE_OBJ => self.object(term).at(place)?,
            number::VAR => self.variable(term).at(place)?,
            number::IMPLICIT_VAR => self.row(term).at(place)?,
            number::FUNC => self.function(term).at(place)?,
            number => match op::find(number) {
                Some(op) => self.operation(op, term)?,
                None => {
                    let name = number::name(number).unwrap_or_default();
                    let message = format!("Term {name} is not available on this server.");
                    return Err(Failure::logic(message).at(place));
                }
            },
        };
        let mut determinism = Determinism::ALWAYS;
        for below in args.iter().chain(options.values()) {
            determinism = determinism.join(below.determinism);
        }
        if let What::Op(op) = &what {
            let spread = args.iter().any(|arg| arg.number == number::ARGS);
            determinism = match op.determinism {
                Determinism::WITH_ARGUMENTS if args.len() == 1 && !spread => determinism,
                Determinism::WITH_ARGUMENTS => Determinism::NEVER,
                other => determinism.join(other),
            };
        }
        Ok(Arc::new(Node { place, number: term.number, what, args, options, determinism }))
    }

    fn below(&mut self, term: &Term) -> Result<Arc<Node>> {
        deep(|| self.compile(term))
    }

    fn operation(&mut self, op: &'static Op, term: &Term) -> Result<Parts> {
        let args: Vec<_> = term.args.iter().map(|arg| self.below(arg)).collect::<Result<_>>()?;
        // How many `r.args` stands for is known when it is evaluated.
        let spread = args.iter().any(|arg| arg.number == number::ARGS);
        if !spread && !op.takes(args.len()) {
            let message = wrong_count(op, args.len());
            return Err(Failure::logic(message).at(term.place));
        }
        let mut options = BTreeMap::new();
        for (name, option) in &term.options {
            if !op.options.contains(&&**name) {
                let message = format!("Unrecognized optional argument `{name}`.");
                return Err(Failure::logic(message).at(option.place));
            }
            let node = self.below(option)?;
            if options.insert(name.clone(), node).is_some() {
                let message = format!("Duplicate optional argument: {name}");
                return Err(Failure::logic(message).at(option.place));
            }
        }
        Ok((What::Op(op), args, options))
    }

    fn object(&mut self, term: &Term) -> Result<Parts> {
        if !term.args.is_empty() {
            return Err(Failure::logic("MAKE_OBJ term must not have any args."));
        }
        let mut fields = BTreeMap::new();
        for (name, value) in &term.options {
            if fields.insert(name.clone(), self.below(value)?).is_some() {
                return Err(Failure::logic(format!("Duplicate object key: {name}.")));
            }
        }
        Ok((What::Object, Vec::new(), fields))
    }

    fn variable(&mut self, term: &Term) -> Result<Parts> {
        let [name] = &term.args[..] else {
            return Err(Failure::logic("A variable term has the wrong number of arguments."));
        };
        let Some(name) = &name.datum else {
            return Err(Failure::logic("A variable term has a non-datum argument."));
        };
        if name.as_number().is_none() {
            return Err(Failure::logic("A variable term has a non-numeric name datum."));
        }
        let name = name.expect_integer()?;
        if !self.variables.contains(&name) {
            return Err(Failure::logic("Variable name not found."));
        }
        Ok((What::Var(name), Vec::new(), BTreeMap::new()))
    }

    fn row(&mut self, term: &Term) -> Result<Parts> {
        if !term.args.is_empty() || !term.options.is_empty() {
            return Err(Failure::logic(
                "Expected no arguments or optional arguments on implicit variable term.",
            ));
        }
        match self.implicit {
            0 => Err(Failure::logic("r.row is not defined in this context.")),
            1 => Ok((What::Row, Vec::new(), BTreeMap::new())),
            _ => Err(Failure::logic("Cannot use r.row in nested queries.  Use functions instead.")),
        }
    }

    fn function(&mut self, term: &Term) -> Result<Parts> {
        if !term.options.is_empty() {
            return Err(Failure::logic("FUNC takes no optional arguments."));
        }
        let [params, body] = &term.args[..] else {
            let count = term.args.len();
            return Err(Failure::logic(format!("FUNC takes exactly two arguments (got {count})")));
        };
        let params = params_of(params)?;
        let (visible, implicit) = (self.variables.len(), self.implicit);
        self.variables.extend(&*params);
        self.implicit += usize::from(binds_row(&params));
        let body = self.below(body);
        self.variables.truncate(visible);
        self.implicit = implicit;
        Ok((What::Func(params), vec![body?], BTreeMap::new()))
    }
}

type Parts = (What, Vec<Arc<Node>>, BTreeMap<Arc<str>, Arc<Node>>);

/// What is said of a wrong number of arguments.
pub(crate) fn wrong_count(op: &Op, found: usize) -> String {
    format!("Expected {} but found {found}.", op.arity())
}

/// A function's parameters: a literal list of numbers.
fn params_of(term: &Term) -> Result<Arc<[i64]>> {
    const NOT_NUMBERS: &str = "CLIENT ERROR: FUNC variables must be a literal array of *numbers*.";
    let number_of = |datum: &Datum| match datum {
        Datum::Number(_) => datum.expect_integer(),
        _ => Err(Failure::logic(NOT_NUMBERS)),
    };
    match (term.number, &term.datum) {
        (number::MAKE_ARRAY, _) => {
            let number_of = |arg: &Term| match &arg.datum {
                Some(datum) => number_of(datum),
                None => Err(Failure::logic(
                    "CLIENT ERROR: FUNC variables must be a *literal* array of numbers.",
                )),
            };
            term.args.iter().map(number_of).collect()
        }
        (_, Some(Datum::Array(names))) => names.iter().map(number_of).collect(),
        (_, Some(_)) => Err(Failure::logic(
            "CLIENT ERROR: FUNC variables must be a literal *array* of numbers.",
        )),
        _ => Err(Failure::logic(
            "CLIENT ERROR: FUNC variables must be a *literal array of numbers*.",
        )),
    }
}
