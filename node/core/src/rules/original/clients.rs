//! What the original told its clients: its handlers caught only what they expected.

use super::super::{ClientRules, Federation, InvalidTransaction, Phase, Wording};
use crate::model::{Json, NodeKey, Raised, Transaction, item};

/// The deepest level of a document that the original's driver wrote, the document itself being
/// level 1.
const MAX_LEVEL: usize = 20;

/// The key that RethinkDB keeps for values of its own.
const PSEUDO_TYPE: &str = "$reql_type$";

/// What the original told its clients.
#[derive(Clone, Copy, Debug)]
pub(super) struct OriginalClients;

impl ClientRules for OriginalClients {
    fn wording(&self) -> Wording {
        Wording::Original
    }

    /// It asked for the operation first, and for the id only after much else.
    fn read(&self, posted: Json) -> Result<Transaction, InvalidTransaction> {
        item(item(&posted, "transaction")?, "operation")?;
        Ok(match posted.get("id") {
            Some(Json::String(_)) => Transaction::from_document(posted)?,
            _ => Transaction::unnamed(posted)?,
        })
    }

    /// A judgement's expected errors became "no"; everything else, wherever it came from, a 500.
    fn falls_over(&self, phase: Phase, reason: &InvalidTransaction) -> bool {
        phase == Phase::Reading || !reason.is_expected()
    }

    /// Anyone but itself, if there is anyone.
    fn assignees<'a>(&self, federation: &'a Federation) -> &'a [NodeKey] {
        match federation.others() {
            [] => federation.voters(),
            others => others,
        }
    }
}

/// Whether the original's driver, and the server behind it, took a document.
///
/// # Errors
/// What they raised. A time or binary value of RethinkDB's own was accepted, and killed whoever read
/// it; here it is refused like any other.
pub(super) fn check_writable(document: &Json) -> Result<(), Raised> {
    let mut open = vec![(document, 1)];
    while let Some((value, level)) = open.pop() {
        if level > MAX_LEVEL {
            return Err(Raised::new("ReqlDriverCompileError", "Nesting depth limit exceeded."));
        }
        match value {
            Json::Float(number) if !number.is_finite() => {
                let text = format!("Cannot convert `{number}` to JSON.");
                return Err(Raised::new("ReqlQueryLogicError", text));
            }
            Json::Array(items) => open.extend(items.iter().map(|item| (item, level + 1))),
            Json::Object(fields) if fields.get(PSEUDO_TYPE).is_some() => {
                let text = format!("a value with the key `{PSEUDO_TYPE}`");
                return Err(Raised::new("ReqlQueryLogicError", text));
            }
            Json::Object(fields) => {
                open.extend(fields.iter().map(|(_, value)| (value, level + 1)));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_driver_refused_is_told_by_level_and_kind() {
        let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
        let raised = |text: &str| {
            let document = Json::parse(text.as_bytes()).unwrap();
            check_writable(&document).err().map(|raised| raised.class)
        };
        assert_eq!(raised(&nested(20)), None);
        assert_eq!(raised(&nested(21)), Some("ReqlDriverCompileError"));
        assert_eq!(raised(&nested(20).replace("[]", "[1]")), Some("ReqlDriverCompileError"));
        assert_eq!(raised(r#"{"a":[NaN]}"#), Some("ReqlQueryLogicError"));
        assert_eq!(raised(r#"{"a":{"$reql_type$":"TIME"}}"#), Some("ReqlQueryLogicError"));
    }
}
