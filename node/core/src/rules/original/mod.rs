//! What BigchainDB 0.6.0 did, to the verdict: its checks in its order, loopholes and exceptions too.
//!
//! Documents are read as Python reads them, so that an odd shape ends in the exception it ended in.
//! [`check`](ConsensusRules::check) keeps the outcome of each step as a value, and
//! [`judge`](ConsensusRules::judge) walks through them in the original's order, with the facts in
//! between: whoever comes first decides. What the original looked up in the database is in `lookup`,
//! what its database did not take in `database`, what it told its clients in `clients`.

mod clients;
mod database;
pub(super) mod lookup;

use std::sync::Arc;

use super::opening::{By, Opening};
use super::tally::OriginalCount;
use super::{
    Case, Checked, ClientRules, ConsensusRules, Facts, Federation, InvalidBlock,
    InvalidTransaction, Order, Quirk, Quirks, Reading, Tally, TallyError,
};
use crate::model::cryptoconditions::Fulfillment;
use crate::model::{
    Block, BlockId, Direct, Draft, Json, Keypair, NodeKey, Output, Profile, Raised, SignatureCheck,
    Texts, Transaction, element, item, items, keccak256_hex,
};
use crate::query::VoteRow;

/// Profile `v0.6.0`.
#[derive(Clone, Debug)]
pub struct OriginalRules {
    signatures: Arc<dyn SignatureCheck>,
    quirks: Quirks,
}

impl Default for OriginalRules {
    fn default() -> Self {
        Self::new(Arc::new(Direct))
    }
}

impl OriginalRules {
    /// These rules, with signatures verified by `signatures`.
    pub fn new(signatures: Arc<dyn SignatureCheck>) -> Self {
        let mut quirks = Quirk::defects();
        quirks.insert(Quirk::JudgedAtOnce);
        Self { signatures, quirks }
    }

    /// As [`judge`](ConsensusRules::judge), with another idea of when an output is spent.
    pub(super) fn judge_with(
        &self,
        case: Case<'_>,
        check_unspent: CheckUnspent,
    ) -> Result<(), InvalidTransaction> {
        let Case { transaction, checked, facts, federation, .. } = case;
        let body = transaction.body();
        if matches!(item(body, "operation")?.as_str(), Some("CREATE" | "GENESIS")) {
            check_creation(body, federation)?;
        } else {
            check_transfer(transaction, facts, check_unspent)?;
        }
        let (id, _) = steps(checked);
        if !id.clone()? {
            let computed = Texts::of(transaction)?.id();
            item(transaction.document(), "id")?;
            return Err(InvalidTransaction::InvalidHash { computed });
        }
        if self.fulfills(case)? {
            return Ok(());
        }
        // The original does not say which one.
        Err(InvalidTransaction::InvalidSignature { fid: 0 })
    }

    /// Whether every fulfillment opens what it is meant for; or what finding that out raises.
    fn fulfills(&self, case: Case<'_>) -> Result<bool, Raised> {
        let Case { transaction, checked, facts, at, .. } = case;
        let (_, openings) = steps(checked);
        let fulfillments = transaction.fulfillments();
        for (fulfillment, opening) in
            fulfillments.iter().zip(openings.as_ref().map_err(Clone::clone)?)
        {
            let Some(opening) = opening.as_ref().map_err(Clone::clone)? else { return Ok(false) };
            let holds = opening.holds_at(at, &*self.signatures)?;
            // The input is looked up even if all is lost already.
            let condition = lookup::input_condition(fulfillment, facts)?;
            if !holds || opening.uri.as_ref().map_err(Clone::clone)? != &condition {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads a fulfillment and verifies its signatures; `None` if it cannot be read.
    fn open(
        &self,
        texts: &Texts<'_>,
        fulfillment: &Json,
        fid: usize,
    ) -> Result<Option<Opening>, Raised> {
        let message = texts.message(fid)?;
        let Some(uri) = item(fulfillment, "fulfillment")?.as_str() else { return Ok(None) };
        match Fulfillment::parse(uri, Profile::Original) {
            Ok(read) => {
                let manner = Profile::Original.into();
                Ok(Some(Opening::of(read, message, manner, &*self.signatures)))
            }
            Err(error) => {
                let raised = Raised::from(error);
                let is_caught = raised.class == "TypeError" || raised.is_value_error();
                if is_caught { Ok(None) } else { Err(raised) }
            }
        }
    }
}

/// The steps that [`ConsensusRules::check`] kept.
fn steps(checked: &Checked) -> (&Result<bool, Raised>, &Openings) {
    match &checked.0 {
        By::Original { id, openings } => (id, openings),
        By::Default(_) => panic!("the transaction was checked by other rules than it is judged by"),
    }
}

/// Refuses a transaction whose input is spent by another one, as the facts say.
pub(super) type CheckUnspent = fn(&Transaction, &Output, &Facts) -> Result<(), InvalidTransaction>;

/// What reading each fulfillment comes to.
type Openings = Result<Vec<Result<Option<Opening>, Raised>>, Raised>;

impl OriginalRules {
    /// Adds up the votes on a block.
    pub(super) fn count(
        &self,
        block: &BlockId,
        federation: &Federation,
        votes: &[VoteRow],
    ) -> Result<OriginalCount, TallyError> {
        OriginalCount::of(block, federation, votes, &*self.signatures)
    }
}

impl ConsensusRules for OriginalRules {
    fn name(&self) -> &'static str {
        Profile::Original.name()
    }

    fn create(
        &self,
        posted: &Json,
        node: &Keypair,
        uuid: &str,
        timestamp: u64,
    ) -> Result<Transaction, InvalidTransaction> {
        let body = item(posted, "transaction")?;
        let data = item(body, "data")?;
        let payload = payload(data)?;
        let first = element(item(body, "fulfillments")?, &Json::Int(0))?;
        let owners_after = lookup::as_list(item(first, "owners_before")?)?;
        let draft = Draft {
            payload: payload.cloned().unwrap_or(Json::Null),
            ..Draft::create(node.public(), owners_after, uuid, timestamp)
        };
        Ok(draft
            .transaction()?
            .sign(&[node], Profile::Original, &|_| None)
            .map_err(Raised::from)?)
    }

    fn check(&self, transaction: &Transaction) -> Checked {
        let texts = Texts::of(transaction);
        let (id, openings) = match &texts {
            Ok(texts) => {
                let open = |(fid, one)| self.open(texts, one, fid);
                let openings = transaction.fulfillments().iter().enumerate().map(open).collect();
                (Ok(texts.id() == *transaction.id()), Ok(openings))
            }
            Err(raised) => (Err(raised.clone()), Err(raised.clone())),
        };
        Checked(By::Original { id, openings })
    }

    fn judge(&self, case: Case<'_>) -> Result<(), InvalidTransaction> {
        self.judge_with(case, lookup::check_unspent)
    }

    /// What is in a block already gets the original's answer and is not written again.
    fn admit(&self, case: Case<'_>) -> Result<(), InvalidTransaction> {
        self.judge(case)?;
        database::check_writable(case.transaction.document())?;
        case.facts.is_new(case.transaction.id())
    }

    fn quirks(&self) -> &Quirks {
        &self.quirks
    }

    fn order(&self) -> Order {
        Order::Votes
    }

    fn clients(&self) -> &dyn ClientRules {
        &clients::OriginalClients
    }

    fn validate_fulfillments(&self, case: Case<'_>) -> Result<bool, Raised> {
        self.fulfills(case)
    }

    fn reading(&self) -> Reading {
        Reading::Original
    }

    fn profile(&self) -> Profile {
        Profile::Original
    }

    fn check_block(&self, block: &Block, federation: &Federation) -> Result<(), InvalidBlock> {
        let text = block.text().map_err(Raised::from)?;
        let computed = BlockId::from(keccak256_hex(text.as_bytes()));
        if computed != *block.id() {
            return Err(InvalidBlock::InvalidHash { computed });
        }
        let node = block.node_pubkey().clone();
        if !federation.contains(&node) {
            return Err(InvalidBlock::NotAMember { node });
        }
        if !block.verify(&text, Profile::Original, &*self.signatures)? {
            return Err(InvalidBlock::InvalidSignature { node });
        }
        Ok(())
    }

    /// The original never asks; what it would say of any other block is said here.
    fn check_genesis(&self, block: &Block, federation: &Federation) -> Result<(), InvalidBlock> {
        if !block.is_genesis() {
            return Err(InvalidBlock::Genesis);
        }
        self.check_block(block, federation)
    }

    fn tally(
        &self,
        block: &BlockId,
        federation: &Federation,
        votes: &[VoteRow],
    ) -> Result<Tally, TallyError> {
        let election = self.count(block, federation, votes)?.at_once();
        Ok(Tally { election, ignored: 0 })
    }

    /// Any vote of the member: whoever has two is an error of [`tally`](Self::tally).
    fn vote_of<'a>(
        &self,
        block: &BlockId,
        voter: &NodeKey,
        votes: &'a [VoteRow],
    ) -> Option<&'a VoteRow> {
        votes.iter().find(|row| row.vote.block() == block && row.vote.voter() == voter)
    }
}

/// The payload of a posted CREATE: `data["payload"]`, if there is something in `data` and `"payload"`
/// is in it, whatever `in` means for it.
fn payload(data: &Json) -> Result<Option<&Json>, Raised> {
    let is_in = match data {
        falsy if !falsy.is_truthy() => false,
        Json::Object(fields) => return Ok(fields.get("payload")),
        Json::Array(items) => items.iter().any(|item| item.as_str() == Some("payload")),
        Json::String(text) => text.contains("payload"),
        _ => return Err(Raised::new("TypeError", "argument is not iterable")),
    };
    if is_in { Err(Raised::new("TypeError", "indices must be integers")) } else { Ok(None) }
}

/// Only the first fulfillment and its first owner are looked at.
fn check_creation(body: &Json, federation: &Federation) -> Result<(), InvalidTransaction> {
    let first = Json::Int(0);
    let fulfillment = element(item(body, "fulfillments")?, &first)?;
    if item(fulfillment, "input")?.is_truthy() {
        return Err(Raised::new("ValueError", "A CREATE operation has no inputs").into());
    }
    let owner = element(item(fulfillment, "owners_before")?, &first)?;
    match owner.as_str().map(NodeKey::from) {
        Some(owner) if federation.contains(&owner) => Ok(()),
        Some(owner) => Err(InvalidTransaction::NotAMember { owner }),
        None => Err(InvalidTransaction::NotAMember { owner: owner.to_string().into() }),
    }
}

/// Every operation but CREATE and GENESIS, whatever it is called.
fn check_transfer(
    transaction: &Transaction,
    facts: &Facts,
    check_unspent: CheckUnspent,
) -> Result<(), InvalidTransaction> {
    let fulfillments = item(transaction.body(), "fulfillments")?;
    if !fulfillments.is_truthy() {
        return Err(Raised::new("ValueError", "Transaction contains no fulfillments").into());
    }
    // One for each input that is not null; a null one ends the walk.
    let mut outputs = transaction.inputs().iter();
    for fulfillment in items(fulfillments)? {
        let input = item(fulfillment, "input")?;
        if !input.is_truthy() {
            let text = "Only `CREATE` transactions can have null inputs";
            return Err(Raised::new("ValueError", text).into());
        }
        let output = outputs.next().expect("an input that is not null is an output");
        database::check_key(item(input, "txid")?)?;
        if lookup::transaction(&output.txid, facts)?.is_none() {
            let txid = output.txid.clone();
            return Err(InvalidTransaction::TransactionDoesNotExist { txid });
        }
        database::check_value(input)?;
        check_unspent(transaction, output, facts)?;
    }
    Ok(())
}
