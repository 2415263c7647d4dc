//! What goes wrong between the servers of an embedded cluster, which share one process: a fault is rows of
//! its table `harms`, written there through a server that is well.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;

use bigchaindb::store::rethinkdb::term::Durability;
use bigchaindb::store::rethinkdb::{Error, Term};
use bigchaindb_core::model::{Json, Object};

use super::{ANSWER_WITHIN, Sign, Store, cannot, client};
use crate::plan::{Direction, Fault, FaultKind, How, Plan, Store as Planned};

impl Store {
    /// Lets something go wrong between the servers of an embedded cluster.
    pub(super) async fn wish(&mut self, fault: &Fault, server: usize) -> io::Result<Vec<Sign>> {
        let ids = self.ids(fault, server);
        let wishes = wishes(fault, server, self.servers.len()).ok_or_else(|| cannot(fault))?;
        let takes = fault.kind != FaultKind::StorePartition;
        let mut signs = Vec::new();
        for (id, wish) in ids.iter().zip(wishes) {
            let row = Term::value(&with_id(wish, id));
            self.ask(&harms().insert(row, Durability::Hard), server).await?;
            if !takes {
                signs.push(Sign::Harms(self.others(server), id.clone()));
            }
        }
        if takes {
            self.harmed.insert(server);
            signs.push(Sign::Serves(self.servers[server]));
        }
        Ok(signs)
    }

    pub(super) async fn take_back(
        &mut self,
        fault: &Fault,
        server: usize,
    ) -> io::Result<Vec<Sign>> {
        let mut signs = Vec::new();
        for id in self.ids(fault, server) {
            self.ask(&harms().get(id.as_str()).delete(Durability::Hard), server).await?;
            if fault.kind == FaultKind::StorePartition {
                signs.push(Sign::Harms(self.others(server), id));
            }
        }
        if fault.kind != FaultKind::StorePartition {
            self.harmed.remove(&server);
            signs.push(Sign::Serves(self.servers[server]));
        }
        Ok(signs)
    }

    /// The keys of the rows that a fault is: one for each pair of servers that it keeps apart.
    fn ids(&self, fault: &Fault, server: usize) -> Vec<String> {
        let rows = wishes(fault, server, self.servers.len()).map_or(0, |wishes| wishes.len());
        (0..rows).map(|row| format!("fault-{}-{server}-{row}", fault.number)).collect()
    }

    /// Has a server do something that is well itself.
    async fn ask(&self, term: &Term, server: usize) -> io::Result<()> {
        let mut last = None;
        for other in self.others(server) {
            match client(other, ANSWER_WITHIN).value(term).await {
                Ok(done) if done.get("errors").and_then(Json::as_i64) == Some(0) => return Ok(()),
                Ok(refused) => last = Some(io::Error::other(refused.to_string())),
                Err(error) => last = Some(io::Error::other(error.whole())),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("no server is left to be asked")))
    }
}

/// Whether a row of the table of harms is there; an error if nobody says.
pub(in super::super) async fn is_harmed(servers: &[SocketAddr], id: &str) -> Result<bool, Error> {
    let mut answer = Err(Error::NotSent("no server is left to be asked".to_owned()));
    for server in servers {
        answer = client(*server, ANSWER_WITHIN).read_value(&harms().get(id)).await;
        if answer.is_ok() {
            break;
        }
    }
    answer.map(|row| !row.is_null())
}
fn harms() -> Term {
    Term::database("rethinkdb").table_of("harms")
}
/// The first fault with which no server is left that runs.
pub(in super::super) fn takes_the_last(plan: &Plan) -> Option<&Fault> {
    let takes = |fault: &&Fault| {
        matches!(
            fault.kind,
            FaultKind::StoreKill
                | FaultKind::StoreRestart
                | FaultKind::StorePause
                | FaultKind::PowerLoss
        )
    };
    let taken_at = |moment: u64| {
        let holds = |fault: &&Fault| (fault.at_us..=fault.until_us).contains(&moment);
        let taken: BTreeSet<usize> = plan
            .faults
            .iter()
            .filter(takes)
            .filter(holds)
            .flat_map(|fault| fault.servers.iter().copied())
            .collect();
        taken.len()
    };
    let all = plan.store.servers as usize;
    plan.faults.iter().filter(takes).find(|fault| taken_at(fault.at_us) >= all)
}

/// The rows of the table `harms` that are a fault of a server; none if there are no such rows.
fn wishes(fault: &Fault, server: usize, all: usize) -> Option<Vec<Object>> {
    let name = |server: usize| Json::from(Planned::server_name(server));
    let kind = match fault.kind {
        FaultKind::StoreKill => "kill",
        FaultKind::StoreRestart => "stop",
        FaultKind::StorePause => "pause",
        FaultKind::PowerLoss => "power-loss",
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
        let scenario = |third: &str| {
            let text = format!(
                "name = \"x\"\nbackends = [\"processes\"]\n[federation]\nrethinkdb = {{ servers = 3 }}\n\
                 [[fault]]\ndo = \"store-kill\"\nat = \"1s\"\ntarget = [\"s1\", \"s2\"]\n\
                 [[fault]]\ndo = \"store-pause\"\nat = \"{third}\"\ntarget = \"s3\"\n"
            );
            let scenario = crate::scenario::Scenario::parse("x.toml", &text, None).unwrap();
            crate::plan::make(&scenario, 1).unwrap()
        };
        assert_eq!(takes_the_last(&scenario("2s")).map(|fault| fault.number), Some(1));
        assert_eq!(takes_the_last(&scenario("7s")), None, "the others are back by then");
        assert!(wishes(&fault(FaultKind::StoreFull, &[0], How::Plain), 0, 3).is_none());
    }
}
