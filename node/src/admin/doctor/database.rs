//! The database: its servers, how tables are kept, whether all is there.

use std::collections::BTreeSet;

use bigchaindb_core::model::Json;

use super::Check;
use crate::clock;
use crate::store::rethinkdb::schema::{self, RESTORING, TABLES};
use crate::store::rethinkdb::term::ReadMode;
use crate::store::rethinkdb::{Client, Error, Term};

/// The oldest version that BigchainDB 0.6 works with.
const VERSION_LEAST: (u64, u64) = (2, 3);

/// So many copies outlive a server that fails while another is being replaced.
const REPLICAS: usize = 3;

/// Clocks may differ by so much without a second look; in milliseconds.
const SKEW_MS: u64 = 1_000;

/// Voters refuse blocks from 120 s ahead; half of that is too much.
const SKEW_MS_MAX: u64 = 60_000;

/// The embedded database says nothing of how it was started.
const SILENT: &str = "not asked: this database does not say how it was started";

/// Looks at the database that a client reaches.
pub async fn check_database(client: &Client) -> Vec<Check> {
    let servers = match system(client, "server_status").await {
        Ok(servers) => servers,
        Err(error @ Error::Query { .. }) => {
            let advice = "let this user read the database `rethinkdb`";
            return vec![Check::warning("RethinkDB", error.to_string(), advice)];
        }
        Err(error) => {
            let advice = "is it running? see `database.host` and `database.port`";
            return vec![Check::problem("RethinkDB", error.whole(), advice)];
        }
    };
    let mut checks = vec![
        Check::ok("RethinkDB", format!("{} servers answer", servers.len())),
        version(&servers),
        connected(&servers),
        reach(&servers),
        direct_io(&servers),
        same_time(client).await,
    ];
    checks.push(tables(client).await.unwrap_or_else(|error| unasked("tables", &error)));
    let there = schema::tables(client).await.unwrap_or_default();
    if TABLES.iter().all(|table| there.iter().any(|name| name == table)) {
        checks.extend(kept(client).await.unwrap_or_else(|error| vec![unasked("tables", &error)]));
        checks.push(indexes(client).await.unwrap_or_else(|error| unasked("indexes", &error)));
    }
    checks
}

fn unasked(name: &'static str, error: &Error) -> Check {
    Check::problem(name, error.to_string(), "see RethinkDB's log")
}

/// A table of the database `rethinkdb`.
async fn system(client: &Client, table: &str) -> Result<Vec<Json>, Error> {
    let rows = Term::database("rethinkdb").table_of(table);
    client.read_values(&rows, Some).await
}

fn at<'a>(document: &'a Json, path: &[&str]) -> Option<&'a Json> {
    path.iter().try_fold(document, |value, name| value.get(name))
}

fn version(servers: &[Json]) -> Check {
    let name = "version";
    let versions: BTreeSet<_> =
        servers.iter().filter_map(|one| at(one, &["process", "version"])?.as_str()).collect();
    let found = versions.iter().copied().collect::<Vec<_>>().join(", ");
    let advice = "BigchainDB 0.6 needs RethinkDB 2.3 or later";
    for version in &versions {
        // The embedded database goes with this program.
        let Some(number) = version.strip_prefix("rethinkdb ") else { continue };
        let mut parts = number.split('.').map_while(|part| part.parse::<u64>().ok());
        match (parts.next(), parts.next()) {
            (Some(major), Some(minor)) if (major, minor) >= VERSION_LEAST => {}
            _ => return Check::problem(name, found, advice),
        }
    }
    if versions.len() > 1 {
        return Check::warning(name, found, "let all servers have the same version");
    }
    Check::ok(name, found)
}

fn connected(servers: &[Json]) -> Check {
    let (name, advice) = ("servers", "look at their network");
    let mut apart = Vec::new();
    for server in servers {
        let others = at(server, &["network", "connected_to"]).and_then(Json::as_object);
        for (other, connected) in others.into_iter().flat_map(|others| others.iter()) {
            if *connected != Json::Bool(true) {
                let one = server.get("name").and_then(Json::as_str).unwrap_or_default();
                apart.push(format!("{one} and {other}"));
            }
        }
    }
    if apart.is_empty() {
        return Check::ok(name, "all are connected with each other");
    }
    Check::problem(name, format!("not connected: {}", apart.join(", ")), advice)
}

/// What a server was started with; none if it does not say.
fn arguments(server: &Json) -> Option<Vec<&str>> {
    let arguments = at(server, &["process", "argv"])?.as_array()?;
    Some(arguments.iter().filter_map(Json::as_str).collect())
}

/// The servers for which something is so, by name.
fn those(servers: &[Json], is_so: impl Fn(&[&str]) -> bool) -> Vec<&str> {
    let so = servers.iter().filter(|one| arguments(one).is_some_and(|arguments| is_so(&arguments)));
    so.filter_map(|server| server.get("name")?.as_str()).collect()
}

fn is_in_file(arguments: &[&str]) -> bool {
    arguments.iter().any(|argument| argument.starts_with("--config-file"))
}

fn reach(servers: &[Json]) -> Check {
    let name = "database address";
    if servers.iter().all(|server| arguments(server).is_none()) {
        return Check::ok(name, SILENT);
    }
    let everywhere = |argument: &&str| matches!(*argument, "all" | "0.0.0.0" | "::");
    let open = those(servers, |arguments| {
        let follows = arguments.windows(2).any(|pair| is_bind(pair[0]) && everywhere(&pair[1]));
        let value = |argument: &&str| {
            let (option, value) = argument.split_once('=')?;
            (is_bind(option) && everywhere(&value)).then_some(())
        };
        follows || arguments.iter().any(|argument| value(argument).is_some())
    });
    if !open.is_empty() {
        let found = format!("open to the world: {}", open.join(", "));
        return Check::warning(name, found, "let only members' machines reach it, by a firewall");
    }
    let unknown = those(servers, is_in_file);
    if !unknown.is_empty() {
        let found = format!("not known, it is in the config file of {}", unknown.join(", "));
        return Check::warning(name, found, "see that `bind` names no address open to the world");
    }
    Check::ok(name, "not every address of a machine")
}

fn is_bind(option: &str) -> bool {
    matches!(option, "--bind" | "--bind-driver" | "--bind-cluster" | "--bind-http")
}

fn direct_io(servers: &[Json]) -> Check {
    let name = "direct I/O";
    if servers.iter().all(|server| arguments(server).is_none()) {
        return Check::ok(name, SILENT);
    }
    let without =
        those(servers, |arguments| !arguments.contains(&"--direct-io") && !is_in_file(arguments));
    let advice = "use `direct-io` on production machines";
    if !without.is_empty() {
        return Check::warning(name, format!("not used by {}", without.join(", ")), advice);
    }
    let unknown =
        those(servers, |arguments| !arguments.contains(&"--direct-io") && is_in_file(arguments));
    if !unknown.is_empty() {
        let found = format!("not known, it is in the config file of {}", unknown.join(", "));
        return Check::warning(name, found, advice);
    }
    Check::ok(name, "used by all servers")
}

/// The clock of the server that is asked, against this machine's.
async fn same_time(client: &Client) -> Check {
    let name = "database clock";
    let before = clock::now().unix_ms;
    let told = match client.read_value(&Term::now()).await {
        Ok(told) => told,
        Err(error) => return unasked(name, &error),
    };
    let after = clock::now().unix_ms;
    let seconds = match told.get("epoch_time") {
        Some(Json::Float(seconds)) => *seconds,
        Some(Json::Int(seconds)) => *seconds as f64,
        _ => return Check::warning(name, "it tells no time", "is the server a RethinkDB?"),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let theirs = (seconds * 1000.0) as u64;
    // Somewhere between question and answer.
    let skew = theirs.saturating_sub(after).max(before.saturating_sub(theirs));
    let (found, advice) =
        (format!("{skew} ms apart from this machine's"), "synchronise both clocks");
    match skew {
        skew if skew <= SKEW_MS => Check::ok(name, found),
        skew if skew <= SKEW_MS_MAX => Check::warning(name, found, advice),
        _ => Check::problem(name, found, advice),
    }
}

async fn tables(client: &Client) -> Result<Check, Error> {
    let (name, there) = ("tables", schema::tables(client).await?);
    let is_there = |table: &str| there.iter().any(|name| name == table);
    let missing: Vec<_> = TABLES.into_iter().filter(|table| !is_there(table)).collect();
    Ok(if is_there(RESTORING) {
        let found = "the restore of an archive was begun and not finished";
        Check::problem(name, found, "run `bigchaindb restore` again with the same archive")
    } else if missing.is_empty() {
        Check::ok(name, format!("all {} are there", TABLES.len()))
    } else {
        let found = format!("missing: {}", missing.join(", "));
        Check::problem(name, found, "run `bigchaindb init`")
    })
}

/// How tables are spread, and whether what is acknowledged is kept.
async fn kept(client: &Client) -> Result<Vec<Check>, Error> {
    let (mut shards, mut few, mut soft, mut unready) = (vec![], vec![], vec![], vec![]);
    for name in TABLES {
        let table = || Term::table(name, ReadMode::Single);
        let config = client.read_value(&table().config()).await?;
        let of_shards = config.get("shards").and_then(Json::as_array).unwrap_or_default();
        let replicas = of_shards
            .iter()
            .map(|shard| shard.get("replicas").and_then(Json::as_array).unwrap_or_default().len());
        let replicas = replicas.min().unwrap_or_default();
        shards.push(format!("{name} {} × {replicas}", of_shards.len()));
        if replicas < REPLICAS {
            few.push(name);
        }
        let is = |field: &str, wanted| config.get(field).and_then(Json::as_str) == Some(wanted);
        if !is("durability", "hard") || !is("write_acks", "majority") {
            soft.push(name);
        }
        let status = client.read_value(&table().status()).await?;
        if at(&status, &["status", "all_replicas_ready"]) != Some(&Json::Bool(true)) {
            unready.push(name);
        }
    }
    let shards = format!("shards × replicas: {}", shards.join(", "));
    Ok(vec![
        if few.is_empty() {
            Check::ok("replicas", shards)
        } else {
            Check::warning("replicas", shards, "3 or more are safe: `bigchaindb set-replicas 3`")
        },
        if unready.is_empty() {
            Check::ok("availability", "all replicas are ready")
        } else {
            let found = format!("not all replicas are ready: {}", unready.join(", "));
            Check::problem("availability", found, "look at the servers that hold them")
        },
        if soft.is_empty() {
            Check::ok("durability", "hard, acknowledged by a majority")
        } else {
            let found = format!("not hard, or not by a majority: {}", soft.join(", "));
            let advice = "set `durability` to \"hard\", `write_acks` to \"majority\"";
            Check::problem("durability", found, advice)
        },
    ])
}

async fn indexes(client: &Client) -> Result<Check, Error> {
    let (name, unusable) = ("indexes", schema::unusable_indexes(client).await?);
    if unusable.is_empty() {
        return Ok(Check::ok(name, "all are ready"));
    }
    let found = format!("missing or not ready: {}", unusable.join(", "));
    Ok(Check::problem(name, found, "run `bigchaindb init`, which waits until they are"))
}
