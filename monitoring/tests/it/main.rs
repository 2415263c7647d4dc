//! The relay, from datagrams on a socket to a real InfluxDB; and the dashboards, from every metric there is to
//! what InfluxDB answers each of their panels.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alerts;
mod answers;
mod collectd;
mod compose;
mod dashboards;
mod influxdb;
mod panels;
mod provisioning;
mod relay;
mod seed;
mod telegraf;
mod without;
