//! Outputs that are locked by more than a key, and how they are opened.
//!
//! Source: BigchainDB 0.6 docs, "Crypto-Conditions (Advanced)".

use bigchaindb_core::model::cryptoconditions::{Ed25519, Fulfillment, Part, Subject};
use bigchaindb_core::model::{Json, Keypair, Raised, SignError, Transaction};

use super::by_hand;
use super::documents::{Clients, Made};
use crate::chance::{Domain, draw_bytes};
use crate::plan::{Action, Guard, Operation, Way};

impl Clients {
    /// A TRANSFER of the output that operation `of` made, to whoever opens the guard.
    pub(super) fn lock(
        &self,
        operation: &Operation,
        of: u32,
        guard: Guard,
        made: Made<'_>,
    ) -> Result<Transaction, SignError> {
        let guard = self.guard(operation.number, guard).map_err(SignError::Raised)?;
        let draft = self.draft(operation, &[(of, 0)], vec![], made).transaction()?;
        self.signed(&draft.with_output(&guard)?, &[(of, 0)], made)
    }

    /// A TRANSFER of a locked output to the operation's owner.
    pub(super) fn open(
        &self,
        operation: &Operation,
        of: u32,
        way: Way,
        made: Made<'_>,
    ) -> Result<Transaction, SignError> {
        let lock = self.plan.operation(of).map(|lock| lock.action);
        let Some(Action::Lock { guard, .. }) = lock else {
            return Err(Raised::new("TypeError", "what is opened was not locked").into());
        };
        let after = vec![self.key(operation.number, 0).public().to_string()];
        let unsigned = self.draft(operation, &[(of, 0)], after, made).transaction()?;
        let message = unsigned.fulfillment_message(0)?;
        let opened = self.opened(of, guard, way, message.as_bytes()).map_err(SignError::Raised)?;
        Ok(with_text(&unsigned, by_hand::uri(&opened)?)?)
    }

    /// What guards the output of operation `lock`; nothing in it is fulfilled yet.
    fn guard(&self, lock: u32, guard: Guard) -> Result<Fulfillment, Raised> {
        let key = |which| shown(Fulfillment::ed25519(self.key(lock, which).public_bytes()));
        Ok(match guard {
            Guard::Weights => {
                Fulfillment::threshold(4, vec![weighing(3, key(0))?, weighing(1, key(1))?])
            }
            Guard::TwoOfThree => {
                let parts = (0..3).map(|which| weighing(1, key(which)));
                Fulfillment::threshold(2, parts.collect::<Result<_, _>>()?)
            }
            Guard::Hash => Fulfillment::preimage(self.secret(lock, 0)),
            Guard::Timeout { until_us } => {
                let parts = vec![weighing(1, key(0))?, weighing(1, self.until(until_us)?)?];
                Fulfillment::threshold(2, parts)
            }
            Guard::Escrow { until_us } => {
                let over = Fulfillment::inverted(1, vec![weighing(1, self.until(until_us)?)?]);
                let first = vec![weighing(1, key(0))?, weighing(1, self.until(until_us)?)?];
                let second = vec![weighing(1, key(1))?, weighing(1, shown(over))?];
                let branches = [first, second].map(|parts| Fulfillment::threshold(2, parts).into());
                Fulfillment::threshold(1, branches.to_vec())
            }
        })
    }

    /// What opens it, or is meant to.
    fn opened(
        &self,
        lock: u32,
        guard: Guard,
        way: Way,
        message: &[u8],
    ) -> Result<Fulfillment, Raised> {
        let signed = |which| shown(signature(&self.key(lock, which), message));
        // Whoever has one key only signs for the other one as well: less cannot even be written.
        let forged = |which| {
            let public_key = self.key(lock, which).public_bytes();
            let signature = Some(self.key(lock, 0).sign(message));
            shown(Fulfillment::Ed25519(Ed25519 { public_key, signature }))
        };
        let left_out = |which| hidden(&Fulfillment::ed25519(self.key(lock, which).public_bytes()));
        let whole = way == Way::Whole;
        Ok(match guard {
            Guard::Weights => {
                let second = if whole { signed(1) } else { forged(1) };
                Fulfillment::threshold(4, vec![weighing(3, signed(0))?, weighing(1, second)?])
            }
            Guard::TwoOfThree => {
                let second = if whole { signed(2) } else { forged(2) };
                let parts = [signed(0), left_out(1)?, second].map(|part| weighing(1, part));
                Fulfillment::threshold(2, parts.into_iter().collect::<Result<_, _>>()?)
            }
            Guard::Hash => Fulfillment::preimage(self.secret(lock, u64::from(!whole))),
            Guard::Timeout { until_us } => {
                let parts = vec![weighing(1, signed(0))?, weighing(1, self.until(until_us)?)?];
                Fulfillment::threshold(2, parts)
            }
            Guard::Escrow { until_us } => {
                let key = |which| shown(Fulfillment::ed25519(self.key(lock, which).public_bytes()));
                let until = || self.until(until_us);
                let over = Fulfillment::inverted(1, vec![weighing(1, until()?)?]);
                let first =
                    |signer| Ok::<_, Raised>(vec![weighing(1, signer)?, weighing(1, until()?)?]);
                let second =
                    |signer, over| Ok::<_, Raised>(vec![weighing(1, signer)?, weighing(1, over)?]);
                let unused = |parts| hidden(&Fulfillment::threshold(2, parts));
                let (taken, left) = match way {
                    Way::Whole | Way::TooLittle => {
                        (first(signed(0))?, unused(second(key(1), shown(over))?)?)
                    }
                    Way::Abort => (second(signed(1), shown(over))?, unused(first(key(0))?)?),
                    Way::AbortByOmission => {
                        // The time itself is only named, so nobody sees that it is not over.
                        let hidden_time = hidden(&time(until()?))?;
                        let over = Fulfillment::inverted(1, vec![weighing(1, hidden_time)?]);
                        (second(signed(1), shown(over))?, unused(first(key(0))?)?)
                    }
                };
                let taken = Fulfillment::threshold(2, taken);
                Fulfillment::threshold(1, vec![taken.into(), weighing(1, left)?])
            }
        })
    }

    fn until(&self, until_us: u64) -> Result<Subject, Raised> {
        Ok(shown(Fulfillment::timeout(&self.unix_s(until_us).to_string())?))
    }

    fn secret(&self, lock: u32, which: u64) -> [u8; 32] {
        let bytes = draw_bytes(self.plan.seed, Domain::Secret, lock.into(), which);
        // Text, as people choose it.
        bytes.map(|byte| b'a' + byte % 26)
    }
}

/// The same with this fulfillment, whatever it is; the id stays.
fn with_text(transaction: &Transaction, uri: String) -> Result<Transaction, Raised> {
    let mut document = transaction.document().clone();
    let list = document.get_mut("transaction").and_then(|body| body.get_mut("fulfillments"));
    if let Some(Json::Array(fulfillments)) = list
        && let Some(place) = fulfillments.first_mut().and_then(|one| one.get_mut("fulfillment"))
    {
        *place = uri.into();
    }
    Ok(Transaction::from_document(document)?)
}

fn shown(fulfillment: Fulfillment) -> Subject {
    Subject::Fulfillment(fulfillment)
}

fn hidden(fulfillment: &Fulfillment) -> Result<Subject, Raised> {
    Ok(Subject::Condition(fulfillment.condition()?))
}

fn time(subject: Subject) -> Fulfillment {
    match subject {
        Subject::Fulfillment(time) => time,
        Subject::Condition(_) => unreachable!("a time is shown"),
    }
}

fn weighing(weight: u64, subject: Subject) -> Result<Part, Raised> {
    Ok(Part::new(weight, subject)?)
}

fn signature(key: &Keypair, message: &[u8]) -> Fulfillment {
    let mut signature = Fulfillment::ed25519(key.public_bytes());
    signature.sign(message, key);
    signature
}
