//! An input as a line: `{"at":…,"unix_ms":…,"heard":["answer",12,"blocks",[…]]}`, and read back.
//!
//! `at` is the monotonic time in nanoseconds. What was heard is an array: its kind, then what there is
//! to say, in an order that `write` and `read` share. Of work that is done only a digest of the
//! outcome is kept ([`Heard::Worked`]).

use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::Json;
use bigchaindb_core::query::{Answer, Change, Feed, Gathered, Page, StoreError, Write};
use bigchaindb_core::stages::{Call, Event, Now, RequestId, Ticket};

use super::LineError;
use super::begun::{nanoseconds, number};
use super::line::{Items, Known, Line, Met, Read};
use super::rows;
use super::said;

/// What a core heard, as far as a record has it.
#[derive(Clone, Debug)]
pub(super) enum Heard {
    /// This, as it was.
    Event(Event),
    /// Work was done; the digest of its outcome.
    Worked {
        /// The work's number.
        ticket: Ticket,
        /// As [`said::digest`] has it.
        digest: Arc<str>,
    },
}

const FEEDS: [Feed; 4] = [Feed::Backlog, Feed::Blocks, Feed::Votes, Feed::Positions];

const WRITES: [(Write, &str); 3] =
    [(Write::Inserted, "inserted"), (Write::Changed, "changed"), (Write::Unchanged, "unchanged")];

pub(super) fn write(now: Now, event: &Event, out: &mut String, known: &mut Known) {
    let mut line = Line::new(out, known);
    let Now { monotonic, unix_ms } = now;
    let at = nanoseconds(monotonic);
    line.put(format_args!("{{\"at\":{at},\"unix_ms\":{unix_ms},\"heard\":"));
    line.array(|line| event_items(event, line));
    line.put('}');
}

fn event_items(event: &Event, line: &mut Line) {
    match event {
        Event::Start { entropy } => {
            line.text("start");
            line.next().bytes(entropy);
        }
        Event::Request { id, call, entropy } => {
            line.text("request");
            line.next().put(id.0);
            line.next().bytes(entropy);
            let (kind, said) = match call {
                // A text in a text: what is posted may be as deep as a document can be.
                Call::Post(posted) => ("post", &*posted.to_string()),
                Call::Get(tx) => ("get", tx.as_str()),
                Call::Status(tx) => ("status", tx.as_str()),
            };
            line.next().text(kind);
            line.next().text(said);
        }
        Event::Answer { ticket, answer } => {
            line.text("answer");
            line.next().put(ticket.0);
            line.put(',');
            match answer {
                Ok(answer) => answer_items(answer, line),
                Err(StoreError::Refused(why)) => {
                    line.text("refused");
                    line.next().text(why);
                }
                Err(StoreError::Indeterminate(why)) => {
                    line.text("indeterminate");
                    line.next().text(why);
                }
            }
        }
        Event::FeedOpened(feed) => {
            line.text("opened");
            line.next().text(feed.name());
        }
        Event::FeedChanged(feed, change) => {
            line.text("changed");
            line.next().text(feed.name());
            line.put(',');
            change_items(change, line);
        }
        Event::FeedClosed(feed) => {
            line.text("closed");
            line.next().text(feed.name());
        }
        Event::Worked { ticket, outcome } => {
            line.text("worked");
            line.next().put(ticket.0);
            line.next().text(&said::digest(outcome));
        }
        Event::Woken => line.text("woken"),
    }
}

fn answer_items(answer: &Answer, line: &mut Line) {
    let word = |write: &Write| WRITES.iter().find(|(one, _)| one == write).map_or("", |one| one.1);
    match answer {
        Answer::Written(write) => {
            line.text("written");
            line.next().text(word(write));
        }
        Answer::VoteWritten(row) => {
            line.text("vote-written");
            rows::write_vote(line.next(), row);
        }
        Answer::Claimed(entry) => {
            line.text("claimed");
            rows::write_entry(line.next(), entry);
        }
        Answer::Backlog(waiting) => {
            line.text("backlog");
            line.next().list(waiting, rows::write_waiting);
        }
        Answer::Gathered(gathered) => {
            line.text("gathered");
            line.next().list(&gathered.found, rows::write_found);
            line.next().list(&gathered.waiting, rows::write_waiting);
            line.next().list(&gathered.spends, rows::write_spend);
        }
        Answer::Blocks(blocks) => {
            line.text("blocks");
            line.next().list(blocks, |line, block| rows::write_block(line, block));
        }
        Answer::BlockIds(ids) => {
            line.text("block-ids");
            line.next().list(ids, |line, id| line.text(id.as_str()));
        }
        Answer::Votes(votes) => {
            line.text("votes");
            line.next().list(votes, rows::write_vote);
        }
        Answer::Positions(entries) => {
            line.text("positions");
            line.next().list(entries, rows::write_entry);
        }
        Answer::Heads(page) => {
            line.text("heads");
            write_page(line, page, rows::write_head);
        }
        Answer::Transactions(page) => {
            line.text("transactions");
            write_page(line, page, rows::write_found);
        }
        Answer::VotesBy(page) => {
            line.text("votes-by");
            write_page(line, page, rows::write_vote);
        }
    }
}

fn change_items(change: &Change, line: &mut Line) {
    match change {
        Change::Backlog { old, new } => {
            line.text("backlog");
            for row in [old, new] {
                match row {
                    Some(row) => rows::write_waiting(line.next(), row),
                    None => line.next().put("null"),
                }
            }
        }
        Change::Block(id) => {
            line.text("block");
            line.next().text(id.as_str());
        }
        Change::Vote(row) => {
            line.text("vote");
            rows::write_vote(line.next(), row);
        }
        Change::Position(entry) => {
            line.text("position");
            rows::write_entry(line.next(), entry);
        }
        Change::Harmed { row, deleted } => {
            line.text("harmed");
            rows::write_standing(line.next(), row);
            line.next().put(deleted);
        }
    }
}

fn write_page<T>(line: &mut Line, page: &Page<T>, item: impl FnMut(&mut Line, &T)) {
    line.next().list(&page.found, item);
    line.next().optional(page.next.as_deref());
}

/// Reads a line that is an object with `at`.
pub(super) fn read(mut line: Json, met: &mut Met) -> Read<(Now, Heard)> {
    let monotonic = Duration::from_nanos(number(&line, "at")?);
    let unix_ms = number(&line, "unix_ms")?;
    let heard = line.get_mut("heard").ok_or(LineError::Field("heard"))?;
    let mut items = Items::of(std::mem::replace(heard, Json::Null), met)?;
    let heard = read_heard(&mut items)?;
    items.end()?;
    Ok((Now { monotonic, unix_ms }, heard))
}

fn read_heard(items: &mut Items) -> Read<Heard> {
    Ok(Heard::Event(match &*items.text()? {
        "start" => Event::Start { entropy: items.bytes()? },
        "request" => {
            let (id, entropy) = (RequestId(items.int()?), items.bytes()?);
            let (kind, said) = (items.text()?, items.text()?);
            let call = match &*kind {
                "post" => Call::Post(Json::parse(said.as_bytes()).map_err(LineError::NotJson)?),
                "get" => Call::Get((&*said).into()),
                "status" => Call::Status((&*said).into()),
                _ => return Err(LineError::Word(kind)),
            };
            Event::Request { id, call, entropy }
        }
        "answer" => {
            let (ticket, kind) = (Ticket(items.int()?), items.text()?);
            let answer = match &*kind {
                "refused" => Err(StoreError::Refused(items.text()?.to_string())),
                "indeterminate" => Err(StoreError::Indeterminate(items.text()?.to_string())),
                _ => Ok(read_answer(kind, items)?),
            };
            Event::Answer { ticket, answer }
        }
        "opened" => Event::FeedOpened(read_feed(items)?),
        "changed" => Event::FeedChanged(read_feed(items)?, read_change(items)?),
        "closed" => Event::FeedClosed(read_feed(items)?),
        "worked" => {
            return Ok(Heard::Worked { ticket: Ticket(items.int()?), digest: items.text()? });
        }
        "woken" => Event::Woken,
        other => return Err(LineError::Word(other.into())),
    }))
}

fn read_feed(items: &mut Items) -> Read<Feed> {
    let name = items.text()?;
    FEEDS.into_iter().find(|feed| feed.name() == &*name).ok_or(LineError::Word(name))
}

fn read_answer(kind: Arc<str>, items: &mut Items) -> Read<Answer> {
    Ok(match &*kind {
        "written" => {
            let word = items.text()?;
            let known = WRITES.into_iter().find(|(_, name)| *name == &*word);
            Answer::Written(known.ok_or(LineError::Word(word))?.0)
        }
        "vote-written" => Answer::VoteWritten(rows::read_vote(items)?),
        "claimed" => Answer::Claimed(rows::read_entry(items)?),
        "backlog" => Answer::Backlog(items.list(rows::read_waiting)?),
        "gathered" => Answer::Gathered(Gathered {
            found: items.list(rows::read_found)?,
            waiting: items.list(rows::read_waiting)?,
            spends: items.list(rows::read_spend)?,
        }),
        "blocks" => Answer::Blocks(items.list(rows::read_block)?),
        "block-ids" => Answer::BlockIds(items.list(|items| Ok((&*items.text()?).into()))?),
        "votes" => Answer::Votes(items.list(rows::read_vote)?),
        "positions" => Answer::Positions(items.list(rows::read_entry)?),
        "heads" => Answer::Heads(read_page(items, rows::read_head)?),
        "transactions" => Answer::Transactions(read_page(items, rows::read_found)?),
        "votes-by" => Answer::VotesBy(read_page(items, rows::read_vote)?),
        _ => return Err(LineError::Word(kind)),
    })
}

fn read_change(items: &mut Items) -> Read<Change> {
    let kind = items.text()?;
    Ok(match &*kind {
        "backlog" => {
            let (old, new) = (rows::read_no_or_waiting(items)?, rows::read_no_or_waiting(items)?);
            Change::Backlog { old, new }
        }
        "block" => Change::Block((&*items.text()?).into()),
        "vote" => Change::Vote(rows::read_vote(items)?),
        "position" => Change::Position(rows::read_entry(items)?),
        "harmed" => Change::Harmed { row: rows::read_standing(items)?, deleted: items.bool()? },
        _ => return Err(LineError::Word(kind)),
    })
}

fn read_page<T>(items: &mut Items, item: impl FnMut(&mut Items<'_>) -> Read<T>) -> Read<Page<T>> {
    Ok(Page { found: items.list(item)?, next: items.optional()? })
}
