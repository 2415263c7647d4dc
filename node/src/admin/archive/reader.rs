//! Reading an archive, and seeing that it is whole.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _};

use sha2::{Digest as _, Sha256};

use super::{
    ArchiveError, BODY_BYTES_MAX, ChunkHead, End, FORMAT, Head, LINE_BYTES_MAX, Line, Part, hex,
    sha256,
};

/// Reads an archive, chunk by chunk. What it gives out is what was written.
pub struct Reader<R> {
    input: R,
    head: Head,
    /// Of all that was read.
    sum: Sha256,
    /// How much was read.
    byte: u64,
    chunks: u64,
    tables: BTreeMap<String, (u64, Sha256)>,
    /// The table and the last id of the last chunk.
    behind: Option<(String, serde_json::Value)>,
    end: Option<End>,
    /// Something was damaged: the sums over several chunks will not be right.
    damaged: bool,
}

/// Documents of one table.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Which table.
    pub table: String,
    text: String,
}

impl Chunk {
    /// The documents, as JSON texts.
    pub fn documents(&self) -> impl Iterator<Item = &str> {
        self.text.lines()
    }
}

impl<R: BufRead> Reader<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// If it is none that can be read here.
    pub fn open(mut input: R) -> Result<Self, ArchiveError> {
        let mut sum = Sha256::new();
        let (byte, line) = read_line(&mut input, &mut sum)?;
        let Some(Line::Head(head)) = line else { return Err(ArchiveError::NotAnArchive) };
        if head.format != FORMAT {
            return Err(ArchiveError::Format(head.format));
        }
        let (tables, behind, end) = (BTreeMap::new(), None, None);
        Ok(Self { input, head, sum, byte, chunks: 0, tables, behind, end, damaged: false })
    }

    /// What the archive says about itself.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What stood at its end; none before all chunks were read.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// The next chunk; none at the end.
    ///
    /// # Errors
    /// If the archive cannot be read or is damaged. After a damaged body the next chunk can still be
    /// read.
    pub fn chunk(&mut self) -> Result<Option<Chunk>, ArchiveError> {
        if self.end.is_some() {
            return Ok(None);
        }
        let (before, byte) = (self.sum.clone(), self.byte);
        let (length, line) = read_line(&mut self.input, &mut self.sum)?;
        self.byte += length;
        let place = Part::Line { chunk: self.chunks, behind: self.behind.clone() };
        let damaged = |what| Err(ArchiveError::Damaged { byte, place, what });
        match line {
            Some(Line::Chunk(head)) if head.number == self.chunks => self.body(head).map(Some),
            Some(Line::End(end)) if self.damaged || self.is_all(&end, before) => {
                self.end = Some(end);
                self.rest().map(|()| None)
            }
            Some(Line::Chunk(_)) => damaged("chunks are missing, or in another order"),
            Some(Line::End(_)) => damaged("chunks are missing"),
            Some(Line::Head(_)) => damaged("another archive begins"),
            None if length == 0 => damaged("the archive ends before its end"),
            None => damaged("the line is not what was written"),
        }
    }

    /// The body of a chunk.
    fn body(&mut self, head: ChunkHead) -> Result<Chunk, ArchiveError> {
        let ids = [head.first.clone(), head.last.clone()];
        let place = Part::Body { chunk: head.number, table: head.table.clone(), ids };
        let byte = self.byte;
        let damaged = |what| Err(ArchiveError::Damaged { byte, place, what });
        self.chunks += 1;
        self.behind = Some((head.table.clone(), head.last));
        if head.bytes.max(head.plain_bytes) > BODY_BYTES_MAX {
            self.damaged = true;
            return damaged("it is larger than any chunk");
        }
        let mut packed = Vec::new();
        self.byte += self.input.by_ref().take(head.bytes).read_to_end(&mut packed)? as u64;
        self.sum.update(&packed);
        if (packed.len() as u64) < head.bytes {
            return damaged("the archive ends within it");
        }
        let mut text = Vec::new();
        let whole = sha256(&packed) == head.sha256
            && zstd::stream::read::Decoder::with_buffer(&*packed)
                .and_then(|decoder| decoder.take(head.plain_bytes + 1).read_to_end(&mut text))
                .is_ok_and(|bytes| bytes as u64 == head.plain_bytes);
        let (documents, sum) = self.tables.entry(head.table.clone()).or_default();
        *documents += head.documents;
        sum.update(&text);
        match String::from_utf8(text) {
            Ok(text) if whole && text.lines().count() as u64 == head.documents => {
                Ok(Chunk { table: head.table, text })
            }
            _ => {
                self.damaged = true;
                damaged("its documents are not what was written")
            }
        }
    }

    /// Whether all that the end tells of was read.
    fn is_all(&self, end: &End, before: Sha256) -> bool {
        let is_right = |(table, (documents, sum)): (&String, &(u64, Sha256))| {
            let total = end.tables.get(table);
            total.is_some_and(|total| {
                total.documents == *documents && total.sha256 == hex(sum.clone())
            })
        };
        end.chunks == self.chunks
            && end.tables.len() == self.tables.len()
            && self.tables.iter().all(is_right)
            && end.sha256 == hex(before)
    }

    /// Nothing comes behind the end.
    fn rest(&mut self) -> Result<(), ArchiveError> {
        if self.input.fill_buf()?.is_empty() {
            return Ok(());
        }
        let (place, what) = (Part::Rest, "there is something");
        Err(ArchiveError::Damaged { byte: self.byte, place, what })
    }
}

/// Reads a whole archive: what its end says, or all that is wrong with it as far as it can be read.
///
/// # Errors
/// At least one.
pub fn check(input: impl BufRead) -> Result<(Head, End), Vec<ArchiveError>> {
    let mut reader = Reader::open(input).map_err(|error| vec![error])?;
    let mut errors = Vec::new();
    loop {
        match reader.chunk() {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                let goes_on =
                    matches!(&error, ArchiveError::Damaged { place: Part::Body { .. }, .. });
                errors.push(error);
                if !goes_on {
                    break;
                }
            }
        }
    }
    match reader.end {
        Some(end) if errors.is_empty() => Ok((reader.head, end)),
        _ => Err(errors),
    }
}

/// Reads a line; its length, and what it says if that is what was written.
fn read_line(input: &mut impl BufRead, sum: &mut Sha256) -> io::Result<(u64, Option<Line>)> {
    let mut line = Vec::new();
    input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    sum.update(&line);
    let text = line.strip_suffix(b"\n").and_then(|line| line.split_at_checked(SUM_CHARS));
    let text = text.and_then(|(sum, rest)| Some((sum, rest.strip_prefix(b" ")?)));
    let right = text.filter(|(sum, text)| sha256(text).as_bytes() == *sum);
    let said = right.and_then(|(_, text)| serde_json::from_slice(text).ok());
    Ok((line.len() as u64, said))
}

/// The length of a sum in hex.
const SUM_CHARS: usize = 64;
