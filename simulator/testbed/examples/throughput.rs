//! How many transactions a second one node decides: over HTTP, store on disk, hard durability.
//!
//! `cargo run --release --example throughput -- [CREATEs] [chain] [record]`
//!
//! Posts so many CREATEs (20,000), then a TRANSFER of each on top, and stops the clock when the node
//! has decided all of them. A `chain` (0) is that many CREATEs written before, without a clock. A
//! `record` is a file in which is written down what the node hears, to see what that costs. Node,
//! store and clients share this process and its cores. Documents are signed before the clock starts.
//! At the end every transaction is asked for, and has to be valid.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bigchaindb::federation::{Common, LocalFederation};
use bigchaindb::record::{Recorder, Writing};
use bigchaindb::shell::QUERY_TIMEOUT;
use bigchaindb_core::model::{BlockId, Json, Transaction};
use bigchaindb_core::rules::{self, Election};
use bigchaindb_core::stages::{Report, Settings};
use bigchaindb_load::client::{Answer, Call, Client, NoAnswer};
use bigchaindb_load::corpus::Corpus;
use bigchaindb_load::engine;
use bigchaindb_load::saturate::Saturate;
use tokio::sync::watch;
use tokio::time::Instant;

/// Requests under way at once.
const AT_ONCE: usize = 128;

/// No request may take longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of each transaction's payload.
const PAYLOAD_BYTES: usize = 100;

/// CREATEs of a chain that are signed, posted and forgotten at once.
const PIECE: u64 = 10_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let creates: u64 = arguments.next().map_or(Ok(20_000), |text| text.parse())?;
    let chain: u64 = arguments.next().map_or(Ok(0), |text| text.parse())?;

    let record = arguments.next().map(|file| Recorder::start(Path::new(&file))).transpose()?;
    let (records, writing): (Vec<_>, Vec<_>) = record.into_iter().unzip();

    let folder = tempfile::tempdir()?;
    let decided = Arc::new(Decided::default());
    let heard = decided.clone();
    let common = Common {
        rules: rules::by_name("default")?,
        settings: Settings::default(),
        query_timeout: QUERY_TIMEOUT,
        on_report: Arc::new(move |_, report| heard.hear(report)),
        metrics: Vec::new(),
        records,
    };
    let anywhere = [SocketAddr::from(([127, 0, 0, 1], 0))];
    let federation = LocalFederation::open(folder.path(), &common, &anywhere).await?;
    let bench = Bench { client: Client::new(&federation.addresses()), decided };
    let corpus = Corpus::new(1, PAYLOAD_BYTES);
    bench.ready().await?;

    let mut next = 0;
    while next < chain {
        let (assets, before) = (next..(next + PIECE).min(chain), bench.decided.transactions());
        let number = usize::try_from(assets.end - assets.start)?;
        next = assets.end;
        bench.post(assets.map(|asset| corpus.create(asset)).collect()).await?;
        bench.decided.until(before + number).await;
    }
    let title = ("what", "number", "accepted/s", "decided/s", "us each");
    println!("{:<10} {:>8} {:>12} {:>12} {:>12}", title.0, title.1, title.2, title.3, title.4);
    let assets = chain..chain + creates;
    let signed = assets.clone().map(|asset| corpus.create(asset)).collect();
    let made = bench.measure("CREATE", signed).await?;
    let signed = assets.zip(&made).map(|(asset, last)| corpus.transfer(asset, last)).collect();
    let passed_on = bench.measure("TRANSFER", signed).await?;
    bench.prove_valid(&made).await?;
    bench.prove_valid(&passed_on).await?;
    federation.stop().await?;
    drop(common);
    writing.into_iter().try_for_each(Writing::finish)?;
    Ok(())
}

/// Clients, and what they hear of the node they load.
struct Bench {
    client: Client,
    decided: Arc<Decided>,
}

impl Bench {
    /// Waits until the node accepts.
    async fn ready(&self) -> Result<(), Box<dyn Error>> {
        let text = Corpus::new(0, PAYLOAD_BYTES).create(0);
        while self.call(Call::Post(text.clone().into())).await?.status != 201 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.decided.until(1).await;
        Ok(())
    }

    /// Posts, waits until all is decided, says how fast that was; the transactions.
    async fn measure(
        &self,
        what: &str,
        texts: Vec<String>,
    ) -> Result<Vec<Transaction>, Box<dyn Error>> {
        let (number, before) = (texts.len(), self.decided.transactions());
        let began = Instant::now();
        let answers = self.post(texts).await?;
        let accepted_s = began.elapsed().as_secs_f64();
        self.decided.until(before + number).await;
        let decided_s = began.elapsed().as_secs_f64();
        let rate = |seconds: f64| number as f64 / seconds;
        println!(
            "{what:<10} {number:>8} {:>12.0} {:>12.0} {:>12.1}",
            rate(accepted_s),
            rate(decided_s),
            decided_s * 1e6 / number as f64
        );
        let transaction = |answer: Answer| {
            let mut document = Json::parse(&answer.body)?;
            if let Json::Object(fields) = &mut document {
                fields.remove("assignee");
            }
            Ok(Transaction::from_document(document)?)
        };
        answers.into_iter().map(transaction).collect()
    }

    /// Posts, so many at once; the answers in the same order.
    async fn post(&self, texts: Vec<String>) -> Result<Vec<Answer>, Box<dyn Error>> {
        let calls = texts.into_iter().map(|text| (0, Call::Post(text.into())));
        let mut load = Saturate::new(calls, AT_ONCE);
        engine::run(&mut load, &self.client, Instant::now(), TIMEOUT).await;
        let accepted = |exchange: engine::Exchange| {
            let answer = exchange.answer?;
            match answer.status {
                201 => Ok(answer),
                _ => Err(String::from_utf8_lossy(&answer.body).into_owned().into()),
            }
        };
        load.into_exchanges().into_iter().map(accepted).collect()
    }

    /// Asks for each and all: is it valid?
    async fn prove_valid(&self, transactions: &[Transaction]) -> Result<(), Box<dyn Error>> {
        let path = |id| format!("/api/v1/transactions/{id}/status");
        let calls = transactions.iter().map(|transaction| (0, Call::Get(path(transaction.id()))));
        let mut load = Saturate::new(calls, AT_ONCE);
        engine::run(&mut load, &self.client, Instant::now(), TIMEOUT).await;
        for exchange in load.into_exchanges() {
            let answer = exchange.answer?;
            assert_eq!(answer.body, r#"{"status":"valid"}"#, "what was reported is what is served");
        }
        println!("all {} are valid", transactions.len());
        Ok(())
    }

    async fn call(&self, call: Call) -> Result<Answer, NoAnswer> {
        self.client.call(0, call, TIMEOUT, || ()).await
    }
}

/// How many transactions the node says are decided valid.
#[derive(Default)]
struct Decided {
    /// How many transactions the blocks hold that are written and not decided.
    written: Mutex<BTreeMap<BlockId, usize>>,
    transactions: watch::Sender<usize>,
}

impl Decided {
    /// What the node reports.
    fn hear(&self, report: Report) {
        let mut written = self.written.lock().expect("nobody panics here");
        match report {
            Report::BlockWritten { block, transactions } => {
                written.insert(block, transactions);
            }
            Report::Decided { block, election: Election::Valid } => {
                let more = written.remove(&block).unwrap_or(0);
                self.transactions.send_modify(|number| *number += more);
            }
            _ => {}
        }
    }

    fn transactions(&self) -> usize {
        *self.transactions.borrow()
    }

    /// Waits until there are so many.
    async fn until(&self, number: usize) {
        let reached = self.transactions.subscribe().wait_for(|now| *now >= number).await.is_ok();
        assert!(reached, "the sender is ours");
    }
}
