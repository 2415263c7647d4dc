//! What is measured.

use std::fmt;

use bigchaindb::store::rethinkdb::term::{Durability, ReadMode};

/// Documents that one insert brings, where it brings several.
pub(crate) const BATCH: usize = 100;

/// Transactions in a block, and blocks that are written.
pub(crate) const BLOCK_SIZE: usize = 1000;
pub(crate) const BLOCKS: usize = 20;

/// So many questions at once.
const IN_FLIGHT: [usize; 3] = [1, 16, 64];

/// A kind of work, and how many questions are in flight.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) work: Work,
    pub(crate) in_flight: usize,
}

#[derive(Clone, Copy)]
pub(crate) enum Work {
    Insert(Durability),
    InsertMany(Durability),
    InsertAs { text: bool },
    Get(ReadMode),
    Scan,
    Feed,
    WriteBlocks,
    Gather(Gathered),
    WholeBlock,
    KnownBlock,
    UnlistedBlocks,
    Vote,
}

/// Which transactions are looked for.
#[derive(Clone, Copy)]
pub(crate) enum Gathered {
    OfOneBlock,
    OfAllBlocks,
    OfNone,
    OneOfNone,
    OneOfOneBlock,
}

/// All there is to measure. Blocks are written before they are read.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |work, in_flight: &[usize]| {
        rows.extend(in_flight.iter().map(|in_flight| Row { work, in_flight: *in_flight }));
    };
    for durability in [Durability::Soft, Durability::Hard] {
        add(Work::Insert(durability), &IN_FLIGHT);
        add(Work::InsertMany(durability), &IN_FLIGHT);
    }
    add(Work::InsertAs { text: false }, &[16]);
    add(Work::InsertAs { text: true }, &[16]);
    add(Work::Get(ReadMode::Single), &IN_FLIGHT);
    add(Work::Get(ReadMode::Majority), &IN_FLIGHT);
    add(Work::Scan, &[1]);
    add(Work::Feed, &IN_FLIGHT);
    add(Work::WriteBlocks, &[1]);
    for gathered in [
        Gathered::OfOneBlock,
        Gathered::OfAllBlocks,
        Gathered::OfNone,
        Gathered::OneOfNone,
        Gathered::OneOfOneBlock,
    ] {
        add(Work::Gather(gathered), &[1]);
    }
    add(Work::WholeBlock, &[1]);
    add(Work::KnownBlock, &[1]);
    add(Work::UnlistedBlocks, &[1]);
    add(Work::Vote, &IN_FLIGHT);
    rows
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:34} {:>3}", self.work.name(), self.in_flight))
    }
}

impl Work {
    fn name(self) -> String {
        let soft_or_hard = |durability| match durability {
            Durability::Soft => "soft",
            Durability::Hard => "hard",
        };
        match self {
            Self::Insert(durability) => format!("insert, {}", soft_or_hard(durability)),
            Self::InsertMany(durability) => {
                format!("insert {BATCH} at once, {}, documents", soft_or_hard(durability))
            }
            Self::InsertAs { text: true } => "insert, soft, as text".to_owned(),
            Self::InsertAs { text: false } => "insert, soft, as terms".to_owned(),
            Self::Get(ReadMode::Single) => "get, single".to_owned(),
            Self::Get(ReadMode::Majority) => "get, majority".to_owned(),
            Self::Scan => "scan, documents".to_owned(),
            Self::Feed => "feed, changes heard".to_owned(),
            Self::WriteBlocks => format!("block of {BLOCK_SIZE} written"),
            Self::Gather(Gathered::OfOneBlock) => format!("gather {BLOCK_SIZE} of one block"),
            Self::Gather(Gathered::OfAllBlocks) => {
                format!("gather {BLOCK_SIZE} of {BLOCKS} blocks")
            }
            Self::Gather(Gathered::OfNone) => format!("gather {BLOCK_SIZE} of no block"),
            Self::Gather(Gathered::OneOfNone) => "gather 1 of no block".to_owned(),
            Self::Gather(Gathered::OneOfOneBlock) => "gather 1 of one block".to_owned(),
            Self::WholeBlock => format!("whole block of {BLOCK_SIZE} read"),
            Self::KnownBlock => "known block".to_owned(),
            Self::UnlistedBlocks => format!("unlisted blocks, {BLOCKS}"),
            Self::Vote => "vote written".to_owned(),
        }
    }
}
