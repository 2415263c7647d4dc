//! The JSON Schema of `results.json`, for those who read it with programs of their own.
//!
//! It is made from the types themselves, so that it cannot say anything else. Here: its head. Not here:
//! the types (`bigchaindb_simulator::record`, `measure`, `checkers`).

use bigchaindb_simulator::record::Results;
use schemars::generate::SchemaSettings;

/// The whole file.
pub(crate) fn schema() -> String {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Results>();
    schema.insert("title".to_owned(), "results.json of a testbed run".into());
    // The one form that this program writes.
    let version = serde_json::json!({
        "const": Results::VERSION,
        "description": "The form of this file.",
    });
    if let Some(properties) = schema.get_mut("properties") {
        properties["version"] = version;
    }
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema has a JSON form");
    text.push('\n');
    text
}
