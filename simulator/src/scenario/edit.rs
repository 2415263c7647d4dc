//! A scenario's text with one field changed, and all else as it was, comments too.
//!
//! What is there is replaced where it stands; what is not is written into the innermost table that is
//! there. Whether anybody knows the field, whoever reads the text finds out. Start at [`with`].

use std::ops::Range;

use toml_edit::{ArrayOfTables, Document, Item, Table, TableLike, Value};

/// What stands at a path.
#[derive(Clone, Copy)]
enum Found<'a> {
    Table(&'a Table),
    Tables(&'a ArrayOfTables),
    Value(&'a Value),
}

/// The text in which a field, named by its dotted path, has this value, which is TOML already.
///
/// # Errors
/// Why there can be no such field, as the end of a sentence.
pub(super) fn with(text: &str, path: &str, value: &str) -> Result<String, String> {
    let document = Document::parse(text).map_err(|error| error.message().replace('\n', " "))?;
    let mut found = Found::Table(document.as_table());
    // The innermost table with a place of its own in the text, and what of the path is left from there.
    let mut home = (first_key(document.as_table()), path);
    let mut rest = path;
    while !rest.is_empty() {
        let (part, after) = rest.split_once('.').unwrap_or((rest, ""));
        let Some(inner) = found.inner(part)? else {
            let (at, key) = home;
            return Ok(inserted(text, at, key, value));
        };
        (found, rest) = (inner, after);
        if let Some(at) = found.inside(text) {
            home = (at, rest);
        }
    }
    match found {
        Found::Value(old) => Ok(replaced(text, old.span().unwrap_or_default(), value)),
        Found::Table(_) | Found::Tables(_) => {
            Err("it is a table, of which one key can be named".to_owned())
        }
    }
}

/// What stands at a path, if it is no table: a text without its quotes.
pub(super) fn value(text: &str, path: &str) -> Option<String> {
    let document = Document::parse(text).ok()?;
    let top = Found::Table(document.as_table());
    let found = path.split('.').try_fold(top, |found, part| found.inner(part).ok()?)?;
    let Found::Value(value) = found else { return None };
    if value.is_inline_table() {
        return None;
    }
    let plain = value.as_str().map(str::to_owned);
    plain.or_else(|| value.span().map(|span| text[span].to_owned()))
}

/// The text without its section `[matrix]`.
pub(super) fn without_matrix(text: &str) -> String {
    let Ok(document) = Document::parse(text) else { return text.to_owned() };
    let Some((key, item)) = document.as_table().get_key_value("matrix") else {
        return text.to_owned();
    };
    let mut span = key.span().unwrap_or_default();
    widen(&mut span, item);
    // Whole lines.
    let start = text[..span.start].rfind('\n').map_or(0, |end| end + 1);
    let end = text[span.end..].find('\n').map_or(text.len(), |end| span.end + end);
    let kept = format!("{}{}", text[..start].trim_end_matches('\n'), &text[end..]);
    if kept.ends_with('\n') { kept } else { kept + "\n" }
}

/// Where in the text something is to be written.
#[derive(Clone, Copy)]
enum At {
    /// On a line of its own, before this place.
    Before(usize),
    /// On a line of its own, after the one of this place.
    After(usize),
    /// In line, before what stands there.
    Inline(usize, bool),
}

impl<'a> Found<'a> {
    /// What a part of a path leads to; none if nothing is there yet.
    fn inner(self, part: &str) -> Result<Option<Self>, String> {
        let nothing = || format!("`{part}` would be in something that is no table");
        match self {
            Self::Table(table) => Ok(table.get(part).and_then(|item| match item {
                Item::Table(table) => Some(Self::Table(table)),
                Item::ArrayOfTables(tables) => Some(Self::Tables(tables)),
                Item::Value(value) => Some(Self::Value(value)),
                Item::None => None,
            })),
            Self::Tables(tables) => {
                let at = index(part, tables.len())?;
                Ok(tables.get(at).map(Self::Table))
            }
            Self::Value(Value::InlineTable(table)) => Ok(table.get(part).map(Self::Value)),
            Self::Value(Value::Array(items)) => {
                Ok(items.get(index(part, items.len())?).map(Self::Value))
            }
            Self::Value(_) => Err(nothing()),
        }
    }

    /// Where a new key of it can be written, if it has a place of its own.
    fn inside(self, text: &str) -> Option<At> {
        match self {
            Self::Table(table) if !table.is_implicit() && !table.is_dotted() => {
                Some(At::After(table.span()?.end))
            }
            Self::Value(Value::InlineTable(table)) if !table.is_dotted() => {
                let span = table.span()?;
                let brace = text[span.clone()].find('{')?;
                Some(At::Inline(span.start + brace + 1, table.is_empty()))
            }
            Self::Table(_) | Self::Tables(_) | Self::Value(_) => None,
        }
    }
}

/// Tables of a list are counted from 1, as nodes are.
fn index(part: &str, count: usize) -> Result<usize, String> {
    let number = part.parse::<usize>().ok().filter(|number| (1..=count).contains(number));
    number.map(|number| number - 1).ok_or_else(|| match count {
        1 => format!("`{part}` is none of a list of one, which is called 1"),
        _ => format!("`{part}` is none of a list of {count}, which are called 1 to {count}"),
    })
}

/// Before the first key of all: keys behind a header belong to that.
fn first_key(top: &Table) -> At {
    let spans = top.iter().filter_map(|(key, _)| top.key(key)?.span());
    At::Before(spans.map(|span| span.start).min().unwrap_or(0))
}

fn inserted(text: &str, at: At, key: &str, value: &str) -> String {
    let (place, line) = match at {
        At::Before(place) => (place, format!("{key} = {value}\n")),
        At::After(place) => match text[place..].find('\n') {
            Some(end) => (place + end + 1, format!("{key} = {value}\n")),
            None => (text.len(), format!("\n{key} = {value}\n")),
        },
        At::Inline(place, true) => (place, format!(" {key} = {value} ")),
        At::Inline(place, false) => (place, format!(" {key} = {value},")),
    };
    replaced(text, place..place, &line)
}

fn replaced(text: &str, span: Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..span.start], &text[span.end..])
}

/// Makes a span hold all that belongs to an item.
fn widen(span: &mut Range<usize>, item: &Item) {
    if let Some(own) = item.span() {
        *span = span.start.min(own.start)..span.end.max(own.end);
    }
    let inner: Option<&dyn TableLike> = item.as_table_like();
    inner.into_iter().flat_map(TableLike::iter).for_each(|(_, item)| widen(span, item));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a field's new value makes of a text.
    #[track_caller]
    fn check(text: &str, field: &str, expected: &str) {
        assert_eq!(with(text, field, "9").as_deref(), Ok(expected));
    }

    #[test]
    fn what_is_there_is_replaced_and_what_is_not_is_written_where_it_belongs() {
        check("name = 'x' # so\n[a]\nb = 1 # b\n", "a.b", "name = 'x' # so\n[a]\nb = 9 # b\n");
        check("# x\nname = 'x'\n[a]\nb = 1\n", "seed", "# x\nseed = 9\nname = 'x'\n[a]\nb = 1\n");
        check("name = 'x'\n[a] # a\nb = 1\n", "a.c.d", "name = 'x'\n[a] # a\nc.d = 9\nb = 1\n");
        check("name = 'x'\n[a]", "a.c", "name = 'x'\n[a]\nc = 9\n");
        check("name = 'x'\na = { b = 1 }\n", "a.c", "name = 'x'\na = { c = 9, b = 1 }\n");
        check("name = 'x'\na = {}\n", "a.c", "name = 'x'\na = { c = 9 }\n");
        check("name = 'x'\na.b = 1\n", "a.c", "a.c = 9\nname = 'x'\na.b = 1\n");
        check("name = 'x'\n[a.b]\nc = 1\n", "a.d", "a.d = 9\nname = 'x'\n[a.b]\nc = 1\n");
        check(
            "[[l]]\na = 1\n[[l]]\nb = { c = 1 }\n",
            "l.2.b.c",
            "[[l]]\na = 1\n[[l]]\nb = { c = 9 }\n",
        );
        check("[[l]]\na = 1\n[[l]]\n", "l.2.b", "[[l]]\na = 1\n[[l]]\nb = 9\n");
        check("a = [1, 2]\n", "a.2", "a = [1, 9]\n");
    }

    #[test]
    fn what_stands_there_is_found() {
        let text = "name = 'x'\n[[l]]\na = { r = \"5/s\" }\nb = 7\n";
        let found = ["name", "l.1.a.r", "l.1.b", "l.1.a", "l.2.b", "l.1.c", ""];
        let expected = [Some("x"), Some("5/s"), Some("7"), None, None, None, None];
        assert_eq!(
            found.map(|path| value(text, path)),
            expected.map(|text| text.map(str::to_owned))
        );
    }

    #[test]
    fn what_cannot_be_is_said() {
        for field in ["a", "a.b.c", "l", "l.0.x", "l.2.x", "l.first"] {
            let changed = with("[a]\nb = 1\n[[l]]\nx = 1\n", field, "9");
            assert!(changed.is_err(), "{field}: {changed:?}");
        }
    }

    #[test]
    fn a_text_without_its_matrix_has_everything_else() {
        let matrix = "[matrix]\na = [\n[1],\n[2]\n] # so\nb.c = [3]\n";
        let text = format!("name = 'x'\n\n{matrix}\n# An end.\n[a]\nb = 1\n");
        assert_eq!(without_matrix(&text), "name = 'x'\n\n# An end.\n[a]\nb = 1\n");
        assert_eq!(without_matrix("matrix = { a = [1] }\nb = 1\n"), "\nb = 1\n");
        assert_eq!(without_matrix("b = 1\n\n[matrix]\na = [1]"), "b = 1\n");
        assert_eq!(without_matrix("b = 1\n"), "b = 1\n");
    }
}
