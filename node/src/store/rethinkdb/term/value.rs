//! A JSON document as ReQL has it: every array is a term.

use std::fmt::Write as _;

use bigchaindb_core::model::Json;

/// What of an array or an object is still to be written, each with its name if it has one.
type Open<'a> = (Box<dyn Iterator<Item = (Option<&'a str>, &'a Json)> + 'a>, &'static str);

/// Writes a document with its arrays as terms, on a stack of its own: documents may be deep.
pub(super) fn write(document: &Json, out: &mut String) {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut value = document;
    loop {
        match value {
            Json::Array(items) => {
                out.push_str("[2,[");
                open.push((Box::new(items.iter().map(|item| (None, item))), "]]"));
            }
            Json::Object(object) => {
                out.push('{');
                open.push((Box::new(object.iter().map(|(name, each)| (Some(name), each))), "}"));
            }
            plain => write!(out, "{plain}").expect("a string takes all it is given"),
        }
        let mut first = matches!(value, Json::Array(_) | Json::Object(_));
        value = loop {
            let Some((rest, end)) = open.last_mut() else { return };
            if let Some((name, next)) = rest.next() {
                if !first {
                    out.push(',');
                }
                if let Some(name) = name {
                    write!(out, "{}:", Json::from(name)).expect("a string takes all it is given");
                }
                break next;
            }
            out.push_str(end);
            open.pop();
            first = false;
        };
    }
}
