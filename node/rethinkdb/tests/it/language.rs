//! Queries and answers as words, so that a case is a line.
//!
//! ```text
//! wait a n1            put transaction a into the backlog, for n1
//! reassign a n1 n2     from n1 to n2
//! delete a b
//! backlog n1 5         the oldest 5 of n1; of everybody: `backlog * 5`
//! gather a c a/0       where a and c stand, who spends output 0 of a
//! block X@5=a,c        write block X of time 5
//! blocks X Y           known X Y           unlisted 5
//! vote k1 X n1 yes     under the key k1    votes X Y
//! claim 3 X            positions 0 5
//! heads * X 5          of the blocks after X, 5 looked at; `-` is the beginning
//! heads X,Y - 5        heads transaction_id=a - 5
//! with uuid=ua - 5     transactions with a uuid; owner=k1: of an owner
//! own n1 X Y           votes of n1 on X and Y
//! by n1 - 5            votes of n1
//! restore block X@5=a  whatever stands there now; also `restore vote …`, `restore entry …`
//! ```
//!
//! Answers are written alike; where the order is not promised, they are sorted. Whoever includes this
//! says what transactions carry: `PAYLOAD`, a JSON object that comes back from its stores as it was.

use std::sync::Arc;

use bigchaindb_core::model::{Block, Json, Output, Position, Transaction, Vote};
use bigchaindb_core::query::{
    Answer, BacklogRow, BlockIndex, BlocksOf, ListEntry, Needs, Page, Query, Range, Standing,
    TransactionsOf, VoteRow,
};

use crate::PAYLOAD;

/// Every transaction there is: name, timestamp, what it spends. `!` marks an input that says more
/// than which output it is.
pub(crate) const TRANSACTIONS: &str = "
    a | 10 |
    b | 10 |
    c | 12 | a/0
    d | 11 | a/0
    e | 12 | a/0 b/1
    f | 9  | c/0 c/0
    g | 13 | a/0! d/0
    h | 8  | a/0! a/1
";

/// Whom the outputs of a transaction belong to.
const OWNERS: [(&str, &str); 3] = [("e", r#"["k1"]"#), ("f", r#"["k1","k2"]"#), ("h", "null")];

pub(crate) fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

pub(crate) fn transaction(name: &str) -> Arc<Transaction> {
    let line = TRANSACTIONS.lines().find(|line| line.trim().starts_with(name)).unwrap();
    let [_, timestamp, inputs] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
    let fulfillments: Vec<_> = inputs
        .split_whitespace()
        .map(|input| {
            let (txid, cid) = input.split_once('/').unwrap();
            let odd = if cid.ends_with('!') { r#","x":1"# } else { "" };
            let cid = cid.trim_end_matches('!');
            format!(r#"{{"fid":0,"input":{{"txid":"{txid}","cid":{cid}{odd}}}}}"#)
        })
        .chain([r#"{"input":null}"#.to_owned()])
        .collect();
    let owners = OWNERS.iter().filter(|(owned, _)| *owned == name);
    let conditions =
        owners.map(|(_, owners)| format!(r#""conditions":[{{"owners_after":{owners}}}],"#));
    let operation = if name == "g" { r#""operation":"GENESIS","# } else { "" };
    let document = format!(
        r#"{{"id":"{name}","transaction":{{"timestamp":"{}","fulfillments":[{}],{}{operation}
            "data":{{"uuid":"u{name}","payload":{PAYLOAD}}}}}}}"#,
        timestamp.trim(),
        fulfillments.join(","),
        conditions.collect::<String>()
    );
    Arc::new(Transaction::from_document(json(&document)).unwrap())
}

/// `a/0` or `a/0!`.
fn output(text: &str) -> Output {
    let spent = TRANSACTIONS.lines().find(|line| line.split_whitespace().any(|word| word == text));
    let Some(line) = spent else {
        let (txid, cid) = text.split_once('/').unwrap();
        return Output { txid: txid.into(), cid: cid.parse().unwrap(), oddity: None };
    };
    let (name, inputs) = line.trim().split_once(' ').unwrap();
    let number = inputs.rsplit('|').next().unwrap().split_whitespace().position(|i| i == text);
    transaction(name).inputs()[number.unwrap()].clone()
}

/// `X@5=a,c`; `X@=a` has no timestamp.
pub(crate) fn block(text: &str) -> Arc<Block> {
    let (id, rest) = text.split_once('@').unwrap();
    let (timestamp, names) = rest.split_once('=').unwrap();
    let timestamp = match timestamp {
        "" => String::new(),
        text => format!(r#""timestamp":"{text}","#),
    };
    let frame = format!(
        r#"{{"id":"{id}","signature":"s","block":
            {{{timestamp}"node_pubkey":"n1","voters":["n1","n2"],"transactions":[]}}}}"#
    );
    let names = names.split(',').filter(|name| !name.is_empty());
    Arc::new(Block::from_frame(json(&frame), names.map(transaction).collect()).unwrap())
}

pub(crate) fn vote(key: &str, block: &str, node: &str, valid: bool) -> VoteRow {
    let document = format!(
        r#"{{"node_pubkey":"{node}","signature":"s","vote":
            {{"voting_for_block":"{block}","previous_block":"p","is_block_valid":{valid}}}}}"#
    );
    VoteRow { key: key.into(), vote: Arc::new(Vote::from_document(json(&document)).unwrap()) }
}

pub(crate) fn query(line: &str) -> Query {
    let words: Vec<_> = line.split_whitespace().collect();
    let number = |word: &str| word.parse().unwrap();
    match words[..] {
        ["wait", name, node] => {
            Query::InsertBacklog { transaction: transaction(name), assignee: node.into() }
        }
        ["reassign", name, from, to] => {
            Query::Reassign { transaction: name.into(), from: from.into(), to: to.into() }
        }
        ["delete", ref names @ ..] => {
            Query::DeleteBacklog { transactions: names.iter().map(|name| (*name).into()).collect() }
        }
        ["backlog", "*", limit] => Query::Backlog { assignee: None, limit: number(limit) },
        ["backlog", node, limit] => {
            Query::Backlog { assignee: Some(node.into()), limit: number(limit) }
        }
        ["gather", ref wanted @ ..] => {
            let (outputs, names): (Vec<&str>, Vec<&str>) =
                wanted.iter().partition(|word| word.contains('/'));
            Query::Gather(Needs {
                transactions: names.into_iter().map(Into::into).collect(),
                outputs: outputs.into_iter().map(output).collect(),
            })
        }
        ["block", text] => Query::InsertBlock { block: block(text) },
        ["blocks", ref ids @ ..] => {
            Query::Blocks { ids: ids.iter().map(|id| (*id).into()).collect() }
        }
        ["known", ref ids @ ..] => {
            Query::KnownBlocks { ids: ids.iter().map(|id| (*id).into()).collect() }
        }
        ["unlisted", limit] => Query::UnlistedBlocks { limit: number(limit) },
        ["vote", key, block, node, word] => {
            Query::InsertVote { vote: vote(key, block, node, word == "yes") }
        }
        ["votes", ref ids @ ..] => {
            Query::Votes { blocks: ids.iter().map(|id| (*id).into()).collect() }
        }
        ["claim", position, block] => Query::Claim { entry: entry(position, block) },
        ["restore", "block", text] => Query::PutBack(Standing::Block(block(text))),
        ["restore", "vote", key, block, node, word] => {
            Query::PutBack(Standing::Vote(vote(key, block, node, word == "yes")))
        }
        ["restore", "entry", position, block] => {
            Query::PutBack(Standing::Entry(entry(position, block)))
        }
        ["positions", from, limit] => {
            Query::Positions { from: Position(from.parse().unwrap()), limit: number(limit) }
        }
        ["heads", blocks, after, limit] => {
            let blocks = match blocks.split_once('=') {
                Some((name, value)) => {
                    let index = BlockIndex::ALL.into_iter().find(|index| index.name() == name);
                    BlocksOf::Index(index.unwrap(), value.to_owned())
                }
                None if blocks == "*" => BlocksOf::All,
                None => BlocksOf::Ids(blocks.split(',').map(Into::into).collect()),
            };
            Query::Heads { blocks, range: range(after, limit) }
        }
        ["with", which, after, limit] => {
            let transactions = match which.split_once('=').unwrap() {
                ("uuid", uuid) => TransactionsOf::PayloadUuid(uuid.to_owned()),
                (_, owner) => TransactionsOf::Owner(owner.to_owned()),
            };
            Query::Transactions { transactions, range: range(after, limit) }
        }
        ["own", node, ref ids @ ..] => Query::VotesOn {
            voter: node.into(),
            blocks: ids.iter().map(|id| (*id).into()).collect(),
        },
        ["by", node, after, limit] => {
            Query::VotesBy { voter: node.into(), range: range(after, limit) }
        }
        _ => panic!("no such query: {line}"),
    }
}

fn range(after: &str, limit: &str) -> Range {
    let after = (after != "-").then(|| after.into());
    Range { after, limit: limit.parse().unwrap() }
}

/// What a page holds; `…` if there may be more.
fn page_words<T>(page: &Page<T>, word: impl Fn(&T) -> String) -> String {
    let more = page.next.as_ref().map(|next| format!("{next}…"));
    page.found.iter().map(word).chain(more).collect::<Vec<_>>().join(" ")
}

fn entry(position: &str, block: &str) -> ListEntry {
    ListEntry {
        position: Position(position.parse().unwrap()),
        block: block.into(),
        genesis: (position == "0").then(|| self::block(&format!("{block}@1=a"))),
    }
}

/// A row that stands for ever, in words.
pub(crate) fn standing_words(row: &Standing) -> String {
    match row {
        Standing::Block(block) => words(&Answer::Blocks(vec![block.clone()])),
        Standing::Vote(row) => vote_words(row),
        Standing::Entry(entry) => entry_words(entry),
    }
}

/// An answer in words; documents that are not what was written are said to be so.
pub(crate) fn words(answer: &Answer) -> String {
    match answer {
        Answer::Written(write) => format!("{write:?}").to_lowercase(),
        Answer::VoteWritten(row) => vote_words(row),
        Answer::Claimed(entry) => entry_words(entry),
        Answer::Backlog(rows) => rows.iter().map(waiting_words).collect::<Vec<_>>().join(" "),
        Answer::Gathered(gathered) => {
            let found = gathered.found.iter().map(|(block, found)| {
                assert_eq!(*found, transaction(found.id().as_str()));
                format!("{block}:{}", found.id())
            });
            let spends = gathered.spends.iter().map(|spend| {
                let odd = if spend.output.oddity.is_some() { "!" } else { "" };
                let Output { txid, cid, .. } = &spend.output;
                format!("{txid}/{cid}{odd}>{}:{}", spend.block, spend.by)
            });
            let waiting = gathered.waiting.iter().map(waiting_words);
            sorted(found.chain(spends).chain(waiting))
        }
        Answer::Blocks(blocks) => sorted(blocks.iter().map(|block| {
            let names: Vec<_> = block.transactions().iter().map(|t| t.id().to_string()).collect();
            let timestamp = block.timestamp().map(|t| t.to_string()).unwrap_or_default();
            let text = format!("{}@{timestamp}={}", block.id(), names.join(","));
            assert_eq!(*block, self::block(&text));
            text
        })),
        Answer::BlockIds(ids) => ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        Answer::Votes(rows) => sorted(rows.iter().map(vote_words)),
        Answer::Positions(list) => list.iter().map(entry_words).collect::<Vec<_>>().join(" "),
        Answer::Heads(page) => page_words(page, |head| {
            let voters: Vec<_> = head.voters.iter().map(ToString::to_string).collect();
            let genesis = if head.is_genesis { "!" } else { "" };
            let timestamp = head.timestamp.as_deref().unwrap_or_default();
            format!("{}@{timestamp}{genesis}:{}", head.id, voters.join(","))
        }),
        Answer::Transactions(page) => page_words(page, |(block, found)| {
            assert_eq!(*found, transaction(found.id().as_str()));
            format!("{block}:{}", found.id())
        }),
        Answer::VotesBy(page) => page_words(page, vote_words),
    }
}

fn sorted(words: impl Iterator<Item = String>) -> String {
    let mut words: Vec<_> = words.collect();
    words.sort();
    words.join(" ")
}

pub(crate) fn waiting_words(row: &BacklogRow) -> String {
    assert_eq!(row.transaction, transaction(row.transaction.id().as_str()));
    format!("{}~{}", row.transaction.id(), row.assignee)
}

pub(crate) fn vote_words(VoteRow { key, vote }: &VoteRow) -> String {
    let word = if vote.is_valid_vote() { "yes" } else { "no" };
    format!("{key}:{}:{}:{word}", vote.block(), vote.voter())
}

pub(crate) fn entry_words(entry: &ListEntry) -> String {
    let genesis = match &entry.genesis {
        Some(genesis) => format!("(genesis {})", genesis.id()),
        None => String::new(),
    };
    format!("{}={}{genesis}", entry.position.0, entry.block)
}
