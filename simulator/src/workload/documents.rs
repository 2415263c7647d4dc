//! The documents that clients sign: equal seeds give equal bytes.
//!
//! Every operation has a key of its own, the owner of the output it makes. Not here: when a document
//! is sent, and where (`workload::driver`), documents of richer conditions (`bigchaindb_core`).

use std::sync::Arc;

use bigchaindb_core::model::{Draft, Json, Keypair, Output, Profile, SignError, Transaction};

use crate::chance::{Domain, draw_bytes};
use crate::plan::{Action, Operation};

/// Who signs, and when the run began.
#[derive(Debug)]
pub(super) struct Clients {
    seed: u64,
    started_unix_ms: u64,
}

impl Clients {
    pub(super) fn new(seed: u64, started_unix_ms: u64) -> Self {
        Self { seed, started_unix_ms }
    }

    /// A CREATE of and for the operation's owner. The node that receives it makes its own of it, for
    /// the same owner and with the same payload.
    pub(super) fn create(&self, operation: &Operation) -> Arc<Transaction> {
        let owner = self.owner(operation.number);
        let owners_after = vec![owner.public().to_string()];
        let (uuid, timestamp) = (self.uuid(operation), self.timestamp(operation));
        let draft = Draft::create(owner.public(), owners_after, uuid, timestamp);
        self.signed(operation, draft, &owner, None).expect("owners can sign for themselves")
    }

    /// A TRANSFER of the output that operation `input` made in `spent`, to the operation's owner.
    ///
    /// # Errors
    /// If `spent`, which a node has made, does not belong to the owner that was asked for.
    pub(super) fn transfer(
        &self,
        operation: &Operation,
        input: u32,
        spent: &Arc<Transaction>,
    ) -> Result<Arc<Transaction>, SignError> {
        let (before, after) = (self.owner(input), self.owner(operation.number));
        let inputs = vec![Output { txid: spent.id().clone(), cid: 0, oddity: None }];
        let (uuid, timestamp) = (self.uuid(operation), self.timestamp(operation));
        let owners = |owner: &Keypair| vec![owner.public().to_string()];
        let draft = Draft::transfer(owners(&before), owners(&after), inputs, uuid, timestamp);
        self.signed(operation, draft, &before, Some(spent))
    }

    fn owner(&self, operation: u32) -> Keypair {
        Keypair::from_seed(draw_bytes(self.seed, Domain::ClientKey, operation.into(), 0))
    }

    fn signed(
        &self,
        operation: &Operation,
        draft: Draft,
        signer: &Keypair,
        spent: Option<&Arc<Transaction>>,
    ) -> Result<Arc<Transaction>, SignError> {
        let draft = Draft { payload: self.payload(operation), ..draft };
        let unsigned = draft.transaction()?;
        Ok(Arc::new(unsigned.sign(&[signer], Profile::Default, &|_| spent.cloned())?))
    }

    /// The client's clock, Unix seconds.
    fn timestamp(&self, operation: &Operation) -> u64 {
        (self.started_unix_ms + operation.at_us / 1_000) / 1_000
    }

    /// An object of this many bytes, as JSON; `null` if there is no room for one.
    fn payload(&self, operation: &Operation) -> Json {
        const FRAME: usize = r#"{"filling":""}"#.len();
        let size = match operation.action {
            Action::Create { payload_bytes }
            | Action::Transfer { payload_bytes, .. }
            | Action::Conflict { payload_bytes, .. } => payload_bytes as usize,
            Action::Duplicate { .. } => 0,
        };
        let Some(length) = size.checked_sub(FRAME) else { return Json::Null };
        let mut filling = String::with_capacity(length + 32);
        for piece in 0.. {
            if filling.len() >= length {
                break;
            }
            let bytes = draw_bytes(self.seed, Domain::Payload, operation.number.into(), piece);
            filling.extend(bytes.iter().map(|byte| char::from(b'a' + byte % 26)));
        }
        filling.truncate(length);
        Json::object([("filling", filling.into())])
    }

    fn uuid(&self, operation: &Operation) -> String {
        let mut bytes = draw_bytes(self.seed, Domain::Uuid, operation.number.into(), 0);
        // RFC 4122: version 4 in the seventh byte, variant 1 in the ninth.
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let hex: String = bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }
}
