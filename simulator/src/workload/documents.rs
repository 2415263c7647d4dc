//! The documents that clients sign: equal seeds give equal bytes.
//!
//! Every operation has keys of its own, those of the owners of the outputs it makes. Here: plain
//! documents, and which file makes the others: `guards` what is locked and opened, `odd` what nobody
//! should accept, `shapeless` what is no transaction. Not here: when a document is sent, and where
//! (`workload::driver`). Start at [`Clients::write`].

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use bigchaindb_core::model::{
    Draft, Json, Keypair, Memo, Output, Profile, Raised, SignError, Transaction, TxId,
};

use super::odd::{self, Ground};
use super::prepared::Prepared;
use super::shapeless;
use crate::chance::{Domain, draw_bytes};
use crate::plan::{Action, Operation, Plan};

/// Who signs, and when the run began.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) plan: Arc<Plan>,
    pub(super) started_unix_ms: u64,
    /// Keys that were asked for before.
    keys: RefCell<BTreeMap<(u32, u64), Keypair>>,
    /// Who need not verify what they sign.
    pub(super) known_to: Option<Arc<Memo>>,
    /// What was signed before.
    pub(super) prepared: Prepared,
}

/// What is posted.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) document: Arc<Json>,
    /// What it makes; nothing if the node makes a transaction of its own of it, or it is none.
    pub(super) made: Option<Arc<Transaction>>,
}

/// The transactions that operations made, as far as they are known.
pub(super) type Made<'a> = &'a dyn Fn(u32) -> Option<Arc<Transaction>>;

impl Clients {
    pub(super) fn new(plan: Arc<Plan>, started_unix_ms: u64) -> Self {
        Self {
            plan,
            started_unix_ms,
            keys: RefCell::default(),
            known_to: None,
            prepared: Prepared::default(),
        }
    }

    /// The document of an operation that repeats no other.
    ///
    /// # Errors
    /// If what it spends does not belong to those who were asked for, or cannot be signed for.
    pub(super) fn write(
        &self,
        operation: &Operation,
        made: Made<'_>,
    ) -> Result<Written, SignError> {
        if let Some(document) = self.prepared.get(operation.number) {
            return Ok(Written { document, made: None });
        }
        let transaction = match operation.action {
            Action::Create { .. } => return self.create(operation, 1),
            Action::CreateJoint { .. } => return self.create(operation, 2),
            Action::Malformed { shape } => {
                let document = shapeless::document(shape, self.filling(operation, 100));
                return Ok(Written { document: Arc::new(document), made: None });
            }
            Action::Transfer { of, .. } | Action::Eager { of, .. } => {
                self.transfer(operation, of, made)?
            }
            Action::Conflict { with, .. } => match self.spends(with).first() {
                Some((of, _)) => self.transfer(operation, *of, made)?,
                None => return Err(Raised::new("TypeError", "there is nothing to spend").into()),
            },
            Action::Move { .. } => self.share(operation, made)?,
            Action::Lock { of, guard } => self.lock(operation, of, guard, made)?,
            Action::Open { of, way } => self.open(operation, of, way, made)?,
            Action::Odd { oddity, .. } => {
                let written = self.odd(operation, oddity, made)?;
                let (document, created) = (written.document().clone(), is_create(&written));
                let made = (!created).then(|| Arc::new(written));
                return Ok(Written { document: Arc::new(document), made });
            }
            Action::Duplicate { .. } | Action::Replay { .. } => {
                unreachable!("the document is that of another operation")
            }
        };
        let document = Arc::new(transaction.document().clone());
        Ok(Written { document, made: Some(Arc::new(transaction)) })
    }

    /// The outputs that an operation spends: of which operation, and which of its outputs.
    pub(super) fn spends(&self, number: u32) -> Vec<(u32, i64)> {
        let operation =
            self.plan.operation(number).expect("a plan holds what its operations build on");
        match operation.action {
            Action::Create { .. } | Action::CreateJoint { .. } | Action::Malformed { .. } => vec![],
            Action::Transfer { of, .. }
            | Action::Eager { of, .. }
            | Action::Lock { of, .. }
            | Action::Open { of, .. } => vec![(of, 0)],
            Action::Conflict { with: of, .. }
            | Action::Duplicate { of }
            | Action::Replay { of } => self.spends(of),
            Action::Move { of, and, .. } => vec![(of, 0), (and, i64::from(of == and))],
            Action::Odd { of: None, .. } => vec![],
            Action::Odd { of: Some(of), oddity } if oddity.spends_again() => self.spends(of),
            Action::Odd { of: Some(of), .. } => vec![(of, 0)],
        }
    }

    /// The keys that own the outputs of an operation, output by output.
    pub(super) fn owners(&self, operation: &Operation) -> Vec<Vec<Keypair>> {
        let key = |which| self.key(operation.number, which);
        match operation.action {
            Action::CreateJoint { .. } => vec![vec![key(0), key(1)]],
            Action::Move { .. } => vec![vec![key(0)], vec![key(1)]],
            // What is locked is for whoever opens it.
            Action::Lock { .. } | Action::Malformed { .. } => vec![],
            _ => vec![vec![key(0)]],
        }
    }

    /// One of the keys of an operation.
    pub(super) fn key(&self, operation: u32, which: u64) -> Keypair {
        let made = || {
            let seed = draw_bytes(self.plan.seed, Domain::ClientKey, operation.into(), which);
            let keypair = Keypair::from_seed(seed);
            match &self.known_to {
                Some(memo) => keypair.known_to(memo.clone()),
                None => keypair,
            }
        };
        self.keys.borrow_mut().entry((operation, which)).or_insert_with(made).clone()
    }

    /// A CREATE of and for the operation's owners. The node that receives it makes its own of it, for
    /// the same owners and with the same payload.
    fn create(&self, operation: &Operation, owners: u64) -> Result<Written, SignError> {
        let owners: Vec<_> = (0..owners).map(|which| self.key(operation.number, which)).collect();
        let names: Vec<_> = owners.iter().map(|owner| owner.public().to_string()).collect();
        let (uuid, timestamp) = (self.uuid(operation), self.timestamp(operation));
        let draft = Draft::create(owners[0].public(), names.clone(), uuid, timestamp);
        let draft = Draft { payload: self.payload(operation), ..draft };
        let signed = draft.transaction()?.sign(&[&owners[0]], Profile::Default, &|_| None)?;
        let mut document = signed.document().clone();
        if owners.len() > 1
            && let Some(body) = document.get_mut("transaction")
        {
            // The node takes its owners from here; it asks for no signature.
            set_owners_before(body, 0, &names);
        }
        Ok(Written { document: Arc::new(document), made: None })
    }

    /// A TRANSFER of the output that operation `input` made, to the operation's owner.
    fn transfer(
        &self,
        operation: &Operation,
        input: u32,
        made: Made<'_>,
    ) -> Result<Transaction, SignError> {
        let after = vec![self.key(operation.number, 0).public().to_string()];
        let draft = self.draft(operation, &[(input, 0)], after, made);
        self.signed(&draft.transaction()?, &[(input, 0)], made)
    }

    /// A TRANSFER of two outputs to two owners, each for himself.
    fn share(&self, operation: &Operation, made: Made<'_>) -> Result<Transaction, SignError> {
        let inputs = self.spends(operation.number);
        let name = |which| self.key(operation.number, which).public().to_string();
        let first = self.draft(operation, &inputs, vec![name(0)], made).transaction()?;
        let second = self.draft(operation, &inputs, vec![name(1)], made).transaction()?;
        let mut body = first.body().clone();
        if let Some(Json::Array(conditions)) = body.get_mut("conditions") {
            conditions.truncate(1);
            conditions.extend(second.conditions().get(1).cloned());
        }
        for (fid, (input, cid)) in inputs.iter().enumerate() {
            set_owners_before(&mut body, fid, &names(&self.owners_of(*input, *cid)));
        }
        self.signed(&Transaction::of_body(body)?, &inputs, made)
    }

    fn odd(
        &self,
        operation: &Operation,
        oddity: crate::plan::Oddity,
        made: Made<'_>,
    ) -> Result<Transaction, SignError> {
        let input = self.spends(operation.number).first().copied();
        let owner = input.and_then(|(of, cid)| self.owners_of(of, cid).into_iter().next());
        let owner = owner.unwrap_or_else(|| self.key(operation.number, 1));
        let member = Keypair::from_seed(self.plan.node_key_seed(operation.node));
        let spent = input.and_then(|(of, _)| made(of));
        odd::craft(
            oddity,
            &Ground {
                spent: spent.as_ref(),
                owner: &owner,
                to: self.key(operation.number, 0).public(),
                member: &member,
                uuid: self.uuid(operation),
                timestamp: self.timestamp(operation),
            },
        )
    }

    /// A TRANSFER of these outputs that is not signed yet.
    pub(super) fn draft(
        &self,
        operation: &Operation,
        inputs: &[(u32, i64)],
        owners_after: Vec<String>,
        made: Made<'_>,
    ) -> Draft {
        let output = |(of, cid): &(u32, i64)| {
            let txid = made(*of).map_or_else(|| TxId::from(""), |spent| spent.id().clone());
            Output { txid, cid: *cid, oddity: None }
        };
        let owners_before =
            inputs.first().map_or_else(Vec::new, |(of, cid)| names(&self.owners_of(*of, *cid)));
        let outputs = inputs.iter().map(output).collect();
        let (uuid, timestamp) = (self.uuid(operation), self.timestamp(operation));
        let draft = Draft::transfer(owners_before, owners_after, outputs, uuid, timestamp);
        Draft { payload: self.payload(operation), ..draft }
    }

    /// Signed by all who own what it spends.
    pub(super) fn signed(
        &self,
        unsigned: &Transaction,
        inputs: &[(u32, i64)],
        made: Made<'_>,
    ) -> Result<Transaction, SignError> {
        let owners: Vec<_> =
            inputs.iter().flat_map(|(of, cid)| self.owners_of(*of, *cid)).collect();
        let keys: Vec<_> = owners.iter().collect();
        let spent: Vec<_> = inputs.iter().filter_map(|(of, _)| made(*of)).collect();
        let find = |id: &TxId| spent.iter().find(|one| one.id() == id).cloned();
        unsigned.sign(&keys, Profile::Default, &find)
    }

    fn owners_of(&self, number: u32, cid: i64) -> Vec<Keypair> {
        let operation =
            self.plan.operation(number).expect("a plan holds what its operations build on");
        let place = usize::try_from(cid).unwrap_or_default();
        self.owners(operation).into_iter().nth(place).unwrap_or_default()
    }

    /// The client's clock, Unix seconds.
    pub(super) fn timestamp(&self, operation: &Operation) -> u64 {
        self.unix_s(operation.at_us)
    }

    /// A moment of the run, Unix seconds.
    pub(super) fn unix_s(&self, at_us: u64) -> u64 {
        (self.started_unix_ms + at_us / 1_000) / 1_000
    }

    /// An object of this many bytes, as JSON; `null` if there is no room for one.
    fn payload(&self, operation: &Operation) -> Json {
        const FRAME: usize = r#"{"filling":""}"#.len();
        let size = match operation.action {
            Action::Create { payload_bytes }
            | Action::CreateJoint { payload_bytes }
            | Action::Transfer { payload_bytes, .. }
            | Action::Eager { payload_bytes, .. }
            | Action::Move { payload_bytes, .. }
            | Action::Conflict { payload_bytes, .. } => payload_bytes as usize,
            _ => 0,
        };
        let Some(length) = size.checked_sub(FRAME) else { return Json::Null };
        Json::object([("filling", self.filling(operation, length).into())])
    }

    fn filling(&self, operation: &Operation, length: usize) -> String {
        let mut filling = String::with_capacity(length + 32);
        for piece in 0.. {
            if filling.len() >= length {
                break;
            }
            let number = operation.number.into();
            let bytes = draw_bytes(self.plan.seed, Domain::Payload, number, piece);
            filling.extend(bytes.iter().map(|byte| char::from(b'a' + byte % 26)));
        }
        filling.truncate(length);
        filling
    }

    pub(super) fn uuid(&self, operation: &Operation) -> String {
        let bytes = draw_bytes(self.plan.seed, Domain::Uuid, operation.number.into(), 0);
        uuid(bytes)
    }
}

/// A version 4 uuid of these bytes.
pub(crate) fn uuid(mut bytes: [u8; 32]) -> String {
    // RFC 4122: version 4 in the seventh byte, variant 1 in the ninth.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex: String = bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

fn is_create(transaction: &Transaction) -> bool {
    transaction.operation() == Some("CREATE")
}

fn names(owners: &[Keypair]) -> Vec<String> {
    owners.iter().map(|owner| owner.public().to_string()).collect()
}

fn set_owners_before(body: &mut Json, fid: usize, owners: &[String]) {
    let owners: Vec<Json> = owners.iter().map(|owner| owner.as_str().into()).collect();
    if let Some(Json::Array(fulfillments)) = body.get_mut("fulfillments")
        && let Some(place) = fulfillments.get_mut(fid).and_then(|one| one.get_mut("owners_before"))
    {
        *place = owners.into();
    }
}
