//! From a query's text to its answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::batch::BatchLimits;
use super::compile::{Node, Visible};
use super::datum::{Datum, REQL_TYPE, integer};
use super::env::Env;
use super::error::{ErrorKind, ReqlError};
use super::eval::{Groups, Kind, Next, Run, Scope, Seq};
use super::failure::{Failure, Result};
use super::options::GLOBAL_OPTIONS;
use super::term::{Places, ROOT, Reader};
use super::text::{NotJson, Text};

/// What a client asks for.
#[derive(Debug)]
pub enum Request {
    /// A query to be run.
    Start(Query),
    /// The next batch of a query that is running.
    Continue,
    /// The end of a query that is running.
    Stop,
    /// An answer once all queries are done that want none themselves.
    NoreplyWait,
    /// Who the server is.
    ServerInfo,
}

/// A query that has been read, but not yet looked into.
#[derive(Debug)]
pub struct Query {
    term: Text,
    options: Vec<(Arc<str>, Text)>,
    noreply: bool,
    profile: bool,
}

impl Query {
    /// Whether the client wants no answer, not even of a failure.
    pub fn noreply(&self) -> bool {
        self.noreply
    }

    /// Whether the client wants a profile with each answer.
    pub fn profile(&self) -> bool {
        self.profile
    }

    /// Whether all it asks for is one row, and it waits for no flush: that takes less time than to
    /// hand the query to a thread of its own.
    pub fn is_short(&self) -> bool {
        let Some((GET, [table, key], [])) = call(&self.term) else { return false };
        let Some((TABLE, [names @ .., Text::String(_)], options)) = call(table) else {
            return false;
        };
        // Every other read mode waits for the disk.
        let waits_for_nobody = |(name, value): &(Arc<str>, Text)| {
            &**name == "read_mode" && matches!(value, Text::String(mode) if &**mode == "single")
        };
        is_scalar(key)
            && matches!(names, [] | [_])
            && names.iter().all(is_database)
            && options.iter().all(waits_for_nobody)
            && self.options.iter().all(|(_, value)| is_scalar(value) || is_database(value))
    }
}

const DB: f64 = 14.0;
const TABLE: f64 = 15.0;
const GET: f64 = 16.0;

/// A term's options, as they were sent.
type AsSent = [(Arc<str>, Text)];

/// A term's number, its arguments, and its options.
fn call(term: &Text) -> Option<(f64, &[Text], &AsSent)> {
    let Text::Array(parts) = term else { return None };
    match &parts[..] {
        [Text::Number(number), Text::Array(args)] => Some((*number, args, &[])),
        [Text::Number(number), Text::Array(args), Text::Object(options)] => {
            Some((*number, args, options))
        }
        _ => None,
    }
}

fn is_scalar(term: &Text) -> bool {
    !matches!(term, Text::Array(_) | Text::Object(_))
}

/// Whether a term is a database by its name.
fn is_database(term: &Text) -> bool {
    matches!(call(term), Some((DB, [Text::String(_)], [])))
}

/// Reads a query's JSON text.
///
/// What it says is looked into when it is run: a client that wants no answer gets none, even if its
/// query makes no sense.
///
/// # Errors
/// A text that is no query at all: [`ErrorKind::Client`].
///
/// Source: RethinkDB docs, "Writing a RethinkDB driver".
pub fn parse(text: &[u8]) -> std::result::Result<Request, ReqlError> {
    let refuse = |message: String| {
        Err(ReqlError { kind: ErrorKind::Client, message, backtrace: Vec::new() })
    };
    let mut query = match Text::parse(text) {
        Ok(query) => query,
        Err(NotJson::TooDeep) => {
            let most = super::text::NESTING_MAX;
            return refuse(format!("Query nests deeper than {most} levels."));
        }
        Err(_) => return refuse("Client is buggy (failed to deserialize query).".to_owned()),
    };
    let refuse = |why: String| refuse(format!("Server could not parse query: {why}"));
    let Text::Array(parts) = &mut query else {
        let found = query.type_name();
        return refuse(format!("Expected a query to be an array, but found {found}."));
    };
    if !(1..=3).contains(&parts.len()) {
        let count = parts.len();
        return refuse(format!(
            "Expected 1 to 3 elements in the top-level query, but found {count}."
        ));
    }
    let Text::Number(kind) = parts[0] else {
        let found = parts[0].type_name();
        return refuse(format!("Expected a query type as a number, but found {found}."));
    };
    let request = match integer(kind.trunc()) {
        Some(1) => None,
        Some(2) => Some(Request::Continue),
        Some(3) => Some(Request::Stop),
        Some(4) => Some(Request::NoreplyWait),
        Some(5) => Some(Request::ServerInfo),
        _ => return refuse(format!("Unrecognized QueryType: {}.", kind.trunc())),
    };
    let options = match parts.get_mut(2) {
        None => Vec::new(),
        Some(Text::Object(options)) => std::mem::take(options),
        Some(other) => {
            let found = other.type_name();
            return refuse(format!("Expected global optargs as an object, but found {found}."));
        }
    };
    if let Some(request) = request {
        return Ok(request);
    }
    let Some(term) = parts.get_mut(1).map(std::mem::take) else {
        return refuse("Expected a term to start with.".to_owned());
    };
    let is_set = |option| options.iter().any(|(name, value)| &**name == option && is_true(value));
    let (noreply, profile) = (is_set("noreply"), is_set("profile"));
    Ok(Request::Start(Query { term, options, noreply, profile }))
}

/// Whether an option that has to be known without evaluation is set.
fn is_true(option: &Text) -> bool {
    match option {
        Text::Bool(value) => *value,
        Text::Array(parts) => {
            matches!(&parts[..], [Text::Number(1.0), Text::Bool(true)])
        }
        _ => false,
    }
}

/// A query's answer.
pub enum Outcome {
    /// One value.
    Atom(Datum),
    /// A sequence, to be read batch by batch.
    Cursor(Box<Cursor>),
}

/// A sequence that a client reads batch by batch.
pub struct Cursor {
    run: Run,
    seq: Seq,
    places: Places,
    limits: BatchLimits,
    notes: Vec<u8>,
    is_feed: bool,
    has_begun: bool,
}

/// One step through a sequence.
#[derive(Debug)]
pub enum Step {
    /// Elements; there may be more.
    Batch(Vec<Datum>),
    /// The last elements.
    Last(Vec<Datum>),
    /// A feed has nothing to tell: ask again after [`Env::wake`] was called.
    Pending,
}

/// Runs a query.
///
/// Needs little stack of its own, but may take long, and much memory: not for a thread that others wait
/// for.
///
/// # Errors
/// What the client is to be told.
pub fn run(env: &Env, query: Query) -> std::result::Result<Outcome, ReqlError> {
    let mut places = Places::new();
    let compiled = compile(query, &mut places).map_err(|mut failure| {
        failure.kind = ErrorKind::Compile;
        failure
    });
    let answer = compiled.and_then(|(root, options)| {
        let run = Run::new(env.clone(), options)?;
        let limits = BatchLimits::of(&run)?;
        let value = run.eval(&root, &Scope::default())?;
        if let Some(datum) = value.peek(&run)? {
            return Ok((run, limits, Answer::Atom(datum)));
        }
        let seq = match value.kind {
            Kind::Grouped(groups) => return Ok((run, limits, Answer::Atom(grouped(groups)))),
            Kind::Func(_) | Kind::Db(_) => {
                let found = value.kind_name();
                return Err(Failure::logic(format!(
                    "Query result must be of type DATUM, GROUPED_DATA, or STREAM (got {found})."
                ))
                .at(ROOT));
            }
            _ => value.into_seq(&run)?,
        };
        let answer = if seq.is_grouped() {
            Answer::Atom(grouped(seq.into_groups(&run)?))
        } else if seq.is_array() {
            Answer::Atom(seq.into_array(&run)?)
        } else {
            Answer::Seq(seq)
        };
        Ok((run, limits, answer))
    });
    let checked = answer.and_then(|(run, limits, answer)| {
        if let Answer::Atom(datum) = &answer {
            datum.check_sendable()?;
        }
        Ok((run, limits, answer))
    });
    match checked {
        Ok((_, _, Answer::Atom(datum))) => Ok(Outcome::Atom(datum)),
        Ok((run, limits, Answer::Seq(seq))) => {
            let (notes, is_feed) = (seq.notes(), seq.is_feed());
            let has_begun = false;
            let cursor = Cursor { run, seq, places, limits, notes, is_feed, has_begun };
            Ok(Outcome::Cursor(Box::new(cursor)))
        }
        Err(failure) => Err(told(*failure, &places)),
    }
}

enum Answer {
    Atom(Datum),
    Seq(Seq),
}

/// A failure as the client is told of it.
fn told(failure: Failure, places: &Places) -> ReqlError {
    let backtrace = failure.place.map_or_else(Vec::new, |place| places.path(place));
    ReqlError { kind: failure.kind, message: failure.message, backtrace }
}

type Options = BTreeMap<Arc<str>, Arc<Node>>;

fn compile(mut query: Query, places: &mut Places) -> Result<(Arc<Node>, Options)> {
    let root = Reader { places: Some(places) }.read(std::mem::take(&mut query.term))?;
    let mut options = Options::new();
    for (name, option) in query.options {
        if !GLOBAL_OPTIONS.contains(&&*name) {
            let message = format!("Unrecognized global optional argument `{name}`.");
            return Err(Failure::logic(message).at(ROOT));
        }
        let term = Reader { places: None }.read(option)?;
        if options.insert(name.clone(), Visible::default().compile(&term)?).is_some() {
            let message = format!("Duplicate global optional argument: `{name}`.");
            return Err(Failure::logic(message).at(ROOT));
        }
    }
    Ok((Visible::default().compile(&root)?, options))
}

/// Groups as a client reads them.
fn grouped(groups: Groups) -> Datum {
    let pair = |(group, datum)| Datum::array(vec![group, datum]);
    Datum::fields([
        (REQL_TYPE, "GROUPED_DATA".into()),
        ("data", Datum::array(groups.into_iter().map(pair).collect())),
    ])
}

impl Cursor {
    /// What the client is told of the feeds within, in the protocol's numbers.
    pub fn notes(&self) -> &[u8] {
        &self.notes
    }

    /// Whether it never ends, and says [`Step::Pending`] at times.
    pub fn is_feed(&self) -> bool {
        self.is_feed
    }

    /// The next elements, as many as the query wants in one batch.
    ///
    /// A feed's first batch comes at once and may be empty: from then on nothing is missed.
    ///
    /// # Errors
    /// What the client is to be told; there is nothing to be read after it.
    pub fn next_batch(&mut self) -> std::result::Result<Step, ReqlError> {
        self.gather().map_err(|failure| told(*failure, &self.places))
    }

    fn gather(&mut self) -> Result<Step> {
        let mut batch = self.limits.batch(&self.run, !self.has_begun);
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        loop {
            if batch.is_full(&self.run) {
                let is_last = self.seq.is_over();
                return Ok(if is_last { Step::Last } else { Step::Batch }(batch.items));
            }
            match self.seq.next(&self.run)? {
                Next::Item(item) => {
                    item.value.check_sendable()?;
                    batch.push(item.value);
                }
                Next::End => return Ok(Step::Last(batch.items)),
                Next::Pending if batch.items.is_empty() && !is_first => return Ok(Step::Pending),
                Next::Pending => return Ok(Step::Batch(batch.items)),
            }
        }
    }
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cursor").field("notes", &self.notes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Queries, and whether they are short.
    const SHORT: &str = r#"
        [16,[[15,["t"]],1]]                                              | true
        [16,[[15,[[14,["d"]],"t"]],"a"]]                                 | true
        [16,[[15,[[14,["d"]],"t"],{"read_mode":"single"}],"a"]]          | true
        [16,[[15,["t"]],1]],{"db":[14,["d"]],"profile":false}            | true
        [16,[[15,["t"],{"read_mode":"majority"}],1]]                     | false
        [16,[[15,["t"],{"read_mode":[21,[["single"]]]}],1]]              | false
        [16,[[15,["t"]],[2,[1,2]]]]                                      | false
        [16,[[15,[[14,[[13,[]]]],"t"]],1]]                               | false
        [16,[[15,["t"]],1]],{"db":[14,[[13,[]]]]}                        | false
        [16,[[15,["t"]]]]                                                | false
        [78,[[15,["t"]],1]]                                              | false
        [54,[[16,[[15,["t"]],1]]]]                                       | false
        [15,["t"]]                                                       | false
        5                                                                | false
    "#;

    #[test]
    fn short_queries_ask_for_one_row() {
        for line in SHORT.lines().filter(|line| !line.trim().is_empty()) {
            let (query, short) = line.split_once('|').unwrap();
            let parsed = parse(format!("[1,{}]", query.trim()).as_bytes()).unwrap();
            let Request::Start(parsed) = parsed else { panic!("{line}") };
            assert_eq!(parsed.is_short().to_string(), short.trim(), "{query}");
        }
    }
}
