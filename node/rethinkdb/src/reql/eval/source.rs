//! Functions as text: as JSON, to be kept and compiled again; as JavaScript, for people to read.

use std::fmt::Write as _;

use super::func::Body;
use super::{Func, Scope};
use crate::reql::compile::{Node, What, binds_row};
use crate::reql::datum::{Datum, deep};
use crate::reql::number;

impl Func {
    /// The function as the JSON of a term `FUNC`, what it knows of its surroundings put in place.
    pub(crate) fn to_text(&self) -> String {
        let mut out = String::new();
        match &self.body {
            Body::Reql { params, body, scope, .. } => {
                let mut bound = Bound { params: vec![params], scope };
                write_function(params, body, &mut bound, &mut out);
            }
            Body::Constant(datum) => write_function_of(1, |out| write_datum(datum, out), &mut out),
            Body::Field(name) => write_function_of(
                1,
                |out| {
                    let _ = write!(out, "[{},[[{},[1]],", number::GET_FIELD, number::VAR);
                    write_datum(name, out);
                    out.push_str("]]");
                },
                &mut out,
            ),
            Body::Element { .. } | Body::Equals(_) | Body::NotIn(_) | Body::First => {
                unreachable!("no query has a name for these")
            }
        }
        out
    }

    /// The function as JavaScript, as the drivers for it would have it written.
    pub(crate) fn print(&self) -> String {
        match &self.body {
            Body::Reql { params, body, .. } => print_function(params, body),
            Body::Constant(datum) => {
                format!("function() {{ return r.expr({}); }}", datum.to_json())
            }
            Body::Field(name) => {
                format!("function(var1) {{ return var1.getField({}); }}", name.to_json())
            }
            Body::Element { .. } | Body::Equals(_) | Body::NotIn(_) | Body::First => {
                unreachable!("no query has a name for these")
            }
        }
    }
}

fn write_function_of(params: i64, body: impl FnOnce(&mut String), out: &mut String) {
    let _ = write!(out, "[{},[[{},[{params}]],", number::FUNC, number::MAKE_ARRAY);
    body(out);
    out.push_str("]]");
}

/// A value as a term.
fn write_datum(datum: &Datum, out: &mut String) {
    match datum {
        Datum::Array(items) => deep(|| {
            let _ = write!(out, "[{},[", number::MAKE_ARRAY);
            separated(items.iter(), out, write_datum);
            out.push_str("]]");
        }),
        Datum::Object(object) => deep(|| {
            out.push('{');
            separated(object.iter(), out, |(name, value), out| {
                out.push_str(&Datum::String(name.clone()).to_json());
                out.push(':');
                write_datum(value, out);
            });
            out.push('}');
        }),
        Datum::MinVal => out.push_str(&format!("[{}]", number::MINVAL)),
        Datum::MaxVal => out.push_str(&format!("[{}]", number::MAXVAL)),
        plain => out.push_str(&plain.to_json()),
    }
}

fn separated<T>(items: impl Iterator<Item = T>, out: &mut String, each: impl Fn(T, &mut String)) {
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        each(item, out);
    }
}

/// Which variables belong to the text itself, and the values of all others.
struct Bound<'a> {
    params: Vec<&'a [i64]>,
    scope: &'a Scope,
}

fn write_function<'a>(params: &[i64], body: &'a Node, bound: &mut Bound<'a>, out: &mut String) {
    let _ = write!(out, "[{},[[{},[", number::FUNC, number::MAKE_ARRAY);
    separated(params.iter(), out, |param, out| {
        let _ = write!(out, "{param}");
    });
    out.push_str("]],");
    write_node(body, bound, out);
    out.push_str("]]");
}

fn write_node<'a>(node: &'a Node, bound: &mut Bound<'a>, out: &mut String) {
    deep(|| match &node.what {
        What::Datum(datum) => write_datum(datum, out),
        What::Var(name) if bound.params.iter().any(|params| params.contains(name)) => {
            let _ = write!(out, "[{},[{name}]]", number::VAR);
        }
        What::Var(name) => {
            write_datum(bound.scope.lookup(*name).unwrap_or(&Datum::Null), out);
        }
        What::Row if bound.params.iter().any(|params| binds_row(params)) => {
            let _ = write!(out, "[{},[]]", number::IMPLICIT_VAR);
        }
        What::Row => write_datum(bound.scope.row().unwrap_or(&Datum::Null), out),
        What::Func(params) => {
            bound.params.push(params);
            write_function(params, &node.args[0], bound, out);
            bound.params.pop();
        }
        What::Object => write_options(node, bound, out),
        What::Op(op) => {
            let _ = write!(out, "[{},[", op.number);
            for (index, arg) in node.args.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_node(arg, bound, out);
            }
            out.push(']');
            if !node.options.is_empty() {
                out.push(',');
                write_options(node, bound, out);
            }
            out.push(']');
        }
    });
}

fn write_options<'a>(node: &'a Node, bound: &mut Bound<'a>, out: &mut String) {
    out.push('{');
    for (index, (name, option)) in node.options.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&Datum::String(name.clone()).to_json());
        out.push(':');
        write_node(option, bound, out);
    }
    out.push('}');
}

fn print_function(params: &[i64], body: &Node) -> String {
    let params: Vec<_> = params.iter().map(|param| print_variable(*param)).collect();
    format!("function({}) {{ return {}; }}", params.join(", "), print(body, false))
}

fn print_variable(name: i64) -> String {
    match name {
        0.. => format!("var{name}"),
        _ => format!("_var{}", name.unsigned_abs()),
    }
}

/// A term; within an argument, values stand as they are.
fn print(node: &Node, is_argument: bool) -> String {
    let wrapped = |text: String| if is_argument { text } else { format!("r.expr({text})") };
    deep(|| match &node.what {
        What::Datum(datum) => wrapped(datum.to_json()),
        What::Var(name) => print_variable(*name),
        What::Row => "r.row".to_owned(),
        What::Func(params) => print_function(params, &node.args[0]),
        What::Object => {
            let field = |(name, value): (&std::sync::Arc<str>, _)| {
                format!("\"{name}\": {}", print(value, true))
            };
            let node = node.options.iter().map(|(name, value)| (name, &**value));
            wrapped(format!("{{{}}}", node.map(field).collect::<Vec<_>>().join(", ")))
        }
        What::Op(op) => print_operation(op.number, node, &wrapped),
    })
}

fn print_operation(number: u16, node: &Node, wrapped: &dyn Fn(String) -> String) -> String {
    let mut args: Vec<_> = node.args.iter().map(|arg| print(arg, true)).collect();
    if number == number::MAKE_ARRAY {
        return wrapped(format!("[{}]", args.join(", ")));
    }
    if !node.options.is_empty() {
        let option = |(name, value): (&std::sync::Arc<str>, &std::sync::Arc<Node>)| {
            format!("\"{}\": {}", camel_case(name), print(value, true))
        };
        let options: Vec<_> = node.options.iter().map(option).collect();
        args.push(format!("{{{}}}", options.join(", ")));
    }
    let name = match number {
        number::FUNCALL => "do".to_owned(),
        number => camel_case(number::name(number).unwrap_or_default()),
    };
    if number == number::FUNCALL && args.len() >= 2 {
        // The function goes last.
        args.rotate_left(1);
    }
    if is_constant(number) {
        return format!("r.{name}");
    }
    if !is_method(number) || node.args.is_empty() {
        return format!("r.{name}({})", args.join(", "));
    }
    let first = match number {
        number::FUNCALL => &node.args[1.min(node.args.len() - 1)],
        _ => &node.args[0],
    };
    let (on, rest) = (print(first, false), args[1..].join(", "));
    if number == number::BRACKET { format!("{on}({rest})") } else { format!("{on}.{name}({rest})") }
}

/// `GET_FIELD` as `getField`.
fn camel_case(name: &str) -> String {
    let mut parts = name.split('_').map(str::to_lowercase);
    let mut text = parts.next().unwrap_or_default();
    for part in parts {
        let mut letters = part.chars();
        text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

/// Whether a term is written without parentheses: bounds, and the names of days and months.
fn is_constant(number: u16) -> bool {
    matches!(number, number::MINVAL | number::MAXVAL | number::MONDAY..=number::DECEMBER)
}

/// Whether a term is written behind its first argument, `x.getField("a")`.
fn is_method(number: u16) -> bool {
    !matches!(
        number,
        number::ERROR
            | number::UUID
            | number::DB
            | number::EQ
            | number::NE
            | number::LT
            | number::LE
            | number::GT
            | number::GE
            | number::NOT
            | number::ADD
            | number::SUB
            | number::MUL
            | number::DIV
            | number::MOD
            | number::BIT_AND
            | number::BIT_OR
            | number::BIT_XOR
            | number::BIT_NOT
            | number::BIT_SAL
            | number::BIT_SAR
            | number::OBJECT
            | number::RANGE
            | number::BRANCH
            | number::OR
            | number::AND
            | number::JSON
            | number::ISO8601
            | number::EPOCH_TIME
            | number::TIME
            | number::LITERAL
            | number::RANDOM
            | number::ARGS
            | number::ASC
            | number::DESC
    )
}
