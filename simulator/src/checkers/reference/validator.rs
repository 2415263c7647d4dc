//! What makes a transaction valid, written down a second time.
//!
//! From the documentation and ARCHITECTURE.md, "The default rules", not from the node's code: only the
//! text forms of crypto-conditions are read by the node's parser. Here: what a document shows by
//! itself ([`Examined`]). What has to be compared with the VALID history is up to who asks.

use bigchaindb_core::model::cryptoconditions::{Condition, Fulfillment, Subject, Threshold};
use bigchaindb_core::model::{
    Json, NodeKey, Profile, SignatureCheck, Strictness, keccak256_hex, public_key_bytes,
};

use super::documents::unsigned_body;
use super::{Input, TransactionDocument};

/// Where doubles begin to skip whole numbers.
const EXACT: i128 = 1 << 53;
/// How deep a document may be nested, and how long an array may be: what the store gives back.
const NESTING_MAX: usize = 80;
const ARRAY_MAX: usize = 100_000;

/// What a transaction's document shows by itself.
#[derive(Debug, Default)]
pub struct Examined {
    /// Why no rules let it pass; none if it is sound.
    pub wrong: Option<String>,
    /// What is not as documented, though the original did not look at it; none if all is.
    pub odd: Option<String>,
    /// What it spends, each with the condition that its fulfillment opens.
    pub spends: Vec<(Input, String)>,
    /// Whether it is as sound at all times.
    pub timeless: bool,
    /// Whether nobody can tell by which time it was judged, and that matters.
    pub unsure: bool,
}

/// Looks at a document. Timeouts are judged at this time, Unix seconds; `genesis` says whether it may
/// be the first of a chain.
pub fn examine(
    document: &Json,
    is_member: impl Fn(&NodeKey) -> bool,
    at: u64,
    genesis: bool,
    signatures: &dyn SignatureCheck,
) -> Examined {
    let mut examined = Examined { odd: oddity(document), timeless: true, ..Examined::default() };
    let wrong = Examination { document, at, signatures }.run(&mut examined, is_member, genesis);
    examined.wrong = wrong.err();
    examined
}

struct Examination<'a> {
    document: &'a Json,
    at: u64,
    signatures: &'a dyn SignatureCheck,
}

impl Examination<'_> {
    fn run(
        &self,
        examined: &mut Examined,
        is_member: impl Fn(&NodeKey) -> bool,
        genesis: bool,
    ) -> Result<(), String> {
        let says = TransactionDocument::read(self.document);
        let body = self.document.get("transaction").ok_or("it has no body")?;
        let hashed = unsigned_body(body).canonical();
        let hashed = hashed.map_err(|error| format!("it has no canonical text: {error}"))?;
        if keccak256_hex(hashed.as_bytes()) != says.id.as_str() {
            return Err("its id is not its hash".into());
        }
        let fulfillments = body.get("fulfillments").and_then(Json::as_array).unwrap_or(&[]);
        if fulfillments.is_empty() {
            return Err("it has no fulfillment".into());
        }
        let spends = match &*says.operation {
            "GENESIS" if !genesis => return Err("it is a GENESIS after the first block".into()),
            "CREATE" | "GENESIS" => false,
            _ => true,
        };
        if !spends {
            self.creates(&says, fulfillments, is_member)?;
        } else if says.outputs != fulfillments.len() {
            return Err(format!(
                "it makes {} outputs of {} inputs",
                says.outputs,
                fulfillments.len()
            ));
        }
        for (fid, fulfillment) in fulfillments.iter().enumerate() {
            let opens = self.open(examined, fid, fulfillment)?;
            match fulfillment.get("input").and_then(Input::read) {
                Some(input) => examined.spends.push((input, opens)),
                None if spends => return Err(format!("fulfillment {fid} names no input")),
                // The signature of who made it, and nothing else.
                None => self.is_owners(fulfillment, &opens)?,
            }
        }
        Ok(())
    }

    fn creates(
        &self,
        says: &TransactionDocument,
        fulfillments: &[Json],
        is_member: impl Fn(&NodeKey) -> bool,
    ) -> Result<(), String> {
        if fulfillments.len() != 1 || says.outputs != 1 {
            return Err(format!(
                "it is a {} with {} fulfillments and {} outputs",
                says.operation,
                fulfillments.len(),
                says.outputs
            ));
        }
        if fulfillments[0].get("input").is_some_and(Json::is_truthy) {
            return Err(format!("it is a {} and spends something", says.operation));
        }
        let owner = first_owner(&fulfillments[0]).unwrap_or_default();
        if is_member(&NodeKey::from(owner)) {
            return Ok(());
        }
        Err(format!("it is a {} by {owner:?}, who is not of the federation", says.operation))
    }

    fn is_owners(&self, fulfillment: &Json, opens: &str) -> Result<(), String> {
        let owner = first_owner(fulfillment).and_then(|owner| public_key_bytes(owner).ok());
        let wanted = owner.and_then(|owner| Fulfillment::ed25519(owner).condition_uri().ok());
        if wanted.as_deref() == Some(opens) {
            return Ok(());
        }
        Err("it is not signed by who made it".into())
    }

    /// Which condition a fulfillment opens, if it does.
    fn open(
        &self,
        examined: &mut Examined,
        fid: usize,
        fulfillment: &Json,
    ) -> Result<String, String> {
        let text = fulfillment.get("fulfillment").and_then(Json::as_str);
        let text = text.ok_or_else(|| format!("fulfillment {fid} is missing"))?;
        let unreadable = |error| format!("fulfillment {fid} cannot be read: {error}");
        let parsed = Fulfillment::parse(text, Profile::Default).map_err(unreadable)?;
        let message = self.message(fulfillment).ok_or("its messages cannot be written")?;
        let opens = parsed.condition_uri().map_err(unreadable)?;
        if parsed.depends_on_time() {
            examined.timeless = false;
        }
        let range = self.weigh(&parsed, &message);
        if range.surely {
            return Ok(opens);
        }
        Err(format!("fulfillment {fid} does not open its condition"))
    }

    /// The text that a fulfillment signs.
    fn message(&self, fulfillment: &Json) -> Option<String> {
        let body = self.document.get("transaction")?;
        let fid = usize::try_from(fulfillment.get("fid")?.as_i64()?).ok()?;
        let condition = body.get("conditions")?.as_array()?.get(fid)?;
        let mut unsigned = fulfillment.clone();
        if let Json::Object(fields) = &mut unsigned {
            fields.insert("fulfillment", Json::Null);
        }
        let field = |name| body.get(name).cloned();
        let message = Json::object([
            ("condition", condition.clone()),
            ("data", field("data")?),
            ("fulfillment", unsigned),
            ("id", self.document.get("id")?.clone()),
            ("operation", field("operation")?),
            ("timestamp", field("timestamp")?),
            ("version", field("version")?),
        ]);
        message.canonical().ok()
    }

    /// What is known of a fulfillment: what is left out of it may hold or not.
    fn weigh(&self, fulfillment: &Fulfillment, message: &str) -> Known {
        match fulfillment {
            Fulfillment::Preimage(_) => Known::from(true),
            Fulfillment::Ed25519(leaf) => Known::from(leaf.signature.is_some_and(|signature| {
                let text = message.as_bytes();
                self.signatures.verify(&leaf.public_key, text, &signature, Strictness::Strict)
            })),
            Fulfillment::Timeout(_) => {
                let last = fulfillment.expiries().first().copied();
                Known::from(last.is_some_and(|last| self.at <= last))
            }
            Fulfillment::Threshold(threshold) => self.weigh_parts(threshold, message),
            Fulfillment::Inverted(threshold) => {
                let Known { surely, possibly } = self.weigh_parts(threshold, message);
                Known { surely: !possibly, possibly: !surely }
            }
        }
    }

    fn weigh_parts(&self, threshold: &Threshold, message: &str) -> Known {
        let (mut least, mut most) = (0_u128, 0_u128);
        for part in &threshold.parts {
            let known = match part.subject() {
                Subject::Fulfillment(fulfillment) => self.weigh(fulfillment, message),
                Subject::Condition(_) => Known { surely: false, possibly: true },
            };
            least += if known.surely { u128::from(part.weight()) } else { 0 };
            most += if known.possibly { u128::from(part.weight()) } else { 0 };
        }
        let wanted = u128::from(threshold.threshold);
        Known { surely: least >= wanted, possibly: most >= wanted }
    }
}

/// Whether something holds.
#[derive(Clone, Copy)]
struct Known {
    surely: bool,
    possibly: bool,
}

impl From<bool> for Known {
    fn from(holds: bool) -> Self {
        Self { surely: holds, possibly: holds }
    }
}

fn first_owner(fulfillment: &Json) -> Option<&str> {
    fulfillment.get("owners_before")?.as_array()?.first()?.as_str()
}

/// What is not as documented: the first such thing. The row of a table may have fields of its own
/// beside `id` and `transaction`; they are not looked at.
fn oddity(document: &Json) -> Option<String> {
    let body = document.get("transaction")?;
    let odd = |at: &str| Some(format!("`{at}` is not as documented"));
    if let Some(reason) = not_kept(document) {
        return Some(reason);
    }
    let names = ["conditions", "data", "fulfillments", "operation", "timestamp", "version"];
    if !has_fields(body, &names) || body.get("version") != Some(&Json::Int(1)) {
        return odd("transaction");
    }
    let is_time = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !body.get("timestamp").and_then(Json::as_str).is_some_and(is_time) {
        return odd("timestamp");
    }
    let data = body.get("data")?;
    let payload = data.get("payload");
    let payload_fits = payload.is_some_and(|one| one.is_null() || one.as_object().is_some());
    if !has_fields(data, &["payload", "uuid"])
        || !payload_fits
        || data.get("uuid").and_then(Json::as_str).is_none()
    {
        return odd("data");
    }
    let list = |name| body.get(name).and_then(Json::as_array).unwrap_or(&[]);
    let spends = match body.get("operation").and_then(Json::as_str) {
        Some("TRANSFER") => true,
        Some("CREATE" | "GENESIS") => false,
        _ => return odd("operation"),
    };
    let mut fulfillments = list("fulfillments").iter().enumerate();
    if !fulfillments.all(|(fid, one)| is_usual_fulfillment(one, fid, spends)) {
        return odd("fulfillments");
    }
    let inputs: Vec<_> = list("fulfillments").iter().filter_map(|one| one.get("input")).collect();
    if spends && (1..inputs.len()).any(|at| inputs[..at].contains(&inputs[at])) {
        return odd("fulfillments: an input twice");
    }
    let mut conditions = list("conditions").iter().enumerate();
    if !conditions.all(|(cid, one)| is_usual_condition(one, cid)) {
        return odd("conditions");
    }
    None
}

fn is_usual_fulfillment(fulfillment: &Json, fid: usize, spends: bool) -> bool {
    let input = fulfillment.get("input").unwrap_or(&Json::Null);
    let owners = fulfillment.get("owners_before");
    let is_hash = |text: &str| {
        text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    has_fields(fulfillment, &["fid", "fulfillment", "input", "owners_before"])
        && fulfillment.get("fid") == Some(&Json::from(fid as u64))
        && owners.is_some_and(is_owners)
        && if spends {
            has_fields(input, &["cid", "txid"])
                && input.get("txid").and_then(Json::as_str).is_some_and(is_hash)
                && input.get("cid").and_then(Json::as_i64).is_some_and(|cid| cid >= 0)
        } else {
            input.is_null() && owners.and_then(Json::as_array).is_some_and(|all| all.len() == 1)
        }
}

fn is_usual_condition(output: &Json, cid: usize) -> bool {
    let guard = output.get("condition").unwrap_or(&Json::Null);
    let owners = output.get("owners_after");
    let uri = guard.get("uri").and_then(Json::as_str);
    let condition = uri.and_then(|uri| Condition::parse(uri, Profile::Default).ok());
    let details = guard.get("details");
    has_fields(output, &["cid", "condition", "owners_after"])
        && output.get("cid") == Some(&Json::from(cid as u64))
        && owners.is_some_and(|owners| owners.is_null() || is_owners(owners))
        && (has_fields(guard, &["details", "uri"]) || has_fields(guard, &["uri"]))
        && details.is_none_or(|details| details.is_null() || details.as_object().is_some())
        && condition.is_some_and(|condition| condition.validate().is_ok())
}

fn is_owners(owners: &Json) -> bool {
    owners.as_array().is_some_and(|owners| owners.iter().all(|owner| owner.as_str().is_some()))
}

pub(super) fn has_fields(value: &Json, names: &[&str]) -> bool {
    let fields = value.as_object().map(|object| object.iter().map(|(name, _)| name));
    fields.is_some_and(|fields| fields.eq(names.iter().copied()))
}

/// What the store would not give back as it was, and so would not hash to its id any more.
pub(super) fn not_kept(document: &Json) -> Option<String> {
    let mut places = vec![(document, 1)];
    while let Some((place, level)) = places.pop() {
        match place {
            Json::Null | Json::Bool(_) => {}
            Json::Int(number) if (-EXACT..=EXACT).contains(number) => {}
            Json::Int(_) | Json::BigInt(_) => {
                return Some("it holds an integer beyond 2^53".into());
            }
            Json::Float(number) => {
                let is_minus_zero = *number == 0.0 && number.is_sign_negative();
                #[expect(clippy::cast_precision_loss, reason = "a power of two")]
                let whole = number.fract() == 0.0 && number.abs() <= EXACT as f64;
                if !number.is_finite() || (whole && !is_minus_zero) {
                    return Some(format!("it holds {number} as a float"));
                }
            }
            Json::String(text) if text.contains('\0') => return Some("it holds U+0000".into()),
            Json::String(_) => {}
            Json::Array(_) | Json::Object(_) if level > NESTING_MAX => {
                return Some(format!("it is nested deeper than {NESTING_MAX} levels"));
            }
            Json::Array(items) if items.len() > ARRAY_MAX => {
                return Some(format!("it holds an array of more than {ARRAY_MAX} items"));
            }
            Json::Array(items) => places.extend(items.iter().map(|item| (item, level + 1))),
            Json::Object(fields) => {
                for (name, value) in fields.iter() {
                    if name == "$reql_type$" || name.contains('\0') {
                        return Some(format!("it has a key {name:?}"));
                    }
                    places.push((value, level + 1));
                }
            }
        }
    }
    None
}

/// Whether a node can make a CREATE of what was posted: none if nobody can tell.
pub fn can_create(posted: &Json) -> Option<bool> {
    let body = posted.get("transaction")?;
    let first = body.get("fulfillments")?.as_array()?.first()?;
    let owners: Vec<&Json> = match first.get("owners_before")? {
        Json::Array(owners) => owners.iter().collect(),
        owner => vec![owner],
    };
    let is_key = |owner: &&Json| owner.as_str().is_some_and(|key| public_key_bytes(key).is_ok());
    // More owners than this make a condition that cannot be written; fewer are plain.
    if owners.is_empty() || owners.len() > 20 || !owners.iter().all(is_key) {
        return None;
    }
    let payload = body.get("data").and_then(|data| data.get("payload")).unwrap_or(&Json::Null);
    let fits = payload.is_null() || payload.as_object().is_some();
    Some(fits && not_kept(payload).is_none())
}
