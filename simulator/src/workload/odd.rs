//! Documents of a shape that nobody should accept. Each is signed and named as it should be, and would
//! do harm if the one safeguard against it were missing.
//!
//! Clients post them, Byzantine members write them where clients cannot. Source: what BigchainDB 0.6.0
//! was seen to accept.

use std::sync::Arc;

use bigchaindb_core::model::{
    Draft, Json, Keypair, NodeKey, Output, Profile, SignError, Transaction, TxId,
};

use crate::plan::Oddity;

/// What an odd document is made of.
pub(crate) struct Ground<'a> {
    /// Its first output is spent; none for what spends nothing.
    pub(crate) spent: Option<&'a Arc<Transaction>>,
    /// Who owns that output.
    pub(crate) owner: &'a Keypair,
    /// Who is to own what is made.
    pub(crate) to: &'a NodeKey,
    /// A member, for what members alone may do.
    pub(crate) member: &'a Keypair,
    /// What makes it different from others that say the same.
    pub(crate) uuid: String,
    /// Unix seconds.
    pub(crate) timestamp: u64,
}

/// The document, signed.
///
/// # Errors
/// If the output does not belong to the owner.
pub(crate) fn craft(oddity: Oddity, ground: &Ground<'_>) -> Result<Transaction, SignError> {
    let plain = || ground.transfer(Json::Null).transaction();
    let unsigned = match oddity {
        Oddity::ExtraInputKey => {
            with_input(&plain()?, |input| set(input, "note", "the other one".into()))?
        }
        Oddity::NegativeCid => {
            let outputs = ground.spent.map_or(1, |spent| spent.conditions().len());
            let from_the_end = -i64::try_from(outputs).expect("there are few");
            with_input(&plain()?, |input| set(input, "cid", from_the_end.into()))?
        }
        Oddity::BoolCid => with_input(&plain()?, |input| set(input, "cid", false.into()))?,
        Oddity::InputTwice => {
            let mut draft = ground.transfer(Json::Null);
            draft.inputs.extend(draft.inputs.clone());
            draft.transaction()?
        }
        Oddity::MoreOutputs => {
            let one = plain()?;
            let mut body = one.body().clone();
            if let Some(Json::Array(conditions)) = body.get_mut("conditions")
                && let Some(mut more) = conditions.first().cloned()
            {
                set(&mut more, "cid", 1_i64.into());
                conditions.push(more);
            }
            Transaction::of_body(body)?
        }
        Oddity::TextAfterNul => {
            let text = "seen\u{0}and not seen by whoever signed";
            ground.transfer(Json::object([("text", text.into())])).transaction()?
        }
        Oddity::NumberRewritten => {
            ground.transfer(Json::object([("number", Json::Float(1.0))])).transaction()?
        }
        Oddity::CreateSpends => ground.create_that_spends()?,
        Oddity::Genesis => {
            let (to, uuid) = (vec![ground.to.to_string()], ground.uuid.clone());
            let draft = Draft::create(ground.member.public(), to, uuid, ground.timestamp);
            Draft { operation: "GENESIS".into(), ..draft }.transaction()?
        }
    };
    let find = |id: &TxId| ground.spent.filter(|spent| spent.id() == id).cloned();
    unsigned.sign(&[ground.owner, ground.member], Profile::Default, &find)
}

impl Ground<'_> {
    fn output(&self) -> Vec<Output> {
        let output =
            |spent: &Arc<Transaction>| Output { txid: spent.id().clone(), cid: 0, oddity: None };
        self.spent.map(output).into_iter().collect()
    }

    fn transfer(&self, payload: Json) -> Draft {
        let (before, after) = (vec![self.owner.public().to_string()], vec![self.to.to_string()]);
        let uuid = self.uuid.clone();
        let draft = Draft::transfer(before, after, self.output(), uuid, self.timestamp);
        Draft { payload, ..draft }
    }

    /// A CREATE whose second fulfillment spends an output, for whose owner there is a second one made.
    fn create_that_spends(&self) -> Result<Transaction, SignError> {
        let (to, uuid) = (vec![self.to.to_string()], self.uuid.clone());
        let create = Draft::create(self.member.public(), to, uuid, self.timestamp);
        let create = create.transaction()?;
        let transfer = self.transfer(Json::Null).transaction()?;
        let mut body = create.body().clone();
        for (list, number) in [("fulfillments", "fid"), ("conditions", "cid")] {
            let more = transfer.body().get(list).and_then(|more| more.as_array()?.first()).cloned();
            if let (Some(Json::Array(items)), Some(mut more)) = (body.get_mut(list), more) {
                set(&mut more, number, 1_i64.into());
                items.push(more);
            }
        }
        Ok(Transaction::of_body(body)?)
    }
}

/// The same with another `input`; it gets a new id.
fn with_input(
    transaction: &Transaction,
    change: impl FnOnce(&mut Json),
) -> Result<Transaction, SignError> {
    let mut body = transaction.body().clone();
    if let Some(Json::Array(fulfillments)) = body.get_mut("fulfillments")
        && let Some(input) = fulfillments.first_mut().and_then(|first| first.get_mut("input"))
    {
        change(input);
    }
    Ok(Transaction::of_body(body)?)
}

fn set(object: &mut Json, name: &str, value: Json) {
    if let Json::Object(fields) = object {
        fields.insert(name, value);
    }
}
