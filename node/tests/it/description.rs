//! The description of the API against the API: what the one says the other does, and nothing else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bigchaindb::federation::Common;
use bigchaindb::http::Service;
use bigchaindb::shell::{NodeHandle, Setup};
use bigchaindb::store::{CuttableStore, EmbeddedStore, Link};
use bigchaindb_core::model::{Json, Keypair};
use bigchaindb_core::rules;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::exchange::{Reply, Request};
use crate::support::{ANYWHERE, Clients, PATIENCE, common, create, setup};

/// Methods that are tried on every path.
const METHODS: [&str; 9] =
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"];

/// A node with bounds that are easy to reach, and the link to its store.
async fn node(profile: &str) -> (NodeHandle, Link) {
    let service = Service {
        line_bytes: 200,
        fields: 20,
        body_bytes: 2000,
        body_timeout: Duration::from_millis(200),
        ..Service::default()
    };
    let link = Link::default();
    let store = CuttableStore::new(Arc::new(EmbeddedStore::in_memory()), link.clone());
    let common = Common { rules: rules::by_name(profile).unwrap(), ..common() };
    let setup = setup(Arc::new(store), common, Keypair::from_seed([1; 32]), vec![]);
    (NodeHandle::start(Setup { service, ..setup }, ANYWHERE).await.unwrap(), link)
}

#[tokio::test]
async fn the_description_says_what_is_answered_and_nothing_else() {
    let (node, link) = node("default").await;
    let address = node.address();
    let clients = Clients::new(&[address]);
    let alice = Keypair::from_seed([20; 32]);
    let known = clients.create(0, &alice, "an asset").await.id().to_string();
    let (status, document) = clients.get(0, "/api/v1/").await;
    assert_eq!(status, 200);
    assert_eq!(document.get("openapi").and_then(Json::as_str), Some("3.1.0"));
    let paths = document.get("paths").unwrap().as_object().unwrap();
    assert_eq!(paths.len(), 5);
    for (template, operations) in paths.iter() {
        let path = template.replace("{id}", &known);
        let unknown = template.replace("{id}", &"ab".repeat(32));
        let described: BTreeSet<String> =
            operations.as_object().unwrap().iter().map(|(name, _)| name.to_uppercase()).collect();
        for method in METHODS {
            if described.contains(method) {
                let operation = operations.get(&method.to_lowercase()).unwrap();
                let posted = create(&alice, "another");
                let found = answers(&node, &link, method, [&path, &unknown], &posted).await;
                check(&document, operation, &found, &format!("{method} {template}"));
                continue;
            }
            for path in [path.trim_end_matches('/'), &path] {
                let reply = Request::new(method, if path.is_empty() { "/" } else { path });
                let reply = reply.send(address).await;
                assert_eq!(reply.status, 405, "{method} {path}");
                let allowed: BTreeSet<_> = reply.field("allow").split(", ").collect();
                let methods = METHODS.into_iter().filter(|method| described.contains(*method));
                assert_eq!(allowed, methods.collect(), "{method} {path}");
            }
        }
    }
}

/// Every answer there is to a method on a path.
async fn answers(
    node: &NodeHandle,
    link: &Link,
    method: &str,
    paths: [&str; 2],
    document: &str,
) -> Vec<Reply> {
    let address = node.address();
    let [path, unknown] = paths;
    let request = |path| {
        let request = Request::new(method, path);
        if method == "POST" { request.with_body(document) } else { request }
    };
    let long = format!("{path}?{}", "x".repeat(200));
    let mut requests = vec![request(path), request(unknown), request(&long)];
    let mut many = request(path);
    many.fields = vec![("a", "b"); 30];
    requests.push(many);
    requests.push(request(path).with_body("not JSON"));
    requests.push(request(path).with_body("x".repeat(2001)));
    let mut replies = Vec::new();
    for request in requests {
        replies.push(request.send(address).await);
    }
    link.cut();
    replies.push(request(path).send(address).await);
    link.heal();
    if method == "POST" {
        let mut slow = TcpStream::connect(address).await.unwrap();
        let bytes = request(path).bytes();
        slow.write_all(&bytes[..bytes.len() - 1]).await.unwrap();
        let reply = tokio::time::timeout(PATIENCE, Reply::read(&mut slow)).await.unwrap();
        replies.push(reply.unwrap());
    }
    replies
}

/// Holds the answers to an operation to its description.
fn check(document: &Json, operation: &Json, replies: &[Reply], what: &str) {
    let responses = operation.get("responses").unwrap();
    let described = responses.as_object().unwrap().iter().map(|(status, _)| status.to_owned());
    let found: BTreeSet<_> = replies.iter().map(|reply| reply.status.to_string()).collect();
    assert_eq!(found, described.collect(), "{what}");
    for reply in replies {
        let response = resolved(document, responses.get(&reply.status.to_string()).unwrap());
        for (name, _) in fields(response, "headers") {
            assert!(!reply.field(&name.to_lowercase()).is_empty(), "{what}: {name} in {reply:?}");
        }
        let Some(content) = response.get("content") else {
            assert_eq!(reply.body, "", "{what}");
            continue;
        };
        let schema = content.get(reply.field("content-type")).and_then(|kind| kind.get("schema"));
        conforms(
            document,
            schema.unwrap_or_else(|| panic!("{what}: {reply:?}")),
            &reply.json(),
            what,
        );
    }
}

/// Holds a value to as much of a schema as is used here.
fn conforms(document: &Json, schema: &Json, value: &Json, what: &str) {
    let schema = resolved(document, schema);
    for name in schema.get("required").and_then(Json::as_array).unwrap_or_default() {
        assert!(value.get(name.as_str().unwrap()).is_some(), "{what}: no {name} in {value}");
    }
    if let Some(constant) = schema.get("const") {
        assert_eq!(value, constant, "{what}");
    }
    if let Some(choices) = schema.get("enum") {
        assert!(choices.as_array().unwrap().contains(value), "{what}: {value}");
    }
    if let Some(kind) = schema.get("type") {
        let is = match value {
            Json::Null => "null",
            Json::Bool(_) => "boolean",
            Json::Int(_) | Json::BigInt(_) => "integer",
            Json::Float(_) => "number",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "object",
        };
        let is_one = |kind: &Json| kind.as_str() == Some(is);
        let fits = is_one(kind) || kind.as_array().is_some_and(|kinds| kinds.iter().any(is_one));
        assert!(fits, "{what}: {value} is no {kind}");
    }
    for (name, inner) in fields(schema, "properties") {
        if let Some(value) = value.get(name) {
            conforms(document, inner, value, what);
        }
    }
    for item in value.as_array().unwrap_or_default() {
        if let Some(inner) = schema.get("items") {
            conforms(document, inner, item, what);
        }
    }
}

/// The fields of an object that may not be there.
fn fields<'a>(part: &'a Json, name: &str) -> impl Iterator<Item = (&'a str, &'a Json)> {
    part.get(name).and_then(Json::as_object).into_iter().flat_map(|fields| fields.iter())
}

/// What a reference refers to.
fn resolved<'a>(document: &'a Json, part: &'a Json) -> &'a Json {
    let Some(reference) = part.get("$ref").and_then(Json::as_str) else { return part };
    let names = reference.strip_prefix("#/").unwrap().split('/');
    names.fold(document, |part, name| part.get(name).unwrap_or_else(|| panic!("{reference}")))
}

#[tokio::test]
async fn the_original_has_no_description() {
    let (node, _) = node("v0.6.0").await;
    for path in ["/api/v1", "/api/v1/"] {
        let reply = Request::new("GET", path).send(node.address()).await;
        assert_eq!((reply.status, reply.field("content-type")), (404, "text/html"));
    }
}
