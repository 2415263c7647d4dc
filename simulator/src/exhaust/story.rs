//! A path through an exploration in words: a line for each thing that happens.

use bigchaindb_core::query::{Answer, Change, Query, StoreError, Write};
use bigchaindb_core::stages::Report;

use super::world::Message;
use crate::observe::election_word;

/// What happened, in order.
#[derive(Default, Debug)]
pub(super) struct Story {
    lines: Vec<String>,
    /// Ids, and what they are called.
    names: Vec<(String, String)>,
    blocks: usize,
}

impl Story {
    /// From here on this id is called so.
    pub(super) fn name(&mut self, id: impl ToString, name: impl Into<String>) {
        let id = id.to_string();
        if self.names.iter().all(|(known, _)| *known != id) {
            self.names.push((id, name.into()));
        }
    }

    /// A block gets the next name.
    fn name_block(&mut self, id: impl ToString) {
        let known = self.names.len();
        self.name(id, format!("b{}", self.blocks + 1));
        self.blocks += self.names.len() - known;
    }

    /// The lines, with names for ids.
    pub(super) fn finish(self) -> Vec<String> {
        let Self { lines, names, .. } = self;
        let named = |line: &String| {
            names.iter().fold(line.clone(), |line, (id, name)| line.replace(id, name))
        };
        lines.iter().map(named).collect()
    }

    /// What an id is called, or any text with ids in it says.
    pub(super) fn named(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name))
    }

    fn line(&mut self, line: String) {
        self.lines.push(line);
    }

    pub(super) fn asked(
        &mut self,
        node: usize,
        query: &Query,
        answer: &Result<Answer, StoreError>,
    ) {
        if let Query::InsertBlock { block } = query {
            self.name_block(block.id());
        }
        let answer = match answer {
            Ok(answer) => outcome(answer),
            Err(error) => error.to_string(),
        };
        self.line(format!("the store does what n{} asks: {}{answer}", node + 1, question(query)));
    }

    pub(super) fn delivered(&mut self, node: usize, message: &Message) {
        let line = match message {
            Message::Post { number } => {
                format!("a client posts T{} to n{}", number + 1, node + 1)
            }
            Message::Question { .. } => return,
            Message::Answer { answer, .. } => {
                let answer = answer.as_ref().map_or_else(ToString::to_string, outcome);
                format!("n{} has its answer{answer}", node + 1)
            }
            Message::Element { change, .. } => format!("n{} hears: {}", node + 1, told(change)),
            Message::Woken => format!("n{} is woken", node + 1),
        };
        self.line(line);
    }

    pub(super) fn reported(&mut self, node: usize, reports: &[String]) {
        for report in reports {
            self.line(format!("  n{} {report}", node + 1));
        }
    }

    pub(super) fn stopped(&mut self, node: usize) {
        self.line(format!("n{} crashes", node + 1));
    }

    pub(super) fn started(&mut self, node: usize) {
        self.line(format!("n{} starts", node + 1));
    }

    pub(super) fn passed(&mut self, since_ms: u64) {
        self.line(format!("nothing is under way; time passes to {since_ms} ms"));
    }
}

/// What a node says of itself, if it belongs into the story.
pub(super) fn report(report: &Report) -> Option<String> {
    Some(match report {
        Report::Decided { block, election } => {
            format!("takes {block} for {}", election_word(*election))
        }
        Report::Listed { block } => format!("finds {block} in the list"),
        Report::Cast { block, .. } => format!("sees its vote on {block}"),
        Report::Voted { block, valid, reason, .. } => {
            let word = if *valid { "valid" } else { "invalid" };
            let reason = reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
            format!("judges {block}: {word}{reason}")
        }
        Report::Dropped { transaction, reason } => format!("gives {transaction} up: {reason}"),
        Report::Requeued { block, .. } => format!("will try again what is in {block}"),
        Report::Reassigned { transaction, .. } => format!("takes {transaction} over"),
        Report::Fell { part, reason } => format!("falls over in {part}: {reason}"),
        Report::Trouble(text) => format!("has trouble: {text}"),
        _ => return None,
    })
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn question(query: &Query) -> String {
    match query {
        Query::InsertBacklog { transaction, assignee } => {
            format!("put {} into the backlog, for {assignee}", transaction.id())
        }
        Query::Reassign { transaction, from, to } => {
            format!("hand {transaction} from {from} to {to}")
        }
        Query::DeleteBacklog { transactions } => {
            format!("take {} out of the backlog", list(transactions))
        }
        Query::Backlog { assignee: None, .. } => "read the backlog".to_owned(),
        Query::Backlog { assignee: Some(node), .. } => format!("read the backlog of {node}"),
        Query::Gather(needs) => {
            let spends = if needs.outputs.is_empty() { "" } else { ", and who spends the inputs" };
            format!("read where {} stand{spends}", list(&needs.transactions))
        }
        Query::InsertBlock { block } => {
            let ids = block.transactions().iter().map(|transaction| transaction.id());
            format!("write block {} [{}]", block.id(), list(ids))
        }
        Query::Blocks { ids } => format!("read {}", list(ids)),
        Query::KnownBlocks { ids } => format!("look for {}", list(ids)),
        Query::UnlistedBlocks { .. } => "read which blocks have no place".to_owned(),
        Query::InsertVote { vote } => {
            let word = if vote.vote.is_valid_vote() { "valid" } else { "invalid" };
            format!(
                "write its vote: {} after {} is {word}",
                vote.vote.block(),
                vote.vote.previous()
            )
        }
        Query::Votes { blocks } => format!("read the votes on {}", list(blocks)),
        Query::Positions { from, .. } => format!("read the list from place {} on", from.0),
        Query::Claim { entry } => format!("claim place {} for {}", entry.position.0, entry.block),
        other => format!("{other:?}"),
    }
}

/// What came of it, where that is not plain.
fn outcome(answer: &Answer) -> String {
    match answer {
        Answer::Written(Write::Unchanged) => ": nothing to be done".to_owned(),
        Answer::Written(_) | Answer::VoteWritten(_) | Answer::Blocks(_) => String::new(),
        Answer::Claimed(entry) => format!(": it is {}'s", entry.block),
        Answer::Backlog(rows) => {
            format!(": [{}]", list(rows.iter().map(|row| row.transaction.id())))
        }
        Answer::Gathered(gathered) => {
            let found =
                gathered.found.iter().map(|(block, part)| format!("{} in {block}", part.id()));
            let waiting =
                gathered.waiting.iter().map(|row| format!("{} waits", row.transaction.id()));
            let spends = gathered
                .spends
                .iter()
                .map(|spend| format!("{} spends in {}", spend.by, spend.block));
            format!(": [{}]", list(found.chain(waiting).chain(spends)))
        }
        Answer::BlockIds(ids) => format!(": [{}]", list(ids)),
        Answer::Votes(rows) => {
            let vote = |row: &bigchaindb_core::query::VoteRow| {
                let word = if row.vote.is_valid_vote() { "valid" } else { "invalid" };
                format!("{}: {} is {word}", row.vote.voter(), row.vote.block())
            };
            format!(": [{}]", list(rows.iter().map(vote)))
        }
        Answer::Positions(entries) => {
            format!(": [{}]", list(entries.iter().map(|entry| &entry.block)))
        }
        other => format!(": {other:?}"),
    }
}

fn told(change: &Change) -> String {
    match change {
        Change::Backlog { old: None, new: Some(row) } => {
            format!("{} waits for {}", row.transaction.id(), row.assignee)
        }
        Change::Backlog { new: Some(row), .. } => {
            format!("{} waits for {} now", row.transaction.id(), row.assignee)
        }
        Change::Backlog { old, .. } => {
            format!("{} left the backlog", list(old.iter().map(|row| row.transaction.id())))
        }
        Change::Block(block) => format!("block {block} was written"),
        Change::Vote(row) => format!("{} voted on {}", row.vote.voter(), row.vote.block()),
        Change::Position(entry) => format!("place {} is {}'s", entry.position.0, entry.block),
        Change::Harmed { .. } => "somebody changed what stands for ever".to_owned(),
    }
}
