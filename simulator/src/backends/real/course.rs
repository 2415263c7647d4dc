//! The course that every run in real time takes, whatever its nodes are.
//!
//! It begins; clients load while a nemesis harms and mends, until all is settled; clients ask once more; it ends. Here:
//! that order, and whoever looks on meanwhile. Not here: what a world does in between.

use std::io;
use std::sync::Arc;

use bigchaindb::clock;
use bigchaindb_load::client::Client;
use bigchaindb_load::engine;
use tokio::time::Instant;

use super::metering::Watch;
use super::{
    Clients, Hands, Metering, Nemesis, REQUEST_TIMEOUT, Recorder, Showing, introduce, judge_slip,
};
use crate::live::Live;
use crate::measure::Generator;
use crate::observe::{End, Observed, Record};
use crate::plan::Plan;
use crate::workload::Prepared;

/// Who is told of a run while it goes.
#[derive(Clone, Copy)]
pub(in super::super) struct Onlookers<'a> {
    /// Where metrics go, if anywhere.
    pub(in super::super) metering: Option<&'a Metering>,
    /// Who sees it, if anybody.
    pub(in super::super) live: Option<&'a Live>,
}

/// A run that is under way.
pub(in super::super) struct Course<'a> {
    plan: &'a Arc<Plan>,
    recorder: Recorder,
    began: Instant,
    clients: Clients,
    watch: Option<Watch>,
    showing: Option<Showing>,
}

impl<'a> Course<'a> {
    /// The run of this name begins: its clock stands at 0. What is to be signed beforehand is.
    ///
    /// # Errors
    /// If what is named for metrics is no database.
    pub(in super::super) fn begin(
        plan: &'a Arc<Plan>,
        name: &str,
        recorder: &Recorder,
        onlookers: Onlookers<'_>,
    ) -> io::Result<Self> {
        let prepared = Prepared::sign(plan, clock::now().unix_ms);
        let began = Instant::now();
        let started_unix_ms = clock::now().unix_ms;
        recorder.begin(Record::Run(introduce(plan, started_unix_ms)));
        let watch =
            onlookers.metering.map(|metering| metering.watch(name, started_unix_ms, recorder));
        let showing = onlookers.live.map(|live| Showing::start(live.clone(), recorder.clone()));
        let clients = Clients::new(plan, started_unix_ms, prepared, recorder.clone());
        Ok(Self {
            plan,
            recorder: recorder.clone(),
            began,
            clients,
            watch: watch.transpose()?,
            showing,
        })
    }

    /// Clients load while faults meet members by these hands, until there is neither load nor harm and all is settled.
    /// The hands, and how well the load kept to its plan.
    ///
    /// # Errors
    /// If the nemesis has panicked.
    pub(in super::super) async fn load<H: Hands + Send + 'static>(
        &mut self,
        client: &Client,
        hands: H,
    ) -> io::Result<(H, Option<Generator>)> {
        let nemesis = Nemesis::new(self.plan.clone(), hands, self.recorder.clone());
        let harming = tokio::spawn(nemesis.run(self.began));
        let slip = engine::run(&mut self.clients, client, self.began, REQUEST_TIMEOUT).await;
        let generator = judge_slip(&slip, &self.recorder);
        let hands = harming.await.map_err(io::Error::other)?;
        self.recorder.settled(self.plan).await;
        Ok((hands, generator))
    }

    /// Every node is asked where every transaction stands.
    pub(in super::super) async fn probe(&mut self, client: &Client) {
        self.clients.probe();
        engine::run(&mut self.clients, client, self.began, REQUEST_TIMEOUT).await;
    }

    /// Nothing more will happen: whoever looks on is told the rest. All that was written down.
    pub(in super::super) async fn end(self) -> Vec<Observed> {
        self.recorder.tell(Record::End(End { shortfalls: self.recorder.shortfalls() }));
        if let Some(watch) = self.watch {
            watch.finish().await;
        }
        if let Some(showing) = self.showing {
            showing.finish();
        }
        self.recorder.into_records()
    }
}
