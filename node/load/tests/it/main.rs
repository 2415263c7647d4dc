//! The load engine against servers that behave as nodes do on bad days.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bigchaindb_load::blackhole::Blackhole;
use bigchaindb_load::client::{Call, Client, NoAnswer};
use bigchaindb_load::corpus::{Corpus, Stock};
use bigchaindb_load::creates::{Creates, Pace, Part, Tally};
use bigchaindb_load::engine::{self, Effect, Event, Exchange, Workload};
use bigchaindb_load::slip::Slip;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::time::Instant;

/// Longer than any of these tests takes; only a test that fails waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that answers with what it was sent, once as many requests have come as `together`
/// says; and how many connections it has seen.
async fn echo(together: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let (seen, barrier) = (connections.clone(), Arc::new(Barrier::new(together)));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            seen.fetch_add(1, Ordering::SeqCst);
            let barrier = barrier.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let barrier = barrier.clone();
                async move {
                    let path = request.uri().path().to_owned();
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    barrier.wait().await;
                    let text = format!("{path} {}", String::from_utf8_lossy(&body));
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
                }
            });
            let http = hyper::server::conn::http1::Builder::new();
            tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, connections)
}

/// Sends `total` requests, a millisecond apart, and keeps what came of them.
struct Steady {
    total: u64,
    sent: u64,
    over: Vec<Exchange>,
}

impl Workload for Steady {
    fn handle(&mut self, now_us: u64, event: Event, effects: &mut Vec<Effect>) {
        if let Event::Over(exchange) = event {
            self.over.push(exchange);
        }
        while self.sent < self.total && self.sent * 1000 <= now_us {
            let call = Call::Post(Bytes::from(self.sent.to_string()));
            let due_us = self.sent * 1000;
            effects.push(Effect::Send { number: self.sent, target: 0, call, due_us });
            self.sent += 1;
        }
        if self.sent < self.total {
            effects.push(Effect::WakeAt(self.sent * 1000));
        } else if self.over.len() as u64 == self.total {
            effects.push(Effect::Finish);
        }
    }
}

#[tokio::test]
async fn requests_go_out_though_no_answer_comes() {
    // No request is answered before the last one has come: whoever waited would wait for ever.
    let (address, _) = echo(50).await;
    let client = Client::new(&[address]);
    let mut workload = Steady { total: 50, sent: 0, over: Vec::new() };
    let slip = engine::run(&mut workload, &client, Instant::now(), PATIENCE).await;
    assert_eq!(slip.requests(), 50);
    let mut numbers = Vec::new();
    for exchange in &workload.over {
        let Exchange { number, wanted_us, sent_us, over_us, answer } = exchange;
        let answer = answer.as_ref().unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, format!("/api/v1/transactions/ {number}"));
        let sent_us = sent_us.unwrap();
        assert!(number * 1000 <= *wanted_us && *wanted_us <= sent_us && sent_us <= *over_us);
        numbers.push(*number);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn connections_are_kept() {
    let (address, connections) = echo(1).await;
    let client = Client::new(&[address]);
    for round in 0..10 {
        let path = format!("/{round}");
        let answer = client.call(0, Call::Get(path.clone()), PATIENCE, || ()).await.unwrap();
        assert_eq!(answer.body, format!("{path} "));
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// A connection that the node has closed while nobody used it is not an error of the next request.
#[tokio::test]
async fn a_connection_that_was_closed_is_replaced() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&[listener.local_addr().unwrap()]);
    let (closed, mut closes) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            tokio::io::AsyncReadExt::read(&mut stream, &mut request).await.unwrap();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await.unwrap();
            drop(stream);
            closed.send(()).await.unwrap();
        }
    });
    for _ in 0..3 {
        let call = Call::Post("{}".into());
        let answer = client.call(0, call, PATIENCE, || ()).await.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, &b"ok"[..]));
        closes.recv().await.unwrap();
    }
}

/// Several threads load a blackhole at a rate: all goes out, each request once, and nothing is slower than the
/// clock says.
#[test]
fn a_blackhole_swallows_what_several_threads_send() {
    let blackhole = Blackhole::start().unwrap();
    let stock = Arc::new(Stock::sign(Corpus::new(1, 10), Part::WHOLE, 90, 2));
    let part = Stock::sign(Corpus::new(1, 10), Part { index: 1, of: 3 }, 9, 2);
    for asset in 0..12 {
        let created = Corpus::new(1, 10).create(asset);
        let same = "signed before or now, it is the same";
        assert_eq!(
            (stock.create(asset), part.create(asset)),
            (created.clone().into(), created.into()),
            "{same}"
        );
    }
    let mut all = Tally::default();
    let mut slip = Slip::default();
    for pace in [Pace::Clients(7), Pace::PerSecond(1000.0)] {
        let parts: Vec<_> = (0..3)
            .map(|index| {
                let (stock, address) = (stock.clone(), blackhole.address());
                std::thread::spawn(move || {
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_all().build();
                    runtime.unwrap().block_on(async {
                        let part = Part { index, of: 3 };
                        let mut creates = Creates::new(stock, pace, 1, Some(100), part);
                        let client = Client::new(&[address]);
                        let slip =
                            engine::run(&mut creates, &client, Instant::now(), PATIENCE).await;
                        (creates.tally().lock().unwrap().clone(), slip)
                    })
                })
            })
            .collect();
        for part in parts {
            let (tally, slips) = part.join().unwrap();
            all.add(&tally);
            slip.add(&slips);
        }
    }
    assert_eq!((all.sent, all.accepted, all.unsent), (200, 200, 0), "{:?}", all.first_trouble);
    assert_eq!((slip.requests(), all.latency_us.len()), (200, 200));
}

#[tokio::test]
async fn what_fails_says_whether_the_node_may_have_seen_it() {
    let ask = |address: SocketAddr, patience: Duration| async move {
        let client = Client::new(&[address]);
        client.call(0, Call::Get("/".to_owned()), patience, || ()).await.unwrap_err()
    };

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let error = ask(nobody, PATIENCE).await;
    assert!(matches!(error, NoAnswer::Unreachable(_)), "{error}");
    assert!(!error.is_ambiguous());

    let (silent, _) = echo(2).await;
    let error = ask(silent, Duration::from_millis(20)).await;
    assert!(matches!(error, NoAnswer::TimedOut(_)), "{error}");
    assert!(error.is_ambiguous());

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let rude = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::io::AsyncReadExt::read_u8(&mut stream).await.unwrap();
    });
    let error = ask(rude, PATIENCE).await;
    assert!(matches!(error, NoAnswer::Broken(_)), "{error}");
    assert!(error.is_ambiguous());
}
