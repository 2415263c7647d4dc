//! How a federation is watched: what becomes of the datagrams that its members send.
//!
//! Here: a relay that makes of StatsD's datagrams what Telegraf makes of them ([`relay`]), and Grafana's pages
//! and alerts as code ([`dashboards`]), and a live page of our own ([`dash`]). The names of all metrics are in the node's own table
//! (`bigchaindb::metrics`), those of the federation as a whole in [`federation`]; how they become measurements
//! and tags is in `telegraf.conf`, for Telegraf, for the relay and for the dashboards. Runs and what is done in
//! them are no metrics: [`runs`]. What starts Telegraf, InfluxDB and Grafana is in [`stack`].
//!
//! Source: BigchainDB 0.6 docs, "Monitoring".

pub mod dash;
pub mod dashboards;
pub mod federation;
pub mod relay;
pub mod runs;
pub mod stack;
