//! A client that looks at what is being written.

use serde_json::json;

use super::tables::Table;
use super::writer;
use crate::chance::Chance;
use crate::client::Client;

/// Reads until the server is gone: no document is there by half.
pub(crate) fn read(mut client: Client, writers: usize, chance: &mut Chance) {
    loop {
        let writer = chance.place(writers);
        let id = format!("{}{}", writer::prefix(writer), chance.below(6));
        for table in [Table::Blocks, Table::Rows] {
            let Ok(document) = client.ask(&json!([16, [table.term(), id]])) else { return };
            if !document.is_null() {
                let stamps = table.stamps(&document);
                assert!(stamps.iter().all(|stamp| *stamp == stamps[0]), "by half: {document}");
            }
        }
    }
}
