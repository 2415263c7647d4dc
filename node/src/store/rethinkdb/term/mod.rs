//! ReQL terms: a query as a tree, and its JSON text.
//!
//! Here: the few terms that this crate sends. Not here: what they are put together to
//! (`queries`, `schema`), how they travel (`connection`).
//!
//! Source: RethinkDB manual, "Writing RethinkDB drivers", "ReQL query language".

mod value;

use std::fmt::Write as _;
use std::ops::Not;

use bigchaindb_core::model::Json;

/// A ReQL term.
#[derive(Clone, Debug, PartialEq)]
pub struct Term(Node);

#[derive(Clone, Debug, PartialEq)]
enum Node {
    /// A value, as it is sent.
    Text(String),
    /// The term's number, its arguments, its options.
    Call(u16, Vec<Term>, Vec<(&'static str, Term)>),
    /// An object of terms.
    Object(Vec<(&'static str, Term)>),
}

/// How a table is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadMode {
    /// What the primary replica has in memory; the server's default.
    Single,
    /// What a majority of the replicas has on disk.
    Majority,
}

/// When a write is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Once it is on disk.
    Hard,
    /// Once it is in memory.
    Soft,
}

/// The names of a value's type, as `type_of` gives them.
pub(super) const OBJECT: &str = "OBJECT";
pub(super) const ARRAY: &str = "ARRAY";
pub(super) const STRING: &str = "STRING";
/// What is null, or not there.
pub(super) const NOTHING: &str = "NULL";

impl Term {
    fn call<const N: usize>(number: u16, arguments: [Term; N]) -> Self {
        Self(Node::Call(number, arguments.into(), Vec::new()))
    }

    fn with(self, name: &'static str, value: impl Into<Term>) -> Self {
        let Self(Node::Call(number, arguments, mut options)) = self else {
            panic!("only a call has options")
        };
        options.push((name, value.into()));
        Self(Node::Call(number, arguments, options))
    }

    /// The value of a JSON document: its arrays are terms of their own, at every depth.
    ///
    /// What JSON has no number for (`NaN`, the infinities) makes a query that the server refuses.
    pub fn value(document: &Json) -> Self {
        let mut text = String::new();
        value::write(document, &mut text);
        Self(Node::Text(text))
    }

    /// The value of a JSON document, sent as a text that the server parses.
    pub fn json(document: &Json) -> Self {
        Self::json_text(&document.to_string())
    }

    /// The value of a JSON text that the server parses.
    pub fn json_text(text: &str) -> Self {
        Self::call(98, [text.into()])
    }

    /// `null`.
    pub fn null() -> Self {
        Self::value(&Json::Null)
    }

    /// An array.
    pub fn array(items: impl IntoIterator<Item = Term>) -> Self {
        Self(Node::Call(2, items.into_iter().collect(), Vec::new()))
    }

    /// An object.
    pub fn object<const N: usize>(fields: [(&'static str, Term); N]) -> Self {
        Self(Node::Object(fields.into()))
    }

    /// A function of so many parameters. Functions inside each other number theirs differently.
    pub fn function<const N: usize>(
        numbers: [u16; N],
        body: impl FnOnce([Term; N]) -> Term,
    ) -> Self {
        let parameters = numbers.map(|number| Self::from(u64::from(number)));
        let variables = parameters.clone().map(|parameter| Self::call(10, [parameter]));
        Self::call(69, [Self::array(parameters), body(variables)])
    }

    /// A function called with these arguments, so that each is evaluated once.
    pub fn apply<const N: usize>(function: Term, arguments: [Term; N]) -> Self {
        Self(Node::Call(64, [function].into_iter().chain(arguments).collect(), Vec::new()))
    }

    /// The first alternative whose test is true, else the last one.
    pub fn branch(test: Term, then: Term, otherwise: Term) -> Self {
        Self::call(65, [test, then, otherwise])
    }

    /// True if all are; those behind the first false one are not looked at.
    pub fn all(tests: impl IntoIterator<Item = Term>) -> Self {
        Self(Node::Call(67, tests.into_iter().collect(), Vec::new()))
    }

    /// True if one is; those behind it are not looked at.
    pub fn any(tests: impl IntoIterator<Item = Term>) -> Self {
        Self(Node::Call(66, tests.into_iter().collect(), Vec::new()))
    }

    /// Below every value.
    pub fn minval() -> Self {
        Self::call(180, [])
    }

    /// Above every value.
    pub fn maxval() -> Self {
        Self::call(181, [])
    }

    /// The server's time.
    pub fn now() -> Self {
        Self::call(103, [])
    }

    // Databases and tables.

    /// A database.
    pub fn database(name: &str) -> Self {
        Self::call(14, [name.into()])
    }

    /// The names of all databases.
    pub fn db_list() -> Self {
        Self::call(59, [])
    }

    /// Makes a database.
    pub fn db_create(name: &str) -> Self {
        Self::call(57, [name.into()])
    }

    /// Drops a database.
    pub fn db_drop(name: &str) -> Self {
        Self::call(58, [name.into()])
    }

    /// The names of a database's tables.
    pub fn table_list(self) -> Self {
        Self::call(62, [self])
    }

    /// Makes a table in a database.
    pub fn table_create(self, name: &str) -> Self {
        Self::call(60, [self, name.into()])
    }

    /// A table of the connection's database.
    pub fn table(name: &str, mode: ReadMode) -> Self {
        let table = Self::call(15, [name.into()]);
        match mode {
            ReadMode::Single => table,
            ReadMode::Majority => table.with("read_mode", "majority"),
        }
    }

    /// Drops a table of a database.
    pub fn table_drop(self, name: &str) -> Self {
        Self::call(61, [self, name.into()])
    }

    /// A table of a database.
    pub fn table_of(self, name: &str) -> Self {
        Self::call(15, [self, name.into()])
    }

    /// The names of a table's indexes.
    pub fn index_list(self) -> Self {
        Self::call(77, [self])
    }

    /// Makes an index; with `multi` it has an entry for each element of the function's value.
    pub fn index_create(self, name: &str, function: Term, multi: bool) -> Self {
        let create = Self::call(75, [self, name.into(), function]);
        if multi { create.with("multi", true) } else { create }
    }

    /// Drops an index.
    pub fn index_drop(self, name: &str) -> Self {
        Self::call(76, [self, name.into()])
    }

    /// How far the indexes of a table are built.
    pub fn index_status(self) -> Self {
        Self::call(139, [self])
    }

    /// Waits until all indexes of a table are built.
    pub fn index_wait(self) -> Self {
        Self::call(140, [self])
    }

    /// What a table is configured to be.
    pub fn config(self) -> Self {
        Self::call(174, [self])
    }

    /// How a table is.
    pub fn status(self) -> Self {
        Self::call(175, [self])
    }

    /// Waits until the tables of a database, or a table, are ready; fails after so many seconds.
    pub fn wait(self, timeout_s: u64) -> Self {
        Self::call(177, [self]).with("timeout", timeout_s)
    }

    /// Gives a table so many shards and replicas.
    pub fn reconfigure(self, shards: u64, replicas: u64) -> Self {
        Self::call(176, [self]).with("shards", shards).with("replicas", replicas)
    }

    /// Gives a table so many shards, and of each so many replicas on servers with the tag `voting`, the primary one among
    /// them, and so many without a vote on servers with the tag `nonvoting`.
    pub fn reconfigure_by_tags(
        self,
        shards: u64,
        voting: (&'static str, u64),
        nonvoting: (&'static str, u64),
    ) -> Self {
        let replicas = [voting, nonvoting].map(|(tag, count)| (tag, count.into()));
        Self::call(176, [self])
            .with("shards", shards)
            .with("replicas", Self::object(replicas))
            .with("primary_replica_tag", voting.0)
            .with("nonvoting_replica_tags", Self::array([nonvoting.0.into()]))
    }

    /// Brings all soft writes of a table to disk.
    pub fn sync(self) -> Self {
        Self::call(138, [self])
    }

    // Selections.

    /// The row with this primary key, or null.
    pub fn get(self, key: impl Into<Term>) -> Self {
        Self::call(16, [self, key.into()])
    }

    /// The rows with these primary keys.
    pub fn get_all(self, keys: impl IntoIterator<Item = Term>) -> Self {
        Self(Node::Call(78, [self].into_iter().chain(keys).collect(), Vec::new()))
    }

    /// The rows that the index has under these values; as often as it has them.
    pub fn get_all_by(self, index: &'static str, keys: impl IntoIterator<Item = Term>) -> Self {
        self.get_all(keys).with("index", index)
    }

    /// The rows with primary keys from `from` on and before `to`.
    pub fn between(self, from: impl Into<Term>, to: impl Into<Term>) -> Self {
        Self::call(182, [self, from.into(), to.into()])
    }

    /// The rows with primary keys after this one.
    pub fn behind(self, key: impl Into<Term>) -> Self {
        self.between(key, Term::maxval()).with("left_bound", "open")
    }

    /// The rows with values in the index from `from` on and before `to`.
    pub fn between_by(self, index: &'static str, from: Term, to: Term) -> Self {
        self.between(from, to).with("index", index)
    }

    /// In the order of an index, ascending; rows of one value by primary key.
    pub fn ordered_by(self, index: &'static str) -> Self {
        Self::call(41, [self]).with("index", Self::call(73, [index.into()]))
    }

    /// In the order of an index, descending.
    pub fn ordered_by_descending(self, index: &'static str) -> Self {
        Self::call(41, [self]).with("index", Self::call(74, [index.into()]))
    }

    /// Those for which the function is true.
    pub fn filter(self, function: Term) -> Self {
        Self::call(39, [self, function])
    }

    /// What the function makes of each.
    pub fn map(self, function: Term) -> Self {
        Self::call(38, [self, function])
    }

    /// The elements of what the function makes of each.
    pub fn concat_map(self, function: Term) -> Self {
        Self::call(40, [self, function])
    }

    /// The first so many.
    pub fn limit(self, most: usize) -> Self {
        Self::call(71, [self, (most as u64).into()])
    }

    /// How many there are.
    pub fn count(self) -> Self {
        Self::call(43, [self])
    }

    /// Every later change.
    pub fn changes(self) -> Self {
        Self::call(152, [self])
    }

    /// Every row as it is, then `{state: "ready"}`, then every later change.
    pub fn rows_and_changes(self) -> Self {
        self.changes().with("include_initial", true).with("include_states", true)
    }

    // Values.

    /// A field of an object, an element's field for each element of an array, or an element.
    pub fn at(self, key: impl Into<Term>) -> Self {
        Self::call(170, [self, key.into()])
    }

    /// Whether an object has a field of this name that is not null.
    pub fn has_field(self, name: Term) -> Self {
        Self::call(32, [self, name])
    }

    /// The sum of numbers, or one text behind the other.
    pub fn plus(self, other: Term) -> Self {
        Self::call(24, [self, other])
    }

    /// Another value where there is none, or null.
    pub fn or(self, other: Term) -> Self {
        Self::call(92, [self, other])
    }

    /// Whether both are equal.
    pub fn eq(self, other: impl Into<Term>) -> Self {
        Self::call(17, [self, other.into()])
    }

    /// Whether it is there and of the type of that name. Never fails but where a way to it leads
    /// through what is no object; so the way is tested first.
    pub fn is(self, type_name: &str) -> Self {
        Self::call(52, [self.or(Self::null())]).eq(type_name)
    }

    /// Whether a sequence has this element, or one for which the function is true.
    pub fn contains(self, element: Term) -> Self {
        Self::call(93, [self, element])
    }

    /// The largest whole number that is not larger.
    pub fn floor(self) -> Self {
        Self::call(183, [self])
    }

    // Writes.

    /// Inserts a document, unless its primary key is taken.
    pub fn insert(self, document: Term, durability: Durability) -> Self {
        Self::call(56, [self, document]).durably(durability)
    }

    /// Inserts documents, and says in `changes` what came of each, in their order.
    pub fn insert_telling(self, documents: Term, durability: Durability) -> Self {
        self.insert(documents, durability).with("return_changes", "always")
    }

    /// Writes a document over whatever has its primary key.
    pub fn put(self, document: Term, durability: Durability) -> Self {
        self.insert(document, durability).with("conflict", "replace")
    }

    /// Merges what the function makes of each row into the row.
    pub fn update(self, function: Term, durability: Durability) -> Self {
        Self::call(53, [self, function]).durably(durability)
    }

    /// Deletes rows.
    pub fn delete(self, durability: Durability) -> Self {
        Self::call(54, [self]).durably(durability)
    }

    fn durably(self, durability: Durability) -> Self {
        self.with(
            "durability",
            match durability {
                Durability::Hard => "hard",
                Durability::Soft => "soft",
            },
        )
    }

    /// The text of the query that has this term evaluated, in a database.
    pub fn query(&self, database: &str) -> String {
        let mut text = String::from("[1,");
        self.write(&mut text);
        text.push_str(",{\"db\":");
        Self::database(database).write(&mut text);
        text.push_str("}]");
        text
    }

    fn write(&self, out: &mut String) {
        match &self.0 {
            Node::Text(text) => out.push_str(text),
            Node::Object(fields) => write_fields(fields, out),
            Node::Call(number, arguments, options) => {
                write!(out, "[{number},[").expect("a string takes all it is given");
                for (number, argument) in arguments.iter().enumerate() {
                    if number > 0 {
                        out.push(',');
                    }
                    argument.write(out);
                }
                out.push(']');
                if !options.is_empty() {
                    out.push(',');
                    write_fields(options, out);
                }
                out.push(']');
            }
        }
    }
}

fn write_fields(fields: &[(&'static str, Term)], out: &mut String) {
    for (number, (name, value)) in fields.iter().enumerate() {
        out.push_str(if number == 0 { "{\"" } else { ",\"" });
        out.push_str(name);
        out.push_str("\":");
        value.write(out);
    }
    out.push_str(if fields.is_empty() { "{}" } else { "}" });
}

impl Not for Term {
    type Output = Self;

    /// Whether it is false or null.
    fn not(self) -> Self {
        Self::call(23, [self])
    }
}

impl From<Json> for Term {
    fn from(value: Json) -> Self {
        Self::value(&value)
    }
}

impl From<&str> for Term {
    fn from(text: &str) -> Self {
        Json::from(text).into()
    }
}

impl From<bool> for Term {
    fn from(truth: bool) -> Self {
        Json::from(truth).into()
    }
}

impl From<u64> for Term {
    fn from(number: u64) -> Self {
        Json::from(number).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_terms_at_every_depth() {
        let document = r#"{"a":[],"b":[1,[2.5,{"c":["x\"\u0000"]}]],"é":{},"n":null}"#;
        let document = Json::parse(document.as_bytes()).unwrap();
        assert_eq!(
            Term::value(&document).query("d"),
            concat!(
                r#"[1,{"a":[2,[]],"b":[2,[1,[2,[2.5,{"c":[2,["x\"\u0000"]]}]]]],"n":null,"é":{}},"#,
                r#"{"db":[14,["d"]]}]"#
            )
        );
        assert_eq!(
            Term::json(&Json::parse(br#"["a\\"]"#).unwrap()).query("d"),
            r#"[1,[98,["[\"a\\\\\"]"]],{"db":[14,["d"]]}]"#
        );
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
        let text = Term::value(&Json::parse(deep.as_bytes()).unwrap()).query("d");
        assert_eq!(text.matches("[2,[").count(), 2000);
    }

    #[test]
    fn functions_name_their_parameters() {
        let function = Term::function([1, 2], |[a, b]| a.at("x").eq(b));
        assert_eq!(
            function.query("d"),
            r#"[1,[69,[[2,[1,2]],[17,[[170,[[10,[1]],"x"]],[10,[2]]]]]],{"db":[14,["d"]]}]"#
        );
    }
}
