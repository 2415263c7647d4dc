//! A query's terms as they were sent, and the checks that need no more than their shape.
//!
//! Here: from JSON to a tree of numbered terms, and where each stands in the query. Not here: what a
//! term's number means and how many arguments it takes (`compile`).

use std::sync::Arc;

use super::datum::{Datum, deep, stack_is_low};
use super::error::Frame;
use super::failure::{At, Failure, Place, Result};
use super::number;
use super::text::Text;

/// Where each of a query's terms stands: its parent, and the step from there.
#[derive(Debug)]
pub(crate) struct Places(Vec<(Place, Frame)>);

/// The place of the whole query.
pub(crate) const ROOT: Place = 0;

impl Places {
    pub(crate) fn new() -> Self {
        Self(vec![(ROOT, Frame::Argument(0))])
    }

    fn add(&mut self, parent: Place, frame: Frame) -> Place {
        self.0.push((parent, frame));
        Place::try_from(self.0.len() - 1).expect("a query of 128 MiB has fewer terms than 2^32")
    }

    /// The way from the whole query to this place.
    pub(crate) fn path(&self, mut place: Place) -> Vec<Frame> {
        let mut path = Vec::new();
        while place != ROOT {
            let (parent, frame) = &self.0[place as usize];
            path.push(frame.clone());
            place = *parent;
        }
        path.reverse();
        path
    }
}

/// A term as it was sent.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) place: Place,
    pub(crate) number: u16,
    pub(crate) args: Vec<Term>,
    /// In the order they were sent; names may come twice.
    pub(crate) options: Vec<(Arc<str>, Term)>,
    /// What a `DATUM` holds.
    pub(crate) datum: Option<Datum>,
}

impl Drop for Term {
    fn drop(&mut self) {
        if stack_is_low() {
            let below = (std::mem::take(&mut self.args), std::mem::take(&mut self.options));
            deep(|| drop(below));
        }
    }
}

/// What a term may be depends on those above it.
#[derive(Clone, Copy)]
struct Above<'a> {
    number: u16,
    above: Option<&'a Above<'a>>,
    writes_legal: bool,
}

/// Reads terms out of JSON, and gives each its place.
pub(crate) struct Reader<'a> {
    /// Nothing is written down for global options: what fails in them has no place.
    pub(crate) places: Option<&'a mut Places>,
}

impl Reader<'_> {
    /// Reads a whole query, or a whole global option.
    pub(crate) fn read(&mut self, text: Text) -> Result<Term> {
        self.term(text, ROOT, None, true)
    }

    fn below(&mut self, parent: Place, frame: impl FnOnce() -> Frame) -> Place {
        match &mut self.places {
            Some(places) => places.add(parent, frame()),
            None => ROOT,
        }
    }

    fn term(
        &mut self,
        mut text: Text,
        place: Place,
        above: Option<&Above<'_>>,
        is_first: bool,
    ) -> Result<Term> {
        let plain = |datum| Term {
            place,
            number: number::DATUM,
            args: Vec::new(),
            options: Vec::new(),
            datum: Some(datum),
        };
        let (number, args, options, datum) = match &mut text {
            Text::Null => return Ok(plain(Datum::Null)),
            Text::Bool(value) => return Ok(plain(Datum::Bool(*value))),
            Text::Number(value) => return Ok(plain(Datum::Number(*value))),
            Text::String(text) => return Ok(plain(Datum::String(text.clone()))),
            Text::Object(fields) => (number::MAKE_OBJ, Vec::new(), std::mem::take(fields), None),
            Text::Array(parts) => parts_of(std::mem::take(parts)).at(place)?,
        };
        let writes_legal = above
            .is_none_or(|above| above.writes_legal && (is_first || !forbids_writes(above.number)));
        check_position(number, above, writes_legal).at(place)?;
        let here = Above { number, above, writes_legal };
        let mut term = Term {
            place,
            number,
            args: Vec::with_capacity(args.len()),
            options: Vec::with_capacity(options.len()),
            datum,
        };
        for (index, arg) in args.into_iter().enumerate() {
            let place = self.below(place, || Frame::Argument(index));
            term.args.push(deep(|| self.term(arg, place, Some(&here), index == 0))?);
        }
        for (name, option) in options {
            let place = self.below(place, || Frame::Option(name.to_string()));
            let option = deep(|| self.term(option, place, Some(&here), false))?;
            term.options.push((name, option));
        }
        Ok(term)
    }
}

type Parts = (u16, Vec<Text>, Vec<(Arc<str>, Text)>, Option<Datum>);

/// A term's number, arguments and options.
fn parts_of(mut parts: Vec<Text>) -> Result<Parts> {
    let count = parts.len();
    if !(1..=3).contains(&count) {
        return Err(Failure::logic(format!(
            "Expected between 1 and 3 elements in a raw term, but found {count}."
        )));
    }
    let Text::Number(number) = parts[0] else {
        let found = parts[0].type_name();
        return Err(Failure::logic(format!("Expected a TermType as a NUMBER but found {found}.")));
    };
    let known = u16::try_from(super::datum::integer(number.trunc()).unwrap_or(-1));
    let Some(number) = known.ok().filter(|number| number::name(*number).is_some()) else {
        let number = number.trunc();
        return Err(Failure::logic(format!("Unrecognized TermType: {number}.")));
    };
    if number == number::DATUM {
        if count != 2 {
            // RethinkDB counts an entry of its own.
            let message = format!("Expected 3 items in array, but found {}.", count + 1);
            return Err(Failure::logic(message));
        }
        let datum = datum_of(std::mem::take(&mut parts[1]))?;
        return Ok((number, Vec::new(), Vec::new(), Some(datum)));
    }
    let mut parts = parts.drain(1..);
    let (mut args, mut options) = (Vec::new(), None);
    match parts.next() {
        None => (),
        Some(mut second) => match &mut second {
            Text::Array(these) => args = std::mem::take(these),
            Text::Object(these) => options = Some(std::mem::take(these)),
            _ => {
                return Err(Failure::logic(
                    "Second element in a Term is neither arguments nor optional arguments.",
                ));
            }
        },
    }
    if let Some(mut third) = parts.next() {
        if options.is_some() {
            return Err(Failure::logic(
                "Second and third element in a term are both optional arguments.",
            ));
        }
        let Text::Object(these) = &mut third else {
            return Err(Failure::logic("Third element in a Term is not optional arguments."));
        };
        options = Some(std::mem::take(these));
    }
    Ok((number, args, options.unwrap_or_default(), None))
}

/// JSON as the value it is, terms in it not looked at.
pub(crate) fn datum_of(mut text: Text) -> Result<Datum> {
    Ok(match &mut text {
        Text::Null => Datum::Null,
        Text::Bool(value) => Datum::Bool(*value),
        Text::Number(value) => Datum::Number(*value),
        Text::String(text) => Datum::String(text.clone()),
        Text::Array(items) => {
            let items = std::mem::take(items);
            Datum::array(deep(|| items.into_iter().map(datum_of).collect::<Result<_>>())?)
        }
        Text::Object(fields) => {
            let mut object = std::collections::BTreeMap::new();
            for (name, value) in std::mem::take(fields) {
                let value = deep(|| datum_of(value))?;
                if object.insert(name.clone(), value).is_some() {
                    let name = Datum::String(name).pretty();
                    return Err(Failure::logic(format!("Duplicate key {name} in JSON.")));
                }
            }
            Datum::from_fields_or_literal(object, true)?
        }
    })
}

/// What may not stand where it stands.
fn check_position(number: u16, above: Option<&Above<'_>>, writes_legal: bool) -> Result<()> {
    if matches!(number, number::ASC | number::DESC) {
        let is_union = |above: &Above<'_>| above.number == number::UNION;
        let at_home = above.is_some_and(|above| {
            above.number == number::ORDER_BY
                || is_union(above)
                || (above.number == number::MAKE_ARRAY && above.above.is_some_and(is_union))
        });
        if !at_home {
            let name = number::name(number).unwrap_or_default();
            return Err(Failure::logic(format!(
                "{name} may only be used as an argument to ORDER_BY or UNION."
            )));
        }
    }
    if !writes_legal && is_write_or_meta(number) {
        return Err(Failure::logic(
            "Cannot nest writes or meta ops in stream operations.  Use FOR_EACH instead.",
        ));
    }
    Ok(())
}

fn is_write_or_meta(number: u16) -> bool {
    matches!(
        number,
        number::UPDATE
            | number::DELETE
            | number::INSERT
            | number::REPLACE
            | number::DB_CREATE
            | number::DB_DROP
            | number::TABLE_CREATE
            | number::TABLE_DROP
            | number::WAIT
            | number::RECONFIGURE
            | number::REBALANCE
            | number::SYNC
            | number::GRANT
            | number::SET_WRITE_HOOK
            | number::GET_WRITE_HOOK
            | number::INDEX_CREATE
            | number::INDEX_DROP
            | number::INDEX_WAIT
            | number::INDEX_RENAME
    )
}

/// Whether all but the first argument of this term may hold no writes.
fn forbids_writes(number: u16) -> bool {
    matches!(
        number,
        number::REDUCE
            | number::MAP
            | number::FOLD
            | number::FILTER
            | number::CONCAT_MAP
            | number::GROUP
            | number::INNER_JOIN
            | number::OUTER_JOIN
            | number::EQ_JOIN
            | number::UPDATE
            | number::DELETE
            | number::REPLACE
            | number::INSERT
            | number::COUNT
            | number::SUM
            | number::AVG
            | number::MIN
            | number::MAX
    )
}
