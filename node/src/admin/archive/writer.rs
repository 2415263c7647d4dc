//! Writing an archive.

use std::collections::BTreeMap;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::{CHUNK_BYTES, ChunkHead, End, Head, Line, Total, hex, sha256};

/// Writes an archive, document by document. Holds one chunk.
pub struct Writer<W> {
    out: W,
    /// Of all that was written.
    sum: Sha256,
    chunks: u64,
    tables: BTreeMap<String, (u64, Sha256)>,
    open: Option<OpenChunk>,
}

/// The chunk that is being filled.
struct OpenChunk {
    table: &'static str,
    first: serde_json::Value,
    last: serde_json::Value,
    documents: u64,
    body: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// An archive that begins with this.
    ///
    /// # Errors
    /// If it cannot be written; so with all that writes.
    pub fn new(out: W, head: &Head) -> io::Result<Self> {
        let (sum, tables, open) = (Sha256::new(), BTreeMap::new(), None);
        let mut writer = Self { out, sum, chunks: 0, tables, open };
        writer.line(&Line::Head(head.clone()))?;
        Ok(writer)
    }

    /// Adds a document with this id, a JSON text without line breaks.
    ///
    /// # Errors
    /// See [`new`](Self::new).
    pub fn add(
        &mut self,
        table: &'static str,
        id: serde_json::Value,
        document: &str,
    ) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|open| open.table != table) {
            self.close()?;
        }
        let open = self.open.get_or_insert_with(|| OpenChunk {
            table,
            first: id.clone(),
            last: id.clone(),
            documents: 0,
            body: Vec::with_capacity(CHUNK_BYTES + document.len()),
        });
        open.last = id;
        open.documents += 1;
        open.body.extend_from_slice(document.as_bytes());
        open.body.push(b'\n');
        if open.body.len() >= CHUNK_BYTES { self.close() } else { Ok(()) }
    }

    /// Writes the end; what each table holds.
    ///
    /// # Errors
    /// See [`new`](Self::new).
    pub fn finish(mut self) -> io::Result<End> {
        self.close()?;
        let tables = std::mem::take(&mut self.tables).into_iter();
        let total = |(documents, sum)| Total { documents, sha256: hex(sum) };
        let tables = tables.map(|(table, counted)| (table, total(counted))).collect();
        let end = End { chunks: self.chunks, tables, sha256: hex(self.sum.clone()) };
        self.line(&Line::End(end.clone()))?;
        self.out.flush()?;
        Ok(end)
    }

    /// Writes the chunk that is being filled.
    fn close(&mut self) -> io::Result<()> {
        let Some(OpenChunk { table, first, last, documents, body }) = self.open.take() else {
            return Ok(());
        };
        let (counted, sum) = self.tables.entry(table.to_owned()).or_default();
        *counted += documents;
        sum.update(&body);
        let packed = zstd::bulk::compress(&body, zstd::DEFAULT_COMPRESSION_LEVEL)?;
        let chunk = ChunkHead {
            number: self.chunks,
            table: table.to_owned(),
            first,
            last,
            documents,
            bytes: packed.len() as u64,
            plain_bytes: body.len() as u64,
            sha256: sha256(&packed),
        };
        self.chunks += 1;
        self.line(&Line::Chunk(chunk))?;
        self.write(&packed)
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        let text = serde_json::to_string(line)?;
        self.write(format!("{} {text}\n", sha256(text.as_bytes())).as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.out.write_all(bytes)
    }
}
