//! What goes wrong between the servers of an embedded cluster, which share one process: a fault is rows of
//! its table `harms`, written there through a door that none of it closes.

use std::io;
use std::net::SocketAddr;

use bigchaindb::store::rethinkdb::term::Durability;
use bigchaindb::store::rethinkdb::{Error, Term};
use bigchaindb_core::model::{Json, Object};

use super::super::super::real::reql;
use super::{ANSWER_WITHIN, Sign, Store, cannot};
use crate::plan::{Direction, Fault, FaultKind, How, Store as Planned};

impl Store {
    /// Lets something go wrong between the servers of an embedded cluster.
    pub(super) async fn wish(&mut self, fault: &Fault, server: usize) -> io::Result<Vec<Sign>> {
        let ids = self.ids(fault, server);
        let wishes = wishes(fault, server, self.servers.len()).ok_or_else(|| cannot(fault))?;
        for (id, wish) in ids.iter().zip(wishes) {
            let row = Term::value(&with_id(wish, id));
            self.ask(&harms().insert(row, Durability::Hard)).await?;
        }
        if takes(fault.kind) {
            self.harmed.insert(server);
        }
        self.signs(fault, server, ids)
    }

    pub(super) async fn take_back(
        &mut self,
        fault: &Fault,
        server: usize,
    ) -> io::Result<Vec<Sign>> {
        let ids = self.ids(fault, server);
        for id in &ids {
            self.ask(&harms().get(id.as_str()).delete(Durability::Hard)).await?;
        }
        self.harmed.remove(&server);
        Ok(match fault.kind {
            // There is room if nothing says that there is none.
            FaultKind::StoreFull => {
                let door = self.door()?;
                ids.into_iter().map(|id| Sign::Harms(door, id)).collect()
            }
            _ => self.signs(fault, server, ids)?,
        })
    }

    /// By what it is known that rows are there, or not.
    fn signs(&self, fault: &Fault, server: usize, ids: Vec<String>) -> io::Result<Vec<Sign>> {
        let door = self.door()?;
        Ok(match fault.kind {
            kind if takes(kind) => vec![Sign::Serves(self.servers[server])],
            FaultKind::StoreFull => ids.into_iter().map(|id| Sign::Fits(door, id, 0)).collect(),
            _ => ids.into_iter().map(|id| Sign::Harms(door, id)).collect(),
        })
    }

    /// The keys of the rows that a fault is: one for each pair of servers that it keeps apart.
    fn ids(&self, fault: &Fault, server: usize) -> Vec<String> {
        let rows = wishes(fault, server, self.servers.len()).map_or(0, |wishes| wishes.len());
        (0..rows).map(|row| format!("fault-{}-{server}-{row}", fault.number)).collect()
    }

    /// Has the cluster do something.
    async fn ask(&self, term: &Term) -> io::Result<()> {
        match reql(self.door()?, ANSWER_WITHIN).value(term).await {
            Ok(done) if done.get("errors").and_then(Json::as_i64) == Some(0) => Ok(()),
            Ok(refused) => Err(io::Error::other(refused.to_string())),
            Err(error) => Err(io::Error::other(error.whole())),
        }
    }

    fn door(&self) -> io::Result<SocketAddr> {
        self.door.ok_or_else(|| io::Error::other("the store has no door"))
    }
}

/// Whether a fault takes a server, so that it does not answer.
fn takes(kind: FaultKind) -> bool {
    matches!(
        kind,
        FaultKind::StoreKill
            | FaultKind::StoreRestart
            | FaultKind::StorePause
            | FaultKind::PowerLoss
    )
}

/// Whether a row of the table of harms is there; an error if nobody says.
pub(in super::super) async fn is_harmed(door: SocketAddr, id: &str) -> Result<bool, Error> {
    row(door, id).await.map(|row| !row.is_null())
}

/// How many writes a row of the table of harms has refused; an error if nobody says.
pub(in super::super) async fn refusals(door: SocketAddr, id: &str) -> Result<u64, Error> {
    let row = row(door, id).await?;
    let refused = row.get("refused").and_then(Json::as_i64);
    Ok(refused.and_then(|refused| u64::try_from(refused).ok()).unwrap_or(0))
}

async fn row(door: SocketAddr, id: &str) -> Result<Json, Error> {
    reql(door, ANSWER_WITHIN).read_value(&harms().get(id)).await
}

fn harms() -> Term {
    Term::database("rethinkdb").table_of("harms")
}

/// The rows of the table `harms` that are a fault of a server; none if there are no such rows.
fn wishes(fault: &Fault, server: usize, all: usize) -> Option<Vec<Object>> {
    let name = |server: usize| Json::from(Planned::server_name(server));
    let kind = match fault.kind {
        FaultKind::StoreKill => "kill",
        FaultKind::StoreRestart => "stop",
        FaultKind::StorePause => "pause",
        FaultKind::PowerLoss => "power-loss",
        FaultKind::StoreFull => "full",
        FaultKind::StoreSlowLink => "slow",
        FaultKind::StorePartition => {
            let How::Apart { form, direction } = fault.how else { return None };
            let apart = form.apart(&fault.servers, all).into_iter();
            let row = |(one, other): (usize, usize)| {
                let (of, from) = match direction {
                    Direction::In => (other, one),
                    Direction::Out | Direction::Both => (one, other),
                };
                let mut row = Object::new();
                row.insert("kind", Json::from("partition"));
                row.insert("of", Json::Array(vec![name(of)]));
                row.insert("from", Json::Array(vec![name(from)]));
                row.insert("oneway", Json::Bool(direction != Direction::Both));
                row
            };
            return Some(apart.map(row).collect());
        }
        _ => return None,
    };
    let mut row = Object::new();
    row.insert("kind", Json::from(kind));
    row.insert("server", name(server));
    if let How::Slow { factor, .. } = fault.how {
        row.insert("factor", Json::from(i64::from(factor)));
    }
    Some(vec![row])
}

fn with_id(mut row: Object, id: &str) -> Json {
    row.insert("id", Json::from(id));
    row.into()
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Form;

    fn fault(kind: FaultKind, servers: &[usize], how: How) -> Fault {
        let servers = servers.to_vec();
        Fault { number: 7, kind, nodes: Vec::new(), servers, how, at_us: 0, until_us: 1 }
    }

    #[test]
    fn faults_between_servers_are_rows_that_the_store_understands() {
        let apart = |form, direction| How::Apart { form, direction };
        for (kind, servers, how, rows) in [
            (FaultKind::StoreKill, &[1][..], How::Plain, &[r#"{"kind":"kill","server":"s2"}"#][..]),
            (
                FaultKind::StoreSlowLink,
                &[0],
                How::Slow { factor: 3, jitter_us: 0 },
                &[r#"{"factor":3,"kind":"slow","server":"s1"}"#],
            ),
            (
                FaultKind::StorePartition,
                &[2],
                apart(Form::Isolated, Direction::In),
                &[
                    r#"{"from":["s3"],"kind":"partition","of":["s1"],"oneway":true}"#,
                    r#"{"from":["s3"],"kind":"partition","of":["s2"],"oneway":true}"#,
                ],
            ),
            (
                FaultKind::StorePartition,
                &[0],
                apart(Form::Halves, Direction::Both),
                &[
                    r#"{"from":["s2"],"kind":"partition","of":["s1"],"oneway":false}"#,
                    r#"{"from":["s3"],"kind":"partition","of":["s1"],"oneway":false}"#,
                ],
            ),
        ] {
            let made = wishes(&fault(kind, servers, how), servers[0], 3).unwrap();
            let made: Vec<_> = made.into_iter().map(|row| Json::from(row).to_string()).collect();
            assert_eq!(made, rows, "{kind:?}");
        }
        assert!(wishes(&fault(FaultKind::StoreSlow, &[0], How::Plain), 0, 3).is_none());
    }
}
