//! The relay, from datagrams on a socket to a real InfluxDB.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod influxdb;
mod relay;
