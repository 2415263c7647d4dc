//! A query's answer, batch after batch.

use std::sync::atomic::Ordering;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::super::Error;
use super::super::response::{self, Batch, Response};
use super::{CONTINUE, Connection, STOP};

/// A response that will come.
pub(super) struct Reply {
    pub(super) answer: oneshot::Receiver<Vec<u8>>,
    /// How often something had come in when it was asked for.
    pub(super) asked_at: u64,
}

/// A query's values, as they come. Dropping it stops the query.
pub struct Cursor {
    connection: Connection,
    token: u64,
    /// The response under way.
    reply: Option<Reply>,
    /// Values that nobody took yet.
    batch: Option<Batch>,
    /// There is one value, no stream.
    atom: bool,
    /// The server has nothing more under this token.
    ended: bool,
    /// The next batch may take as long as it likes.
    patient: bool,
}

impl Cursor {
    /// The answer to a query that was sent: the first batch is here when this returns.
    pub(super) async fn of(
        connection: &Connection,
        token: u64,
        reply: Reply,
        deadline: Instant,
        patient: bool,
    ) -> Result<Self, Error> {
        let mut cursor = Self {
            connection: connection.clone(),
            token,
            reply: Some(reply),
            batch: None,
            atom: false,
            ended: false,
            patient: false,
        };
        cursor.receive(deadline).await?;
        cursor.patient = patient;
        Ok(cursor)
    }

    /// Whether there is one value, no stream.
    pub(super) fn is_atom(&self) -> bool {
        self.atom
    }

    /// The next values, perhaps none; `None` once that was all.
    ///
    /// # Errors
    /// As [`Connection::start`].
    pub async fn next(&mut self) -> Result<Option<Batch>, Error> {
        if let Some(batch) = self.batch.take() {
            self.read_ahead();
            return Ok(Some(batch));
        }
        if self.ended {
            return Ok(None);
        }
        let deadline = Instant::now() + self.connection.0.options.query_timeout;
        if self.reply.is_none() {
            let slots = self.connection.0.slots.clone();
            let Ok(Ok(slot)) = timeout_at(deadline, slots.acquire_owned()).await else {
                return Err(Error::NotSent("too many queries are under way".to_owned()));
            };
            self.reply = Some(self.connection.send(self.token, CONTINUE, Some(slot))?);
        }
        self.receive(deadline).await?;
        self.read_ahead();
        Ok(self.batch.take())
    }

    /// Takes in the response under way.
    async fn receive(&mut self, deadline: Instant) -> Result<(), Error> {
        let shared = &self.connection.0.shared;
        let reply = self.reply.as_mut().expect("a response is under way");
        let answer = if self.patient {
            (&mut reply.answer).await
        } else {
            match timeout_at(deadline, &mut reply.answer).await {
                Ok(answer) => answer,
                Err(_) => {
                    let limit = self.connection.0.options.query_timeout;
                    // Nothing at all came since then: the line is dead, and everybody had better
                    // know.
                    if shared.received.load(Ordering::Relaxed) == reply.asked_at {
                        shared.end("the server fell silent");
                    }
                    return Err(Error::TimedOut { ms: limit.as_millis() });
                }
            }
        };
        self.reply = None;
        let text = answer.map_err(|_| {
            self.ended = true;
            Error::Lost(shared.reason())
        })?;
        // Unless the response says that there is more, it is the token's last.
        self.ended = true;
        self.batch = match response::read(text)? {
            Response::Atom(batch) => {
                self.atom = true;
                Some(batch)
            }
            Response::Values { batch, more } => {
                self.ended = !more;
                Some(batch)
            }
            Response::Done => None,
        };
        Ok(())
    }

    /// Asks for the next batch while the last one is being looked at, if there is a slot for it.
    fn read_ahead(&mut self) {
        if self.ended || self.reply.is_some() {
            return;
        }
        if let Ok(slot) = self.connection.0.slots.clone().try_acquire_owned() {
            // If the connection is gone, the next one who asks will be told.
            self.reply = self.connection.send(self.token, CONTINUE, Some(slot)).ok();
        }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        if !self.ended {
            // If the connection is gone, nothing is left to stop.
            let _ = self.connection.send(self.token, STOP, None);
        }
    }
}
