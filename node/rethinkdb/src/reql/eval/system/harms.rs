//! The table `harms`: what is wrong between several servers, by somebody's wish.
//!
//! Inserting a row lets something go wrong, deleting it mends that. The table is our own: RethinkDB has
//! no such wishes.

use super::{HARMS, named, wrong_format};
use crate::cluster::ServerId;
use crate::reql::datum::{Datum, Object};
use crate::reql::env::Env;
use crate::reql::eval::Run;
use crate::reql::eval::admin::op_failed;
use crate::reql::failure::{Failure, Result};
use crate::{Ending, Member, Trouble};

const FULL: &str = "full";
const KILL: &str = "kill";
const PARTITION: &str = "partition";
const PAUSE: &str = "pause";
const POWER_LOSS: &str = "power-loss";
const SLOW: &str = "slow";
const STOP: &str = "stop";

/// What can go wrong.
const KINDS: [&str; 7] = [FULL, KILL, PARTITION, PAUSE, POWER_LOSS, SLOW, STOP];

/// Nothing is slower than this.
const FACTOR_MAX: f64 = 1e6;

/// What is wrong now.
pub(super) fn documents(env: &Env) -> Vec<Datum> {
    let Some(member) = &env.member else { return Vec::new() };
    let document = |(id, trouble): (String, Trouble)| document(member, &id, &trouble);
    member.troubles().into_iter().map(document).collect()
}

fn document(member: &Member, id: &str, trouble: &Trouble) -> Datum {
    let name = |server: &ServerId| Datum::from(member.name_of(*server));
    let names = |servers: &[ServerId]| Datum::array(servers.iter().map(name).collect());
    let of_server = |kind: &str, server: &ServerId| {
        named([("id", id.into()), ("kind", kind.into()), ("server", name(server))])
    };
    match trouble {
        Trouble::Down(server, Ending::Killed) => of_server(KILL, server),
        Trouble::Down(server, Ending::PowerLost) => of_server(POWER_LOSS, server),
        Trouble::Down(server, Ending::Stopped) => of_server(STOP, server),
        Trouble::Paused(server) => of_server(PAUSE, server),
        Trouble::Slow(server, factor) => named([
            ("factor", f64::from(*factor).into()),
            ("id", id.into()),
            ("kind", SLOW.into()),
            ("server", name(server)),
        ]),
        #[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
        Trouble::Full(server) => named([
            ("id", id.into()),
            ("kind", FULL.into()),
            ("refused", (member.refused(id) as f64).into()),
            ("server", name(server)),
        ]),
        Trouble::Partition { of, from, oneway } => named([
            ("from", names(from)),
            ("id", id.into()),
            ("kind", PARTITION.into()),
            ("of", names(of)),
            ("oneway", (*oneway).into()),
        ]),
    }
}

/// Lets something go wrong, or mends it.
pub(super) fn write(run: &Run, old: &Datum, new: &Datum) -> Result<()> {
    let Some(member) = &run.env()?.member else { return Ok(()) };
    let id = |row: &Datum| Ok::<_, Box<Failure>>(row.expect_field("id")?.expect_str()?.to_owned());
    match (old, new) {
        (Datum::Null, new) => {
            let trouble = trouble(member, new.expect_object()?)?;
            let begun = member.harm(&id(new)?, trouble);
            begun.map_err(|refused| op_failed(refused.to_string()))
        }
        (old, Datum::Null) => {
            member.mend(&id(old)?);
            Ok(())
        }
        _ => Err(op_failed("A harm is inserted and deleted, not changed.")),
    }
}

fn wrong(what: &str) -> Box<Failure> {
    wrong_format(HARMS, what)
}

fn trouble(member: &Member, fields: &Object) -> Result<Trouble> {
    let kind = fields.get("kind").and_then(Datum::as_str);
    let Some(kind) = kind.and_then(|kind| KINDS.iter().find(|known| **known == kind)) else {
        let known = KINDS.map(|kind| format!("\"{kind}\"")).join(", ");
        let got = fields.get("kind").map_or("nothing".to_owned(), Datum::pretty);
        return Err(wrong(&format!("In `kind`: Expected one of {known}, got: {got}")));
    };
    let known: &[&str] = match *kind {
        PARTITION => &["id", "kind", "of", "from", "oneway"],
        SLOW => &["id", "kind", "server", "factor"],
        _ => &["id", "kind", "server"],
    };
    let unknown: Vec<_> =
        fields.keys().map(|name| &**name).filter(|name| !known.contains(name)).collect();
    if !unknown.is_empty() {
        let (unknown, known) = (unknown.join(", "), known.join(", "));
        let words = format!("Unexpected key(s): {unknown}. A {kind} has these: {known}");
        return Err(wrong(&words));
    }
    if *kind == PARTITION {
        return partition(member, fields);
    }
    let server = server(member, "server", fields.get("server").unwrap_or(&Datum::Null))?;
    Ok(match *kind {
        KILL => Trouble::Down(server, Ending::Killed),
        POWER_LOSS => Trouble::Down(server, Ending::PowerLost),
        STOP => Trouble::Down(server, Ending::Stopped),
        FULL => Trouble::Full(server),
        SLOW => Trouble::Slow(server, factor(fields)?),
        _ => Trouble::Paused(server),
    })
}

/// How many times as long something takes.
fn factor(fields: &Object) -> Result<u32> {
    let factor = fields.get("factor").unwrap_or(&Datum::Null);
    let number = factor.as_number().filter(|factor| (2.0..=FACTOR_MAX).contains(factor));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "2 to a million")]
    match number.filter(|factor| factor.fract() == 0.0) {
        Some(factor) => Ok(factor as u32),
        None => {
            let got = factor.pretty();
            Err(wrong(&format!("In `factor`: Expected a whole number from 2 on, got: {got}")))
        }
    }
}

/// Without `from`, all other servers.
fn partition(member: &Member, fields: &Object) -> Result<Trouble> {
    let of = servers(member, "of", fields.get("of").unwrap_or(&Datum::Null))?;
    let from = match fields.get("from") {
        Some(from) => servers(member, "from", from)?,
        None => member.ids().filter(|server| !of.contains(server)).collect(),
    };
    if from.is_empty() {
        return Err(wrong("Expected a server that is not in `of`."));
    }
    if let Some(both) = of.iter().find(|server| from.contains(server)) {
        let name = member.name_of(*both);
        return Err(wrong(&format!("Server `{name}` is in `of` and in `from`.")));
    }
    let oneway = match fields.get("oneway") {
        None => false,
        Some(Datum::Bool(oneway)) => *oneway,
        Some(other) => {
            let got = other.pretty();
            return Err(wrong(&format!("In `oneway`: Expected true or false, got: {got}")));
        }
    };
    Ok(Trouble::Partition { of, from, oneway })
}

fn servers(member: &Member, field: &str, names: &Datum) -> Result<Vec<ServerId>> {
    let Some(names) = names.as_array().filter(|names| !names.is_empty()) else {
        let got = names.pretty();
        return Err(wrong(&format!("In `{field}`: Expected an array of servers, got: {got}")));
    };
    let mut servers = Vec::new();
    for name in names {
        let server = server(member, field, name)?;
        if servers.contains(&server) {
            let name = member.name_of(server);
            return Err(wrong(&format!("In `{field}`: Server `{name}` is listed more than once.")));
        }
        servers.push(server);
    }
    Ok(servers)
}

fn server(member: &Member, field: &str, name: &Datum) -> Result<ServerId> {
    let found = name.as_str().and_then(|name| member.server(name));
    found.ok_or_else(|| {
        let known: Vec<_> =
            member.ids().map(|server| format!("\"{}\"", member.name_of(server))).collect();
        let (known, got) = (known.join(", "), name.pretty());
        wrong(&format!("In `{field}`: Expected one of {known}, got: {got}"))
    })
}
