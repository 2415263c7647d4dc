//! Our end of the hold that we have on a node: its clock, the point at which it dies, how full it is.
//!
//! A node that starts connects to a socket beside its config file and waits until it may live; by then it
//! has heard what is wrong with its clock, which stays wrong while nodes come and go. Not here: what a node
//! does with an order (`bigchaindb::control`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex as Lock};
use std::time::Duration;

use bigchaindb::control::{Order, Reply, Wrong};
use bigchaindb_core::stages::Levels;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::super::real::until;

/// How long a node may take to do what it is told. One that stands still does not do it.
const DONE_WITHIN: Duration = Duration::from_secs(1);

/// One that is well does it within this time, even on a busy machine.
const TOLD_WITHIN: Duration = Duration::from_millis(200);

/// When nobody can be let in, the next try comes after this long.
const PAUSE: Duration = Duration::from_millis(20);

/// A hold on a node, in all its lives. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Grip {
    path: PathBuf,
    shared: Arc<Shared>,
    _listening: Arc<Listening>,
}

#[derive(Debug, Default)]
struct Shared {
    /// The line to the life that it has now.
    line: Mutex<Option<Line>>,
    /// What is wrong with its clock, and since when.
    clock: Lock<Option<(Wrong, Instant)>>,
}

/// Ends with the last grip.
#[derive(Debug)]
struct Listening(JoinHandle<()>);

#[derive(Debug)]
struct Line {
    replies: Lines<BufReader<OwnedReadHalf>>,
    orders: OwnedWriteHalf,
    /// The number of the last order.
    number: u64,
}

impl Grip {
    /// Waits for the lives of a node at this socket.
    ///
    /// # Errors
    /// If it cannot be made: its path has to be short.
    pub(super) fn new(path: PathBuf) -> io::Result<Self> {
        // One that an earlier process has left.
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).map_err(|error| {
            let said = format!("cannot listen at {}: {error}", path.display());
            io::Error::new(error.kind(), said)
        })?;
        let shared = Arc::new(Shared::default());
        let listening = Arc::new(Listening(tokio::spawn(listen(listener, shared.clone()))));
        Ok(Self { path, shared, _listening: listening })
    }

    /// Where the node finds it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The node's clock is wrong from now on, or right again; whether the node knows. One that is down, or
    /// stands still, has the clock when it goes on.
    pub(super) async fn set_clock(&self, wrong: Option<Wrong>) -> bool {
        *self.shared.clock() = wrong.map(|wrong| (wrong, Instant::now()));
        let shared = self.shared.clone();
        let told = tokio::spawn(async move {
            // A later order is told by whoever gave it.
            let is_told = || async { shared.tell_clock().await.is_ok() };
            until(is_told).await
        });
        // Mostly it is told at once; else that goes on beside.
        timeout(TOLD_WITHIN, told).await.is_ok_and(|told| told.is_ok_and(|is_told| is_told))
    }

    /// How far the node's clock is off, between these two, in microseconds.
    ///
    /// # Errors
    /// If the node does not say.
    pub(super) async fn off_us(&self) -> io::Result<(i64, i64)> {
        let us = |unix_us: u64| i64::try_from(unix_us).unwrap_or(i64::MAX);
        let before = us(bigchaindb::clock::unix_us());
        let Reply::Time { unix_us } = self.ask(Order::Time).await? else {
            return Err(io::Error::other("the node does not say what time it is"));
        };
        let after = us(bigchaindb::clock::unix_us());
        Ok((us(unix_us) - after, us(unix_us) - before))
    }

    /// How full the node is, and how much it has asked of its store in this life.
    ///
    /// # Errors
    /// If the node does not say.
    pub(super) async fn levels(&self) -> io::Result<(Levels, u64)> {
        let reply = self.ask(Order::Levels).await?;
        reply.levels().ok_or_else(|| io::Error::other("the node does not live yet"))
    }

    /// Has the node do something.
    ///
    /// # Errors
    /// If it does not say that it is done.
    pub(super) async fn ask(&self, order: Order) -> io::Result<Reply> {
        let mut line = self.shared.line.lock().await;
        let Some(line) = line.as_mut() else { return Err(io::ErrorKind::NotConnected.into()) };
        line.ask(order).await
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Lets one life after the other begin.
async fn listen(listener: UnixListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        let mut line = shared.line.lock().await;
        *line = Some(Line::new(stream));
        drop(line);
        // One that has died already is followed by another.
        let begins = async {
            shared.tell_clock().await?;
            match shared.line.lock().await.as_mut() {
                Some(line) => line.ask(Order::Begin).await.map(drop),
                None => Ok(()),
            }
        };
        let _: io::Result<()> = begins.await;
    }
}

impl Shared {
    fn clock(&self) -> std::sync::MutexGuard<'_, Option<(Wrong, Instant)>> {
        self.clock.lock().expect("nobody panics here")
    }

    /// Tells the node what is wrong with its clock now.
    async fn tell_clock(&self) -> io::Result<()> {
        let mut line = self.line.lock().await;
        let Some(line) = line.as_mut() else { return Err(io::ErrorKind::NotConnected.into()) };
        let wrong = *self.clock();
        let order = wrong.map_or(Order::Right, |(wrong, since)| {
            let passed_us = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
            Order::Clock { wrong, passed_us }
        });
        line.ask(order).await.map(drop)
    }
}

impl Line {
    fn new(stream: UnixStream) -> Self {
        let (reads, orders) = stream.into_split();
        Self { replies: BufReader::new(reads).lines(), orders, number: 0 }
    }

    async fn ask(&mut self, order: Order) -> io::Result<Reply> {
        self.number += 1;
        let mut text = serde_json::to_string(&(self.number, order))?;
        text.push('\n');
        let exchange = async {
            self.orders.write_all(text.as_bytes()).await?;
            loop {
                let Some(line) = self.replies.next_line().await? else {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                };
                // Nobody waits any more for what came too late.
                let (number, reply): (u64, Reply) = serde_json::from_str(&line)?;
                if number == self.number {
                    return Ok(reply);
                }
            }
        };
        let late = |_| io::Error::other("the node does not do what it is told");
        timeout(DONE_WITHIN, exchange).await.map_err(late)?
    }
}

/// Whether a node's clock is off, as it says itself: more than what lies between question and answer.
pub(super) async fn is_off(grip: &Grip, wrong: Wrong) -> bool {
    let Ok((least, most)) = grip.off_us().await else { return false };
    match wrong {
        // One that is simply off is off by that.
        Wrong::Off { us } => (least..=most).contains(&us),
        _ => least > 0 || most < 0,
    }
}

/// Whether it is right.
pub(super) async fn is_right(grip: &Grip) -> bool {
    grip.off_us().await.is_ok_and(|(least, most)| least <= 0 && most >= 0)
}

#[cfg(test)]
mod tests {
    use bigchaindb::control::Control;

    use super::*;

    #[tokio::test]
    async fn a_node_lives_by_the_clock_that_it_was_told_before() {
        let folder = tempfile::tempdir().unwrap();
        let grip = Grip::new(folder.path().join("n1.control")).unwrap();
        assert!(grip.ask(Order::Time).await.is_err(), "nobody is there");
        let wrong = Wrong::Off { us: 7_200_000_000 };
        *grip.shared.clock() = Some((wrong, Instant::now()));
        let (control, line) = Control::taken(grip.path()).await.unwrap();
        let (shown, right) = (control.source().now().unix_ms, bigchaindb::clock::now().unix_ms);
        assert!((shown - right).abs_diff(7_200_000) < 1_000);
        let following = tokio::spawn(line.follow(None));
        assert!(is_off(&grip, wrong).await && !is_right(&grip).await);
        grip.set_clock(None).await;
        assert!(is_right(&grip).await && !is_off(&grip, wrong).await);
        assert!(grip.levels().await.is_err(), "there is no node");
        // Another life takes the place of the first.
        grip.set_clock(Some(Wrong::Off { us: -5_000_000 })).await;
        let (control, _line) = Control::taken(grip.path()).await.unwrap();
        let (shown, right) = (control.source().now().unix_ms, bigchaindb::clock::now().unix_ms);
        assert!((right - shown).abs_diff(5_000) < 1_000);
        following.abort();
    }
}
