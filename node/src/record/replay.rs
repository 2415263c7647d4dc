//! A record told to a core again: does the same come of it?
//!
//! Every life begins with a core that knows nothing. It hears what the first one heard, at the same
//! times; work that was done then is done again; and what comes of each input is compared, text by
//! text. The first difference ends it, since from there on the two are not the same node.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use bigchaindb_core::model::{Keypair, NodeKey, SignatureCheck};
use bigchaindb_core::rules::{ConsensusRules, UnknownRules};
use bigchaindb_core::stages::{Config, Effect, Event, Node, Now, Ticket, Work};

use super::begun::Begun;
use super::heard::Heard;
use super::read::{ReadError, Reader, Told};
use super::{LineError, said};

/// Why a record cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Nobody knows the private key of its node, and a node signs.
    #[error("the keys of {node} are not known")]
    Key {
        /// The node.
        node: NodeKey,
    },
    /// Its rules are not here.
    #[error(transparent)]
    Rules(#[from] UnknownRules),
}

/// What came of a replay.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Replayed {
    /// Each life that was replayed to its end, and how its record ends.
    pub lives: Vec<Ending>,
    /// Of how many inputs the same has come.
    pub inputs: u64,
    /// How many effects that were.
    pub outputs: u64,
    /// Where it was not the same for the first time.
    pub difference: Option<Difference>,
}

/// How the record of a life ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ending {
    /// With what came of the last input.
    Whole,
    /// In the middle of a line: whoever wrote it was killed.
    Torn,
    /// With an input, and nothing of what came of it: the node ended there.
    Unanswered {
        /// Over what the core fell when it was told so again.
        fell: Option<String>,
    },
}

/// The first difference.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// In which life, from 1.
    pub life: usize,
    /// At which of its inputs, from 1.
    pub input: u64,
    /// The input's line in the file, from 1.
    pub line: u64,
    /// What time it was for the node.
    pub now: Now,
    /// What it heard.
    pub heard: String,
    /// What the record says came of it; nothing more, if it is none.
    pub expected: Option<String>,
    /// What has come of it now; nothing more, if it is none.
    pub actual: Option<String>,
}

/// Tells a core what the record in this file says that one heard, with the keys that `keys` knows.
///
/// # Errors
/// [`ReplayError`], if that cannot be. A difference is none.
pub fn replay(
    path: &Path,
    keys: impl Fn(&NodeKey) -> Option<Keypair>,
    signatures: &Arc<dyn SignatureCheck>,
) -> Result<Replayed, ReplayError> {
    let mut reader = Reader::open(path)?;
    let mut replayed = Replayed::default();
    let mut life: Option<Life> = None;
    while let Some(told) = reader.next()? {
        let went = match told {
            Told::Begun(begun) => {
                replayed.lives.extend(life.take().map(Life::end));
                let keypair = keys(&begun.node);
                let keypair = keypair.ok_or(ReplayError::Key { node: begun.node.clone() })?;
                life = Some(Life::new(&begun, keypair, signatures.clone())?);
                Ok(())
            }
            Told::Heard(now, heard) => {
                let waits = life.as_mut().filter(|life| life.last.is_none());
                let life = waits.ok_or_else(|| reader.wrong(LineError::Order))?;
                life.hear(reader.line(), now, *heard)
            }
            Told::Said(expected) => {
                let last = life.as_mut().and_then(|life| life.last.take());
                let last = last.ok_or_else(|| reader.wrong(LineError::Order))?;
                let effects = expected.len() as u64;
                last.compare(expected).map(|()| {
                    replayed.inputs += 1;
                    replayed.outputs += effects;
                })
            }
            Told::Torn => {
                replayed.lives.extend(life.take().map(|_| Ending::Torn));
                Ok(())
            }
        };
        if let Err(mut difference) = went {
            difference.life = replayed.lives.len() + 1;
            difference.input = life.map_or(0, |life| life.inputs);
            replayed.difference = Some(*difference);
            return Ok(replayed);
        }
    }
    replayed.lives.extend(life.map(Life::end));
    Ok(replayed)
}

/// A life of a node, told again.
struct Life {
    config: Arc<Config>,
    rules: Arc<dyn ConsensusRules>,
    core: Node,
    /// Inputs so far.
    inputs: u64,
    /// Work that the core wants done.
    works: BTreeMap<Ticket, Work>,
    /// The input of which is not known yet what had come.
    last: Option<Last>,
}

/// An input, and what came of it now.
struct Last {
    line: u64,
    now: Now,
    event: Event,
    /// What came of it, or over what the core fell.
    said: Result<Vec<String>, String>,
}

impl Life {
    fn new(
        begun: &Begun,
        keypair: Keypair,
        signatures: Arc<dyn SignatureCheck>,
    ) -> Result<Self, UnknownRules> {
        let (config, rules) = (Arc::new(begun.config(keypair)), begun.rules(signatures)?);
        let core = Node::new(config.clone(), rules.clone());
        Ok(Self { config, rules, core, inputs: 0, works: BTreeMap::new(), last: None })
    }

    fn hear(&mut self, line: u64, now: Now, heard: Heard) -> Result<(), Box<Difference>> {
        self.inputs += 1;
        let event = match heard {
            Heard::Event(event) => event,
            Heard::Worked { ticket, digest } => self.work(line, now, ticket, &digest)?,
        };
        let mut effects = Vec::new();
        let handle = || self.core.handle(now, event.clone(), &mut effects);
        // A record may say what no store ever says; and a node that has died may die again.
        let said = match catch_unwind(AssertUnwindSafe(handle)) {
            Ok(()) => Ok(effects.iter().map(said::text).collect()),
            Err(panic) => Err(words(&*panic)),
        };
        for effect in effects {
            if let Effect::Work { ticket, work } = effect {
                self.works.insert(ticket, work);
            }
        }
        self.last = Some(Last { line, now, event, said });
        Ok(())
    }

    /// Does work again; its outcome has to be what it was.
    fn work(
        &mut self,
        line: u64,
        now: Now,
        ticket: Ticket,
        digest: &str,
    ) -> Result<Event, Box<Difference>> {
        let told = format!("Worked {{ ticket: {ticket:?} }}");
        let expected = Some(format!("an outcome with the digest {digest}"));
        let differs = |expected, actual| {
            Err(Box::new(Difference::at(line, now, told.clone(), expected, actual)))
        };
        let Some(work) = self.works.remove(&ticket) else {
            return differs(expected, Some("no such work was wanted".to_owned()));
        };
        let run = || work.run(&self.config, &*self.rules);
        let outcome = match catch_unwind(AssertUnwindSafe(run)) {
            Ok(outcome) => outcome,
            Err(panic) => return differs(expected, Some(fell(&words(&*panic)))),
        };
        let found = said::digest(&outcome);
        if found != digest {
            return differs(expected, Some(format!("{outcome:?} with the digest {found}")));
        }
        Ok(Event::Worked { ticket, outcome })
    }

    fn end(self) -> Ending {
        match self.last {
            Some(Last { said, .. }) => Ending::Unanswered { fell: said.err() },
            None => Ending::Whole,
        }
    }
}

impl Last {
    /// Holds what came of it against what had.
    fn compare(self, expected: Vec<String>) -> Result<(), Box<Difference>> {
        let Self { line, now, event, said } = self;
        let differs = |expected, actual| {
            Err(Box::new(Difference::at(line, now, format!("{event:?}"), expected, actual)))
        };
        let actual = match said {
            Ok(actual) => actual,
            Err(why) => return differs(expected.into_iter().next(), Some(fell(&why))),
        };
        let longer = expected.len().max(actual.len());
        let first = (0..longer).find(|&index| expected.get(index) != actual.get(index));
        match first {
            Some(index) => differs(expected.get(index).cloned(), actual.get(index).cloned()),
            None => Ok(()),
        }
    }
}

impl Difference {
    /// One whose place among the inputs is filled in by who counts them.
    fn at(
        line: u64,
        now: Now,
        heard: String,
        expected: Option<String>,
        actual: Option<String>,
    ) -> Self {
        Self { life: 0, input: 0, line, now, heard, expected, actual }
    }
}

fn fell(why: &str) -> String {
    format!("the core fell over: {why}")
}

/// What a panic says.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned()
}
