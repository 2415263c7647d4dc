//! The recorded exchanges: what BigchainDB 0.6.0 answered, and what a node answers.
//!
//! Under `v0.6.0` every answer has to be the original's, its layout too, and what it wrote has to be
//! the same. Under `default` the answer has to be the same but for what `default.json` lists; that list
//! has to be complete and needed. Layouts count only under `v0.6.0`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::clock::{Source, now};
use bigchaindb::http::Service;
use bigchaindb::shell::{NodeHandle, Setup};
use bigchaindb::store::{BoxFuture, EmbeddedStore, FeedStream, Store};
use bigchaindb_core::model::{Block, Json, Keypair, NodeKey, Object, Transaction, Vote};
use bigchaindb_core::query::{Answer, Feed, Query, StoreError, VoteRow};
use bigchaindb_core::rules::{self, Federation};
use bigchaindb_core::stages::{Config, Now, Settings};

use crate::differences::Differences;
use crate::exchange::{Reply, Request};
use crate::support::{ANYWHERE, PATIENCE};

/// The cases' file, as the list of differences calls it.
const FILE: &str = "http.json";

fn vectors(file: &str) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("core/vectors").join(file);
    Json::parse(&std::fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn the_original_answers_as_it_was_recorded() {
    let file = vectors(FILE);
    let cases = file.get("cases").unwrap().as_array().unwrap();
    assert_eq!(cases.len(), 73);
    for case in cases {
        let (reply, outcome) = carry_out(&file, case, "v0.6.0").await;
        let difference = difference(&outcome, case);
        assert!(difference.is_empty(), "{}\n got {outcome}\n of {case}", Json::from(difference));
        if let Some(style) = case.get("body_style").and_then(Json::as_str)
            && text(case.get("request").unwrap(), "method") != "HEAD"
        {
            assert_eq!(reply.body, laid_out(&reply.body, style), "{case}");
        }
    }
}

#[tokio::test]
async fn default_answers_otherwise_only_where_it_is_listed() {
    let file = vectors(FILE);
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("core/vectors").join(Differences::FILE);
    let mut differences = Differences::read(&list);
    let mut wrong = Vec::new();
    for case in file.get("cases").unwrap().as_array().unwrap() {
        let (_, outcome) = carry_out(&file, case, "default").await;
        let held = differences.check(FILE, text(case, "name"), difference(&outcome, case));
        wrong.extend(held.err());
    }
    wrong.extend(differences.unneeded(|file| file == FILE));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Carries a case out on a node of its own; the answer, and it as the case's fields have it.
async fn carry_out(file: &Json, case: &Json, profile: &str) -> (Reply, Json) {
    let context = file.get("contexts").unwrap().get(text(case, "context")).unwrap();
    let store = Arc::new(EmbeddedStore::in_memory());
    let before = fill(&store, context.get("tables").unwrap(), profile).await;
    let node = start(store.clone(), context, case, profile).await;

    let request = case.get("request").unwrap();
    let mut sent = Request::new(text(request, "method"), text(request, "path"));
    let headers = request.get("headers").and_then(Json::as_object).into_iter();
    for (name, value) in headers.flat_map(Object::iter) {
        sent = sent.with_field(name, value.as_str().unwrap());
    }
    sent.body = request.get("body").map(|body| match body {
        Json::String(text) => text.as_bytes().to_vec(),
        hex => from_hex(text(hex, "hex")),
    });
    let reply = tokio::time::timeout(PATIENCE, sent.send(node.address())).await.expect("an answer");
    node.kill().await.unwrap();

    let mut written = store.tables().await.unwrap().remove("backlog").unwrap();
    written.retain(|row| !before.contains(&row.to_string()));
    (reply.clone(), outcome(&reply, written))
}

/// An answer, and what was written, as a case has it.
fn outcome(reply: &Reply, written: Vec<Json>) -> Json {
    let mut outcome = Object::new();
    outcome.insert("status", Json::from(i64::from(reply.status)));
    // The original's framework says nothing of it where nothing is; neither does ours.
    if !reply.field("content-type").is_empty() {
        outcome.insert("content_type", reply.field("content-type").into());
    }
    if !reply.field("allow").is_empty() {
        let allowed: BTreeSet<_> = reply.field("allow").split(", ").collect();
        let allowed: Vec<Json> = allowed.into_iter().map(Json::from).collect();
        outcome.insert("allow", allowed.into());
    }
    match Json::parse(reply.body.as_bytes()) {
        // It has a test of its own.
        Ok(body) if body.get("openapi").is_some() => {
            outcome.insert("response_json", Json::from("the description of the API"))
        }
        Ok(body) => outcome.insert("response_json", body),
        Err(_) => outcome.insert("response_text", reply.body.as_str().into()),
    };
    if !written.is_empty() {
        outcome.insert("written_to_backlog", written.into());
    }
    Json::Object(outcome)
}

/// The fields in which an outcome is not the case's.
fn difference(outcome: &Json, case: &Json) -> Object {
    let fields =
        ["status", "content_type", "allow", "response_json", "response_text", "written_to_backlog"];
    other(outcome, case, &fields)
}

/// What these fields say otherwise than expected: of objects, the fields that are other; null stands
/// for one that is not there.
fn other(got: &Json, expected: &Json, fields: &[&str]) -> Object {
    let mut other_fields = Object::new();
    for field in fields {
        match (got.get(field), expected.get(field)) {
            (got, expected) if got == expected => {}
            (Some(got @ Json::Object(mine)), Some(expected @ Json::Object(theirs))) => {
                let names = mine.iter().chain(theirs.iter()).map(|(name, _)| name);
                let names: BTreeSet<&str> = names.collect();
                let names: Vec<_> = names.into_iter().collect();
                other_fields.insert(*field, Json::Object(other(got, expected, &names)));
            }
            (got, _) => drop(other_fields.insert(*field, got.cloned().unwrap_or(Json::Null))),
        }
    }
    other_fields
}

/// A node on these tables, at the case's time and with its chance.
async fn start(
    store: Arc<EmbeddedStore>,
    context: &Json,
    case: &Json,
    profile: &str,
) -> NodeHandle {
    let keypair = Keypair::from_private(text(context.get("node").unwrap(), "private")).unwrap();
    let keyring = context.get("keyring").unwrap().as_array().unwrap();
    let keyring = keyring.iter().map(|key| NodeKey::from(key.as_str().unwrap())).collect();
    let federation = Federation::new(keypair.public().clone(), keyring);
    let settings = Settings { feed_gap: Duration::from_millis(1), ..Settings::default() };
    let uuid = case.get("fixed_uuid").and_then(Json::as_str).unwrap_or_default().replace('-', "");
    let seconds = case.get("fixed_timestamp").or(context.get("now")).unwrap().as_str().unwrap();
    let unix_ms = seconds.parse::<u64>().unwrap() * 1000;
    let endpoint = "http://localhost:9984/api/v1".to_owned();
    let setup = Setup {
        config: Arc::new(Config { keypair, federation, settings }),
        rules: rules::by_name(profile).unwrap(),
        store: Arc::new(WithoutFeeds(store)),
        query_timeout: PATIENCE,
        service: Service { api_endpoint: Some(endpoint), ..Service::default() },
        source: Arc::new(Fixed { unix_ms, chance: from_hex(&uuid) }),
        on_report: Arc::new(|report| println!("{report:?}")),
        metrics: Default::default(),
        record: Default::default(),
        control: Default::default(),
    };
    NodeHandle::start(setup, ANYWHERE).await.unwrap()
}

/// Puts the rows of a context into the tables; the backlog as it is then.
async fn fill(store: &EmbeddedStore, tables: &Json, profile: &str) -> BTreeSet<String> {
    let rows = |table| tables.get(table).unwrap().as_array().unwrap().to_vec();
    for document in rows("bigchain") {
        let block = Arc::new(Block::from_document(document).unwrap());
        store.query(Query::InsertBlock { block }).await.unwrap();
    }
    for document in rows("votes") {
        let id = text(&document, "id").into();
        let vote = Arc::new(Vote::from_document(document).unwrap());
        // A vote of ours stands under a key of ours.
        let ours = || Vote::key(vote.block(), vote.voter(), 0);
        let key = if profile == "v0.6.0" { id } else { ours() };
        store.query(Query::InsertVote { vote: VoteRow { key, vote } }).await.unwrap();
    }
    for row in rows("backlog") {
        let mut document = row.as_object().unwrap().clone();
        let assignee = document.remove("assignee").unwrap().as_str().unwrap().into();
        let transaction = Arc::new(Transaction::from_document(document.into()).unwrap());
        store.query(Query::InsertBacklog { transaction, assignee }).await.unwrap();
    }
    let backlog = store.tables().await.unwrap().remove("backlog").unwrap();
    backlog.iter().map(Json::to_string).collect()
}

/// A store whose feeds never open, and that never says what there is at the start, so that the node
/// does nothing but answer clients.
#[derive(Debug)]
struct WithoutFeeds(Arc<EmbeddedStore>);

impl Store for WithoutFeeds {
    fn query(&self, query: Query) -> BoxFuture<'_, Result<Answer, StoreError>> {
        match query {
            // What a node asks at its start and clients do not need.
            Query::Backlog { .. } | Query::Positions { .. } | Query::UnlistedBlocks { .. } => {
                Box::pin(std::future::pending())
            }
            query => self.0.query(query),
        }
    }

    fn open(&self, _: Feed) -> BoxFuture<'_, Result<FeedStream, StoreError>> {
        Box::pin(std::future::pending())
    }
}

/// A clock that stands still, and chance that repeats itself.
#[derive(Debug)]
struct Fixed {
    unix_ms: u64,
    chance: Vec<u8>,
}

impl Source for Fixed {
    fn now(&self) -> Now {
        Now { unix_ms: self.unix_ms, ..now() }
    }

    fn chance(&self, bytes: &mut [u8]) {
        let repeated = self.chance.iter().cycle();
        bytes.iter_mut().zip(repeated).for_each(|(byte, chance)| *byte = *chance);
    }
}

/// A text's JSON as Python lays it out, written by another library than the node's.
fn laid_out(text: &str, style: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut out = Vec::new();
    match style {
        "one line, newline at end" => {
            let mut writer = serde_json::Serializer::with_formatter(&mut out, Spaced);
            serde::Serialize::serialize(&value, &mut writer).unwrap();
            out.push(b'\n');
        }
        "indent 2, sorted keys, no newline at end" => {
            let formatter = serde_json::ser::PrettyFormatter::with_indent(b"  ");
            let mut writer = serde_json::Serializer::with_formatter(&mut out, formatter);
            serde::Serialize::serialize(&value, &mut writer).unwrap();
        }
        other => panic!("no layout is called {other}"),
    }
    String::from_utf8(out).unwrap()
}

/// A blank after each comma and colon.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
    ) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}

fn text<'a>(document: &'a Json, field: &str) -> &'a str {
    document.get(field).and_then(Json::as_str).unwrap_or_else(|| panic!("no `{field}`: {document}"))
}

fn from_hex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}
