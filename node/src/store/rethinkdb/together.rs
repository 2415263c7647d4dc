//! Questions of one kind that go together: those that come while others are under way wait for them, and then all
//! go as one.
//!
//! A question that comes alone goes at once. Here: who waits, and when they go. Not here: what is asked, and how one
//! answer is told apart into many (`queries`).

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Error;
use crate::store::BoxFuture;

/// What comes of questions that went as one: the answer of each in its place, or an error that all share.
pub(super) type Answers<A> = Result<Vec<Result<A, Error>>, Error>;

/// Who asks them.
type Ask<Q, A> = dyn Fn(Vec<Q>) -> BoxFuture<'static, Answers<A>> + Send + Sync;

/// A line in which questions of one kind wait. Clones are the same line.
pub(super) struct Together<Q, A>(Arc<Line<Q, A>>);

struct Line<Q, A> {
    ask: Box<Ask<Q, A>>,
    bounds: Bounds,
    state: Mutex<State<Q, A>>,
}

/// How many go at once, and how long that may take.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// How heavy those are together that go as one; a heavier one goes alone.
    pub(super) weight_max: usize,
    /// How long a question waits for others that are under way. Then it goes, whatever becomes of them.
    pub(super) wait: Duration,
    /// How long an answer may take.
    pub(super) patience: Duration,
}

struct State<Q, A> {
    /// In the order of their numbers.
    waiting: VecDeque<Waiting<Q, A>>,
    /// The last number that was given.
    last: u64,
    /// How many bring questions.
    turns: usize,
}

struct Waiting<Q, A> {
    number: u64,
    question: Q,
    weight: usize,
    tell: oneshot::Sender<Result<A, Error>>,
}

impl<Q: Send + 'static, A: Send + 'static> Together<Q, A> {
    pub(super) fn new<F>(bounds: Bounds, ask: impl Fn(Vec<Q>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answers<A>> + Send + 'static,
    {
        let ask: Box<Ask<Q, A>> = Box::new(move |questions| Box::pin(ask(questions)));
        let state = Mutex::new(State { waiting: VecDeque::new(), last: 0, turns: 0 });
        Self(Arc::new(Line { ask, bounds, state }))
    }

    /// Asks, with whoever else is in line. None if it has to be asked alone: those that it went with failed, perhaps
    /// because of one of them. Whoever does not wait any more is not asked for, unless it has gone already.
    pub(super) async fn ask(&self, question: Q, weight: usize) -> Option<Result<A, Error>> {
        let (tell, mut told) = oneshot::channel();
        let number = self.0.state().queue(question, weight, tell);
        if !self.0.send(|state| state.turns == 0) {
            if let Ok(answer) = timeout(self.0.bounds.wait, &mut told).await {
                return answer.ok();
            }
            self.0.send(|state| state.waits(number));
        }
        told.await.ok()
    }
}

impl<Q: Send + 'static, A: Send + 'static> Line<Q, A> {
    /// Has those go who wait, if they should; whether they do.
    fn send(self: &Arc<Self>, should: impl FnOnce(&State<Q, A>) -> bool) -> bool {
        let mut state = self.state();
        let goes = should(&state);
        if goes {
            state.turns += 1;
            tokio::spawn(Turn(Some(self.clone())).go());
        }
        goes
    }
}

impl<Q, A> State<Q, A> {
    /// Puts a question at the end of the line; its number.
    fn queue(
        &mut self,
        question: Q,
        weight: usize,
        tell: oneshot::Sender<Result<A, Error>>,
    ) -> u64 {
        let number = self.last + 1;
        self.last = number;
        self.waiting.push_back(Waiting { number, question, weight, tell });
        number
    }

    /// Whether the question with this number has not gone yet.
    fn waits(&self, number: u64) -> bool {
        self.waiting.front().is_some_and(|first| first.number <= number)
    }

    /// Takes those out of the line who go next: all that wait, as long as they are not too heavy together.
    fn next(&mut self, weight_max: usize) -> Vec<Waiting<Q, A>> {
        let (mut together, mut weight) = (Vec::new(), 0);
        while let Some(next) = self.waiting.pop_front() {
            if next.tell.is_closed() {
                continue;
            }
            if !together.is_empty() && weight + next.weight > weight_max {
                self.waiting.push_front(next);
                break;
            }
            weight += next.weight;
            together.push(next);
        }
        together
    }
}

/// One who brings questions, until nobody waits.
struct Turn<Q, A>(Option<Arc<Line<Q, A>>>);

impl<Q, A> Turn<Q, A> {
    async fn go(mut self) {
        while let Some(line) = self.0.clone() {
            let next = {
                let mut state = line.state();
                let next = state.next(line.bounds.weight_max);
                if next.is_empty() {
                    // Whoever comes from now on does not count on this turn.
                    state.turns -= 1;
                    self.0 = None;
                }
                next
            };
            line.bring(next).await;
        }
    }
}

impl<Q, A> Drop for Turn<Q, A> {
    /// By a panic: those who wait go with the next who comes.
    fn drop(&mut self) {
        if let Some(line) = &self.0 {
            line.state().turns -= 1;
        }
    }
}

impl<Q, A> Line<Q, A> {
    fn state(&self) -> MutexGuard<'_, State<Q, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for these, and brings them their answers. Whoever has given up meanwhile does not hear them.
    async fn bring(&self, asked: Vec<Waiting<Q, A>>) {
        if asked.is_empty() {
            return;
        }
        let (questions, tell): (Vec<_>, Vec<_>) =
            asked.into_iter().map(|each| (each.question, each.tell)).unzip();
        let patience = self.bounds.patience;
        let late = |_| Err(Error::TimedOut { ms: patience.as_millis() });
        match timeout(patience, (self.ask)(questions)).await.unwrap_or_else(late) {
            Ok(answers) => {
                for (answer, tell) in answers.into_iter().zip(tell) {
                    let _ = tell.send(answer);
                }
            }
            Err(error) => {
                for tell in tell {
                    // Whoever is told nothing asks alone.
                    if let Some(error) = error.shared() {
                        let _ = tell.send(Err(error));
                    }
                }
            }
        }
    }
}

impl<Q, A> Clone for Together<Q, A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q, A> fmt::Debug for Together<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state();
        write!(f, "Together({} wait, {} turns)", state.waiting.len(), state.turns)
    }
}
