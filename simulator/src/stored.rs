//! Stored logs judged again: of our runs, and recordings of federations we did not run.
//!
//! A log may be packed (`.xz`), may end in the middle of a line because its writer was killed, and,
//! if it is no run of ours, may not say who the federation is: then it is the voters of its first
//! block, by the rules of the original. Here: reading such a log, and how the elections of its blocks
//! went. Not here: the checkers (`checkers`). Start at [`StoredLog::read`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bigchaindb_core::model::{BlockId, Memo, TxId};
use bigchaindb_core::rules::Election;
use lzma_rust2::XzReader;
use serde::Serialize;

use crate::checkers::reference::{BlockDocument, News, Reference};
use crate::checkers::{Judged, Settings, judge};
use crate::observe::{Change, Member, Observed, ReadLogError, Record, Run, Table, election_word};

/// Signatures that the judge remembers.
const SIGNATURES: usize = 10_000;
/// What a log is judged by that does not say.
const RULES: &str = "v0.6.0";

/// A log from a file.
#[derive(Clone, Debug)]
pub struct StoredLog {
    /// The file.
    pub path: PathBuf,
    /// Its records. The first says who the federation is.
    pub records: Vec<Observed>,
    /// What whoever reads the verdict should know, a sentence each.
    pub warnings: Vec<String>,
}

/// How the elections of a log's blocks went, and which transactions are where they should not be.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Histories {
    /// How many blocks were seen.
    pub blocks: usize,
    /// How many good votes.
    pub votes: usize,
    /// Each way an election went, `undecided > valid`, and the blocks whose did; nothing if a block
    /// had no vote.
    pub status_histories: BTreeMap<String, BTreeSet<String>>,
    /// The blocks without a vote.
    pub blocks_without_vote: BTreeSet<String>,
    /// The transactions that were in several valid blocks at once, and those blocks.
    pub transactions_in_several_valid_blocks: BTreeMap<String, BTreeSet<String>>,
    /// The transactions that stand in a block more than once.
    pub transactions_twice_in_one_block: BTreeSet<String>,
}

impl StoredLog {
    /// Reads a log. `rules` is what it is judged by instead of what it says itself.
    ///
    /// # Errors
    /// [`ReadLogError`], with the file and the line.
    pub fn read(path: &Path, rules: Option<&str>) -> Result<Self, ReadLogError> {
        let failed = |source| ReadLogError::Io { path: path.to_path_buf(), source };
        let file = File::open(path).map_err(failed)?;
        let packed = path.extension().is_some_and(|extension| extension == "xz");
        let lines: Box<dyn BufRead> = match packed {
            true => Box::new(BufReader::new(XzReader::new(BufReader::new(file), false))),
            false => Box::new(BufReader::new(file)),
        };
        let mut stored =
            Self { path: path.to_path_buf(), records: Vec::new(), warnings: Vec::new() };
        stored.take_lines(lines)?;
        if matches!(stored.records.first(), Some(Observed { record: Record::Run(run), .. }) if run.thinned)
        {
            return Err(ReadLogError::Thinned { path: path.to_path_buf() });
        }
        stored.name_the_federation();
        if let (Some(rules), Some(Observed { record: Record::Run(run), .. })) =
            (rules, stored.records.first_mut())
        {
            run.rules = rules.into();
        }
        Ok(stored)
    }

    fn take_lines(&mut self, mut lines: impl BufRead) -> Result<(), ReadLogError> {
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            let read = lines.read_until(b'\n', &mut line);
            let read = read.map_err(|source| self.io(source))?;
            if read == 0 {
                break;
            }
            match Observed::parse_line(&line) {
                Ok(record) => self.records.push(record),
                // Its writer was killed while it wrote.
                Err(_) if line.last() != Some(&b'\n') => {
                    let warning = format!("line {number}, the last one, is torn and left out");
                    self.warnings.push(warning);
                }
                Err(source) => {
                    return Err(ReadLogError::Line {
                        path: self.path.clone(),
                        line: number,
                        source,
                    });
                }
            }
        }
        if !self.records.iter().any(|observed| matches!(observed.record, Record::End(_))) {
            self.warnings
                .push("the log has no end: what had yet to happen is not in it".to_owned());
        }
        Ok(())
    }

    fn io(&self, source: io::Error) -> ReadLogError {
        ReadLogError::Io { path: self.path.clone(), source }
    }

    fn name_the_federation(&mut self) {
        let says = |observed: &Observed| matches!(observed.record, Record::Run(_));
        if self.records.iter().any(says) {
            return;
        }
        let voters = self.records.iter().find_map(|observed| voters(&observed.record));
        let (Some(voters), Some(first)) = (voters, self.records.first()) else { return };
        let nodes =
            (1..).zip(&voters).map(|(number, key)| Member::ours(format!("n{number}"), key.clone()));
        let run = Run {
            scenario: self.path.display().to_string().into(),
            seed: 0,
            backend: "recording".into(),
            rules: RULES.into(),
            quirks: Vec::new(),
            byzantine: Vec::new(),
            nodes: nodes.collect(),
            started_unix_ms: 0,
            thinned: false,
        };
        let at_us = first.at_us;
        self.records.insert(0, Observed { at_us, record: Record::Run(run) });
        let count = voters.len();
        let warning =
            format!("the log does not name the federation: the {count} voters of its first block");
        self.warnings.push(warning);
    }

    /// What the checkers say.
    pub fn judge(&self, settings: &Settings) -> Judged {
        judge(&self.records, settings, Arc::new(Memo::new(SIGNATURES)))
    }

    /// How elections went.
    pub fn histories(&self) -> Histories {
        let mut reference = Reference::new(Arc::new(Memo::new(SIGNATURES)));
        let mut elections: BTreeMap<BlockId, Vec<&str>> = BTreeMap::new();
        let mut valid: BTreeMap<TxId, BTreeSet<BlockId>> = BTreeMap::new();
        let mut histories = Histories::default();
        for observed in &self.records {
            for news in reference.observe(observed) {
                match news {
                    News::Block(block) => {
                        elections.entry(block.clone()).or_default();
                        histories.block(&reference, &block);
                    }
                    News::Vote(vote) => {
                        histories.votes += 1;
                        let election = elections.entry(vote.block).or_default();
                        if election.is_empty() {
                            election.push(election_word(Election::Undecided));
                        }
                    }
                    News::Elected { block, is, .. } => {
                        elections.entry(block.clone()).or_default().push(election_word(is));
                        let Some(seen) = reference.block(&block) else { continue };
                        histories.elected(&mut valid, &seen.document, is);
                    }
                    News::Listed { .. } | News::Moved(_) => {}
                }
            }
        }
        histories.blocks = reference.blocks().count();
        for (block, election) in elections {
            if election.is_empty() {
                histories.blocks_without_vote.insert(block.to_string());
            }
            let way = histories.status_histories.entry(election.join(" > ")).or_default();
            way.insert(block.to_string());
        }
        histories
    }
}

impl Histories {
    fn block(&mut self, reference: &Reference, id: &BlockId) {
        let Some(seen) = reference.block(id) else { return };
        let mut once = BTreeSet::new();
        let ids = seen.document.transactions.iter().map(|transaction| &transaction.id);
        let twice = ids.filter(|id| !once.insert(*id));
        self.transactions_twice_in_one_block.extend(twice.map(ToString::to_string));
    }

    fn elected(
        &mut self,
        valid: &mut BTreeMap<TxId, BTreeSet<BlockId>>,
        block: &BlockDocument,
        is: Election,
    ) {
        for transaction in &block.transactions {
            let blocks = valid.entry(transaction.id.clone()).or_default();
            if is == Election::Valid {
                blocks.insert(block.id.clone());
            } else {
                blocks.remove(&block.id);
            }
            if blocks.len() > 1 {
                let id = transaction.id.to_string();
                let several = self.transactions_in_several_valid_blocks.entry(id).or_default();
                several.extend(blocks.iter().map(ToString::to_string));
            }
        }
    }
}

/// The voters of a block, if the record is one.
fn voters(record: &Record) -> Option<Vec<bigchaindb_core::model::NodeKey>> {
    let Record::Change(Change { table: Table::Bigchain, new: Some(row), .. }) = record else {
        return None;
    };
    Some(BlockDocument::read(row)?.voters)
}
