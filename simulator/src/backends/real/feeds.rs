//! A node's feeds, ended by the store: their rows are deleted from its table of jobs.
//!
//! Whose a job is shows in the address that it comes from, so nodes need addresses of their own, from
//! which they speak: on loopback addresses all speak from one. A feed that was ended can be opened again
//! at once.

use std::io;
use std::net::IpAddr;

use bigchaindb::store::rethinkdb::term::Durability;
use bigchaindb::store::rethinkdb::{Client, Error, Term};
use bigchaindb_core::model::Json;

/// How a feed's query shows: ours as it is sent, with the number of `changes`, RethinkDB's in words.
///
/// Source: RethinkDB 2.4 manual, "System current jobs", `ql2.proto`.
const MARKS: [&str; 2] = ["[152,", "changes("];

/// Ends all feeds of whoever speaks from this address; their jobs.
///
/// # Errors
/// If the server does not do it.
pub(in super::super) async fn end(server: &Client, of: IpAddr) -> io::Result<Vec<Json>> {
    let failed = |error: Error| io::Error::other(error.whole());
    let is_wanted = |job: Json| is_feed_of(&job, of).then(|| job.get("id").cloned()).flatten();
    let ids = server.read_values(&jobs(), is_wanted).await.map_err(failed)?;
    for id in &ids {
        let ended = jobs().get(Term::value(id)).delete(Durability::Soft);
        server.value(&ended).await.map_err(failed)?;
    }
    Ok(ids)
}

/// Whether none of these jobs is there any more.
pub(in super::super) async fn have_ended(server: &Client, ids: &[Json]) -> Result<bool, Error> {
    let there = server.read_values(&jobs(), |job| job.get("id").cloned()).await?;
    Ok(!ids.iter().any(|id| there.contains(id)))
}

fn jobs() -> Term {
    Term::database("rethinkdb").table_of("jobs")
}

fn is_feed_of(job: &Json, of: IpAddr) -> bool {
    let info = |field| job.get("info").and_then(|info| info.get(field)).and_then(Json::as_str);
    let from = info("client_address").and_then(|address| address.parse::<IpAddr>().ok());
    let query = info("query").unwrap_or_default();
    from.map(|from| from.to_canonical()) == Some(of)
        && MARKS.iter().any(|mark| query.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_known_by_where_it_comes_from_and_what_it_asks() {
        let of: IpAddr = [198, 18, 0, 1].into();
        for (address, query, is_feed) in [
            ("198.18.0.1", r#"[1,[152,[[15,[\"votes\"]]]],{}]"#, true),
            ("198.18.0.1", r#"[1,[38,[[152,[[15,[\"bigchain\"]]]]]]]"#, true),
            ("::ffff:198.18.0.1", r#"r.db(\"bigchain\").table(\"votes\").changes()"#, true),
            ("198.18.0.1", r#"[1,[15,[\"votes\"]],{}]"#, false),
            ("198.18.0.2", r#"[1,[152,[[15,[\"votes\"]]]],{}]"#, false),
        ] {
            let job =
                format!(r#"{{"info": {{"client_address": "{address}", "query": "{query}"}}}}"#);
            let job = Json::parse(job.as_bytes()).unwrap();
            assert_eq!(is_feed_of(&job, of), is_feed, "{address} {query}");
        }
        assert!(!is_feed_of(&Json::Null, of));
    }
}
