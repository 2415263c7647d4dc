//! What is written is what is read.

use std::sync::Arc;
use std::time::Duration;

use bigchaindb_core::model::{
    Block, BlockId, Draft, Json, Keypair, MAX_DEPTH, NodeKey, Output, Position, Profile,
    Transaction, Vote,
};
use bigchaindb_core::query::{
    Answer, BacklogRow, BlockHead, Change, Feed, Gathered, ListEntry, Page, Spend, Standing,
    StoreError, VoteRow, Write,
};
use bigchaindb_core::rules::{self, Federation, Quirk};
use bigchaindb_core::stages::{Call, Config, Event, Now, RequestId, Settings, Ticket};

use super::begun::Begun;
use super::heard::{self, Heard};
use super::line::{Known, Met};
use super::said;

const NOW: Now = Now { monotonic: Duration::from_nanos(5_000_000_001), unix_ms: 1_472_688_000_123 };

fn keypair() -> Keypair {
    Keypair::from_seed([7; 32])
}

fn transaction(uuid: &str) -> Arc<Transaction> {
    let owner = keypair();
    let draft = Draft::create(owner.public(), vec![owner.public().to_string()], uuid, 1);
    Arc::new(draft.transaction().unwrap().sign(&[&owner], Profile::Default, &|_| None).unwrap())
}

fn block() -> Arc<Block> {
    let transactions = vec![transaction("one"), transaction("t\u{0}w\"o\n")];
    let voters = [keypair().public().clone(), NodeKey::from("another")];
    Arc::new(Block::create(transactions, &keypair(), &voters, 2).unwrap())
}

fn vote() -> VoteRow {
    let vote = Vote::create(&keypair(), &"a block".into(), &"before".into(), true, 3).unwrap();
    VoteRow { key: "its \"key\"".into(), vote: Arc::new(vote) }
}

fn entry(genesis: Option<Arc<Block>>) -> ListEntry {
    ListEntry { position: Position(u64::MAX), block: "b".into(), genesis }
}

fn answers() -> Vec<Answer> {
    let waiting = BacklogRow { transaction: transaction("w"), assignee: "n".into() };
    let spend = |oddity: Option<&str>| Spend {
        output: Output { txid: "t".into(), cid: -3, oddity: oddity.map(Arc::from) },
        by: "by".into(),
        block: "b".into(),
    };
    let found = || (BlockId::from("b"), transaction("f"));
    let head = BlockHead::of(&block());
    vec![
        Answer::Written(Write::Inserted),
        Answer::Written(Write::Changed),
        Answer::Written(Write::Unchanged),
        Answer::VoteWritten(vote()),
        Answer::Claimed(entry(Some(block()))),
        Answer::Backlog(vec![waiting.clone(), waiting.clone()]),
        Answer::Gathered(Gathered {
            found: vec![found()],
            waiting: vec![waiting],
            spends: vec![spend(None), spend(Some("{\"cid\":1.0}"))],
        }),
        Answer::Blocks(vec![block()]),
        Answer::BlockIds(vec!["one".into(), "two".into()]),
        Answer::Votes(vec![]),
        Answer::Positions(vec![entry(None)]),
        Answer::Heads(Page {
            found: vec![head.clone(), BlockHead { timestamp: None, ..head }],
            next: None,
        }),
        Answer::Transactions(Page { found: vec![found()], next: Some("n".into()) }),
        Answer::VotesBy(Page { found: vec![vote()], next: None }),
    ]
}

fn changes() -> Vec<Change> {
    let waiting = |uuid| BacklogRow { transaction: transaction(uuid), assignee: "n".into() };
    vec![
        Change::Backlog { old: None, new: Some(waiting("n")) },
        Change::Backlog { old: Some(waiting("o")), new: None },
        Change::Block("b".into()),
        Change::Vote(vote()),
        Change::Position(entry(None)),
        Change::Harmed { row: Standing::Block(block()), deleted: true },
        Change::Harmed { row: Standing::Vote(vote()), deleted: false },
        Change::Harmed { row: Standing::Entry(entry(Some(block()))), deleted: false },
    ]
}

fn events() -> Vec<Event> {
    let deep = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    let calls = [
        Call::Post(Json::parse(b"{\"a\":[1.5,NaN,\"\\u0000\"]}").unwrap()),
        Call::Post(Json::parse(deep.as_bytes()).unwrap()),
        Call::Get("t".into()),
        Call::Status("t".into()),
    ];
    let request = |call| Event::Request { id: RequestId(u64::MAX), call, entropy: [0xf0; 16] };
    let answer = |answer| Event::Answer { ticket: Ticket(12), answer };
    let feeds = [Feed::Backlog, Feed::Blocks, Feed::Votes, Feed::Positions];
    let mut events = vec![Event::Start { entropy: [0x0f; 32] }, Event::Woken];
    events.extend(calls.map(request));
    events.extend(answers().into_iter().map(Ok).map(answer));
    events.push(answer(Err(StoreError::Refused("no \"room\"".into()))));
    events.push(answer(Err(StoreError::Indeterminate("cut".into()))));
    events.extend(feeds.map(Event::FeedOpened));
    events.extend(feeds.map(Event::FeedClosed));
    events.extend(changes().into_iter().map(|change| Event::FeedChanged(Feed::Votes, change)));
    events
}

fn read(line: &str) -> Result<(Now, Heard), super::LineError> {
    heard::read(Json::parse(line.as_bytes()).unwrap(), &mut Met::default())
}

/// Of one transaction after the other, how long its line is; all are read as they were written.
fn lengths(transactions: &[Arc<Transaction>]) -> Vec<usize> {
    let (mut known, mut met) = (Known::default(), Met::default());
    let lengths = transactions.iter().map(|transaction| {
        let row = BacklogRow { transaction: transaction.clone(), assignee: "n".into() };
        let event =
            Event::FeedChanged(Feed::Backlog, Change::Backlog { old: None, new: Some(row) });
        let mut line = String::new();
        heard::write(NOW, &event, &mut line, &mut known);
        let (_, read) = heard::read(Json::parse(line.as_bytes()).unwrap(), &mut met).unwrap();
        let Heard::Event(Event::FeedChanged(_, Change::Backlog { new: Some(read), .. })) = read
        else {
            panic!("{line}")
        };
        assert_eq!(read.transaction, *transaction);
        line.len()
    });
    lengths.collect()
}

#[test]
fn a_transaction_is_written_whole_once_and_again_when_its_number_is_forgotten() {
    let [one, two] = ["one", "two"].map(transaction);
    // The same id over something else is another document.
    let mut document = one.document().clone();
    let Some(Json::Object(body)) = document.get_mut("transaction") else { panic!() };
    body.insert("version", Json::from(7_i64));
    let forged = Arc::new(Transaction::from_document(document).unwrap());
    // Read anew, it is the same document in another place.
    let same = Arc::new(Transaction::from_document(one.document().clone()).unwrap());
    let all = [&one, &two, &same, &forged, &two, &one];
    let lengths_of_all = lengths(&all.map(Arc::clone));
    let whole: Vec<_> = lengths_of_all.iter().map(|length| *length > 300).collect();
    assert_eq!(whole, [true, true, false, true, false, true]);

    let mut many = vec![one.clone(), one.clone()];
    many.extend((0..10_000).map(|number| {
        let id = ("id", Json::from(number.to_string()));
        let document = Json::object([id, ("transaction", Json::object::<&str, 0>([]))]);
        Arc::new(Transaction::from_document(document).unwrap())
    }));
    many.extend([many[10_001].clone(), one.clone(), one]);
    let lengths = lengths(&many);
    assert!(lengths[1] < lengths[0] && lengths[10_003] == lengths[0]);
    assert!(lengths[10_002] < lengths[10_001] && lengths[10_004] < lengths[0]);
}

#[test]
fn every_input_is_read_as_it_was_written() {
    for event in events() {
        let mut line = String::new();
        heard::write(NOW, &event, &mut line, &mut Known::default());
        let (now, read) = read(&line).unwrap();
        let Heard::Event(read) = read else { panic!("{line}") };
        assert_eq!((now, format!("{read:?}")), (NOW, format!("{event:?}")));
        // What documents say, and not only their names.
        let mut again = String::new();
        heard::write(now, &read, &mut again, &mut Known::default());
        assert_eq!(again, line);
        assert!(!line.contains('\n'), "{line}");
    }
}

#[test]
fn a_line_that_says_too_little_too_much_or_nonsense_is_refused() {
    for event in events() {
        let mut line = String::new();
        heard::write(NOW, &event, &mut line, &mut Known::default());
        let whole = Json::parse(line.as_bytes()).unwrap();
        let changed = |change: fn(&mut Vec<Json>)| {
            let mut line = whole.clone();
            let Some(Json::Array(items)) = line.get_mut("heard") else { panic!("{whole}") };
            change(items);
            heard::read(line, &mut Met::default())
        };
        let too_little = changed(|items| drop(items.pop()));
        assert!(too_little.is_err(), "{whole}");
        assert!(changed(|items| items.push(Json::Null)).is_err(), "{whole}");
        assert!(changed(|items| items[0] = "nonsense".into()).is_err(), "{whole}");
    }
}

#[test]
fn a_life_begins_with_all_that_a_core_is_made_of_but_its_private_key() {
    let keys = [1, 2, 3].map(|seed| Keypair::from_seed([seed; 32]));
    let [first, me, last] = &keys;
    let keyring = vec![last.public().clone(), first.public().clone()];
    let federation = Federation::new(me.public().clone(), keyring);
    let settings = Settings {
        block_size: 7,
        retry: Duration::from_nanos(1_000_000_001),
        guard_most: Duration::MAX,
        ..Settings::default()
    };
    let quirks = [Quirk::FeedGap, Quirk::HarmLeft].into_iter().collect();
    let rules = rules::without("default", &quirks, Arc::new(bigchaindb_core::model::Direct));
    let config = Config { keypair: me.clone(), federation, settings };
    let begun = Begun::of(&config, &*rules.unwrap());
    let mut line = String::new();
    begun.write(&mut line);
    let read = Begun::read(&Json::parse(line.as_bytes()).unwrap()).unwrap();
    let longest = Duration::from_nanos(u64::MAX);
    let settings = Settings { guard_most: longest, ..begun.settings.clone() };
    assert_eq!(read, Begun { settings, ..begun });
    assert_eq!(read.config(me.clone()).federation, config.federation);
    assert!(!line.contains(&me.private()), "{line}");
}

#[test]
fn effects_are_read_as_they_were_written() {
    let mut line = String::new();
    said::write(&[], &mut line);
    assert_eq!(line, "[]");
    let read = said::read(Json::parse(b"[\"a\",\"b \\\"c\\\"\"]").unwrap()).unwrap();
    assert_eq!(read, ["a", "b \"c\""]);
}
