//! The system table `jobs`: the queries that are running, and their end.

use super::admin::op_failed;
use crate::jobs::Job;
use crate::reql::datum::Datum;
use crate::reql::env::Env;
use crate::reql::failure::Result;

/// The kind of all jobs here: nothing is compacted or copied in the background.
const KIND: &str = "query";

/// Its documents, this query's own among them.
///
/// Source: RethinkDB docs, "System tables", `jobs`; the query is shown as it was sent.
pub(super) fn documents(env: &Env) -> Vec<Datum> {
    let now_s = (env.clock)();
    env.jobs.list().iter().map(|job| document(env, job, now_s)).collect()
}

fn document(env: &Env, job: &Job, now_s: f64) -> Datum {
    Datum::fields([
        ("duration_sec", (now_s - job.started_s).max(0.0).into()),
        ("id", vec![Datum::from(KIND), Datum::from(&*job.id)].into()),
        (
            "info",
            Datum::fields([
                ("client_address", job.client.ip().to_string().into()),
                ("client_port", i32::from(job.client.port()).into()),
                ("query", Datum::from(&*job.query)),
                ("user", Datum::from(&*job.user)),
            ]),
        ),
        ("servers", vec![Datum::from(&*env.server.name)].into()),
        ("type", KIND.into()),
    ])
}

/// Takes a row out: its query ends. One that has ended already is not missed.
pub(super) fn write(env: &Env, old: &Datum, new: &Datum) -> Result<()> {
    if !new.is_null() {
        return Err(op_failed(
            "The `rethinkdb.jobs` system table only allows deletions, not inserts or updates.",
        ));
    }
    if let Some([_, id]) = old.get("id").and_then(Datum::as_array)
        && let Some(id) = id.as_str()
    {
        env.jobs.kill(id);
    }
    Ok(())
}
