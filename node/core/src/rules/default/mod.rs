//! The rules we stand behind: the same documents as BigchainDB 0.6.0, none of its loopholes.
//!
//! What a document has to look like is in `shape`, what no store would give back in `rules::storable`,
//! what a block has to look like in `block`, what becomes of it all without some of its safeguards in
//! `loopholes`. Here: the steps, in the order a transaction meets them. Start at
//! [`DefaultRules::check`](ConsensusRules::check), then [`judge`](ConsensusRules::judge).

mod block;
mod loopholes;
mod shape;

use std::sync::Arc;

use super::opening::{By, Holds, Manner, Opening};
use super::{
    Case, Checked, ConsensusRules, Count, Facts, Federation, InvalidBlock, InvalidTransaction,
    Quirk, Quirks, Reading, Tally, TallyError, storable,
};
use crate::model::cryptoconditions::Fulfillment;
use crate::model::{
    Block, BlockId, Direct, Draft, Json, Keypair, Memo, NodeKey, Output, Profile, Raised,
    SignatureCheck, Texts, Thresholds, Transaction, signature_of,
};
use crate::query::VoteRow;
use shape::Operation;

/// Profile `default`.
#[derive(Clone, Debug)]
pub struct DefaultRules {
    signatures: Arc<dyn SignatureCheck>,
    quirks: Quirks,
}

/// Where a transaction is judged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It asks to be let in: into the backlog, or into a new block.
    Door,
    /// It stands in the block that is voted on.
    Block,
}

impl Default for DefaultRules {
    fn default() -> Self {
        Self::new(Arc::new(Direct))
    }
}

impl DefaultRules {
    /// These rules, with signatures verified by `signatures`.
    pub fn new(signatures: Arc<dyn SignatureCheck>) -> Self {
        Self::without(Quirks::new(), signatures)
    }

    /// The same, without the safeguards that these quirks take away.
    pub fn without(quirks: Quirks, signatures: Arc<dyn SignatureCheck>) -> Self {
        Self { signatures, quirks }
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// How fulfillments are read.
    fn manner(&self) -> Manner {
        let thresholds = Thresholds {
            omission_fails: self.has(Quirk::OmissionOpens),
            running_minimum: self.has(Quirk::RunningMinimum),
        };
        Manner { profile: Profile::Default, thresholds }
    }

    /// Adds up the votes on a block, and says which were left out and why.
    pub fn count(&self, block: &BlockId, federation: &Federation, votes: &[VoteRow]) -> Count {
        Count::of(block, federation, votes, &*self.signatures)
    }

    /// The part of a judgement that needs no facts.
    fn look(&self, transaction: &Transaction) -> Result<Vec<Opening>, InvalidTransaction> {
        let operation = shape::check(transaction, &self.quirks)?;
        let texts = Texts::of(transaction).map_err(unwritable)?;
        let computed = texts.id();
        if computed != *transaction.id() {
            return Err(InvalidTransaction::InvalidHash { computed });
        }
        let open = |fid| self.open(transaction, &texts, fid);
        let looked_at = match operation {
            Operation::Transfer => transaction.fulfillments().len(),
            // Its shape says that there are no more, unless nobody looked.
            Operation::Create | Operation::Genesis => 1,
        };
        let openings: Vec<_> = (0..looked_at).map(open).collect::<Result<_, _>>()?;
        if operation != Operation::Transfer && !is_opened_by_owner(transaction, &openings) {
            return Err(InvalidTransaction::InvalidSignature { fid: 0 });
        }
        Ok(openings)
    }

    /// Reads a fulfillment and verifies its signatures.
    fn open(
        &self,
        transaction: &Transaction,
        texts: &Texts<'_>,
        fid: usize,
    ) -> Result<Opening, InvalidTransaction> {
        let unreadable = |reason: String| InvalidTransaction::UnreadableFulfillment { fid, reason };
        let uri = transaction.fulfillments()[fid].get("fulfillment").and_then(Json::as_str);
        let uri = uri.ok_or_else(|| unreadable("it is not signed".into()))?;
        let fulfillment = Fulfillment::parse(uri, Profile::Default)
            .map_err(|error| unreadable(error.to_string()))?;
        let message = texts.message(fid).map_err(unwritable)?;
        let opening = Opening::of(fulfillment, message, self.manner(), &*self.signatures);
        match (&opening.holds, &opening.uri) {
            (_, Err(raised)) | (Holds::Ever(Err(raised)), _) => {
                Err(unreadable(raised.text.clone()))
            }
            (Holds::Ever(Ok(false)), _) => Err(InvalidTransaction::InvalidSignature { fid }),
            _ => Ok(opening),
        }
    }

    /// Whether the fulfillment opens at this time; if not, whether it will later.
    fn is_open(&self, fid: usize, opening: &Opening, at: u64) -> Result<(), InvalidTransaction> {
        if opening.holds_at(at, &*self.signatures) == Ok(true) {
            return Ok(());
        }
        Err(if opening.holds_after(at, &*self.signatures) {
            InvalidTransaction::NotAtThisTime { fid, at }
        } else {
            InvalidTransaction::InvalidSignature { fid }
        })
    }

    /// The part of a judgement that facts decide.
    fn judge_at(&self, place: Place, case: Case<'_>) -> Result<(), InvalidTransaction> {
        let Case { transaction, checked, facts, at, federation } = case;
        let By::Default(openings) = &checked.0 else {
            panic!("the transaction was checked by other rules than it is judged by");
        };
        let openings = openings.as_ref().map_err(Clone::clone)?;
        // What is final is said at once. Of what may pass, the first is said in the end.
        let mut passing = None;
        let mut note = |reason: InvalidTransaction| {
            if reason.is_final() {
                return Err(reason);
            }
            passing.get_or_insert(reason);
            Ok(())
        };
        let mut try_all = || {
            let operation = transaction.operation();
            let again = match operation {
                Some("CREATE") => self.has(Quirk::CreateIncludedAgain),
                _ => place == Place::Door && self.has(Quirk::ResentTransferAdmitted),
            };
            if !again {
                facts.is_new(transaction.id()).or_else(&mut note)?;
            }
            match operation {
                Some("GENESIS") if self.has(Quirk::GenesisAtAnyTime) => {
                    is_by_member(transaction, federation).or_else(&mut note)?;
                }
                Some("CREATE") => is_by_member(transaction, federation).or_else(&mut note)?,
                Some("GENESIS") => {
                    let reason = "GENESIS belongs into the first block only";
                    return Err(InvalidTransaction::malformed("transaction.operation", reason));
                }
                _ => {}
            }
            // A CREATE has none, as its shape says.
            let transfers = operation == Some("TRANSFER");
            let spent = transaction.inputs().iter().zip(openings).filter(|_| transfers);
            for (input, opening) in spent {
                self.is_unspent(place, input, case).or_else(&mut note)?;
                self.is_opened(input, opening, facts).or_else(&mut note)?;
            }
            for (fid, opening) in openings.iter().enumerate() {
                self.is_open(fid, opening, at).or_else(&mut note)?;
            }
            Ok(())
        };
        try_all()?;
        passing.map_or(Ok(()), Err)
    }

    fn is_unspent(
        &self,
        place: Place,
        input: &Output,
        case: Case<'_>,
    ) -> Result<(), InvalidTransaction> {
        let id = case.transaction.id();
        if self.has(Quirk::DoubleSpendUnchecked) {
            return Ok(());
        }
        loopholes::is_unspent(&self.quirks, input, id, case.facts, place == Place::Block)
    }

    /// Whether this input exists, in a block decided valid, and what guards it is what was opened.
    fn is_opened(
        &self,
        input: &Output,
        opening: &Opening,
        facts: &Facts,
    ) -> Result<(), InvalidTransaction> {
        let placed = match facts.decided(&input.txid) {
            Err(InvalidTransaction::InputUndecided { txid, .. })
                if self.has(Quirk::UndecidedOutputsSpent) =>
            {
                facts.undecided(&txid).expect("it was found undecided")
            }
            placed => placed?,
        };
        let mut cid = input.cid;
        if cid < 0 && self.has(Quirk::OutputAliases) {
            cid += i64::try_from(placed.transaction.conditions().len()).unwrap_or_default();
        }
        let guard = placed.transaction.condition_uri(cid);
        let guard =
            guard.ok_or_else(|| InvalidTransaction::NoSuchOutput { input: input.clone() })?;
        if opening.uri.as_deref() == Ok(guard) {
            return Ok(());
        }
        Err(InvalidTransaction::WrongCondition { input: input.clone() })
    }
}

impl ConsensusRules for DefaultRules {
    fn name(&self) -> &'static str {
        Profile::Default.name()
    }

    fn create(
        &self,
        posted: &Json,
        node: &Keypair,
        uuid: &str,
        timestamp: u64,
    ) -> Result<Transaction, InvalidTransaction> {
        let at = "transaction.fulfillments[0].owners_before";
        let body = posted.get("transaction");
        let fulfillments = body.and_then(|body| body.get("fulfillments")?.as_array());
        let owners = fulfillments.and_then(|list| list.first()?.get("owners_before"));
        let owners = owners.and_then(|owners| match owners {
            Json::String(owner) => Some(vec![owner.to_string()]),
            Json::Array(owners) if !owners.is_empty() => {
                owners.iter().map(|owner| Some(owner.as_str()?.to_owned())).collect()
            }
            _ => None,
        });
        let owners_after = owners.ok_or_else(|| {
            InvalidTransaction::malformed(at, "has to name who is to own the asset")
        })?;
        let payload = body.and_then(|body| body.get("data")?.get("payload"));
        let draft = Draft {
            payload: payload.cloned().unwrap_or(Json::Null),
            ..Draft::create(node.public(), owners_after, uuid, timestamp)
        };
        let refused = |raised: Raised| {
            // Owners that are no keys are `ValueError`s.
            let is_payload = matches!(raised.class, "TypeError" | "OverflowError");
            let at = if is_payload { "transaction.data.payload" } else { at };
            InvalidTransaction::malformed(at, raised.text)
        };
        let transaction = draft.transaction().map_err(refused)?;
        let signed = transaction.sign(&[node], Profile::Default, &|_| None);
        signed.map_err(|error| InvalidTransaction::malformed("transaction", error.to_string()))
    }

    fn remembering(&self, capacity: usize) -> Option<(Arc<dyn ConsensusRules>, Arc<Memo>)> {
        let memo = Arc::new(Memo::over(self.signatures.clone(), capacity));
        let rules = Self { signatures: memo.clone(), quirks: self.quirks.clone() };
        Some((Arc::new(rules), memo))
    }

    fn check(&self, transaction: &Transaction) -> Checked {
        Checked(By::Default(self.look(transaction)))
    }

    fn judge(&self, case: Case<'_>) -> Result<(), InvalidTransaction> {
        self.judge_at(Place::Block, case)
    }

    fn admit(&self, case: Case<'_>) -> Result<(), InvalidTransaction> {
        self.judge_at(Place::Door, case)
    }

    fn validate_fulfillments(&self, case: Case<'_>) -> Result<bool, Raised> {
        let Case { transaction, checked, facts, at, .. } = case;
        let By::Default(openings) = &checked.0 else {
            panic!("the transaction was checked by other rules than it is judged by");
        };
        let Ok(openings) = openings else { return Ok(false) };
        for (input, opening) in transaction.inputs().iter().zip(openings) {
            let standing = Reading::Clean.standing(&input.txid, facts)?;
            let guard = standing.as_ref().and_then(|(_, spent)| spent.condition_uri(input.cid));
            if guard.is_none() || opening.uri.as_deref().ok() != guard {
                return Ok(false);
            }
        }
        let mut openings = openings.iter().enumerate();
        Ok(openings.all(|(fid, opening)| self.is_open(fid, opening, at).is_ok()))
    }

    fn can_be_kept(&self, transaction: &Transaction) -> Result<(), InvalidTransaction> {
        storable::check(transaction.document(), &self.quirks)
    }

    fn check_block(&self, block: &Block, federation: &Federation) -> Result<(), InvalidBlock> {
        block::check(block, federation, &*self.signatures, &self.quirks)
    }

    fn check_genesis(&self, block: &Block, federation: &Federation) -> Result<(), InvalidBlock> {
        let transaction = block::check_genesis(block, federation, &*self.signatures)?;
        let judged = self.look(transaction).and_then(|openings| {
            is_by_member(transaction, federation)?;
            let at = block.timestamp().unwrap_or_default();
            openings.iter().enumerate().try_for_each(|(fid, one)| self.is_open(fid, one, at))
        });
        judged.map_err(|reason| InvalidBlock::Transaction(Box::new(reason)))
    }

    fn quirks(&self) -> &Quirks {
        &self.quirks
    }

    fn owned(
        &self,
        owner: &str,
        found: &[(BlockId, Arc<Transaction>)],
        facts: &Facts,
    ) -> Vec<Result<Output, Raised>> {
        let reading = match self.has(Quirk::OwnedReusesInput) {
            true => Reading::Original,
            false => Reading::Clean,
        };
        reading.owned(owner, found, facts)
    }

    fn tally(
        &self,
        block: &BlockId,
        federation: &Federation,
        votes: &[VoteRow],
    ) -> Result<Tally, TallyError> {
        let count = self.count(block, federation, votes);
        if self.quirks.is_empty() {
            return Ok(Tally { election: count.election, ignored: count.ignored.len() });
        }
        loopholes::tally(&self.quirks, block, federation, votes, &count)
    }

    fn vote_of<'a>(
        &self,
        block: &BlockId,
        voter: &NodeKey,
        votes: &'a [VoteRow],
    ) -> Option<&'a VoteRow> {
        super::tally::good_vote(block, voter, votes, &*self.signatures)
    }
}

/// What has the documented shape and is storable has its texts.
fn unwritable(raised: Raised) -> InvalidTransaction {
    InvalidTransaction::malformed("transaction", raised.text)
}

/// A CREATE spends nothing: its fulfillment is the plain signature of who made it.
fn is_opened_by_owner(transaction: &Transaction, openings: &[Opening]) -> bool {
    let owner = owner(transaction)
        .and_then(|owner| signature_of(owner.as_str()).ok()?.condition_uri().ok());
    let opened = openings.first().and_then(|opening| opening.uri.as_deref().ok());
    owner.is_some() && owner.as_deref() == opened
}

/// The one who made a CREATE.
fn owner(transaction: &Transaction) -> Option<NodeKey> {
    let owners = transaction.fulfillments().first()?.get("owners_before")?.as_array()?;
    Some(owners.first()?.as_str()?.into())
}

fn is_by_member(
    transaction: &Transaction,
    federation: &Federation,
) -> Result<(), InvalidTransaction> {
    let owner = owner(transaction).expect("the shape was checked");
    if federation.contains(&owner) {
        return Ok(());
    }
    Err(InvalidTransaction::NotAMember { owner })
}
