//! The functions that indexes are made of.

use std::sync::Arc;

use super::compile::Visible;
use super::datum::Datum;
use super::eval::{Func, Kind, Run, Scope};
use super::term::Reader;
use super::text::Text;

/// Evaluates an index's function: the values that a document is to be found under.
pub type IndexFunction = Arc<dyn Fn(&Datum) -> Vec<Datum> + Send + Sync>;

/// Makes an index's function of its text, the JSON of a term `FUNC` that is deterministic.
///
/// Called with a document it answers the values that the document is to be found under: none if the
/// function fails on it. An array is one value, but for `multi` each of its elements is one. Values that
/// cannot be keys are the caller's to leave out.
///
/// # Errors
/// In words, if the text is no such function.
///
/// Source: RethinkDB docs, "Using secondary indexes".
pub fn compile_index(text: &str, multi: bool) -> Result<IndexFunction, String> {
    let func = read(text)?;
    Ok(Arc::new(move |document| values(&func, document, multi)))
}

/// The function that this text is, the JSON of a term `FUNC` that is deterministic.
///
/// # Errors
/// In words, if it is none.
pub(crate) fn read(text: &str) -> Result<Arc<Func>, String> {
    let text = Text::parse(text.as_bytes()).map_err(|_| "it is not JSON".to_owned())?;
    let term = Reader { places: None }.read(text).map_err(|failure| failure.message)?;
    let node = Visible::default().compile(&term).map_err(|failure| failure.message)?;
    if !node.determinism.is_always() {
        return Err("it is not deterministic".to_owned());
    }
    let run = Run::of_function();
    let value = run.eval(&node, &Scope::default()).map_err(|failure| failure.message)?;
    let Kind::Func(func) = value.kind else { return Err("it is no function".to_owned()) };
    Ok(func)
}

fn values(func: &Func, document: &Datum, multi: bool) -> Vec<Datum> {
    // What goes wrong on a document keeps it out of the index, and is nobody's failure.
    let value = func.datum(&Run::of_function(), std::slice::from_ref(document));
    match value {
        Ok(Datum::Array(elements)) if multi => elements.to_vec(),
        Ok(value) => vec![value],
        Err(_) => Vec::new(),
    }
}
