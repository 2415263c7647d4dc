//! What InfluxDB answers, as series.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::influxdb::Server;

impl Server {
    /// The series that a query comes to, or what is wrong with it.
    pub(crate) fn series(&self, query: &str) -> Result<Vec<Series>, String> {
        let query: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let path = format!("/query?db=telegraf&epoch=ms&q={query}");
        let answer = self.ask("POST", &path, "application/json");
        let answer: Answer = serde_json::from_str(&answer).unwrap();
        let [answer] = <[Told; 1]>::try_from(answer.results).unwrap();
        match answer.error {
            Some(error) => Err(error),
            None => Ok(answer.series),
        }
    }
}

/// A series, or a table.
#[derive(Deserialize, Debug)]
pub(crate) struct Series {
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    columns: Vec<String>,
    values: Vec<Vec<Value>>,
}

impl Series {
    /// What there is beside times, in their order.
    pub(crate) fn values(&self) -> Vec<&Value> {
        let beside = |row| self.columns.iter().zip(row).filter(|(column, _)| *column != "time");
        self.values.iter().flat_map(|row| beside(row).map(|(_, value)| value)).collect()
    }

    /// The numbers among them.
    pub(crate) fn numbers(&self) -> Vec<f64> {
        self.values().into_iter().filter_map(Value::as_f64).collect()
    }
}

#[derive(Deserialize, Debug)]
struct Answer {
    results: Vec<Told>,
}

#[derive(Deserialize, Debug)]
struct Told {
    #[serde(default)]
    series: Vec<Series>,
    error: Option<String>,
}
